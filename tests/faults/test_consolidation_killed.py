"""A consolidation that is killed at any instant, or loses its keeper, and is run again, loses nothing and makes nothing twice."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from factories.exports import bring_in, invent_exports, rows_of
from fixtures.keeper import RunningKeeper
from hoeksteen.disclosure import KeeperClient
from hoeksteen.kernel.errors import HoeksteenError, Unavailable
from hoeksteen.ledger.queries import trial_balance
from hoeksteen.storage.postgres import Database

WORKER = Path(__file__).with_name("consolidation_worker.py")
CUSTOMERS = 200
LIVES = 4


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return invent_exports(tmp_path_factory.mktemp("legacy") / "exports", customers=CUSTOMERS, seed=11)


def _worker(dsn: str, keeper: RunningKeeper, folder: Path, key: str, processes: int) -> subprocess.Popen[str]:
    words = [dsn, str(keeper.socket_path), str(keeper.key("bss")), str(folder), key, str(processes)]
    path = {**os.environ, "PYTHONPATH": str(WORKER.parents[1])}
    return subprocess.Popen([sys.executable, str(WORKER), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=path)


def _loaded(database: Database) -> int:
    with database.transaction() as tx:
        return int(tx.value("SELECT count(*) FROM consolidation.source_record"))


def balanced(database: Database) -> bool:
    """Say whether the books hold what was carried over, once each."""
    with database.transaction() as tx:
        owed = tx.value("SELECT coalesce(sum(amount), 0) FROM receivables.carried_item")
        booked = {row.ledger_account_code: row.balance for row in trial_balance(tx=tx) if row.balance}
    return booked == {"0990": -owed, "1300": owed}


@pytest.mark.parametrize("processes", [0, pytest.param(2, marks=pytest.mark.slow)], ids=["one process", "side by side"])
def test_killed_at_random_instants(
    database: Database, another_database: Database, business_dsn: str, keeper: RunningKeeper, exports: Path, processes: int
) -> None:  # fmt: skip
    chance = random.Random(5)
    seen = [0]
    for _ in range(LIVES):
        worker = _worker(business_dsn, keeper, exports, "killed", processes)
        assert worker.stdout is not None
        while not worker.stdout.readline().startswith("loading"):
            assert worker.poll() is None, worker.communicate()[1]
        for _ in range(chance.randrange(3)):
            worker.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.05))
        worker.send_signal(signal.SIGKILL)
        worker.communicate()
        seen.append(_loaded(database))
    assert seen == sorted(seen)
    assert 0 < seen[1] < CUSTOMERS * 2
    report = bring_in(database, keeper.client("bss"), exports, "killed")
    assert report.closes
    broken = rows_of(database)
    assert balanced(database)
    assert bring_in(another_database, keeper.client("bss"), exports, "killed") == report
    assert rows_of(another_database) == broken
    assert balanced(another_database)


def _own_processes() -> list[BaseProcess]:
    """The processes of the consolidation; the tests' keepers are children of this one too."""
    return [one for one in multiprocessing.active_children() if one.name.startswith("consolidation")]


def test_a_process_of_several_is_killed(database: Database, another_database: Database, keeper: RunningKeeper, exports: Path) -> None:
    def kill_one(stage: str, done: int, _total: int) -> None:
        if stage == "loading" and done:
            os.kill(_own_processes()[0].pid or 0, signal.SIGKILL)

    with pytest.raises(Unavailable, match="ended before its work was done"):
        bring_in(database, keeper.client("bss"), exports, "side by side", progress=kill_one, batch=20, processes=2)
    assert 0 < _loaded(database) < CUSTOMERS * 2
    assert _own_processes() == []
    report = bring_in(database, keeper.client("bss"), exports, "side by side", batch=20, processes=2)
    assert report.closes
    assert balanced(database)
    assert bring_in(another_database, keeper.client("bss"), exports, "side by side", processes=0) == report
    assert rows_of(another_database) == rows_of(database)


def test_the_keeper_goes_away_and_comes_back(database: Database, own_keeper: RunningKeeper, exports: Path) -> None:
    def stop_in_the_middle(stage: str, done: int, _total: int) -> None:
        if stage == "loading" and done >= 60 and own_keeper.process is not None and own_keeper.process.poll() is None:
            own_keeper.stop()

    with pytest.raises(Unavailable):
        bring_in(database, own_keeper.client("bss"), exports, "keeper", progress=stop_in_the_middle, batch=20)
    assert 60 <= _loaded(database) < CUSTOMERS * 2
    own_keeper.start()
    fresh = KeeperClient(socket_path=own_keeper.socket_path, service="bss", key_path=own_keeper.key("bss"))
    assert bring_in(database, fresh, exports, "keeper").closes


def test_a_batch_that_fails_leaves_nothing_of_itself(database: Database, keeper: RunningKeeper, exports: Path) -> None:
    class Full(HoeksteenError):
        """The disk is full."""

    def fill(stage: str, done: int, _total: int) -> None:
        if stage == "loading" and done == 40:
            raise Full("The disk is full.", remedy="Free some.")

    with pytest.raises(Full):
        bring_in(database, keeper.client("bss"), exports, "full", progress=fill, batch=20)
    with database.transaction() as tx:
        assert tx.value("SELECT count(*) FROM party.customer") == 40
        assert tx.value("SELECT count(*) FROM party.billing_account") == 40
        assert tx.value("SELECT count(DISTINCT customer_id) FROM consolidation.source_record WHERE customer_id IS NOT NULL") == 40
    assert bring_in(database, keeper.client("bss"), exports, "full").closes
