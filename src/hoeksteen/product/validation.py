"""What must hold for a price list as a whole: no usage without exactly one price at every instant."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import combinations, pairwise

from hoeksteen.kernel.time_period import local_day
from hoeksteen.product.fields import Faults
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
    Note every overlap and every hole in an offering's usage prices, and every allowance and cap that could not be applied.

    An offering that prices a service at all must price every reachable zone of it, once: usage without a price would
    be suspended (`no_price`), usage with two would be priced by chance. A kind of usage has at most one cap.
    """
    priced = {price.service for price in offering.usage_prices}
    for service in sorted(priced):
        for combination in reachable(service):
            _check_combination(offering, combination, faults)
    _check_named("allowances", [(allowance.allowance_id, allowance) for allowance in offering.allowances], priced, offering, faults)
    _check_named("caps", [(cap.cap_id, cap) for cap in offering.caps], priced, offering, faults)
    for one, other in combinations(offering.caps, 2):
        both = [combination for combination in reachable(one.service) if covers(one, combination) and covers(other, combination)]
        if both and one.cap_id != other.cap_id:
            where = "{} zone {} roaming {}".format(*both[0])
            faults.add(offering.product_offering_id, "caps", f"{one.cap_id} and {other.cap_id} both bound {where}; let their zones differ")


def _check_named(name: str, named: Sequence[tuple[str, Allowance | Cap]], priced: set[Service], offering: ProductOffering, faults: Faults) -> None:
    for found_id, count in Counter(one_id for one_id, _ in named).items():
        if count > 1:
            faults.add(offering.product_offering_id, name, f"{found_id} stands twice; give one of them another id")
    for one_id, one in named:
        if one.service not in priced:
            faults.add(offering.product_offering_id, name, f"{one_id} is for {one.service}, which has no price here")
        elif not any(covers(one, combination) for combination in reachable(one.service)):
            faults.add(offering.product_offering_id, name, f"{one_id} is for a zone and roaming in which no {one.service} can be used")


def remarks(*, offering: ProductOffering) -> list[str]:
    """
    Give what is allowed and yet seldom meant: tiers that get dearer, bands that change nothing, rules that never apply.

    :return: `price: field: what stands out`, as faults are written
    """
    found: list[str] = []
    for price in offering.usage_prices:
        where = f"{price.price_id} from {local_day(price.valid_from)}"
        rates = [tier.amount / (tier.block_units or price.unit_size) for tier in price.tiers if tier.amount or tier.flat]
        if any(later > earlier for earlier, later in pairwise(rates)):
            found.append(f"{where}: tiers: get dearer as more is used")
        seen: set[tuple[int, int]] = set()
        for band in price.bands:
            minutes = {(day, minute) for day in band.days for minute in range(band.from_minute, band.to_minute)}
            if minutes <= seen:
                found.append(f"{where}: bands: {band.name} never applies; earlier ones contain it")
            elif band.amount == price.amount and band.connection_fee in (None, price.connection_fee) and not (minutes & seen):
                found.append(f"{where}: bands: {band.name} costs what is charged outside every band")
            seen |= minutes
        if price.split_at_band and not price.bands:
            found.append(f"{where}: split_at_band: has no effect without bands")
        if price.minimum % price.step:
            found.append(
                f"{where}: minimum: is no whole number of steps; {-(-price.minimum // price.step) * price.step} units are the least that is charged"
            )
    found += [f"{cap.cap_id}: amount: 0 lets nothing be charged" for cap in offering.caps if not cap.amount]
    found += [f"{allowance.allowance_id}: units: 0 gives nothing" for allowance in offering.allowances if not allowance.units]
    return found


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
    """Note offerings that stand twice, and bundles with families that no offering has."""
    families = {offering.family for offering in offerings}
    for offering in offerings:
        for bundle in offering.bundles:
            for family, _ in bundle.together:
                if family not in families:
                    faults.add(offering.product_offering_id, "bundles", f"{bundle.bundle_id} names the family {family}, which no offering has")
    seen: set[str] = set()
    for offering in offerings:
        if offering.product_offering_id in seen:
            faults.add(offering.product_offering_id, "id", "stands twice in the catalogue")
        seen.add(offering.product_offering_id)
