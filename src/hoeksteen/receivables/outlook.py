"""How old what is owed is, and what money is to come: over all customers, page by page."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from hoeksteen.ledger.model import LedgerAccountCode
from hoeksteen.ledger.queries import trial_balance
from hoeksteen.party.queries import list_customers
from hoeksteen.receivables import _settling_store
from hoeksteen.receivables.interest import accrued_of, total
from hoeksteen.receivables.interest_rates import read_rates
from hoeksteen.receivables.model import OpenItem
from hoeksteen.receivables.plans import Plan, active_plans, left_of
from hoeksteen.receivables.queries import open_items_of
from hoeksteen.storage.postgres import Transaction

_PAGE = 5_000
_NOTHING = Decimal("0.00")
BUCKETS = ("not_due", "1_30", "31_60", "61_90", "over_90")


@dataclass(frozen=True, slots=True)
class Ageing:
    """
    What is owed, by how many days it is late.

    :param amounts: euros by bucket, and `count` bills in each
    :param credit: euros that customers have to their credit, as less than nothing
    :param interest: statutory interest on late bills that was not charged; in no bucket, because it is not owed by the books
    :param difference: of all this and the debtors in the ledger; nothing, or something is wrong
    """

    as_of: date
    amounts: Mapping[str, Decimal]
    counts: Mapping[str, int]
    credit: Decimal
    interest: Decimal
    difference: Decimal

    @property
    def owed(self) -> Decimal:
        return sum(self.amounts.values(), _NOTHING)


@dataclass(frozen=True, slots=True)
class Week:
    """
    Money that is to come in a week.

    :param collections: that were announced or sent; `transfers` of bills that fall due; `instalments` of payment plans
    """

    first_day: date
    collections: Decimal
    transfers: Decimal
    instalments: Decimal

    @property
    def total(self) -> Decimal:
        return self.collections + self.transfers + self.instalments


@dataclass(frozen=True, slots=True)
class Forecast:
    """
    Money that is to come and to go, from what is known: no guess of who pays late.

    :param overdue: euros that should have come already; in no week
    :param later: of bills that fall due after the last week
    :param refunds: euros that go out, approved or sent
    """

    as_of: date
    weeks: tuple[Week, ...]
    overdue: Decimal
    later: Decimal
    refunds: Decimal


def ageing(*, tx: Transaction, as_of: date) -> Ageing:
    """
    Give how old the open items of now are on a day, and whether they add up to the debtors of the ledger.

    :param as_of: from which days are counted
    """
    amounts, counts, credit = dict.fromkeys(BUCKETS, _NOTHING), dict.fromkeys(BUCKETS, 0), _NOTHING
    accruing, rates = _NOTHING, read_rates()
    for items, _, _ in _pages(tx):
        accruing += total(accrued_of(tx=tx, items=items, until=as_of, rates=rates))
        for item in (one for many in items.values() for one in many):
            if item.open_amount < 0:
                credit += item.open_amount
                continue
            bucket = bucket_of(item.due_date, as_of)
            amounts[bucket] += item.open_amount
            counts[bucket] += 1
    debtors = next(row.balance for row in trial_balance(tx=tx) if row.ledger_account_code == LedgerAccountCode.DEBTORS)
    return Ageing(as_of, amounts, counts, credit, accruing, sum(amounts.values(), credit) - debtors)


def bucket_of(due: date | None, as_of: date) -> str:
    """Give the bucket of something that is due on a day."""
    late = 0 if due is None else (as_of - due).days
    return "not_due" if late <= 0 else "1_30" if late <= 30 else "31_60" if late <= 60 else "61_90" if late <= 90 else "over_90"


def forecast(*, tx: Transaction, as_of: date, weeks: int = 8) -> Forecast:
    """
    Give the money that is to come in the next weeks, each from Monday.

    :param weeks: how many, the current one with them
    """
    monday = as_of - timedelta(days=as_of.weekday())
    come = _Come(as_of, monday + timedelta(weeks=weeks))
    for items, planned, collected in _pages(tx):
        for plan in planned:
            for one in plan.still_to_come(left_of(plan, items[plan.customer_id])):
                come.add("instalments", one.due, one.amount)
        spoken_for = collected | {claim for plan in planned for claim in plan.claims}
        for item in (one for many in items.values() for one in many):
            if item.open_amount > 0 and item.due_date is not None and item.customer_bill_id not in spoken_for:
                come.add("transfers", item.due_date, item.open_amount)
    for row in _settling_store.collections_by_day(tx):
        come.add("collections", max(row["day"], as_of), row["amount"])
    days = [monday + timedelta(weeks=number) for number in range(weeks)]
    found = tuple(Week(day, *(come.weeks[name, day] for name in ("collections", "transfers", "instalments"))) for day in days)
    return Forecast(as_of, found, come.overdue, come.later, _settling_store.refunds_on_their_way(tx))


class _Come:
    """Money that is to come, by kind and week; what is late or too far away by itself."""

    def __init__(self, as_of: date, end: date) -> None:
        self._as_of, self._end = as_of, end
        self.weeks: defaultdict[tuple[str, date], Decimal] = defaultdict(lambda: _NOTHING)
        self.overdue = self.later = _NOTHING

    def add(self, kind: str, due: date, amount: Decimal) -> None:
        if due < self._as_of:
            self.overdue += amount
        elif due >= self._end:
            self.later += amount
        else:
            self.weeks[kind, due - timedelta(days=due.weekday())] += amount


def _pages(tx: Transaction) -> Iterator[tuple[dict[UUID, list[OpenItem]], list[Plan], set[UUID]]]:
    """Give the open items of every customer, page by page, with their running plans and the bills that a collection will settle."""
    after = None
    while page := list_customers(tx=tx, after=after, limit=_PAGE):
        after = page[-1].customer_id
        ids = [one.customer_id for one in page]
        yield open_items_of(tx=tx, customer_ids=ids), active_plans(tx=tx, customer_ids=ids), _settling_store.bills_to_be_collected(tx, ids)
