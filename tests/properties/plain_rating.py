"""
Rating as docs/rating.md tells it, one record after the other, in exact fractions; slow, plain, and sharing no code with the product.

A plan is a catalogue offering as a mapping; only what the property test draws is understood.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from math import ceil, floor
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
UNIT_SIZE = {"voice": 60, "sms": 1, "data": 1_000_000, "purchase": 1_000_000}
STEP = {"voice": 1, "sms": 1, "data": 1_000, "purchase": 1}
# The zones that the drawn catalogue names, and the built-in ones that they lie within.
WITHIN = {"TURKEY": "WORLD", "SPAIN": "EU"}
DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


@dataclass(frozen=True)
class PlainRecord:
    record_id: UUID
    product: str
    account: str
    generation: int
    start: datetime
    service: str
    zone: str
    roaming: str
    delivered: int


@dataclass
class PlainCharge:
    state: str = "rated"
    reason: str = ""
    units: int = 0
    free: int = 0
    amount: int = 0
    exact: Fraction = field(default_factory=Fraction)


def rate_plainly(
    plan: dict[str, Any], records: Sequence[PlainRecord], taken_back: Mapping[UUID, int] | None = None
) -> dict[UUID, PlainCharge]:  # fmt: skip
    """
    Give the charge of every record.

    :param taken_back: records whose charges are taken back, and from which generation on what they used and cost is there again
    """
    back = taken_back or {}
    ordered = sorted(records, key=lambda record: (record.generation, record.start, record.record_id))
    charges = {record.record_id: PlainCharge() for record in ordered}
    prices = {record.record_id: price_of(plan, record) for record in ordered}
    for record in ordered:
        price, version = prices[record.record_id]
        if record.delivered:
            least = max(record.delivered, version.get("minimum", 0))
            step = version.get("step", STEP[record.service])
            charges[record.record_id].units = -(-least // step) * step
    give_allowances(plan, ordered, charges, back)
    priced = {record.record_id: charges[record.record_id].units - charges[record.record_id].free for record in ordered}
    seen: set[UUID] = set()
    for record in ordered:
        price, version = prices[record.record_id]
        charge, units = charges[record.record_id], priced[record.record_id]
        scope = scope_of(record, price, version)
        standing = [
            other.record_id
            for other in ordered
            if scope_of(other, *prices[other.record_id]) == scope and back.get(other.record_id, record.generation + 1) > record.generation
        ]
        earlier = [other for other in standing if other in seen]
        before = sum(priced[other] for other in earlier)
        reached = sum(priced[other.record_id] for other in ordered if other.record_id in standing and other.generation <= record.generation)
        place = sum(1 for other in earlier if priced[other]) + (1 if units else 0)
        seen.add(record.record_id)
        charge.exact, free_of_fee = exact_amount(record, version, charge, units, before, reached, place)
        fee = 0
        if (units > 0 and not free_of_fee) or (units == 0 and charge.units > 0 and not version.get("fee_waived_in_allowance", True)):
            fee = micro(fee_of(record, version))
        charge.amount = rounded(charge.exact, fee, version)
    cap_amounts(plan, ordered, charges, priced, back)
    return charges


def scope_of(record: PlainRecord, price: dict[str, Any], version: dict[str, Any]) -> tuple[str, str]:
    return (record.account if (version.get("tiers") or version.get("package") or {}).get("shared") else record.product, price["id"])


def fee_of(record: PlainRecord, version: dict[str, Any]) -> str:
    band = band_at(version, record.start, 0) if version.get("bands") else None
    return str((band or {}).get("connection_fee", version.get("connection_fee", "0")))


def rounded(exact: Fraction, fee: int, version: dict[str, Any]) -> int:
    if "end_rounding" not in version:
        return floor(exact + Fraction(1, 2)) + fee
    quantum = 10 ** (6 - version["end_rounding"]["digits"])
    quotient = (exact + fee) / quantum
    return {"up": ceil(quotient), "down": floor(quotient), "half_up": floor(quotient + Fraction(1, 2))}[version["end_rounding"]["mode"]] * quantum


def micro(euros: str) -> int:
    return int(Fraction(euros) * 1_000_000)


def price_of(plan: dict[str, Any], record: PlainRecord) -> tuple[dict[str, Any], dict[str, Any]]:
    matching = [price for price in plan["prices"] if price["kind"] == "usage" and matches(price, record)]
    naming = [price for price in matching if record.zone in WITHIN and record.zone in price.get("zones", [])]
    for price in [*naming, *(price for price in matching if price not in naming)]:
        valid = [version for version in price["versions"] if local_midnight(version["valid_from"]) <= record.start]
        if valid:
            return price, valid[-1]
    raise AssertionError("every record has a price")


def matches(scope: dict[str, Any], record: PlainRecord) -> bool:
    return (
        scope["service"] == record.service
        and ("zones" not in scope or record.zone in scope["zones"] or WITHIN.get(record.zone) in scope["zones"])
        and record.zone not in scope.get("except_zones", [])
        and record.roaming in scope.get("roaming", [record.roaming])
    )


def local_midnight(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=AMSTERDAM)


def width(allowance: dict[str, Any]) -> tuple[bool, bool, bool, str]:
    """Own before shared; one that names only zones of the catalogue before one for a built-in zone, and that before one for all."""
    zones = allowance.get("zones")
    return allowance.get("shared", False), zones is None, zones is not None and not set(zones) <= set(WITHIN), allowance["id"]


def give_allowances(plan: dict[str, Any], ordered: list[PlainRecord], charges: dict[UUID, PlainCharge], back: Mapping[UUID, int]) -> None:
    """Give free units in order. What rolls over is gone with the close; what was given back since is not."""
    given: list[tuple[PlainRecord, tuple[str, str], int]] = []
    narrow_first = sorted(plan["allowances"], key=width)
    for record in ordered:
        charge = charges[record.record_id]
        for allowance in narrow_first:
            if not matches(allowance, record):
                continue
            key = (allowance["id"], record.account if allowance.get("shared") else record.product)
            late_and_rolled = allowance.get("roll_over") and record.generation > 0
            left = 0 if late_and_rolled else allowance["units"]
            for other, of, units in given:
                if of == key:
                    left -= 0 if late_and_rolled and other.generation == 0 else units
                    left += units if back.get(other.record_id, record.generation + 1) <= record.generation else 0
            units = max(0, min(charge.units - charge.free, left))
            given.append((record, key, units))
            charge.free += units


def exact_amount(
    record: PlainRecord, version: dict[str, Any], charge: PlainCharge, units: int, before: int, reached: int, place: int
) -> tuple[Fraction, bool]:
    """Give micro-euros, and whether the record pays no connection fee although units of it are priced."""
    unit_size = version.get("unit_size", UNIT_SIZE[record.service])
    if "package" in version:
        package = version["package"]
        return Fraction(packages(package, before + units) - packages(package, before)) * micro(package["amount"]), False
    if "tiers" in version:
        return tiered(version["tiers"], unit_size, units, before, reached), False
    if "blocks" in version:
        return in_blocks(version["blocks"], unit_size, units), False
    price = Fraction(version["percent"]) * 10_000 / 1_000_000 if "percent" in version else Fraction(micro(version["amount"]), unit_size)
    if "first_free" in version:
        limits = version["first_free"]
        counts = place <= limits.get("records", place)
        free = max(0, min(units, limits.get("units", before + units) - before)) if counts else 0
        return (units - free) * price, counts and ("units" not in limits or before + units < limits["units"])
    if not version.get("bands"):
        return units * price, False
    if not version.get("split_at_band"):
        return Fraction(units * micro(band_amount(version, record.start, 0)), unit_size), False
    seconds = [band_amount(version, record.start, min(second, record.delivered - 1)) for second in range(charge.free, charge.units)]
    return Fraction(sum(micro(amount) for amount in seconds), unit_size), False


def packages(package: dict[str, Any], units: int) -> int:
    return ceil(Fraction(max(0, units - package.get("free_units", 0)), package["size"]))


def in_blocks(blocks: list[dict[str, Any]], unit_size: int, units: int) -> Fraction:
    amount = Fraction(0)
    for block in blocks:
        used = min(units, block.get("units", units))
        units -= used
        steps = ceil(Fraction(used, block.get("step", 1)))
        amount += Fraction(steps * block.get("step", 1) * micro(block["amount"]), block.get("unit_size", unit_size))
    return amount


def tiered(tiers: dict[str, Any], unit_size: int, units: int, before: int, reached: int) -> Fraction:
    if units == 0:
        return Fraction(0)
    if tiers["mode"] == "volume":
        step = next(step for step in tiers["steps"] if reached <= step.get("up_to_units", reached))
        return cost(step, before + units, unit_size) - cost(step, before, unit_size)
    return upto(tiers["steps"], before + units, unit_size) - upto(tiers["steps"], before, unit_size)


def cost(step: dict[str, Any], units: int, unit_size: int) -> Fraction:
    """What so many units in one tier come to, in micro-euros."""
    amount = Fraction(step["percent"]) * 10_000 if "percent" in step else Fraction(micro(step["amount"]))
    return ceil(Fraction(units, step["block_units"])) * amount if "block_units" in step else units * amount / unit_size


def upto(steps: list[dict[str, Any]], count: int, unit_size: int) -> Fraction:
    """What the first so many units of a period come to; the flat fee of the first tier is no record's."""
    amount, begin = Fraction(0), 0
    for step in steps:
        if count > begin:
            amount += cost(step, min(count, step.get("up_to_units", count)) - begin, unit_size)
            amount += micro(step.get("flat", "0")) if begin else 0
        begin = step.get("up_to_units", count)
    return amount


