"""Documents of a whole period: written side by side, readable by their owner only, and made once."""

import io
import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result
from pypdf import PdfReader

from factories.billed_operator import BilledOperator, populate
from factories.companies import company, move
from fixtures.en16931 import faults
from fixtures.four_faces import of_pdf, of_ubl
from fixtures.keeper import RunningKeeper
from hoeksteen.billing.documents.bulk import claimed
from hoeksteen.disclosure.operations import shred
from hoeksteen.interfaces.cli.bill import bill
from hoeksteen.kernel.errors import Conflict, WrongState
from hoeksteen.kernel.sealed import Category
from hoeksteen.party.operations import set_terms
from hoeksteen.party.queries import billing_accounts_by_id


def _result(data: Path, out: Path, *words: str) -> Result:
    return CliRunner().invoke(bill, ["documents", "--period", "2026-10", "--out", str(out), "--data", str(data), "--json", *words])


def _call(data: Path, out: Path, *words: str) -> dict[str, Any]:
    done = _result(data, out, *words)
    if done.exception:
        raise done.exception
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def _files(out: Path) -> list[Path]:
    return sorted(path for path in out.rglob("*") if path.is_file() and path.name != ".lock")


def test_every_document_of_a_period_once(operator: BilledOperator, data: Path, tmp_path: Path) -> None:
    populate(operator, customers=12, seed=9, records=2)
    operator.run()
    out = tmp_path / "documents"
    first = _call(data, out, "--processes", "2")
    assert (first["bills"], first["written"], first["there_already"], first["refused"]) == (12, 24, 0, 0)
    files = _files(out)
    assert [path.name for path in files[:2]] == ["LLT-2026-00000001.pdf", "LLT-2026-00000001.xml"]
    assert {path.parent.name for path in files} == {"LLT-2026-00000"}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}, "they hold names and addresses"
    assert (out / "LLT-2026-00000").stat().st_mode & 0o777 == 0o700
    for pdf, ubl in zip(files[::2], files[1::2], strict=True):
        drawn, said = of_pdf(pdf.read_bytes()), of_ubl(ubl.read_bytes())
        assert (drawn.number, drawn.gross) == (said.number, said.gross) and pdf.stem == drawn.number
        assert faults(ubl.read_bytes()) == []
    files[3].write_bytes(files[3].read_bytes()[:-100])
    files[6].unlink()
    whole = {path: path.stat().st_mtime_ns for path in files if path not in (files[3], files[6])}
    again = _call(data, out, "--processes", "1")
    assert (again["written"], again["there_already"]) == (2, 22), "what was cut off and what was gone"
    assert {path: path.stat().st_mtime_ns for path in whole} == whole
    assert _files(out) == files


def test_one_kind_only(operator: BilledOperator, data: Path, tmp_path: Path) -> None:
    operator.add("mobile-s")
    operator.run()
    assert _call(data, tmp_path / "out", "--kind", "ubl", "--processes", "1")["written"] == 1
    assert [path.suffix for path in _files(tmp_path / "out")] == [".xml"]


def test_who_was_erased_keeps_nobody_elses_documents_back(operator: BilledOperator, keeper: RunningKeeper, data: Path, tmp_path: Path) -> None:
    populate(operator, customers=7, seed=9, records=0)
    operator.run()
    erased = operator.held[4]
    (number,) = (str(bill.bill_number) for bill in operator.bills(erased))
    shred(keeper=keeper.client("dewi.hoekstra"), subject=erased.party_id, category=Category.INVOICE_PARTY, reason="asked")
    done = _result(data, tmp_path / "out", "--processes", "1")
    assert isinstance(done.exception, WrongState) and "1 bill has no documents" in done.exception.message
    assert json.loads(done.stdout.strip().splitlines()[-1])["written"] == 12
    assert f"{number}: The keeper refuses: shredded" in done.stderr


def test_one_job_at_a_time_in_a_folder(operator: BilledOperator, data: Path, tmp_path: Path) -> None:
    operator.add("mobile-s")
    operator.run()
    with claimed(tmp_path / "out"), pytest.raises(Conflict, match="Another job"):
        _call(data, tmp_path / "out")


def test_departments_get_a_specification_and_one_that_does_not_come_to_its_bill_is_named(
    operator: BilledOperator, data: Path, tmp_path: Path, owner_dsn: str
) -> None:
    own, departments = company(operator, 2, records=2)
    other, (wrong,) = company(operator, 1, records=0)
    operator.charge([wrong], month=date(2026, 10, 1), records=1, called=(31612345678,))
    for one in (*departments, wrong):
        move(operator, one, other if one is wrong else own)
        with operator.database.transaction() as tx:
            (account,) = billing_accounts_by_id(tx=tx, billing_account_ids=[one.billing_account_id])
            set_terms(tx=tx, billing_account=replace(account, itemisation="full"))
    operator.run()
    (bill,), (refused,) = operator.bills(own), operator.bills(other)
    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        changed = """UPDATE billing.applied_customer_billing_rate SET detail = jsonb_set(detail::jsonb, '{amount_micro}', '1')::json
                     WHERE customer_bill_id = %s AND detail ->> 'service' = 'sms'"""
        assert owner.execute(changed, (refused.customer_bill_id,)).rowcount == 1
    out = tmp_path / "out"
    done = _result(data, out, "--processes", "1")
    assert isinstance(done.exception, WrongState) and "1 bill has no documents" in done.exception.message
    assert f"{refused.bill_number}: The specification of {refused.bill_number} does not come to its bill" in done.stderr
    with operator.database.transaction() as tx:
        numbers = [
            one.billing_account_number
            for one in billing_accounts_by_id(tx=tx, billing_account_ids=[each.billing_account_id for each in departments])
        ]  # fmt: skip
    files = _files(out)
    assert {path.name for path in files} == {f"{bill.bill_number}{end}" for end in (".pdf", ".xml", *(f"-{number}.pdf" for number in numbers))}
    specification = next(path for path in files if path.stem.endswith(numbers[0]))
    assert "U hoeft niets te betalen" in re.sub(
        r"\s+", " ", " ".join(page.extract_text() for page in PdfReader(io.BytesIO(specification.read_bytes())).pages)
    )
    specification.unlink()
    figures = json.loads(_result(data, out, "--processes", "1").stdout.strip().splitlines()[-1])
    assert (figures["written"], figures["there_already"]) == (1, 3), "what was gone is made again, and nothing else"
