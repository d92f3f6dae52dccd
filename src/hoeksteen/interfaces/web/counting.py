"""What a customer used so far, as pages show it: allowances, caps and spending of the open bill periods, and where roaming is stopped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from hoeksteen.kernel.money import euros
from hoeksteen.kernel.time_period import bill_period, local_day
from hoeksteen.party.model import BillingAccount
from hoeksteen.product import queries as product
from hoeksteen.product.model import ProductHeld, ProductOffering
from hoeksteen.rating import counters
from hoeksteen.rating.model import Counter, CounterKind
from hoeksteen.storage.postgres import Transaction


@dataclass(frozen=True, slots=True)
class Meter:
    """
    One counter with the words and numbers that a page needs.

    :param service: of an allowance or cap; empty for spending
    :param used: units of an allowance, else 0; `spent` euros of a cap and of spending, else 0
    :param bound: units of an allowance, else None; `limit` euros of a cap, else None
    """

    offering: ProductOffering
    kind: CounterKind
    service: str
    used: int
    bound: int | None
    spent: Decimal
    limit: Decimal | None
    percent: int
    as_of: datetime


@dataclass(frozen=True, slots=True)
class SoFar:
    """
    What was used so far, oldest product first.

    :param stopped: offerings of the products whose roaming is stopped
    """

    meters: tuple[Meter, ...]
    stopped: tuple[ProductOffering, ...]


def so_far(
    *,
    tx: Transaction,
    customer_id: UUID,
    now: datetime,
    offerings: Mapping[str, ProductOffering],
    billing_accounts: Sequence[BillingAccount],
    held: Sequence[ProductHeld],
) -> SoFar:
    """
    Give the counters of the bill periods that are open now.

    :param offerings: by identifier
    :param billing_accounts: the customer's, and `held` the customer's products, as the page has read them
    """
    today = local_day(now)
    first_days = {one.billing_account_id: bill_period(today, cycle_day=one.cycle_day).first_day for one in billing_accounts}
    if not first_days:
        return SoFar((), ())
    since = min(first_days.values())
    offering_of = {one.product_id: one.product_offering_id for one in held}
    meters = []
    for one in counters.counters(tx=tx, customer_id=customer_id, since=since):
        offering = offerings.get(one.name.partition("/")[0] or offering_of.get(one.scope_id, ""))
        if offering is not None and one.period_day == first_days.get(one.billing_account_id):
            meters.append(_meter(one, offering))
    stops = product.roaming_stops(tx=tx, customer_id=customer_id, since=since)
    stopped = (offerings.get(stop.cap_id.partition("/")[0]) for stop in stops)
    return SoFar(tuple(meters), tuple(offering for offering in stopped if offering is not None))


def _meter(one: Counter, offering: ProductOffering) -> Meter:
    named = {allowance.allowance_id: allowance.service for allowance in offering.allowances} | {cap.cap_id: cap.service for cap in offering.caps}
    units = one.kind is CounterKind.ALLOWANCE
    spent, limit = (Decimal(0), None) if units else (euros(one.used), None if one.bound is None else euros(one.bound))
    return Meter(
        offering, one.kind, str(named.get(one.name, "")), one.used if units else 0, one.bound if units else None, spent, limit, one.percent, one.as_of
    )
