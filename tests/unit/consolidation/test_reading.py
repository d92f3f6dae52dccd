"""An export that is not what its mapping says is refused whole; one bad line is a record that is rejected."""

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from factories.legacy import FIXED_HEADER, MOBILE, extracted, fixed_row, write_fixed, write_mobile
from hoeksteen.consolidation import translate
from hoeksteen.consolidation.mapping import read_mapping
from hoeksteen.consolidation.readers import RawRecord
from hoeksteen.consolidation.standardise.addresses import Address
from hoeksteen.kernel.errors import Conflict, InvalidInput, NotFound


def write_broadband(folder: Path) -> Path:
    file = folder / "broadband.sqlite"
    tables = read_mapping(Path("broadband")).reader.tables  # type: ignore[union-attr]
    with sqlite3.connect(file) as connection:
        for table, columns in tables.items():
            connection.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
        named = "klant_id, soort, voorletters, achternaam, geboortenaam, geslacht, geboortedatum, kvk, betaalwijze"
        klant = f"INSERT INTO klant ({named}) VALUES (?,?,?,?,?,?,?,?,?)"
        connection.execute(klant, (501, 1, "AB", "Jansen", "Vries, de", 2, 19600704, 0, 2))
        connection.execute("INSERT INTO adres VALUES (1, 501, 1, 'Kerkstraat', 12, 'A', '1234ab', 'Noordbeek')")
        connection.execute("INSERT INTO abonnement VALUES (7001, 501, 102, 1, 20200101, 0, 0, 20261101, 4900)")
        connection.execute("INSERT INTO kortingcode VALUES (12, 'Combinatiekorting', 'B', 505), (11, 'Trouwe klant', 'P', 10)")
        connection.execute("INSERT INTO abonnement_korting VALUES (7001, 12, 20200101, 20270101), (7001, 11, 20200101, 0)")
    return file


def refusal(file: Path, mapping: str) -> str:
    with pytest.raises(InvalidInput) as caught:
        extracted(file, mapping)
    assert caught.value.remedy
    return caught.value.message


def test_rows_of_one_customer_become_one_record(tmp_path: Path) -> None:
    found = extracted(write_fixed(tmp_path, fixed_row(), fixed_row(line="A1000002", NUMMER="030-2123457"), fixed_row("10000002", "A1000003")))
    assert [(record.source_key, len(record.products), record.row) for record in found.records] == [("10000001", 2, 2), ("10000002", 1, 4)]
    record = found.records[0]
    assert record.name is not None
    assert (record.name.family_name_prefix, record.name.family_name, record.name.initials) == ("van den", "Berg", "J.M.")
    assert (record.phones, record.emails, record.iban) == (("31612345677",), ("jan@post.example",), "NL91ABNA0417164300")
    assert record.address is not None
    assert (record.address.street, record.address.house_number, record.address.house_number_addition) == ("Kerkstraat", 12, "A")
    assert (record.products[0].product_offering_id, str(record.products[0].monthly), record.products[0].number) == (
        "fixed-basic",
        "12.50",
        "31302123456",
    )


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"NAAM": ""}, "NAAM", "no_name"),
        ({"INGANG": "31-02-2019"}, "INGANG", "impossible_date"),
        ({"PRODUCT": "TEL-X"}, "PRODUCT", "unknown_product"),
        ({"NUMMER": "6.12345678E8"}, "NUMMER", "spreadsheet_damage"),
        ({"MAANDBEDR": "twaalf"}, "MAANDBEDR", "not_an_amount"),
        ({"MAANDBEDR": "12,505"}, "MAANDBEDR", "not_an_amount"),
        ({"STATUS": "B"}, "status", "no_day_of_change"),
        ({"STATUS": "Q"}, "STATUS", "unknown_status"),
        ({"STATUS": ""}, "STATUS", "unknown_status"),
        ({"PRODUCT": ""}, "PRODUCT", "unknown_product"),
        ({"MAANDBEDR": ""}, "MAANDBEDR", "not_an_amount"),
        ({"MAANDBEDR": "12.50"}, "MAANDBEDR", "not_an_amount"),  # a point where a comma belongs is no 1,250 euros
        ({"MAANDBEDR": "1_2,50"}, "MAANDBEDR", "not_an_amount"),
        ({"MAANDBEDR": "99999999999,00"}, "MAANDBEDR", "not_an_amount"),
        ({"INGANG": "00-00-0000"}, "INGANG", "impossible_date"),
        ({"INGANG": "01-01-0001"}, "INGANG", "impossible_date"),
        ({"EINDE": "00-00-0000", "STATUS": "B"}, "status", "no_day_of_change"),
        ({"NAAM": "ONBEKEND"}, "NAAM", "no_name"),
        ({"NAAM": "X" * 100_000}, "NAAM", "too_long"),
        ({"EINDE": "01-01-2018", "STATUS": "B"}, "start", "impossible_date"),
        ({"AANSLNR": ""}, "AANSLNR", "no_connection"),
        ({"PLAATS": "NOORD\x00BEEK"}, "PLAATS", "nul_byte"),
        ({"MAANDBEDR": "12,50;more"}, "MAANDBEDR", "broken_line"),
    ],
)
def test_a_record_that_cannot_be_loaded_is_rejected_by_name(tmp_path: Path, changes: dict[str, str], field: str, code: str) -> None:
    found = extracted(write_fixed(tmp_path, fixed_row(**changes), fixed_row("10000002", "A1000003")))
    assert [(entry.finding.place, entry.finding.field, entry.finding.code) for entry in found.rejected] == [("fixed.csv:2", field, code)]
    assert [record.source_key for record in found.records] == ["10000002"]


