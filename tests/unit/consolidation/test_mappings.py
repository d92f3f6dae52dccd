"""A mapping that is wrong is refused before its export is opened, with its file, line and field."""

from itertools import pairwise
from pathlib import Path

import pytest

from hoeksteen.consolidation.mapping import SHIPPED, read_mapping
from hoeksteen.kernel.errors import InvalidInput, NotFound

FIXED = (SHIPPED / "fixed.yaml").read_text("utf-8")
BROADBAND = (SHIPPED / "broadband.yaml").read_text("utf-8")
IBM = (SHIPPED / "ibm.yaml").read_text("utf-8")


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), start=1) if part in line)


@pytest.mark.parametrize("name", ["fixed", "mobile", "broadband", "ibm", "fixed.yaml"])
def test_the_shipped_mappings_are_right(name: str) -> None:
    assert read_mapping(Path(name)).source == name.removesuffix(".yaml")


@pytest.mark.parametrize(
    ("text", "old", "new", "field", "what"),
    [
        (FIXED, "{to: iban}", "{to: ibam}", "columns.REKENING.to", "ibam is no target"),
        (FIXED, "EMAIL: {to: email}", "EMAIL: {}", "columns.EMAIL", "needs `to`"),
        (FIXED, "EMAIL: {to: email}", "EMAIL: {to: email, ignore: why}", "columns.EMAIL", "both"),
        (FIXED, "EMAIL: {to: email}", "EMAIL: {too: email}", "columns.EMAIL", "unknown field `too`"),
        (FIXED, "GEBDAT: {to: birth_date, format: dd-mm-yyyy}", "GEBDAT: {to: birth_date}", "columns.GEBDAT.format", "a day needs one of"),
        (FIXED, "{A: direct_debit, O: transfer}", "{A: collected}", "columns.BETAALWIJZE.codes", "must lead to direct_debit, transfer"),
        (FIXED, "key: KLANTNR", "key: KLANT", "key", "KLANT is not among columns"),
        (FIXED, "encoding: iso-8859-1", "encoding: latin-99", "reader.encoding", "no encoding"),
        (FIXED, 'delimiter: ";"', 'delimiter: ";;"', "reader.delimiter", "one character"),
        (FIXED, "trust: 3", "trust: high", "trust", "expected `int`"),
        (FIXED, "filled: [KVK]", "filled: [KVKNR]", "organization_when", "KVKNR is not among columns"),
        (FIXED, r"KLANTNR: {matches: '\d{8}'}", "KLANTNR: {matches: '(['}", "columns.KLANTNR.matches", "no regular expression"),
        (FIXED, "encoding: iso-8859-1", "encoding: utf-16", "reader.encoding", "such as UTF-16"),
        (FIXED, "encoding: iso-8859-1", "encoding: base64", "reader.encoding", "no encoding"),
        (FIXED, "trust: 3", "trust: 3\nrejected_percent_max: -1", "rejected_percent_max", "0 to 100"),
        (FIXED, "AANSLNR: {to: product.key, required: no_connection", "AANSLNR: {ignore: why", "columns", "no column leads to key of the product"),
        (BROADBAND, "waarde: {to: value}", "waarde: {ignore: why}", "children.korting.columns", "no column leads to value of the discount"),
        (BROADBAND, "key: klant_id", "key: klant", "key", "klant is not among columns"),
        (IBM, 'tax_rate: "21"', 'tax_rate: "high"', "services.tax_rate", "an amount"),
        (IBM, 'valid_from: "2015-01-01"', 'valid_from: "2015-13-01"', "services.valid_from", "a day"),
        (FIXED, "order: family_first", "order: reversed", "columns.NAAM.order", "must be one of"),
        (BROADBAND, "    of: address\n    query:", "    of: address\n    quary:", "children.adres", "unknown field `quary`"),
        (IBM, "monthly_charge}", "total_charge}", "services", "needs columns that lead to"),
        (IBM, "column: PhoneService,", "column: Phone,", "services.offerings", "Phone does not lead to service"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_line_and_field(tmp_path: Path, text: str, old: str, new: str, field: str, what: str) -> None:
    assert old in text
    wrong = text.replace(old, new, 1)
    file = tmp_path / "wrong.yaml"
    file.write_text(wrong, "utf-8")
    with pytest.raises(InvalidInput) as caught:
        read_mapping(file)
    assert f"field {field}: " in caught.value.message
    assert what in caught.value.message
    assert f"{file} line " in caught.value.message
    assert caught.value.remedy


def test_the_line_is_the_one_of_the_field(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(FIXED.replace("{to: iban}", "{to: ibam}"), "utf-8")
    with pytest.raises(InvalidInput, match=f"line {line_of(FIXED, 'REKENING')}, field columns.REKENING.to"):
        read_mapping(file)


@pytest.mark.parametrize("content", [b"source: [", b"\xff\xfe", b"- a list", b"", b"since: 2026-13-45", b"a: " + b"[" * 9_999, b"a: &a\n  b: *a"])
def test_what_is_no_mapping_at_all(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_bytes(content)
    with pytest.raises(InvalidInput, match="wrong.yaml"):
        read_mapping(file)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (IBM.replace("column: PhoneService,", "column: PhoneService, column: PhoneService,"), r"line \d+: column stands twice in one mapping"),
        (
            "a: &a [x, x, x, x, x, x, x, x]\n" + "".join(f"{to}: &{to} [{', '.join(['*' + of] * 30)}]\n" for of, to in pairwise("abcdefg")),
            "is larger",
        ),
    ],
)
def test_a_name_that_stands_twice_and_lines_that_stand_for_gigabytes_are_refused(tmp_path: Path, text: str, what: str) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(InvalidInput, match=what):
        read_mapping(file)


def test_no_mapping() -> None:
    with pytest.raises(NotFound, match="no mapping file"):
        read_mapping(Path("cable"))
