"""The numbering plan: which zone a prefix belongs to, and whether a country is at home, in the EEA, or elsewhere."""

import hashlib
from functools import cache
from pathlib import Path

from hoeksteen.product.model import Roaming, Zone

_FOLDER = Path(__file__).parent / "numbering"


@cache
def prefixes() -> tuple[tuple[str, Zone], ...]:
    """Give every prefix (E.164 digits; `*` before a short code) and its zone."""
    return tuple((row[0], Zone(row[1])) for row in _rows("prefixes.csv", 3))


@cache
def classes() -> dict[str, tuple[str, ...]]:
    """Give the classes of ranges that belong to no country, such as SATELLITE, and the prefixes of each: all are dear, and within the zone WORLD."""
    found: dict[str, tuple[str, ...]] = {}
    for prefix, _, owner in _rows("prefixes.csv", 3):
        if len(owner) > 2:
            found[owner] = (*found.get(owner, ()), prefix)
    return found


@cache
def countries() -> tuple[tuple[str, Roaming], ...]:
    """Give every country (ISO 3166-1 alpha-2) and what being there means."""
    return tuple((row[0], Roaming(row[1])) for row in _rows("countries.csv", 2))


@cache
def prefix_length_max() -> int:
    """Give the length of the longest prefix."""
    return max(len(prefix) for prefix, _ in prefixes())


@cache
def edition() -> str:
    """Give a name that changes whenever a prefix or a country does, so that what had no zone is tried again then, and only then."""
    return hashlib.sha256(repr((prefixes(), countries())).encode()).hexdigest()[:16]


def _rows(name: str, fields: int) -> list[list[str]]:
    lines = [line for line in (_FOLDER / name).read_text("utf-8").splitlines() if line and not line.startswith("#")]
    rows = [line.split(";") for line in lines[1:]]
    assert all(len(row) == fields for row in rows), f"every line of {name} has {fields} fields"
    return rows
