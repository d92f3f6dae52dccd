"""What is estimated of all scored pairs together: thresholds, what stands in for a birth date, and what decisions teach."""

from collections.abc import Sequence

import numpy as np
import pytest

from factories.legacy import facts
from hoeksteen.consolidation.clusters import build_clusters
from hoeksteen.consolidation.comparisons import PEOPLE
from hoeksteen.consolidation.estimating import (
    ALIKE_PAIRS_MIN,
    BARE_WEIGHT_MORE,
    ESTIMATED_FROM_PAIRS,
    LABELS_MIN,
    MERGED_FROM_WEIGHT,
    MERGED_FROM_WEIGHT_MIN,
    TWO_PEOPLE_FROM_PAIRS,
    notes_of,
    retrained,
    thresholds,
)
from hoeksteen.consolidation.matching import score_pairs
from hoeksteen.consolidation.model import Decided
from hoeksteen.consolidation.scored import Part, Scale, Scored, explain_pair

SAME, UNKNOWN, ANOTHER = 1, 0, -1
NAMES = tuple(PEOPLE.names)
BORN, PHONES, EMAILS, IBAN = (NAMES.index(name) for name in ("birth_date", "phones", "emails", "iban"))
LABELS = tuple(tuple(level["label_for_charts"] for level in comparison["comparison_levels"]) for comparison in PEOPLE.comparisons)
PROBABILITIES = tuple(
    tuple((level.get("m_probability", 0.0), level.get("u_probability", 1.0)) for level in comparison["comparison_levels"])
    for comparison in PEOPLE.comparisons
)
SCALE = Scale(
    NAMES,
    -20.0,
    LABELS,
    tuple(tuple(float(np.log2(m / u)) if m else 0.0 for m, u in levels) for levels in PROBABILITIES),
    tuple(tuple(m for m, _ in levels) for levels in PROBABILITIES),
)


def part(*kinds: tuple[int, dict[int, int], float]) -> Part:
    """Pairs of (how many, the levels of comparisons where they are not `the same`, weight)."""
    levels: list[list[int]] = []
    weights: list[float] = []
    for count, changes, weight in kinds:
        row = [changes.get(place, SAME) % len(LABELS[place]) for place in range(len(NAMES))]
        levels += [row] * count
        weights += [weight] * count
    left = np.arange(0, 2 * len(levels), 2)
    return Part(SCALE, left, left + 1, np.array(weights), np.array(levels, np.int8), np.zeros(len(levels)))


def decided(pairs: Part, rows: Sequence[int], *, same: bool) -> list[Decided]:
    return [Decided(int(pairs.left[row]), int(pairs.right[row]), same) for row in rows]


@pytest.mark.parametrize(("count", "vouched"), [(ALIKE_PAIRS_MIN, True), (ALIKE_PAIRS_MIN - 1, False)])
def test_pairs_of_known_birth_dates_vouch_for_those_like_them(count: int, vouched: bool) -> None:
    alike = {EMAILS: UNKNOWN, PHONES: UNKNOWN}
    pairs = part(
        (count, alike, 40.0),
        (1, {**alike, BORN: UNKNOWN}, 30.0),
        (1, {EMAILS: UNKNOWN, BORN: UNKNOWN}, 32.0),
        (1, {BORN: UNKNOWN, IBAN: ANOTHER, **alike}, 9.0),
    )
    notes = notes_of(pairs, ())
    # the last but one shares more than those that vouch for it; the last shares nothing of its own
    assert notes.vouched.tolist() == [False] * count + [vouched, vouched, False]
    assert not notes.doubted.any()


def test_where_pairs_like_it_are_two_people_it_is_doubted() -> None:
    pairs = part((ALIKE_PAIRS_MIN, {}, 60.0), (TWO_PEOPLE_FROM_PAIRS, {BORN: ANOTHER}, 30.0), (1, {BORN: UNKNOWN}, 40.0))
    notes = notes_of(pairs, ())
    assert (notes.vouched.any(), notes.doubted.tolist().count(True), bool(notes.doubted[-1])) == (False, 1, True)


def test_a_single_pair_of_two_people_ends_the_vouching() -> None:
    pairs = part((ALIKE_PAIRS_MIN, {}, 60.0), (1, {BORN: ANOTHER}, 30.0), (1, {BORN: UNKNOWN}, 40.0))
    assert not notes_of(pairs, ()).vouched.any()


