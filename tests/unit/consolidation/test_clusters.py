"""Pairs become customers, never against a guard."""

from factories.legacy import facts
from hoeksteen.consolidation.clusters import CLUSTER_SIZE_MAX, build_clusters
from hoeksteen.consolidation.features import Facts
from hoeksteen.consolidation.model import Cluster, Decided, Doubt, Pair


def built(known: list[Facts], *pairs: tuple[int, int, float]) -> tuple[list[Cluster], list[Doubt]]:
    ordered = sorted((Pair(*pair) for pair in pairs), key=lambda pair: -pair.weight)
    return build_clusters(facts=known, pairs=ordered, rank=[(1, place) for place in range(len(known))])


def members(clusters: list[Cluster]) -> list[tuple[int, ...]]:
    return [cluster.members for cluster in clusters]


def test_sure_pairs_are_merged_and_the_rest_stays_alone() -> None:
    clusters, doubts = built([facts(), facts(), facts(), facts()], (0, 1, 20.0), (1, 2, 15.0))
    assert members(clusters) == [(0, 1, 2), (3,)]
    assert doubts == []


def test_a_contradiction_cuts_the_weakest_edge_and_is_reviewed() -> None:
    # 1 has no birth date: it fits both 0 and 2, who were born on different days
    known = [facts(), facts(birth_date=""), facts(birth_date="19850311")]
    clusters, doubts = built(known, (0, 1, 30.0), (1, 2, 15.0))
    assert members(clusters) == [(0, 1), (2,)]
    assert [(doubt.left, doubt.right, doubt.reason) for doubt in doubts] == [(1, 2, "contradiction_in_cluster")]
    assert [cluster.in_review for cluster in clusters] == [False, True]


def test_who_fits_two_equally_well_is_reviewed() -> None:
    known = [facts(), facts(birth_date=""), facts(birth_date="19850311")]
    clusters, doubts = built(known, (0, 1, 30.0), (1, 2, 29.0))
    assert members(clusters) == [(0,), (1,), (2,)]
    assert {doubt.reason for doubt in doubts} == {"rival"}


def test_a_chain_is_no_longer_than_its_evidence() -> None:
    known = [facts(initials="J", birth_date="19600704"), facts(initials=""), facts(initials="K", birth_date="19600704")]
    clusters, _ = built(known, (0, 1, 30.0), (1, 2, 20.0))
    assert members(clusters) == [(0, 1), (2,)]


def test_weak_pairs_are_reviewed_and_weaker_ones_forgotten() -> None:
    clusters, doubts = built([facts(), facts(), facts()], (0, 1, 5.0), (1, 2, 3.0))
    assert members(clusters) == [(0,), (1,), (2,)]
    assert [(doubt.left, doubt.right, doubt.reason) for doubt in doubts] == [(0, 1, "weak")]
    assert [cluster.in_review for cluster in clusters] == [False, True, False]


def test_a_doubt_within_one_cluster_is_none() -> None:
    _, doubts = built([facts(), facts(), facts()], (0, 1, 20.0), (1, 2, 20.0), (0, 2, 5.0))
    assert doubts == []


def test_the_founder_is_of_the_most_trusted_source() -> None:
    known = [facts(), facts()]
    clusters, _ = build_clusters(facts=known, pairs=[Pair(0, 1, 20.0)], rank=[(3, 0), (1, 1)])
    assert members(clusters) == [(1, 0)]


def test_a_cluster_has_a_bound() -> None:
    count = CLUSTER_SIZE_MAX + 2
    clusters, doubts = built([facts()] * count, *((place, place + 1, 50.0 - place) for place in range(count - 1)))
    assert max(len(cluster.members) for cluster in clusters) == CLUSTER_SIZE_MAX
    assert {doubt.reason for doubt in doubts} == {"cluster_too_large"}


def test_what_people_called_one_customer_is_joined_first() -> None:
    # without the decision 1 would go to 0, the surer of the two
    known = [facts(), facts(birth_date="", emails=frozenset(), iban=""), facts(birth_date="19850311")]
    pairs = [Pair(0, 1, 30.0), Pair(1, 2, 12.0)]
    rank = [(1, place) for place in range(3)]
    clusters, _ = build_clusters(facts=known, pairs=pairs, rank=rank, decided=[Decided(2, 1, same=True)])
    assert members(clusters) == [(0,), (1, 2)]


def test_a_decision_needs_no_score() -> None:
    known = [facts(), facts(phones=frozenset(), emails=frozenset(), iban="", dwelling="")]
    clusters, doubts = build_clusters(facts=known, pairs=[], rank=[(1, 0), (1, 1)], decided=[Decided(0, 1, same=True)])
    assert (members(clusters), doubts) == ([(0, 1)], [])


def test_no_decision_goes_against_a_guard() -> None:
    known = [facts(gender="male"), facts(gender="female")]
    clusters, doubts = build_clusters(facts=known, pairs=[Pair(0, 1, 30.0)], rank=[(1, 0), (1, 1)], decided=[Decided(0, 1, same=True)])
    assert members(clusters) == [(0,), (1,)]
    assert [doubt.reason for doubt in doubts] == ["decided_but_other_gender"]


def test_what_people_called_two_customers_is_never_linked_through_a_third() -> None:
    known = [facts(), facts(), facts()]
    pairs = [Pair(0, 1, 40.0), Pair(1, 2, 30.0), Pair(0, 2, 20.0)]
    clusters, doubts = build_clusters(facts=known, pairs=pairs, rank=[(1, place) for place in range(3)], decided=[Decided(0, 2, same=False)])
    assert (0, 2) not in [(doubt.left, doubt.right) for doubt in doubts]
    assert all(not {0, 2} <= set(cluster.members) for cluster in clusters)
    assert doubts
