"""Other kinds of sources through the whole of a run, and what refuses a run before it writes anything."""

import shutil
from pathlib import Path

import pytest

from factories.exports import bring_in
from factories.sources import FIRST, MAPPINGS, WRITERS, mapping_of, write_csv
from fixtures.keeper import RunningKeeper
from hoeksteen.consolidation.model import Source
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.storage.postgres import Database

ROWS = [{**FIRST, "KLANT": f"K{number}", "LIJN": f"L{number}", "NAAM": f"BERG{'ABCDE'[number]} J.M."} for number in range(5)]


def rows_in(database: Database) -> int:
    with database.transaction() as tx:
        return int(tx.value("SELECT (SELECT count(*) FROM party.party) + (SELECT count(*) FROM consolidation.source_file)"))


def test_a_workbook_and_a_database_are_brought_in_to_the_cent(database: Database, keeper: RunningKeeper, tmp_path: Path) -> None:
    given = []
    for kind in ("excel", "database"):
        folder = tmp_path / kind
        folder.mkdir()
        text = MAPPINGS[kind].replace("source: old", f"source: {kind}")
        given.append(Source(mapping_of(folder, kind, text).file, WRITERS[kind](folder, [{**row, "KLANT": f"{kind}{row['KLANT']}"} for row in ROWS])))
    report = bring_in(database, keeper.client("bss"), tmp_path, "kinds", given=given)
    assert report.closes
    assert [(source.records_in, source.products_out, str(source.monthly_in)) for source in report.sources] == [(5, 5, "62.50"), (5, 5, "62.50")]
    with database.transaction() as tx:
        digests = tx.rows("SELECT source, digest FROM consolidation.source_file ORDER BY source")
    assert [len(row["digest"]) for row in digests] == [64, 64]


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ("tests:\n  - {name: never, given: {NAAM: BERG J.M.}, expect: {family_name: Dal}}\n", "test `never`: family_name: Dal is expected"),
        ("assertions: {sum_equals: {BEDRAG: '62.51'}}\n", "asserts sum_equals.BEDRAG, and found: 62.50, and 62.51 asserted"),
    ],
)
def test_a_mapping_that_does_not_prove_itself_loads_nothing(database: Database, keeper: RunningKeeper, tmp_path: Path, more: str, what: str) -> None:
    mapping = mapping_of(tmp_path, "csv", MAPPINGS["csv"] + more)
    with pytest.raises(InvalidInput) as caught:
        bring_in(database, keeper.client("bss"), tmp_path, "proof", given=[Source(mapping.file, write_csv(tmp_path, ROWS))])
    assert what in caught.value.message
    assert rows_in(database) == 0


def test_one_export_under_two_names_is_refused(database: Database, keeper: RunningKeeper, tmp_path: Path) -> None:
    file = write_csv(tmp_path, ROWS)
    again = tmp_path / "again.csv"
    shutil.copy(file, again)
    mapping = mapping_of(tmp_path, "csv").file
    other = tmp_path / "other.yaml"
    other.write_text(MAPPINGS["csv"].replace("source: old", "source: other"), "utf-8")
    with pytest.raises(InvalidInput, match=r"again\.csv holds the same as .*old\.csv, to the byte: one export is given twice"):
        bring_in(database, keeper.client("bss"), tmp_path, "twice", given=[Source(mapping, file), Source(other, again)])
    assert rows_in(database) == 0
