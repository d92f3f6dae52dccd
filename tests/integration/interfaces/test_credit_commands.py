"""`hoeksteen bill credit`, as people type it."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from factories.billed_operator import BilledOperator
from hoeksteen.interfaces.cli.bill import bill
from hoeksteen.kernel.errors import InvalidInput, WrongState


def _result(data: Path, *words: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(bill, [*words, "--data", str(data)])


def _credit(data: Path, number: str, *words: str) -> dict[str, Any]:
    done = _result(data, "credit", number, *words, "--why", "was out of order", "--by", "bram.visser", "--json")
    if done.exception:
        raise done.exception
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def test_a_part_then_the_rest(operator: BilledOperator, data: Path, tmp_path: Path) -> None:
    (held,) = operator.add("mobile-m")
    operator.run()
    (billed,) = operator.bills(held)
    number = str(billed.bill_number)
    first = _credit(data, number, "--line", "1=5.00")
    assert (first["bill_number"], first["credits"], first["gross"], first["settled"]) == ("LLT-2026-00000002", number, "-5.00", "5.00")
    assert Decimal(first["balance"]) == billed.gross - 5
    rest = _credit(data, number)
    assert (Decimal(rest["gross"]), rest["balance"]) == (5 - billed.gross, "0.00")
    drawn = _result(data, "pdf", "LLT-2026-00000002", "--out", str(tmp_path / "note.pdf"))
    assert drawn.exit_code == 0 and (tmp_path / "note.pdf").read_bytes().startswith(b"%PDF")
    shown = json.loads(_result(data, "show", number, "--json").stdout.strip().splitlines()[-1])
    assert [note["bill_number"] for note in shown["credit_notes"]] == ["LLT-2026-00000002", "LLT-2026-00000003"]
    assert "credited by LLT-2026-00000002" in _result(data, "show", number).stdout
    with pytest.raises(WrongState):
        _credit(data, number)


def test_people_read_a_table_and_a_refusal_names_the_option(operator: BilledOperator, data: Path) -> None:
    (held,) = operator.add("mobile-m")
    operator.run()
    number = str(operator.bills(held)[0].bill_number)
    told = _result(data, "credit", number, "--why", "was out of order", "--by", "bram.visser").stdout
    assert "Credit note LLT-2026-00000002" in told and number in told and "settles the bill" in told
    for words, what in ((("--line", "x"), "--line is x"), (("--line", "1", "--line", "1=2"), "twice")):
        with pytest.raises(InvalidInput, match=what):
            _credit(data, number, *words)
