"""What must hold for a price list as a whole: no usage without exactly one price at every instant."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from hoeksteen.product.definition import Faults
from hoeksteen.product.model import Allowance, Cap, ProductOffering, Roaming, Service, UsagePrice, Zone

Combination = tuple[Service, Zone, Roaming]
_DATA_ZONES = {Zone.NL: Roaming.HOME, Zone.EU: Roaming.EU, Zone.WORLD: Roaming.WORLD}


def reachable(service: Service) -> list[Combination]:
    """Give every (service, zone, roaming) in which usage can occur; data is used where the customer is."""
    if service is Service.DATA:
        return [(service, zone, roaming) for zone, roaming in _DATA_ZONES.items()]
    return [(service, zone, roaming) for zone in Zone for roaming in Roaming]


def check_offering(*, offering: ProductOffering, faults: Faults) -> None:
    """
    Note every overlap and every hole in an offering's usage prices.

    An offering that prices a service at all must price every reachable zone of it, once: usage without a price would
    be suspended (`no_price`), usage with two would be priced by chance.
    """
    for service in sorted({price.service for price in offering.usage_prices}):
        for combination in reachable(service):
            _check_combination(offering, combination, faults)
    versions = Counter((price.price_id, price.valid_from) for price in offering.prices)
    versions.update((price.price_id, price.valid_from) for price in offering.usage_prices)
    for (price_id, _), count in versions.items():
        if count > 1:
            faults.add(offering.product_offering_id, "prices", f"{price_id} stands twice")


def _check_combination(offering: ProductOffering, combination: Combination, faults: Faults) -> None:
    service, zone, roaming = combination
    prices = sorted((price for price in offering.usage_prices if covers(price, combination)), key=lambda price: price.valid_from)
    where, name = offering.product_offering_id, f"{service} zone {zone} roaming {roaming}"
    if not prices:
        faults.add(where, name, "has no price")
        return
    first = min(price.valid_from for price in offering.usage_prices)
    if prices[0].valid_from > first:
        faults.add(where, name, f"has no price before {prices[0].valid_from:%Y-%m-%d}")
    for before, after in zip(prices, prices[1:], strict=False):
        _check_neighbours(before, after, where, name, faults)


def _check_neighbours(before: UsagePrice, after: UsagePrice, where: str, name: str, faults: Faults) -> None:
    end: datetime | None = before.valid_to
    if end is None or after.valid_from < end:
        faults.add(where, name, f"has two prices at once: {before.price_id} and {after.price_id}")
    elif after.valid_from > end:
        faults.add(where, name, f"has no price between {before.price_id} and {after.price_id}")


def covers(scope: UsagePrice | Allowance | Cap, combination: Combination) -> bool:
    """Say whether a price, allowance or cap is for this service, zone and roaming."""
    service, zone, roaming = combination
    return scope.service is service and zone in scope.zones and roaming in scope.roaming


def check_catalogue(*, offerings: Sequence[ProductOffering], faults: Faults) -> None:
    """Note offerings that stand twice."""
    seen: set[str] = set()
    for offering in offerings:
        if offering.product_offering_id in seen:
            faults.add(offering.product_offering_id, "id", "stands twice in the catalogue")
        seen.add(offering.product_offering_id)
