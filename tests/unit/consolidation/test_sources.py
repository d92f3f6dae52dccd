"""Every kind of source gives the same records, and says the same of what is wrong in it."""

from pathlib import Path
from typing import Any

import pytest

from factories.legacy import extracted
from factories.sources import FIRST, MAPPINGS, SECOND, WRITERS, Row, mapping_of
from hoeksteen.consolidation import translate
from hoeksteen.consolidation.model import Extract
from hoeksteen.consolidation.readers import columns_of_source
from hoeksteen.kernel.errors import Conflict, InvalidInput, NotFound

KINDS = list(WRITERS)
BY_ROW = ("csv", "excel", "parquet")


def read_as(folder: Path, kind: str, rows: list[Row], text: str | None = None) -> Extract:
    return extracted(WRITERS[kind](folder, rows), mapping_of(folder, kind, text))


NOT_POSSIBLE = {("NUL byte", "xml"), ("NUL byte", "excel")}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_customers_from_every_kind_of_source(tmp_path: Path, kind: str) -> None:
    found = read_as(tmp_path, kind, [FIRST, SECOND])
    assert [(record.source_key, record.birth_date.isoformat() if record.birth_date else "", record.phones) for record in found.records] == [
        ("K1", "1960-07-04", ("31612345677",)),
        ("K2", "1981-03-05", ("31612345673",)),
    ]
    assert [record.name.family_name for record in found.records if record.name] == ["Berg", "Öztürk"]
    assert [(product.item_key, str(product.monthly), product.start.isoformat()) for record in found.records for product in record.products] == [
        ("L1", "12.50", "2019-03-01"),
        ("L2", "12.50", "2019-03-01"),
    ]
    assert (found.findings, found.rejected, len(found.digest)) == ([], [], 64)


# a fault in one record: (columns that change, the code of its rejection or finding)
FAULTS: dict[str, tuple[Row, str]] = {
    "NUL byte": ({"NAAM": "BERG\x00 J.M."}, "nul_byte"),
    "31-02": ({"SINDS": "2019-02-31"}, "impossible_date"),
    "a day of birth of 31-02": ({"GEBOREN": "1960-02-31"}, "impossible_date"),
    "01-01-1900": ({"GEBOREN": "1900-01-01"}, "filler"),
    "spreadsheet damage": ({"TELEFOON": "6.12345678E8"}, "spreadsheet_damage"),
    "a number without some of its digits": ({"TELEFOON": "6.12E8"}, "spreadsheet_damage"),
    "no amount": ({"BEDRAG": "12,50"}, "not_an_amount"),
    "another code": ({"CODE": "Q"}, "unknown_product"),
    "too long": ({"NAAM": "X" * 5_000}, "too_long"),
    "no name": ({"NAAM": None}, "no_name"),
    "one key for two": ({"KLANT": "K1"}, "key_repeats"),
}


# neither XML nor a workbook can hold a NUL byte
@pytest.mark.parametrize(("kind", "fault"), [(kind, fault) for kind in KINDS for fault in FAULTS if (fault, kind) not in NOT_POSSIBLE])
def test_a_fault_in_one_record_is_told_and_the_others_are_read(tmp_path: Path, kind: str, fault: str) -> None:
    changes, code = FAULTS[fault]
    found = read_as(tmp_path, kind, [FIRST, {**SECOND, **changes}])
    assert code in [entry.finding.code for entry in found.rejected] + [finding.code for finding in found.findings]
    assert [record.source_key for record in found.records][:1] == ["K1"]
    place = {entry.finding.place for entry in found.rejected} | {finding.place for finding in found.findings}
    assert place == {f"{WRITERS[kind](tmp_path, [FIRST]).name}:{3 if kind in ('csv', 'excel') else 2}"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("header", "field", "what"),
    [
        (("KLANT", "NAAM", "GEBOREN", "TELEFOON", "FAX", "CODE", "LIJN", "SINDS", "BEDRAG"), "FAX", "does not know this column"),
        (("KLANT", "NAAM", "GEBOREN", "CODE", "LIJN", "SINDS", "BEDRAG"), "TELEFOON", "missing"),
        (("KLANT", "GEBOREN", "NAAM", "TELEFOON", "CODE", "LIJN", "SINDS", "BEDRAG"), "GEBOREN", "another place"),
    ],
)
def test_a_column_that_is_new_gone_or_moved(tmp_path: Path, kind: str, header: tuple[str, ...], field: str, what: str) -> None:
    file = WRITERS[kind](tmp_path, [{**FIRST, "FAX": "1"}], header)
    mapping = mapping_of(tmp_path, kind)
    by_name = kind in ("jsonl", "xml", "parquet")
    if (what == "missing" and kind in ("jsonl", "xml")) or (what == "another place" and by_name):
        assert len(extracted(file, mapping).records) == 1, "each value has its name with it"
        return
    with pytest.raises(InvalidInput) as caught:
        extracted(file, mapping)
    assert f"field {field}" in caught.value.message
    assert what in caught.value.message
    assert "old" in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize("share", [0.3, 0.95])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "database"])
