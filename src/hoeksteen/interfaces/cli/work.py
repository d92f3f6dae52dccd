"""What the worker does for each task of the queue: the same as the commands of the same names, told to the queue instead of a terminal."""

import os
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from hoeksteen.billing import queries as bills
from hoeksteen.billing.documents.bulk import DocumentKind
from hoeksteen.billing.model import BillRunProgress
from hoeksteen.billing.operations import carry_on_run
from hoeksteen.billing.sending import send_bills
from hoeksteen.interfaces.cli.document_worker import write_period
from hoeksteen.interfaces.runtime import Runtime
from hoeksteen.journeys.balance import audit_month
from hoeksteen.journeys.work import Task
from hoeksteen.kernel.errors import Conflict, NotFound
from hoeksteen.kernel.time_period import bill_period
from hoeksteen.storage.job_worker import Tell, Work
from hoeksteen.storage.jobs import Arguments

_REFUSED_NAMED_MAX = 20
Result = Mapping[str, Any]


def tasks(runtime: Runtime) -> dict[str, Work]:
    """Give what a worker can do with an installation."""
    doing: dict[Task, Callable[[Runtime, Arguments, Tell], Result]] = {
        Task.BILL_RUN: _bill_run, Task.ANNOUNCE: _announce, Task.DOCUMENTS: _documents, Task.AUDIT: _audit,
    }  # fmt: skip
    return {name: partial(do, runtime) for name, do in doing.items()}


def documents_folder(runtime: Runtime, month: date) -> Path:
    """Give where the documents of a month lie that the worker wrote."""
    return runtime.settings.application / "documents" / f"{month:%Y-%m}"


def _bill_run(runtime: Runtime, arguments: Arguments, tell: Tell) -> Result:
    """Carry on whatever run of the period is under way: the run's row says which, and whether somebody stopped it meanwhile."""
    first_day = date.fromisoformat(arguments["first_day"])
    with runtime.database.transaction() as tx:
        run = bills.run_under_way(tx=tx, period=bill_period(first_day, cycle_day=first_day.day))
    if run is None or run.stop_asked:
        return {"stopped": run is not None}

    def told(progress: BillRunProgress) -> None:
        tell(progress.billing_accounts, progress.billing_accounts_total)

    try:
        done = carry_on_run(
            database=runtime.database, keeper=runtime.keeper, lake=runtime.lake, bill_run_id=run.bill_run_id, now=runtime.clock.now(),
            identifiers=runtime.identifiers, progress=told,
        )  # fmt: skip
    except Conflict:
        try:
            with runtime.database.transaction() as tx:
                bills.run(tx=tx, bill_run_id=run.bill_run_id)
        except NotFound:
            return {"replaced": True}  # somebody began the trial anew, which has a job of its own
        raise
    return {"bill_run_id": str(run.bill_run_id), "bills": done.totals.count, "held": done.held, "stopped": done.stopped}


def _announce(runtime: Runtime, arguments: Arguments, _: Tell) -> Result:
    return {"messages": send_bills(database=runtime.database, bill_run_id=UUID(arguments["bill_run_id"]), now=runtime.clock.now())}


def _documents(runtime: Runtime, arguments: Arguments, tell: Tell) -> Result:
    month = _month(arguments)
    period, folder = bill_period(month), documents_folder(runtime, month)
    done = write_period(
        database=runtime.database, period=period, kinds=list(DocumentKind), folder=folder, data=runtime.settings.data,
        processes=len(os.sched_getaffinity(0)), told=lambda so_far: tell(so_far.bills, so_far.total),
    )  # fmt: skip
    refused = [one.bill_number for one in done.refused[:_REFUSED_NAMED_MAX]]
    return {
        "bills": done.bills, "written": done.written, "there": done.there, "refused": len(done.refused), "refused_bills": refused,
        "folder": str(folder),
    }  # fmt: skip


def _audit(runtime: Runtime, arguments: Arguments, _: Tell) -> Result:
    found = audit_month(database=runtime.database, lake=runtime.lake, period=bill_period(_month(arguments)))
    checks = sorted({one.check for one in found.differences})
    return {"differences": len(found.differences), "checks": checks, "until": found.until.isoformat()}


def _month(arguments: Arguments) -> date:
    try:
        return datetime.strptime(arguments["month"], "%Y-%m").date()
    except ValueError:
        raise NotFound("The job names no month.", remedy="Put it in anew.") from None
