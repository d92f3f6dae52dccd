"""Play `look_alikes.txt`, and what an office, a block of flats and a test customer do to a match."""

from datetime import date
from pathlib import Path

import pytest

from factories.legacy import FACTS, facts, product, record
from hoeksteen.consolidation.clusters import build_clusters
from hoeksteen.consolidation.features import facts_of
from hoeksteen.consolidation.matching import score_pairs
from hoeksteen.consolidation.model import LegacyRecord
from hoeksteen.consolidation.standardise.addresses import Address
from hoeksteen.consolidation.standardise.names import in_parts

CASES: dict[str, list[list[str]]] = {}
for _line in (Path(__file__).parent / "look_alikes.txt").read_text("utf-8").splitlines():
    if _line and not _line.startswith("#"):
        _case, *_cells = (cell.strip() for cell in _line.split("|"))
        CASES.setdefault(_case, []).append(_cells)


def _record(key: int, cells: list[str]) -> LegacyRecord:
    whole, born, door, phones, email, iban, _ = cells
    *words, gender = whole.split()
    initials = words.pop(0) if words[0].endswith(".") else None
    name = in_parts(family_name=words[-1], family_name_prefix=" ".join(words[:-1]), initials=initials)
    postcode, number = door.split()
    return record(
        "fixed",
        str(key),
        name=name,
        gender={"m": "male", "f": "female"}[gender],
        birth_date=date.fromisoformat(born) if born else None,
        addresses={"residential": Address(None, int(number), None, postcode, None)},
        phones=tuple(phones.split()),
        emails=tuple(email.split()),
        iban=iban or None,
        products=(),
    )


@pytest.mark.parametrize("case", CASES)
def test_look_alikes(case: str) -> None:
    rows = CASES[case]
    known = facts_of([_record(key, cells) for key, cells in enumerate(rows)])
    clusters, doubts = build_clusters(facts=known, pairs=score_pairs(known), rank=[(1, place) for place in range(len(rows))])
    wanted: dict[str, list[int]] = {}
    for place, cells in enumerate(rows):
        wanted.setdefault(cells[-1].rstrip("?"), []).append(place)
    assert sorted(sorted(cluster.members) for cluster in clusters) == sorted(wanted.values())
    asked = {place for place, cells in enumerate(rows) if cells[-1].endswith("?")}
    assert all({doubt.left, doubt.right} & asked for doubt in doubts)
    assert asked <= {place for doubt in doubts for place in (doubt.left, doubt.right)}


def test_one_telephone_of_5000_customers_says_nothing_and_costs_nothing() -> None:
    records = [record(key=str(n), phones=("31302123456", f"316{n:08d}"), emails=(f"{n}@post.example",), iban=None, products=()) for n in range(5_000)]
    known = facts_of(records)
    assert {len(fact.phones) for fact in known} == {1}
    assert "31302123456" not in {number for fact in known for number in fact.phones}


def test_an_address_with_300_people_is_no_door_in_common() -> None:
    flat = [
        record(key=str(n), phones=(), emails=(), iban=None, products=(), birth_date=date(1950 + n % 50, 1 + n % 12, 1 + n % 28)) for n in range(300)
    ]
    elsewhere = [record(key=f"e{n}", addresses={"residential": Address(None, n + 1, None, "9876ZX", None)}) for n in range(2)]
    assert [bool(fact.dwelling) for fact in facts_of(flat + elsewhere)] == [False] * 300 + [True] * 2


def test_many_test_customers_stay_apart_and_are_named() -> None:
    name = in_parts(family_name="Test", given_name="Test")
    known = facts_of([record(key=str(n), name=name, products=(product(number=f"316{n:08d}"),)) for n in range(40)] + [record(key="x")])
    assert known.tests() == list(range(40))
    pairs = score_pairs(known)
    assert len(pairs) == 0
    clusters, doubts = build_clusters(facts=known, pairs=pairs, rank=[(1, place) for place in range(41)])
    assert (len(clusters), doubts) == (41, [])


def test_columns_give_back_what_was_laid_out() -> None:
    several = [facts(), facts(surnames=(), phones=frozenset(), iban="", birth_date="", test=True), FACTS]
    laid_out = facts_of([record()]).of(several)
    assert list(laid_out) == several
    assert laid_out[1:] == several[1:]
    assert laid_out[-1] == FACTS
    with pytest.raises(IndexError):
        laid_out[3]
