"""
Statutory interest on late bills: shown wherever they are, charged by a policy's step or by hand only, and taken back by hand.

Interest runs from the day after the due date, on what is open on each day (a payment counts from the day of the bank). What was charged
of a bill is not charged again: the next charge begins where the last one ended.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from hoeksteen.billing.claims import claims_of
from hoeksteen.kernel.errors import NotFound, WrongState
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.time_period import local_day
from hoeksteen.kernel.words import require_impersonal, require_said
from hoeksteen.ledger.model import JournalEntry, LedgerAccountCode, Posting
from hoeksteen.ledger.operations import post, require_open
from hoeksteen.messages.model import MessageKind, NewMessage
from hoeksteen.messages.operations import enqueue
from hoeksteen.party.queries import customers
from hoeksteen.receivables import _dunning_store, _interest_store, _store
from hoeksteen.receivables.interest_rates import InterestRates, accrued, in_force, read_rates
from hoeksteen.receivables.model import Allocation, OpenItem
from hoeksteen.receivables.queries import open_items, open_items_of
from hoeksteen.storage.postgres import Transaction

SOURCE, WAIVED = "statutory interest", "fee waived"
ACCOUNTS = {"collection_costs": LedgerAccountCode.COLLECTION_FEES, "interest": LedgerAccountCode.STATUTORY_INTEREST}
_NOTHING = Decimal("0.00")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Accrued:
    """
    Interest on one bill that was not charged yet.

    :param since: its first day; `until` the first that is not counted
    :param principal: euros that are open now; `rate` per cent a year on the last day that is counted
    """

    customer_id: UUID
    customer_bill_id: UUID
    billing_account_id: UUID
    bill_number: str
    since: date
    until: date
    principal: Decimal
    rate: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Waiver:
    """What was taken back of a fee: costs of collecting, or interest."""

    customer_id: UUID
    fee_id: UUID
    kind: str
    amount: Decimal


def accrued_of(
    *, tx: Transaction, items: Mapping[UUID, Sequence[OpenItem]], until: date, rates: InterestRates | None = None
) -> dict[UUID, list[Accrued]]:  # fmt: skip
    """
    Give the interest on the late bills of some customers that was not charged yet; customers without any are absent.

    :param items: the open items of each
    :param until: the first day that is not counted
    """
    late = {
        one.customer_bill_id: one for many in items.values() for one in many
        if one.kind == "bill" and one.customer_bill_id is not None and one.due_date is not None and one.due_date + _DAY < until
    }  # fmt: skip
    if not late:
        return {}
    whose, table = sorted({one.customer_id for one in late.values()}), rates or read_rates()
    segments = {one.customer_id: one.segment for one in customers(tx=tx, customer_ids=whose)}
    charged = _interest_store.charged_until(tx, whose)
    noted = {one.customer_bill_id: one.bill_date for one in claims_of(tx=tx, customer_ids=whose)}
    paid: dict[UUID, list[tuple[date, Decimal]]] = {}
    for row in _interest_store.settled(tx, whose, [*late]):
        day = row["day"] or noted.get(row["source_id"]) or date.min
        paid.setdefault(row["customer_bill_id"], []).append((day, row["amount"]))
    found: dict[UUID, list[Accrued]] = {}
    for bill_id, one in late.items():
        if bill_id is None or one.due_date is None:
            continue
        # what a former system charged of the days before it handed over is not known here
        since = max(one.due_date + _DAY, charged.get(bill_id, date.min), one.carried_on or date.min)
        steps = table.of(segments[one.customer_id])
        if since >= until:
            continue
        amount = accrued(principal=_principal(one, paid.get(bill_id, [])), rates=steps, since=since, until=until)
        if amount > 0:
            rate = in_force(steps, until - _DAY)
            found.setdefault(one.customer_id, []).append(
                Accrued(one.customer_id, bill_id, one.billing_account_id, one.reference, since, until, one.open_amount, rate, amount)
            )
    return found


def _principal(bill: OpenItem, paid: Sequence[tuple[date, Decimal]]) -> list[tuple[date, Decimal]]:
    """Give what is open of a bill from each day on."""
    left, steps = bill.amount, [(date.min, bill.amount)]
    for day, amount in sorted(paid):
        left -= amount
        steps.append((day, left))
    return steps


def of_customer(*, tx: Transaction, customer_id: UUID, until: date) -> list[Accrued]:
    """Give the interest on a customer's late bills that was not charged yet."""
    return accrued_of(tx=tx, items=open_items_of(tx=tx, customer_ids=[customer_id]), until=until).get(customer_id, [])


