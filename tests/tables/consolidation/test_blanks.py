"""Play `blanks.txt`: what is unknown of two customers makes them no more alike."""

import json
from pathlib import Path
from typing import Any

import pytest

from factories.legacy import FIXED_HEADER, MOBILE, extracted, fixed_row, write_fixed, write_mobile
from hoeksteen.consolidation.clusters import build_clusters
from hoeksteen.consolidation.features import SHARED_BY_MAX, facts_of
from hoeksteen.consolidation.model import Extract, Pair

KEPT = {"KLANTNR", "NAAM", "BETAALWIJZE", "AANSLNR", "NUMMER", "PRODUCT", "STATUS", "INGANG", "GEFACT_TOT", "MAANDBEDR"}
ROWS = [
    [cell.strip() for cell in line.split("|")]
    for line in (Path(__file__).parent / "blanks.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]


def _fixed(folder: Path, name: str, known: dict[str, str]) -> Extract:
    """Two customers of one name, of whom only this is known."""
    blank = dict.fromkeys(set(FIXED_HEADER.split(";")) - KEPT, "")
    both = (("10000001", "A1000001", "030-2123456"), ("10000002", "A1000002", "030-2123457"))
    return extracted(write_fixed(folder, *(fixed_row(key, line, **{**blank, **known, "NAAM": name, "NUMMER": own}) for key, line, own in both)))


def _mobile(folder: Path, company: str | None, known: dict[str, Any]) -> Extract:
    unknown = dict.fromkeys(("initials", "given_name", "prefix", "gender", "birth_date", "address", "email", "contact_phone", "iban", "mandate"))
    records = []
    for number in (1, 2):
        sim = {**MOBILE["sims"][0], "sim_id": f"S{number}", "msisdn": f"3161234567{number}"}
        entry = {**MOBILE, **unknown, "account_id": f"M-100000{number}", "sims": [sim], "surname": "Berg"}
        if company is not None:
            entry |= {"type": "B", "company": {"name": company, "legal_form": None, "kvk": None}, "surname": None}
        for path, value in known.items():
            group, _, leaf = path.rpartition(".")
            if group:
                entry[group] = {**(entry[group] or {}), leaf: value}
            else:
                entry[path] = value
        records.append(json.loads(json.dumps(entry)))
    return extracted(write_mobile(folder, *records), "mobile")


def customers_of(found: Extract) -> int:
    """How many customers two records become, when the score is as sure as can be."""
    assert len(found.records) == 2
    clusters, _ = build_clusters(facts=facts_of(found.records), pairs=[Pair(0, 1, 40.0)], rank=[(1, 0), (1, 1)])
    return len(clusters)


@pytest.mark.parametrize("row", ROWS, ids=" ".join)
@pytest.mark.parametrize("company", [True, False], ids=["company", "person"])
def test_a_blank_is_nothing_in_common(tmp_path: Path, row: list[str], company: bool) -> None:
    source, column, text = row
    if source == "fixed":
        found = _fixed(tmp_path, "BAKKERIJ DE GOUDEN AAR BV" if company else "BERG VAN DEN J.M. DHR", {column: text})
    else:
        value = None if text == "null" else text
        if not company and column.startswith("company."):
            value = None
        found = _mobile(tmp_path, "De Gouden Aar" if company else None, {column: value})
    assert customers_of(found) == 2


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("BAKKERIJ DE GOUDEN AAR BV", {"KVK": "12345679"}),
        ("BAKKERIJ DE GOUDEN AAR BV", {"CONTACT": "06-12345671"}),
        ("BAKKERIJ DE GOUDEN AAR BV", {"EMAIL": "INFO@AAR.EXAMPLE"}),
        ("BAKKERIJ DE GOUDEN AAR BV", {"REKENING": "NL91ABNA0417164300"}),
        ("BAKKERIJ DE GOUDEN AAR BV", {"ADRES": "KERKSTR 12", "POSTCODE": "1234 AB"}),
        ("BERG VAN DEN J.M. DHR", {"GEBDAT": "04-07-1960", "CONTACT": "06-12345671"}),
        ("BERG VAN DEN J.M. DHR", {"EMAIL": "JAN@POST.EXAMPLE", "CONTACT": "06-12345671"}),
    ],
)
def test_what_is_known_is_something_in_common(tmp_path: Path, name: str, known: dict[str, str]) -> None:
    assert customers_of(_fixed(tmp_path, name, known)) == 1


@pytest.mark.parametrize("company", ["漢字株式会社", None], ids=["company", "person"])
def test_names_in_other_scripts_are_not_all_the_same(tmp_path: Path, company: str | None) -> None:
    known = {"email": "balie@post.example", "contact_phone": "0612345673", "birth_date": "1960-07-03T22:00:00Z"}
    same = _mobile(tmp_path, company, known if company else {**known, "surname": "Иванов", "initials": "И."})
    assert customers_of(same) == 1
    facts = facts_of(same.records)
    renamed = {"company": {"name": "別の会社名前", "legal_form": None, "kvk": None}} if company else {"surname": "Петрова", "initials": "П."}
    lines = [json.loads(line) for line in same.file.read_text("utf-8").splitlines()]
    other = extracted(write_mobile(tmp_path, lines[0], {**lines[1], **renamed}), "mobile")
    assert facts_of(other.records) != facts
    assert customers_of(other) == 2


@pytest.mark.parametrize(
    ("known", "field"),
    [
        ({"ADRES": "KERKSTR 12", "POSTCODE": "1234 AB"}, "dwelling"),
        ({"KVK": "12345679"}, "chamber_of_commerce_number"),
        ({"GEBDAT": "01-01-1980"}, "birth_date"),
        ({"REKENING": "NL91ABNA0417164300"}, "iban"),
    ],
)
@pytest.mark.parametrize("too_many", [False, True])
def test_what_many_records_share_says_nothing_about_one(tmp_path: Path, known: dict[str, str], field: str, too_many: bool) -> None:
    blank = dict.fromkeys(("ADRES", "POSTCODE", "KVK", "GEBDAT", "REKENING"), "")
    rows = [
        fixed_row(f"{10_000_000 + number}", f"A{1_000_000 + number}", **{**blank, **known, "NUMMER": f"030-2{100_000 + number}"})
        for number in range(SHARED_BY_MAX + too_many)
    ]
    assert {bool(getattr(one, field)) for one in facts_of(extracted(write_fixed(tmp_path, *rows)).records)} == {not too_many}
