"""Reading what usage costs from its declared form: prices with their charge models, allowances and caps (docs/rating.md)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hoeksteen.kernel.money import micros
from hoeksteen.kernel.time_period import OPERATOR_ZONE
from hoeksteen.product.fields import Fields
from hoeksteen.product.model import Allowance, Band, Block, Cap, EndRounding, FirstFree, NamedZone, Roaming, Service, Tier, UsagePrice, Zone

_SCOPE = {"service", "zones", "roaming"}
_USAGE = {"id", "kind", "versions"} | _SCOPE
# Each version has at most one of these; without any it is `amount` per unit size.
_MODELS = ("tiers", "package", "blocks", "bands", "first_free")
_USAGE_VERSION = {
    "valid_from", "valid_to", "amount", "percent", "unit_size", "minimum", "step", "connection_fee", "fee_waived_in_allowance", *_MODELS,
    "split_at_band", "end_rounding", "time_zone",
}  # fmt: skip
_ALLOWANCE = {"id", "units", "shared", "roll_over", "prorate", "except_zones"} | _SCOPE
_CAP = {"id", "amount", "shared", "except_zones"} | _SCOPE
_UNIT_SIZE = {Service.VOICE: 60, Service.SMS: 1, Service.DATA: 1_000_000, Service.PURCHASE: 1_000_000}
_STEP = {Service.VOICE: 1, Service.SMS: 1, Service.DATA: 1_000, Service.PURCHASE: 1}
_DAYS = {"monday": 1, "tuesday": 2, "wednesday": 3, "thursday": 4, "friday": 5, "saturday": 6, "sunday": 7, "holiday": 8}
# No record has more units, and no charge, before it is divided by its unit size, more than an engine's integers hold.
UNITS_MAX = {Service.VOICE: 31 * 86_400, Service.SMS: 1_000_000, Service.DATA: 10**12, Service.PURCHASE: 10**12}
_NUMERATOR_BEYOND = 2**62
UNIT_SIZE_MAX = 10**12
_MICRO = 10**6


@dataclass(frozen=True, slots=True)
class _Model:
    """What a version's charge model says, in the fields of a usage price."""

    tier_mode: str | None = None
    tiers: tuple[Tier, ...] = ()
    tiers_shared: bool = False
    blocks: tuple[Block, ...] = ()
    bands: tuple[Band, ...] = ()
    first_free: FirstFree | None = field(default=None)


def from_file_usage_price(
    *, entry: Fields, offering_id: str, versions: Sequence[tuple[Fields, datetime, datetime | None]], zones: Iterable[NamedZone]
) -> list[UsagePrice]:
    """
    Read the versions of one usage price; faults are noted.

    :param zones: those that it may name beside the built-in ones
    """
    entry.known_only(_USAGE)
    service = entry.one_of("service", Service) or Service.VOICE
    prices = []
    for version, start, end in versions:
        version.known_only(_USAGE_VERSION)
        unit_size = version.whole("unit_size", _UNIT_SIZE[service], least=1, most=UNIT_SIZE_MAX)
        model = _model(version, service, unit_size)
        price = UsagePrice(
            price_id=f"{offering_id}/{entry.text('id')}",
            product_offering_id=offering_id,
            valid_from=start,
            valid_to=end,
            service=service,
            zones=_zones(entry, zones),
            roaming=entry.several("roaming", Roaming),
            amount=_amount(version, service, model),
            unit_size=unit_size,
            minimum=version.whole("minimum", 0, most=UNITS_MAX[service]),
            step=version.whole("step", _STEP[service], least=1, most=UNITS_MAX[service]),
            connection_fee=version.money("connection_fee", Decimal(0), least=0),
            fee_waived_in_allowance=version.flag("fee_waived_in_allowance", True),
            tier_mode=model.tier_mode,
            tiers=model.tiers,
            bands=model.bands,
            split_at_band=version.flag("split_at_band", False),
            tiers_shared=model.tiers_shared,
            blocks=model.blocks,
            first_free=model.first_free,
            end_rounding=_end_rounding(version),
            time_zone=_time_zone(version),
        )
        if largest_numerator(price) >= _NUMERATOR_BEYOND:
            version.faults.add(version.where, "amount", f"is too much for the largest use of {UNITS_MAX[service]:,} units; take a larger unit_size")
        prices.append(price)
    return prices


