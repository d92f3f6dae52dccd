"""Numbers with the right shape and the right check digits: phones, IBANs, SIM cards, KvK."""

import random

import numpy as np

from hoeksteen.synth import _words
from hoeksteen.synth._chance import Ints, scatter

_MOBILE_BLOCKS = "123458"
_MOBILE_SPACE = len(_MOBILE_BLOCKS) * 10_000_000
_SUBSCRIBERS = {2: (2_000_000, 6_000_000), 3: (200_000, 600_000)}
_PLAIN_SHARES = (0.42, 0.62, 0.72, 0.78, 0.86, 0.94)


def mobile_numbers(chance: np.random.Generator, count: int) -> list[str]:
    """Give different Dutch mobile numbers as E.164 digits."""
    values = scatter(chance, count, _MOBILE_SPACE).tolist()
    return [f"316{_MOBILE_BLOCKS[value // 10_000_000]}{value % 10_000_000:07d}" for value in values]


def line_numbers(chance: np.random.Generator, area_codes: list[str]) -> list[str]:
    """Give a different fixed number, as E.164 digits, for each line, given the area code of its place."""
    taken: dict[str, int] = {}
    ranks = []
    for code in area_codes:
        ranks.append(taken.setdefault(code, 0))
        taken[code] += 1
    subscribers: dict[str, list[int]] = {}
    for code in sorted(taken):
        first, space = _SUBSCRIBERS[len(code) - 1]
        subscribers[code] = (scatter(chance, taken[code], space) + first).tolist()
    return [f"31{code[1:]}{subscribers[code][rank]}" for code, rank in zip(area_codes, ranks, strict=True)]


def written_phone(digits: str, chance: random.Random) -> str:
    """Write a Dutch number in one of the ways that people and systems write it."""
    national, draw = digits[2:], chance.random()
    area = national[:1] if national[0] == "6" else national[: _area_length(national)]
    rest = national[len(area) :]
    if draw < _PLAIN_SHARES[0]:
        return f"0{area}-{rest}"
    if draw < _PLAIN_SHARES[1]:
        return f"0{national}"
    if draw < _PLAIN_SHARES[2]:
        return f"+31 {area} {rest}"
    if draw < _PLAIN_SHARES[3]:
        return f"+31{national}"
    if draw < _PLAIN_SHARES[4]:
        return f"0031{national}"
    if draw < _PLAIN_SHARES[5] and area == "6":
        return f"06 {rest[:2]} {rest[2:4]} {rest[4:6]} {rest[6:]}"
    return f"0{area} - {rest}"


_LONG_AREAS = frozenset(code[1:] for code in _words.AREA_CODES.split() if len(code) == 4)


def _area_length(national: str) -> int:
    return 3 if national[:3] in _LONG_AREAS else 2


def ibans(chance: np.random.Generator, count: int) -> list[str]:
    """Give different IBANs of invented banks, with the check digits that ISO 13616 asks for."""
    banks = _words.BANKS.split()
    numbers = scatter(chance, count, 10**10)
    which = chance.integers(len(banks), size=count)
    remainders = np.array([int("".join(str(ord(letter) - 55) for letter in bank)) % 97 for bank in banks], np.int64)[which]
    # bank, number, then NL00 as digits: 23 21 00
    check: Ints = 98 - ((remainders * (10**10 % 97) + numbers % 97) * (10**6 % 97) + 232_100) % 97
    columns = zip(check.tolist(), which.tolist(), numbers.tolist(), strict=True)
    return [f"NL{digits:02d}{banks[bank]}{number:010d}" for digits, bank, number in columns]


def written_iban(iban: str, chance: random.Random) -> str:
    """Write an IBAN as systems keep it: in one piece, in groups of four, in lower case."""
    draw = chance.random()
    if draw < 0.7:
        return iban
    if draw < 0.95:
        return " ".join(iban[at : at + 4] for at in range(0, len(iban), 4))
    return iban.lower()


def iccid(index: int) -> str:
    """Give the identifier of a SIM card of an invented issuer, 19 digits with a Luhn digit (ITU-T E.118)."""
    body = f"893199{index:012d}"
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return f"{body}{-total % 10}"


def kvk_numbers(chance: np.random.Generator, count: int) -> list[str]:
    """Give different numbers of the shape of the Chamber of Commerce's, in a range that was never issued."""
    return [f"{value:08d}" for value in (scatter(chance, count, 900_000) + 100_000).tolist()]
