"""The catalogue as the small tables that rating joins: one row per offering, kind of usage and price version."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pyarrow as pa

from hoeksteen.kernel.errors import invariant
from hoeksteen.kernel.money import micros
from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.product.holidays import public_holidays
from hoeksteen.product.model import Allowance, Band, Cap, CapLifted, NamedZone, ProductOffering, Service, UsagePrice, Zone
from hoeksteen.product.validation import Combination, covers, in_force, reachable, zones_named

END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)
_INSTANT = pa.timestamp("us", tz="UTC")
_UNITS_END = 2**62
_HOLIDAY = 8
# A record may run on after its period's last instant, by at most the longest call.
_DAYS_BEYOND = 32


@dataclass(frozen=True, slots=True)
class Source:
    """
    Something that gives free units: an allowance, or what was rolled over from its previous period.

    :param stage: sources of one stage never compete for a record; stages are consumed in their order
    """

    number: int
    allowance: Allowance
    carried: bool
    stage: int


@dataclass(frozen=True, slots=True)
class Tariff:
    """
    Prices of all offerings, ready to be joined.

    :param kinds: the kinds of usage that differ in any offering, in an order that depends on nothing but the catalogue
    """

    offerings: tuple[ProductOffering, ...]
    prices: tuple[UsagePrice, ...]
    sources: tuple[Source, ...]
    caps: tuple[Cap, ...]
    kinds: tuple["Kind", ...]

    @property
    def zones(self) -> list[NamedZone]:
        """The zones that the catalogue names; each offering knows them all."""
        return list(self.offerings[0].zones) if self.offerings else []

    @property
    def stages(self) -> int:
        return max((source.stage for source in self.sources), default=0)

    @property
    def rolls_over(self) -> bool:
        return any(source.carried for source in self.sources)


def tariff_of(offerings: Iterable[ProductOffering]) -> Tariff:
    """Number the prices, allowances and caps of offerings, in an order that depends on nothing but their names."""
    ordered = tuple(sorted(offerings, key=lambda offering: offering.product_offering_id))
    prices = tuple(sorted((price for offering in ordered for price in offering.usage_prices), key=lambda price: (price.price_id, price.valid_from)))
    caps = tuple(sorted((cap for offering in ordered for cap in offering.caps), key=lambda cap: cap.cap_id))
    sources = _sources(ordered)
    return Tariff(ordered, prices, sources, caps, _kinds(ordered, prices, sources, caps))


def _sources(offerings: Sequence[ProductOffering]) -> tuple[Source, ...]:
    """
    Give the sources of free units with their stages.

    Narrow before wide, own before shared, carried before fresh (docs/rating.md, "Allowances"); a source's stage is later than
    that of every source that comes before it for some record, so that each stage can be settled at once.
    """
    by_id = {offering.product_offering_id: offering for offering in offerings}
    allowances = sorted((allowance for offering in offerings for allowance in offering.allowances), key=_rank)
    pairs = [(allowance, carried) for allowance in allowances for carried in ((True, False) if allowance.roll_over else (False,))]
    stages: list[int] = []
    for index, (allowance, _) in enumerate(pairs):
        competing = [stages[i] for i in range(index) if _compete(pairs[i][0], allowance, by_id)]
        stages.append(max(competing, default=0) + 1)
    return tuple(Source(number, *pair, stage) for number, (pair, stage) in enumerate(zip(pairs, stages, strict=True), start=1))


def _rank(allowance: Allowance) -> tuple[bool, int, int, str]:
    """Own before shared, narrow before wide: fewer built-in kinds, then fewer zones by name; a zone that comes later changes no order."""
    built_in = sum(covers(allowance, combination) for combination in reachable(allowance.service))
    return allowance.shared, built_in, len(set(allowance.zones) - set(Zone)), allowance.allowance_id


def _compete(one: Allowance, other: Allowance, offerings: Mapping[str, ProductOffering]) -> bool:
    if one.product_offering_id != other.product_offering_id:
        return False
    kinds = reachable(one.service, offerings[one.product_offering_id].zones)
    return any(covers(one, combination) and covers(other, combination) for combination in kinds)


class Charged(NamedTuple):
    """What an offering asks for a kind of usage: its price versions by time, its sources of free units by stage, and its cap."""

    prices: tuple[tuple[int, datetime, datetime], ...]
    sources: tuple[int | None, ...]
    cap_no: int | None


class Kind(NamedTuple):
    """
    Kinds of usage that every offering charges alike, so that one row of the tariff stands for all of them.

    :param charged: by the offerings that have a price for the service
    """

    combinations: list[Combination]
    charged: tuple[Charged, ...]


def _kinds(
    offerings: Sequence[ProductOffering], prices: Sequence[UsagePrice], sources: Sequence[Source], caps: Sequence[Cap]
) -> tuple[Kind, ...]:  # fmt: skip
    """
    Give the kinds of usage that differ in any offering.

    A named zone that no offering charges otherwise than the one that it lies within makes none of its own.
    """
    numbers = {(price.price_id, price.valid_from): number for number, price in enumerate(prices, start=1)}
    cap_numbers = {cap.cap_id: number for number, cap in enumerate(caps, start=1)}
    zones = {zone.zone_id: zone for offering in offerings for zone in offering.zones}
    named = {offering.product_offering_id: zones_named(offering) for offering in offerings}
    known: dict[tuple[str, Combination], Charged] = {}

    def charged(offering: ProductOffering, kind: Combination) -> Charged:
        if kind.within is not None and kind.zone not in named[offering.product_offering_id]:
            return known[offering.product_offering_id, Combination(kind.service, kind.within, kind.roaming)]
        versions = tuple((numbers[one.price.price_id, one.price.valid_from], one.begins, one.ends or END_OF_TIME) for one in in_force(offering, kind))
        bounding = [cap_numbers[cap.cap_id] for cap in offering.caps if covers(cap, kind)]
        invariant(len(bounding) <= 1, f"{offering.product_offering_id} caps a kind of usage once")
        return Charged(versions, _sources_of(offering, kind, sources), bounding[0] if bounding else None)

    found: dict[tuple[Service, tuple[Charged, ...]], Kind] = {}
    for service in Service:
        selling = [one for one in offerings if any(price.service is service for price in one.usage_prices)]
        for kind in reachable(service, [zones[zone_id] for zone_id in sorted(zones)]):
            known |= {(one.product_offering_id, kind): charged(one, kind) for one in selling}
            alike = tuple(known[one.product_offering_id, kind] for one in selling)
            found.setdefault((service, alike), Kind([], alike)).combinations.append(kind)
    return tuple(found.values())


def _sources_of(offering: ProductOffering, kind: Combination, sources: Sequence[Source]) -> tuple[int | None, ...]:
    """Give the number of the source of each stage, from the first one on."""
    found: dict[int, int] = {}
    for source in sources:
        if source.allowance.product_offering_id == offering.product_offering_id and covers(source.allowance, kind):
            invariant(source.stage not in found, "sources of one stage never compete for a record")
            found[source.stage] = source.number
    return tuple(found.get(stage) for stage in range(1, max((source.stage for source in sources), default=0) + 1))


def kind_table(tariff: Tariff) -> pa.Table:
    """Give the number of the kind that each service, zone and roaming belongs to; several that are charged alike share one."""
    rows = [
        {"service": str(one.service), "zone": str(one.zone), "roaming": str(one.roaming), "kind_no": kind_no}
        for kind_no, kind in enumerate(tariff.kinds, start=1)
        for one in kind.combinations
    ]
    words = [(name, pa.string()) for name in ("service", "zone", "roaming")]
    return pa.Table.from_pylist(rows, schema=pa.schema([*words, ("kind_no", pa.int32())]))


def tariff_table(tariff: Tariff) -> pa.Table:
    """
    Give one row per offering, kind of usage and price version, with its sources of free units by stage and its cap.

    Its service, zone and roaming are the first ones of the kind. It holds from `valid_from` up to `valid_to`, which may be a part of the time of
    the price version (which begins at `version_from`).
    """
    counting = sorted({price.price_id for price in tariff.prices if price.tiers or price.first_free})
    tier_numbers = {price_id: number for number, price_id in enumerate(counting, start=1)}
    rows = []
    for kind_no, kind in enumerate(tariff.kinds, start=1):
        for charged in kind.charged:
            for price_no, begins, ends in charged.prices:
                price = tariff.prices[price_no - 1]
                row = _tariff_row(price_no, price, kind.combinations[0])
                row |= {"kind_no": kind_no, "valid_from": begins, "valid_to": ends}
                row |= {"tier_no": tier_numbers.get(price.price_id), "cap_no": charged.cap_no}
                rows.append(row | {f"source_{stage}": source for stage, source in enumerate(charged.sources, start=1)})
    schema = pa.schema(_TARIFF_FIELDS + [(f"source_{stage}", pa.int32()) for stage in range(1, tariff.stages + 1)])
    return pa.Table.from_pylist(rows, schema=schema)


def _tariff_row(price_no: int, price: UsagePrice, combination: Combination) -> dict[str, object]:
    return {
        "product_offering_id": price.product_offering_id,
        "service": str(combination.service),
        "zone": str(combination.zone),
        "roaming": str(combination.roaming),
        "version_from": price.valid_from,
        "price_no": price_no,
        "price_id": price.price_id,
        "price_micro": micros(price.amount) // price.common_factor,
        "unit_size": price.unit_size // price.common_factor,
        "minimum": price.minimum,
        "step": price.step,
        "fee_micro": micros(price.connection_fee),
        "fee_waived": price.fee_waived_in_allowance,
        "tier_mode": price.tier_mode,
        "tiers_shared": price.tiers_shared,
        "split": price.split_at_band and bool(price.bands),
        "blocks": bool(price.blocks),
        "first_free": price.first_free is not None,
        "end_mode": price.end_rounding.mode if price.end_rounding else None,
        "end_quantum": 10 ** (6 - price.end_rounding.digits) if price.end_rounding else None,
    }


_TARIFF_FIELDS = [
    ("product_offering_id", pa.string()),
    ("service", pa.string()),
    ("zone", pa.string()),
    ("roaming", pa.string()),
    ("kind_no", pa.int32()),
    ("valid_from", _INSTANT),
    ("valid_to", _INSTANT),
    ("version_from", _INSTANT),
    ("price_no", pa.int32()),
    ("price_id", pa.string()),
    ("price_micro", pa.int64()),
    ("unit_size", pa.int64()),
    ("minimum", pa.int64()),
    ("step", pa.int64()),
    ("fee_micro", pa.int64()),
    ("fee_waived", pa.bool_()),
    ("tier_mode", pa.string()),
    ("tiers_shared", pa.bool_()),
    ("split", pa.bool_()),
    ("blocks", pa.bool_()),
    ("first_free", pa.bool_()),
    ("end_mode", pa.string()),
    ("end_quantum", pa.int64()),
    ("tier_no", pa.int32()),
    ("cap_no", pa.int32()),
]


def source_table(tariff: Tariff) -> pa.Table:
    """Give the sources of free units; carried ones grant nothing of their own."""
    rows = [
        {
            "source_no": source.number,
            "allowance_id": source.allowance.allowance_id,
            "product_offering_id": source.allowance.product_offering_id,
            "granted": 0 if source.carried else source.allowance.units,
            "shared": source.allowance.shared,
            "carried": source.carried,
            "rolls_over": source.allowance.roll_over and not source.carried,
            "prorated": source.allowance.prorate and not source.carried,
        }
        for source in tariff.sources
    ]
    schema = pa.schema(
        [
            ("source_no", pa.int32()),
            ("allowance_id", pa.string()),
            ("product_offering_id", pa.string()),
            ("granted", pa.int64()),
            ("shared", pa.bool_()),
            ("carried", pa.bool_()),
            ("rolls_over", pa.bool_()),
            ("prorated", pa.bool_()),
        ]
    )
    return pa.Table.from_pylist(rows, schema=schema)


def cap_table(tariff: Tariff) -> pa.Table:
    """Give the caps in micro-euros."""
    return pa.table(
        {
            "cap_no": pa.array(range(1, len(tariff.caps) + 1), pa.int32()),
            "cap_micro": pa.array([micros(cap.amount) for cap in tariff.caps], pa.int64()),
            "shared": pa.array([cap.shared for cap in tariff.caps], pa.bool_()),
        }
    )


def lifted_table(tariff: Tariff, lifted: Iterable[CapLifted]) -> pa.Table:
    """Give the instants between which products are not bound by a cap, because their customers lifted it."""
    numbers = {cap.cap_id: number for number, cap in enumerate(tariff.caps, start=1)}
    known = [one for one in lifted if one.cap_id in numbers]
    return pa.table(
        {
            "product": pa.array([str(one.product_id) for one in known], pa.string()),
            "cap_no": pa.array([numbers[one.cap_id] for one in known], pa.int32()),
            "begins_at": pa.array([one.valid_from for one in known], _INSTANT),
            "ends_at": pa.array([one.valid_to or END_OF_TIME for one in known], _INSTANT),
        }
    )


def tier_table(tariff: Tariff) -> pa.Table:
    """Give the tiers of each price version: units above `from_units`, up to and including `to_units`, each or per begun `block_units`."""
    rows = []
    for price_no, price in enumerate(tariff.prices, start=1):
        begin = 0
        for tier in price.tiers:
            end = _UNITS_END if tier.up_to_units is None else tier.up_to_units
            tier_micro = micros(tier.amount) if tier.block_units else micros(tier.amount) // price.common_factor
            of_tier = {"tier_micro": tier_micro, "block_units": tier.block_units, "flat_micro": micros(tier.flat)}
            rows.append({"price_no": price_no, "from_units": begin, "to_units": end, **of_tier})
            begin = end
    names = ("from_units", "to_units", "tier_micro", "block_units", "flat_micro")
    return pa.Table.from_pylist(rows, schema=pa.schema([("price_no", pa.int32()), *((name, pa.int64()) for name in names)]))


def block_table(tariff: Tariff) -> pa.Table:
    """Give the blocks of each price version: a record's units above `from_units` cost `weight / denominator` micro-euros each."""
    rows = []
    for price_no, price in enumerate(tariff.prices, start=1):
        begin, denominator = 0, price.blocks_denominator
        for block in price.blocks:
            end = _UNITS_END if block.units is None else begin + block.units
            micro = micros(block.amount)
            of_block = {"block_micro": micro, "block_size": block.unit_size, "weight": micro * denominator // block.unit_size}
            rows.append({"price_no": price_no, "from_units": begin, "to_units": end, "step": block.step, "denominator": denominator, **of_block})
            begin = end
    names = ("from_units", "to_units", "step", "block_micro", "block_size", "weight", "denominator")
    return pa.Table.from_pylist(rows, schema=pa.schema([("price_no", pa.int32()), *((name, pa.int64()) for name in names)]))


def free_limit_table(tariff: Tariff) -> pa.Table:
    """Give how many records and units of a period are free first, of the price versions that say so."""
    rows = [
        {
            "price_no": price_no,
            "free_records": _UNITS_END if price.first_free.records is None else price.first_free.records,
            "free_units": _UNITS_END if price.first_free.units is None else price.first_free.units,
        }
        for price_no, price in enumerate(tariff.prices, start=1)
        if price.first_free is not None
    ]
    return pa.Table.from_pylist(rows, schema=pa.schema([("price_no", pa.int32()), ("free_records", pa.int64()), ("free_units", pa.int64())]))


def band_table(tariff: Tariff, *, first_day: date, end_day: date) -> pa.Table:
    """
    Give the UTC instants between which each band of each price version holds, from `first_day` to a month after `end_day`.

    Bands are local; the instants are computed here, once, so that no engine has to know about summer time.
    """
    rows = []
    for price_no, price in enumerate(tariff.prices, start=1):
        if price.bands:
            for stretch in band_intervals(price, first_day=first_day, end_day=end_day + timedelta(days=_DAYS_BEYOND)):
                rows.append({"price_no": price_no, **stretch._asdict()})
    fields = [("begins_at", _INSTANT), ("ends_at", _INSTANT), ("band_micro", pa.int64()), ("band_fee_micro", pa.int64()), ("band", pa.string())]
    return pa.Table.from_pylist(rows, schema=pa.schema([("price_no", pa.int32()), *fields]))


class Stretch(NamedTuple):
    """
    A stretch of time in which a banded price does not change; UTC instants.

    :param band_micro: per unit size as it is reckoned with (`UsagePrice.common_factor`)
    :param band: the band's name; empty outside every band
    """

    begins_at: datetime
    ends_at: datetime
    band_micro: int
    band_fee_micro: int
    band: str


@lru_cache(maxsize=256)
def band_intervals(price: UsagePrice, *, first_day: date, end_day: date) -> Sequence[Stretch]:
    """Give the stretches of equal price of a banded price version, without holes, merged where the band does not change."""
    zone, factor = ZoneInfo(price.time_zone), price.common_factor
    edges = sorted({0, 1440} | {minute for band in price.bands for minute in (band.from_minute, band.to_minute)})
    stretches: list[Stretch] = []
    day = first_day
    while day < end_day:
        for first, last in pairwise(edges):
            begins_at, ends_at = _at(day, first, zone), _at(day, last, zone)
            found = _stretch(price, factor, day, first, begins_at, ends_at)
            if stretches and stretches[-1][2:] == found[2:]:
                stretches[-1] = stretches[-1]._replace(ends_at=ends_at)
            elif begins_at < ends_at:
                stretches.append(found)
        day += timedelta(days=1)
    return stretches


def _stretch(price: UsagePrice, factor: int, day: date, minute: int, begins_at: datetime, ends_at: datetime) -> Stretch:
    kind = _kind_of_day(price.bands, day)
    band = next((band for band in price.bands if kind in band.days and band.from_minute <= minute < band.to_minute), None)
    amount = price.amount if band is None else band.amount
    fee = price.connection_fee if band is None or band.connection_fee is None else band.connection_fee
    return Stretch(begins_at, ends_at, micros(amount) // factor, micros(fee), "" if band is None else band.name)


def _kind_of_day(bands: Sequence[Band], day: date) -> int:
    """Give 8 on a public holiday, where the price has a band for those, else the weekday."""
    if day in public_holidays(day.year) and any(_HOLIDAY in band.days and len(band.days) < _HOLIDAY for band in bands):
        return _HOLIDAY
    return day.isoweekday()


def _at(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """
    Give the instant of a local minute of a day.

    A minute that occurs twice, in the night the clock goes back, is its first occurrence; one that does not occur, in
    the night it goes forward, is the instant of the change.
    """
    if minute == 1440:
        return start_of_day(day + timedelta(days=1), zone)
    local = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    return _change(local.replace(fold=1).astimezone(UTC), instant, zone)


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Give the instant, to the second, at which the offset of a time zone changes between two others."""
    earlier = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        before, after = (middle, after) if middle.astimezone(zone).utcoffset() == earlier else (before, middle)
    return after.replace(microsecond=0)
