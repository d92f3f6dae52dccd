"""What is compared, and that the same records give the same scores."""

from factories.legacy import company_facts, facts, product, record
from hoeksteen.consolidation.features import SHARED_BY_MAX, facts_of
from hoeksteen.consolidation.matching import TRAINED_FROM_RECORDS, score_pairs
from hoeksteen.consolidation.model import Cluster
from hoeksteen.consolidation.truth import quality


def test_a_telephone_that_an_office_shares_says_nothing() -> None:
    records = [record(key=str(number), iban=f"NL{number}", emails=(f"{number}@post.example",), products=()) for number in range(SHARED_BY_MAX + 1)]
    assert {fact.phones for fact in facts_of(records)} == {frozenset()}
    assert facts_of(records[:-1])[0].phones == frozenset({"31612345677"})


def test_own_numbers_count_as_telephones() -> None:
    own = record(phones=(), products=(product(number="31687654321"),))
    assert facts_of([own])[0].phones == frozenset({"31687654321"})


def test_people_and_companies_are_scored_apart() -> None:
    pairs = score_pairs([facts(), company_facts(), facts(), company_facts()])
    assert {(pair.left, pair.right) for pair in pairs} == {(0, 2), (1, 3)}


def test_few_records_are_scored_by_the_shipped_parameters() -> None:
    stranger = facts(surnames=("VISSER",), initials="K", birth_date="19850311", dwelling="9999ZZ|1|", phones=frozenset(), emails=frozenset(), iban="")
    pairs = score_pairs([facts(), facts(), stranger])
    assert [(pair.left, pair.right) for pair in pairs] == [(0, 1)]
    assert pairs[0].weight > 20


def test_the_same_records_give_the_same_scores() -> None:
    known = [
        facts(
            surnames=(f"NAME{number % 97}",),
            initials="ABCDEFG"[number % 7],
            birth_date=f"19{number % 80 + 10}{number % 12 + 1:02d}{number % 28 + 1:02d}",
            dwelling=f"{1000 + number % 400}AB|{number % 50}|",
            phones=frozenset({f"316{number % 700 + 700 * (place == 3):08d}"}),
            emails=frozenset({f"{number}@x.example"}),
            iban=f"NL{number}" if place != 2 else "",
        )
        for place in range(2)
        for number in range(TRAINED_FROM_RECORDS // 2 + 50)
    ]
    first, again = score_pairs(known), score_pairs(known)
    assert len(first) >= TRAINED_FROM_RECORDS // 2 + 50
    assert list(first) == list(again)
    assert [first.steps(place) for place in range(20)] == [again.steps(place) for place in range(20)]


def test_nothing_to_compare() -> None:
    assert len(score_pairs([])) == 0
    assert len(score_pairs([facts()])) == 0


def test_quality_counts_pairs_and_households() -> None:
    records = [record("fixed", key) for key in "abcd"]
    truth = {("fixed", "a"): ("p1", "h1"), ("fixed", "b"): ("p1", "h1"), ("fixed", "c"): ("p2", "h1"), ("fixed", "d"): ("p2", "h1")}
    found = quality(clusters=[Cluster((0, 1, 2)), Cluster((3,))], records=records, truth=truth)
    assert (found.pairs_true, found.pairs_merged, found.pairs_right, found.household_merges) == (2, 3, 1, 2)
    assert (round(found.precision, 3), found.recall) == (0.333, 0.5)