def test_a_short_row_is_one_rejected_record_and_keeps_its_key(tmp_path: Path) -> None:
    found = extracted(write_fixed(tmp_path, fixed_row()[:60], fixed_row("10000002", "A1000003")))
    assert [(entry.source_key, entry.finding.code) for entry in found.rejected] == [("10000001", "broken_line")]


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"GEBDAT": "31-02-1960"}, "GEBDAT", "impossible_date"),
        ({"GEBDAT": "01-01-1900"}, "GEBDAT", "filler"),
        ({"GEBDAT": "01-01-2030"}, "GEBDAT", "in_the_future"),
        ({"CONTACT": "31612345678.0"}, "CONTACT", "spreadsheet_damage"),
        ({"EMAIL": "JAN"}, "EMAIL", "not_an_address"),
        ({"REKENING": "NL92ABNA0417164300", "BETAALWIJZE": "O"}, "REKENING", "check_digits"),
        ({"REKENING": ""}, "MACHTIGING", "mandate_incomplete"),
        ({"MACHT_DAT": ""}, "MACHTIGING", "mandate_incomplete"),
        ({"MACHT_DAT": "01-01-2030"}, "MACHTIGING", "mandate_in_the_future"),
        ({"BETAALWIJZE": "X"}, "BETAALWIJZE", "unknown_code"),
        ({"POSTCODE": "12345"}, "POSTCODE", "not_a_postcode"),
        ({"AANSLNR": "B1"}, "AANSLNR", "another_form"),
    ],
)
def test_what_does_not_stop_a_record_is_a_finding(tmp_path: Path, changes: dict[str, str], field: str, code: str) -> None:
    found = extracted(write_fixed(tmp_path, fixed_row(**changes)))
    assert [(finding.place, finding.field, finding.code) for finding in found.findings] == [("fixed.csv:2", field, code)]
    assert len(found.records) == 1


def test_rows_that_differ_in_what_belongs_to_the_customer_are_rejected(tmp_path: Path) -> None:
    other = fixed_row("10000002", "A1000003", NUMMER="030-2123457")
    found = extracted(write_fixed(tmp_path, fixed_row(), fixed_row(line="A1000002", PLAATS="ZUIDBEEK"), other))
    assert [(entry.finding.field, entry.finding.code) for entry in found.rejected] == [("PLAATS", "rows_differ")]


def test_a_key_that_comes_back_later_is_rejected(tmp_path: Path) -> None:
    found = extracted(write_fixed(tmp_path, fixed_row(), fixed_row("10000002", "A1000003"), fixed_row(line="A1000002")))
    assert [(entry.finding.place, entry.finding.code) for entry in found.rejected] == [("fixed.csv:4", "key_repeats")]
    assert len(found.records) == 2


