"""A bill run that is killed at any instant and run again loses nothing and repeats nothing."""

import random
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from factories.billed_operator import BilledOperator, new_operator, populate
from fixtures.keeper import RunningKeeper
from hoeksteen.billing.audit import audit_bills
from hoeksteen.kernel.time_period import bill_period
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database

WORKER = Path(__file__).with_name("bill_run_worker.py")
CUSTOMERS = 120
LIVES = 8


def _worker(operator: BilledOperator, dsn: str, keeper: RunningKeeper, parts: int = 1) -> subprocess.Popen[str]:
    arguments = [dsn, str(keeper.socket_path), str(keeper.key("bss")), str(operator.lake.warehouse), str(parts)]
    return subprocess.Popen([sys.executable, str(WORKER), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _bills(database: Database) -> int:
    with database.transaction() as tx:
        return int(tx.value("SELECT count(*) FROM billing.customer_bill"))


@pytest.mark.parametrize(("parts", "seed"), [(1, 2), pytest.param(2, 3, marks=pytest.mark.slow)], ids=["one process", "side by side"])
def test_killed_at_random_instants(
    database: Database, business_dsn: str, keeper: RunningKeeper, tmp_path: Path, parts: int, seed: int
) -> None:  # fmt: skip
    chance = random.Random(seed)
    with Lake(warehouse=tmp_path / "lake", catalogue_dsn=business_dsn) as lake:
        operator = new_operator(database, keeper.client("bss"), lake, seed=9_000 + seed)
        populate(operator, customers=CUSTOMERS, seed=seed, records=2)
        trial = operator.run(kind="trial")
        with database.transaction() as tx:
            tx.execute("DELETE FROM billing.applied_bill_tax")
            tx.execute("DELETE FROM billing.applied_customer_billing_rate")
            tx.execute("DELETE FROM billing.customer_bill")
        seen = [0]
        for _ in range(LIVES):
            worker = _worker(operator, business_dsn, keeper, parts)
            assert worker.stdout is not None
            assert worker.stdout.readline().strip() == "working"
            for _ in range(chance.randrange(4)):
                worker.stdout.readline()
            time.sleep(chance.uniform(0.0, 0.1))
            worker.send_signal(signal.SIGKILL)
            worker.communicate()
            seen.append(_bills(database))
            if _state(database) == "done":
                break
        final = operator.run()  # goes on, or only announces what was not announced yet
        assert len(set(seen)) > 3, "the kills came too early or too late to mean anything"
        assert seen == sorted(seen), "bills that were committed are never lost"
        _require_whole(operator, trial.totals.gross)
        assert final.totals == trial.totals


def _state(database: Database) -> str:
    with database.transaction() as tx:
        return str(tx.value("SELECT state FROM billing.bill_run WHERE kind = 'final'"))


def _require_whole(operator: BilledOperator, gross: object) -> None:
    audit = audit_bills(database=operator.database, lake=operator.lake, period=bill_period(date(2026, 10, 1)))
    assert (audit.differences, audit.bills, audit.gross) == ((), CUSTOMERS, gross)
    with operator.database.transaction() as tx:
        numbers = sorted(int(row["bill_number"].rpartition("-")[2]) for row in tx.rows("SELECT bill_number FROM billing.customer_bill"))
        assert numbers == list(range(1, CUSTOMERS + 1))
        assert tx.value("SELECT count(*) FROM messages.message") == CUSTOMERS
        assert tx.value("SELECT count(*) FROM ledger.journal_entry") == CUSTOMERS
        assert tx.value("SELECT count(*) FROM billing.recurring_position") == len(operator.held)
        assert tx.value("SELECT count(DISTINCT customer_id) FROM billing.customer_bill") == CUSTOMERS
    again = operator.run()
    assert (again.totals.gross, again.totals.count) == (gross, CUSTOMERS), "a final run that is run again only gives its figures"


def test_two_processes_at_once_make_one_run(database: Database, business_dsn: str, keeper: RunningKeeper, tmp_path: Path) -> None:
    with Lake(warehouse=tmp_path / "lake", catalogue_dsn=business_dsn) as lake:
        operator = new_operator(database, keeper.client("bss"), lake, seed=9_100)
        populate(operator, customers=CUSTOMERS, seed=5, records=2)
        trial = operator.run(kind="trial")
        with database.transaction() as tx:
            for table in ("applied_bill_tax", "applied_customer_billing_rate", "customer_bill"):
                tx.execute(f"DELETE FROM billing.{table}")
        workers = [_worker(operator, business_dsn, keeper) for _ in range(2)]
        told = [worker.communicate()[1] for worker in workers]
        assert 0 in [worker.returncode for worker in workers], told
        lost = [error for worker, error in zip(workers, told, strict=True) if worker.returncode]
        assert all("Conflict" in error or "WrongState" in error or "Another process is writing to the lake" in error for error in lost), lost
        _require_whole(operator, trial.totals.gross)
