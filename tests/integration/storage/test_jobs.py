"""The queue: a job goes in once, carries identifiers, survives its worker, and says how far it is and why it failed."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fixtures.waiting import wait_until
from hoeksteen.kernel.errors import Corrupt
from hoeksteen.storage import jobs
from hoeksteen.storage.postgres import Database

WORKER = Path(__file__).with_name("job_worker_program.py")
PUT = {"task": "count", "about": "count a", "lock": "count"}


def put(database: Database, **changed: str) -> jobs.Job:
    with database.transaction() as tx:
        return jobs.put_in(tx=tx, **{**PUT, **changed}, arguments={"to": "3"})


def found(database: Database, job_id: int) -> jobs.Job:
    with database.transaction() as tx:
        return jobs.job(tx=tx, job_id=job_id)


class Worker:
    """A worker in a process of its own."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.process = subprocess.Popen([sys.executable, str(WORKER), dsn, str(folder)], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def end(self) -> int:
        self.process.terminate()
        return self.process.wait(20)


def test_two_who_ask_at_once_put_one_job_in(database: Database) -> None:
    made: list[int] = []
    together = [threading.Thread(target=lambda: made.append(put(database).job_id)) for _ in range(4)]
    for one in together:
        one.start()
    for one in together:
        one.join()
    assert len(made) == 4 and len(set(made)) == 1
    with database.transaction() as tx:
        [one] = jobs.latest_jobs(tx=tx)
    assert (one.state, one.about, one.arguments, one.done, one.result) == ("waiting", "count a", {"to": "3"}, 0, None)


def test_a_job_that_is_not_committed_is_not_there(database: Database) -> None:
    with pytest.raises(KeyError), database.transaction() as tx:
        jobs.put_in(tx=tx, **PUT, arguments={})
        raise KeyError
    with database.transaction() as tx:
        assert jobs.latest_jobs(tx=tx) == []
        jobs.put_in(tx=tx, **PUT, arguments={})
        assert tx.value("SHOW search_path") == '"$user", public', "what follows finds its own names"


def test_a_text_is_no_identifier(database: Database) -> None:
    with pytest.raises(Corrupt), database.transaction() as tx:
        jobs.put_in(tx=tx, **PUT, arguments={"why": "x" * 101})


def test_the_application_cannot_change_what_a_job_was_told(database: Database) -> None:
    put(database)
    with pytest.raises(Exception, match="permission denied"), database.transaction() as tx:
        tx.execute("UPDATE jobs.procrastinate_jobs SET args = '{}'")
    with pytest.raises(Exception, match="must be owner"), database.transaction() as tx:
        tx.execute("ALTER TABLE jobs.procrastinate_jobs ADD COLUMN more text")


def test_done_failed_and_waiting_for_what_does_not_answer(database: Database, business_dsn: str, tmp_path: Path) -> None:
    done = put(database)
    refused = put(database, task="refuse", about="refuse", lock="b")
    broken = put(database, task="break", about="break", lock="c")
    away = put(database, task="away", about="away", lock="d")
    worker = Worker(business_dsn, tmp_path)
    wait_until(lambda: not any(found(database, one.job_id).is_open for one in (done, refused, broken, away)))
    assert worker.end() == 0
    assert found(database, done.job_id).result == {"counted": 3}
    job = found(database, refused.job_id)
    assert (job.state, job.problem, job.remedy) == ("failed", "No.", "Ask again.")
    job = found(database, broken.job_id)
    assert job.problem == "unforeseen ValueError" and "secret" not in job.problem + job.remedy
    job = found(database, away.job_id)
    assert (job.state, job.attempts, job.result, job.problem) == ("done", 2, {"tries": 2}, "")


def test_told_to_end_it_puts_its_job_back_for_the_next(database: Database, business_dsn: str, tmp_path: Path) -> None:
    long = put(database, task="long", about="long")
    first = Worker(business_dsn, tmp_path)
    wait_until(lambda: found(database, long.job_id).done > 0)
    with database.transaction() as tx:
        one = jobs.put_in(tx=tx, task="long", about="long", lock="count", arguments={"to": "3"}, also_running=True)
    assert (one.job_id, one.state) == (long.job_id, "running"), "who asks again gets what is being done"
    assert first.end() == 0
    assert found(database, long.job_id).state == "waiting"
    second = Worker(business_dsn, tmp_path)
    wait_until(lambda: found(database, long.job_id).state == "done")
    assert second.end() == 0


@pytest.mark.slow
def test_killed_another_takes_its_job_over(database: Database, business_dsn: str, tmp_path: Path) -> None:
    long = put(database, task="long", about="long")
    first = Worker(business_dsn, tmp_path)
    wait_until(lambda: found(database, long.job_id).done > 0)
    first.process.kill()
    first.process.wait()
    assert found(database, long.job_id).state == "running", "nobody has noticed yet"
    second = Worker(business_dsn, tmp_path)
    wait_until(lambda: found(database, long.job_id).state == "done", seconds=60)
    assert second.end() == 0
    assert found(database, long.job_id).attempts == 2