@pytest.mark.parametrize(
    ("header", "field", "what"),
    [
        (FIXED_HEADER.replace("EMAIL", "EMAIL;FAX"), "FAX", "does not know this column"),
        (FIXED_HEADER.replace(";EMAIL", ""), "EMAIL", "missing"),
        (FIXED_HEADER.replace("EMAIL;REKENING", "REKENING;EMAIL"), "REKENING", "another place"),
    ],
)
def test_other_columns_are_named_with_the_file(tmp_path: Path, header: str, field: str, what: str) -> None:
    message = refusal(write_fixed(tmp_path, fixed_row(), header=header), "fixed")
    assert "fixed.csv line 1, field " + field in message
    assert what in message


@pytest.mark.parametrize("cut_bytes", [1, 2, 100])
def test_a_file_that_ends_in_the_middle_is_refused(tmp_path: Path, cut_bytes: int) -> None:
    file = write_fixed(tmp_path, fixed_row(), fixed_row("10000002", "A1000003"))
    file.write_bytes(file.read_bytes()[: -1 - cut_bytes])
    assert "fixed.csv line 3 ends in the middle" in refusal(file, "fixed")


def test_a_file_cut_between_lines_shows_by_its_expected_number(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="holds 1 records, and 2 were expected"):
        extracted(write_fixed(tmp_path, fixed_row()), records_expected=2)


def test_an_empty_file_and_no_file(tmp_path: Path) -> None:
    file = tmp_path / "fixed.csv"
    with pytest.raises(NotFound, match="fixed.csv"):
        extracted(file)
    file.write_bytes(b"")
    assert "is empty" in refusal(file, "fixed")


def test_utf_8_that_is_declared_latin_1(tmp_path: Path) -> None:
    file = write_fixed(tmp_path, fixed_row(), fixed_row("10000002", "A1000003", NAAM="ÖZTÜRK F. DHR"), encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"fixed.csv line 3 column") as caught:
        extracted(file)
    assert "utf-8" in caught.value.remedy


def test_windows_letters_that_are_declared_latin_1(tmp_path: Path) -> None:
    file = write_fixed(tmp_path, fixed_row(NAAM="ŠIMIĆ".replace("Ć", "C") + " F. DHR"), encoding="cp1252")
    with pytest.raises(InvalidInput, match=r"fixed.csv line 2 column 10 is not iso-8859-1") as caught:
        extracted(file)
    assert "cp1252" in caught.value.remedy


def test_latin_1_that_is_declared_utf_8(tmp_path: Path) -> None:
    file = write_mobile(tmp_path, MOBILE)
    file.write_bytes(file.read_bytes().replace(b"Kerk", "Kérk".encode("latin-1")))
    column = file.read_bytes().index(b"K\xe9rk") + 2
    assert f"mobile.jsonl line 1 column {column} is not utf-8" in refusal(file, "mobile")


def test_so_many_rejections_that_the_mapping_must_be_wrong(tmp_path: Path) -> None:
    rows = [fixed_row(f"{10_000_000 + number}", f"A{1_000_000 + number}", PRODUCT="TEL-X") for number in range(30)]
    message = refusal(write_fixed(tmp_path, *rows), "fixed")
    assert "fixed.csv line 2, field PRODUCT: unknown_product, and 29 more of 30" in message


def test_a_json_record_with_sims(tmp_path: Path) -> None:
    found = extracted(write_mobile(tmp_path, MOBILE), "mobile")
    (record,) = found.records
    assert str(record.birth_date) == "1960-07-04"
    assert record.products[0].iccid == "8931990000000000018"
    assert (record.products[0].number_kind, str(record.products[0].monthly)) == ("msisdn", "20.00")


def test_a_birth_date_of_the_old_amsterdam_time_is_a_finding(tmp_path: Path) -> None:
    found = extracted(write_mobile(tmp_path, {**MOBILE, "birth_date": "1936-07-03T23:40:28Z", "payment": "TRANSFER"}), "mobile")
    assert str(found.records[0].birth_date) == "1936-07-04"
    assert [(finding.field, finding.code) for finding in found.findings] == [("birth_date", "time_zone_before_1940")]


def test_an_unknown_field_in_json_is_named_with_its_line(tmp_path: Path) -> None:
    message = refusal(write_mobile(tmp_path, MOBILE, {**MOBILE, "address": {**MOBILE["address"], "fax": "1"}}), "mobile")
    assert "mobile.jsonl line 2, field address.fax: the mapping does not know this column" in message


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('{"account_id": "M-1', "broken_line"),
        ('{"account_id": "M-1", "sims": 3}', "another_shape"),
        ('{"account_id": "M-1", "email": ["a"]}', "another_shape"),
    ],
)
def test_broken_json_lines_are_rejected(tmp_path: Path, line: str, code: str) -> None:
    found = extracted(write_mobile(tmp_path, MOBILE, line), "mobile")
    assert [(entry.finding.place, entry.finding.code) for entry in found.rejected] == [("mobile.jsonl:2", code)]


