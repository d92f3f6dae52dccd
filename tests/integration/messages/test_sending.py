"""Sending the outbox to a real SMTP server, with addresses and names that only a real keeper knows."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from uuid import UUID

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from fixtures.keeper import RunningKeeper, free_port
from hoeksteen.disclosure import SealItem
from hoeksteen.disclosure.operations import store
from hoeksteen.kernel.errors import InvalidInput, Unavailable
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.sealed import Category
from hoeksteen.messages.model import RETRY_AFTER, MessageKind, MessageState, NewMessage, Outcome, Sending, SmtpServer
from hoeksteen.messages.operations import enqueue, send_due
from hoeksteen.messages.queries import attempts, counts, sent_to, waiting
from hoeksteen.party import operations as party
from hoeksteen.party.model import NewCustomer
from hoeksteen.storage.postgres import Database

NOW = datetime(2026, 11, 1, 8, tzinfo=UTC)


@dataclass
class Mailbox:
    """What the server took; and what it answers, where a test wants something else."""

    answers: list[str] = field(default_factory=list)
    at_recipient: list[str] = field(default_factory=list)
    taken: list[Envelope] = field(default_factory=list)

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802
        if self.at_recipient:
            return self.at_recipient.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = self.answers.pop(0) if self.answers else "250 2.0.0 Ok: queued as 4F2A"
        if answer.startswith("2"):
            self.taken.append(envelope)
        return answer


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, SmtpServer]]:
    box, port = Mailbox(), free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box, SmtpServer("127.0.0.1", port, tls="none")
    finally:
        controller.stop()


def _customer(database: Database, keeper: RunningKeeper, name: str, *, language: str = "nl", email: str | None = "klant@voorbeeld.nl") -> UUID:
    customer_id, party_id = derived("messages", name), derived("messages party", name, str(database))
    with database.transaction() as tx:
        new = NewCustomer(customer_id, party_id, "individual", "consumer", date(2020, 1, 1), language=language)  # type: ignore[arg-type]
        party.add_customers(tx=tx, customers=[new], now=NOW)
        identity = {"kind": "individual", "initials": "J.", "family_name_prefix": "van den", "family_name": "Berg"}
        contact = {"addresses": [], "phones": [], "sims": [], "emails": [email] if email else []}
        for category, fields in ((Category.IDENTITY, identity), (Category.CONTACT, contact)):
            store(tx=tx, keeper=keeper.client("bss"), purpose="migration", category=category, items=[SealItem(party_id, fields)])
        parameters = {"bill_number": "LLT-2026-00000007", "amount": "1234.50", "due_date": "2026-11-15"}
        enqueue(tx=tx, messages=[NewMessage(customer_id, derived("message", name), MessageKind.BILL_READY, parameters, NOW)])
    return customer_id


def _send(database: Database, keeper: RunningKeeper, server: SmtpServer, now: datetime = NOW) -> Sending:
    return send_due(database=database, keeper=keeper.client("bss"), server=server, now=now)


def test_a_bill_is_announced_and_the_evidence_kept(database: Database, keeper: RunningKeeper, mailbox: tuple[Mailbox, SmtpServer]) -> None:
    box, server = mailbox
    customer_id = _customer(database, keeper, "a")
    assert _send(database, keeper, server) == Sending(1, 0, 0)
    (envelope,) = box.taken
    assert isinstance(envelope.content, bytes)
    mail = message_from_bytes(envelope.content, policy=policy.default)
    assert (envelope.rcpt_tos, mail["To"]) == (["klant@voorbeeld.nl"], "klant@voorbeeld.nl")
    assert mail["Subject"] == "Uw factuur LLT-2026-00000007 staat klaar"
    body = mail.get_content()
    assert "Beste J. van den Berg," in body
    assert "€ 1.234,50" in body
    assert "15 november 2026" in body
    with database.transaction() as tx:
        (message,) = sent_to(tx=tx, customer_id=customer_id)
        (attempt,) = attempts(tx=tx, customer_id=customer_id, message_id=message.message_id)
        assert counts(tx=tx) == {"sent": 1}
    assert message.state is MessageState.SENT
    assert str(message.message_id) in mail["Message-ID"]
    assert (attempt.outcome, attempt.reply_code, attempt.reply) == (Outcome.ACCEPTED, 250, "2.0.0 Ok: queued as 4F2A")
    sent_bytes = envelope.content.replace(b"\r\n", b"\n").rstrip(b"\n") + b"\n"
    assert attempt.digest == hashlib.sha256(sent_bytes).digest()
    assert _send(database, keeper, server) == Sending(0, 0, 0)


def test_in_english(database: Database, keeper: RunningKeeper, mailbox: tuple[Mailbox, SmtpServer]) -> None:
    box, server = mailbox
    _customer(database, keeper, "english", language="en")
    _send(database, keeper, server)
    assert isinstance(box.taken[0].content, bytes)
    body = message_from_bytes(box.taken[0].content, policy=policy.default).get_content()
    assert "Dear J. van den Berg," in body
    assert "€ 1,234.50" in body


def test_what_is_deferred_is_tried_again_later_and_then_given_up(
    database: Database, keeper: RunningKeeper, mailbox: tuple[Mailbox, SmtpServer]
) -> None:
    box, server = mailbox
    customer_id = _customer(database, keeper, "deferred")
    box.answers = ["451 try again later"] * 6
    now = NOW
    for delay in RETRY_AFTER:
        assert _send(database, keeper, server, now) == Sending(0, 1, 0)
        assert _send(database, keeper, server, now + delay - timedelta(seconds=1)) == Sending(0, 0, 0)
        now += delay
    assert _send(database, keeper, server, now) == Sending(0, 0, 1)
    with database.transaction() as tx:
        (message,) = sent_to(tx=tx, customer_id=customer_id)
        tried = attempts(tx=tx, customer_id=customer_id, message_id=message.message_id)
    assert (message.state, [one.attempt for one in tried]) == (MessageState.FAILED, [1, 2, 3, 4, 5, 6])
    assert tried[0].digest is None


def test_an_address_that_is_refused_is_not_kept_in_the_evidence(
    database: Database, keeper: RunningKeeper, mailbox: tuple[Mailbox, SmtpServer]
) -> None:
    box, server = mailbox
    customer_id = _customer(database, keeper, "refused")
    box.at_recipient = ["550 5.1.1 <klant@voorbeeld.nl>: unknown user"]
    assert _send(database, keeper, server) == Sending(0, 0, 1)
    with database.transaction() as tx:
        (message,) = sent_to(tx=tx, customer_id=customer_id)
        (attempt,) = attempts(tx=tx, customer_id=customer_id, message_id=message.message_id)
    assert (attempt.outcome, attempt.reply_code, attempt.reply) == (Outcome.REFUSED, 550, "5.1.1 (address): unknown user")


def test_without_an_address_a_person_has_to_look(database: Database, keeper: RunningKeeper, mailbox: tuple[Mailbox, SmtpServer]) -> None:
    _, server = mailbox
    _customer(database, keeper, "no address", email=None)
    assert _send(database, keeper, server) == Sending(0, 0, 1)


def test_a_server_that_is_not_there_changes_nothing(database: Database, keeper: RunningKeeper) -> None:
    _customer(database, keeper, "no server")
    with pytest.raises(Unavailable, match="does not answer"):
        _send(database, keeper, SmtpServer("127.0.0.1", free_port(), tls="none"))
    with pytest.raises(InvalidInput, match="tls"):
        _send(database, keeper, SmtpServer("127.0.0.1", 25, tls="perhaps"))
    with database.transaction() as tx:
        assert [message.attempts for message in waiting(tx=tx)] == [0]


def test_a_server_without_tls_gets_nothing_where_tls_is_asked(database: Database, keeper: RunningKeeper, mailbox: tuple[Mailbox, SmtpServer]) -> None:
    box, server = mailbox
    _customer(database, keeper, "tls")
    with pytest.raises(Unavailable):
        _send(database, keeper, SmtpServer(server.host, server.port))
    assert box.taken == []
