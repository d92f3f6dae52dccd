"""Choosing a specification, on the customer's own page, on the desk and by command; and taking it as CSV."""

import csv
import json
import re
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from factories.billed_operator import BilledOperator
from fixtures.sites import SEEDS, Browser, World
from hoeksteen.interfaces.cli.bill import bill
from hoeksteen.kernel.errors import InvalidInput, WrongState
from hoeksteen.party.operations import set_itemisation
from hoeksteen.party.queries import billing_accounts


def opened(agent: Browser, customer_number: str) -> None:
    """Say why the agent looks."""
    assert agent.post("/search", {"q": customer_number, "channel": "phone"}).status_code == 303


def _choice(world: World, customer_id: object) -> str:
    with world.database.transaction() as tx:
        return str(tx.value("SELECT itemisation FROM party.billing_account WHERE customer_id = %s", (customer_id,)))


def test_customers_choose_for_themselves_and_for_nobody_else(world: World) -> None:
    customer, other = world.customer(surname="Kiezerx"), world.customer(surname="Anderx")
    actor = f"c{SEEDS.randrange(10**12)}"
    world.keeper.add_customer(actor, customer.party_id)
    me = Browser(world.hosts, "mydata", {"mydata_session": world.keeper.session(actor, "mydata").token})
    (where,) = re.findall(r'action="(/itemisation/[^"]+)"', me.get("/").text)
    assert me.post(where, {"itemisation": "masked"}).status_code == 303
    assert _choice(world, customer.customer_id) == "masked"
    assert '<option value="masked" selected>' in me.get("/").text
    assert me.post(where, {"itemisation": "everything"}).status_code == 400
    with world.database.transaction() as tx:
        (theirs,) = billing_accounts(tx=tx, customer_id=other.customer_id)
    assert me.post(f"/itemisation/{other.customer_id}/{theirs.billing_account_id}", {"itemisation": "full"}).status_code == 404
    assert me.post(f"/itemisation/{customer.customer_id}/{theirs.billing_account_id}", {"itemisation": "full"}).status_code == 404
    assert _choice(world, other.customer_id) == "none"


def test_an_agent_notes_the_choice_of_who_is_on_the_line(world: World) -> None:
    customer = world.customer()
    agent = world.staff("anna.dekker")
    with world.database.transaction() as tx:
        (account,) = billing_accounts(tx=tx, customer_id=customer.customer_id)
    where = f"/customers/{customer.customer_id}"
    agent.post(f"{where}/itemisation/{account.billing_account_id}", {"itemisation": "full"})
    assert _choice(world, customer.customer_id) == "none", "without a reason to look nothing changes"
    opened(agent, customer.customer_number)
    agent.post(f"{where}/itemisation/{account.billing_account_id}", {"itemisation": "full"})
    assert _choice(world, customer.customer_id) == "full"


def test_by_command_and_as_csv(operator: BilledOperator, data: Path, tmp_path: Path) -> None:
    (one,) = operator.add("mobile-m")
    operator.charge([one], month=date(2026, 10, 1), records=3, called=(31612345678,))
    operator.run()
    number, out = str(operator.bills(one)[0].bill_number), tmp_path / "records.csv"

    def call(*words: str) -> dict[str, object]:
        done = CliRunner().invoke(bill, [*words, "--data", str(data), "--json"])
        if done.exception:
            raise done.exception
        return dict(json.loads(done.stdout.strip().splitlines()[-1]))

    with pytest.raises(WrongState, match="has no specification"):
        call("specification", number, "--out", str(out))
    told = call("terms", str(one.customer_id), "--itemisation", "masked")["billing_accounts"]
    assert isinstance(told, list) and told[0]["itemisation"] == "masked"
    figures = call("specification", number, "--out", str(out))
    assert (figures["lines"], figures["records"], figures["left_out"]) == (6, 18, 0)
    assert out.stat().st_mode & 0o777 == 0o600, "whom somebody called"
    rows = list(csv.DictReader(out.open()))
    assert {row["number"] for row in rows} == {"3161234xxxx", ""} and len(rows) == 18
    documents = call("documents", "--period", "2026-10", "--out", str(tmp_path / "all"), "--kind", "pdf", "--processes", "1")
    assert documents["written"] == 1
    with operator.database.transaction() as tx, pytest.raises(InvalidInput):
        set_itemisation(tx=tx, customer_id=one.customer_id, billing_account_id=one.billing_account_id, itemisation="some")
