"""The documents of a period, by a job that is killed at any instant and called again: every document is there, whole, and made once."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from factories.billed_operator import BilledOperator, populate
from fixtures.en16931 import faults
from fixtures.installed import installed
from fixtures.keeper import RunningKeeper
from hoeksteen.billing.documents.bulk import DocumentKind, is_whole

CUSTOMERS = 60
LIVES = 4


def _documents(out: Path) -> list[Path]:
    return sorted(path for path in out.rglob("LLT-*.*") if path.is_file())


@pytest.mark.slow
def test_killed_at_random_instants(operator: BilledOperator, business_dsn: str, keeper: RunningKeeper, tmp_path: Path) -> None:
    chance, data, out = random.Random(11), installed(tmp_path, operator, business_dsn, keeper), tmp_path / "documents"
    populate(operator, customers=CUSTOMERS, seed=3, records=2)
    operator.run()
    program = "from hoeksteen.interfaces.cli.bill import bill; bill()"
    command = [sys.executable, "-c", program, "documents", "--period", "2026-10", "--out", str(out), "--data", str(data)]
    seen = [0]
    for _ in range(LIVES):
        before = len(_documents(out))
        job = subprocess.Popen([*command, "--processes", "2"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while job.poll() is None and len(_documents(out)) == before and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(chance.uniform(0.0, 0.12))
        job.send_signal(signal.SIGKILL)
        job.wait()
        _wait_until_still(out)
        seen.append(len(_documents(out)))
    assert len(set(seen)) > 2, f"the kills came too early or too late to mean anything: {seen}"
    assert seen == sorted(seen), "what was written is never lost"
    stamps = {path: path.stat().st_mtime_ns for path in _documents(out)}
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    documents = _documents(out)
    assert len(documents) == 2 * CUSTOMERS
    assert all(is_whole(path, DocumentKind(path.suffix[1:])) for path in documents)
    assert all(faults(path.read_bytes()) == [] for path in documents if path.suffix == ".xml")
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps, "and what was there is not made again"
    assert not list(out.rglob(".LLT-*")), "nothing half written is left"


def _wait_until_still(out: Path) -> None:
    """Wait for the workers to see that their command is gone: each ends when it has done the batch that it has."""
    before = -1
    while (now := len(_documents(out))) != before:
        before = now
        time.sleep(0.5)