def charge(*, tx: Transaction, customer_id: UUID, by: str, now: datetime, identifiers: Identifiers) -> list[Accrued]:
    """
    Charge by hand the interest on a customer's late bills up to today.

    :raises WrongState: when there is none, or the books of today are closed
    :raises InvalidInput: when nobody is named
    """
    require_said(by=by)
    day = local_day(now)
    require_open(tx=tx, day=day, what="the day of the charge")
    _store.lock_customer(tx, customer_id)
    found = of_customer(tx=tx, customer_id=customer_id, until=day)
    if not found:
        raise WrongState("No interest accrued that was not charged.", remedy="Look at what is late: `hoeksteen dun show`.", customer_id=customer_id)
    book(tx=tx, charges=found, day=day, by=by.strip(), now=now, identifiers=identifiers)
    return found


def book(*, tx: Transaction, charges: Sequence[Accrued], day: date, by: str, now: datetime, identifiers: Identifiers) -> None:
    """Let interest be owed, post it and tell the customers; they must be locked, and the books of the day open."""
    fees, rows, entries, messages = [], [], [], []
    for one in charges:
        fee_id = identifiers.new(now)
        fees.append((one.customer_id, fee_id, one.billing_account_id, "interest", one.amount, now, day))
        rows.append((one.customer_id, fee_id, one.customer_bill_id, one.since, one.until, one.principal, by))
        postings = (
            Posting(LedgerAccountCode.DEBTORS, one.amount, one.customer_id, one.billing_account_id),
            Posting(LedgerAccountCode.STATUTORY_INTEREST, -one.amount),
        )
        entries.append(JournalEntry(identifiers.new(now), day, SOURCE, str(fee_id), now, postings))
        facts = {
            "bill_number": one.bill_number, "amount": str(one.principal), "interest": str(one.amount), "since": one.since.isoformat(),
            "until": (one.until - _DAY).isoformat(), "rate": f"{one.rate.normalize():f}",
        }  # fmt: skip
        messages.append(NewMessage(one.customer_id, identifiers.new(now), MessageKind.INTEREST_CHARGED, facts, now))
    _dunning_store.insert_fees(tx, fees)
    _interest_store.insert_charges(tx, rows)
    post(tx=tx, entries=entries)
    enqueue(tx=tx, messages=messages)


def waive(*, tx: Transaction, customer_id: UUID, fee_id: UUID, why: str, by: str, now: datetime, identifiers: Identifiers) -> Waiver:
    """
    Take back what is open of a fee, interest or costs; the days of interest of which nothing was paid count as not charged again.

    :raises NotFound: when the customer has no such fee
    :raises WrongState: when nothing of it is open, or the books of today are closed
    :raises InvalidInput: without a reason and a name, or where the reason has the form of something personal
    """
    require_said(by=by, why=why)
    require_impersonal(why=why)
    day = local_day(now)
    require_open(tx=tx, day=day, what="the day on which it is taken back")
    _store.lock_customer(tx, customer_id)
    fee = _interest_store.fee(tx, customer_id, fee_id)
    if fee is None:
        raise NotFound("The customer has no such fee.", remedy="List them: `hoeksteen receivables open`.", fee_id=fee_id)
    left = [item.open_amount for item in open_items(tx=tx, customer_id=customer_id) if item.customer_bill_id == fee_id]
    if not left or left[0] <= 0:
        raise WrongState("Nothing is open of the fee.", remedy="What was paid is given back as a refund.", fee_id=fee_id)
    waiver_id, amount = identifiers.new(now), left[0]
    _interest_store.insert_waiver(tx, (customer_id, waiver_id, fee_id, amount, why.strip(), by.strip(), now))
    _store.insert_allocations(tx, [(customer_id, Allocation(fee_id, waiver_id, amount))])
    postings = (Posting(ACCOUNTS[fee["kind"]], amount), Posting(LedgerAccountCode.DEBTORS, -amount, customer_id, fee["billing_account_id"]))
    post(tx=tx, entries=[JournalEntry(identifiers.new(now), day, WAIVED, str(waiver_id), now, postings)])
    return Waiver(customer_id, fee_id, fee["kind"], amount)


def total(accruals: Mapping[UUID, Sequence[Accrued]]) -> Decimal:
    """Give the sum of it all."""
    return sum((one.amount for many in accruals.values() for one in many), _NOTHING)
