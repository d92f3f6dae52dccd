"""Running the bills."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from hoeksteen.billing import _store
from hoeksteen.billing._run import Engine, execute, open_run
from hoeksteen.billing.assembly import Usage
from hoeksteen.billing.model import BillRunProgress, BillRunResult, Progress, RunKind
from hoeksteen.billing.prices import PriceBook
from hoeksteen.billing.recurring import Calendar
from hoeksteen.disclosure import KeeperClient
from hoeksteen.kernel.errors import invariant
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.product.queries import offerings
from hoeksteen.rating.queries import usage_totals
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database


def _silent(progress: BillRunProgress) -> None:
    """Tell nobody."""


def run_bills(
    *,
    database: Database,
    keeper: KeeperClient,
    lake: Lake,
    period: BillPeriod,
    bill_date: date,
    kind: RunKind = "final",
    now: datetime,
    identifiers: Identifiers,
    progress: Progress = _silent,
) -> BillRunResult:
    """
    Bill every active billing account whose bill period begins on the first day of `period`.

    Usage is billed for `period`, charges in advance for the period after it, as what should have been charged less what
    was. Each batch is one transaction: its bills, their numbers, the books and the messages, so that a run that was
    killed goes on where it was. A trial takes no number, books nothing, discloses nothing and sends nothing.

    :param period: the usage period; its first day is the cycle day
    :param bill_date: the local day on the bills; its year gives their numbers
    :raises WrongState: when the period is final already, or is being finalised with another bill date
    :raises Conflict: when another process works on the same run
    :raises AccessDenied: when the service has no standing grant to disclose identity and contact for billing
    """
    run = open_run(database=database, period=period, bill_date=bill_date, kind=kind, now=now, identifiers=identifiers)
    with database.transaction() as tx:
        book = PriceBook(offerings(tx=tx))

    def usage_of(billing_account_ids: Sequence[UUID]) -> dict[UUID, list[Usage]]:
        found: dict[UUID, list[Usage]] = {}
        for total in usage_totals(lake=lake, period=period, billing_account_ids=billing_account_ids):
            found.setdefault(total.billing_account_id, []).append(total)
        return found

    engine = Engine(database, keeper, run, book, Calendar(period), now, identifiers)
    execute(engine=engine, usage_of=usage_of, progress=progress)
    with database.transaction() as tx:
        done = _store.run(tx, run.bill_run_id)
        invariant(done is not None and done.state == "done", "a bill run ends as done")
        totals, held = _store.totals(tx, run.bill_run_id), _store.held_of_run(tx, run.bill_run_id)
    return BillRunResult(run.bill_run_id, kind, period, bill_date, done.billing_accounts if done else 0, len(held), totals)
