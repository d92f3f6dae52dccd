"""The numbering plan: which zone and country a prefix belongs to, and whether a country is at home, in the EEA, or elsewhere."""

import hashlib
from functools import cache
from pathlib import Path

from hoeksteen.product.model import Roaming, Zone

ZONE_OF_ROAMING = {Roaming.HOME: Zone.NL, Roaming.EU: Zone.EU, Roaming.WORLD: Zone.WORLD}
"""The zone of data, by where it is used."""
_FOLDER = Path(__file__).parent / "numbering"


@cache
def prefixes() -> tuple[tuple[str, Zone], ...]:
    """Give every prefix (E.164 digits; `*` before a short code) and its zone."""
    return tuple((row[0], Zone(row[1])) for row in _rows("prefixes.csv", 3))


@cache
def prefixes_by_country() -> dict[str, tuple[str, ...]]:
    """Give the prefixes of each country (ISO 3166-1 alpha-2) that has some of its own, and of each class of ranges of no country (SATELLITE …)."""
    found: dict[str, tuple[str, ...]] = {}
    for prefix, _, country in _rows("prefixes.csv", 3):
        if country:
            found[country] = (*found.get(country, ()), prefix)
    return found


@cache
def countries() -> tuple[tuple[str, Roaming], ...]:
    """Give every country (ISO 3166-1 alpha-2) and what being there means."""
    return tuple((row[0], Roaming(row[1])) for row in _rows("countries.csv", 2))


def zone_of(number: str) -> Zone | None:
    """Give the zone of a number, or of all numbers that begin so, by the longest prefix; None where the plan has none."""
    known = dict(prefixes())
    return next((known[number[:length]] for length in range(len(number), 0, -1) if number[:length] in known), None)


@cache
def edition() -> str:
    """Give a name that changes whenever a prefix or a country does, so that what had no zone is tried again then, and only then."""
    return hashlib.sha256(repr((prefixes(), countries())).encode()).hexdigest()[:16]


def _rows(name: str, fields: int) -> list[list[str]]:
    lines = [line for line in (_FOLDER / name).read_text("utf-8").splitlines() if line and not line.startswith("#")]
    rows = [line.split(";") for line in lines[1:]]
    assert all(len(row) == fields for row in rows), f"every line of {name} has {fields} fields"
    return rows