def test_an_sqlite_record_with_address_and_discounts(tmp_path: Path) -> None:
    (record,) = extracted(write_broadband(tmp_path), "broadband").records
    assert record.name is not None
    assert (record.name.initials, record.name.maiden_name, record.gender) == ("A.B.", "de Vries", "female")
    assert record.address is not None
    assert record.address.postcode == "1234AB"
    assert [(one.name, one.kind, str(one.value), str(one.valid_to)) for one in record.products[0].discounts] == [
        ("Trouwe klant", "percentage", "-10.00", "None"),
        ("Combinatiekorting", "amount", "-5.05", "2027-01-01"),
    ]


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("DROP TABLE kortingcode", "lacks the table kortingcode"),
        ("CREATE TABLE notities (a)", "table notities: the mapping does not know this table"),
        ("ALTER TABLE klant ADD COLUMN fax", "table klant, field fax: the mapping does not know this column"),
        ("ALTER TABLE adres DROP COLUMN plaats", "table adres, field plaats: this column of the mapping is missing"),
        (
            "INSERT INTO adres VALUES (2, 999, 1, 'Kerkstraat', 1, '', '1234AB', 'Noordbeek')",
            "adres row 2, field klant_id: 1 entries belong to no record",
        ),
    ],
)
def test_an_sqlite_file_of_another_shape(tmp_path: Path, statement: str, what: str) -> None:
    file = write_broadband(tmp_path)
    with sqlite3.connect(file) as connection:
        connection.execute(statement)
    message = refusal(file, "broadband")
    assert "broadband.sqlite" in message
    assert what in message


def test_an_sqlite_file_cut_in_half_and_one_that_is_none(tmp_path: Path) -> None:
    file = write_broadband(tmp_path)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    assert "was cut off" in refusal(file, "broadband")
    file.write_bytes(b"KLANTNR;NAAM\r\n")
    assert "is no SQLite file" in refusal(file, "broadband")


def test_an_end_that_is_still_to_come_is_kept_and_one_that_passed_is_a_finding(tmp_path: Path) -> None:
    found = extracted(
        write_fixed(tmp_path, fixed_row(EINDE="31-12-2026"), fixed_row("10000002", "A1000002", NUMMER="030-2123457", EINDE="01-01-2025"))
    )
    assert [record.products[0].end for record in found.records] == [date(2026, 12, 31), None]
    assert [(finding.code, finding.place) for finding in found.findings] == [("ended_yet_in_service", "fixed.csv:3")]


@pytest.mark.parametrize(
    ("statement", "field", "code"),
    [
        ("UPDATE kortingcode SET soort = 'X' WHERE kortingcode = 12", "soort", "unknown_kind"),
        ("DELETE FROM kortingcode WHERE kortingcode = 12", "soort", "incomplete_discount"),
        ("UPDATE kortingcode SET waarde = 'veel' WHERE kortingcode = 12", "waarde", "not_an_amount"),
        ("INSERT INTO abonnement SELECT * FROM abonnement", "abonnement_id", "key_repeats"),
        ("UPDATE klant SET soort = 7 WHERE klant_id = 501", "soort", "unknown_kind"),
        ("UPDATE klant SET soort = NULL WHERE klant_id = 501", "soort", "unknown_kind"),
        ("UPDATE klant SET achternaam = CAST(x'4AE96E' AS TEXT) WHERE klant_id = 501", "achternaam", "not_unicode"),
        ("UPDATE klant SET achternaam = x'4AE96E' WHERE klant_id = 501", "achternaam", "not_unicode"),
        ("UPDATE klant SET achternaam = 'Jan' || char(0) || 'sen' WHERE klant_id = 501", "achternaam", "nul_byte"),
        ("UPDATE abonnement SET maandbedrag_cent = 1e30", "maandbedrag_cent", "not_an_amount"),
        ("UPDATE abonnement SET status = 4", "status", "unknown_status"),
    ],
)
def test_what_an_sqlite_record_holds_that_is_not_understood_rejects_it(tmp_path: Path, statement: str, field: str, code: str) -> None:
    file = write_broadband(tmp_path)
    with sqlite3.connect(file) as connection:
        connection.execute("INSERT INTO klant (klant_id, soort, achternaam, betaalwijze) VALUES (502, 1, 'Bakker', 2)")
        connection.execute(statement)
    found = extracted(file, "broadband")
    assert [(entry.source_key, entry.finding.field, entry.finding.code) for entry in found.rejected] == [("501", field, code)]
    assert [record.source_key for record in found.records] == ["502"]


