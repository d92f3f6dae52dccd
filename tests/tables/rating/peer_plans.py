"""
The tariffs of published cases (other billing systems' own tests), written as offerings of our catalogue, and their usage as records.

Units are whole numbers here, so quantities with decimals are scaled by the power of ten that all quantities of the case need.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import Any

NOON = datetime(2026, 10, 5, 10, tzinfo=UTC)
# Kinds of use that one plan can price apart; each rate of a case gets one.
ZONES = ["NL", "EU", "WORLD", "NL-SERVICE", "NL-FREE"]
MICRO = 1_000_000
DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
AGGREGATES = {"graduated", "volume", "package", "block-tiers-all", "block-tiers-top", "graduated-percentage"}


class CannotSay(Exception):
    """A tariff that no price of ours says; the message tells which part."""


@dataclass(frozen=True)
class PlainUse:
    """One record: when, in which zone, how many units."""

    start: datetime
    units: int
    zone: str = "NL"


@dataclass
class PeerPlan:
    """What a case becomes: the version of the price by zone, allowances, and records; `service` has a unit that suits them."""

    versions: dict[str, dict[str, Any]]
    uses: list[PlainUse]
    service: str = "sms"
    scale: int = 1
    allowances: list[dict[str, Any]] = field(default_factory=list)

    def offering(self, offering_id: str) -> dict[str, Any]:
        free = {"valid_from": "2000-01-01", "amount": "0.00"}
        prices = [
            {"id": zone, "kind": "usage", "service": self.service, "zones": [zone], "versions": [{"valid_from": "2000-01-01", **version}]}
            for zone, version in self.versions.items()
        ]
        rest = [zone for zone in ZONES if zone not in self.versions]
        prices.append({"id": "rest", "kind": "usage", "service": self.service, "zones": rest, "versions": [free]})
        return {
            "id": offering_id, "family": "mobile", "name": {"nl": offering_id, "en": offering_id}, "segment": "business", "tax_included": False,
            "prices": [price for price in prices if price["zones"]], "allowances": self.allowances,
        }  # fmt: skip


def plan_of(case: dict[str, Any]) -> PeerPlan:
    """Write a case's tariff and usage in our terms."""
    tariff, usage = case["tariff"], case["usage"]
    scale = 10 ** max((_decimals(value) for value in _quantities(case["family"], tariff, usage)), default=0)
    return _FAMILIES[case["family"]](tariff, usage, scale)


def _decimals(value: Any) -> int:
    if value in (None, "inf"):
        return 0
    exponent = Decimal(str(value)).normalize().as_tuple().exponent
    return max(0, -int(exponent))


def _quantities(family: str, tariff: dict[str, Any], usage: Any) -> list[Any]:
    found = [record.get("quantity", record.get("duration_seconds", "0")) for record in (usage if isinstance(usage, list) else [usage])]
    found += [value for name in ("package_size", "free_units") for value in [tariff.get(name, "0")]]
    for step in [*tariff.get("blocks", []), *tariff.get("tiers", []), *(one for some in tariff.get("overage", {}).values() for one in some)]:
        found += [step[name] for name in ("from", "to", "interval", "up_to", "block_size") if name in step]
    found += [allowance["quantity"] for allowance in tariff.get("allowances", [])]
    if "percentage" in family:
        return []  # their units are micro-euros
    return found


def _units(value: Any, scale: int) -> int:
    units = Decimal(str(value)) * scale
    assert units == int(units), f"{value} is no whole number of 1/{scale}"
    return int(units)


def _per(amount: Any, units: int) -> dict[str, Any]:
    """Write a price per so many units with at most six decimals."""
    more = 10 ** max(0, _decimals(amount) - 6)
    return {"amount": _text(Decimal(str(amount)) * more), "unit_size": units * more}


def _text(amount: Decimal) -> str:
    return f"{amount:f}"


def _money(amount: Any) -> str:
    if _decimals(amount) > 6:
        raise CannotSay(f"{amount}: more than six decimals")
    return _text(Decimal(str(amount)))


def _one(usage: dict[str, Any], scale: int) -> list[PlainUse]:
    return [PlainUse(NOON, _units(usage.get("quantity", usage.get("duration_seconds")), scale))]


def _tier_blocks(tariff: dict[str, Any], usage: dict[str, Any], scale: int) -> PeerPlan:
    version = {"blocks": _record_blocks(tariff["blocks"], scale), "connection_fee": _money(tariff.get("access_price", "0"))}
    return PeerPlan({"NL": version}, _one(usage, scale), scale=scale)


def _record_blocks(declared: Sequence[dict[str, Any]], scale: int) -> list[dict[str, Any]]:
    """A block is as wide as from its `from` to its `to`; beyond the last one there is nothing to pay."""
    blocks: list[dict[str, Any]] = []
    for block in declared:
        interval = _units(block["interval"], scale)
        step = interval if block.get("ceil", True) else 1
        width = {} if block["to"] == "inf" else {"units": _units(block["to"], scale) - _units(block["from"], scale)}
        blocks.append({**width, "step": step, **_per(block["price"], interval)})
    if "units" in blocks[-1]:
        blocks.append({"amount": "0.00"})
    return blocks


