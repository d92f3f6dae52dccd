"""True persons in their households: who exists, before any system has misspelt them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np

from hoeksteen.synth._chance import Ints, Texts, pick, sample, stream
from hoeksteen.synth._names import (
    CULTURE_SHARES,
    MAN,
    WOMAN,
    draw_given_names,
    draw_surnames,
    first_letters,
    given_names,
    initials,
    redraw_with_initial,
)

FATHER_SON_SHARE = 0.01
TWIN_SHARE = 0.01
_HEAD, _PARTNER, _CHILD, _SON, _TWIN, _LODGER = range(6)
# roles in each kind of household, and its share among those that no quota fixes
_KINDS: tuple[tuple[int, ...], ...] = (
    (_HEAD,),
    (_HEAD, _PARTNER),
    (_HEAD, _PARTNER, _CHILD),
    (_HEAD, _PARTNER, _CHILD, _CHILD),
    (_HEAD, _CHILD),
    (_HEAD, _LODGER),
    (_HEAD, _SON),
    (_HEAD, _TWIN, _TWIN),
)
_FATHER_SON, _TWINS = 6, 7
_SHARES = (0.50, 0.27, 0.08, 0.05, 0.06, 0.04)
_YEAR_DAYS = 365.2425
# before the Netherlands took Central European Time, local midnight depends on the build of the time zone files
AMBIGUOUS_BEFORE = date(1940, 5, 17).toordinal()
_REDRAWS_MAX = 40
# at the liberation, too, builds disagree (Belgium's clock against that of the Netherlands)
_DISPUTED = (date(1944, 9, 1).toordinal(), date(1944, 10, 5).toordinal())


@dataclass(slots=True)
class People:
    """
    All individuals, one column per fact; the last `rejectable` of them live alone and occur only in records to be rejected.

    :param surname: index of the name in use; `birth_surname` of the name at birth; `double` of a second name joined with a hyphen, or -1
    :param birth: proleptic ordinal of the birth day
    :param pair: number of the father-and-son pair or -1; `twins` likewise
    """

    household: Ints
    role: Ints
    gender: Ints
    birth: Ints
    surname: Ints
    birth_surname: Ints
    double: Ints
    given: Ints
    initials: Texts
    pair: Ints
    twins: Ints
    rejectable: int

    def __len__(self) -> int:
        return len(self.household)

    @property
    def married_partner(self) -> Ints:
        """Give the women whose household's head has another surname at birth: those who may have taken it."""
        heads = self.head_of()
        return np.flatnonzero((self.role == _PARTNER) & (self.gender == WOMAN) & (self.surname[heads] != self.birth_surname))

    def head_of(self) -> Ints:
        """Give each person's head of household, as an index of persons."""
        first = np.flatnonzero(self.role == _HEAD)
        return np.asarray(first[self.household], np.int64)


def draw_people(*, seed: int, count: int, rejectable: int, month: date) -> People:
    """Draw `count` individuals, and `rejectable` more, in households of one to four."""
    chance = stream(seed, "people")
    kinds = _household_kinds(chance, count, rejectable)
    household, role = _members(kinds)
    culture = pick(chance, CULTURE_SHARES, len(kinds))
    culture[kinds == _FATHER_SON] = 0  # naming a son after his father's initials is a Dutch habit
    cultures = culture[household]
    head = np.flatnonzero(role == _HEAD)[household]
    gender = _genders(chance, role, kinds[household])
    birth = _births(chance, role, head, kinds[household], month)
    years = (birth / _YEAR_DAYS + 1).astype(np.int64)
    surname = draw_surnames(chance, cultures)
    own = (role == _CHILD) | (role == _SON) | (role == _TWIN)
    surname[own] = surname[head[own]]
    given = draw_given_names(chance, cultures=cultures, genders=gender, birth_years=years)
    more = np.stack([draw_given_names(chance, cultures=cultures, genders=gender, birth_years=years) for _ in range(3)], axis=1)
    counts = np.where(cultures == 0, 1 + pick(chance, (0.42, 0.35, 0.19, 0.04), len(role)), 1 + pick(chance, (0.85, 0.15), len(role)))
    _settle_initials(
        chance,
        role,
        head,
        given,
        more,
        counts,
        lambda here: draw_given_names(chance, cultures=cultures[here], genders=gender[here], birth_years=years[here]),
    )
    sons = np.flatnonzero(role == _SON)
    given[sons] = _sons_names(chance, given[head[sons]])
    written = np.array(initials(given, more, counts), object)
    written[sons] = written[head[sons]]
    pair, twins = np.full(len(role), -1, np.int64), np.full(len(role), -1, np.int64)
    pair[sons] = pair[head[sons]] = np.arange(len(sons))
    born_together = np.flatnonzero(role == _TWIN)
    twins[born_together] = np.arange(len(born_together)) // 2
    return People(household, role, gender, birth, surname.copy(), surname, np.full(len(role), -1, np.int64), given, written, pair, twins, rejectable)


def take_partner_names(*, people: People, seed: int, maiden: Ints) -> None:
    """
    Let women in couples carry their partner's name, or both; those in `maiden` carry it alone.

    Their name at birth stays known: one of their records will still be under it.
    """
    chance = stream(seed, "partner names")
    eligible = people.married_partner
    draws = chance.random(len(eligible))
    takes = np.union1d(eligible[draws < 0.30], maiden)
    both = np.setdiff1d(eligible[(draws >= 0.30) & (draws < 0.50)], maiden)
    heads = people.head_of()
    people.surname[takes] = people.birth_surname[heads[takes]]
    people.double[both] = people.birth_surname[both]
    people.surname[both] = people.birth_surname[heads[both]]


