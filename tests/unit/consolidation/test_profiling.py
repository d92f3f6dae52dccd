"""A profile shows what a column looks like, and never a value."""

from datetime import date
from pathlib import Path

from factories.legacy import fixed_row, write_fixed
from hoeksteen.consolidation.model import Source
from hoeksteen.consolidation.profile import ColumnProfile, profile

DAY = date(2026, 11, 1)


def profiled(folder: Path, *rows: str) -> dict[str, ColumnProfile]:
    found = profile(source=Source(Path("fixed"), write_fixed(folder, *rows)), today=DAY, cutover=DAY)
    return {column.name: column for column in found.columns}


def test_columns_are_counted_and_shaped(tmp_path: Path) -> None:
    rows = (fixed_row(), fixed_row(line="A1000002"), fixed_row("10000002", "A1000003", EMAIL="", GEBDAT="05-03-1981"))
    columns = profiled(tmp_path, *rows)
    assert (columns["EMAIL"].rows, columns["EMAIL"].filled, columns["EMAIL"].distinct) == (2, 1, 1)
    assert (columns["NUMMER"].rows, columns["NUMMER"].shapes) == (3, [("999-9999999", 3)])
    assert (columns["GEBDAT"].kind, columns["GEBDAT"].target) == ("day", "birth_date")
    assert (columns["PRODUCT"].codes, columns["PRODUCT"].shapes) == ([("TEL-B", 3)], [])


def test_what_looks_wrong_is_said(tmp_path: Path) -> None:
    rows = [fixed_row(f"{10_000_000 + number}", f"A{1_000_000 + number}", GEBDAT=f"{number % 28 + 1:02d}-03-1981") for number in range(60)]
    rows += [fixed_row(f"{20_000_000 + number}", f"A{2_000_000 + number}", GEBDAT="01-01-1900", CONTACT="6.12345678E8") for number in range(30)]
    columns = profiled(tmp_path, *rows)
    assert dict(columns["CONTACT"].suspicions)["spreadsheet damage"] == 30
    assert dict(columns["GEBDAT"].suspicions)["filler"] == 30


def test_a_profile_holds_no_value(tmp_path: Path) -> None:
    found = profile(source=Source(Path("fixed"), write_fixed(tmp_path, fixed_row())), today=DAY, cutover=DAY)
    text = str(found.as_json())
    for value in ("BERG", "KERKSTR", "1234", "NOORDBEEK", "JAN@POST", "NL91", "1960", "30-2123456"):
        assert value not in text
