"""
Work that people start and a worker does: bill runs, announcing bills, writing documents, audits of a month.

What is put into the queue names a period or a run and nobody. Whoever asks for what is in the queue already gets that.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from hoeksteen.billing import queries as bills
from hoeksteen.billing.model import BillRun
from hoeksteen.billing.operations import begin_run
from hoeksteen.kernel.errors import Conflict, NotFound, WrongState
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.time_period import BillPeriod, bill_period
from hoeksteen.storage import jobs
from hoeksteen.storage.jobs import Job
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database, Transaction


class Task(StrEnum):
    """What a worker can do."""

    BILL_RUN = "bill_run"
    ANNOUNCE = "announce_bills"
    DOCUMENTS = "write_documents"
    AUDIT = "audit_month"


def start_run(
    *, database: Database, lake: Lake, period: BillPeriod, bill_date: date, kind: Literal["trial", "final"], by: str,
    unapproved: bool = False, now: datetime, identifiers: Identifiers, bill_run_id: UUID | None = None,
) -> BillRun:  # fmt: skip
    """
    Begin a bill run, or let one that was stopped or cut off go on, and let a worker do it.

    :returns: the run; that which is under way already, where somebody else was first
    :raises Conflict: when a run of the other kind is under way, somebody else begins one at this moment, or a stopped trial has not ended yet
    :raises WrongState: when the run cannot be made, as `billing.operations.run_bills` says
    """
    about = _about_run(period)
    with database.claim(f"begin {about}") as is_ours:  # no connection of the pool waits meanwhile: closing a period's usage takes a while
        under_way = _asked_for(database, period, kind)
        if under_way is not None:
            return under_way
        if not is_ours:
            raise Conflict(f"Somebody else begins the run of {period.first_day} at this moment.", remedy="Look at the bill runs in a moment.")
        run = begin_run(
            database=database, lake=lake, period=period, bill_date=bill_date, kind=kind, by=by, unapproved=unapproved, now=now,
            identifiers=identifiers, bill_run_id=bill_run_id,
        )  # fmt: skip
        if run.state == "running":
            with database.transaction() as tx:
                jobs.put_in(tx=tx, task=Task.BILL_RUN, about=about, lock=about, arguments={"first_day": period.first_day.isoformat()})
    return run


def _asked_for(database: Database, period: BillPeriod, kind: str) -> BillRun | None:
    """
    Give the run of a period that is under way and has a job, None where there is none.

    :raises Conflict: when it is of the other kind
    """
    with database.transaction() as tx:
        under_way = bills.run_under_way(tx=tx, period=period)
        if under_way is None or under_way.stop_asked or jobs.open_job(tx=tx, about=_about_run(period)) is None:
            return None
    if under_way.kind != kind:
        raise Conflict(f"The {under_way.kind} run of {period.first_day} is under way.", remedy="Wait until it is done, or stop it.")
    return under_way


def announce(*, tx: Transaction, bill_run_id: UUID) -> Job:
    """
    Let a worker announce the bills of a run that is done.

    :raises NotFound: when there is no such run
    :raises WrongState: when it is a trial, is not done, or its bills are announced
    """
    run = bills.run(tx=tx, bill_run_id=bill_run_id)
    if run.kind == "trial" or run.state != "done" or run.sent_at is not None:
        raise WrongState("Bills of a final run are announced once it is done, and once.", remedy="Look at the run.")
    about, arguments = f"announce {bill_run_id}", {"bill_run_id": str(bill_run_id)}
    return jobs.put_in(tx=tx, task=Task.ANNOUNCE, about=about, lock=_about_run(run.period), arguments=arguments, also_running=True)


def write_documents(*, tx: Transaction, month: date) -> Job:
    """
    Let a worker write the documents of every final bill of a month.

    :param month: any day of it
    :raises NotFound: when no final run of it is done
    """
    _require_final(tx, month)
    return _of_month(tx, Task.DOCUMENTS, month)


def audit(*, tx: Transaction, month: date) -> Job:
    """Let a worker audit a month."""
    return _of_month(tx, Task.AUDIT, month)


def job_of_run(*, tx: Transaction, run: BillRun) -> Job | None:
    """Give the newest job of a run's period; None where a command does, or did, the work."""
    return next(iter(jobs.jobs_about(tx=tx, about=_about_run(run.period))), None)


def job_of_announcing(*, tx: Transaction, run: BillRun) -> Job | None:
    """Give the newest job that announces a run's bills, if any."""
    return next(iter(jobs.jobs_about(tx=tx, about=f"announce {run.bill_run_id}")), None)


def job_of_month(*, tx: Transaction, task: Task, month: date) -> Job | None:
    """Give the newest job of a kind about a month, if any."""
    return next(iter(jobs.jobs_about(tx=tx, about=_about_month(task, month))), None)


def _require_final(tx: Transaction, month: date) -> None:
    found = bills.runs_of_final_bills(tx=tx, period=bill_period(month.replace(day=1)))
    if not any(one.kind == "final" and one.state == "done" for one in found):
        raise NotFound(f"No final run of {month:%Y-%m} is done.", remedy="Make its bills final first.")


def _of_month(tx: Transaction, task: Task, month: date) -> Job:
    about = _about_month(task, month)
    return jobs.put_in(tx=tx, task=task, about=about, lock=about, arguments={"month": f"{month:%Y-%m}"}, also_running=True)


def _about_run(period: BillPeriod) -> str:
    return f"bill run {period.first_day}"


def _about_month(task: Task, month: date) -> str:
    return f"{task} {month:%Y-%m}"
