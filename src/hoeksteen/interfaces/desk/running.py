"""What the billing manager starts and a worker does: a trial, the final run that follows its approval, announcing, documents, an audit."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from hoeksteen.billing import operations as billing_operations
from hoeksteen.billing import queries as billing
from hoeksteen.billing.model import BillRun
from hoeksteen.interfaces.desk.bills import run_page, runs_page, work_values
from hoeksteen.interfaces.desk.looking import BILLING_MANAGER
from hoeksteen.interfaces.problems import PROBLEMS
from hoeksteen.interfaces.web.site import Form, Visit
from hoeksteen.interfaces.web.words import marked
from hoeksteen.journeys import work
from hoeksteen.kernel.errors import InvalidInput, NotFound, Refused, Unavailable
from hoeksteen.kernel.time_period import BillPeriod, bill_period
from hoeksteen.storage.jobs import Job
from hoeksteen.storage.postgres import Transaction

_REFRESH = {"HX-Refresh": "true"}


@post("/bills/trial", sync_to_thread=True)
def start_trial(visit: NamedDependency[Visit], form: NamedDependency[Form]) -> Response[Any]:
    """Start a trial of a period; whoever clicks second gets the one that is under way."""
    visit.require(BILLING_MANAGER)
    try:
        period = _period(form)
        run = _start(visit, period, form.day("bill_date") if form["bill_date"] else period.end_day, "trial")
    except (Refused, Unavailable) as error:
        return runs_page(visit, status=_status(error), problem=error, typed=form)
    return _to(run.bill_run_id)


@post("/bills/runs/{bill_run_id:uuid}/final", sync_to_thread=True)
def make_final(visit: NamedDependency[Visit], bill_run_id: FromPath[UUID]) -> Response[Any]:
    """Make the bills final of which this trial was approved, or let the final run that this is go on."""
    visit.require(BILLING_MANAGER)
    with visit.runtime.database.transaction() as tx:
        run = billing.run(tx=tx, bill_run_id=bill_run_id)
    try:
        started = _start(visit, run.period, run.bill_date, "final")
    except (Refused, Unavailable) as error:
        return run_page(visit, bill_run_id, status=_status(error), problem=error)
    return _to(started.bill_run_id)


@post("/bills/runs/{bill_run_id:uuid}/stop", sync_to_thread=True)
def stop(visit: NamedDependency[Visit], bill_run_id: FromPath[UUID]) -> Response[Any]:
    """Ask a run to stop after its batch; one that is done stays so, and another of its period goes on."""
    visit.require(BILLING_MANAGER)
    try:
        with visit.runtime.database.transaction() as tx:
            run = billing.run(tx=tx, bill_run_id=bill_run_id)
            under_way = billing.run_under_way(tx=tx, period=run.period)
            if under_way is not None and under_way.bill_run_id == bill_run_id:
                billing_operations.stop_run(tx=tx, period=run.period)
    except NotFound:
        pass  # it was done a moment ago, which its page shows
    return _to(bill_run_id)


@post("/bills/runs/{bill_run_id:uuid}/announce", sync_to_thread=True)
def announce(visit: NamedDependency[Visit], bill_run_id: FromPath[UUID]) -> Response[Any]:
    """Announce the bills of a final run to their customers."""
    return _put_in(visit, bill_run_id, lambda tx, run: work.announce(tx=tx, bill_run_id=run.bill_run_id))


@post("/bills/runs/{bill_run_id:uuid}/documents", sync_to_thread=True)
def write_documents(visit: NamedDependency[Visit], bill_run_id: FromPath[UUID]) -> Response[Any]:
    """Write the PDF and UBL of every bill of the month."""
    return _put_in(visit, bill_run_id, lambda tx, run: work.write_documents(tx=tx, month=run.period.first_day))


@post("/bills/runs/{bill_run_id:uuid}/audit", sync_to_thread=True)
def audit(visit: NamedDependency[Visit], bill_run_id: FromPath[UUID]) -> Response[Any]:
    """Audit the month of a run."""
    return _put_in(visit, bill_run_id, lambda tx, run: work.audit(tx=tx, month=run.period.first_day))


@get("/bills/runs/{bill_run_id:uuid}/work", sync_to_thread=True)
def under_way(visit: NamedDependency[Visit], bill_run_id: FromPath[UUID]) -> Response[str]:
    """Give how far a run and its jobs are, which the page asks for while any is under way; once none is, the page comes anew."""
    visit.require(BILLING_MANAGER)
    with visit.runtime.database.transaction() as tx:
        values = work_values(tx, visit, billing.run(tx=tx, bill_run_id=bill_run_id))
    return visit.page("desk/work.html", headers=None if values["busy"] else _REFRESH, **values)


def _put_in(visit: Visit, bill_run_id: UUID, put_in: Callable[[Transaction, BillRun], Job]) -> Response[Any]:
    visit.require(BILLING_MANAGER)
    try:
        with visit.runtime.database.transaction() as tx:
            put_in(tx, billing.run(tx=tx, bill_run_id=bill_run_id))
    except Refused as error:
        return run_page(visit, bill_run_id, status=_status(error), problem=error)
    return _to(bill_run_id)


def _start(visit: Visit, period: BillPeriod, bill_date: date, kind: Literal["trial", "final"]) -> BillRun:
    return work.start_run(
        database=visit.runtime.database, lake=visit.runtime.lake, period=period, bill_date=bill_date, kind=kind, by=visit.person.actor,
        now=visit.now, identifiers=visit.runtime.identifiers,
    )  # fmt: skip


def _period(form: Form) -> BillPeriod:
    """
    Give the period of the month and cycle day that were chosen.

    :raises InvalidInput: when they are none
    """
    try:
        cycle_day = int(form["cycle_day"])
        return bill_period(datetime.strptime(form["month"], "%Y-%m").date().replace(day=cycle_day), cycle_day=cycle_day)
    except ValueError:
        remedy = marked("Choose a month such as 2026-10, and a day from 1 to 28.")
        raise InvalidInput(marked("That is no month and cycle day."), remedy=remedy, field="month") from None


def _status(error: Refused | Unavailable) -> int:
    return 422 if isinstance(error, InvalidInput) else PROBLEMS[error.code].http_status


def _to(bill_run_id: UUID) -> Redirect:
    return Redirect(f"/bills/runs/{bill_run_id}", status_code=303)


HANDLERS = [start_trial, make_final, stop, announce, write_documents, audit, under_way]
