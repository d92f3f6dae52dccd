"""Running the bills."""

from datetime import date, datetime
from functools import partial

from hoeksteen.billing import _store
from hoeksteen.billing._reading import usage_of
from hoeksteen.billing._run import CLOSED_BOOKS, Engine, execute, open_run
from hoeksteen.billing.model import BillRunProgress, BillRunResult, Progress, RunKind
from hoeksteen.billing.prices import PriceBook
from hoeksteen.billing.recurring import Calendar
from hoeksteen.disclosure import KeeperClient
from hoeksteen.kernel.errors import WrongState, invariant
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.ledger.operations import require_open
from hoeksteen.party.queries import count_billing_accounts_of_cycle
from hoeksteen.product.queries import offerings, usage_discount_days
from hoeksteen.rating.operations import close_period
from hoeksteen.rating.queries import suspended
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
    killed goes on where it was; running a final period again changes nothing, and gives its figures. A trial takes no
    number, books nothing, discloses nothing, sends nothing and closes nothing: its period may still go on.

    :param period: the usage period; its first day is the cycle day
    :param bill_date: the local day on the bills; its year gives their numbers
    :raises WrongState: when no account has this cycle, the period is not over or not the next one, is final with another
        bill date, has usage that is not rated, or the books of the bill date are closed
    :raises Conflict: when another process works on the same run
    :raises AccessDenied: when the service has no standing grant to disclose identity and contact for billing
    """
    with database.transaction() as tx:
        if not count_billing_accounts_of_cycle(tx=tx, cycle_day=period.first_day.day):
            raise WrongState(
                f"No billing account has bill periods that begin on day {period.first_day.day}.", remedy="Name the cycle day of the accounts to bill."
            )
    if kind == "final":
        _require_open_books(database, period, bill_date)
        close_period(database=database, lake=lake, period=period, now=now)
    run = open_run(database=database, period=period, bill_date=bill_date, kind=kind, now=now, identifiers=identifiers)
    if run.state != "done":
        with database.transaction() as tx:
            book, divided = PriceBook(offerings(tx=tx)), usage_discount_days(tx=tx)
        usage = partial(usage_of, lake=lake, divided=divided)
        engine = Engine(database, keeper, run, book, Calendar(period), now, identifiers, usage)
        execute(engine=engine, progress=progress)
    with database.transaction() as tx:
        done = _store.run(tx, run.bill_run_id)
        invariant(done is not None and done.state == "done", "a bill run ends as done")
        totals, held = _store.totals(tx, [run.bill_run_id])[run.bill_run_id], _store.held_of_run(tx, run.bill_run_id)
        waiting = suspended(tx=tx)
    return BillRunResult(
        run.bill_run_id, kind, period, bill_date, done.billing_accounts if done else 0, len(held), waiting, totals, run.state == "done"
    )


def _require_open_books(database: Database, period: BillPeriod, bill_date: date) -> None:
    """Refuse a bill date in a closed period before anything is computed or closed; a run that is done only gives its figures."""
    with database.transaction() as tx:
        found = _store.final_run(tx, period.first_day.day, period.first_day)
        if found is None or found.state != "done":
            require_open(tx=tx, day=bill_date, what="the bill date", remedy=CLOSED_BOOKS)
