"""The profile as a page, and the mapping that it proposes: useful to an engineer, and without a single value of a person."""

import re
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner
from lxml import html

from factories.legacy import TODAY
from factories.sources import COLUMNS, FIRST, WRITERS, Row, mapping_of, write_csv
from hoeksteen.consolidation.mapping import Column, mapping_of_text
from hoeksteen.consolidation.model import Source
from hoeksteen.consolidation.profile import ColumnProfile, Join, Profile, _years, day_formats, joins, likely_key, profile, shown_codes
from hoeksteen.consolidation.profile_columns import VALUES_KEPT_MAX, ColumnTally, suspicions_of
from hoeksteen.consolidation.profile_page import issues_of, profile_page
from hoeksteen.consolidation.proposing import propose
from hoeksteen.interfaces.cli.consolidate_profile import profile_command
from hoeksteen.interfaces.cli.consolidate_shared import REMEDIES, remedy_of
from hoeksteen.kernel.errors import InvalidInput

SECRETS = ("BERG", "Berg", "1960-07", "0612345677", "12345677", "secret")


def rows_of(count: int, **changes: str) -> list[Row]:
    return [{**FIRST, "KLANT": f"K{number}", "LIJN": f"L{number}", **changes} for number in range(count)]


def profiled(folder: Path, rows: list[Row], text: str | None = None) -> Profile:
    mapping = mapping_of(folder, "csv", text)
    return profile(source=Source(mapping.file, write_csv(folder, rows)), today=TODAY, cutover=TODAY)


@pytest.mark.parametrize(("language", "words"), [("en", "What needs attention"), ("nl", "Wat aandacht vraagt")])
def test_a_page_stands_alone_and_shows_no_value(tmp_path: Path, language: str, words: str) -> None:
    rows = [*rows_of(80), *({**row, "KLANT": f"X{place}", "GEBOREN": "1900-01-01", "TELEFOON": "6.1E8"} for place, row in enumerate(rows_of(30)))]
    found = profiled(tmp_path, rows)
    page = profile_page(profiles=[found], joins=[Join("a: b", "c: <d>", 90)], day=TODAY, language=language)  # type: ignore[arg-type]
    assert words in page
    assert not [secret for secret in SECRETS if secret in page.replace(found.digest, "")]
    tree = html.fromstring(page)
    assert not tree.xpath("//script | //img | //link | //iframe | //@onclick | //@src")
    assert {link.partition("#")[0] for link in tree.xpath("//@href")} == {""}
    anchors = tree.xpath("//@id")
    assert len(anchors) == len(set(anchors))
    assert {link[1:] for link in tree.xpath("//@href")} <= set(anchors)
    assert len(tree.xpath("//article")) == len(COLUMNS)
    first = [row.text_content() for row in tree.xpath("//table[@class='issues']/tbody/tr")[:2]]
    assert ("GEBOREN" in first[0], "TELEFOON" in first[1]) == (True, True)
    assert tree.get("lang") == language


@pytest.mark.parametrize(
    ("name", "column", "values", "shown"),
    [
        ("SOORT", Column(codes={"P": "individual"}), {"P": 90, "Z": 10}, {"P": 90}),  # what the mapping itself names
        ("STATUS", Column(ignore="why"), {"A": 90, "B": 10}, {"A": 90, "B": 10}),
        ("STATUS", Column(ignore="why"), {"A": 90, "secret": 2}, {}),  # in too few rows: somebody's
        ("STATUS", Column(ignore="why"), {"A": 20, "B": 10}, {}),  # a small export
        ("STATUS", Column(ignore="why"), {"Kerkstraat 12 in Utrecht": 90}, {}),  # too long for a code
        ("STATUS", Column(ignore="why"), {f"C{number}": 10 for number in range(13)}, {}),  # too many to be codes
        ("ACHTERNAAM", Column(ignore="why"), {"Berg": 90, "Dal": 10}, {}),  # by its name
        ("woonplaats", Column(ignore="why"), {"Utrecht": 90, "Dal": 10}, {}),
        ("X1", Column(to="family_name"), {"Berg": 90, "Dal": 10}, {}),  # by what it leads to
        ("X1", Column(to="residential.city"), {"Berg": 90, "Dal": 10}, {}),
    ],
)
def test_which_codes_may_be_shown(name: str, column: Column, values: dict[str, int], shown: dict[str, int]) -> None:
    tally = ColumnTally()
    for value, count in values.items():
        for _ in range(count):
            tally.add(value)
    tally.close()
    assert dict(shown_codes(name, column, tally)) == shown


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("31612345678.0", "spreadsheet damage"),
        ("6.12E8", "spreadsheet damage"),
        ("1980-05-02T22:00:00Z", "local midnight in UTC: use format local_midnight_utc"),
        ("01-01-1900", "filler day"),
        ("1900-01-01", "filler day"),
        ("31-02-2020", "impossible day"),
        ("2020-02-31", "impossible day"),
        ("31-12-9999", "year 9999"),
        ("99991231", "year 9999"),
        ("N/A", "placeholder"),
        ("onbekend", "placeholder"),
        ("0000000000", "filler"),
        ("M\u00c3\u00bcller", "letters of another encoding"),
        ("Caf\ufffd", "letters of another encoding"),
        ("a\x07b", "control character"),
        ("a\u200bb", "control character"),
        (" a", "space at an end"),
        ("x" * 201, "too long"),
        ("Jansen", None),
        ("2020-02-29", None),
        ("Müller", None),
        ("Ântonio Ãvila", None),
        ("12345", None),
    ],
)
def test_what_looks_wrong_with_a_value(value: str, what: str | None) -> None:
    assert list(suspicions_of(value)) == ([what] if what else [])


