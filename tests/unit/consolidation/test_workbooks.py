"""What spreadsheets do to data: repaired where nothing is guessed and said so, refused in clear words where not."""

import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from factories.legacy import extracted
from factories.sources import COLUMNS, FIRST, MAPPINGS, SECOND, mapping_of, write_excel
from hoeksteen.consolidation.model import Extract
from hoeksteen.consolidation.readers import RawRecord, read
from hoeksteen.kernel.errors import InvalidInput

CELL = {name: f"{chr(65 + place)}2" for place, name in enumerate(COLUMNS)}


def changed(folder: Path, change: Callable[[Any], None], text: str | None = None) -> Extract:
    file = write_excel(folder, [FIRST, SECOND])
    book = openpyxl.load_workbook(file)
    change(book)
    book.save(file)
    return extracted(file, mapping_of(folder, "excel", text))


def with_number(folder: Path, stored: str, *, name: str = "TELEFOON", number_format: str = "General") -> RawRecord:
    """The record of a workbook whose cell holds this number, to the letter."""
    file = write_excel(folder, [FIRST])
    book = openpyxl.load_workbook(file)
    book.active[CELL[name]].value = 4321
    book.active[CELL[name]].number_format = number_format
    book.save(file)
    whole = folder / "patched.xlsx"
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(whole, "w") as new:
        for part in old.namelist():
            content = old.read(part)
            new.writestr(part, content.replace(b"<v>4321</v>", f"<v>{stored}</v>".encode()) if "sheet1" in part else content)
    (record,) = read(mapping=mapping_of(folder, "excel"), file=whole)
    return record


@pytest.mark.parametrize(
    ("stored", "text", "note"),
    [
        ("612345677", "612345677", None),
        ("31612345678.0", "31612345678", "number_repaired"),
        ("6.12345678E8", "612345678", "number_repaired"),
        ("6.12E8", "6.12E8", None),  # refused as spreadsheet damage where a number is read
        ("12.5", "12.5", None),
        ("12.300000000000001", "12.3", "number_repaired"),
        ("0.1", "0.1", None),
        ("1.25E-2", "0.0125", "number_repaired"),
        ("8.931990000000001E18", None, "digits_lost"),
        ("1234567890123456789", None, "digits_lost"),
        ("-12.5", "-12.5", None),
        ("1E400", "1E400", None),
    ],
)
def test_a_number_is_what_the_file_holds(tmp_path: Path, stored: str, text: str | None, note: str | None) -> None:
    record = with_number(tmp_path, stored)
    assert record.values["TELEFOON"] == text
    assert record.notes == ([("TELEFOON", note)] if note else [])


def test_leading_zeros_that_are_only_shown_are_kept(tmp_path: Path) -> None:
    record = with_number(tmp_path, "612345677", number_format="0000000000")
    assert (record.values["TELEFOON"], record.notes) == ("0612345677", [("TELEFOON", "number_repaired")])


def test_a_key_whose_digits_are_gone_rejects_its_record(tmp_path: Path) -> None:
    record = with_number(tmp_path, "8.931990000000001E18", name="KLANT")
    assert record.fault == ("KLANT", "digits_lost")


def test_days_are_read_as_days_however_they_are_shown(tmp_path: Path) -> None:
    def days(book: Any) -> None:
        book.active[CELL["GEBOREN"]] = date(1960, 7, 4)
        book.active[CELL["SINDS"]] = datetime.fromisoformat("2019-03-01")
        book.active[CELL["SINDS"]].number_format = "[$-413]d mmmm jjjj;@"

    record = changed(tmp_path, days).records[0]
    assert (str(record.birth_date), str(record.products[0].start)) == ("1960-07-04", "2019-03-01")


@pytest.mark.parametrize(("number", "day", "codes"), [(22101, "1960-07-04", []), (60, "None", ["impossible_date"])])
def test_a_day_that_is_shown_as_its_number_is_read_where_the_mapping_says_so(tmp_path: Path, number: int, day: str, codes: list[str]) -> None:
    text = MAPPINGS["excel"].replace("GEBOREN: {to: birth_date, format: iso}", "GEBOREN: {to: birth_date, format: excel_serial}")
    found = extracted(write_excel(tmp_path, [{**FIRST, "GEBOREN": number}]), mapping_of(tmp_path, "excel", text))
    assert (str(found.records[0].birth_date), [finding.code for finding in found.findings]) == (day, codes)


def _formula(book: Any) -> None:
    book.active[CELL["NAAM"]] = "=CONCATENATE(A2, B3)"


def _merged(book: Any) -> None:
    book.active.merge_cells("B2:B3")


def _merged_title(book: Any) -> None:
    book.active.insert_rows(1)
    book.active["A1"] = "Klanten per november"
    book.active.merge_cells("A1:D1")


def _hidden(book: Any) -> None:
    book.create_sheet("Leeg")
    book["Klanten"].sheet_state = "hidden"


def _hidden_other(book: Any) -> None:
    book.create_sheet("Oud").sheet_state = "hidden"