def make_some_ambiguous(*, people: People, seed: int, eligible: Ints) -> Ints:
    """Let a handful of the eligible be born before May 1940, when the time zone of their birth day is disputed; give who."""
    chance = stream(seed, "ambiguous births")
    chosen = sample(chance, eligible, max(3, len(people) // 4000))
    first = date(1930, 1, 1).toordinal()
    people.birth[chosen] = first + chance.integers(AMBIGUOUS_BEFORE - first, size=len(chosen))
    return chosen


def calling_names() -> list[str]:
    """Give the calling name for each given name."""
    return given_names().calling


def _household_kinds(chance: np.random.Generator, count: int, rejectable: int) -> Ints:
    pairs, twins = max(1, round(count * FATHER_SON_SHARE / 2)), max(1, round(count * TWIN_SHARE / 2))
    left = count - 2 * pairs - 3 * twins
    drawn = pick(chance, _SHARES, left)
    sizes = np.array([len(kind) for kind in _KINDS])[drawn]
    drawn = drawn[: int(np.searchsorted(np.cumsum(sizes), left, side="right"))]
    alone = left - int(np.array([len(kind) for kind in _KINDS])[drawn].sum())
    quotas = np.repeat([_FATHER_SON, _TWINS, 0], [pairs, twins, alone])
    kinds = chance.permutation(np.concatenate([drawn, quotas]))
    return np.concatenate([kinds, np.zeros(rejectable, np.int64)]).astype(np.int64)


def _members(kinds: Ints) -> tuple[Ints, Ints]:
    sizes = np.array([len(kind) for kind in _KINDS])[kinds]
    household = np.repeat(np.arange(len(kinds)), sizes)
    place = np.arange(len(household)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    roles = np.full((len(_KINDS), 4), -1)
    for index, kind in enumerate(_KINDS):
        roles[index, : len(kind)] = kind
    return household.astype(np.int64), roles[kinds[household], place].astype(np.int64)


def _genders(chance: np.random.Generator, role: Ints, kind: Ints) -> Ints:
    gender = np.where(chance.random(len(role)) < 0.5, MAN, WOMAN)
    partner = role == _PARTNER
    gender[(role == _HEAD) & np.isin(kind, (1, 2, 3, _FATHER_SON))] = MAN
    gender[partner] = np.where(chance.random(int(partner.sum())) < 0.95, WOMAN, MAN)
    gender[role == _SON] = MAN
    return gender.astype(np.int64)


def _births(chance: np.random.Generator, role: Ints, head: Ints, kind: Ints, month: date) -> Ints:
    """Birth days: everybody is of age, parents are 20 to 40 years older, twins share the day, nobody is ambiguous yet."""
    size = len(role)
    ages = 18.2 + 67.0 * chance.beta(1.5, 1.9, size)
    parents = (role == _HEAD) & ~np.isin(kind, (0, 1, 5))
    ages[parents] = 40.5 + 44.0 * chance.random(int(parents.sum()))
    partners = np.flatnonzero(role == _PARTNER)
    ages[partners] = ages[head[partners]] + chance.normal(-1.5, 3.5, len(partners))
    children = np.flatnonzero((role == _CHILD) | (role == _SON) | (role == _TWIN))
    ages[children] = ages[head[children]] - (21.0 + 17.0 * chance.random(len(children)))
    ages = np.clip(ages, 18.2, None)
    birth = (month.toordinal() - ages * _YEAR_DAYS).astype(np.int64)
    second = np.flatnonzero(role == _TWIN)[1::2]
    birth[second] = birth[second - 1]
    # a child who would be a minor is of age anyway; spread those days, or they would all share one
    low = np.flatnonzero((ages == 18.2) & (role != _TWIN))
    birth[low] -= chance.integers(1, 900, size=len(low))
    earliest = date(1940, 6, 1).toordinal()
    early = birth < earliest
    birth[early] = earliest + chance.integers(2500, size=int(early.sum()))
    birth[(birth >= _DISPUTED[0]) & (birth < _DISPUTED[1])] += _DISPUTED[1] - _DISPUTED[0]
    return birth


def _sons_names(chance: np.random.Generator, fathers: Ints) -> Ints:
    """Half of the sons are called as their father is, the others by a name with the same initial."""
    younger = given_names().group(culture="dutch", gender=MAN, younger=True)
    others = redraw_with_initial(chance, names=fathers, group=younger)
    return np.where(chance.random(len(fathers)) < 0.5, fathers, others)


def _settle_initials(
    chance: np.random.Generator, role: Ints, head: Ints, given: Ints, more: Ints, counts: Ints, redraw: Callable[[Ints], Ints]
) -> None:
    """
    Redraw given names until, in a household, only fathers and sons on purpose share all their initials.

    Otherwise the share of look-alikes would depend on chance, and twins could not be told apart by anybody.
    """
    movable = (role != _HEAD) & (role != _SON)
    order = np.arange(len(role))
    for _ in range(_REDRAWS_MAX):
        letters = first_letters(given)
        clash = np.zeros(len(role), np.bool_)
        for distance in (1, 2, 3):
            same = (order >= distance) & (np.roll(head, distance) == head)
            clash |= same & (np.roll(letters, distance) == letters) & movable & ((np.roll(counts, distance) == counts) | (role == _TWIN))
        here = np.flatnonzero(clash)
        if not len(here):
            return
        given[here] = redraw(here)
    raise AssertionError("initials in one household could not be told apart")