def band_at(version: dict[str, Any], start: datetime, seconds: int) -> dict[str, Any] | None:
    local = datetime.fromtimestamp(start.timestamp() + seconds, ZoneInfo(version.get("time_zone", "Europe/Amsterdam")))
    minute = local.hour * 60 + local.minute
    for band in version["bands"]:
        first, last = (int(text[:2]) * 60 + int(text[3:]) for text in (band["from"], band["to"]))
        if DAYS[local.weekday()] in band.get("days", DAYS) and first <= minute < last:
            return dict(band)
    return None


def band_amount(version: dict[str, Any], start: datetime, seconds: int) -> str:
    return str((band_at(version, start, seconds) or version)["amount"])


def cap_amounts(
    plan: dict[str, Any], ordered: list[PlainRecord], charges: dict[UUID, PlainCharge], priced: dict[UUID, int], back: Mapping[UUID, int]
) -> None:  # fmt: skip
    spent: list[tuple[UUID, tuple[str, str], int]] = []
    for record in ordered:
        charge, wanted, capped = charges[record.record_id], charges[record.record_id].amount, False
        for cap in plan["caps"]:
            if matches(cap, record):
                key = (cap["id"], record.product)
                standing = sum(amount for other, of, amount in spent if of == key and back.get(other, record.generation + 1) > record.generation)
                charge.amount = max(0, min(wanted, micro(cap["amount"]) - standing))
                capped = charge.amount < wanted
                spent.append((record.record_id, key, charge.amount))
        if charge.units == 0:
            charge.state, charge.reason = "zero_rated", "no_units"
        elif capped:
            charge.state, charge.reason = ("rated" if charge.amount else "zero_rated"), "cap"
        elif priced[record.record_id] > 0 and charge.exact == 0 and wanted == 0:
            charge.state, charge.reason = "zero_rated", "free"
        elif priced[record.record_id] == 0:
            charge.reason = "allowance"
