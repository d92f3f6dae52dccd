"""Random plans and usage for the properties of rating, and what a plain reading of the rules makes of them."""

import itertools
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from factories.rated_usage import RatedLake, Used, record_id
from properties.plain_rating import PlainCharge, PlainRecord, rate_plainly

_NUMBER = itertools.count()
START = datetime(2026, 10, 24, 20, tzinfo=UTC)

money = st.integers(0, 400_000).map(lambda micro: f"{micro / 1_000_000:.6f}")
small_money = st.integers(0, 90).map(lambda cents: f"{cents / 100:.2f}")
# Zones and roaming that every drawn plan prices; data is used where the customer is.
PLACES = {
    "voice": [("NL", "HOME"), ("EU", "HOME"), ("SPAIN", "HOME"), ("SPAIN", "EU"), ("TURKEY", "HOME")],
    "sms": [("NL", "HOME"), ("EU", "EU"), ("SPAIN", "EU")],
    "data": [("NL", "HOME"), ("EU", "EU"), ("WORLD", "WORLD"), ("SPAIN", "EU"), ("TURKEY", "WORLD")],
    "purchase": [("NL", "HOME"), ("WORLD", "HOME"), ("TURKEY", "HOME")],
}
ZONES = [
    {"id": "SPAIN", "within": "EU", "name": {"nl": "Spanje", "en": "Spain"}, "countries": ["ES"]},
    {"id": "TURKEY", "within": "WORLD", "name": {"nl": "Turkije", "en": "Turkey"}, "countries": ["TR"]},
]
EUROPE: list[dict[str, Any]] = [{"zones": ["EU"]}, {"zones": ["EU"], "except_zones": ["SPAIN"]}, {"zones": ["SPAIN"]}]
DELIVERED = {"voice": st.integers(0, 400), "sms": st.integers(0, 3), "data": st.integers(0, 5_000_000), "purchase": st.integers(0, 90_000_000)}
KINDS = {
    "voice": ["flat", "flat", "tiers", "bands", "blocks", "package", "first_free"],
    "sms": ["flat", "tiers", "package", "blocks", "first_free"],
    "data": ["flat", "flat", "package", "tiers"],
    "purchase": ["percent", "first_free", "tiers"],
}
EDGES = {"voice": 400, "sms": 6, "data": 9_000_000, "purchase": 200_000_000}
LEAST = {"voice": 1, "sms": 1, "data": 1_000_000, "purchase": 1_000_000}  # smaller blocks could cost more than an engine's integers hold


@st.composite
def versions(draw: st.DrawFn, service: str) -> list[dict[str, Any]]:
    kind = draw(st.sampled_from(KINDS[service]))
    shared: dict[str, Any] = {"minimum": draw(st.sampled_from([0, 30, 60])) if service == "voice" else 0, "connection_fee": draw(small_money)}
    shared["step"] = draw(st.sampled_from({"voice": [1, 60], "sms": [1], "data": [1, 1000], "purchase": [1]}[service]))
    shared["fee_waived_in_allowance"] = draw(st.booleans())
    shared["valid_from"] = "2026-01-01"
    if draw(st.integers(0, 3)) == 0:
        shared["end_rounding"] = {"mode": draw(st.sampled_from(["up", "half_up", "down"])), "digits": draw(st.integers(0, 6))}
    if kind == "tiers":
        return [{**shared, "tiers": draw(tiers(service))}]
    if kind == "package":
        package = {
            "size": draw(st.integers(LEAST[service], EDGES[service])),
            "amount": draw(money),
            "free_units": draw(st.integers(0, EDGES[service])),
        }
        return [{**shared, "package": {**package, "shared": draw(st.booleans())}}]
    if kind == "blocks":
        return [{**shared, "blocks": draw(blocks(EDGES[service]))}]
    priced = {"percent": f"{draw(st.integers(0, 99_999)) / 10_000:.4f}"} if service == "purchase" else {"amount": draw(money)}
    if kind == "first_free":
        limits = draw(st.sampled_from([("records",), ("units",), ("records", "units")]))
        drawn = {"records": draw(st.integers(0, 4)), "units": draw(st.integers(0, EDGES[service]))}
        return [{**shared, **priced, "first_free": {name: drawn[name] for name in limits}}]
    if kind == "bands":
        bands: list[dict[str, Any]] = [
            {"id": "evening", "from": "20:00", "to": "24:00", "amount": draw(money)},
            {"id": "sunday", "days": ["sunday"], "from": "00:00", "to": "08:30", "amount": draw(money)},
        ]
        if draw(st.booleans()):
            bands[0]["connection_fee"] = draw(small_money)
        zone = draw(st.sampled_from(["Europe/Amsterdam", "UTC", "America/New_York"]))
        return [{**shared, **priced, "bands": bands, "split_at_band": draw(st.booleans()), "time_zone": zone}]
    days = ["2026-01-01", "2026-10-25"] if draw(st.booleans()) else ["2026-01-01"]
    return [{**shared, **priced, "valid_from": day} for day in days]


