"""The catalogue as a bill run needs it: per offering its charges in integers, its tax and where its revenue is booked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from hoeksteen.billing.tax import HUNDRED_PERCENT, TaxKey
from hoeksteen.kernel.errors import WrongState
from hoeksteen.kernel.money import micros
from hoeksteen.kernel.time_period import local_day
from hoeksteen.product.model import PriceKind, ProductOffering

FOREVER = 3_652_059  # the ordinal of the last day that Python knows


class NoPrice(WrongState):
    """A billing account holds something that has no price on a day; the run passes it by."""


class PriceVersion(NamedTuple):
    """
    An amount and the days on which it holds.

    :param first: ordinal of its first day; `end` of the day after its last
    :param micro: micro-euros per bill period
    :param days_in_period: `actual`, `30` or `first`
    """

    first: int
    end: int
    micro: int
    days_in_period: str


class RecurringCharge(NamedTuple):
    """
    A price that returns every period, or comes once.

    :param lag: 0 when it is billed before its period, 1 after it
    :param once: charged on the first day of a term instead of every period
    """

    price_id: str
    lag: int
    once: bool
    versions: tuple[PriceVersion, ...]


class MinimumSpend(NamedTuple):
    """
    The least that usage comes to in a whole bill period.

    :param micro: micro-euros, in the offering's own way of holding tax
    :param prices: the prices of usage that count; all of them where it names none
    """

    micro: int
    prices: tuple[str, ...]


class OfferingPrices(NamedTuple):
    """
    What an offering costs besides usage.

    :param fingerprint: changes when a price version is added or ended
    """

    product_offering_id: str
    family: str
    tax: TaxKey
    tax_included: bool
    charges: tuple[RecurringCharge, ...]
    fingerprint: str

    def ratio(self, tax_included: bool) -> tuple[int, int]:
        """Give the factor, as numerator and denominator, that brings its prices to a billing account's way of holding tax or not."""
        if self.tax_included == tax_included:
            return 1, 1
        with_tax = HUNDRED_PERCENT + self.tax.rate
        return (with_tax, HUNDRED_PERCENT) if tax_included else (HUNDRED_PERCENT, with_tax)


class PriceBook:
    """The whole catalogue; made once per run, so that all of its bills follow one price list."""

    def __init__(self, offerings: Sequence[ProductOffering]) -> None:
        self._offerings = {offering.product_offering_id: _prices_of(offering) for offering in offerings}
        self._zones_priced = {price.price_id: set(price.zones) for offering in offerings for price in offering.usage_prices}
        self._metered = {offering.product_offering_id for offering in offerings if offering.usage_prices}
        self._within = {zone.zone_id: str(zone.within) for offering in offerings for zone in offering.zones}
        self._bundled = {offering.product_offering_id: offering for offering in offerings} if any(one.bundles for one in offerings) else {}

        self._minimums = {
            offering.product_offering_id: MinimumSpend(micros(offering.minimum_spend.amount), offering.minimum_spend.usage_prices)
            for offering in offerings
            if offering.minimum_spend is not None
        }

    @property
    def minimums(self) -> Mapping[str, MinimumSpend]:
        """The minimum spends, by offering; empty where none has one."""
        return self._minimums

    @property
    def bundled(self) -> Mapping[str, ProductOffering]:
        """The offerings, by identifier, where some of them cost less together with others; empty where none does."""
        return self._bundled

    def is_metered(self, product_offering_id: str) -> bool:
        """Say whether an offering has prices of usage."""
        return product_offering_id in self._metered

    def of(self, product_offering_id: str) -> OfferingPrices:
        """
        Give the prices of an offering.

        :raises NoPrice: when the catalogue does not have it
        """
        found = self._offerings.get(product_offering_id)
        if found is None:
            raise NoPrice(f"offering {product_offering_id} is not in the catalogue", remedy="Load the catalogue that has it, and run again.")
        return found

    def zone_within(self, zone: str) -> str:
        """Give the built-in zone in which a zone lies."""
        return self._within.get(zone, zone)

    def zone_shown(self, zone: str, price_id: str | None) -> str:
        """Give the zone under which a bill shows what was used in one: its own where the price names it, else the one that it lies within."""
        within = self._within.get(zone)
        return zone if within is None or zone in self._zones_priced.get(price_id or "", ()) else within


def _prices_of(offering: ProductOffering) -> OfferingPrices:
    by_id: dict[str, list[PriceVersion]] = {}
    for price in offering.prices:
        version = PriceVersion(
            _ordinal(price.valid_from), FOREVER if price.valid_to is None else _ordinal(price.valid_to), micros(price.amount), price.days_in_period
        )
        by_id.setdefault(price.price_id, []).append(version)
    first = {price.price_id: price for price in reversed(offering.prices)}
    charges = tuple(
        RecurringCharge(
            price_id=price_id,
            lag=1 if first[price_id].in_arrears or first[price_id].kind is PriceKind.ONE_TIME else 0,
            once=first[price_id].kind is PriceKind.ONE_TIME,
            versions=tuple(sorted(versions)),
        )
        for price_id, versions in sorted(by_id.items())
    )
    tax = TaxKey(offering.tax_category, int(offering.tax_rate * 100))
    return OfferingPrices(
        offering.product_offering_id, offering.family, tax, offering.tax_included, charges, repr((charges, tax, offering.tax_included))
    )


def _ordinal(instant: datetime) -> int:
    return local_day(instant).toordinal()
