"""A writer killed with -9 in the middle: nothing acknowledged is lost, nothing is signed twice, and fsck agrees."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from fixtures.evidence import Bench, look
from hoeksteen_keeper.errors import KeeperUnavailable
from hoeksteen_keeper.evidence.log import Log
from hoeksteen_keeper.evidence.notes import Checkpoint
from hoeksteen_keeper.evidence.queries import entries, fsck
from hoeksteen_keeper.verify.formats import read_key
from hoeksteen_keeper.verify.tilelog import check_log

_WRITER = """
import os, sys, threading
from datetime import UTC, datetime
from pathlib import Path
sys.path.insert(0, {tests!r})
from fixtures.evidence import LOG_KEY, ORIGIN, look
from hoeksteen_keeper.evidence import log as module
from hoeksteen_keeper.evidence.keys import NoteSigner
module.CHECKPOINT_SECONDS = 0.01
pool = module.connections({dsn!r})
pool.open()
log = module.Log(pool=pool, home=Path({home!r}), origin=ORIGIN, signer=NoteSigner.load(Path({key!r})), log_key=LOG_KEY,
                 now=lambda: datetime.now(UTC), random_bytes=os.urandom)
log.start()
def work():
    while True:
        for index in log.append([look(5)] * 40):
            os.write(1, b"%d\\n" % index)
for _ in range(2):
    threading.Thread(target=work, daemon=True).start()
threading.Event().wait()
"""


@pytest.mark.parametrize("life", [0.1, 0.4, pytest.param(1.3, marks=pytest.mark.slow)])
def test_kill_minus_nine_in_the_middle(bench: Bench, tmp_path: Path, life: float) -> None:
    key = tmp_path / "log.key"
    bench.signer.save(key)
    acknowledged: list[int] = []
    checkpoints: list[Checkpoint] = []
    for _ in range(3):
        program = _WRITER.format(tests=str(Path(__file__).parents[2]), dsn=bench.dsn, home=str(bench.home), key=str(key))
        with (tmp_path / "told").open("wb") as told:
            writer = subprocess.Popen([sys.executable, "-c", program], stdout=told)
            deadline = time.monotonic() + 120
            while not (tmp_path / "told").stat().st_size and time.monotonic() < deadline:
                time.sleep(0.02)
            time.sleep(life)
            os.kill(writer.pid, signal.SIGKILL)
            writer.wait()
        lines = (tmp_path / "told").read_bytes().split(b"\n")[:-1]
        assert lines
        acknowledged += [int(line) for line in lines]
        note = bench.log().tiles.read_checkpoint()
        checkpoints += [Checkpoint.parse(note)] if note else []
    log = bench.log()
    checkpoints.append(Checkpoint.parse(log.checkpoint()))
    report = fsck(log)
    assert report.problems == []
    assert len(acknowledged) == len(set(acknowledged))
    assert set(acknowledged) <= set(range(report.entries))
    assert check_log(log.tiles.objects.home, [read_key(str(log.signer.verifier))], [])[0].size == report.size
    for checkpoint in checkpoints:  # every view ever published is a prefix of the last one
        checkpoint.check(log.signer.verifier)
        assert log.tiles.tree(checkpoint.size)(0, checkpoint.size) == checkpoint.root


class Crash(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("point", ["tiles", "tiles, but done", "release", "sign", "publish", "publish, but done"])
def test_a_crash_between_any_two_steps_of_the_sequencer(bench: Bench, log: Log, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    """Each fault in two worlds: failed and lost, failed but done."""
    log.append([look()] * 200)
    log.checkpoint()
    log.append([look()] * 100)
    place, name = (log.tiles, "extend") if point.startswith("tiles") else (log.tiles, "write_checkpoint")
    original = getattr(place, name)

    def crash(*arguments: object) -> None:
        if "done" in point:
            original(*arguments)
        raise Crash

    if point == "release":
        monkeypatch.setattr("hoeksteen_keeper.evidence._store.advance_signed", crash)
    elif point == "sign":
        monkeypatch.setattr("hoeksteen_keeper.evidence.keys.NoteSigner.sign", crash)
    else:
        monkeypatch.setattr(place, name, crash)
    with pytest.raises(Crash):
        log.checkpoint()
    monkeypatch.undo()
    bench.close()
    again = bench.log()
    assert again.append([look()]) == [300]
    assert Checkpoint.parse(again.checkpoint()).size == 301
    assert fsck(again).problems == []
    assert check_log(again.tiles.objects.home, [read_key(str(again.signer.verifier))], [])[0].size == 301


def test_a_database_that_stops_gives_no_false_acknowledgement(bench: Bench, log: Log) -> None:
    log.append([look()])
    bench.as_dba(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{bench.name}' AND pid <> pg_backend_pid()")
    acknowledged = [0]
    for _ in range(8):
        try:
            acknowledged += log.append([look()])
        except KeeperUnavailable:
            continue
    assert entries(log, first=0, last=100)[-1].index == acknowledged[-1]
    assert acknowledged == list(range(len(acknowledged)))


def test_a_full_disk_fails_closed_and_goes_on_afterwards(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise psycopg.errors.DiskFull("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("hoeksteen_keeper.evidence._store.insert", full)
        with pytest.raises(KeeperUnavailable):
            log.append([look()])
    assert log.append([look()]) == [0]


def test_two_sequencers_take_turns(bench: Bench, log: Log) -> None:
    other = bench.log()
    for number in range(6):
        (log, other)[number % 2].append([look()] * 50)
        (other, log)[number % 2].checkpoint()
    assert fsck(log).ok
    assert fsck(other).size == 300
