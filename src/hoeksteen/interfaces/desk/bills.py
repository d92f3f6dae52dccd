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
from hoeksteen.kernel.errors import NotFound, Refused
from hoeksteen.party import queries as party
from hoeksteen.storage.postgres import Transaction


@get("/bills", sync_to_thread=True)
def runs(visit: NamedDependency[Visit]) -> Response[str]:
    """Show the bill runs, the newest first, each with its totals; one that is under way with how far it is."""
    visit.require(BILLING_MANAGER)
    with visit.runtime.database.transaction() as tx:
        known = billing.runs(tx=tx)
        ids = [run.bill_run_id for run in known]
        return visit.page(
            "desk/runs.html",
            runs=known,
            totals=billing.totals_of_runs(tx=tx, bill_run_ids=ids),
            approvals=approving.approvals(tx=tx, bill_run_ids=ids),
            progress={run.bill_run_id: billing.progress(tx=tx, run=run, now=visit.now) for run in known if run.state == "running"},
            holds=_named(tx, approving.holds(tx=tx)),
        )


@get("/bills/runs/{bill_run_id:uuid}", sync_to_thread=True)
def one_run(visit: NamedDependency[Visit], bill_run_id: FromPath[UUID]) -> Response[str]:
    """Show one run: its sums, what differs from last month's bills or the trial before, and which accounts it holds."""
    visit.require(BILLING_MANAGER)
    return _run_page(visit, bill_run_id)


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
        return _run_page(visit, bill_run_id, status=PROBLEMS[error.code].http_status, problem=error)
    return Redirect(f"/bills/runs/{bill_run_id}", status_code=303)


def _run_page(visit: Visit, bill_run_id: UUID, *, status: int = 200, problem: Refused | None = None) -> Response[str]:
    with visit.runtime.database.transaction() as tx:
        run = billing.run(tx=tx, bill_run_id=bill_run_id)
        approval = approving.approvals(tx=tx, bill_run_ids=[bill_run_id]).get(bill_run_id)
        return visit.page(
            "desk/run.html",
            status=status,
            run=run,
            totals=billing.totals(tx=tx, bill_run_id=bill_run_id),
            progress=billing.progress(tx=tx, run=run, now=visit.now) if run.state == "running" else None,
            approval=approval,
            comparison=(compared := _compared(tx, run)),
            differing=_named(tx, compared.largest if compared else ()),
            held=_named(tx, billing.held(tx=tx, bill_run_id=bill_run_id)),
            may_approve=run.kind == "trial" and run.state == "done" and approval is None and visit.person.actor != run.started_by,
            problem=problem,
        )


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
