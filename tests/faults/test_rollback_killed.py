"""A roll back that is killed at any instant goes on where it was, with the same command."""

import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from factories.exports import CUTOVER, invent_exports, key_of, rows_of, sources
from fixtures.keeper import RunningKeeper
from hoeksteen.consolidation import waves
from hoeksteen.consolidation.carrying import Work
from hoeksteen.consolidation.rollback import roll_back
from hoeksteen.consolidation.wave_rules import Wave
from hoeksteen.kernel.clock import FixedClock
from hoeksteen.kernel.errors import WrongState
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.storage.postgres import Database

WORKER = Path(__file__).with_name("rollback_worker.py")
CUSTOMERS = 150
LIVES_MAX = 12


@pytest.mark.slow
def test_killed_at_random_instants(database: Database, business_dsn: str, keeper: RunningKeeper, tmp_path: Path) -> None:
    exports = invent_exports(tmp_path / "exports", customers=CUSTOMERS, seed=31)
    clock = FixedClock(datetime(2026, 11, 1, 6, tzinfo=UTC))
    work = Work(
        database=database, keeper=keeper.client("bss"), identifiers=Identifiers(random.Random(3)), clock=clock, sources=sources(exports),
        pseudonyms=key_of("rolled back"), cutover=CUTOVER, by="emma.bakker",
    )  # fmt: skip
    waves.plan(work=work, waves=[Wave(wave="all")])
    before = rows_of(database)
    waves.copy(work=work, wave="all")
    copied = rows_of(database)
    left, chance = [_customers(database)], random.Random(7)
    for life in range(LIVES_MAX):
        path = {**os.environ, "PYTHONPATH": str(WORKER.parents[1])}
        words = [sys.executable, str(WORKER), business_dsn, str(keeper.socket_path), str(keeper.key("bss")), str(life)]
        worker = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=path)
        assert worker.stdout is not None
        worker.stdout.readline()
        time.sleep(chance.uniform(0.1, 0.6))
        worker.send_signal(signal.SIGKILL)
        worker.communicate()
        left.append(_customers(database))
        if left[-1] == 0 or left[-1] < left[0] * 0.5:
            break
        with database.transaction() as tx:
            states = tx.value("SELECT count(*) FROM consolidation.source_record WHERE (customer_id IS NULL) <> (state IN ('rejected', 'waiting'))")
            assert states == 0
    assert left == sorted(left, reverse=True) and left[-1] < left[0], left
    with database.transaction() as tx:
        half_done = waves.waves(tx=tx)[0].state == "rolling_back"
    if half_done:
        with pytest.raises(WrongState, match="rolling back"):
            waves.copy(work=work, wave="all")
        roll_back(
            database=database, keeper=work.keeper, wave="all", by="emma.bakker", force=False, clock=clock, identifiers=work.identifiers
        )  # fmt: skip
    assert rows_of(database) == before
    waves.copy(work=work, wave="all")
    assert rows_of(database) == copied


def _customers(database: Database) -> int:
    with database.transaction() as tx:
        return int(tx.value("SELECT count(*) FROM party.customer"))
