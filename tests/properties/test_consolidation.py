"""What holds of standardising, clusters and balances whatever comes in."""

from datetime import date
from decimal import Decimal
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import phonenumbers
from hypothesis import given, settings
from hypothesis import strategies as st
from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from factories.legacy import facts
from hoeksteen.consolidation._expected import monthly_in
from hoeksteen.consolidation._plans import Plan
from hoeksteen.consolidation.clusters import CLUSTER_SIZE_MAX, build_clusters
from hoeksteen.consolidation.columns import ColumnReader, Draft
from hoeksteen.consolidation.features import Facts
from hoeksteen.consolidation.guards import contradiction, distance
from hoeksteen.consolidation.mapping import Column, read_mapping
from hoeksteen.consolidation.model import Discount, LegacyProduct, Pair
from hoeksteen.consolidation.standardise import addresses, companies, contact
from hoeksteen.consolidation.standardise.names import in_parts, initials_of, single_field
from hoeksteen.consolidation.standardise.text import as_written, fold, phonetic, tidy

WORDS = st.sampled_from(
    ["BERG", "VAN", "DER", "DE", "DEN", "'T", "V.D.", "JANSEN", "VRIES-JANSEN", "A.", "J.M.", "JM", "TH.", "IJ.", "DHR", "MEVR", "JR", "ÖZ"]
)
NAMES = st.one_of(st.lists(WORDS, min_size=1, max_size=7).map(" ".join), st.text(max_size=40))
TEXTS = st.text(max_size=40)


@given(NAMES)
def test_a_standardised_name_stays_as_it_is(text: str) -> None:
    name = single_field(text)
    if name is None:
        return
    again = in_parts(
        family_name=name.family_name, family_name_prefix=name.family_name_prefix, initials=name.initials, given_name=name.given_name,
        maiden_name=name.maiden_name, gender=name.gender,
    )  # fmt: skip
    assert again is not None
    assert (again.initials, again.gender) == (name.initials, name.gender)
    twice = in_parts(
        family_name=again.family_name, family_name_prefix=again.family_name_prefix, initials=again.initials, given_name=again.given_name,
        maiden_name=again.maiden_name, gender=again.gender,
    )  # fmt: skip
    assert twice == again


@given(TEXTS)
def test_standardising_twice_is_standardising_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert tidy(tidy(text)) == tidy(text)
    assert as_written(as_written(tidy(text))) == as_written(tidy(text))
    assert phonetic(text) == phonetic(text.upper())
    for once in (lambda value: contact.phone(value)[0], lambda value: contact.email(value)[0], lambda value: contact.iban(value)[0]):
        found = once(text)
        assert found is None or once(found) == found
    for simple in (
        addresses.postcode,
        addresses.city_name,
        addresses.addition_text,
        addresses.street_name,
        initials_of,
        companies.chamber_of_commerce_number,
    ):
        found = simple(text)
        assert found is None or simple(found) == found


@given(st.from_regex(r"(\+31|0031|0|31)6[1-9][0-9]{7}", fullmatch=True))
def test_the_fast_way_of_mobile_numbers_is_the_libraries(text: str) -> None:
    found, wrong = contact.phone(text)
    candidate = f"+{text}" if text.startswith("31") else f"+{text[2:]}" if text.startswith("00") else text
    parsed = phonenumbers.parse(candidate, "NL")
    if wrong not in ("filler", "spreadsheet_damage"):
        assert (found is not None) == phonenumbers.is_valid_number(parsed)
    assert found is None or found == f"31{parsed.national_number}"


@given(st.from_regex(r"NL[0-9]{2}(ABNA|INGB|RABO)0[0-9]{9}", fullmatch=True))
def test_the_fast_way_of_ibans_is_the_libraries(text: str) -> None:
    try:
        right = bool(IBAN(text))
    except SchwiftyException:
        right = False
    assert (contact.iban(text)[0] is not None) == right


@given(st.text(alphabet="ABC", max_size=6), st.text(alphabet="ABC", max_size=6))
def test_distance_is_symmetric_and_nought_for_equals(one: str, other: str) -> None:
    assert distance(one, other) == distance(other, one)
    assert (distance(one, other) == 0) == (one == other)