def _allowance_sequence(tariff: dict[str, Any], usage: list[dict[str, Any]], scale: int) -> PeerPlan:
    zones = dict(zip(tariff["overage"], ZONES, strict=False))
    if len(tariff["overage"]) > len(ZONES):
        raise CannotSay("more rates than zones")
    versions = {zones[rate]: {"blocks": _record_blocks(blocks, scale)} for rate, blocks in tariff["overage"].items()}
    allowances = [
        {"id": f"{number}", "service": "sms", "units": _units(allowance["quantity"], scale), "zones": [zones[rate] for rate in allowance["rates"]]}
        for number, allowance in enumerate(tariff["allowances"])
    ]
    uses = [PlainUse(NOON + timedelta(minutes=event["seq"]), _units(event["quantity"], scale), zones[event["rate"]]) for event in usage]
    return PeerPlan(versions, uses, scale=scale, allowances=allowances)


def _tiered(mode: str) -> Callable[[dict[str, Any], dict[str, Any], int], PeerPlan]:
    def plan(tariff: dict[str, Any], usage: dict[str, Any], scale: int) -> PeerPlan:
        more = 10 ** max(max(0, _decimals(tier["per_unit"]) - 6) for tier in tariff["tiers"])
        steps = [
            _bounded(tier["up_to"], scale) | {"amount": _text(Decimal(tier["per_unit"]) * more), "flat": _money(tier.get("flat") or "0")}
            for tier in tariff["tiers"]
        ]
        version = {"unit_size": scale * more, "tiers": {"mode": mode, "steps": steps}}
        return PeerPlan({"NL": version}, _one(usage, scale), scale=scale)

    return plan


def _bounded(up_to: Any, scale: int) -> dict[str, Any]:
    return {} if up_to in (None, "inf") else {"up_to_units": _units(up_to, scale)}


def _package(tariff: dict[str, Any], usage: dict[str, Any], scale: int) -> PeerPlan:
    package = {
        "size": _units(tariff["package_size"], scale),
        "amount": _money(tariff["package_price"]),
        "free_units": _units(tariff.get("free_units") or "0", scale),
    }
    return PeerPlan({"NL": {"package": package}}, _one(usage, scale), scale=scale)


def _blocked(mode: str) -> Callable[[dict[str, Any], dict[str, Any], int], PeerPlan]:
    def plan(tariff: dict[str, Any], usage: dict[str, Any], scale: int) -> PeerPlan:
        steps: list[dict[str, Any]] = []
        end = 0
        last = len(tariff["tiers"]) - 1
        for number, tier in enumerate(tariff["tiers"]):
            size = _units(tier["block_size"], scale)
            step: dict[str, Any] = {"amount": _money(tier["price_per_block"]), "block_units": size}
            # What lies beyond the last tier is free where each tier prices its own units, and has the last tier's price where one prices all.
            if tier["max_blocks"] not in (None, "inf") and not (mode == "volume" and number == last):
                end += size * int(Decimal(tier["max_blocks"]))
                step["up_to_units"] = end
            steps.append(step)
        if "up_to_units" in steps[-1]:
            steps.append({"amount": "0.00"})
        return PeerPlan({"NL": {"tiers": {"mode": mode, "steps": steps}}}, _one(usage, scale), scale=scale)

    return plan


def _graduated_percentage(tariff: dict[str, Any], usage: dict[str, Any], _scale: int) -> PeerPlan:
    steps = [_bounded(tier["up_to"], MICRO) | {"percent": tier["percent"], "flat": _money(tier.get("flat") or "0")} for tier in tariff["tiers"]]
    return PeerPlan({"NL": {"tiers": {"mode": "graduated", "steps": steps}}}, _one(usage, MICRO), service="purchase", scale=MICRO)


