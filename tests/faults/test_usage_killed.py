"""A collection that is killed at any instant and begun again counts every record once, and the lake holds what the balances say."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from factories.usage_files import OWN, House, call, session
from fixtures.keeper import RunningKeeper
from fixtures.waiting import wait_for_the_dead
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database
from hoeksteen.usage import queries
from hoeksteen.usage.dropping import ARCHIVE, TAKING
from hoeksteen.usage.model import UsageState
from hoeksteen.usage.tables import GUIDED

WORKER = Path(__file__).with_name("usage_worker.py")
LATER = "31699900007"
FILES, CALLS, SESSIONS = 4, 300, 100
LIVES_MAX = 8


def _fill(drop: Path) -> None:
    """Write files whose records overlap, are broken, or belong to nobody yet."""
    for number in range(FILES):
        begin = number * (CALLS - 50)  # fifty stand in the next file again
        lines = [call(begin + one, own=LATER if one % 10 == 0 else OWN, seconds=one + 1) for one in range(CALLS)] + ["R;broken"]
        (drop / f"calls-{number}.csv").write_text("\n".join([f"H;v;1;x;{len(lines)}", *lines, f"T;{len(lines)}", ""]), "utf-8")
        sessions = [session(OWN, volume_bytes=number * SESSIONS + one + 1) for one in range(SESSIONS)]
        (drop / f"data-{number}.jsonl").write_text("\n".join([*sessions, "{", ""]), "utf-8")


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)])
def test_killed_at_random_instants(database: Database, business_dsn: str, keeper: RunningKeeper, tmp_path: Path, seed: int) -> None:
    chance, drop = random.Random(seed), tmp_path / "drop"
    drop.mkdir()
    with Lake(warehouse=tmp_path / "lake", catalogue_dsn=business_dsn) as lake:
        house = House(database, lake, keeper, tmp_path)
        house.hold(OWN)
        _fill(drop)
        began = time.monotonic()
        house.take("first.csv")  # of no records: how long the machine needs for a file at this moment
        took = time.monotonic() - began
        seen: list[int] = []
        for life in range(LIVES_MAX):
            if life == LIVES_MAX // 2 or (seen and seen[-1] >= FILES):
                house.hold(LATER) if LATER not in house.held else None
            worker = _worker(house, business_dsn, drop)
            assert worker.stdout is not None and worker.stdout.readline() == "working\n"
            time.sleep(chance.uniform(0.0, 3 * took))
            worker.send_signal(signal.SIGKILL)
            told, _ = worker.communicate()
            wait_for_the_dead(database)
            seen.append(_require_whole(house))
            if seen[-1] == (seen[-2] if seen[1:] else 0):  # nothing came of this life: this machine needs longer than it seemed
                took *= 2
            if "done" in told and LATER in house.held:
                break
        assert len(set(seen)) > 2, f"the kills came too early or too late to mean anything: {seen}"
        assert seen == sorted(seen), "files that were taken are never lost"
        if LATER not in house.held:
            house.hold(LATER)
        last = _worker(house, business_dsn, drop)
        assert last.communicate()[0].endswith("done\n") and last.returncode == 0
        _require_all(house, drop)


def _worker(house: House, dsn: str, drop: Path) -> subprocess.Popen[str]:
    arguments = [dsn, str(house.keeper.socket_path), str(house.keeper.key("bss")), str(house.lake.warehouse), str(drop)]
    return subprocess.Popen([sys.executable, str(WORKER), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _require_whole(house: House) -> int:
    """Whatever was cut off, what counts is whole; give how many files count."""
    assert house.differences() == []
    with house.database.transaction() as tx:
        balances = queries.balances(tx=tx)
        assert all(balance.closes for balance in queries.balance_by_source(tx=tx))
    assert all(balance.closes for balance in balances)
    return len(balances) - 1


def _require_all(house: House, drop: Path) -> None:
    """Every record of every file counts once, whatever was killed."""
    assert _require_whole(house) == 2 * FILES
    with house.database.transaction() as tx:
        found = {balance.of: balance for balance in queries.balance_by_source(tx=tx)}
    calls, sessions = found["voice_sms"], found["sessions"]
    distinct = (CALLS - 50) * FILES + 50
    assert calls.records_in == FILES * (CALLS + 1)
    assert [calls.records(state) for state in UsageState] == [distinct, FILES * CALLS - distinct, 0, FILES]
    assert [sessions.records(state) for state in UsageState] == [FILES * SESSIONS, 0, 0, FILES]
    rows = house.rows(GUIDED)
    assert len(rows) == distinct + FILES * SESSIONS == len({row["record_id"] for row in rows})
    assert len(list((drop / ARCHIVE).glob("*/*/*"))) == 2 * FILES and not list((drop / TAKING).glob("*/*"))
