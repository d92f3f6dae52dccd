"""`hoeksteen audit month`, against real parts."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from factories.billed_operator import BilledOperator, populate
from hoeksteen.interfaces.cli.audit import audit
from hoeksteen.kernel.errors import Corrupt


def _result(data: Path, *words: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(audit, ["month", "--period", "2026-10", "--data", str(data), *words])


def test_a_month_is_added_up_and_a_difference_ends_it_with_corrupt(operator: BilledOperator, data: Path) -> None:
    populate(operator, customers=6, seed=4)
    gross = operator.run().totals.gross
    done = _result(data, "--json")
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert (done.exit_code, found["differences"], found["bills"], found["gross"], found["ledger"]) == (0, [], 6, str(gross), str(gross))
    assert found["usage"] == found["usage_lines"] != "0"
    assert (found["until"], found["open_items"], found["debtors"]) == ("2026-11-01", str(gross), str(gross))
    told = _result(data).stdout
    assert "0 differences" in told and "6 bills = ledger" in told and "usage records = their states" in told
    with operator.database.transaction() as tx:
        tx.execute("UPDATE billing.customer_bill SET net = net + 1, gross = gross + 1 WHERE bill_number = 'LLT-2026-00000001'")
    broken = _result(data)
    assert isinstance(broken.exception, Corrupt), "exit status 70"
    assert "bill = ledger LLT-2026-00000001" in broken.stdout