def _percentage(tariff: dict[str, Any], usage: dict[str, Any], _scale: int) -> PeerPlan:
    version: dict[str, Any] = {"percent": tariff["percent"], "connection_fee": _money(tariff.get("fixed_per_event") or "0")}
    limits = {"records": tariff.get("free_events"), "units": None if tariff.get("free_total") is None else _units(tariff["free_total"], MICRO)}
    limits = {name: limit for name, limit in limits.items() if limit is not None}
    if limits:
        version["first_free"] = limits
    totals = [_units(total, MICRO) for total in usage.get("running_total_of_free_events") or []]
    amounts = [total - before for before, total in zip([0, *totals], totals, strict=False)]
    left, events = _units(usage["quantity"], MICRO) - sum(amounts), int(usage["events"]) - len(amounts)
    if left > 0 and events > 0:
        amounts += [left // events] * (events - 1) + [left - left // events * (events - 1)]
    uses = [PlainUse(NOON + timedelta(minutes=number), amount) for number, amount in enumerate(amounts)]
    return PeerPlan({"NL": version}, uses, service="purchase", scale=MICRO)


def _per_unit(tariff: dict[str, Any], usage: dict[str, Any], scale: int) -> PeerPlan:
    return PeerPlan({"NL": _per(tariff["per_unit"], scale)}, _one(usage, scale), scale=scale)


def _call(tariff: dict[str, Any], usage: dict[str, Any], scale: int) -> PeerPlan:
    """A call by slots of seconds: each has its own increment and price; the connection fee of the first comes once."""
    slots = tariff["rate"]
    version: dict[str, Any] = {"connection_fee": _money(slots[0].get("connect_fee", "0")), **_rounding(tariff)}
    if len(slots) == 1:
        version |= {"step": _units(slots[0]["increment_seconds"], scale), **_per(slots[0]["price"], _units(slots[0]["per_seconds"], scale))}
    else:
        ends = [slot["from_second"] for slot in slots[1:]] + ["inf"]
        declared = [
            {"from": slot["from_second"], "to": end, "step": slot["increment_seconds"], **slot} for slot, end in zip(slots, ends, strict=True)
        ]
        version["blocks"] = [
            ({} if slot["to"] == "inf" else {"units": _units(slot["to"], scale) - _units(slot["from"], scale)})
            | {"step": _units(slot["step"], scale), **_per(slot["price"], _units(slot["per_seconds"], scale))}
            for slot in declared
        ]
    return PeerPlan({"NL": version}, _one(usage, scale), service="voice", scale=scale)


def _rounding(tariff: dict[str, Any]) -> dict[str, Any]:
    if "rounding" not in tariff:
        return {}
    mode, digits = str(tariff["rounding"]).split(",")
    modes = {"up": "up", "middle": "half_up", "down": "down"}
    return {"end_rounding": {"mode": modes[mode], "digits": int(digits)}} if int(digits) <= 6 else {}


def _time_of_day(tariff: dict[str, Any], usage: dict[str, Any], _scale: int) -> PeerPlan:
    rates = tariff["rates"]
    if any(len(slots) > 1 for slots in rates.values()):
        raise CannotSay("slots of seconds inside a band")
    increments = {slots[0]["increment_seconds"] for slots in rates.values()}
    if len(increments) > 1:
        raise CannotSay("another increment per band")
    unit_size = lcm(*(int(slots[0]["per_seconds"]) for slots in rates.values()))
    windows: dict[str, list[tuple[str, str]]] = {}
    for window in tariff["windows"]:
        for day in _days(window["days"]):
            windows.setdefault(day, []).append((window["from_"], window["rate"]))
    bands = []
    for day, starts in windows.items():
        ordered = sorted(starts)
        for number, (begin, rate) in enumerate(ordered):
            end = ordered[number + 1][0] if number + 1 < len(ordered) else "24:00"
            slot = rates[rate][0]
            amount = _money(Decimal(slot["price"]) * unit_size / int(slot["per_seconds"]))
            bands.append(
                {"id": f"{day} {begin}", "days": [day], "from": begin, "to": end, "amount": amount, "connection_fee": _money(slot["connect_fee"])}
            )
    version = {
        "amount": "0.00", "unit_size": unit_size, "step": increments.pop(), "time_zone": "UTC", "split_at_band": True, "bands": bands,
        **_rounding(tariff),
    }  # fmt: skip
    start, end_at = datetime.fromisoformat(usage["start"]), datetime.fromisoformat(usage["end"])
    return PeerPlan({"NL": version}, [PlainUse(start, round((end_at - start).total_seconds()))], service="voice")


def _days(words: str) -> list[str]:
    short = [day[:3].title() for day in DAYS]
    if words.startswith("*") or words.lower() in ("all", "any"):
        return DAYS
    found: list[str] = []
    for part in words.replace(";", ",").split(","):
        first, _, last = part.strip().partition("-")
        found += DAYS[short.index(first) : short.index(last or first) + 1]
    return found


def fraction_text(fraction: Fraction, digits: int) -> Decimal:
    """Round a fraction half-up to so many decimals."""
    scaled = fraction * 10**digits
    return Decimal((2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)).scaleb(-digits)


_FAMILIES: dict[str, Callable[[dict[str, Any], Any, int], PeerPlan]] = {
    "tier-blocks": _tier_blocks,
    "allowance-sequence": _allowance_sequence,
    "graduated": _tiered("graduated"),
    "volume": _tiered("volume"),
    "package": _package,
    "block-tiers-all": _blocked("graduated"),
    "block-tiers-top": _blocked("volume"),
    "graduated-percentage": _graduated_percentage,
    "percentage": _percentage,
    "per-unit": _per_unit,
    "sms": _per_unit,
    "first-minute-minimum": _call,
    "flat-call": _call,
    "data": _call,
    "rounding": _call,
    "time-of-day-call": _time_of_day,
}
