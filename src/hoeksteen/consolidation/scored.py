"""Scored pairs as columns: what Splink found of each, and what can be said of all of them together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from hoeksteen.consolidation.model import Decided, Pair, Step

Ints = npt.NDArray[np.int64]
Levels = npt.NDArray[np.int8]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
UNKNOWN = 0  # the first level of every comparison


@dataclass(frozen=True, slots=True)
class Scale:
    """
    What the levels of a model are worth, as it was learned.

    :param prior: bits of any two records being one customer, before they are compared
    :param labels: per comparison those of its levels; `bits` and `m` likewise
    :param varying: the comparison whose value is worth more the rarer it is
    """

    names: tuple[str, ...]
    prior: float
    labels: tuple[tuple[str, ...], ...]
    bits: tuple[tuple[float, ...], ...]
    m: tuple[tuple[float, ...], ...]
    varying: str = ""

    def place(self, name: str) -> int:
        """Give which comparison this is."""
        return self.names.index(name)


@dataclass(frozen=True, slots=True)
class Part:
    """
    The scored pairs of people, or of companies.

    :param levels: per pair and comparison the level
    :param rarity: per pair the bits for how rare a value in common is
    """

    scale: Scale
    left: Ints
    right: Ints
    weight: Floats
    levels: Levels
    rarity: Floats

    def __len__(self) -> int:
        return len(self.left)

    def weighed_anew(self, bits: Sequence[Sequence[float]], m: Sequence[Sequence[float]]) -> "Part":
        """Give the same pairs by other worths of the levels."""
        weight = self.weight.copy()
        for place, (old, new) in enumerate(zip(self.scale.bits, bits, strict=True)):
            weight += (np.array(new) - np.array(old))[self.levels[:, place]]
        scale = replace(self.scale, bits=tuple(map(tuple, bits)), m=tuple(map(tuple, m)))
        return replace(self, scale=scale, weight=np.round(weight, 6))


@dataclass(frozen=True, slots=True)
class Notes:
    """
    What is to be minded of the pairs of a part, beside their weights.

    :param vouched: one birth date is unknown, and pairs like it tell that it may be merged
    :param doubted: one birth date is unknown, and pairs like it tell that it must not be, whatever the two have in common
    :param bare: nothing is in common but the name and the day of birth
    """

    vouched: Flags
    doubted: Flags
    bare: Flags


class Scored(Sequence[Pair]):
    """
    All scored pairs, best first.

    :param merged_from: pairs of this weight and more may be merged; `reviewed_from` likewise, for people to decide
    """

    def __init__(self, parts: Sequence[Part], notes: Sequence[Notes], *, merged_from: float, reviewed_from: float) -> None:
        self.parts = tuple(parts)
        self.merged_from, self.reviewed_from = merged_from, reviewed_from
        part = _joined([np.full(len(one), number, np.int64) for number, one in enumerate(parts)])
        row = _joined([np.arange(len(one), dtype=np.int64) for one in parts])
        left, right, weight = (_joined([getattr(one, name) for one in parts]) for name in ("left", "right", "weight"))
        order = np.lexsort((right, left, -weight))
        self._part, self._row = part[order].astype(np.int8), row[order].astype(np.int64)
        self.left, self.right, self.weight = left[order].astype(np.int64), right[order].astype(np.int64), weight[order]
        self.notes = Notes(*(_joined([getattr(one, name) for one in notes]).astype(np.bool_)[order] for name in ("vouched", "doubted", "bare")))

    def __len__(self) -> int:
        return len(self.left)

    @overload
    def __getitem__(self, place: int) -> Pair: ...
    @overload
    def __getitem__(self, place: slice) -> list[Pair]: ...
    def __getitem__(self, place: int | slice) -> Pair | list[Pair]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        return Pair(int(self.left[place]), int(self.right[place]), float(self.weight[place]))

    def __iter__(self) -> Iterator[Pair]:
        return (Pair(*row) for row in zip(self.left.tolist(), self.right.tolist(), self.weight.tolist(), strict=True))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scored) and list(self) == list(other)

    def steps(self, place: int) -> tuple[Step, ...]:
        """Give how the weight of a pair came about; the bits add up to it."""
        part, row = self.parts[self._part[place]], int(self._row[place])
        scale, found = part.scale, [Step("prior", "any two records", round(part.scale.prior, 3))]
        for number, name in enumerate(scale.names):
            level = int(part.levels[row, number])
            bits = scale.bits[number][level] + (float(part.rarity[row]) if name == scale.varying else 0.0)
            found.append(Step(name, scale.labels[number][level], round(bits, 3)))
        return tuple(found)


def explain_pair(*, scored: Scored, left: int, right: int) -> tuple[Step, ...]:
    """Give how the weight of two records came about; nothing when they have too little in common to have been compared, or far too little weight."""
    one, other = min(left, right), max(left, right)
    found = np.flatnonzero((scored.left == one) & (scored.right == other))
    return scored.steps(int(found[0])) if len(found) else ()


def _joined(columns: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    return np.concatenate(columns) if columns else np.zeros(0)


def places_of(part: Part, labels: Sequence[Decided]) -> tuple[Ints, Flags]:
    """Give the rows of a part that people decided, and what they said."""
    if not len(part) or not labels:
        return np.zeros(0, np.int64), np.zeros(0, np.bool_)
    size = int(part.right.max()) + 1
    keys = part.left * size + part.right
    order = np.argsort(keys, kind="stable")
    said = {min(one.left, one.right) * size + max(one.left, one.right): one.same for one in labels if max(one.left, one.right) < size}
    wanted = np.array(sorted(said), np.int64)
    at = np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)
    there = keys[order][at] == wanted
    return order[at[there]].astype(np.int64), np.array([said[int(key)] for key in wanted[there]], np.bool_)
