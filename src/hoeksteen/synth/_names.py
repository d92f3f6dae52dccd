"""Surnames and given names with real-looking frequencies: a frequent head, and a long tail that is composed."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from hoeksteen.synth import _words
from hoeksteen.synth._chance import Ints, pick, zipf_weights
from hoeksteen.synth._letters import base_letters

CULTURES = ("dutch", "turkish", "moroccan", "surinamese", "polish")
CULTURE_SHARES = (0.80, 0.05, 0.05, 0.06, 0.04)
_COMMON_SHARE = 0.55
_YOUNGER_SINCE = 1970
MAN, WOMAN = 1, 2


@dataclass(frozen=True, slots=True)
class Surnames:
    """All surnames: `prefixes[i]` (tussenvoegsel, may be empty) and `names[i]`, and which range each culture draws from."""

    prefixes: list[str]
    names: list[str]
    ranges: dict[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class GivenNames:
    """All given names: the official name (of which the initial is taken) and the calling name, in one range per group."""

    official: list[str]
    calling: list[str]
    ranges: dict[tuple[str, int, bool], tuple[int, int]]

    def group(self, *, culture: str, gender: int, younger: bool) -> tuple[int, int]:
        """Give the range of names that a person of this culture, gender and generation may have."""
        return self.ranges[culture, gender, younger]


@cache
def surnames() -> Surnames:
    """Give the table of surnames, always in the same order."""
    prefixes: list[str] = []
    names: list[str] = []
    ranges: dict[str, tuple[int, int]] = {}

    def extend(group: str, items: list[tuple[str, str]]) -> None:
        ranges[group] = len(names), len(names) + len(items)
        prefixes.extend(prefix for prefix, _ in items)
        names.extend(name for _, name in items)

    common = _split(_words.SURNAMES)
    extend("dutch", common)
    extend("dutch_rare", _composed({name for _, name in common}))
    for culture, words in zip(CULTURES[1:], (_words.TURKISH, _words.MOROCCAN, _words.SURINAMESE, _words.POLISH), strict=True):
        extend(culture, _split(words))
    return Surnames(prefixes, names, ranges)


def draw_surnames(chance: np.random.Generator, cultures: Ints) -> Ints:
    """Draw a surname for each head of a household."""
    table = surnames()
    drawn = np.zeros(len(cultures), np.int64)
    for place, culture in enumerate(CULTURES):
        here = np.flatnonzero(cultures == place)
        first, end = table.ranges[culture]
        drawn[here] = first + pick(chance, zipf_weights(end - first, flattening=8.0), len(here))
        if culture == "dutch":
            rare = here[chance.random(len(here)) >= _COMMON_SHARE]
            first, end = table.ranges["dutch_rare"]
            # a rare name is shared by few: squared, so that some are rarer than others
            drawn[rare] = first + (chance.random(len(rare)) ** 1.6 * (end - first)).astype(np.int64)
    return drawn


@cache
def given_names() -> GivenNames:
    """Give the table of given names, always in the same order."""
    official: list[str] = []
    calling: list[str] = []
    ranges: dict[tuple[str, int, bool], tuple[int, int]] = {}

    def extend(culture: str, gender: int, younger: tuple[bool, ...], words: str) -> None:
        first = len(official)
        for item in words.split():
            name, _, called = item.partition(",")
            official.append(name)
            calling.append(called or name)
        for generation in younger:
            ranges[culture, gender, generation] = first, len(official)

    extend("dutch", MAN, (False,), _words.MEN_BEFORE_1970)
    extend("dutch", WOMAN, (False,), _words.WOMEN_BEFORE_1970)
    extend("dutch", MAN, (True,), _words.MEN_SINCE_1970)
    extend("dutch", WOMAN, (True,), _words.WOMEN_SINCE_1970)
    others = (
        (_words.MEN_TURKISH, _words.WOMEN_TURKISH),
        (_words.MEN_MOROCCAN, _words.WOMEN_MOROCCAN),
        (_words.MEN_SURINAMESE, _words.WOMEN_SURINAMESE),
        (_words.MEN_POLISH, _words.WOMEN_POLISH),
    )
    for culture, (men, women) in zip(CULTURES[1:], others, strict=True):
        extend(culture, MAN, (False, True), men)
        extend(culture, WOMAN, (False, True), women)
    return GivenNames(official, calling, ranges)


def draw_given_names(chance: np.random.Generator, *, cultures: Ints, genders: Ints, birth_years: Ints) -> Ints:
    """Draw one given name for each person, by culture, gender and generation."""
    table = given_names()
    drawn = np.zeros(len(cultures), np.int64)
    for place, culture in enumerate(CULTURES):
        for gender in (MAN, WOMAN):
            for younger in (False, True):
                here = np.flatnonzero((cultures == place) & (genders == gender) & ((birth_years >= _YOUNGER_SINCE) == younger))
                first, end = table.group(culture=culture, gender=gender, younger=younger)
                drawn[here] = first + pick(chance, zipf_weights(end - first), len(here))
    return drawn


def redraw_with_initial(chance: np.random.Generator, *, names: Ints, group: tuple[int, int]) -> Ints:
    """Draw, for each name, another one of the group with the same initial; the name itself where there is none."""
    official, (first, end) = given_names().official, group
    by_letter: dict[str, list[int]] = {}
    for index in range(first, end):
        by_letter.setdefault(official[index][0], []).append(index)
    fallback = [[int(name)] for name in names]
    choices = [by_letter.get(official[int(name)][0], own) for name, own in zip(names, fallback, strict=True)]
    draws = chance.random(len(names))
    return np.array([options[int(draw * len(options))] for options, draw in zip(choices, draws, strict=True)], np.int64)


def initials(main: Ints, more: Ints, counts: Ints) -> list[str]:
    """
    Write initials such as `J.M.`.

    :param more: three further names for each person, of which `counts` - 1 are used
    """
    letters = [name[0] + "." for name in given_names().official]
    written = []
    for first, rest, count in zip(main.tolist(), more.tolist(), counts.tolist(), strict=True):
        written.append(letters[first] + "".join(letters[index] for index in rest[: count - 1]))
    return written


def first_letters(names: Ints) -> Ints:
    """Give the initial of each name as a number, without its accent: an old system does not tell Ömer's from Osman's."""
    letters = np.array([ord(base_letters(name[0])) for name in given_names().official], np.int64)
    return np.asarray(letters[names], np.int64)


def _split(words: str) -> list[tuple[str, str]]:
    items = []
    for item in words.split():
        name, _, prefix = item.partition(",")
        items.append((prefix.replace("_", " "), name.replace("_", " ")))
    return items


def _composed(taken: set[str]) -> list[tuple[str, str]]:
    """Every stem with every tail, with the prefixes that the tail admits; in an order that mixes the stems."""
    items = []
    for tail_word in _words.SURNAME_TAILS.split():
        tail, _, admits = tail_word.partition(",")
        for place, stem in enumerate(_words.SURNAME_STEMS.split()):
            name = stem + tail
            if name in taken or stem[-1] == tail[0]:
                continue
            options = _words.TAIL_PREFIXES[admits]
            items.append((options[(place * 7 + len(tail)) % len(options)].replace("_", " "), name))
    return sorted(items, key=lambda item: (sum(map(ord, item[1])) * 7919 % 10_007, item))
