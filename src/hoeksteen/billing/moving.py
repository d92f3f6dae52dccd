"""Accounts that are billed on another day of the month (docs/decisions/0041)."""

from datetime import date, datetime, timedelta
from uuid import UUID

from hoeksteen.billing import _leaving_store, _run_store, _store
from hoeksteen.kernel.errors import InvalidInput, WrongState
from hoeksteen.kernel.time_period import BillPeriod, bill_period, local_day
from hoeksteen.kernel.words import require_said
from hoeksteen.party import operations as party
from hoeksteen.party.departments import require_alone
from hoeksteen.party.model import BillingAccount, CycleMove
from hoeksteen.party.queries import billing_account as billing_account_of
from hoeksteen.product.queries import offerings, products, terms
from hoeksteen.storage.postgres import Transaction
from hoeksteen.usage.queries import last_closed

_AHEAD_MAX = timedelta(days=366)


def move_cycle(*, tx: Transaction, billing_account_id: UUID, cycle_day: int, from_day: date, by: str, now: datetime) -> CycleMove:
    """
    Let a billing account be billed on another day of the month from a day on, on which a period of its present cycle ends.

    From that day until the new cycle's next period it has a shorter period, which costs its days of the new cycle's period around it.
    It moves when the old cycle's last period is billed; until then the move can be taken back.

    :param cycle_day: 1 to 28
    :raises NotFound: when there is no such billing account
    :raises InvalidInput: when the day is the present one or no day of every month, or `from_day` begins no period of the present cycle, or is
        more than a year ahead
    :raises Conflict: when it is to move already
    :raises WrongState: when it is closed; when it is a department or has departments; when it has, or had, a product with prices of usage; when a
        final bill of it waits for its cycle; when the last period of the old cycle, or the first of the new one, is closed or billed already; when
        a run of one of both cycles is under way
    """
    account = billing_account_of(tx=tx, billing_account_id=billing_account_id)
    require_said(by=by)
    if from_day > local_day(now) + _AHEAD_MAX:
        raise InvalidInput(f"The field from_day is {from_day}, more than a year ahead.", remedy="Choose an earlier day.", field="from_day")
    for day in sorted({account.cycle_day, cycle_day}):
        _leaving_store.lock_cycle(tx, day)
    require_alone(tx=tx, billing_account=account, day=local_day(now))
    move = party.move_cycle(tx=tx, billing_account=account, cycle_day=cycle_day, from_day=from_day, by=by, now=now)
    _require_unmetered(tx, account)
    if account.status != "active" or _leaving_store.waiting(tx, [billing_account_id]):
        raise WrongState(f"Billing account {account.billing_account_number} is closed, or had its final bill.", remedy="It is billed no more.")
    _require_open(tx, bill_period(from_day - timedelta(days=1), cycle_day=account.cycle_day))
    _require_open(tx, bill_period(from_day, cycle_day=cycle_day))
    return move


def stay(*, tx: Transaction, billing_account: BillingAccount) -> None:
    """
    Let a billing account stay in its cycle after all.

    :raises NotFound: when it is not to move
    :raises WrongState: when a run of its cycle is under way, which may have billed the shorter period already
    """
    _leaving_store.lock_cycle(tx, billing_account.cycle_day)
    if _run_store.is_under_way(tx, billing_account.cycle_day):
        raise WrongState(f"A run of the cycle of day {billing_account.cycle_day} is under way.", remedy="Ask again once it is done.")
    party.take_back_cycle_move(tx=tx, billing_account_id=billing_account.billing_account_id)


def _require_unmetered(tx: Transaction, billing_account: BillingAccount) -> None:
    """Usage lies in the lake by the bill period of its start: an account that has some keeps its cycle."""
    customer_id, catalogue = billing_account.customer_id, offerings(tx=tx)
    held = products(tx=tx, customer_ids=[customer_id])
    own = {one.product_id for one in held if one.billing_account_id == billing_account.billing_account_id}
    was = {one.product_offering_id for one in terms(tx=tx, customer_ids=[customer_id]) if one.product_id in own}
    metered = sorted(one.product_offering_id for one in catalogue if one.usage_prices and one.product_offering_id in was)
    if metered:
        raise WrongState(
            f"Billing account {billing_account.billing_account_number} has usage of {metered[0]}, which is rated by its cycle.",
            remedy="Only accounts without prices of usage can move.",
        )


def _require_open(tx: Transaction, period: BillPeriod) -> None:
    cycle_day = period.first_day.day
    last, closed = _store.last_final_run(tx, cycle_day), last_closed(tx=tx).get(cycle_day)
    if (last is not None and last.period.first_day >= period.first_day) or (closed is not None and closed >= period.first_day):
        raise WrongState(f"The period of {period.first_day} is closed or billed already.", remedy="Choose a later day.")
    if _run_store.is_under_way(tx, cycle_day):
        raise WrongState(f"A run of the cycle of day {cycle_day} is under way.", remedy="Ask again once it is done.")