def test_decisions_count_as_pairs_of_known_birth_dates() -> None:
    pairs = part((ALIKE_PAIRS_MIN - 1, {}, 60.0), (3, {BORN: UNKNOWN}, 40.0))
    assert notes_of(pairs, decided(pairs, [ALIKE_PAIRS_MIN], same=True)).vouched[-1]
    assert not notes_of(pairs, decided(pairs, [ALIKE_PAIRS_MIN], same=False)).vouched.any()


def test_a_pair_that_shares_name_and_day_alone_is_bare() -> None:
    nothing = dict.fromkeys((PHONES, EMAILS, IBAN, NAMES.index("address")), ANOTHER)
    street = {**nothing, NAMES.index("address"): LABELS[NAMES.index("address")].index("the same postcode")}
    assert notes_of(part((1, nothing, 9.0), (1, street, 9.0), (1, {}, 60.0)), ()).bare.tolist() == [True, True, False]


def test_the_threshold_follows_from_the_expected_share_of_false_merges() -> None:
    many = part((20 * ESTIMATED_FROM_PAIRS, {}, 30.0), (3, {}, 5.5), (500, {}, 4.5))
    merged, reviewed = thresholds([many], ())
    assert 4.5 < merged <= 5.5
    assert reviewed == 4.0
    assert thresholds([part((10, {}, 30.0), (3, {}, 5.5))], ()) == (MERGED_FROM_WEIGHT, 4.0)
    sure = part((20 * ESTIMATED_FROM_PAIRS, {}, 30.0), (1, {}, 1.0))
    assert thresholds([sure], ())[0] >= MERGED_FROM_WEIGHT_MIN


def test_decisions_move_the_threshold() -> None:
    pairs = part((10, {}, 30.0), (LABELS_MIN, {}, 6.0), (LABELS_MIN, {}, 9.0))
    weak, strong = range(10, 10 + LABELS_MIN), range(10 + LABELS_MIN, 10 + 2 * LABELS_MIN)
    assert thresholds([pairs], decided(pairs, weak, same=True))[0] == 6.0
    assert thresholds([pairs], decided(pairs, weak[:-1], same=True))[0] == MERGED_FROM_WEIGHT
    assert thresholds([pairs], decided(pairs, strong, same=False))[0] > 9.0


def test_decisions_train_the_model_again() -> None:
    pairs = part((100, {}, 40.0), (LABELS_MIN, {EMAILS: ANOTHER}, 6.0), (1, {EMAILS: ANOTHER}, 6.0))
    again = retrained(pairs, decided(pairs, range(100, 100 + LABELS_MIN), same=True))
    assert again.weight[-1] > pairs.weight[-1]
    assert again.scale.m[EMAILS][-1] == pytest.approx((0.4 * 100 + LABELS_MIN) / (100 + LABELS_MIN))
    assert retrained(pairs, decided(pairs, range(100, 99 + LABELS_MIN), same=True)) is pairs


def test_the_steps_of_a_pair_add_up_to_its_weight() -> None:
    pairs = score_pairs([facts(), facts(initials="J", birth_date="", emails=frozenset())])
    steps = explain_pair(scored=pairs, left=1, right=0)
    assert sum(step.bits for step in steps) == pytest.approx(pairs[0].weight, abs=0.01)
    assert [(step.comparison, step.level) for step in steps][:4] == [
        ("prior", "any two records"), ("surname", "the same"), ("first_names", "initials as far as given"), ("birth_date", "unknown"),
    ]  # fmt: skip
    assert {"BERG", "J", "19600704"}.isdisjoint(part for step in steps for part in (step.comparison, step.level))
    assert explain_pair(scored=pairs, left=0, right=7) == ()


def test_a_bare_pair_needs_more_weight() -> None:
    nothing = dict.fromkeys((PHONES, EMAILS, IBAN, NAMES.index("address")), ANOTHER)
    pairs = part((1, nothing, 9.0), (1, nothing, 9.0 + BARE_WEIGHT_MORE))
    scored = Scored([pairs], [notes_of(pairs, ())], merged_from=9.0, reviewed_from=4.0)
    own = [facts(surnames=("BERG",) if place < 2 else ("VISSER",)) for place in range(4)]
    clusters, doubts = build_clusters(facts=own, pairs=scored, rank=[(1, place) for place in range(4)])
    assert [cluster.members for cluster in clusters] == [(0,), (1,), (2, 3)]
    assert [(doubt.reason, len(doubt.steps)) for doubt in doubts] == [("weak", 1 + len(NAMES))]
