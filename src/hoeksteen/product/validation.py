"""What must hold for a price list as a whole: no usage without exactly one price at every instant."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import combinations, pairwise
from typing import NamedTuple

from hoeksteen.kernel.time_period import local_day
from hoeksteen.product.fields import Faults
from hoeksteen.product.model import Allowance, Cap, NamedZone, ProductOffering, Roaming, Service, UsagePrice, Zone

_DATA_ZONES = {Zone.NL: Roaming.HOME, Zone.EU: Roaming.EU, Zone.WORLD: Roaming.WORLD}


class Combination(NamedTuple):
    """
    A kind of usage.

    :param zone: where the other party is; of data, where the customer is
    :param within: the built-in zone that a named one refines
    """

    service: Service
    zone: str
    roaming: Roaming
    within: Zone | None = None

    def __str__(self) -> str:
        return f"{self.service} zone {self.zone} roaming {self.roaming}"


class Stretch(NamedTuple):
    """A price version, and from when up to when it holds for a kind of usage: all of its time, or what one that goes before leaves of it."""

    price: UsagePrice
    begins: datetime
    ends: datetime | None


def reachable(service: Service, zones: Iterable[NamedZone] = ()) -> list[Combination]:
    """
    Give every kind of usage that can occur; data is used where the customer is.

    :param zones: named ones, which come after the built-in ones
    """
    if service is not Service.DATA:
        built_in = [Combination(service, zone, roaming) for zone in Zone for roaming in Roaming]
        return built_in + [Combination(service, zone.zone_id, roaming, zone.within) for zone in zones for roaming in Roaming]
    found = [Combination(service, zone, roaming) for zone, roaming in _DATA_ZONES.items()]
    countries = [zone for zone in zones if zone.countries and zone.within in _DATA_ZONES]
    return found + [Combination(service, zone.zone_id, _DATA_ZONES[zone.within], zone.within) for zone in countries]


def kind_of_use(*, service: str, zone: str, roaming: str, zones: Iterable[NamedZone]) -> Combination:
    """Give the kind that use belongs to, as records and totals tell it; a zone that nobody knows lies within none."""
    within = next((one.within for one in zones if one.zone_id == zone), None)
    return Combination(Service(service), zone, Roaming(roaming), within)


def in_force(offering: ProductOffering, combination: Combination) -> list[Stretch]:
    """
    Give the price versions that hold for a kind of usage, by time: those that name its zone, and where none does, those for the zone it lies within.

    So an offering that knows nothing of a named zone prices what is used in it, as it did before.
    """
    covering = sorted((price for price in offering.usage_prices if covers(price, combination)), key=lambda price: price.valid_from)
    own = [Stretch(price, price.valid_from, price.valid_to) for price in covering if combination.zone in price.zones]
    if combination.within is None:
        return own
    wider = [rest for price in covering if combination.zone not in price.zones for rest in _left_of(price, own)]
    return sorted([*own, *wider], key=lambda one: one.begins)


def _left_of(price: UsagePrice, taken: Sequence[Stretch]) -> list[Stretch]:
    found: list[Stretch] = []
    begins: datetime | None = price.valid_from
    for one in taken:
        if begins is None or (one.ends is not None and one.ends <= begins) or (price.valid_to is not None and one.begins >= price.valid_to):
            continue
        if one.begins > begins:
            found.append(Stretch(price, begins, one.begins))
        begins = one.ends
    if begins is not None and (price.valid_to is None or begins < price.valid_to):
        found.append(Stretch(price, begins, price.valid_to))
    return found


def check_offering(*, offering: ProductOffering, faults: Faults) -> None:
    """
    Note every overlap and every hole in an offering's usage prices, and every allowance and cap that could not be applied.

    An offering that prices a service at all must price every reachable zone of it, once: usage without a price would
    be suspended (`no_price`), usage with two would be priced by chance. A kind of usage has at most one cap.
    """
    priced = {price.service for price in offering.usage_prices}
    for service in sorted(priced):
        kinds = reachable(service, offering.zones)
        for combination in kinds:
            _check_combination(offering, combination, faults)
        _check_named_zones(offering, service, {kind.zone for kind in kinds}, faults)
    _check_named("allowances", [(allowance.allowance_id, allowance) for allowance in offering.allowances], priced, offering, faults)
    _check_named("caps", [(cap.cap_id, cap) for cap in offering.caps], priced, offering, faults)
    known = {price.price_id for price in offering.usage_prices}
    for discount in offering.discounts:
        for price_id in sorted(set(discount.usage_prices or ()) - known):
            faults.add(offering.product_offering_id, "discounts", f"{discount.discount_id} names {price_id}, which is no price of usage here")
        if discount.usage_prices is not None and not known:
            faults.add(offering.product_offering_id, "discounts", f"{discount.discount_id} is for usage, which has no price here")
    if offering.minimum_spend is not None:
        for price_id in sorted(set(offering.minimum_spend.usage_prices) - known):
            faults.add(offering.product_offering_id, "minimum_spend", f"names {price_id}, which is no price of usage here")
        if not known:
            faults.add(offering.product_offering_id, "minimum_spend", "is for usage, which has no price here")
    for one, other in combinations(offering.caps, 2):
        both = [kind for kind in reachable(one.service, offering.zones) if covers(one, kind) and covers(other, kind)]
        if both and one.cap_id != other.cap_id:
            faults.add(offering.product_offering_id, "caps", f"{one.cap_id} and {other.cap_id} both bound {both[0]}; let their zones differ")


def _check_named_zones(offering: ProductOffering, service: Service, reached: set[str], faults: Faults) -> None:
    unreached = {zone.zone_id for zone in offering.zones} - reached
    for price_id in sorted({price.price_id for price in offering.usage_prices if price.service is service and unreached & set(price.zones)}):
        faults.add(offering.product_offering_id, "zones", f"{price_id} is for {service}, which is found by country, in a zone that names none")


def _check_named(name: str, named: Sequence[tuple[str, Allowance | Cap]], priced: set[Service], offering: ProductOffering, faults: Faults) -> None:
    for found_id, count in Counter(one_id for one_id, _ in named).items():
        if count > 1:
            faults.add(offering.product_offering_id, name, f"{found_id} stands twice; give one of them another id")
    for one_id, one in named:
        if one.service not in priced:
            faults.add(offering.product_offering_id, name, f"{one_id} is for {one.service}, which has no price here")
        elif not any(covers(one, combination) for combination in reachable(one.service, offering.zones)):
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
    return [*found, *_covered_unawares(offering)]


def _covered_unawares(offering: ProductOffering) -> Iterable[str]:
    """Name the zones that have a price of their own and are covered by an allowance for the zone that they lie within."""
    for allowance in offering.allowances:
        for zone in offering.zones:
            priced = any(price.service is allowance.service and zone.zone_id in price.zones for price in offering.usage_prices)
            kinds = reachable(allowance.service, [zone])
            if priced and zone.zone_id not in allowance.zones and any(kind.within and covers(allowance, kind) for kind in kinds):
                yield (
                    f"{allowance.allowance_id}: zones: is for {zone.zone_id} too, which has a price of its own; name it in except_zones, or beside"
                    f" {zone.within}"
                )


def unused_zones(*, zones: Sequence[NamedZone], offerings: Sequence[ProductOffering]) -> list[str]:
    """Give a remark for every zone that no price, allowance or cap names."""
    used = {zone for one in offerings for zone in zones_named(one)}
    return [f"zone {zone.zone_id}: no price names it; use in it costs what {zone.within} costs" for zone in zones if zone.zone_id not in used]


def _check_combination(offering: ProductOffering, combination: Combination, faults: Faults) -> None:
    stretches = in_force(offering, combination)
    where, name = offering.product_offering_id, str(combination)
    if combination.within is not None:  # what no price names has that of the zone that it lies within
        stretches = [one for one in stretches if combination.zone in one.price.zones]
        for before, after in pairwise(stretches):
            if before.ends is None or after.begins < before.ends:
                _two_at_once(before.price, after.price, where, name, faults)
        return
    if not stretches:
        faults.add(where, name, "has no price")
        return
    first = min(price.valid_from for price in offering.usage_prices)
    if stretches[0].begins > first:
        faults.add(where, name, f"has no price before {stretches[0].begins:%Y-%m-%d}")
    for before, after in pairwise(stretches):
        _check_neighbours(before.price, after.price, where, name, faults)


def _check_neighbours(before: UsagePrice, after: UsagePrice, where: str, name: str, faults: Faults) -> None:
    end: datetime | None = before.valid_to
    if end is None or after.valid_from < end:
        _two_at_once(before, after, where, name, faults)
    elif after.valid_from > end:
        faults.add(where, name, f"has no price between {before.price_id} and {after.price_id}")


def _two_at_once(before: UsagePrice, after: UsagePrice, where: str, name: str, faults: Faults) -> None:
    faults.add(where, name, f"has two prices at once: {before.price_id} and {after.price_id}")


def covers(scope: UsagePrice | Allowance | Cap, combination: Combination) -> bool:
    """Say whether a price, allowance or cap is for a kind of usage: it lists its zone, or the one that it lies within and does not except it."""
    if scope.service is not combination.service or combination.roaming not in scope.roaming:
        return False
    if combination.zone in scope.zones:
        return True
    excepted = () if isinstance(scope, UsagePrice) else scope.except_zones
    return combination.within in scope.zones and combination.zone not in excepted


def zones_named(offering: ProductOffering) -> set[str]:
    """Give the zones that an offering's prices, allowances and caps name, as their own or to leave them out."""
    scopes: list[UsagePrice | Allowance | Cap] = [*offering.usage_prices, *offering.allowances, *offering.caps]
    return {zone for scope in scopes for zone in (*scope.zones, *(() if isinstance(scope, UsagePrice) else scope.except_zones))}


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
