"""
The worker of the queue: it does the jobs that wait, and those of a worker that died.

A worker that lives says so every few seconds. Jobs of one that has not for a while go back into the queue, for whoever comes
next. One that is told to end lets its jobs end at their next step, and puts them back too.
"""

import asyncio
import contextlib
import logging
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import procrastinate
from procrastinate import exceptions, jobs, retry

from hoeksteen.kernel.errors import Conflict, HoeksteenError, Unavailable
from hoeksteen.storage.jobs import QUEUE, SCHEMA, Arguments, report
from hoeksteen.storage.postgres import Database

AT_ONCE = 2
ALIVE_SECONDS = 2.0
DEAD_AFTER_SECONDS = 20.0
ATTEMPTS_MAX = 25
KEPT_HOURS = 24 * 90
_STEP_SECONDS = 1.0
_TOLD_EACH_SECONDS = 0.5
_CLEARED_EACH_SECONDS = 3_600.0
_LATER_SECONDS_MAX = 60
Tell = Callable[[int, int], None]
Work = Callable[[Arguments, Tell], Mapping[str, Any]]


class _Leaves(Exception):
    """This worker was told to end; its job is somebody else's now."""


class _Later(Exception):
    """Something that the job needs does not answer, or somebody else is at it."""


class _Failed(Exception):
    """The job cannot be done; its report says why."""


class _Again(procrastinate.BaseRetryStrategy):
    def get_retry_decision(self, *, exception: BaseException, job: jobs.Job) -> retry.RetryDecision | None:
        if isinstance(exception, _Leaves):
            return retry.RetryDecision(retry_in={"seconds": 0})
        if isinstance(exception, _Later) and job.attempts < ATTEMPTS_MAX:
            return retry.RetryDecision(retry_in={"seconds": min(2**job.attempts, _LATER_SECONDS_MAX)})
        return None


@dataclass(frozen=True, slots=True)
class Station:
    """
    What a worker works with.

    :param dsn: the business database, for the queue itself; `database` is where jobs report
    :param tasks: the work of each task, given the job's arguments and whom to tell how much of how much is done
    :param place_of: says where an unforeseen error came from, without its own words, which may hold somebody's data
    :param say: told what happens, a line each
    :param is_left: whether whoever started this worker is gone
    """

    dsn: str
    database: Database
    tasks: Mapping[str, Work]
    place_of: Callable[[BaseException], str]
    say: Callable[[str], None]
    is_left: Callable[[], bool] = lambda: False


def work(*, station: Station, on_ready: Callable[[], None] = lambda: None) -> None:
    """
    Do jobs until SIGTERM or SIGINT.

    :raises Unavailable: when the database went away
    """
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)  # what it prints may be an error's own words
    if not asyncio.run(_work(station, on_ready)):
        raise Unavailable("The worker lost the queue.", remedy="Look whether the business database runs: `hoeksteen status`.")


async def _work(station: Station, on_ready: Callable[[], None]) -> bool:
    """Give whether it ended because it was told to."""
    leaves, own = threading.Event(), set[int]()
    options = f"-c search_path={SCHEMA} -c timezone=UTC"
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=station.dsn, kwargs={"options": options}, min_size=1, max_size=4))
    for name, task in station.tasks.items():
        app.task(name=name, queue=QUEUE, pass_context=True, retry=_Again())(_doing(station, name, task, leaves, own))
    try:
        async with app.open_async():
            worker = asyncio.create_task(
                app.run_worker_async(
                    queues=[QUEUE], concurrency=AT_ONCE, install_signal_handlers=False, update_heartbeat_interval=ALIVE_SECONDS,
                    stalled_worker_timeout=DEAD_AFTER_SECONDS, fetch_job_polling_interval=_STEP_SECONDS,
                )
            )  # fmt: skip

            def leave() -> None:
                leaves.set()
                worker.cancel()

            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, leave)
            beside = asyncio.create_task(_keep(app, station, leave, own))
            on_ready()
            with contextlib.suppress(asyncio.CancelledError):
                await worker
            beside.cancel()
    except exceptions.ConnectorException:
        return leaves.is_set()
    return leaves.is_set()


async def _keep(app: procrastinate.App, station: Station, leave: Callable[[], None], own: set[int]) -> None:
    """
    Put the jobs of dead workers back, clear old ones away, and see whether anybody is left for whom this worker works.

    :param own: the jobs that this worker does: on a busy machine it may be late to say that it lives, and knows better
    """
    cleared = -_CLEARED_EACH_SECONDS
    while not station.is_left():
        with contextlib.suppress(exceptions.ConnectorException):  # another worker was first, or the database is away, which ends the worker itself
            stalled = await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=DEAD_AFTER_SECONDS)
            for job in [one for one in stalled if one.id not in own]:
                if job.attempts >= ATTEMPTS_MAX:
                    await app.job_manager.finish_job(job=job, status=jobs.Status.FAILED, delete_job=False)
                else:
                    await app.job_manager.retry_job(job=job)
                station.say(f"job {job.id} ({job.task_name}): its worker died")
            if time.monotonic() - cleared >= _CLEARED_EACH_SECONDS:
                await app.job_manager.delete_old_jobs(nb_hours=KEPT_HOURS, include_failed=True, include_cancelled=True, include_aborted=True)
                cleared = time.monotonic()
        await asyncio.sleep(_STEP_SECONDS)
    leave()


def _doing(station: Station, name: str, task: Work, leaves: threading.Event, own: set[int]) -> Callable[..., None]:
    def do(context: procrastinate.JobContext, **arguments: str) -> None:
        assert context.job.id is not None  # it came out of the queue
        own.add(context.job.id)
        try:
            carry_out(context.job.id, arguments)
        finally:
            own.discard(context.job.id)

    def carry_out(job_id: int, arguments: Arguments) -> None:
        told = 0.0

        def tell(done: int, total: int) -> None:
            nonlocal told
            if leaves.is_set():
                raise _Leaves
            if time.monotonic() - told >= _TOLD_EACH_SECONDS or done == total:
                told = time.monotonic()
                with station.database.transaction() as tx:
                    report(tx=tx, job_id=job_id, done=done, total=total)

        station.say(f"job {job_id} ({name}) begins")
        try:
            result = task(arguments, tell)
        except _Leaves:
            station.say(f"job {job_id} ({name}) waits for another worker")
            raise
        except (Unavailable, Conflict) as error:
            _tell_problem(station, job_id, name, error.message, error.remedy)
            raise _Later from None
        except HoeksteenError as error:
            _tell_problem(station, job_id, name, error.message, error.remedy)
            raise _Failed from None
        except Exception as error:  # noqa: BLE001 the border: an unforeseen error's own words may hold somebody's data
            _tell_problem(station, job_id, name, f"unforeseen {station.place_of(error)}", "Nothing half-done remains; report this line.")
            raise _Failed from None
        with station.database.transaction() as tx:
            report(tx=tx, job_id=job_id, result=result)
        station.say(f"job {job_id} ({name}) is done")

    return do


def _tell_problem(station: Station, job_id: int, name: str, problem: str, remedy: str) -> None:
    station.say(f"job {job_id} ({name}): {problem}")
    with contextlib.suppress(Unavailable), station.database.transaction() as tx:  # where it is away, the job is tried again anyhow
        report(tx=tx, job_id=job_id, problem=problem, remedy=remedy)
