"""
The queue of work that somebody starts and a worker does, in the business database (Procrastinate).

A job is named by what it is about, so that it is in the queue once. It carries identifiers and no personal data. What it works on holds the
truth; a job that is lost is put in again, and one that is done twice changes nothing the second time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import procrastinate

from hoeksteen.kernel.errors import invariant
from hoeksteen.storage.postgres import Transaction, as_json

SCHEMA = "jobs"
QUEUE = "work"
LISTED_MAX = 200
Arguments = Mapping[str, str]
_STATES = {"todo": "waiting", "doing": "running", "succeeded": "done", "failed": "failed"}
_FIELD_CHARACTERS_MAX = 100
_queue = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())  # never opened: each job goes in with a transaction of ours
_JOBS = """
SELECT j.id AS job_id, j.task_name AS task, j.queueing_lock AS about, j.status::text AS status, j.args AS arguments, j.attempts,
       coalesce(r.done, 0) AS done, coalesce(r.total, 0) AS total, r.result, coalesce(r.problem, '') AS problem, coalesce(r.remedy, '') AS remedy,
       (SELECT min(e.at) FROM jobs.procrastinate_events e WHERE e.job_id = j.id) AS asked_at,
       (SELECT max(e.at) FROM jobs.procrastinate_events e WHERE e.job_id = j.id AND e.type = 'started') AS started_at
FROM jobs.procrastinate_jobs j LEFT JOIN jobs.report r ON r.job_id = j.id
"""
_REPORT = """
INSERT INTO jobs.report (job_id, done, total, result, problem, remedy) VALUES (%(job)s, %(done)s, %(total)s, %(result)s, %(problem)s, %(remedy)s)
ON CONFLICT (job_id) DO UPDATE SET
    done = excluded.done, total = excluded.total, result = excluded.result, problem = excluded.problem, remedy = excluded.remedy
"""


@dataclass(frozen=True, slots=True)
class Job:
    """
    A job as it stands.

    :param about: what it is about, which is in the queue once
    :param state: `waiting`, `running`, `done` or `failed`
    :param done: how much of `total` is done; both 0 where it does not say
    :param result: what came of it; None until it is done
    :param problem: why it failed, with `remedy`; empty for one that did not
    """

    job_id: int
    task: str
    about: str
    state: str
    arguments: Arguments
    attempts: int
    done: int
    total: int
    result: Mapping[str, Any] | None
    problem: str
    remedy: str
    asked_at: datetime
    started_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it is still to end."""
        return self.state in ("waiting", "running")

    def seconds_left(self, now: datetime) -> float | None:
        """Give how long it still takes at the pace so far; None where nothing tells."""
        if self.started_at is None or not 0 < self.done <= self.total:
            return None
        return (now - self.started_at).total_seconds() / self.done * (self.total - self.done)


def put_in(*, tx: Transaction, task: str, about: str, lock: str, arguments: Arguments, also_running: bool = False) -> Job:
    """
    Put a job into the queue as a part of a transaction, or give the one about the same that waits already.

    Who asks at the same time waits until this transaction ends, and then finds its job.

    :param also_running: give one that is being done too, where it need not be done again for what came since it began
    :param lock: jobs of the same lock are done one after another
    :param arguments: identifiers only; they stand in the queue, and in what a worker prints
    """
    invariant(all(len(value) <= _FIELD_CHARACTERS_MAX for value in arguments.values()), "a job carries identifiers and no texts")
    tx.wait_for(f"job {about}")
    there = next((one for one in jobs_about(tx=tx, about=about) if one.state == "waiting" or (also_running and one.is_open)), None)
    if there is not None:
        return there
    task_of = _queue.configure_task(task, lock=lock, queueing_lock=about, queue=QUEUE, connection=tx.with_names_of(SCHEMA))
    job_id = task_of.defer(**arguments)
    tx.with_names_of(None)
    return job(tx=tx, job_id=job_id)


def job(*, tx: Transaction, job_id: int) -> Job:
    """Give a job that is in the queue."""
    [found] = [_job(row) for row in tx.rows(_JOBS + "WHERE j.id = %s", (job_id,))]
    return found


def jobs_about(*, tx: Transaction, about: str) -> list[Job]:
    """Give the jobs about something, the newest first."""
    return [_job(row) for row in tx.rows(_JOBS + "WHERE j.queueing_lock = %s ORDER BY j.id DESC LIMIT %s", (about, LISTED_MAX))]


def open_job(*, tx: Transaction, about: str) -> Job | None:
    """Give the job about something that waits or is being done, the newest where there are both."""
    return next((one for one in jobs_about(tx=tx, about=about) if one.is_open), None)


def latest_jobs(*, tx: Transaction, limit: int = 20) -> list[Job]:
    """Give the newest jobs."""
    return [_job(row) for row in tx.rows(_JOBS + "ORDER BY j.id DESC LIMIT %s", (min(limit, LISTED_MAX),))]


def report(
    *, tx: Transaction, job_id: int, done: int = 0, total: int = 0, result: Mapping[str, Any] | None = None, problem: str = "", remedy: str = ""
) -> None:  # fmt: skip
    """Write down how far a job is, or how it ended; without personal data."""
    values = {"job": job_id, "done": done, "total": total, "result": None if result is None else as_json(result)}
    tx.execute(_REPORT, {**values, "problem": problem, "remedy": remedy})


def _job(row: dict[str, Any]) -> Job:
    return Job(state=_STATES.get(row.pop("status"), "failed"), **{**row, "about": row["about"] or ""})
