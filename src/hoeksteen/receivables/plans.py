"""Payment plans: what is open, in parts. While a plan is kept its bills are neither asked for nor collected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from uuid import UUID

from hoeksteen.kernel.errors import InvalidInput, WrongState, invariant
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.money import CENT
from hoeksteen.kernel.time_period import add_months, local_day
from hoeksteen.messages.model import MessageKind, NewMessage
from hoeksteen.messages.operations import enqueue
from hoeksteen.receivables import _plan_store, _store
from hoeksteen.receivables.model import OpenItem
from hoeksteen.receivables.queries import open_items
from hoeksteen.storage.postgres import Row, Transaction

INSTALMENTS_MAX = 24
GRACE = timedelta(days=5)  # a transfer takes a day or two, and weekends more
_NOTHING = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Instalment:
    due: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Plan:
    """
    An agreement to pay in parts.

    :param claims: the bills and fees that it is about
    :param state: `kept`: everything was paid; `broken`: an instalment did not come in time
    """

    customer_id: UUID
    payment_plan_id: UUID
    amount: Decimal
    agreed_on: date
    agreed_by: str
    state: str
    ended_on: date | None
    claims: tuple[UUID, ...]
    instalments: tuple[Instalment, ...]

    def due_by(self, day: date) -> Decimal:
        """Give how much should have been paid when a day ends."""
        return sum((one.amount for one in self.instalments if one.due <= day), _NOTHING)

    def still_to_come(self, left: Decimal) -> list[Instalment]:
        """Give the instalments, or parts of them, that make up what is left, the last ones first paid last."""
        found: list[Instalment] = []
        for one in reversed(self.instalments):
            part = min(left, one.amount)
            if part > 0:
                found.append(Instalment(one.due, part))
                left -= part
        return found[::-1]


def agree(
    *, tx: Transaction, customer_id: UUID, instalments: int, first_due: date, by: str, now: datetime, identifiers: Identifiers
) -> Plan:  # fmt: skip
    """
    Agree that everything that a customer owes now is paid in monthly parts, the cents with the last one.

    :param first_due: the day of the first part, 1 to 28 of a month
    :raises InvalidInput: when the parts are not 2 to 24, the first lies in the past or later than two months, or nobody is named
    :raises WrongState: when nothing is owed, or a plan is running
    """
    today = local_day(now)
    if not 2 <= instalments <= INSTALMENTS_MAX or not 1 <= len(by.strip()) <= 60:
        raise InvalidInput(f"A plan has 2 to {INSTALMENTS_MAX} instalments, and somebody who agrees to it.", remedy="Mend that.", field="instalments")
    if first_due.day > 28 or not today <= first_due <= today + timedelta(days=62):
        raise InvalidInput(f"The field first_due is {first_due}.", remedy="Take the 1st to the 28th, within two months.", field="first_due")
    _store.lock_customer(tx, customer_id)
    if _plan_store.active(tx, [customer_id]):
        raise WrongState("The customer has a payment plan already.", remedy="It ends when it is paid or broken.", customer_id=customer_id)
    owed = [one for one in open_items(tx=tx, customer_id=customer_id) if one.kind in ("bill", "fee", "interest") and one.open_amount > 0]
    amount = sum((one.open_amount for one in owed), _NOTHING)
    part = (amount / instalments).quantize(CENT, ROUND_DOWN)
    if part <= 0:
        raise WrongState("The customer owes nothing that could be paid in parts.", remedy="Look at the open items.", customer_id=customer_id)
    parts = [part] * (instalments - 1) + [amount - part * (instalments - 1)]
    invariant(sum(parts) == amount, "instalments add up to what is owed")
    plan_id = identifiers.new(now)
    rows = [(customer_id, plan_id, number, add_months(first_due, number - 1), part) for number, part in enumerate(parts, start=1)]
    claims = [(customer_id, plan_id, one.customer_bill_id) for one in owed]
    _plan_store.insert(tx, (customer_id, plan_id, amount, today, by.strip(), "active"), claims, rows)
    parameters = {"amount": str(amount), "part": str(part), "count": str(instalments), "due_date": first_due.isoformat()}
    enqueue(tx=tx, messages=[NewMessage(customer_id, identifiers.new(now), MessageKind.PLAN_AGREED, parameters, now)])
    return next(one for one in plans_of(tx=tx, customer_id=customer_id) if one.payment_plan_id == plan_id)


def plans_of(*, tx: Transaction, customer_id: UUID) -> list[Plan]:
    """Give a customer's payment plans, ended ones too, the newest first."""
    return [_plan(row) for row in _plan_store.of_customer(tx, customer_id)]


def active_plans(*, tx: Transaction, customer_ids: Sequence[UUID]) -> list[Plan]:
    """Give the running payment plans of some customers."""
    return [_plan(row) for row in _plan_store.active(tx, customer_ids)]


def review(*, tx: Transaction, items: Mapping[UUID, Sequence[OpenItem]], day: date) -> list[Plan]:
    """
    End the plans that are paid, or broken by a day, and give those that go on.

    :param items: the open items of each customer who is looked at
    """
    going_on, ended = [], dict[str, list[UUID]]()
    for plan in active_plans(tx=tx, customer_ids=[*items]):
        left = left_of(plan, items[plan.customer_id])
        if left <= 0:
            ended.setdefault("kept", []).append(plan.payment_plan_id)
        elif plan.amount - left < plan.due_by(day - GRACE):
            ended.setdefault("broken", []).append(plan.payment_plan_id)
        else:
            going_on.append(plan)
    for state, ids in ended.items():
        _plan_store.end(tx, ids, state, day)
    return going_on


def left_of(plan: Plan, items: Sequence[OpenItem]) -> Decimal:
    """Give what is still open of a plan's bills and fees, less what the customer has to their credit."""
    open_amount = sum((one.open_amount for one in items if one.customer_bill_id in plan.claims), _NOTHING)
    return open_amount + sum((one.open_amount for one in items if one.open_amount < 0), _NOTHING)


def _plan(row: Row) -> Plan:
    days, amounts = row.pop("days"), row.pop("amounts")
    instalments = tuple(Instalment(day, amount) for day, amount in zip(days, amounts, strict=True))
    return Plan(**{**row, "claims": tuple(row["claims"]), "instalments": instalments})
