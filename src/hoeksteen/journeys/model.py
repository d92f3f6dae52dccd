"""What the journeys take and give."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal, get_args
from uuid import UUID

from hoeksteen.billing.model import AppliedCustomerBillingRate, CustomerBill
from hoeksteen.party.model import Language, Segment

ChangeKind = Literal["change_plan", "suspend", "resume", "terminate"]
CHANGE_KINDS: tuple[ChangeKind, ...] = get_args(ChangeKind)


@dataclass(frozen=True, slots=True)
class Change:
    """
    A change of one product that a customer holds.

    :param from_day: the first local day on which it holds; for `terminate` the first day without the product
    :param product_offering_id: the new plan, for `change_plan` only
    """

    kind: ChangeKind
    customer_id: UUID
    product_id: UUID
    from_day: date
    product_offering_id: str | None = None


@dataclass(frozen=True, slots=True)
class Ordered:
    """
    A product that a new customer orders.

    :param number: its own telephone number, E.164 digits without `+`, where it has one
    """

    product_offering_id: str
    number: str | None = None


@dataclass(frozen=True, slots=True)
class Newcomer:
    """
    Somebody who becomes a customer.

    :param identity: the fields of that category, with `kind`; likewise `contact` (without the numbers of the products) and `payment`
    :param payment: None for somebody who pays by transfer
    :param start_day: the first local day of the products
    """

    segment: Segment
    language: Language
    identity: Mapping[str, Any]
    contact: Mapping[str, Any]
    payment: Mapping[str, Any] | None
    products: tuple[Ordered, ...]
    start_day: date


@dataclass(frozen=True, slots=True)
class ChangedLine:
    """A line that only one of the two bills has, or that both have with another amount; euros as the price list has them."""

    rate: AppliedCustomerBillingRate
    before: Decimal | None
    after: Decimal | None


@dataclass(frozen=True, slots=True)
class Effect:
    """The next bill of the product's billing account without and with a change; nothing of it is stored."""

    before: CustomerBill
    after: CustomerBill

    @property
    def difference(self) -> Decimal:
        """Euros that the next bill becomes more (positive) or less."""
        return self.after.gross - self.before.gross

    @property
    def lines(self) -> tuple[ChangedLine, ...]:
        """What differs between the bills, line by line, in the order of the bills."""
        was = {_place(rate): rate for rate in self.before.rates}
        becomes = {_place(rate): rate for rate in self.after.rates}
        changed = []
        for place in was | becomes:
            old, new = was.get(place), becomes.get(place)
            shown = new or old
            if shown is not None and (old is None or new is None or old.amount != new.amount):
                changed.append(ChangedLine(shown, None if old is None else old.amount, None if new is None else new.amount))
        return tuple(changed)


def _place(rate: AppliedCustomerBillingRate) -> tuple[object, ...]:
    period = None if rate.period is None else (rate.period.first_day, rate.period.end_day)
    return (
        rate.kind,
        rate.product_id,
        rate.product_offering_id,
        rate.price_id,
        period,
        *(str(rate.detail.get(name)) for name in ("service", "zone", "roaming", "charge", "instalment")),
        str(rate.detail.get("alteration")),
    )
