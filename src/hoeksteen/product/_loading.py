"""Putting declared offerings beside those that are loaded: nothing that was rated or billed changes by it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from hoeksteen.kernel.errors import Conflict
from hoeksteen.kernel.time_period import local_day, start_of_day
from hoeksteen.product import _store
from hoeksteen.product.definition import Faults
from hoeksteen.product.model import PriceKind, ProductOffering, RecurringPrice, UsagePrice, Zone
from hoeksteen.product.price_list import DeclaredOffering, DeclaredZone
from hoeksteen.product.queries import read_offerings, zones
from hoeksteen.product.validation import check_offering, in_force, reachable
from hoeksteen.storage.postgres import Transaction

Price = RecurringPrice | UsagePrice


@dataclass(frozen=True, slots=True)
class _Loaded:
    """
    What the database holds before a load.

    :param declared: offerings as they were declared, without their prices
    :param versions: price versions as they were declared, by price and first instant
    :param held: offerings that some product is, was or will be
    :param ends: until when what an offering charges has a price
    """

    declared: Mapping[str, Mapping[str, Any]]
    versions: Mapping[tuple[str, datetime], Mapping[str, Any]]
    held: frozenset[str]
    ends: Mapping[str, Mapping[str, datetime | None]]


def load_zones(*, tx: Transaction, declared: Sequence[DeclaredZone]) -> None:
    """
    Write zones; what they are made of counts for usage that is collected from now on.

    :raises Conflict: when a zone would lie within another one than it does, or lose its last country: guided usage relies on both
    """
    loaded = zones(tx=tx)
    within, countries = {zone.zone_id: zone.within for zone in loaded}, {zone.zone_id: zone.countries for zone in loaded}
    for entry in declared:
        zone = entry.zone
        if within.get(zone.zone_id, zone.within) is not zone.within:
            raise Conflict(
                f"Zone {zone.zone_id} lies within {within[zone.zone_id]}, and would lie within {zone.within}.",
                remedy="Give what is new another id.",
            )
        if countries.get(zone.zone_id) and not zone.countries:
            raise Conflict(f"Zone {zone.zone_id} has countries, and would have none.", remedy="Keep one, or give what is new another id.")
        _store.upsert_zone(tx, zone.zone_id, zone.within, dict(entry.declared))


def load_offerings(*, tx: Transaction, declared: Sequence[DeclaredOffering], now: datetime) -> None:
    """
    Write offerings and the price versions that are not there yet.

    :raises Conflict: naming the offering or price that would change what was charged, or leave a product without a price
    """
    ids = [entry.offering.product_offering_id for entry in declared]
    loaded = _Loaded(
        {row["product_offering_id"]: row["definition"] for row in _store.offering_rows(tx)},
        {(row["price_id"], row["valid_from"]): row["definition"] for row in _store.price_rows(tx)},
        frozenset(_store.offerings_held(tx, ids)),
        {offering.product_offering_id: _ends(offering) for offering in read_offerings(tx=tx, faults=Faults("catalogue"))},
    )
    today = start_of_day(local_day(now))
    for entry in declared:
        _write(tx, entry, loaded, today)
    _require_whole(tx, ids, loaded)


def _write(tx: Transaction, entry: DeclaredOffering, loaded: _Loaded, today: datetime) -> None:
    offering = entry.offering
    offering_id = offering.product_offering_id
    declared = json.loads(json.dumps(entry.declared, default=str))
    prices = declared.pop("prices")
    before = loaded.declared.get(offering_id, declared)
    changed = sorted(name for name in {*before, *declared} - {"name", "discounts"} if before.get(name) != declared.get(name))
    if changed and offering_id in loaded.held:
        raise Conflict(
            f"Offering {offering_id} is held by customers and would change: {', '.join(changed)}.",
            remedy="Leave it as it was, and offer what is new under another id.",
        )
    missing = {price_id for price_id, _ in loaded.versions} - {f"{offering_id}/{price['id']}" for price in prices}
    for price_id in sorted(missing):
        if price_id.startswith(f"{offering_id}/"):
            raise Conflict(f"Price {price_id} is loaded already and is not declared.", remedy="Declare it; give it a valid_to to end it.")
    _store.upsert_offering(tx, offering_id, offering.family, offering.name_nl, offering.name_en, declared)
    versions = {(price.price_id, price.valid_from): price for price in _prices(offering)}
    for price in prices:
        for version in price["versions"]:
            found = versions[f"{offering_id}/{price['id']}", start_of_day(date.fromisoformat(version["valid_from"]))]
            definition = {**price, "versions": [version]}
            _require_kept(found, definition, loaded, today)
            _store.upsert_price(tx, found, found.kind if isinstance(found, RecurringPrice) else PriceKind.USAGE, definition)


def _require_kept(price: Price, definition: Mapping[str, Any], loaded: _Loaded, today: datetime) -> None:
    """Refuse a version that would change what is loaded, or what was charged for products held."""
    before = loaded.versions.get((price.price_id, price.valid_from))
    if before == definition:
        return
    where = f"Price {price.price_id} from {local_day(price.valid_from)}"
    if before is not None and _without_end(before) != _without_end(definition):
        raise Conflict(f"{where} is loaded already and differs.", remedy="Leave that version as it was, and add one with a later valid_from.")
    others = [other for (price_id, _), other in loaded.versions.items() if price_id == price.price_id]
    if any(_head(other) != _head(definition) for other in others):
        raise Conflict(f"{where} is for another use than its other versions.", remedy="Declare another price, and end this one where that begins.")
    if price.product_offering_id not in loaded.held:
        return
    if not others and isinstance(price, UsagePrice):
        if not _priced_until_now(price, loaded):
            return  # use that had no price until now was charged to nobody
    elif not others:
        raise Conflict(
            f"{where} would be charged beside what customers of {price.product_offering_id} agreed to.",
            remedy="Offer what costs more under another id.",
        )
    first_change = price.valid_from if before is None else price.valid_to
    if first_change is not None and first_change < today:
        raise Conflict(f"{where} would change what was charged before {local_day(today)}.", remedy="Let it begin, or end, today or later.")


def _priced_until_now(price: UsagePrice, loaded: _Loaded) -> bool:
    """Say whether what a new price is for was charged by others: it names a zone, of a service that has prices here."""
    service = price.service in {
        definition.get("service") for (price_id, _), definition in loaded.versions.items() if price_id.startswith(f"{price.product_offering_id}/")
    }
    return service and not set(price.zones) <= set(Zone)


def _require_whole(tx: Transaction, ids: Sequence[str], loaded: _Loaded) -> None:
    """Refuse a load that leaves holes or overlaps with what was there, or ends a price while products go on."""
    faults = Faults("catalogue")
    for offering in read_offerings(tx=tx, faults=faults):
        offering_id = offering.product_offering_id
        if offering_id not in ids:
            continue
        check_offering(offering=offering, faults=faults)
        before = loaded.ends.get(offering_id, {})
        for what, end in _ends(offering).items():
            if end is not None and end != before.get(what) and (count := _store.count_held_beyond(tx, offering_id, end)):
                raise Conflict(
                    f"{what} would end on {local_day(end)}, and {count} products of {offering_id} go on.",
                    remedy="Let it end in a new version, or give these products another plan first.",
                )
    if faults.found:
        raise Conflict(
            f"Beside what is loaded the catalogue has faults: {'; '.join(faults.found)}.",
            remedy="Let each version begin where the one before it ends, and declare those that are loaded as they were.",
        )


def _ends(offering: ProductOffering) -> dict[str, datetime | None]:
    """Give until when each charge, and each use that has a price at all, has one."""
    ends = {f"Price {price.price_id}": price.valid_to for price in sorted(offering.prices, key=_begins)}
    for service in {price.service for price in offering.usage_prices}:
        for combination in reachable(service):
            covering = in_force(offering, combination)
            ends[f"The price of {combination}"] = covering[-1].ends if covering else None
    return ends


def _begins(price: Price) -> datetime:
    return price.valid_from


def _prices(offering: ProductOffering) -> Iterable[Price]:
    return (*offering.prices, *offering.usage_prices)


def _head(definition: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in definition.items() if key != "versions"}


def _without_end(definition: Mapping[str, Any]) -> dict[str, Any]:
    version = {key: value for key, value in definition["versions"][0].items() if key != "valid_to"}
    return {**definition, "versions": [version]}
