"""
From scored pairs to customers: the surest pairs first, and never against a guard.

Joining in falling order of weight is cutting the weakest edge of every contradiction: when an edge would bring two records together that
contradict each other, all edges that already hold are at least as sure.
"""

from collections.abc import Sequence

from hoeksteen.consolidation.features import Facts
from hoeksteen.consolidation.guards import contradiction, too_thin
from hoeksteen.consolidation.model import Cluster, Doubt, Pair

MERGED_FROM_WEIGHT = 8.0
REVIEWED_FROM_WEIGHT = 4.0
RIVAL_WITHIN_WEIGHT = 6.0
CLUSTER_SIZE_MAX = 24


def build_clusters(*, facts: Sequence[Facts], pairs: Sequence[Pair], rank: Sequence[tuple[int, int]]) -> tuple[list[Cluster], list[Doubt]]:
    """
    Give every record's cluster, and the pairs that people must decide.

    :param pairs: best first
    :param rank: per record what decides who is a cluster's founder: (trust of its source, position)
    """
    parent = list(range(len(facts)))
    members: dict[int, list[int]] = {}
    doubts: list[Doubt] = []
    usable = [pair for pair in pairs if pair.weight >= REVIEWED_FROM_WEIGHT and contradiction(facts[pair.left], facts[pair.right]) is None]
    rivals = _rivals(facts, usable)
    for pair in usable:
        reason = _why_not(facts, pair, rivals)
        if reason is not None:
            doubts.append(Doubt(pair.left, pair.right, pair.weight, reason))
            continue
        left, right = _root(parent, pair.left), _root(parent, pair.right)
        if left == right:
            continue
        one, other = members.get(left, [left]), members.get(right, [right])
        if len(one) + len(other) > CLUSTER_SIZE_MAX:
            doubts.append(Doubt(pair.left, pair.right, pair.weight, "cluster_too_large"))
        elif any(contradiction(facts[a], facts[b]) for a in one for b in other):
            doubts.append(Doubt(pair.left, pair.right, pair.weight, "contradiction_in_cluster"))
        else:
            parent[right] = left
            members[left] = one + other
            members.pop(right, None)
    doubts = [doubt for doubt in doubts if _root(parent, doubt.left) != _root(parent, doubt.right)]
    return _named(parent, rank, doubts), doubts


def _why_not(facts: Sequence[Facts], pair: Pair, rivals: set[tuple[int, int]]) -> str | None:
    if (pair.left, pair.right) in rivals:
        return "rival"
    thin = too_thin(facts[pair.left], facts[pair.right])
    if thin is not None:
        return thin
    return "weak" if pair.weight < MERGED_FROM_WEIGHT else None


def _rivals(facts: Sequence[Facts], pairs: Sequence[Pair]) -> set[tuple[int, int]]:
    """
    Find the pairs of a record that fits two others almost equally well, who contradict each other: father or son? which of the twins?

    Whose day of birth is known is not torn: it contradicts one of the two.
    """
    by_record: dict[int, list[Pair]] = {}
    for pair in pairs:
        by_record.setdefault(pair.left, []).append(pair)
        by_record.setdefault(pair.right, []).append(pair)
    torn: set[tuple[int, int]] = set()
    for record, own in by_record.items():
        if len(own) < 2 or len(own) > CLUSTER_SIZE_MAX:
            continue
        for i, first in enumerate(own):
            for second in own[i + 1 :]:
                if abs(first.weight - second.weight) > RIVAL_WITHIN_WEIGHT:
                    continue
                one, other = _other(first, record), _other(second, record)
                if contradiction(facts[one], facts[other]) is not None:
                    torn.add((first.left, first.right))
                    torn.add((second.left, second.right))
    return torn


def _other(pair: Pair, record: int) -> int:
    return pair.right if pair.left == record else pair.left


def _root(parent: list[int], place: int) -> int:
    while parent[place] != place:
        parent[place] = parent[parent[place]]
        place = parent[place]
    return place


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
