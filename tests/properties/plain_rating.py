"""
Rating as docs/rating.md tells it, one record after the other, in exact fractions; slow, plain, and sharing no code with the product.

A plan is a catalogue offering as a mapping; only what the property test draws is understood.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
UNIT_SIZE = {"voice": 60, "sms": 1, "data": 1_000_000}
STEP = {"voice": 1, "sms": 1, "data": 1_000}
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


def rate_plainly(plan: dict[str, Any], records: Sequence[PlainRecord]) -> dict[UUID, PlainCharge]:
    ordered = sorted(records, key=lambda record: (record.generation, record.start, record.record_id))
    charges = {record.record_id: PlainCharge() for record in ordered}
    prices = {record.record_id: price_of(plan, record) for record in ordered}
    for record in ordered:
        price, version = prices[record.record_id]
        if record.delivered:
            least = max(record.delivered, version.get("minimum", 0))
            step = version.get("step", STEP[record.service])
            charges[record.record_id].units = -(-least // step) * step
    give_allowances(plan, ordered, charges)
    priced = {record.record_id: charges[record.record_id].units - charges[record.record_id].free for record in ordered}
    counted: dict[tuple[str, str], int] = {}
    for record in ordered:
        price, version = prices[record.record_id]
        charge, units = charges[record.record_id], priced[record.record_id]
        scope = (record.product, price["id"])
        before = counted.get(scope, 0)
        counted[scope] = before + units
        reached = sum(
            priced[other.record_id]
            for other in ordered
            if (other.product, prices[other.record_id][0]["id"]) == scope and other.generation <= record.generation
        )
        charge.exact = exact_amount(record, version, charge, units, before, reached) / UNIT_SIZE[record.service]
        charge.amount = int(charge.exact + Fraction(1, 2))
        if units > 0 or (charge.units > 0 and not version.get("fee_waived_in_allowance", True)):
            charge.amount += micro(version.get("connection_fee", "0"))
    cap_amounts(plan, ordered, charges, priced)
    return charges


def micro(euros: str) -> int:
    return int(Fraction(euros) * 1_000_000)


def price_of(plan: dict[str, Any], record: PlainRecord) -> tuple[dict[str, Any], dict[str, Any]]:
    for price in plan["prices"]:
        if price["kind"] == "usage" and matches(price, record):
            valid = [version for version in price["versions"] if local_midnight(version["valid_from"]) <= record.start]
            return price, valid[-1]
    raise AssertionError("every record has a price")


def matches(scope: dict[str, Any], record: PlainRecord) -> bool:
    return (
        scope["service"] == record.service
        and record.zone in scope.get("zones", [record.zone])
        and record.roaming in scope.get("roaming", [record.roaming])
    )


def local_midnight(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=AMSTERDAM)


def give_allowances(plan: dict[str, Any], ordered: list[PlainRecord], charges: dict[UUID, PlainCharge]) -> None:
    left: dict[tuple[str, str], int] = {}
    narrow_first = sorted(plan["allowances"], key=lambda allowance: (allowance.get("shared", False), "zones" not in allowance, allowance["id"]))
    for record in ordered:
        charge = charges[record.record_id]
        for allowance in narrow_first:
            if not matches(allowance, record) or (allowance.get("roll_over") and record.generation > 0):
                continue
            key = (allowance["id"], record.account if allowance.get("shared") else record.product)
            given = min(charge.units - charge.free, left.setdefault(key, allowance["units"]))
            left[key] -= given
            charge.free += given


def exact_amount(record: PlainRecord, version: dict[str, Any], charge: PlainCharge, units: int, before: int, reached: int) -> Fraction:
    """Give micro-euros times the unit size."""
    if "tiers" in version:
        steps = version["tiers"]["steps"]
        if version["tiers"]["mode"] == "volume":
            amount = next(step["amount"] for step in steps if reached <= step.get("up_to_units", reached))
            return Fraction(units * micro(amount))
        return Fraction(sum(micro(tier_of(steps, before + number)) for number in range(1, units + 1)))
    if not version.get("bands"):
        return Fraction(units * micro(version["amount"]))
    if not version.get("split_at_band"):
        return Fraction(units * micro(band_amount(version, record.start, 0)))
    seconds = [band_amount(version, record.start, min(second, record.delivered - 1)) for second in range(charge.free, charge.units)]
    return Fraction(sum(micro(amount) for amount in seconds))


def tier_of(steps: list[dict[str, Any]], unit: int) -> str:
    return next(str(step["amount"]) for step in steps if unit <= step.get("up_to_units", unit))


def band_amount(version: dict[str, Any], start: datetime, seconds: int) -> str:
    local = datetime.fromtimestamp(start.timestamp() + seconds, AMSTERDAM)
    minute = local.hour * 60 + local.minute
    for band in version["bands"]:
        first, last = (int(text[:2]) * 60 + int(text[3:]) for text in (band["from"], band["to"]))
        if DAYS[local.weekday()] in band.get("days", DAYS) and first <= minute < last:
            return str(band["amount"])
    return str(version["amount"])


def cap_amounts(plan: dict[str, Any], ordered: list[PlainRecord], charges: dict[UUID, PlainCharge], priced: dict[UUID, int]) -> None:
    spent: dict[tuple[str, str], int] = {}
    for record in ordered:
        charge, wanted, capped = charges[record.record_id], charges[record.record_id].amount, False
        for cap in plan["caps"]:
            if matches(cap, record):
                room = max(0, micro(cap["amount"]) - spent.get((cap["id"], record.product), 0))
                spent[(cap["id"], record.product)] = spent.get((cap["id"], record.product), 0) + wanted
                capped = wanted > room
                charge.amount = min(wanted, room)
        if charge.units == 0:
            charge.state, charge.reason = "zero_rated", "no_units"
        elif capped:
            charge.state, charge.reason = ("rated" if charge.amount else "zero_rated"), "cap"
        elif priced[record.record_id] > 0 and charge.exact == 0 and wanted == 0:
            charge.state, charge.reason = "zero_rated", "free"
        elif priced[record.record_id] == 0:
            charge.reason = "allowance"
