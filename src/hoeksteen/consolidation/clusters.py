"""
From scored pairs to customers: what people decided first, then the surest pairs, and never against a guard.

Joining in falling order of weight is cutting the weakest edge of every contradiction: when an edge would bring two records together that
contradict each other, all edges that already hold are at least as sure. Records that no pair connects cannot touch each other, so each connected
group is settled by itself, and only its facts are in memory as objects.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat

import numpy as np

from hoeksteen.consolidation.estimating import BARE_WEIGHT_MORE, MERGED_FROM_WEIGHT, REVIEWED_FROM_WEIGHT
from hoeksteen.consolidation.features import Facts, FactTable
from hoeksteen.consolidation.guards import contradiction, too_thin
from hoeksteen.consolidation.model import Cluster, Decided, Doubt, Pair
from hoeksteen.consolidation.scored import Scored

RIVAL_WITHIN_WEIGHT = 6.0
CLUSTER_SIZE_MAX = 24
_RECORDS_PER_BATCH = 20_000


@dataclass(frozen=True, slots=True)
class _Edge:
    """
    A usable pair.

    :param place: in the scored pairs, or -1 for one that only people know of
    """

    left: int
    right: int
    weight: float
    place: int
    vouched: bool = False
    doubted: bool = False
    bare: bool = False
    same: bool = False


def build_clusters(
    *,
    facts: Sequence[Facts],
    pairs: Sequence[Pair],
    rank: Sequence[tuple[int, int]],
    decided: Sequence[Decided] = (),
    merged_from: float | None = None,
) -> tuple[list[Cluster], list[Doubt]]:
    """
    Give every record's cluster, and the pairs that people must decide.

    :param pairs: best first, as `score_pairs` gives them
    :param rank: per record what decides who is a cluster's founder: (trust of its source, position)
    :param decided: what people said of pairs: `same` is joined first, unless a guard forbids it, which is a doubt again; `different` is never linked
    :param merged_from: the weight from which pairs are merged; without it, as the scores estimate it
    """
    known = FactTable.of(facts)
    merged, reviewed = _from_weights(pairs, merged_from)
    apart = {frozenset((one.left, one.right)) for one in decided if not one.same}
    joined = {(min(one.left, one.right), max(one.left, one.right)) for one in decided if one.same}
    edges = _edges(pairs, reviewed, joined, apart)
    parent = list(range(len(known)))
    doubts: list[Doubt] = []
    for group, own in _groups(known, edges):
        _Group(group, apart, merged).settle(own, parent, doubts)
    doubts = [doubt for doubt in doubts if _root(parent, doubt.left) != _root(parent, doubt.right)]
    if isinstance(pairs, Scored):
        doubts = _explained(pairs, doubts)
    return _named(parent, rank, doubts), doubts


def _from_weights(pairs: Sequence[Pair], merged_from: float | None) -> tuple[float, float]:
    if isinstance(pairs, Scored):
        return (pairs.merged_from if merged_from is None else merged_from), pairs.reviewed_from
    return (MERGED_FROM_WEIGHT if merged_from is None else merged_from), REVIEWED_FROM_WEIGHT


def _edges(pairs: Sequence[Pair], reviewed: float, joined: set[tuple[int, int]], apart: set[frozenset[int]]) -> list[_Edge]:
    """Give the edges, those that people decided first, then best first."""
    first = {pair: _Edge(*pair, float("inf"), -1, same=True) for pair in sorted(joined)}
    edges: list[_Edge] = []
    for place, (pair, minded) in enumerate(zip(pairs, _notes(pairs), strict=True)):
        if (pair.left, pair.right) in first:
            first[pair.left, pair.right] = _Edge(pair.left, pair.right, pair.weight, place, same=True)
        elif pair.weight < reviewed:
            if not first:
                break
        elif not apart or frozenset((pair.left, pair.right)) not in apart:
            edges.append(_Edge(pair.left, pair.right, pair.weight, place, *minded))
    return list(first.values()) + edges


def _notes(pairs: Sequence[Pair]) -> Iterable[tuple[bool, bool, bool]]:
    if not isinstance(pairs, Scored):
        return repeat((False, False, False), len(pairs))
    notes = pairs.notes
    return zip(notes.vouched.tolist(), notes.doubted.tolist(), notes.bare.tolist(), strict=True)


def _groups(known: FactTable, edges: Sequence[_Edge]) -> Iterator[tuple[dict[int, Facts], list[_Edge]]]:
    """Give each connected group with its facts and its edges, in their order."""
    parent = list(range(len(known)))
    for edge in edges:
        left, right = _root(parent, edge.left), _root(parent, edge.right)
        if left != right:
            parent[max(left, right)] = min(left, right)
    roots = np.array([_root(parent, edge.left) for edge in edges], np.int64)
    order = np.argsort(roots, kind="stable")
    bounds = [*np.flatnonzero(np.diff(roots[order], prepend=-1)).tolist(), len(edges)]
    waiting: list[list[_Edge]] = []
    places: dict[int, None] = {}
    for begin, end in zip(bounds, bounds[1:], strict=False):
        own = [edges[place] for place in order[begin:end].tolist()]
        waiting.append(own)
        for edge in own:
            places[edge.left] = places[edge.right] = None
        if len(places) >= _RECORDS_PER_BATCH:
            yield from _with_facts(known, places, waiting)
            waiting, places = [], {}
    yield from _with_facts(known, places, waiting)


def _with_facts(known: FactTable, places: dict[int, None], waiting: list[list[_Edge]]) -> Iterator[tuple[dict[int, Facts], list[_Edge]]]:
    chosen = list(places)
    facts = dict(zip(chosen, known.some(chosen), strict=True))
    return ((facts, own) for own in waiting)


@dataclass(slots=True)
class _Group:
    """Records that pairs connect."""

    facts: dict[int, Facts]
    apart: set[frozenset[int]]
    merged_from: float

    def settle(self, edges: list[_Edge], parent: list[int], doubts: list[Doubt]) -> None:
        """Join what may be joined, and say what people must decide."""
        usable = []
        for edge in edges:
            against = self.against(edge.left, edge.right)
            if against is None:
                usable.append(edge)
            elif edge.same:
                doubts.append(Doubt(edge.left, edge.right, _finite(edge.weight), f"decided_but_{against}"))
        rivals = self.rivals(usable) if len(usable) > 1 else set()
        members: dict[int, list[int]] = {}
        for edge in usable:
            reason = None if edge.same else self.why_not(edge, rivals)
            reason = reason or self.join(edge, parent, members)
            if reason is not None:
                doubts.append(Doubt(edge.left, edge.right, _finite(edge.weight), reason))

    def against(self, left: int, right: int) -> str | None:
        """Say what forbids that two records are one customer: a guard, or a person."""
        if self.apart and frozenset((left, right)) in self.apart:
            return "decided_different"
        return contradiction(self.facts[left], self.facts[right])

    def join(self, edge: _Edge, parent: list[int], members: dict[int, list[int]]) -> str | None:
        """Join two clusters, or say why not."""
        left, right = _root(parent, edge.left), _root(parent, edge.right)
        if left == right:
            return None
        one, other = members.get(left, [left]), members.get(right, [right])
        if len(one) + len(other) > CLUSTER_SIZE_MAX:
            return "cluster_too_large"
        if any(self.against(a, b) for a in one for b in other):
            return "contradiction_in_cluster"
        parent[right] = left
        members[left] = one + other
        members.pop(right, None)
        return None

    def why_not(self, edge: _Edge, rivals: set[tuple[int, int]]) -> str | None:
        """Say what must be decided about a pair before it is joined."""
        if (edge.left, edge.right) in rivals:
            return "rival"
        if edge.doubted:
            return "alike_but_two_people"
        thin = too_thin(self.facts[edge.left], self.facts[edge.right])
        if thin is not None and not (thin == "no_birth_date" and edge.vouched):
            return thin
        return "weak" if edge.weight < self.merged_from + BARE_WEIGHT_MORE * edge.bare else None

    def rivals(self, edges: Sequence[_Edge]) -> set[tuple[int, int]]:
        """
        Find the pairs of a record that fits two others almost equally well, who contradict each other: father or son? which of the twins?

        Whose day of birth is known is not torn: it contradicts one of the two.
        """
        by_record: dict[int, list[_Edge]] = {}
        for edge in edges:
            by_record.setdefault(edge.left, []).append(edge)
            by_record.setdefault(edge.right, []).append(edge)
        torn: set[tuple[int, int]] = set()
        for record, own in by_record.items():
            if len(own) < 2 or len(own) > CLUSTER_SIZE_MAX:
                continue
            for i, first in enumerate(own):
                for second in own[i + 1 :]:
                    if first.same or second.same or abs(first.weight - second.weight) > RIVAL_WITHIN_WEIGHT:
                        continue
                    if self.against(_other(first, record), _other(second, record)) is not None:
                        torn.add((first.left, first.right))
                        torn.add((second.left, second.right))
        return torn


def _finite(weight: float) -> float:
    return weight if weight < float("inf") else 0.0


def _other(edge: _Edge, record: int) -> int:
    return edge.right if edge.left == record else edge.left


def _root(parent: list[int], place: int) -> int:
    while parent[place] != place:
        parent[place] = parent[parent[place]]
        place = parent[place]
    return place


def _explained(scored: Scored, doubts: Sequence[Doubt]) -> list[Doubt]:
    places = {(pair.left, pair.right): place for place, pair in enumerate(scored)} if doubts else {}
    return [
        Doubt(doubt.left, doubt.right, doubt.weight, doubt.reason, scored.steps(places[doubt.left, doubt.right]))
        if (doubt.left, doubt.right) in places
        else doubt
        for doubt in doubts
    ]


def _named(parent: list[int], rank: Sequence[tuple[int, int]], doubts: Sequence[Doubt]) -> list[Cluster]:
    """Order each cluster by rank; the founder of the lesser cluster of a doubtful pair waits for its decision."""
    grouped: dict[int, list[int]] = {}
    for place in range(len(parent)):
        grouped.setdefault(_root(parent, place), []).append(place)
    waiting: set[int] = set()
    for doubt in doubts:
        left, right = _root(parent, doubt.left), _root(parent, doubt.right)
        lesser = max((left, right), key=lambda root: (-len(grouped[root]), min(rank[place] for place in grouped[root])))
        waiting.add(lesser)
    found = [Cluster(tuple(sorted(group, key=lambda place: rank[place])), root in waiting) for root, group in grouped.items()]
    return sorted(found, key=lambda cluster: rank[cluster.members[0]])
