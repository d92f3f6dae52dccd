"""Work that commands put into the queue and a worker does: runs, announcing, documents and audits."""

import subprocess
import sys
import time
from datetime import date
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner

from factories.billed_operator import BilledOperator, populate
from fixtures.commands import figures_of
from fixtures.keeper import RunningKeeper
from fixtures.signing import by_key
from fixtures.waiting import wait_until
from fixtures.worker import working
from hoeksteen.billing import approving
from hoeksteen.billing import queries as billing
from hoeksteen.billing.operations import stop_run
from hoeksteen.interfaces.cli import worker
from hoeksteen.interfaces.cli.audit import audit
from hoeksteen.interfaces.cli.bill import bill
from hoeksteen.journeys import work
from hoeksteen.kernel.errors import Conflict, WrongState
from hoeksteen.kernel.time_period import bill_period
from hoeksteen.storage import jobs

OCTOBER = ("--period", "2026-10")
OF_OCTOBER = bill_period(date(2026, 10, 1))


def settled(operator: BilledOperator, count: int) -> dict[str, jobs.Job]:
    """Wait until this many jobs ended, and give the newest of each kind by what it does."""

    def known() -> list[jobs.Job]:
        with operator.database.transaction() as tx:
            return jobs.latest_jobs(tx=tx)

    wait_until(lambda: sum(not one.is_open for one in known()) == count, seconds=90)
    return {one.task: one for one in reversed(known())}


def test_a_month_by_jobs(operator: BilledOperator, data: Path, keeper: RunningKeeper) -> None:
    populate(operator, customers=8, seed=4, records=2)
    words = ("run", *OCTOBER, "--trial", "--background")
    started = by_key(partial(figures_of, bill, data), *words, person="bram.visser", keeper=keeper)
    assert started["state"] == "running", "it is there at once, for everybody to see"
    with working(data):
        assert settled(operator, 1)["bill_run"].result == {"bill_run_id": started["run"], "bills": 8, "held": 0, "stopped": False}
        with operator.database.transaction() as tx:
            trial = approving.latest_trial(tx=tx, period=OF_OCTOBER)
            assert (str(trial.bill_run_id), trial.started_by) == (started["run"], "bram.visser")
            approving.approve_run(tx=tx, bill_run_id=trial.bill_run_id, by="fenna.prins", now=trial.started_at)
        final = figures_of(bill, data, "run", *OCTOBER, "--by", "bram.visser", "--background")
        assert (settled(operator, 2)["bill_run"].result or {})["bill_run_id"] == final["run"] != started["run"]
        figures_of(bill, data, "send", *OCTOBER, "--background")
        figures_of(bill, data, "documents", *OCTOBER, "--background")
        figures_of(audit, data, "month", *OCTOBER, "--background")
        done = {task: one.result or {} for task, one in settled(operator, 5).items()}
    assert done["announce_bills"] == {"messages": 8}
    assert (done["write_documents"]["written"], done["audit_month"]["differences"]) == (16, 0)
    assert len(list((data / "app" / "documents" / "2026-10").rglob("LLT-*.*"))) == 16
    with pytest.raises(WrongState, match="once"), operator.database.transaction() as tx:
        work.announce(tx=tx, bill_run_id=UUID(final["run"]))
    again = figures_of(bill, data, "run", *OCTOBER, "--background")
    assert again == {"run": final["run"], "state": "done"} and len(figures_of(worker.jobs_, data)["jobs"]) == 5, "what is done is not done again"


def test_whoever_comes_second_gets_the_run_of_the_first_and_a_stop_comes_before_its_begin(operator: BilledOperator, data: Path) -> None:
    populate(operator, customers=2, seed=5, records=2)
    words = ("run", *OCTOBER, "--trial", "--background")
    first = figures_of(bill, data, *words)
    second = figures_of(bill, data, *words)
    assert first["run"] == second["run"] and len(figures_of(worker.jobs_, data)["jobs"]) == 1
    with pytest.raises(Conflict, match="trial run of 2026-10-01 is under way"):
        figures_of(bill, data, "run", *OCTOBER, "--unapproved", "--background")
    with operator.database.transaction() as tx:
        stop_run(tx=tx, period=OF_OCTOBER)
    with working(data):
        assert settled(operator, 1)["bill_run"].result == {"stopped": True}
        third = figures_of(bill, data, *words)
        assert third["run"] != first["run"], "a trial begins anew"
        assert (settled(operator, 2)["bill_run"].result or {})["bills"] == 2
    with operator.database.transaction() as tx:
        assert [str(one.bill_run_id) for one in billing.runs(tx=tx)] == [third["run"]]


def test_what_cannot_be_is_refused_before_it_is_in_the_queue(operator: BilledOperator, data: Path) -> None:
    populate(operator, customers=1, seed=6, records=2)
    with pytest.raises(WrongState, match="Nobody has approved"):
        figures_of(bill, data, "run", *OCTOBER, "--background")
    assert figures_of(worker.jobs_, data)["jobs"] == []
    assert CliRunner().invoke(worker.jobs_, ["--data", str(data)]).output == "No job was started yet.\n"


def test_what_works_is_started_again_when_it_dies_and_ended_with_what_watches_over_it(tmp_path: Path) -> None:
    program = f"import time, pathlib; pathlib.Path({str(tmp_path)!r}, str(time.monotonic_ns())).touch(); time.sleep(60)"
    watching = f"from hoeksteen.interfaces.cli import worker; worker._AGAIN_SECONDS = 0.1; worker._watch_over({[sys.executable, '-c', program]!r})"
    process = subprocess.Popen([sys.executable, "-c", watching], stderr=subprocess.PIPE, text=True)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    wait_until(lambda: len(list(tmp_path.iterdir())) == 1)
    first = int(children.read_text().split()[0])
    subprocess.run(["kill", "-9", str(first)], check=True)
    wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
    second = int(children.read_text().split()[0])
    process.terminate()
    assert "the worker died (-9); it is started again" in process.communicate(timeout=20)[1]
    time.sleep(0.1)
    assert process.returncode == 0 and first != second and not Path(f"/proc/{second}").exists()
