"""
How sure a merge is, estimated from the records themselves and from what people decided; nothing here is assumed of a country or an operator.

A score says how likely a pair is one customer if what it shares came together by chance. Households are no chance: they share name, door, line and
account. So where a birth date is unknown, the pairs that share exactly the same, or less, and whose birth dates are both known, tell how often such
pairs are two people.
"""

from collections.abc import Sequence

import numpy as np

from hoeksteen.consolidation.comparisons import ANOTHER, BIRTH_DATE, FIRST_NAMES
from hoeksteen.consolidation.model import Decided
from hoeksteen.consolidation.scored import UNKNOWN, Flags, Floats, Notes, Part, places_of

MERGED_FROM_WEIGHT = 8.0
REVIEWED_FROM_WEIGHT = 4.0
MERGED_FROM_WEIGHT_MIN = 4.0
FALSE_MERGES_SHARE_MAX = 0.00005  # of all merges, as the scores themselves estimate it
ESTIMATED_FROM_PAIRS = 1_000  # with fewer sure pairs the threshold is the one written above
_SURE_FROM_WEIGHT = 10.0

ALIKE_PAIRS_MIN = 500  # so many pairs of known birth dates must share the same or less before they vouch for one of unknown
TWO_PEOPLE_ONE_IN = 20_000  # at most so many of them may be two people
DOUBTED_ONE_IN = 200  # where more are, nothing that a pair of unknown birth date shares is enough
TWO_PEOPLE_FROM_PAIRS = 5
# What a pair with only name and day of birth in common needs more: first names go with surnames and generations, which the score takes for chance.
BARE_WEIGHT_MORE = 4.0
NEARBY = ("the same postcode",)
_OWN = ("phones", "emails", "iban")

LABELS_MIN = 20


def retrained(part: Part, labels: Sequence[Decided]) -> Part:
    """
    Weigh pairs anew after people's decisions: those that they called one customer join the sure pairs from which m was learned, one for one.

    Fewer than `LABELS_MIN` change nothing: what people are asked are the odd pairs, and a handful of those says little about all.
    """
    rows, same = places_of(part, labels)
    rows = rows[same]
    sure = int((part.weight >= _SURE_FROM_WEIGHT).sum())
    if len(rows) < LABELS_MIN:
        return part
    bits, m = [], []
    for place, (old_bits, old_m) in enumerate(zip(part.scale.bits, part.scale.m, strict=True)):
        counts = np.bincount(part.levels[rows, place], minlength=len(old_m))
        counts[UNKNOWN] = 0
        new = (np.array(old_m) * sure + counts) / (sure + counts.sum()) if sure + counts.sum() else np.array(old_m)
        known = np.array(old_m) > 0
        shift = np.zeros(len(old_m))
        shift[known] = np.log2(new[known] / np.array(old_m)[known])
        bits.append((np.array(old_bits) + shift).tolist())
        m.append(new.tolist())
    return part.weighed_anew(bits, m)


def thresholds(parts: Sequence[Part], labels: Sequence[Decided]) -> tuple[float, float]:
    """
    Give the weights from which pairs are merged, and from which people are asked.

    The lowest weight at which the expected share of false merges, by the scores, stays below `FALSE_MERGES_SHARE_MAX`. Decisions move it: above
    any weight at which people said `different`, and below where at least `LABELS_MIN` pairs were `same` and none was not.
    """
    weight = np.sort(np.concatenate([part.weight[_mergeable(part)] for part in parts] or [np.zeros(0)]))[::-1]
    merged = MERGED_FROM_WEIGHT
    if (weight >= _SURE_FROM_WEIGHT).sum() >= ESTIMATED_FROM_PAIRS:
        false = np.cumsum(1 / (1 + np.exp2(np.minimum(weight, 60))))
        few_enough = false <= FALSE_MERGES_SHARE_MAX * np.arange(1, len(weight) + 1)
        few_enough &= np.append(weight[:-1] > weight[1:], True)  # with all that weigh the same
        merged = max(MERGED_FROM_WEIGHT_MIN, float(weight[np.flatnonzero(few_enough).max(initial=0)]))
    return _moved(parts, labels, merged), min(REVIEWED_FROM_WEIGHT, merged)


