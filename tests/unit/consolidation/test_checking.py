"""A check says everything that a run would stumble over, in one go, and shows no value but codes that several rows hold."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from factories.legacy import TODAY
from factories.sources import COLUMNS, FIRST, MAPPINGS, WRITERS, Row, mapping_of, write_csv
from hoeksteen.consolidation.check import Check, check
from hoeksteen.consolidation.model import Source
from hoeksteen.interfaces.cli.consolidate_check import check_command


def rows_of(count: int, **changes: str) -> list[Row]:
    return [{**FIRST, "KLANT": f"K{number}", "LIJN": f"L{number}", **changes} for number in range(count)]


def checked(folder: Path, kind: str, rows: list[Row], text: str | None = None, header: tuple[str, ...] = COLUMNS) -> Check:
    mapping = mapping_of(folder, kind, text)
    return check(source=Source(mapping.file, WRITERS[kind](folder, rows, header)), today=TODAY, cutover=TODAY)


@pytest.mark.parametrize("kind", list(WRITERS))
def test_an_export_that_fits_passes_and_says_what_would_be_loaded(tmp_path: Path, kind: str) -> None:
    found = checked(tmp_path, kind, rows_of(5))
    assert (found.passes, found.refusals, found.records, found.unmapped, found.missing) == (True, [], 5, [], [])
    assert found.loads == {"records": 5, "organizations": 0, "products": 5, "numbers": 0, "SIMs": 0, "discounts": 0}


@pytest.mark.parametrize("kind", list(WRITERS))
def test_all_columns_that_differ_are_named_at_once(tmp_path: Path, kind: str) -> None:
    header = ("KLANT", "NAAM", "FAX", "PAGER", "CODE", "LIJN", "SINDS", "BEDRAG")
    found = checked(tmp_path, kind, [{**FIRST, "FAX": "1", "PAGER": "2"}], header=header)
    assert (found.unmapped, found.missing, found.passes) == (["FAX", "PAGER"], ["GEBOREN", "TELEFOON"], False)


def test_rows_that_fail_are_counted_by_field_and_reason_without_a_value(tmp_path: Path) -> None:
    rows = rows_of(30)
    rows[4]["BEDRAG"], rows[7]["BEDRAG"], rows[9]["SINDS"] = "geheim", "ook geheim", "31-02-2019"
    found = checked(tmp_path, "csv", rows, MAPPINGS["csv"] + "rejected_percent_max: 20\n")
    assert [(one.field, one.code, one.records, one.first_place) for one in found.failing] == [
        ("BEDRAG", "not_an_amount", 2, "old.csv:6"),
        ("SINDS", "impossible_date", 1, "old.csv:11"),
    ]
    assert found.passes
    text = json.dumps(found.as_json(), default=str)
    assert not [value for value in ("geheim", "BERG", "0612345677", "1960") if value in text]


def test_so_many_failing_rows_that_a_run_would_be_refused(tmp_path: Path) -> None:
    found = checked(tmp_path, "csv", rows_of(40, BEDRAG="x"))
    assert not found.passes
    assert "does not fit this file" in found.refusals[0]
    assert found.failing[0].records == 40


def test_codes_are_shown_where_several_rows_hold_them_and_names_in_their_place_are_not(tmp_path: Path) -> None:
    rows = [*rows_of(6), *({**row, "KLANT": f"X{place}", "CODE": "Q7"} for place, row in enumerate(rows_of(4)))]
    rows.append({**FIRST, "KLANT": "Y", "CODE": "Jansen 12"})
    found = checked(tmp_path, "csv", rows)
    assert [(one.column, one.code, one.rows, one.first_row) for one in found.unknown_codes] == [("CODE", "Q7", 4, 8), ("CODE", "AAAAAA 99", 1, 12)]
    many = checked(tmp_path, "csv", [{**row, "CODE": f"name{place % 60}"} for place, row in enumerate(rows_of(300))])
    assert {one.code for one in many.unknown_codes} == {"AAAA9", "AAAA99"}


def test_tests_and_assertions_are_told_one_by_one(tmp_path: Path) -> None:
    more = "tests:\n  - {name: a name, given: {NAAM: BERG J.M.}, expect: {family_name: Dal}}\n"
    more += "assertions: {unique: [KLANT, CODE], count_between: {records: [1, 9]}}\n"
    found = checked(tmp_path, "csv", rows_of(3), MAPPINGS["csv"] + more)
    assert [(fault.test, fault.what) for fault in found.example_faults] == [("a name", "family_name: Dal is expected, and came: Berg")]
    assert [(one.name, one.holds) for one in found.assertions] == [("unique.KLANT", True), ("unique.CODE", False), ("count_between.records", True)]
    assert len(found.refusals) == 2
    assert found.loads["records"] == 3, "and the rest is told as well"


@pytest.mark.parametrize(("count", "status"), [(3, 0), (30, 1)])
def test_the_command_ends_with_what_a_run_would_do(tmp_path: Path, count: int, status: int) -> None:
    rows = [{**row, **({"SINDS": "x"} if count > 3 else {})} for row in rows_of(count)]
    mapping, file = mapping_of(tmp_path, "csv"), write_csv(tmp_path, rows)
    done = CliRunner().invoke(check_command, ["--mapping", str(mapping.file), "--input", str(file), "--json"])
    assert done.exit_code == status
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["passes"], told["sources"][0]["source"]) == (status == 0, "old")
    plain = CliRunner().invoke(check_command, ["--mapping", str(mapping.file), "--input", str(file)])
    assert ("a run would load it" in plain.output) == (status == 0)
    assert "BERG" not in plain.output
