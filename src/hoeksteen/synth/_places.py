"""Where everybody lives: invented places and streets, one postcode per part of a street."""

import random
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hoeksteen.synth import _words
from hoeksteen.synth._chance import Ints, pick, plain_stream, stream, zipf_weights

SLOTS = 24
_LETTERS = "ABCDEGHJKLMNPRSTVWXZ"
_PAIRS = [first + second for first in _LETTERS for second in _LETTERS if first + second not in ("SA", "SD", "SS")]
_PARTS_PER_AREA_MAX = 250


class Address(NamedTuple):
    """One address as its inhabitant would write it; `area_code` is the place's telephone area."""

    street: str
    number: int
    addition: str
    postcode: str
    city: str
    area_code: str


@dataclass(frozen=True, slots=True)
class Atlas:
    """All street parts; address `index` is house `index % SLOTS` of part `index // SLOTS`."""

    parts: list[tuple[str, int, str, str, str]]
    additions: list[str]

    def address(self, index: int) -> Address:
        """Give one address."""
        street, first, postcode, city, area_code = self.parts[index // SLOTS]
        return Address(street, first + 2 * (index % SLOTS), self.additions[index], postcode, city, area_code)


def draw_atlas(*, seed: int, households: int) -> tuple[Atlas, Ints]:
    """
    Draw a country with room for all households, and a shuffled list of its addresses to hand out.

    About two in five addresses are inhabited by customers, so that neighbours, and only few strangers, share a postcode.
    """
    chance, plain = stream(seed, "places"), plain_stream(seed, "streets")
    count = max(40, households // 9)
    cities = _cities(plain, max(6, min(200, count // 12)))
    sizes = np.bincount(pick(chance, zipf_weights(len(cities), flattening=3.0), count), minlength=len(cities)).tolist()
    areas = sorted(plain.sample(range(1000, 10_000), len(cities) + count // _PARTS_PER_AREA_MAX + 1))
    parts: list[tuple[str, int, str, str, str]] = []
    area = 0
    for (city, area_code), size in zip(cities, sizes, strict=True):
        left = size
        while left:
            here = min(left, _PARTS_PER_AREA_MAX)
            parts += _area_parts(plain, city, area_code, areas[area], here)
            left, area = left - here, area + 1
    additions = np.array(["", *_words.ADDITIONS.split()], object)
    drawn = chance.integers(1, len(additions), size=count * SLOTS)
    drawn[chance.random(count * SLOTS) > 0.14] = 0
    return Atlas(parts, additions[drawn].tolist()), chance.permutation(count * SLOTS)


def _cities(plain: random.Random, count: int) -> list[tuple[str, str]]:
    names = [head + tail for head in _words.PLACE_HEADS.split() for tail in _words.PLACE_TAILS.split()]
    codes = _words.AREA_CODES.split()
    return [(name, codes[place % len(codes)]) for place, name in enumerate(plain.sample(names, count))]


def _area_parts(plain: random.Random, city: str, area_code: str, digits: int, count: int) -> list[tuple[str, int, str, str, str]]:
    """The street parts of one four-digit area: streets of one to six parts, odd and even sides apart."""
    tails = [item.split(",") for item in _words.STREET_TAILS.split()]
    names, weights = [tail for tail, _ in tails], [int(weight) for _, weight in tails]
    heads = _words.STREET_HEADS.split()
    pairs = iter(sorted(plain.sample(_PAIRS, count)))
    parts: list[tuple[str, int, str, str, str]] = []
    streets: set[str] = set()
    while len(parts) < count:
        street = plain.choice(heads) + plain.choices(names, weights)[0]
        if street in streets:
            continue
        streets.add(street)
        for side in range(min(plain.choice((1, 2, 2, 4, 4, 6)), count - len(parts))):
            parts.append((street, 1 + side // 2 * 2 * SLOTS + side % 2, f"{digits}{next(pairs)}", city, area_code))
    return parts