FACTS = st.builds(
    facts,
    surnames=st.sampled_from([("BERG",), ("BEGR",), ("VISSER",), ("VISSERBERG", "VISSER", "BERG")]),
    initials=st.sampled_from(["", "J", "JM", "JP", "K"]),
    given_name=st.sampled_from(["", "JAN", "JOOST"]),
    gender=st.sampled_from(["", "male", "female"]),
    suffix=st.sampled_from(["", "Jr", "Sr"]),
    birth_date=st.sampled_from(["", "19600704", "19600407", "19300704", "19850311"]),
    dwelling=st.sampled_from(["", "1234AB|12|", "9999ZZ|1|"]),
    phones=st.sampled_from([frozenset(), frozenset({"31612345677"})]),
    emails=st.sampled_from([frozenset(), frozenset({"jan@post.example"})]),
    iban=st.sampled_from(["", "NL91ABNA0417164300"]),
)


@st.composite
def populations(draw: st.DrawFn) -> tuple[list[Facts], list[Pair]]:
    known = draw(st.lists(FACTS, min_size=2, max_size=12))
    pairs = [Pair(one, other, draw(st.floats(0, 40))) for one, other in combinations(range(len(known)), 2) if draw(st.booleans())]
    return known, sorted(pairs, key=lambda pair: (-pair.weight, pair.left, pair.right))


@given(populations())
@settings(max_examples=300)
def test_no_cluster_holds_a_contradiction_and_every_record_is_in_one(population: tuple[list[Facts], list[Pair]]) -> None:
    known, pairs = population
    clusters, doubts = build_clusters(facts=known, pairs=pairs, rank=[(1, place) for place in range(len(known))])
    assert sorted(place for cluster in clusters for place in cluster.members) == list(range(len(known)))
    of = {place: number for number, cluster in enumerate(clusters) for place in cluster.members}
    for cluster in clusters:
        assert len(cluster.members) <= CLUSTER_SIZE_MAX
        assert all(contradiction(known[one], known[other]) is None for one, other in combinations(cluster.members, 2))
    for doubt in doubts:
        assert of[doubt.left] != of[doubt.right]
        assert clusters[of[doubt.left]].in_review or clusters[of[doubt.right]].in_review


@given(FACTS, FACTS)
def test_a_contradiction_has_no_direction(one: Facts, other: Facts) -> None:
    assert contradiction(one, other) == contradiction(other, one)
    assert contradiction(one, one) is None


DAYS = st.dates(date(2026, 1, 1), date(2027, 12, 31))


@given(DAYS, DAYS, st.sampled_from([Decimal("12.50"), Decimal("39.00")]), st.sampled_from([Decimal("-10"), Decimal("-50")]))
def test_a_product_costs_nothing_outside_its_service_and_at_most_its_amount_inside(
    start: date, day: date, monthly: Decimal, percent: Decimal
) -> None:
    discount = Discount("d", "percentage", percent, start, None)
    held = LegacyProduct("1", "fixed-basic", start, None, None, None, monthly, discounts=(discount,))
    found = monthly_in(held, day)
    assert (found == 0) == (day < start)
    assert found <= monthly
    assert found == found.quantize(Decimal("0.01"))


COLUMNS = [
    (name, column, "")
    for mapping in ("fixed", "mobile", "broadband")
    for name, column in read_mapping(Path(mapping)).record_columns.items()
] + [
    (name, column, child.of)
    for mapping in ("mobile", "broadband")
    for child in read_mapping(Path(mapping)).lists.values()
    for name, column in child.columns.items()
]  # fmt: skip


@given(st.sampled_from(COLUMNS), st.sampled_from(["", "01-02-1960", "19600201", "J.M.", "12,50", "030-2123456", "1", "A"]) | st.text(max_size=12))
def test_a_value_that_is_remembered_says_what_it_said(column: tuple[str, Column, str], text: str) -> None:
    name, declared, group = column
    plan, reader = Plan([(name, declared)], group=group), ColumnReader(declared, name, group=group)
    outcomes = []
    for read in (partial(reader.read, raw=text), *[partial(plan.read, values={name: text})] * 2):
        draft, parts = Draft(), dict[str, Any]()
        read(draft, parts)
        outcomes.append((parts, draft.addresses, draft.phones, draft.emails, draft.notes, draft.faults))
    assert outcomes[0] == outcomes[1] == outcomes[2]


@given(st.from_regex(r"(?:0|\+31|0031|31)[0-9]{9}", fullmatch=True))
def test_a_line_is_valid_where_the_library_says_so(text: str) -> None:
    quick = contact._lines().fullmatch(text)
    if quick:
        assert contact._parsed(text) == ("31" + quick[1], None)
