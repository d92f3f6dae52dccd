"""A rating that is killed at any instant counts for nothing, and the next one goes on where it stopped, to the same digest."""

import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from factories.rated_usage import PLANS, RatedLake, Used
from fixtures.waiting import wait_for_the_dead
from hoeksteen.rating.operations import rate_month
from hoeksteen.rating.tables import CHARGE
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database

WORKER = Path(__file__).with_name("rating_worker.py")
OCTOBER, NOW = date(2026, 10, 1), datetime(2026, 12, 1, 3, tzinfo=UTC)
LIVES = 4


@pytest.fixture
def world(database: Database, lake: Lake) -> RatedLake:
    world = RatedLake(database, lake)
    world.offer(PLANS)
    for number in range(24):
        world.hold(f"sim {number}", [("plan-roll" if number % 2 else "plan-m", date(2026, 8, 1))])
    start = datetime(2026, 10, 2, 12, tzinfo=UTC)
    world.use([Used(f"call {n}", f"sim {n % 24}", start + timedelta(minutes=n), "voice", "NL", 900 + n) for n in range(240)])
    return world


def worker(world: RatedLake, dsn: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(WORKER.parents[1])}
    command = [sys.executable, str(WORKER), dsn, str(world.lake.warehouse), "15"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def killed_after(world: RatedLake, dsn: str, steps: int, seconds: float) -> list[str]:
    life = worker(world, dsn)
    assert life.stdout is not None and life.stdout.readline().strip() == "working"
    told = [life.stdout.readline().strip() for _ in range(steps)]
    time.sleep(seconds)
    life.send_signal(signal.SIGKILL)
    life.communicate()
    wait_for_the_dead(world.database)
    return told


def rated(world: RatedLake, monkeypatch: pytest.MonkeyPatch) -> tuple[str, list[str]]:
    monkeypatch.setattr("hoeksteen.rating._engine.RECORDS_PER_BATCH_MAX", 15)
    told: list[str] = []
    run = rate_month(
        database=world.database, lake=world.lake, month=OCTOBER, now=NOW, identifiers=world.identifiers, progress=lambda step, _: told.append(step)
    )
    return run.digest.hex(), told


def test_what_was_done_stays_done(world: RatedLake, business_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = killed_after(world, business_dsn, 3, 0.0)
    assert all("done before" not in step for step in told) and world.lake.head(CHARGE) is None
    digest, steps = rated(world, monkeypatch)
    assert sum("done before" in step for step in steps) >= 3 and steps[-1] == "2026-10"
    charges = world.charges()
    assert len(charges) == 240
    once_more, steps = rated(world, monkeypatch)
    assert not any("done before" in step for step in steps), "a run that ended leaves nothing to take up"
    assert (once_more, world.charges()) == (digest, charges)


def test_usage_that_came_between_two_lives_is_rated_too(world: RatedLake, business_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_after(world, business_dsn, 3, 0.0)
    world.use([Used("later", "sim 1", datetime(2026, 10, 1, 12, tzinfo=UTC), "voice", "NL", 3_000)], file="later")
    digest, steps = rated(world, monkeypatch)
    assert not any("done before" in step for step in steps)
    assert len(world.charges()) == 241
    assert rated(world, monkeypatch)[0] == digest


@pytest.mark.parametrize("seed", [4])
def test_killed_at_random_instants(world: RatedLake, business_dsn: str, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(LIVES):
        killed_after(world, business_dsn, chance.randrange(5), chance.uniform(0.0, 0.3))
        assert world.lake.head(CHARGE) is None
    digest, _ = rated(world, monkeypatch)
    charges = world.charges()
    assert len(charges) == 240 and rated(world, monkeypatch)[0] == digest and world.charges() == charges
    folders = {file.parent.name for file in world.lake.warehouse.glob("rated_record/data/*/*.parquet")}
    assert len(folders) == 2, "the two runs that count, the first until it expires"
    with world.database.transaction() as tx:
        assert tx.value("SELECT count(*) FROM rating.rating_step") == 0 == tx.value("SELECT count(*) FROM lake.open_write")
