"""A bank statement that is killed while it is taken leaves nothing; taken again, and by two at once, it is there once."""

import random
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest

from factories.billed_operator import BilledOperator
from fixtures.keeper import RunningKeeper
from hoeksteen.ledger.queries import trial_balance
from hoeksteen.receivables.bench import prepare, write_file
from hoeksteen.storage.postgres import Database

WORKER = Path(__file__).with_name("bank_worker.py")
ENTRIES = 1_000
LIVES = 5
_TABLES = ("bank_file", "bank_statement", "bank_booking", "bank_entry", "payment", "allocation")


def _worker(dsn: str, keeper: RunningKeeper, path: Path) -> subprocess.Popen[str]:
    arguments = [dsn, str(keeper.socket_path), str(keeper.key("bss")), str(path)]
    return subprocess.Popen([sys.executable, str(WORKER), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _kept(database: Database) -> dict[str, int]:
    with database.transaction() as tx:
        return {table: int(tx.value(f"SELECT count(*) FROM receivables.{table}")) for table in _TABLES}


@pytest.mark.slow
def test_killed_at_random_instants_and_taken_by_two(operator: BilledOperator, business_dsn: str, keeper: RunningKeeper, tmp_path: Path) -> None:
    chance, path, killed = random.Random(3), tmp_path / "f.xml", 0
    prepare(database=operator.database, keeper=operator.keeper, entries=ENTRIES)
    write_file(path=path, entries=ENTRIES, seed=1)
    whole = {"bank_file": 1, "bank_statement": 1, "bank_booking": ENTRIES, "bank_entry": ENTRIES, "payment": 950, "allocation": 950}
    for _ in range(LIVES):
        worker = _worker(business_dsn, keeper, path)
        assert worker.stdout is not None
        assert worker.stdout.readline().strip() == "working"
        time.sleep(chance.uniform(0.0, 0.4))
        worker.send_signal(signal.SIGKILL)
        worker.communicate()
        kept = _kept(operator.database)
        killed += not any(kept.values())
        assert kept in (dict.fromkeys(_TABLES, 0), whole), "everything, or nothing"
    assert killed > 1, "the kills came too late to mean anything"
    workers = [_worker(business_dsn, keeper, path) for _ in range(2)]
    told = [worker.communicate() for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], told
    assert _kept(operator.database) == whole
    with operator.database.transaction() as tx:
        rows = {row.ledger_account_code: row.balance for row in trial_balance(tx=tx)}
        assert sum(rows.values()) == 0
        paid = tx.value("SELECT sum(amount) FROM receivables.payment")
        assert (rows["1300"], rows["1100"] + rows["1120"]) == (-paid, paid)
        assert paid == tx.value("SELECT sum(amount) FROM receivables.allocation") > Decimal(0)
