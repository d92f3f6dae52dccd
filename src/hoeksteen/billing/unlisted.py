"""Numbers that no specification shows: help in need, and whatever costs the caller nothing (`unlisted_numbers.csv`)."""

from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("unlisted_numbers.csv")
_SHORT_BELOW = 10**6  # seven digits and more are numbers of E.164
_FREE_ZONE = "NL-FREE"


@cache
def unlisted_numbers() -> tuple[tuple[str, bool, str], ...]:
    """Give the list: digits (`*` before a short code), whether they are the whole number, and whose they are."""
    lines = [line for line in _FILE.read_text("utf-8").splitlines() if line and not line.startswith("#")][1:]
    rows = [line.split(";") for line in lines]
    assert all(len(row) == 3 and row[1] in ("exact", "prefix") for row in rows), f"every line of {_FILE.name} has digits, exact or prefix, and a name"
    return tuple((digits, match == "exact", name) for digits, match, name in rows)


def is_unlisted(*, number: int | None, zone: str) -> bool:
    """
    Tell whether no specification may show a call or message to this number.

    :param zone: the built-in zone in which it lies; free numbers are never shown, listed or not
    """
    if zone == _FREE_ZONE:
        return True
    if number is None:
        return False
    digits = f"*{number}" if number < _SHORT_BELOW else str(number)
    return any(digits == listed if exact else digits.startswith(listed) for listed, exact, _ in unlisted_numbers())
