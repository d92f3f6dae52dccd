"""The commands that send messages, against a real mail server."""

import json
from pathlib import Path

from factories.billed_operator import NOW, BilledOperator, populate
from fixtures.commands import figures_and_text
from fixtures.mailbox import Mailbox
from hoeksteen.disclosure import SealItem
from hoeksteen.disclosure.operations import store
from hoeksteen.interfaces.cli.messages import messages
from hoeksteen.kernel.sealed import Category
from hoeksteen.messages.model import SmtpServer


def test_bills_are_announced_and_what_fails_is_shown_without_its_address(
    operator: BilledOperator, data: Path, mailbox: tuple[Mailbox, SmtpServer]
) -> None:
    box, server = mailbox
    populate(operator, customers=4, seed=4, records=0)
    broken = operator.held[0]
    with operator.database.transaction() as tx:
        item = SealItem(broken.party_id, {"addresses": [], "phones": [], "sims": [], "emails": ["secret(a)voorbeeld.nl"]})
        store(tx=tx, keeper=operator.keeper, purpose="migration", category=Category.CONTACT, items=[item])
        number = tx.value("SELECT customer_number FROM party.customer WHERE customer_id = %s", (broken.customer_id,))
    operator.run(now=NOW)
    assert figures_and_text(messages, data, "show")[0] == {"messages": {"waiting": 4, "sent": 0, "failed": 0}, "failures": []}
    sent, told = figures_and_text(messages, data, "send", "--server", server.host, "--port", str(server.port), "--tls", "none")
    assert sent == {"sent": 3, "deferred": 0, "failed": 1, "waiting": 0}
    assert told.strip() == "3 sent, 0 deferred, 1 failed; 0 wait."
    assert len(box.taken) == 3
    shown, told = figures_and_text(messages, data, "show")
    assert shown["messages"] == {"waiting": 0, "sent": 3, "failed": 1}
    assert [(one["customer_number"], one["reply"]) for one in shown["failures"]] == [(number, "the e-mail address is malformed")]
    assert number in told and "malformed" in told and "secret" not in told + json.dumps(shown)