def test_an_address_of_an_unknown_role_is_no_ones_home(tmp_path: Path) -> None:
    file = write_broadband(tmp_path)
    with sqlite3.connect(file) as connection:
        connection.execute(
            "INSERT INTO adres VALUES (2, 501, 9, 'Dorpsstraat', 1, '', '9999XX', 'Zuidbeek'), (3, 501, 1, 'Nieuwstraat', 5, '', NULL, '')"
        )
    found = extracted(file, "broadband")
    assert found.records[0].address == Address("Nieuwstraat", 5, None, None, None), "the last of two in one role, and nothing of the other"
    assert [(finding.field, finding.code) for finding in found.findings] == [("soort", "unknown_code"), ("adres", "several_addresses")]


def test_a_line_nested_without_end_is_a_broken_line(tmp_path: Path) -> None:
    deep = '{"account_id": ' + "[" * 100_000 + "]" * 100_000 + "}"
    assert [entry.finding.code for entry in extracted(write_mobile(tmp_path, MOBILE, deep), "mobile").rejected] == ["broken_line"]


def test_a_file_without_records_is_refused(tmp_path: Path) -> None:
    assert "fixed.csv holds no records" in refusal(write_fixed(tmp_path), "fixed")


def test_a_file_of_which_nothing_can_be_loaded_is_refused_however_small(tmp_path: Path) -> None:
    assert "field NAAM: no_name, and 1 more of 2 records cannot be loaded" in refusal(
        write_fixed(tmp_path, fixed_row(NAAM=""), fixed_row("10000002", "A1000002", NAAM="")), "fixed"
    )


@pytest.mark.parametrize("query", ["PRAGMA journal_mode", "DELETE FROM klant", "SELECT 1; SELECT 2", "nonsense"])
def test_a_query_that_gives_no_records_is_named(tmp_path: Path, query: str) -> None:
    text = read_mapping(Path("broadband")).file.read_text("utf-8").replace("SELECT * FROM klant ORDER BY klant_id", query)
    mapping = tmp_path / "broadband.yaml"
    mapping.write_text(text, "utf-8")
    with pytest.raises(InvalidInput, match=r"reader\.query"):
        extracted(write_broadband(tmp_path), read_mapping(mapping))


def test_a_suspension_that_is_still_to_come_is_kept_and_never_is_no_day(tmp_path: Path) -> None:
    rows = [
        fixed_row(OPGESCHORT="01-12-2026"),
        fixed_row("10000002", "A1000002", NUMMER="030-2123457", OPGESCHORT="01-12-2025"),
        fixed_row("10000003", "A1000003", NUMMER="030-2123458", EINDE="31-12-9999"),
    ]
    found = extracted(write_fixed(tmp_path, *rows))
    assert [(record.products[0].suspended, record.products[0].end) for record in found.records] == [
        (date(2026, 12, 1), None),
        (None, None),
        (None, None),
    ]
    assert [(finding.code, finding.place) for finding in found.findings] == [("suspended_yet_in_service", "fixed.csv:3")]


def test_a_column_that_stands_twice_is_named(tmp_path: Path) -> None:
    assert "line 1, field PLAATS" in refusal(write_fixed(tmp_path, fixed_row() + ";X", header=FIXED_HEADER + ";PLAATS"), "fixed")


def test_most_of_a_small_file_rejected_is_a_wrong_mapping(tmp_path: Path) -> None:
    whole = fixed_row("10000009", "A1000009", NUMMER="030-2123459")
    broken = [fixed_row(f"1000000{number}", f"A100000{number}", PRODUCT="TEL-X") for number in (1, 2)]
    assert "and 1 more of 3 records" in refusal(write_fixed(tmp_path, whole, *broken), "fixed")


