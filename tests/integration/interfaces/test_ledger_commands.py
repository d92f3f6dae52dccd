"""The commands of the books, against real parts."""

import hashlib
from pathlib import Path

import psycopg
import pytest

from factories.billed_operator import BilledOperator, populate
from fixtures.commands import figures_of, result_of
from fixtures.xaf import faults
from hoeksteen.interfaces.cli.ledger import ledger
from hoeksteen.kernel.errors import Corrupt, WrongState


def test_the_trial_balance_and_a_closed_month(operator: BilledOperator, data: Path, business_dsn: str) -> None:
    populate(operator, customers=6, seed=4)
    gross = str(operator.run().totals.gross)
    found = figures_of(ledger, data, "balance")
    assert (found["difference"], found["debit"]) == ("0.00", found["credit"])
    assert next(row["balance"] for row in found["accounts"] if row["ledger_account_code"] == "1300") == gross
    assert figures_of(ledger, data, "balance", "--until", "2026-10-31")["debit"] == "0.00"
    assert "Trade debtors" in result_of(ledger, data, "balance", as_json=False).stdout
    assert "No month was closed yet." in result_of(ledger, data, "periods", as_json=False).stdout
    closed = figures_of(ledger, data, "close", "--period", "2026-10", "--by", "h.jansen")
    assert (closed["closed_by"], closed["entries"], closed["debit"]) == ("h.jansen", 0, "0.00")
    with pytest.raises(WrongState, match="closed already"):
        figures_of(ledger, data, "close", "--period", "2026-10", "--by", "h.jansen")
    listed = figures_of(ledger, data, "periods", "--check")
    assert ([one["digest"] for one in listed["periods"]], listed["open_from"], listed["changed"]) == ([closed["digest"]], "2026-11-01", [])
    told = result_of(ledger, data, "periods", "--check", as_json=False).stdout
    assert "The books are open from 2026-11-01 on." in told and "2026-10" in told and "h.jansen" in told


def test_a_closed_month_that_somebody_changed_ends_with_corrupt(operator: BilledOperator, data: Path, owner_dsn: str) -> None:
    operator.add("mobile-m")
    operator.run()
    figures_of(ledger, data, "close", "--period", "2026-10", "--by", "x")
    with psycopg.connect(owner_dsn) as owner:
        owner.execute("UPDATE ledger.accounting_period SET digest = repeat('0', 64)")
    done = result_of(ledger, data, "periods", "--check")
    assert isinstance(done.exception, Corrupt) and "2026-10" in done.exception.message


def test_journal_and_audit_file_are_written_whole(operator: BilledOperator, data: Path, tmp_path: Path) -> None:
    populate(operator, customers=4, seed=4)
    operator.run()
    for words, begins in ((("--csv",), b"booked_on,"), (("--xaf",), b"<?xml")):
        out = tmp_path / "books" / words[0]
        told = figures_of(ledger, data, "export", "--period", "2026-11", *words, "--out", str(out))
        content = out.read_bytes()
        assert content.startswith(begins) and told["sha256"] == hashlib.sha256(content).hexdigest() and told["bytes"] == len(content)
        assert out.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in (tmp_path / "books").iterdir() if "part" in one.name] == []
    assert faults(result_of(ledger, data, "export", "--period", "2026", "--xaf", "--out", "-", as_json=False).stdout_bytes) == []
    refused = result_of(ledger, data, "export", "--period", "2026-11", "--out", "-", as_json=False)
    assert refused.exit_code == 2 and "--csv or --xaf" in refused.output