def largest_numerator(price: UsagePrice) -> int:
    """Give what a record of the most units comes to at the most, before it is divided by the price's unit size."""
    step, units_max = price.step, UNITS_MAX[price.service]
    units = -(-max(units_max, price.minimum) // step) * step
    if price.blocks:
        divisor = price.blocks_denominator
        most = sum((min(units, block.units or units) + block.step) * micros(block.amount) * divisor // block.unit_size for block in price.blocks)
        return max(most + micros(price.connection_fee) * divisor, divisor * _MICRO)  # also what it is rounded to at the end
    unit_size = price.unit_size // price.common_factor
    rates = [tier.amount for tier in price.tiers if tier.block_units is None] if price.tiers else [price.amount]
    most = units * max((micros(amount) for amount in [*rates, *(band.amount for band in price.bands)]), default=0) // price.common_factor
    for tier in price.tiers:
        blocks = -(-units // tier.block_units) + 1 if tier.block_units else 0
        most += (blocks * micros(tier.amount) + micros(tier.flat)) * unit_size
    return most + micros(price.connection_fee) * unit_size


def _model(version: Fields, service: Service, unit_size: int) -> _Model:
    declared = [name for name in _MODELS if name in version.values]
    if len(declared) > 1:
        version.faults.add(version.where, declared[1], f"cannot be combined with {declared[0]}")
    if "tiers" in version.values:
        return _tiers(version, service)
    if "package" in version.values:
        return _package(version)
    if "blocks" in version.values:
        return _Model(blocks=_blocks(version, unit_size))
    if "bands" in version.values:
        if service is not Service.VOICE:
            version.faults.add(version.where, "bands", "are for voice only")
        return _Model(bands=tuple(_band(band) for band in version.mappings("bands")))
    if "first_free" in version.values:
        return _Model(first_free=_first_free(version))
    return _Model()


def _amount(version: Fields, service: Service, model: _Model) -> Decimal:
    """Read the amount per unit size, which the first tier or block says where there are any."""
    if model.tiers or model.blocks:
        first = model.tiers[0].amount if model.tiers else model.blocks[0].amount
        if "amount" in version.values and version.money("amount") != first:
            what = "tier" if model.tiers else "block"
            version.faults.add(version.where, "amount", f"says something else than the first {what}; leave it out")
        return first
    if "percent" not in version.values:
        return version.money("amount", least=0)
    if service is not Service.PURCHASE:
        version.faults.add(version.where, "percent", "is for purchases only, whose units are micro-euros")
    if "amount" in version.values or "unit_size" in version.values:
        version.faults.add(version.where, "percent", "stands in the place of amount and unit_size; leave those out")
    return version.percent("percent")


def _tiers(version: Fields, service: Service) -> _Model:
    declared = version.mapping("tiers")
    declared.known_only({"mode", "shared", "steps"})
    tiers: list[Tier] = []
    for step in declared.mappings("steps"):
        step.known_only({"up_to_units", "amount", "percent", "block_units", "flat"})
        bound = step.whole("up_to_units", least=1) if "up_to_units" in step.values else None
        if tiers and (tiers[-1].up_to_units is None or (bound is not None and bound <= (tiers[-1].up_to_units or 0))):
            step.faults.add(step.where, "up_to_units", "must rise from tier to tier")
        block_units = step.whole("block_units", least=1, most=UNITS_MAX[service]) if "block_units" in step.values else None
        if "percent" in step.values and (service is not Service.PURCHASE or "amount" in step.values or block_units is not None):
            step.faults.add(step.where, "percent", "is for purchases only, in the place of amount, and without block_units")
        amount = step.percent("percent") if "percent" in step.values else step.money("amount", least=0)
        tiers.append(Tier(bound, amount, block_units, step.money("flat", Decimal(0), least=0)))
    if not tiers or tiers[-1].up_to_units is not None:
        declared.faults.add(declared.where, "steps", "the last tier must have no up_to_units, or usage beyond it has no price")
    return _Model(declared.word("mode", ("graduated", "volume")), tuple(tiers), declared.flag("shared", False))


def _package(version: Fields) -> _Model:
    """Read a price per begun package of units: graduated tiers, the first one free."""
    declared = version.mapping("package")
    declared.known_only({"size", "amount", "free_units", "shared"})
    if "amount" in version.values:
        version.faults.add(version.where, "amount", "stands in the package; leave it out")
    free, package = declared.whole("free_units", 0), Tier(None, declared.money("amount", least=0), declared.whole("size", least=1))
    return _Model("graduated", (Tier(free, Decimal(0)), package) if free else (package,), declared.flag("shared", False))


def _blocks(version: Fields, unit_size: int) -> tuple[Block, ...]:
    blocks = []
    declared = version.mappings("blocks")
    for block in declared:
        block.known_only({"units", "step", "amount", "unit_size"})
        units = block.whole("units", least=1) if "units" in block.values else None
        size = block.whole("unit_size", unit_size, least=1, most=UNIT_SIZE_MAX)
        blocks.append(Block(units, block.whole("step", 1, least=1, most=UNIT_SIZE_MAX), block.money("amount", least=0), size))
    if not blocks or blocks[-1].units is not None or any(block.units is None for block in blocks[:-1]):
        version.faults.add(version.where, "blocks", "the last one, and only that, must have no units, or what lies beyond it has no price")
    return tuple(blocks)


def _first_free(version: Fields) -> FirstFree | None:
    declared = version.mapping("first_free")
    declared.known_only({"records", "units"})
    limits = {name: declared.whole(name) if name in declared.values else None for name in ("records", "units")}
    if not any(name in declared.values for name in limits):
        version.faults.add(version.where, "first_free", "must say how many records or how many units are free")
    return FirstFree(**limits)


def _end_rounding(version: Fields) -> EndRounding | None:
    if "end_rounding" not in version.values:
        return None
    declared = version.mapping("end_rounding")
    declared.known_only({"mode", "digits"})
    return EndRounding(declared.word("mode", ("up", "half_up", "down")), declared.whole("digits", most=6))


def _time_zone(version: Fields) -> str:
    name = version.text("time_zone", OPERATOR_ZONE.key)
    try:
        ZoneInfo(name or OPERATOR_ZONE.key)
    except (ZoneInfoNotFoundError, ValueError):
        version.faults.add(version.where, "time_zone", f'must be the name of a time zone, such as "{OPERATOR_ZONE.key}" or "UTC"')
    return name


def _band(entry: Fields) -> Band:
    entry.known_only({"id", "days", "from", "to", "amount", "connection_fee"})
    words = entry.values.get("days", list(_DAYS))
    if not isinstance(words, list) or any(not isinstance(word, str) or word not in _DAYS for word in words):
        entry.faults.add(entry.where, "days", f"must be a list of {', '.join(_DAYS)}")
        words = []
    first, last = _minute(entry, "from"), _minute(entry, "to")
    if last <= first:
        entry.faults.add(entry.where, "to", "must come after from; write a band over midnight as two")
    days = tuple(sorted(_DAYS[word] for word in words))
    fee = entry.money("connection_fee", least=0) if "connection_fee" in entry.values else None
    return Band(entry.text("id"), days, first, last, entry.money("amount", least=0), fee)


def _minute(entry: Fields, name: str) -> int:
    hour, _, minute = entry.text(name).partition(":")
    if hour.isdecimal() and minute.isdecimal() and int(minute) < 60 and int(hour) * 60 + int(minute) <= 1440:
        return int(hour) * 60 + int(minute)
    entry.faults.add(entry.where, name, 'must be a local time from "00:00" to "24:00"')
    return 0


def _zones(entry: Fields, named: Iterable[NamedZone]) -> tuple[str, ...]:
    return entry.chosen("zones", [*Zone, *(zone.zone_id for zone in named)], tuple(Zone))


def _except_zones(entry: Fields, zones: tuple[str, ...], named: Iterable[NamedZone]) -> tuple[str, ...]:
    """
    Read the named zones that an allowance or cap is not for, although it is for the zone that they lie within.

    :param zones: those that it is for
    """
    within = {zone.zone_id: zone.within for zone in named}
    found = entry.chosen("except_zones", list(within), ()) if "except_zones" in entry.values else ()
    for zone in found:
        if within[zone] not in zones or zone in zones:
            entry.faults.add(entry.where, "except_zones", f"{zone} is no part of a zone that stands in zones here; leave it out")
    return found


def from_file_allowance(*, entry: Fields, offering_id: str, zones: Sequence[NamedZone]) -> Allowance:
    """Read one allowance; faults are noted."""
    entry.known_only(_ALLOWANCE)
    service, covered = entry.one_of("service", Service) or Service.VOICE, _zones(entry, zones)
    return Allowance(
        allowance_id=f"{offering_id}/{entry.text('id')}",
        product_offering_id=offering_id,
        service=service,
        zones=covered,
        roaming=entry.several("roaming", Roaming),
        units=entry.whole("units", most=_NUMERATOR_BEYOND // 31),
        shared=entry.flag("shared", False),
        roll_over=entry.flag("roll_over", False),
        prorate=entry.flag("prorate", False),
        except_zones=_except_zones(entry, covered, zones),
    )


def from_file_cap(*, entry: Fields, offering_id: str, zones: Sequence[NamedZone]) -> Cap:
    """Read one cap; faults are noted."""
    entry.known_only(_CAP)
    covered = _zones(entry, zones)
    return Cap(
        cap_id=f"{offering_id}/{entry.text('id')}",
        product_offering_id=offering_id,
        service=entry.one_of("service", Service) or Service.DATA,
        zones=covered,
        roaming=entry.several("roaming", Roaming),
        amount=entry.money("amount", least=0),
        shared=entry.flag("shared", False),
        except_zones=_except_zones(entry, covered, zones),
    )
