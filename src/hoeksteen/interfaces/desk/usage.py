"""What a customer used in a bill period: per service and zone, and how much of each allowance is left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from hoeksteen.interfaces.desk.looking import look_at
from hoeksteen.interfaces.web.counting import so_far
from hoeksteen.interfaces.web.site import Visit
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.kernel.money import euros
from hoeksteen.kernel.time_period import BillPeriod, add_months, bill_period, local_day
from hoeksteen.party import queries as party
from hoeksteen.product import queries as product
from hoeksteen.product.model import Allowance, ProductHeld, ProductOffering
from hoeksteen.product.named_zones import zone_name
from hoeksteen.product.validation import covers, kind_of_use
from hoeksteen.rating import queries as rating
from hoeksteen.rating.model import UsageTotal

RECORDS_SHOWN_MAX = 100


@dataclass(frozen=True, slots=True)
class Used:
    """
    A line of use.

    :param amount: euros, exact; the bill rounds once per line
    :param zone_name: of a zone that the price lists name, in the language of whoever looks
    """

    total: UsageTotal
    offering: ProductOffering
    amount: Decimal
    zone_name: str


@dataclass(frozen=True, slots=True)
class AllowanceUsed:
    """
    How much of an allowance is used; units are seconds, messages or bytes.

    :param units: what there is in the period, `rolled_over` of them left of the period before
    """

    offering: ProductOffering
    allowance: Allowance
    units: int
    used: int
    rolled_over: int = 0


@get("/customers/{customer_id:uuid}/usage", sync_to_thread=True)
def usage(visit: NamedDependency[Visit], customer_id: FromPath[UUID], period: FromQuery[str] = "") -> Response[str]:
    """Show the use of a bill period: the one that is asked for, or the latest of this and the last one that has any."""
    with visit.runtime.database.transaction() as tx:
        customer = party.customer(tx=tx, customer_id=customer_id)
        if look_at(tx=tx, visit=visit, customer_id=customer_id) is None:
            return visit.page("desk/reason.html", customer=customer)
        billing_accounts = party.billing_accounts(tx=tx, customer_id=customer_id)
        held = product.products_held(tx=tx, customer_id=customer_id, at=visit.now)
        offerings = {offering.product_offering_id: offering for offering in product.offerings(tx=tx)}
        counted = so_far(tx=tx, customer_id=customer_id, now=visit.now, offerings=offerings, billing_accounts=billing_accounts, held=held)
    cycle_day = billing_accounts[0].cycle_day if billing_accounts else 1
    current = bill_period(local_day(visit.now), cycle_day=cycle_day)
    chosen = bill_period(_day(period), cycle_day=cycle_day) if period else current
    ids = [one.billing_account_id for one in billing_accounts]
    totals = rating.usage_totals(lake=visit.runtime.lake, period=chosen, billing_account_ids=ids)
    if not totals and not period:
        chosen = _before(current)
        totals = rating.usage_totals(lake=visit.runtime.lake, period=chosen, billing_account_ids=ids)
    rolled = _rolled_over(visit, held, offerings, chosen, ids)
    records = [one for each in ids for one in rating.records_of(lake=visit.runtime.lake, billing_account_id=each, month=chosen.first_day)]
    lines = [_line(total, offerings[total.product_offering_id], visit.words.language) for total in totals]
    return visit.page(
        "desk/usage.html",
        customer=customer,
        period=chosen,
        current=current,
        earlier=_before(chosen),
        later=chosen.next() if chosen.first_day < current.first_day else None,
        lines=lines,
        records=[(one, euros(one.amount_micro)) for one in records[:RECORDS_SHOWN_MAX]],
        records_total=len(records),
        so_far=counted if chosen.first_day == current.first_day or not period else None,
        allowances=allowances_used(held=held, offerings=offerings, totals=totals, first_day=chosen.first_day, rolled_over=rolled),
    )


def allowances_used(
    *, held: Sequence[ProductHeld], offerings: dict[str, ProductOffering], totals: Sequence[UsageTotal], first_day: date,
    rolled_over: Mapping[tuple[UUID, str], int],
) -> list[AllowanceUsed]:  # fmt: skip
    """
    Give each allowance of the products that are active, once per pool where it is shared.

    :param first_day: of the bill period; what was late, of an earlier one, used up the allowance of that
    :param rolled_over: units left of the period before, by product or billing account and allowance
    """
    found: dict[tuple[str, UUID], AllowanceUsed] = {}
    for one in held:
        offering = offerings[one.product_offering_id]
        for allowance in offering.allowances if one.status == "active" else ():
            pool = one.billing_account_id if allowance.shared else one.product_id
            used = sum(
                total.free_units
                for total in totals
                if total.period_day == first_day and pool in (total.billing_account_id, total.product_id)
                and covers(allowance, kind_of_use(service=total.service, zone=total.zone, roaming=total.roaming, zones=offering.zones))
            )  # fmt: skip
            left = rolled_over.get((pool, allowance.allowance_id), 0)
            found[allowance.allowance_id, pool] = AllowanceUsed(offering, allowance, allowance.units + left, used, left)
    return list(found.values())


def _rolled_over(
    visit: Visit, held: Sequence[ProductHeld], offerings: Mapping[str, ProductOffering], period: BillPeriod, billing_account_ids: Sequence[UUID]
) -> Mapping[tuple[UUID, str], int]:
    """Read what was left of the period before, where a plan lets it go on at all."""
    if not any(allowance.roll_over for one in held for allowance in offerings[one.product_offering_id].allowances):
        return {}
    with visit.runtime.database.transaction() as tx:
        return rating.rolled_over(tx=tx, lake=visit.runtime.lake, period=period, billing_account_ids=billing_account_ids)


def _line(total: UsageTotal, offering: ProductOffering, language: str) -> Used:
    return Used(total, offering, euros(total.amount_micro), zone_name(zone=total.zone, zones=offering.zones, language=language))


def _before(period: BillPeriod) -> BillPeriod:
    return BillPeriod(add_months(period.first_day, -1), period.first_day)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput("The field period is not a day.", remedy="Write it as 2026-12-01.", field="period") from None


HANDLERS = [usage]