def test_years_and_amounts_are_counted_without_showing_a_rare_one(tmp_path: Path) -> None:
    rows = rows_of(40)
    rows[0]["GEBOREN"] = "1931-05-06"
    rows[1]["BEDRAG"] = "99"
    columns = {column.name: column for column in profiled(tmp_path, rows).columns}
    assert columns["GEBOREN"].years == [("1960", 39), ("…", 1)]
    assert columns["BEDRAG"].amounts == [("≤ 20", 39), ("≤ 100", 1)]
    assert (columns["NAAM"].years, columns["NAAM"].amounts) == ([], [])


def test_many_different_values_are_estimated_in_little_memory() -> None:
    tally = ColumnTally()
    for number in range(VALUES_KEPT_MAX * 3 // 2):
        tally.add(f"v{number}")
        if number % 10 == 0:
            tally.add("usual")
    tally.close()
    assert not tally.exact
    assert abs(tally.distinct - VALUES_KEPT_MAX * 3 // 2) < VALUES_KEPT_MAX // 8
    assert tally.filled == VALUES_KEPT_MAX * 3 // 2 * 11 // 10
    assert tally.shapes["AAAAA"] == VALUES_KEPT_MAX * 3 // 2 // 10


def test_columns_that_hold_the_same_are_found_by_hashes(tmp_path: Path) -> None:
    people = [f"NAAM{number} A." for number in range(60)]
    rows = [{**row, "NAAM": people[place], "TELEFOON": f"06{place:08d}"} for place, row in enumerate(rows_of(60))]
    one = profiled(tmp_path, rows)
    rows = [
        {**row, "NAAM": people[place].lower() if place < 45 else f"ander{place}", "TELEFOON": f"07{place:08d}"}
        for place, row in enumerate(rows_of(60))
    ]
    other = profiled(tmp_path, rows)
    found = [(pair.one, pair.other) for pair in joins([one, other]) if "NAAM" in pair.one]
    assert found == [("old: NAAM", "old: NAAM")]
    assert [pair.share for pair in joins([one, other]) if "NAAM" in pair.one][0] in range(70, 81)
    assert not [pair for pair in joins([one, other]) if "TELEFOON" in pair.one]


@pytest.mark.parametrize("kind", [kind for kind in WRITERS if kind != "database"])
def test_an_export_without_a_mapping_is_profiled_and_one_is_proposed(tmp_path: Path, kind: str) -> None:
    rows = [{**row, "NAAM": f"BERG{place} A."} for place, row in enumerate(rows_of(30))]
    file = WRITERS[kind](tmp_path, rows)
    first = profile(source=Source(file, file), mapping=propose(file).mapping, today=TODAY, cutover=TODAY)
    assert first.records == 30
    found = propose(file, formats=day_formats(first), key=likely_key(first))
    columns = found.mapping.columns
    assert {name: column.to for name, column in columns.items() if column.to} == {
        **({"NAAM": "name", "TELEFOON": "phone"} if kind != "sqlite" else {}),
    }
    assert (found.mapping.key, found.mapping.match) == ("KLANT", False) or kind == "sqlite"
    again = tmp_path / "proposed.yaml"
    again.write_text(found.text, "utf-8")
    assert mapping_of_text(found.text, again).columns == columns
    assert profile(source=Source(again, file), today=TODAY, cutover=TODAY).records == 30
    assert not [secret for secret in SECRETS if secret in found.text]


def test_a_database_is_not_guessed_and_a_file_without_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="which nobody can guess"):
        propose(Path("postgresql://reader@host/crm"))
    file = tmp_path / "letter.txt"
    file.write_text("Dear madam,\n\nhow are you?\n")
    with pytest.raises(InvalidInput, match="no character divides its lines"):
        propose(file)


def test_the_command_writes_page_and_proposal(tmp_path: Path) -> None:
    file = write_csv(tmp_path, rows_of(5))
    out, page = tmp_path / "new.yaml", tmp_path / "page.html"
    done = CliRunner().invoke(profile_command, ["--input", str(file), "--propose", str(out), "--html", str(page), "--language", "nl"])
    assert done.exit_code == 0, done.output
    assert "kind: csv" in out.read_text("utf-8")
    assert '<html lang="nl">' in page.read_text("utf-8")
    assert not re.search("BERG|0612345677", done.output + page.read_text("utf-8") + out.read_text("utf-8"))
    assert CliRunner().invoke(profile_command, ["--mapping", "fixed", "--input", str(file), "--propose", str(out)]).exit_code == 2
    assert Counter(done.output.split())["KLANT"] == 1


def test_every_finding_has_words_and_a_remedy_in_both_languages() -> None:
    """What stands on a Dutch page is Dutch, also of invoices, mandates, consents and notes; and the commands tell a remedy of each."""
    for code in REMEDIES:
        found = Profile("crm", 80, 0, (ColumnProfile("NAAM", "name", 80, 80, 80, suspicions=[(code, 1)]),), {})
        [dutch], [english] = issues_of([found], "nl"), issues_of([found], "en")
        assert "" not in (dutch.what, dutch.remedy, english.what, english.remedy)
        assert dutch.what != english.what and dutch.remedy != english.remedy


def test_a_decision_about_the_whole_file_is_told_what_to_do_with() -> None:
    assert "accents" in remedy_of("read_as_cp1252")
    assert "accents" in remedy_of("also_fits_mac-roman")
    assert "legacy system" not in remedy_of("time_zone_before_1940")


def test_many_years_stand_together_without_a_word_of_any_language() -> None:
    tally = ColumnTally()
    tally.years = Counter({str(year): 3 for year in range(1940, 1980)})
    assert _years(tally)[0] == ("1940-1949", 30)