@st.composite
def tiers(draw: st.DrawFn, service: str) -> dict[str, Any]:
    edges = sorted(draw(st.sets(st.integers(1, EDGES[service]), min_size=1, max_size=2)))
    steps: list[dict[str, Any]] = [{"up_to_units": edge, "amount": draw(money)} for edge in edges] + [{"amount": draw(money)}]
    for step in steps:
        if draw(st.booleans()):
            step["block_units"] = draw(st.integers(LEAST[service], EDGES[service]))
        elif service == "purchase" and draw(st.booleans()):
            step["percent"] = f"{draw(st.integers(0, 99_999)) / 10_000:.4f}"
            del step["amount"]
        if draw(st.booleans()):
            step["flat"] = draw(small_money)
    return {"mode": draw(st.sampled_from(["graduated", "volume"])), "steps": steps, "shared": draw(st.booleans())}


@st.composite
def blocks(draw: st.DrawFn, edge: int) -> list[dict[str, Any]]:
    widths = draw(st.lists(st.integers(1, edge), max_size=2))
    found: list[dict[str, Any]] = [{"units": width, "amount": draw(money)} for width in widths] + [{"amount": draw(money)}]
    for block in found:
        if draw(st.booleans()):
            block["step"] = draw(st.integers(1, edge))
        if draw(st.booleans()):
            block["unit_size"] = draw(st.sampled_from([1, 7, 10, 60]))
    return found


@st.composite
def plans(draw: st.DrawFn) -> dict[str, Any]:
    prices: list[dict[str, Any]] = [{"id": service, "kind": "usage", "service": service, "versions": draw(versions(service))} for service in PLACES]
    for service in PLACES:
        if draw(st.booleans()):
            zones = draw(st.sampled_from([["SPAIN"], ["TURKEY"], ["SPAIN", "TURKEY"]]))
            later = {"valid_from": "2026-10-25"} if draw(st.booleans()) else {}
            own = [{**draw(versions(service))[0], **later}]
            where = {"zones": zones, **({"roaming": ["HOME", "WORLD"]} if draw(st.booleans()) else {})}
            prices.append({"id": f"{service}-named", "kind": "usage", "service": service, "versions": own, **where})
    units = {"voice": st.integers(0, 900), "sms": st.integers(0, 5), "data": st.integers(0, 9_000_000), "purchase": st.integers(0, 99_000_000)}
    allowances, caps = [], []
    for service in PLACES:
        flags = {"shared": draw(st.booleans()), "roll_over": draw(st.booleans())}
        if draw(st.booleans()):
            allowances.append({"id": f"all-{service}", "service": service, "units": draw(units[service]), **flags})
        if draw(st.booleans()):
            allowances.append({"id": f"nl-{service}", "service": service, "zones": ["NL"], "units": draw(units[service])})
        if draw(st.booleans()):
            allowances.append({"id": f"eu-{service}", "service": service, "units": draw(units[service]), **draw(st.sampled_from(EUROPE))})
        if draw(st.booleans()):
            cap = draw(st.sampled_from([*EUROPE, {}]))
            caps.append({"id": f"cap-{service}", "service": service, "amount": draw(small_money), **cap})
    return {
        "id": f"drawn-{next(_NUMBER)}", "family": "mobile", "name": {"nl": "Getrokken", "en": "Drawn"}, "segment": "consumer", "tax_included": True,
        "prices": prices, "allowances": allowances, "caps": caps,
    }  # fmt: skip


@st.composite
def usage(draw: st.DrawFn) -> list[tuple[int, int, str, tuple[str, str], int, int]]:
    """Draw (product 0 to 2, second, service, place, delivered units, generation); products 0 and 1 share a billing account."""
    found = []
    for _ in range(draw(st.integers(1, 14))):
        service = draw(st.sampled_from(sorted(PLACES)))
        second = draw(st.integers(0, 24 * 3600)) if draw(st.booleans()) else draw(st.sampled_from([0, 3600, 4 * 3600 - 20, 12 * 3600]))
        place, delivered = draw(st.sampled_from(PLACES[service])), draw(DELIVERED[service])
        found.append((draw(st.integers(0, 2)), second, service, place, delivered, draw(st.sampled_from([0, 0, 0, 1, 2]))))
    return found


def deliver(world: RatedLake, drawn: Sequence[tuple[dict[str, Any], list[tuple[Any, ...]]]]) -> dict[UUID, PlainCharge]:
    """Put drawn plans, three products of each and their usage into a lake, and give the charge that each record has by the plain reading."""
    batch = next(_NUMBER)
    world.offer({"zones": ZONES, "offerings": [plan for plan, _ in drawn]})
    records: list[Used] = []
    expected = {}
    for number, (plan, used) in enumerate(drawn):
        names = [f"{batch} {number} {product}" for product in range(3)]
        accounts = [f"account {batch} {number} {product // 2}" for product in range(3)]
        for name, account in zip(names, accounts, strict=True):
            world.hold(name, [(plan["id"], date(2026, 10, 1))], account=account)
        plain = []
        for index, (product, second, service, (zone, roaming), delivered, generation) in enumerate(used):
            name = f"{names[product]} {index}"
            start = START + timedelta(seconds=second)
            records.append(Used(name, names[product], start, service, zone, delivered, roaming, generation))
            plain.append(PlainRecord(record_id(name), names[product], accounts[product], generation, start, service, zone, roaming, delivered))
        expected.update(rate_plainly(plan, plain))
    world.use(records, file=f"file {batch}")
    return expected