def _mergeable(part: Part) -> Flags:
    """Leave out what the guards will never let pass: pairs of another birth date or other first names."""
    left = np.ones(len(part), np.bool_)
    for name in (BIRTH_DATE, FIRST_NAMES):
        if name in part.scale.names:
            place = part.scale.place(name)
            left &= part.levels[:, place] != part.scale.labels[place].index(ANOTHER)
    return left


def _moved(parts: Sequence[Part], labels: Sequence[Decided], merged: float) -> float:
    weights, said = [], []
    for part in parts:
        rows, same = places_of(part, labels)
        weights.append(part.weight[rows])
        said.append(same)
    weight, same = np.concatenate(weights or [np.zeros(0)]), np.concatenate(said or [np.zeros(0, np.bool_)])
    if len(weight) < LABELS_MIN:
        return merged
    wrong = weight[~same & (weight < _SURE_FROM_WEIGHT)]
    if len(wrong) and wrong.max() >= merged:
        return float(wrong.max()) + 0.000001
    right = np.sort(weight[same & (weight < merged) & (weight > wrong.max(initial=-np.inf))])[::-1]
    return float(right[-1]) if len(right) >= LABELS_MIN else merged


def notes_of(part: Part, labels: Sequence[Decided]) -> Notes:
    """Say what is to be minded of pairs beside their weights."""
    if BIRTH_DATE not in part.scale.names or not len(part):
        none = np.zeros(len(part), np.bool_)
        return Notes(none, none, none)
    vouched, doubted = _without_birth_date(part, labels)
    return Notes(vouched, doubted, ~_in_common(part, (*_OWN, "address")))


def _in_common(part: Part, names: Sequence[str]) -> Flags:
    """Say of each pair whether any of these comparisons speaks for one person by more than a street does."""
    found = np.zeros(len(part), np.bool_)
    for name in names:
        place = part.scale.place(name)
        speaks = np.array([bits > 0 and label not in NEARBY for bits, label in zip(part.scale.bits[place], part.scale.labels[place], strict=True)])
        found |= speaks[part.levels[:, place]]
    return found


def _without_birth_date(part: Part, labels: Sequence[Decided]) -> tuple[Flags, Flags]:
    """
    Say of each pair of people of whom one's birth date is unknown whether pairs like it vouch for a merge, or forbid it.

    Like it are pairs of known birth dates that stand on the same levels of all other comparisons, or on lesser ones. They are all there: what has
    a thing of one's own in common is scored whatever the birth dates are, and a pair that another birth date would bring below zero is not asked.
    """
    place = part.scale.place(BIRTH_DATE)
    born, another = part.levels[:, place], part.scale.labels[place].index(ANOTHER)
    unknown = (born == UNKNOWN) & _in_common(part, _OWN) & (part.weight + part.scale.bits[place][another] >= 0)
    other = [number for number in range(len(part.scale.names)) if number != place]
    kinds, kind = np.unique(part.levels[:, other], axis=0, return_inverse=True)
    kind = kind.ravel()
    known = np.bincount(kind[born != UNKNOWN], minlength=len(kinds))
    two = np.bincount(kind[born == another], minlength=len(kinds))
    rows, same = places_of(part, labels)
    decided = born[rows] == UNKNOWN
    known += np.bincount(kind[rows[decided]], minlength=len(kinds))
    two += np.bincount(kind[rows[decided & ~same]], minlength=len(kinds))
    bits: Floats = np.stack([np.array(part.scale.bits[number])[kinds[:, at]] for at, number in enumerate(other)], axis=1)
    clean = bits[(known >= ALIKE_PAIRS_MIN) & (two * TWO_PEOPLE_ONE_IN <= known)]
    bad = (two >= TWO_PEOPLE_FROM_PAIRS) & (two * DOUBTED_ONE_IN > known)
    good = np.zeros(len(kinds), np.bool_)
    for one in np.unique(kind[unknown]):
        good[one] = not bad[one] and bool((clean <= bits[one]).all(axis=1).any())
    return unknown & good[kind], unknown & bad[kind]