def _second(book: Any) -> None:
    book.create_sheet("Blad2")


def _no_heading(book: Any) -> None:
    book.active["C1"] = None


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (_formula, "sheet Klanten cell B2 holds a formula without its value"),
        (_merged, "the cells B2:B3 are merged"),
        (_hidden_other, "sheet Oud: the mapping does not know this hidden sheet"),
        (_second, "2 sheets that are shown: Klanten, Blad2"),
        (_no_heading, "column C has no heading"),
    ],
)
def test_what_a_workbook_hides_is_refused_in_words(tmp_path: Path, change: Callable[[Any], None], what: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        changed(tmp_path, change)
    assert what in caught.value.message
    assert caught.value.remedy


def test_a_hidden_sheet_is_read_only_where_the_mapping_says_so(tmp_path: Path) -> None:
    named = MAPPINGS["excel"].replace("{kind: excel}", "{kind: excel, sheet: Klanten, ignore_sheets: {Leeg: nothing in it}}")
    with pytest.raises(InvalidInput, match="the sheet Klanten is hidden"):
        changed(tmp_path, _hidden, named)
    assert len(changed(tmp_path, _hidden, named.replace("kind: excel,", "kind: excel, hidden: true,")).records) == 2


def test_a_title_above_the_headings(tmp_path: Path) -> None:
    text = MAPPINGS["excel"].replace("{kind: excel}", "{kind: excel, header_row: 2}")
    assert [record.row for record in changed(tmp_path, _merged_title, text).records] == [3, 4]


def test_an_error_of_the_spreadsheet_rejects_its_record(tmp_path: Path) -> None:
    def error(book: Any) -> None:
        book.active[CELL["NAAM"]] = "#REF!"

    found = changed(tmp_path, error)
    assert [(entry.finding.place, entry.finding.field, entry.finding.code) for entry in found.rejected] == [
        ("old.xlsx:2", "NAAM", "spreadsheet_error")
    ]


def test_a_value_beside_the_headings_rejects_its_record_and_empty_rows_are_none(tmp_path: Path) -> None:
    def beside(book: Any) -> None:
        book.active["J3"] = "moved"
        book.active["A9"] = ""

    found = changed(tmp_path, beside)
    assert [(entry.finding.place, entry.finding.code) for entry in found.rejected] == [("old.xlsx:3", "broken_line")]


def test_lists_stand_on_sheets_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / "old.xlsx"
    book = openpyxl.Workbook()
    book.active.title = "Klanten"
    for row in (COLUMNS[:4], [FIRST[name] for name in COLUMNS[:4]], [SECOND[name] for name in COLUMNS[:4]]):
        book.active.append(list(row))
    lines = book.create_sheet("Lijnen")
    for line in (["KLANT", *COLUMNS[4:]], ["K1", "A", "L1", "2019-03-01", 12.5], ["K1", "A", "L2", "2019-03-01", 7]):
        lines.append(line)
    book.save(file)
    nested = MAPPINGS["xml"].replace("{kind: xml, record: export/klanten/klant}", "{kind: excel, sheet: Klanten}")
    mapping = mapping_of(tmp_path, "excel", nested.replace("path: lijnen/lijn", "sheet: Lijnen"))
    found = extracted(file, mapping)
    assert [[(product.item_key, str(product.monthly)) for product in record.products] for record in found.records] == [
        [("L1", "12.50"), ("L2", "7.00")],
        [],
    ]
    lines.append(["K9", "A", "L3", "2019-03-01", 7])
    book.save(file)
    with pytest.raises(InvalidInput, match="sheet Lijnen row 4, field KLANT: 1 entries belong to no record"):
        extracted(file, mapping)


@pytest.mark.parametrize(("part", "unit"), [("xl/styles.xml", b"<a/>"), ("xl/sharedStrings.xml", b"<si/>"), ("xl/worksheets/sheet1.xml", b"<a/>")])
def test_a_part_that_would_fill_the_memory_is_refused_before_it_is_read(tmp_path: Path, part: str, unit: bytes) -> None:
    file, bomb = write_excel(tmp_path, [FIRST, SECOND]), tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name != part:
                new.writestr(name, old.read(name))
        new.writestr(part, b"<r>" + unit * 5_000_000 + b"</r>")
    assert bomb.stat().st_size < 100_000
    with pytest.raises(InvalidInput, match=r"bomb\.xlsx: a part of the workbook is packed more than 250 times"):
        extracted(bomb, mapping_of(tmp_path, "excel"))


def test_a_workbook_whose_parts_are_locked_is_refused_in_words(tmp_path: Path) -> None:
    file = write_excel(tmp_path, [FIRST, SECOND])
    content = bytearray(file.read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = -1
        while (at := content.find(mark, at + 1)) >= 0:
            content[at + flags] |= 1
    file.write_bytes(content)
    with pytest.raises(InvalidInput, match="locked with a password"):
        extracted(file, mapping_of(tmp_path, "excel"))
