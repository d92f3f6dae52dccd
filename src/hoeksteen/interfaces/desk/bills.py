"""Bill runs, for the billing manager: what was run, and what it came to."""

from litestar import Response, get
from litestar.di import NamedDependency

from hoeksteen.billing import queries as billing
from hoeksteen.interfaces.desk.looking import BILLING_MANAGER
from hoeksteen.interfaces.web.site import Visit


@get("/bills", sync_to_thread=True)
def runs(visit: NamedDependency[Visit]) -> Response[str]:
    """Show the bill runs, the newest first, each with its totals."""
    visit.require(BILLING_MANAGER)
    with visit.runtime.database.transaction() as tx:
        known = billing.runs(tx=tx)
        totals = billing.totals_of_runs(tx=tx, bill_run_ids=[run.bill_run_id for run in known])
    return visit.page("desk/runs.html", runs=[(run, totals[run.bill_run_id]) for run in known])


HANDLERS = [runs]
