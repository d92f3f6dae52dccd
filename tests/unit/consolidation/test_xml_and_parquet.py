"""XML that means harm or is no record, and typed values that become text without losing a digit."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from factories.legacy import extracted
from factories.sources import COLUMNS, FIRST, MAPPINGS, SECOND, mapping_of, write_xml
from hoeksteen.consolidation.readers import read, xml_records
from hoeksteen.kernel.errors import InvalidInput

LAUGHS = '<!DOCTYPE a [<!ENTITY l "lol"><!ENTITY m "&l;&l;&l;&l;&l;&l;&l;&l;">]>'


def xml_as(folder: Path, old: str, new: str) -> Path:
    file = write_xml(folder, [FIRST, SECOND])
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")
    return file


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("<export>", f"{LAUGHS}<export>", "declares a document type"),
        ("<export>", '<!DOCTYPE a SYSTEM "file:///etc/hostname"><export>', "declares a document type"),
        ("</NAAM>", "</NAME>", "line 3 column"),
        ("DHR", "D\x00HR", "line 3 column"),
        ("DHR", "&nobody;", "line 3 column"),
        ("</klanten></export>", "", "ends in the middle"),
        ("<KLANT>K1</KLANT>", "<KLANT>K1</KLANT><FAX>1</FAX>", "record 1, field FAX: the mapping does not know"),
        ("<klanten>", "<people>", "column"),
    ],
)
def test_a_document_that_is_refused(tmp_path: Path, old: str, new: str, what: str) -> None:
    file = xml_as(tmp_path, old, new)
    with pytest.raises(InvalidInput) as caught:
        extracted(file, mapping_of(tmp_path, "xml"))
    assert what in caught.value.message
    assert "old.xml" in caught.value.message
    assert "BERG" not in caught.value.message
    assert caught.value.remedy


def test_a_document_without_records_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "old.xml"
    file.write_text("<export><klanten/></export>")
    with pytest.raises(InvalidInput, match="holds nothing at export/klanten/klant"):
        extracted(file, mapping_of(tmp_path, "xml"))


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("<KLANT>K1</KLANT>", "<KLANT>K1</KLANT><KLANT>K8</KLANT>", "another_shape"),
        ("<NAAM>BERG VAN DEN J.M. DHR</NAAM>", "<NAAM><VOOR>J</VOOR></NAAM>", "another_shape"),
        ("<BEDRAG>12.50</BEDRAG>", "<BEDRAG>12.50</BEDRAG><BEDRAG>1</BEDRAG>", "another_shape"),
    ],
)
def test_an_element_of_another_shape_rejects_its_record(tmp_path: Path, old: str, new: str, code: str) -> None:
    found = extracted(xml_as(tmp_path, old, new), mapping_of(tmp_path, "xml"))
    assert [(entry.finding.place, entry.finding.code) for entry in found.rejected] == [("old.xml:1", code)]
    assert [record.source_key for record in found.records] == ["K2"]


def test_attributes_namespaces_comments_and_character_data(tmp_path: Path) -> None:
    file = tmp_path / "old.xml"
    file.write_text(
        '<?xml version="1.0" encoding="iso-8859-1"?><e:export xmlns:e="urn:x"><klanten><!-- all --><klant nr="K1">'
        "<NAAM><![CDATA[VELD & BOS A.]]></NAAM>"
        '<adres soort="w"><plaats>Z&#252;rich</plaats></adres></klant></klanten></e:export>',
        "iso-8859-1",
    )
    text = MAPPINGS["xml"].partition("children:")[0].replace("key: KLANT", "key: '@nr'").replace("  KLANT: {}\n", "  '@nr': {}\n")
    text = text.replace(
        "  GEBOREN: {to: birth_date, format: iso}\n", "  adres.@soort: {ignore: always one}\n  adres.plaats: {to: residential.city}\n"
    )
    (record,) = read(mapping=mapping_of(tmp_path, "xml", text), file=file)
    assert (record.key, record.values["NAAM"], record.values["adres.plaats"]) == ("K1", "VELD & BOS A.", "Zürich")


def test_typed_values_become_text_exactly(tmp_path: Path) -> None:
    big = Decimal("12345678901234567890.123456789")
    types = {
        "key": pa.array(["1", "2"]),
        "decimal": pa.array([big, None], pa.decimal128(38, 9)),
        "day": pa.array([date(1960, 7, 4), None]),
        "instant": pa.array([datetime(2026, 3, 29, 1, 30, tzinfo=UTC), None], pa.timestamp("us", tz="Europe/Amsterdam")),
        "naive": pa.array([datetime.fromisoformat("2026-03-29T01:30:00.250"), datetime.fromisoformat("1601-01-01")], pa.timestamp("ms")),
        "nano": pa.array([1_700_000_000_123_456_789, None], pa.timestamp("ns")),
        "float": pa.array([0.1, 1e22]),
        "single": pa.array([0.1, None], pa.float32()),
        "truth": pa.array([True, False]),
        "number": pa.array([31612345677, None]),
        "coded": pa.array(["a", "b"]).dictionary_encode(),
        "place": pa.array([{"street": "Kerkstraat", "number": 12}, None]),
        "lines": pa.array([[{"key": "L1", "amount": Decimal("12.50")}, {"key": "L2", "amount": None}], []]),
    }
    file = tmp_path / "old.parquet"
    pq.write_table(pa.table(types), file)
    names = [*[name for name in types if name not in ("place", "lines", "key")], "place.street", "place.number"]
    columns = "".join(f"  {name}: {{ignore: a test}}\n" for name in names)
    nested = "children:\n  lines:\n    of: product\n    columns:\n      key: {to: key}\n      amount: {to: monthly}\n"
    nested += "    derived:\n      offering: {to: offering, from: \"'x'\", codes: {x: fixed-basic}}\n"
    nested += "      start: {to: start, from: \"'2020-01-01'\", format: iso}\n"
    mapping = mapping_of(
        tmp_path, "parquet", f"source: old\ntitle: Old\ntrust: 1\nkey: key\nreader: {{kind: parquet}}\ncolumns:\n  key: {{}}\n{columns}{nested}"
    )
    first, second = read(mapping=mapping, file=file)
    assert first.values == {
        "key": "1", "decimal": "12345678901234567890.123456789", "day": "1960-07-04", "instant": "2026-03-29T01:30:00Z",
        "naive": "2026-03-29T01:30:00.25", "nano": "2023-11-14T22:13:20.123456789", "float": "0.1", "single": "0.1", "truth": "true",
        "number": "31612345677", "coded": "a", "place.street": "Kerkstraat", "place.number": "12",
    }  # fmt: skip
    assert (second.values["float"], second.values["naive"], second.values["decimal"]) == ("1e+22", "1601-01-01T00:00:00", None)
    assert [{name: values[name] for name in ("key", "amount")} for _, values in first.children["lines"]] == [
        {"key": "L1", "amount": "12.50"},
        {"key": "L2", "amount": None},
    ]
    assert second.children["lines"] == []


def test_text_that_is_no_text_is_refused_by_the_file(tmp_path: Path) -> None:
    file = tmp_path / "old.parquet"
    broken = {name: pa.array([b"\xd9x"], pa.binary()).view(pa.string()) if name == "NAAM" else pa.array(["1"]) for name in COLUMNS}
    pq.write_table(pa.table(broken), file)
    with pytest.raises(InvalidInput, match=r"old\.parquet cannot be read: a part of it is broken"):
        extracted(file, mapping_of(tmp_path, "parquet"))


def test_what_belongs_to_no_record_does_not_stay_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trees: list[int] = []
    content = xml_records._content

    def counted(element: Any, paths: Any) -> Any:
        trees.append(sum(1 for _ in element.getroottree().iter()))
        return content(element, paths)

    monkeypatch.setattr(xml_records, "_content", counted)
    file = xml_as(tmp_path, "<klanten>", f"<verbruik>{'<regel><a>1</a></regel>' * 20_000}</verbruik><klanten>")
    assert len(extracted(file, mapping_of(tmp_path, "xml")).records) == 2
    assert max(trees) < 100
