"""Bill runs, for the billing manager: what was run and what it came to, a trial against last month, the second person's approval."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from hoeksteen.billing import approving
from hoeksteen.billing import queries as billing
from hoeksteen.billing.comparing import compare_runs
from hoeksteen.billing.model import BillRun, RunComparison
from hoeksteen.interfaces.desk.looking import BILLING_MANAGER
from hoeksteen.interfaces.problems import PROBLEMS
from hoeksteen.interfaces.web.site import Form, Visit
from hoeksteen.journeys import work
from hoeksteen.kernel.errors import HoeksteenError, NotFound, Refused
from hoeksteen.kernel.time_period import add_months, local_day
from hoeksteen.party import queries as party
from hoeksteen.storage.jobs import Job, latest_jobs
from hoeksteen.storage.postgres import Transaction

_MONTHS_OFFERED = 6
_JOBS_SHOWN = 8


@get("/bills", sync_to_thread=True)
def runs(visit: NamedDependency[Visit]) -> Response[str]:
    """Show the bill runs, the newest first, each with its totals; one that is under way with how far it is; and what a worker was given."""
    visit.require(BILLING_MANAGER)
    return runs_page(visit)


@get("/bills/runs/{bill_run_id:uuid}", sync_to_thread=True)
def one_run(visit: NamedDependency[Visit], bill_run_id: FromPath[UUID]) -> Response[str]:
    """Show one run: its sums, what differs from last month's bills or the trial before, and which accounts it holds."""
    visit.require(BILLING_MANAGER)
    return run_page(visit, bill_run_id)


@post("/bills/runs/{bill_run_id:uuid}/approve", sync_to_thread=True)
def approve(visit: NamedDependency[Visit], bill_run_id: FromPath[UUID], form: NamedDependency[Form]) -> Response[Any]:
    """Approve a trial, as somebody other than who began it."""
    visit.require(BILLING_MANAGER)
    try:
        with visit.runtime.database.transaction() as tx:
            approving.approve_run(tx=tx, bill_run_id=bill_run_id, by=visit.person.actor, now=visit.now)
    except NotFound:
        raise
    except Refused as error:
        return run_page(visit, bill_run_id, status=PROBLEMS[error.code].http_status, problem=error, refused="approval")
    return Redirect(f"/bills/runs/{bill_run_id}", status_code=303)


def runs_page(visit: Visit, *, status: int = 200, problem: HoeksteenError | None = None, typed: Form | None = None) -> Response[str]:
    """
    Give the page of all runs.

    :param typed: what was sent to start a trial, shown again where it was refused
    """
    months = [add_months(local_day(visit.now).replace(day=1), -back) for back in range(_MONTHS_OFFERED)]
    with visit.runtime.database.transaction() as tx:
        known = billing.runs(tx=tx)
        ids = [run.bill_run_id for run in known]
        last_is_final = any(run.kind == "final" and run.period.first_day.replace(day=1) == months[1] for run in known)
        return visit.page(
            "desk/runs.html",
            status=status,
            runs=known,
            totals=billing.totals_of_runs(tx=tx, bill_run_ids=ids),
            approvals=approving.approvals(tx=tx, bill_run_ids=ids),
            progress={run.bill_run_id: billing.progress(tx=tx, run=run, now=visit.now) for run in known if run.state == "running"},
            holds=_named(tx, approving.holds(tx=tx)),
            jobs=latest_jobs(tx=tx, limit=_JOBS_SHOWN),
            months=months,
            cycle_days=party.cycle_days_in_use(tx=tx),
            typed=typed or Form({"month": f"{months[0 if last_is_final else 1]:%Y-%m}"}),
            problem=problem,
            now=visit.now,
        )


def run_page(
    visit: Visit, bill_run_id: UUID, *, status: int = 200, problem: HoeksteenError | None = None, refused: str = ""
) -> Response[str]:  # fmt: skip
    """
    Give the page of one run.

    :param refused: `approval`, where that is what could not be
    """
    with visit.runtime.database.transaction() as tx:
        run = billing.run(tx=tx, bill_run_id=bill_run_id)
        approval = approving.approvals(tx=tx, bill_run_ids=[bill_run_id]).get(bill_run_id)
        return visit.page(
            "desk/run.html",
            status=status,
            **work_values(tx, visit, run),
            totals=billing.totals(tx=tx, bill_run_id=bill_run_id),
            approval=approval,
            is_latest=_is_latest(tx, run),
            comparison=(compared := _compared(tx, run)),
            differing=_named(tx, compared.largest if compared else ()),
            held=_named(tx, billing.held(tx=tx, bill_run_id=bill_run_id)),
            may_approve=run.kind == "trial" and run.state == "done" and approval is None and visit.person.actor != run.started_by != "",
            problem=problem,
            refused=refused,
        )


def work_values(tx: Transaction, visit: Visit, run: BillRun) -> dict[str, Any]:
    """Give what is being done about a run: how far it is, and the newest job of each kind."""
    month = run.period.first_day
    of_run = work.job_of_run(tx=tx, run=run) if run.state == "running" else None
    jobs: dict[str, Job | None] = {"announce": None, "documents": None, "audit": None}
    if run.kind == "final" and run.state == "done":
        jobs = {
            "announce": work.job_of_announcing(tx=tx, run=run),
            "documents": work.job_of_month(tx=tx, task=work.Task.DOCUMENTS, month=month),
            "audit": work.job_of_month(tx=tx, task=work.Task.AUDIT, month=month),
        }  # fmt: skip
    is_going = run.state == "running" and not run.stop_asked
    return {
        "run": run, "of_run": of_run, "jobs": jobs, "now": visit.now,
        "progress": billing.progress(tx=tx, run=run, now=visit.now) if run.state == "running" else None,
        "is_going": is_going, "busy": is_going or any(one is not None and one.is_open for one in (of_run, *jobs.values())),
    }  # fmt: skip


def _is_latest(tx: Transaction, run: BillRun) -> bool:
    """Say whether a run is the newest trial of a period that is not final, with no other under way: its bills can be made final."""
    if run.kind != "trial" or run.state != "done" or billing.run_under_way(tx=tx, period=run.period) is not None:
        return False
    if any(one.kind == "final" and one.period == run.period for one in billing.runs_of_final_bills(tx=tx, period=run.period)):
        return False
    return approving.latest_trial(tx=tx, period=run.period).bill_run_id == run.bill_run_id


def _compared(tx: Transaction, run: BillRun) -> RunComparison | None:
    """Give what differs from the run before; None where there is none."""
    try:
        return compare_runs(tx=tx, after=run.bill_run_id)
    except NotFound:
        return None


def _named(tx: Transaction, rows: Any) -> list[tuple[Any, str]]:
    """Give rows about billing accounts with the customer's number, by which people find them."""
    shown = list(rows)[:100]
    numbers = {one.customer_id: one.customer_number for one in party.customers(tx=tx, customer_ids=[row.customer_id for row in shown])}
    return [(row, numbers.get(row.customer_id, "")) for row in shown]


HANDLERS = [runs, one_run, approve]
