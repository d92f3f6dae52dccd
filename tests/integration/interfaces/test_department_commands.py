"""Departments, as people type them and as the pages show them."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from factories.billed_operator import NOW, BilledOperator
from hoeksteen.interfaces.cli.bill import bill
from hoeksteen.kernel.errors import InvalidInput, NotFound
from hoeksteen.party.model import NewBillingAccount
from hoeksteen.party.operations import add_billing_accounts
from hoeksteen.party.queries import billing_accounts


def test_moving_showing_and_drawing(operator: BilledOperator, data: Path, tmp_path: Path) -> None:
    own, mobile = operator.add("business-internet", "business-mobile", segment="business")
    with operator.database.transaction() as tx:
        account_id = operator.identifiers.new(NOW)
        add_billing_accounts(tx=tx, billing_accounts=[NewBillingAccount(own.customer_id, account_id, "transfer", False)])
        tx.execute("UPDATE product.product SET billing_account_id = %s WHERE product_id = %s", (account_id, mobile.product_id))
        numbers = {one.billing_account_id: one.billing_account_number for one in billing_accounts(tx=tx, customer_id=own.customer_id)}
    top, department = numbers[own.billing_account_id], numbers[account_id]

    def call(*words: str) -> dict[str, Any]:
        done = CliRunner().invoke(bill, [*words, "--data", str(data), "--json"])
        if done.exception:
            raise done.exception
        return dict(json.loads(done.stdout.strip().splitlines()[-1]))

    customer = str(own.customer_id)
    for words in (
        ("--move", department),
        ("--to", top, "--from", "2026-10-01"),
        ("--move", department, "--to", top, "--alone", "--from", "2026-10-01"),
    ):
        with pytest.raises(InvalidInput, match="A move names"):
            call("departments", customer, *words)
    with pytest.raises(NotFound, match="no billing account 1"):
        call("departments", customer, "--move", "1", "--to", top, "--from", "2026-10-01")
    (told,) = call("departments", customer, "--move", department, "--to", top, "--from", "2026-10-01")["departments"]
    assert told == {"billing_account_number": department, "parent": top, "valid_from": "2026-10-01", "valid_to": None}
    operator.run(date(2026, 10, 1))
    (billed,) = operator.bills(own)
    shown = call("show", str(billed.bill_number))
    assert [one["billing_account_number"] for one in shown["departments"]] == [top, department]
    assert {line["billing_account_number"] for line in shown["lines"]} == {top, department}
    table = CliRunner(env={"COLUMNS": "160"}).invoke(bill, ["show", str(billed.bill_number), "--data", str(data)]).stdout
    assert f"account {department}" in table
    out = tmp_path / "department.pdf"
    drawn = CliRunner().invoke(bill, ["pdf", str(billed.bill_number), "--department", department, "--out", str(out), "--data", str(data)])
    assert drawn.exit_code == 0 and out.read_bytes().startswith(b"%PDF")
    (ended,) = call("departments", customer, "--move", department, "--alone", "--from", "2026-12-01")["departments"]
    assert ended["valid_to"] == "2026-12-01"
