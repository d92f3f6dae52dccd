"""Typical numbers and instants are read without patterns, and give what the patterns give: for each of many thousand texts that nearly are some."""

import random
from collections.abc import Iterable

import pyarrow as pa
import pytest

from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.usage import _pieces

LETTERS = "0123456789 \t\r+-()/.,:eExTZ_\u0663\u00b2\uff11"
NUMBERS = [
    "31612345678", "0612345678", "0031201234567", "+4930123456", "112", "18", "1", "116123", "9999999", "123456789012345", "1234567890123456",
    "08001234", "0900123", "09001234567", "097123456789", "0201234567", "00", "+", "", "06-12345678", "+31 (0)6 12345678", "12345e2", "1e10",
    "31612345678.0", "6.12345678E8", "-31612345678", "18446744073709551615", "99999999999999999999", " 31612345678", "0x316123456",
]  # fmt: skip
INSTANTS = [
    "2026-10-03T12:34:56+02:00",
    "2026-10-25T02:30:00+01:00",
    "2026-02-29T23:59:59+00:00",
    "2026-10-03T12:34:56Z",
    "2026-10-03T12:34:56.123+02:00",
]


def mutated(texts: Iterable[str], count: int) -> list[str]:
    """Give the texts, and so many that differ from one of them in one to three letters, or in some digits."""
    chance, found = random.Random(7), dict.fromkeys(texts)
    originals = list(found)
    while len(found) < count:
        text = chance.choice(originals)
        for _ in range(chance.randint(1, 3)):
            at, letter = chance.randint(0, len(text)), chance.choice(LETTERS)
            text = chance.choice([text[:at] + letter + text[at:], text[:at] + letter + text[at + 1 :], text[:at] + text[at + 1 :]])
        found[text] = None
    return list(found)


@pytest.mark.parametrize("short_codes", [False, True])
def test_numbers(short_codes: bool) -> None:
    fast, slow = _pieces.number("n", short_codes=short_codes), _pieces.e164(f"({_pieces.bare('n')})", short_codes=short_codes)
    with Duck() as duck:
        duck.put("texts", pa.table({"n": mutated(NUMBERS, 40_000)}))
        rows = duck.rows(
            f"SELECT n, {fast} AS fast, {slow} AS slow FROM (SELECT *, n_value::VARCHAR AS n_digits FROM"
            " (SELECT *, TRY_CAST(n AS UBIGINT) AS n_value FROM texts))"
        )
    different = [row for row in rows if (None if row["fast"] is None else str(row["fast"])) != row["slow"]]
    assert different == [] and sum(row["fast"] is not None for row in rows) > 1_000


def test_instants() -> None:
    digits = [f"2026-{month:02d}-{day:02d}T{hour:02d}:30:{second:02d}+0{zone}:00" for month in range(14) for day in (0, 1, 28, 29, 30, 31, 32)
              for hour in (0, 12, 23, 24, 25) for second in (0, 59, 60, 61) for zone in (0, 9)]  # fmt: skip
    years = [f"{year:04d}-10-03T12:00:00+02:00" for year in range(0, 10_000, 13)]
    with Duck() as duck:
        duck.put("texts", pa.table({"t": list(dict.fromkeys([*mutated(INSTANTS, 40_000), *digits, *years]))}))
        rows = duck.rows(f"SELECT t, {_pieces.instant('t')} AS fast, {_pieces.iso_8601('t')} AS slow FROM texts")
    assert [row for row in rows if row["fast"] != row["slow"]] == [] and sum(row["fast"] is not None for row in rows) > 1_000
