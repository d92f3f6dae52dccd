"""
Bills of accounts whose last product has ended: made at once, instead of waiting for the cycle (docs/decisions/0040).

They are bills of the cycle's open periods, made early. Recurring charges are a difference in any case; of usage, the period's own run
subtracts what these bills charged. So late usage is billed, a termination that is taken back is charged on, and nothing is billed twice.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from hoeksteen.billing import _charge_store, _leaving_store, _run_store, _store
from hoeksteen.billing._granted_reading import accounts_with_granted
from hoeksteen.billing._run import require_bill_date
from hoeksteen.billing.model import BillRun, BillRunResult
from hoeksteen.billing.operations import bill_off_cycle, bill_one_at_once, settle_cut_off
from hoeksteen.disclosure import KeeperClient
from hoeksteen.kernel.errors import WrongState
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.time_period import BillPeriod, bill_period, local_day
from hoeksteen.party.departments import require_alone
from hoeksteen.party.model import BillingAccount, CycleMove
from hoeksteen.party.queries import billing_account as billing_account_of
from hoeksteen.party.queries import cycle_moves
from hoeksteen.product.model import ProductStatus
from hoeksteen.product.queries import products, terms
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database, Transaction

_PERIODS_MAX = 24


@dataclass(frozen=True, slots=True)
class LastBill:
    """The last bill of a billing account that got one when it left."""

    customer_id: UUID
    billing_account_id: UUID
    customer_bill_id: UUID
    bill_number: str
    bill_date: date


def bill_who_leaves(
    *, database: Database, keeper: KeeperClient, lake: Lake, billing_account_id: UUID, bill_date: date, by: str, now: datetime,
    identifiers: Identifiers,
) -> list[BillRunResult]:  # fmt: skip
    """
    Bill an account whose every product has ended, up to their last day, and announce the bills.

    One bill for each period of its cycle that has no final run yet and in which something was held, mostly one; before them, the bill that
    an earlier run held. The last has all that was granted and waits, and what is left of sales in parts. Usage that is not rated yet, or
    arrives later, appears on the bill of the period's own run. Asked again, it bills what has become known since, mostly nothing. The last
    result tells of a hold, where the account is held: nothing after it is billed.

    :param by: who wants it, for the record
    :raises NotFound: when no billing account has this identifier
    :raises WrongState: when it is a department or has departments; when a product of it is held still, or none ever was; when its cycle is being
        billed, or is behind by more than two years; when the books of the bill date are closed
    :raises Conflict: when the cycle's run has begun meanwhile
    """
    settle_cut_off(database=database, now=now)
    with database.transaction() as tx:
        require_bill_date(tx=tx, bill_date=bill_date, now=now)
        account = billing_account_of(tx=tx, billing_account_id=billing_account_id)
        require_alone(tx=tx, billing_account=account, day=local_day(now))
        end_day = _left_on(tx, account, local_day(now))
        held_in, periods = _held_in(tx, account), _periods(tx, account, end_day)
    done: list[BillRunResult] = []
    if held_in is not None:
        done.append(
            bill_off_cycle(
                database=database,
                keeper=keeper,
                lake=lake,
                period=held_in,
                billing_account_ids=[billing_account_id],
                bill_date=bill_date,
                by=by,
                now=now,
                identifiers=identifiers,
            )  # fmt: skip
        )
    for period in periods:
        if done and done[-1].held:
            break
        run = BillRun(
            identifiers.new(now), "leaving", account.cycle_day, period, bill_date, "running", now, started_by=by, accounts=(billing_account_id,)
        )
        done.append(bill_one_at_once(database=database, keeper=keeper, lake=lake, run=run, now=now, identifiers=identifiers))
    return done


def last_bills(*, tx: Transaction, today: date, customer_ids: Collection[UUID] | None = None) -> dict[UUID, LastBill]:
    """Give the last bill of those billing accounts, of some customers or of all, that got one when they left and hold nothing today."""
    rows = _leaving_store.last_bills(tx, None if customer_ids is None else list(customer_ids))
    gone = left(tx=tx, customers={row["customer_id"] for row in rows}, today=today)
    return {row["billing_account_id"]: LastBill(**row) for row in rows if row["billing_account_id"] in gone}


def require_settled(*, tx: Transaction, billing_account: BillingAccount) -> None:
    """
    Check that nothing of an account waits for a run of its cycle, and let none begin until commit.

    :raises WrongState: when its last bill was made before its period's own run, a run passed it by, its cycle is being billed, or something was
        granted to it that no final bill has
    """
    _charge_store.lock_account(tx, billing_account.billing_account_id)
    _leaving_store.lock_cycle(tx, billing_account.cycle_day)
    last = _store.last_final_run(tx, billing_account.cycle_day)
    if last is not None and last.state != "done":
        raise WrongState(f"The bills of {last.period.first_day} are being made final.", remedy="Ask again once that run is done.")
    _require_no_move(tx, billing_account)
    if _charge_store.is_asked(tx, billing_account.billing_account_id):
        raise WrongState("A charge or a credit of it waits for a second person.", remedy="Approve or decline it: `hoeksteen charge approve`.")
    if accounts_with_granted(tx=tx, billing_account_ids=[billing_account.billing_account_id]):
        raise WrongState("Something was granted to it that no bill has yet.", remedy="Ask again for its final bill, or after the cycle's next run.")
    if _store.missed_periods(tx, [billing_account.billing_account_id], date.max):
        raise WrongState("A run passed it by, and its bill is still to be made.", remedy="Release it, and bill it with `hoeksteen bill again`.")
    if _leaving_store.waiting(tx, [billing_account.billing_account_id]):
        raise WrongState(
            f"Usage of billing account {billing_account.billing_account_number} may still arrive.", remedy="Ask again after the cycle's next run."
        )


def left(*, tx: Transaction, customers: Collection[UUID], today: date | None) -> dict[UUID, date]:
    """
    Give the billing accounts of some customers whose every product has ended, each with the first day without any.

    :param today: only those that have ended by then; also those that are to end, where it is None
    """
    ends: dict[UUID, date | None] = {}
    for term in terms(tx=tx, customer_ids=list(customers)):  # of each product the last one counts, and they come in order
        ends[term.product_id] = local_day(term.valid_from) if term.status is ProductStatus.TERMINATED else None
    found: dict[UUID, list[date | None]] = {}
    for one in products(tx=tx, customer_ids=list(customers)):
        found.setdefault(one.billing_account_id, []).append(ends.get(one.product_id))
    whole = {account_id: [day for day in days if day is not None] for account_id, days in found.items()}
    return {
        account_id: max(days)
        for account_id, days in whole.items()
        if len(days) == len(found[account_id]) and (today is None or max(days) <= today)
    }  # fmt: skip


def _require_no_move(tx: Transaction, billing_account: BillingAccount) -> list[CycleMove]:
    """Give the moves to other bill days that are done; where one is not, it has to be taken back first."""
    moves = cycle_moves(tx=tx, billing_account_ids=[billing_account.billing_account_id]).get(billing_account.billing_account_id, [])
    if moves and not moves[-1].done:
        named = f"Billing account {billing_account.billing_account_number}"
        raise WrongState(f"{named} is to move to another bill day.", remedy="Take that back first: `hoeksteen account move-cycle CUSTOMER --stay`.")
    return moves


def _left_on(tx: Transaction, billing_account: BillingAccount, today: date) -> date:
    end_day = left(tx=tx, customers=[billing_account.customer_id], today=None).get(billing_account.billing_account_id)
    named = f"Billing account {billing_account.billing_account_number}"
    if end_day is None:
        raise WrongState(f"{named} has no product, or one that has no end.", remedy="Terminate its products first; then make its final bill.")
    if end_day > today:
        raise WrongState(f"{named} has a product until {end_day}.", remedy=f"Make its final bill on {end_day} or later.")
    return end_day


def _held_in(tx: Transaction, billing_account: BillingAccount) -> BillPeriod | None:
    """Give the period of the cycle's last final run, where that held the account and no later one has billed it."""
    last = _store.last_final_run(tx, billing_account.cycle_day)
    return last.period if last is not None and billing_account.billing_account_id in _run_store.waiting(tx, last.bill_run_id) else None


def _periods(tx: Transaction, billing_account: BillingAccount, end_day: date) -> list[BillPeriod]:
    """Give the periods of the cycle that no final run has billed, up to the one of the account's last day: at least one."""
    last = _store.last_final_run(tx, billing_account.cycle_day)
    last_held = bill_period(date.fromordinal(end_day.toordinal() - 1), cycle_day=billing_account.cycle_day)
    if last is not None and last.state != "done":
        raise WrongState(f"The bills of {last.period.first_day} are being made final.", remedy="Finish that run first.")
    first = last_held if last is None else last.period.next(cycle_day=billing_account.cycle_day)
    moves = _require_no_move(tx, billing_account)
    if moves:  # what was before it was billed with the cycle that the account had then
        first = max(first, bill_period(moves[-1].from_day, cycle_day=billing_account.cycle_day), key=lambda one: one.first_day)
    found = [first]
    while found[-1].first_day < last_held.first_day:
        found.append(found[-1].next(cycle_day=billing_account.cycle_day))
    if len(found) > _PERIODS_MAX:
        raise WrongState(f"The bills of {first.first_day} and later are not made yet.", remedy="Run the cycle's bills first, period by period.")
    return found