@pytest.mark.parametrize(
    ("wrong", "mapping"), [("mobile", "fixed"), ("broadband", "fixed"), ("fixed", "mobile"), ("broadband", "mobile"), ("mobile", "broadband")]
)
def test_a_file_under_another_systems_mapping_is_refused_by_its_name(tmp_path: Path, wrong: str, mapping: str) -> None:
    writers = {
        "fixed": lambda: write_fixed(tmp_path, fixed_row()),
        "mobile": lambda: write_mobile(tmp_path, MOBILE),
        "broadband": lambda: write_broadband(tmp_path),
    }
    file = writers[wrong]()
    assert file.name in refusal(file, mapping)


def _lines_end_anyhow(whole: bytes) -> bytes:
    first, second, rest = whole.split(b"\r\n", 2)
    return first + b"\r\n" + second + b"\n" + rest


@pytest.mark.parametrize("change", [_lines_end_anyhow, lambda whole: b"\xef\xbb\xbf" + whole], ids=["line ends", "byte order mark"])
def test_mixed_line_ends_and_a_byte_order_mark_change_nothing(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    text = read_mapping(Path("fixed")).file.read_text("utf-8").replace("iso-8859-1", "utf-8")
    mapping = tmp_path / "fixed.yaml"
    mapping.write_text(text, "utf-8")
    file = write_fixed(tmp_path, fixed_row(), fixed_row("10000002", "A1000002", NUMMER="030-2123457"))
    plain = extracted(file, read_mapping(mapping)).records
    file.write_bytes(change(file.read_bytes()))
    assert extracted(file, read_mapping(mapping)).records == plain


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf"])
def test_a_byte_order_mark_of_another_encoding_is_refused(tmp_path: Path, mark: bytes) -> None:
    file = write_fixed(tmp_path, fixed_row())
    file.write_bytes(mark + file.read_bytes())
    assert "fixed.csv line 1" in refusal(file, "fixed")


def test_more_and_fewer_columns_on_a_line_reject_its_record(tmp_path: Path) -> None:
    rows = [fixed_row(f"1000000{number}", f"A100000{number}", NUMMER=f"030-212345{number}") for number in range(1, 6)]
    rows[1] += ";MORE;AND;MORE"
    rows[3] = rows[3].rsplit(";", 2)[0]
    found = extracted(write_fixed(tmp_path, *rows))
    assert [(entry.finding.place, entry.finding.code) for entry in found.rejected] == [("fixed.csv:3", "broken_line"), ("fixed.csv:5", "broken_line")]
    assert len(found.records) == 3


@pytest.mark.parametrize(("text", "code"), [("\\u0000", "nul_byte"), ("\\ud800", "broken_line"), ("x" * 201, "too_long")])
def test_json_text_that_nothing_can_hold_rejects_its_record(tmp_path: Path, text: str, code: str) -> None:
    line = json.dumps({**MOBILE, "account_id": "M-1000018", "surname": "@"}).replace("@", text)
    found = extracted(write_mobile(tmp_path, MOBILE, line), "mobile")
    assert [(entry.finding.place, entry.finding.code) for entry in found.rejected] == [("mobile.jsonl:2", code)]


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_fixed(tmp_path, fixed_row())
    reading = translate.read

    def meanwhile(**given: Any) -> Iterator[RawRecord]:
        write_fixed(tmp_path, fixed_row(PLAATS="ZUIDBEEK"))
        yield from reading(**given)

    monkeypatch.setattr(translate, "read", meanwhile)
    with pytest.raises(Conflict, match=r"fixed.csv changed while it was read") as caught:
        extracted(file)
    assert caught.value.remedy


def test_a_pipe_and_a_directory_are_no_exports(tmp_path: Path) -> None:
    pipe = tmp_path / "fixed.csv"
    os.mkfifo(pipe)
    for place in (pipe, tmp_path):
        with pytest.raises(NotFound, match="read more than once"):
            extracted(place)


def test_a_query_reads_this_file_and_nothing_else(tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    text = read_mapping(Path("broadband")).file.read_text("utf-8").replace("SELECT * FROM klant ORDER BY klant_id", f"ATTACH '{other}' AS other")
    mapping = tmp_path / "broadband.yaml"
    mapping.write_text(text, "utf-8")
    with pytest.raises(InvalidInput, match=r"reader\.query"):
        extracted(write_broadband(tmp_path), read_mapping(mapping))
    assert not other.exists()
