"""
Reading offerings and prices from their declared form, a mapping as it stands in a catalogue file or in the database.

Every fault of a file is collected, and each names the file, the price and the field.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, NoReturn, TypeVar

from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.product.model import (
    Allowance,
    Band,
    Cap,
    PriceKind,
    ProductOffering,
    RecurringPrice,
    Roaming,
    Service,
    Tier,
    UsagePrice,
    Zone,
)

_OFFERING = {"id", "family", "name", "segment", "tax_included", "tax_category", "tax_rate", "resource", "uses", "prices", "allowances", "caps"}
_SCOPE = {"service", "zones", "roaming"}
_RECURRING = {"id", "kind", "versions"}
_RECURRING_VERSION = {"valid_from", "valid_to", "amount", "in_arrears", "days_in_period"}
_USAGE = _RECURRING | _SCOPE
_USAGE_VERSION = {
    "valid_from", "valid_to", "amount", "unit_size", "minimum", "step", "connection_fee", "fee_waived_in_allowance", "tiers", "bands",
    "split_at_band",
}  # fmt: skip
_ALLOWANCE = {"id", "units", "shared", "roll_over", "prorate"} | _SCOPE
_CAP = {"id", "amount"} | _SCOPE
_UNIT_SIZE = {Service.VOICE: 60, Service.SMS: 1, Service.DATA: 1_000_000}
_STEP = {Service.VOICE: 1, Service.SMS: 1, Service.DATA: 1_000}
_DAYS = {"monday": 1, "tuesday": 2, "wednesday": 3, "thursday": 4, "friday": 5, "saturday": 6, "sunday": 7, "holiday": 8}
E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")


@dataclass(slots=True)
class Faults:
    """The faults of one file: `file: where: field: what is wrong`."""

    file: str
    found: list[str] = field(default_factory=list)

    def add(self, where: str, name: str, what: str) -> None:
        """Note a fault of one field."""
        self.found.append(f"{self.file}: {where}: {name}: {what}")


@dataclass(slots=True)
class Fields:
    """Typed reading of one mapping, noting faults in place of raising."""

    faults: Faults
    where: str
    values: Mapping[str, Any]

    def known_only(self, known: set[str]) -> None:
        """Note every field that this mapping must not have."""
        for name in sorted(set(self.values) - known):
            self.faults.add(self.where, name, f"is not a known field; known are {', '.join(sorted(known))}")

    def text(self, name: str, default: str | None = None) -> str:
        """Read a text; without a default it must be there."""
        return self._read(name, default, lambda value: str(value) if isinstance(value, str) and value else str(_wrong("must be a text")), "")

    def flag(self, name: str, default: bool | None = None) -> bool:
        """Read true or false."""
        return self._read(name, default, lambda value: bool(value) if isinstance(value, bool) else bool(_wrong("must be true or false")), False)

    def whole(self, name: str, default: int | None = None, *, least: int = 0) -> int:
        """Read a whole number of at least `least`."""

        def read(value: Any) -> int:
            whole = isinstance(value, int) and not isinstance(value, bool) and value >= least
            return int(value) if whole else _wrong(f"must be a whole number from {least}")

        return self._read(name, default, read, least)

    def money(self, name: str, default: Decimal | None = None) -> Decimal:
        """Read euros with at most six decimals, written as text so that no float comes near them."""
        return self._read(name, default, _as_money, Decimal(0))

    def day_start(self, name: str) -> datetime | None:
        """Read a local day and give the instant at which it begins, or None when it is absent."""
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, str):
            try:
                value = date.fromisoformat(value)
            except ValueError:
                value = None
        if not isinstance(value, date) or isinstance(value, datetime):
            self.faults.add(self.where, name, "must be a day such as 2026-10-01")
            return None
        return start_of_day(value)

    def one_of(self, name: str, kind: type[E]) -> E | None:
        """Read one word of an enumeration."""
        try:
            return kind(self.values.get(name, ""))
        except ValueError:
            self.faults.add(self.where, name, f"must be one of {', '.join(kind)}")
            return None

    def several(self, name: str, kind: type[E]) -> tuple[E, ...]:
        """Read a list of words of an enumeration; absent means all of them."""
        value = self.values.get(name, list(kind))
        words = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        if not words or any(word not in list(kind) for word in words):
            self.faults.add(self.where, name, f"must be a list of {', '.join(kind)}")
            return tuple(kind)
        return tuple(kind(word) for word in words)

    def mappings(self, name: str) -> list["Fields"]:
        """Read a list of mappings; absent means none."""
        value = self.values.get(name, [])
        if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
            self.faults.add(self.where, name, "must be a list of mappings")
            return []
        return [Fields(self.faults, f"{self.where}/{entry.get('id', f'{name}[{index}]')}", entry) for index, entry in enumerate(value)]

    def _read(self, name: str, default: T | None, read: Callable[[Any], T], otherwise: T) -> T:
        if name not in self.values:
            if default is None:
                self.faults.add(self.where, name, "is missing")
                return otherwise
            return default
        try:
            return read(self.values[name])
        except ValueError as error:
            self.faults.add(self.where, name, str(error))
            return otherwise


def _wrong(what: str) -> NoReturn:
    raise ValueError(what)


def _as_money(value: Any) -> Decimal:
    if not isinstance(value, str):
        raise ValueError('must be euros in quotes, such as "0.20"')
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise ValueError('must be euros in quotes, such as "0.20"') from None
    if not amount.is_finite() or amount.scaleb(6) != amount.scaleb(6).to_integral_value():
        raise ValueError("must have at most six decimals")
    return amount


def from_file_offering(*, fields: Fields, price_lists: Mapping[str, list[Any]]) -> ProductOffering:
    """
    Read one offering with its prices; faults are noted in `fields.faults`.

    :param price_lists: lists of prices that several offerings share, by the name under `uses`
    """
    fields.known_only(_OFFERING)
    offering_id = fields.text("id")
    name = Fields(fields.faults, f"{fields.where}/name", fields.values.get("name") or {})
    shared: list[Any] = []
    for used in fields.values.get("uses", []):
        if used not in price_lists:
            fields.faults.add(fields.where, "uses", f"names the unknown price list {used}")
        shared += price_lists.get(used, [])
    entries = Fields(fields.faults, fields.where, {"prices": shared + list(fields.values.get("prices", []))}).mappings("prices")
    recurring = [price for entry in entries if entry.values.get("kind") != PriceKind.USAGE for price in _recurring(entry, offering_id)]
    usage = [price for entry in entries if entry.values.get("kind") == PriceKind.USAGE for price in _usage(entry, offering_id)]
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
        allowances=tuple(_allowance(entry, offering_id) for entry in fields.mappings("allowances")),
        caps=tuple(_cap(entry, offering_id) for entry in fields.mappings("caps")),
    )


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
        days = version.text("days_in_period", "actual")
        if days not in {"actual", "30", "first"}:
            version.faults.add(version.where, "days_in_period", 'must be "actual", "30" or "first"')
        amount, in_arrears = version.money("amount"), version.flag("in_arrears", False)
        prices.append(RecurringPrice(f"{offering_id}/{entry.text('id')}", offering_id, start, end, kind, amount, in_arrears, days))
    return prices


def _usage(entry: Fields, offering_id: str) -> list[UsagePrice]:
    entry.known_only(_USAGE)
    service = entry.one_of("service", Service) or Service.VOICE
    prices = []
    for version, start, end in _versions(entry):
        version.known_only(_USAGE_VERSION)
        tier_mode, tiers = _tiers(version)
        bands = tuple(_band(band) for band in version.mappings("bands"))
        if bands and service is not Service.VOICE:
            version.faults.add(version.where, "bands", "are for voice only")
        if tiers and "amount" in version.values and version.money("amount") != tiers[0].amount:
            version.faults.add(version.where, "amount", "says something else than the first tier; leave it out")
        if bands and tiers:
            version.faults.add(version.where, "tiers", "cannot be combined with bands")
        prices.append(
            UsagePrice(
                price_id=f"{offering_id}/{entry.text('id')}",
                product_offering_id=offering_id,
                valid_from=start,
                valid_to=end,
                service=service,
                zones=entry.several("zones", Zone),
                roaming=entry.several("roaming", Roaming),
                amount=version.money("amount", tiers[0].amount if tiers else None),
                unit_size=version.whole("unit_size", _UNIT_SIZE[service], least=1),
                minimum=version.whole("minimum", 0),
                step=version.whole("step", _STEP[service], least=1),
                connection_fee=version.money("connection_fee", Decimal(0)),
                fee_waived_in_allowance=version.flag("fee_waived_in_allowance", True),
                tier_mode=tier_mode,
                tiers=tiers,
                bands=bands,
                split_at_band=version.flag("split_at_band", False),
            )
        )
    return prices


def _tiers(version: Fields) -> tuple[str | None, tuple[Tier, ...]]:
    if "tiers" not in version.values:
        return None, ()
    declared = Fields(version.faults, f"{version.where}/tiers", version.values["tiers"] if isinstance(version.values["tiers"], Mapping) else {})
    declared.known_only({"mode", "steps"})
    mode = declared.text("mode")
    if mode not in {"graduated", "volume"}:
        declared.faults.add(declared.where, "mode", "must be graduated or volume")
    tiers: list[Tier] = []
    steps = declared.mappings("steps")
    for step in steps:
        step.known_only({"up_to_units", "amount"})
        bound = step.whole("up_to_units", least=1) if "up_to_units" in step.values else None
        if tiers and (tiers[-1].up_to_units is None or (bound is not None and bound <= (tiers[-1].up_to_units or 0))):
            step.faults.add(step.where, "up_to_units", "must rise from tier to tier")
        tiers.append(Tier(bound, step.money("amount")))
    if not tiers or tiers[-1].up_to_units is not None:
        declared.faults.add(declared.where, "steps", "the last tier must have no up_to_units, or usage beyond it has no price")
    return mode, tuple(tiers)


def _band(entry: Fields) -> Band:
    entry.known_only({"id", "days", "from", "to", "amount"})
    words = entry.values.get("days", list(_DAYS))
    if not isinstance(words, list) or any(word not in _DAYS for word in words):
        entry.faults.add(entry.where, "days", f"must be a list of {', '.join(_DAYS)}")
        words = []
    first, last = _minute(entry, "from"), _minute(entry, "to")
    if last <= first:
        entry.faults.add(entry.where, "to", "must come after from; write a band over midnight as two")
    return Band(entry.text("id"), tuple(sorted(_DAYS[word] for word in words)), first, last, entry.money("amount"))


def _minute(entry: Fields, name: str) -> int:
    hour, _, minute = entry.text(name).partition(":")
    if hour.isdigit() and minute.isdigit() and int(minute) < 60 and int(hour) * 60 + int(minute) <= 1440:
        return int(hour) * 60 + int(minute)
    entry.faults.add(entry.where, name, 'must be a local time from "00:00" to "24:00"')
    return 0


def _allowance(entry: Fields, offering_id: str) -> Allowance:
    entry.known_only(_ALLOWANCE)
    service = entry.one_of("service", Service) or Service.VOICE
    return Allowance(
        allowance_id=f"{offering_id}/{entry.text('id')}",
        product_offering_id=offering_id,
        service=service,
        zones=entry.several("zones", Zone),
        roaming=entry.several("roaming", Roaming),
        units=entry.whole("units"),
        shared=entry.flag("shared", False),
        roll_over=entry.flag("roll_over", False),
        prorate=entry.flag("prorate", False),
    )


def _cap(entry: Fields, offering_id: str) -> Cap:
    entry.known_only(_CAP)
    service = entry.one_of("service", Service) or Service.DATA
    zones, roaming = entry.several("zones", Zone), entry.several("roaming", Roaming)
    return Cap(f"{offering_id}/{entry.text('id')}", offering_id, service, zones, roaming, entry.money("amount"))