def test_a_source_that_was_cut_off_is_refused(tmp_path: Path, kind: str, share: float) -> None:
    rows = [{**FIRST, "KLANT": f"K{number}", "LIJN": f"L{number}", "NAAM": f"BERG{number} J.M."} for number in range(200)]
    file = WRITERS[kind](tmp_path, rows)
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(InvalidInput, match=r"old\.") as caught:
        extracted(file, mapping_of(tmp_path, kind))
    assert caught.value.remedy


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_that_is_not_there_or_something_else(tmp_path: Path, kind: str) -> None:
    file = WRITERS[kind](tmp_path, [FIRST])
    mapping = mapping_of(tmp_path, kind)
    file.unlink()
    with pytest.raises(NotFound, match=r"old\."):
        extracted(file, mapping)
    file.write_bytes(b"%PDF-1.4\n\x00\xff\n")
    with pytest.raises(InvalidInput, match=r"old\."):
        extracted(file, mapping)


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_that_changes_while_it_is_read(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file = WRITERS[kind](tmp_path, [FIRST, SECOND])
    reading = translate.read

    def meanwhile(**given: Any) -> Any:
        for number, raw in enumerate(reading(**given)):
            yield raw
            if not number and kind != "database":
                WRITERS[kind](tmp_path, [{**FIRST, "NAAM": "JANSEN A."}, SECOND])

    monkeypatch.setattr(translate, "read", meanwhile)
    if kind == "database":
        assert len(extracted(file, mapping_of(tmp_path, kind)).records) == 2
        return
    with pytest.raises((Conflict, InvalidInput), match=r"old\."):
        extracted(file, mapping_of(tmp_path, kind))


@pytest.mark.parametrize("kind", KINDS)
def test_the_columns_of_a_source_are_told_without_its_mappings_help(tmp_path: Path, kind: str) -> None:
    file = WRITERS[kind](tmp_path, [FIRST])
    found = columns_of_source(mapping=mapping_of(tmp_path, kind), file=file)
    if kind in BY_ROW:
        assert found == {"": ["KLANT", "NAAM", "GEBOREN", "TELEFOON", "CODE", "LIJN", "SINDS", "BEDRAG"]}
    else:
        assert found == {"": ["KLANT", "NAAM", "GEBOREN", "TELEFOON"], "lijnen": ["CODE", "LIJN", "SINDS", "BEDRAG"]}


@pytest.mark.parametrize("kind", BY_ROW)
def test_rows_of_one_customer_make_one_record(tmp_path: Path, kind: str) -> None:
    text = MAPPINGS[kind].replace(f"{{kind: {kind}", f"{{kind: {kind}, rows_per_record: many", 1)
    found = read_as(tmp_path, kind, [FIRST, {**FIRST, "LIJN": "L9"}, SECOND], text)
    assert [(record.source_key, [product.item_key for product in record.products]) for record in found.records] == [
        ("K1", ["L1", "L9"]),
        ("K2", ["L2"]),
    ]
    found = read_as(tmp_path, kind, [FIRST, {**FIRST, "LIJN": "L9", "NAAM": "JANSEN A."}, SECOND], text)
    assert [(entry.finding.field, entry.finding.code) for entry in found.rejected] == [("NAAM", "rows_differ")]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scheme", ["postgres", "postgresql+psycopg", "PostgreSQL", "oracle", "postgresql"])
def test_an_address_that_is_read_by_nothing_is_not_repeated(tmp_path: Path, kind: str, scheme: str) -> None:
    with pytest.raises((InvalidInput, NotFound)) as caught:
        extracted(Path(f"{scheme}://reader:geheim@host/crm"), mapping_of(tmp_path, kind))
    assert "geheim" not in str(caught.value)
    assert "reader@host" in str(caught.value) or "password" in str(caught.value)


def test_a_record_where_headings_should_stand_is_not_repeated(tmp_path: Path) -> None:
    file = WRITERS["csv"](tmp_path, [{**FIRST, "KLANT": "DE VRIES"}, SECOND])
    file.write_bytes(file.read_bytes().split(b"\n", 1)[1])
    with pytest.raises(InvalidInput, match="none of the names there is one of the mapping's columns") as caught:
        extracted(file, mapping_of(tmp_path, "csv"))
    assert "VRIES" not in str(caught.value)
