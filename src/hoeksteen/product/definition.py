"""
Reading offerings and prices from their declared form, a mapping as it stands in a catalogue file or in the database.

Every fault of a file is collected, and each names the file, the price and the field.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from hoeksteen.kernel.money import CENT
from hoeksteen.product._usage_prices import from_file_allowance, from_file_cap, from_file_usage_price
from hoeksteen.product.fields import Faults, Fields
from hoeksteen.product.model import Bundle, Discount, MinimumSpend, NamedZone, PriceKind, ProductOffering, RecurringPrice

__all__ = ["Faults", "Fields", "from_file_offering"]

_OFFERING = {
    "id",
    "family",
    "name",
    "segment",
    "tax_included",
    "tax_category",
    "tax_rate",
    "resource",
    "uses",
    "prices",
    "allowances",
    "caps",
    "discounts",
    "bundles",
    "minimum_spend",
}
_RECURRING = {"id", "kind", "versions"}
_RECURRING_VERSION = {"valid_from", "valid_to", "amount", "in_arrears", "days_in_period", "days_in_month"}


def from_file_offering(*, fields: Fields, price_lists: Mapping[str, list[Any]], zones: Sequence[NamedZone] = ()) -> ProductOffering:
    """
    Read one offering with its prices; faults are noted in `fields.faults`.

    :param price_lists: lists of prices that several offerings share, by the name under `uses`
    :param zones: those that the catalogue names beside the built-in ones
    """
    fields.known_only(_OFFERING)
    offering_id = fields.text("id")
    name = fields.mapping("name")
    shared: list[Any] = []
    for used in fields.texts("uses"):
        if used not in price_lists:
            fields.faults.add(fields.where, "uses", f"names the unknown price list {used}")
        shared += price_lists.get(used, [])
    entries = Fields(fields.faults, fields.where, {"prices": shared + fields.listed("prices")}).mappings("prices")
    for price_id, count in Counter(str(entry.values.get("id", "")) for entry in entries).items():
        if count > 1:
            fields.faults.add(fields.where, "prices", f"{price_id} stands twice; give one of them another id")
    recurring = [price for entry in entries if entry.values.get("kind") != PriceKind.USAGE for price in _recurring(entry, offering_id)]
    usage = [
        price
        for entry in entries
        if entry.values.get("kind") == PriceKind.USAGE
        for price in from_file_usage_price(entry=entry, offering_id=offering_id, versions=_versions(entry), zones=zones)
    ]
    return ProductOffering(
        product_offering_id=offering_id,
        family=fields.text("family"),
        name_nl=name.text("nl"),
        name_en=name.text("en"),
        segment=fields.text("segment"),
        tax_included=fields.flag("tax_included"),
        tax_category=fields.text("tax_category", "S"),
        tax_rate=fields.money("tax_rate", Decimal("21")),
        resource_kind=fields.text("resource") if "resource" in fields.values else None,
        prices=tuple(recurring),
        usage_prices=tuple(usage),
        allowances=tuple(from_file_allowance(entry=entry, offering_id=offering_id, zones=zones) for entry in fields.mappings("allowances")),
        caps=tuple(from_file_cap(entry=entry, offering_id=offering_id, zones=zones) for entry in fields.mappings("caps")),
        bundles=tuple(_bundle(entry, offering_id) for entry in fields.mappings("bundles")),
        discounts=tuple(_discount(entry, offering_id) for entry in fields.mappings("discounts")),
        zones=tuple(zones),
        minimum_spend=_minimum_spend(fields, offering_id) if "minimum_spend" in fields.values else None,
    )


def _minimum_spend(fields: Fields, offering_id: str) -> MinimumSpend:
    entry = fields.mapping("minimum_spend")
    entry.known_only({"amount", "of"})
    amount = entry.money("amount", least=0)
    if not amount or amount != amount.quantize(CENT):
        entry.faults.add(entry.where, "amount", "must be euros and whole cents, and not 0")
    prices = _usage_discounted(Fields(entry.faults, entry.where, {"of": "usage", **entry.values}), offering_id)
    if prices is None:
        entry.faults.add(entry.where, "of", "must be usage, or name prices of usage")
    return MinimumSpend(amount, prices or ())


def _discount(entry: Fields, offering_id: str) -> Discount:
    entry.known_only({"id", "name", "percentage", "amount", "periods", "of"})
    kind, value = _lowered_by(entry)
    periods = entry.whole("periods", least=1, most=1_200) if "periods" in entry.values else None
    return Discount(f"{offering_id}/{entry.text('id')}", entry.text("name"), kind, value, periods, _usage_discounted(entry, offering_id))


def _usage_discounted(entry: Fields, offering_id: str) -> tuple[str, ...] | None:
    """Read what a discount lowers: `recurring` charges, all `usage`, or a list of prices of usage."""
    if isinstance(entry.values.get("of"), list):
        if not entry.listed("of"):
            entry.faults.add(entry.where, "of", "must name a price, or be recurring or usage")
        return tuple(f"{offering_id}/{price_id}" for price_id in entry.texts("of"))
    return () if entry.word("of", ("recurring", "usage"), "recurring") == "usage" else None


def _bundle(entry: Fields, offering_id: str) -> Bundle:
    entry.known_only({"id", "name", "percentage", "amount", "together"})
    together = entry.mapping("together")
    wanted = tuple((family, together.whole(family, least=1, most=1_000)) for family in together.values if isinstance(family, str))
    if not wanted:
        entry.faults.add(entry.where, "together", "must say how many products of which families, such as {mobile: 1, broadband: 1}")
    return Bundle(f"{offering_id}/{entry.text('id')}", entry.text("name"), wanted, *_lowered_by(entry))


def _lowered_by(entry: Fields) -> tuple[str, Decimal]:
    if ("percentage" in entry.values) == ("amount" in entry.values):
        entry.faults.add(entry.where, "percentage", "or amount must be given, and not both")
    kind = "percentage" if "percentage" in entry.values else "amount"
    value = entry.money(kind, least=0)
    if value != value.quantize(CENT) or (kind == "percentage" and value > 100):
        entry.faults.add(entry.where, kind, "must have at most two decimals, and a percentage must not exceed 100")
    return kind, value


def _versions(entry: Fields) -> list[tuple[Fields, datetime, datetime | None]]:
    """Give the versions of a price, each ending where the next begins; a hole or an overlap is a fault."""
    found: list[tuple[Fields, datetime, datetime | None]] = []
    versions = entry.mappings("versions")
    if not versions:
        entry.faults.add(entry.where, "versions", "must have at least one version")
    for version in versions:
        start, end = version.day_start("valid_from"), version.day_start("valid_to")
        if start is None:
            version.faults.add(version.where, "valid_from", "is missing")
            continue
        if end is not None and end <= start:
            version.faults.add(version.where, "valid_to", "must come after valid_from")
        if found:
            before, before_from, before_to = found[-1]
            if start <= before_from or (before_to is not None and start < before_to):
                version.faults.add(version.where, "valid_from", "overlaps the version before it")
            elif before_to is not None and start > before_to:
                version.faults.add(version.where, "valid_from", "leaves a hole after the version before it")
            found[-1] = (before, before_from, start)
        found.append((version, start, end))
    return found


def _recurring(entry: Fields, offering_id: str) -> list[RecurringPrice]:
    entry.known_only(_RECURRING)
    kind = entry.one_of("kind", PriceKind) or PriceKind.RECURRING
    prices = []
    for version, start, end in _versions(entry):
        version.known_only(_RECURRING_VERSION)
        days = version.word("days_in_month" if "days_in_month" in version.values else "days_in_period", ("actual", "30", "first"), "actual")
        if {"days_in_month", "days_in_period"} <= set(version.values):
            version.faults.add(version.where, "days_in_month", "says the same as days_in_period; leave one of them out")
        amount, in_arrears = version.money("amount"), version.flag("in_arrears", False)
        prices.append(RecurringPrice(f"{offering_id}/{entry.text('id')}", offering_id, start, end, kind, amount, in_arrears, days))
    return prices
