"""Invoices as PDF and UBL: they say the same amounts, the UBL keeps the rules of EN 16931, the PDF can be read aloud."""

import io
import random
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from lxml import etree
from pypdf import PdfReader

from factories.invoices import EXAMPLES, business, cent, consumer, credit, reverse_charge
from hoeksteen.billing.documents import InvoiceView, render_pages, render_pdf, render_ubl
from hoeksteen.billing.documents.qr import payment_qr_svg, transfer_text
from hoeksteen.billing.legal_entity import payment_reference
from hoeksteen.billing.wording import money

_NAMESPACES = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}
ALL: dict[str, Callable[[], InvoiceView]] = {
    **EXAMPLES,
    "one cent": lambda: cent(10_000),
    "three cents": lambda: cent(30_000),
    "english": lambda: consumer(language="en"),
}


class Ubl:
    """A UBL document as a stranger reads it."""

    def __init__(self, content: bytes) -> None:
        self.root: Any = etree.fromstring(content)
        self.is_credit = etree.QName(self.root).localname == "CreditNote"
        self.lines = self.all("cac:CreditNoteLine" if self.is_credit else "cac:InvoiceLine")

    def all(self, path: str, within: Any = None) -> list[Any]:
        return list((self.root if within is None else within).xpath(path, namespaces=_NAMESPACES))

    def text(self, path: str, within: Any = None) -> str:
        found = self.all(path, within)
        assert len(found) == 1, f"{path} stands {len(found)} times"
        return str(found[0].text)

    def amount(self, path: str, within: Any = None, default: str | None = None) -> Decimal:
        if default is not None and not self.all(path, within):
            return Decimal(default)
        text = self.text(path, within)
        assert re.fullmatch(r"-?\d+\.\d\d", text), f"{path} is {text}"
        return Decimal(text)


def _half_up(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


@pytest.mark.parametrize("name", ALL)
def test_the_rules_of_en_16931(name: str) -> None:
    ubl = Ubl(render_ubl(ALL[name]()))
    total, tax = "cac:LegalMonetaryTotal/cbc:", "cac:TaxTotal/"
    lines = [ubl.amount("cbc:LineExtensionAmount", line) for line in ubl.lines]
    sum_of_lines, exclusive = ubl.amount(f"{total}LineExtensionAmount"), ubl.amount(f"{total}TaxExclusiveAmount")
    inclusive, rounding = ubl.amount(f"{total}TaxInclusiveAmount"), ubl.amount(f"{total}PayableRoundingAmount", default="0.00")
    parts = ubl.all(f"{tax}cac:TaxSubtotal")
    assert sum(lines) == sum_of_lines, "BR-CO-10"
    assert exclusive == sum_of_lines, "BR-CO-13: no allowances or charges stand beside the lines"
    assert ubl.amount(f"{tax}cbc:TaxAmount") == sum(ubl.amount("cbc:TaxAmount", part) for part in parts), "BR-CO-14"
    assert inclusive == exclusive + ubl.amount(f"{tax}cbc:TaxAmount"), "BR-CO-15"
    assert ubl.amount(f"{total}PayableAmount") == inclusive + rounding, "BR-CO-16"
    assert parts, "BR-CO-18"
    for part in parts:
        category, rate = ubl.text("cac:TaxCategory/cbc:ID", part), Decimal(ubl.text("cac:TaxCategory/cbc:Percent", part))
        taxable = ubl.amount("cbc:TaxableAmount", part)
        assert ubl.amount("cbc:TaxAmount", part) == _half_up(taxable * rate / 100), "BR-CO-17"
        of_category = [line for line in ubl.lines if ubl.text("cac:Item/cac:ClassifiedTaxCategory/cbc:ID", line) == category]
        assert sum(ubl.amount("cbc:LineExtensionAmount", line) for line in of_category) == taxable, "BR-S-08, BR-AE-08"
        assert (rate > 0) == (category == "S"), "BR-S-05, BR-AE-05"
        assert bool(ubl.all("cac:TaxCategory/cbc:TaxExemptionReasonCode", part)) == (category != "S"), "BR-S-10, BR-AE-10"
    assert ubl.text("cbc:ID") == "LLT-2026-00000123", "BR-02"
    assert ubl.text("cbc:DocumentCurrencyCode") == "EUR", "BR-05"
    assert ubl.text("cac:AccountingSupplierParty/cac:Party/cac:PartyTaxScheme/cbc:CompanyID").startswith("NL"), "BR-CO-09, BR-S-02"
    for party in ("cac:AccountingSupplierParty", "cac:AccountingCustomerParty"):
        assert ubl.text(f"{party}/cac:Party/cac:PartyLegalEntity/cbc:RegistrationName"), "BR-06, BR-07"
        assert len(ubl.text(f"{party}/cac:Party/cac:PostalAddress/cac:Country/cbc:IdentificationCode")) == 2, "BR-09, BR-11"
    assert ubl.all("cbc:DueDate") or ubl.all("cac:PaymentTerms/cbc:Note"), "BR-CO-25"


@pytest.mark.parametrize("name", ALL)
def test_lines_are_what_they_say(name: str) -> None:
    ubl = Ubl(render_ubl(ALL[name]()))
    assert ubl.lines, "BR-16"
    for line in ubl.lines:
        price, net = ubl.amount("cac:Price/cbc:PriceAmount", line), ubl.amount("cbc:LineExtensionAmount", line)
        quantity = Decimal(ubl.text("cbc:CreditedQuantity" if ubl.is_credit else "cbc:InvoicedQuantity", line))
        assert price >= 0, "BR-27"
        assert quantity * price == net
        assert ubl.text("cac:Item/cbc:Name", line), "BR-25"
        period = [ubl.text(f"cac:InvoicePeriod/cbc:{end}", line) for end in ("StartDate", "EndDate")]
        assert period == sorted(period), "BR-30"


def test_a_bill_below_zero_is_a_credit_note_with_positive_amounts() -> None:
    view = credit()
    ubl = Ubl(render_ubl(view))
    assert ubl.is_credit
    assert ubl.text("cbc:CreditNoteTypeCode") == "381"
    assert ubl.amount("cac:LegalMonetaryTotal/cbc:PayableAmount") == -view.bill.gross > 0


def test_the_buyer_accounts_for_the_tax() -> None:
    ubl = Ubl(render_ubl(reverse_charge()))
    assert ubl.text("cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory/cbc:TaxExemptionReasonCode") == "VATEX-EU-AE"
    assert ubl.text("cac:AccountingCustomerParty/cac:Party/cac:PartyTaxScheme/cbc:CompanyID") == "BE0123456749", "BR-AE-02"


def test_three_cents_pay_three_cents() -> None:
    """docs/rating.md case 15."""
    bill = cent(30_000).bill
    ubl = Ubl(render_ubl(cent(30_000)))
    assert (str(bill.net), str(bill.vat), str(bill.rounding), str(bill.gross)) == ("0.02", "0.00", "0.01", "0.03")
    assert ubl.amount("cac:LegalMonetaryTotal/cbc:PayableRoundingAmount") == Decimal("0.01")


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("\u202f", " ").replace("\xa0", " "))


@pytest.mark.parametrize("name", ALL)
def test_the_pdf_says_every_amount_of_the_bill(name: str) -> None:
    view = ALL[name]()
    reader = PdfReader(io.BytesIO(render_pdf(view)))
    text = _plain(" ".join(page.extract_text() for page in reader.pages))
    bill, language = view.bill, view.language
    for amount in [rate.amount for rate in bill.rates] + [bill.net, bill.vat, abs(bill.gross)]:
        assert money(amount, language=language) in text
    for fact in ("LLT-2026-00000123", str(view.buyer["name"]), view.customer.customer_number, view.seller.vat_number):
        assert fact in text
    assert ("RF96 LLT2 0260 0000 123" in text) == (bill.gross > 0)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_pdf_can_be_read_aloud(name: str) -> None:
    view = EXAMPLES[name]()
    reader = PdfReader(io.BytesIO(render_pdf(view)))
    catalog: Any = reader.trailer["/Root"]
    assert catalog["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in catalog
    assert str(catalog["/Lang"]).startswith(view.language)
    assert reader.metadata is not None
    assert reader.metadata.title == f"{'Creditnota' if view.bill.gross < 0 else 'Invoice' if view.language == 'en' else 'Factuur'} LLT-2026-00000123"
    assert reader.metadata.author == view.seller.name
    assert b"pdfuaid" in catalog["/Metadata"].get_object().get_data()


def test_pages_are_numbered_and_can_be_looked_at() -> None:
    pages = render_pages(consumer(), ppi=40)
    reader = PdfReader(io.BytesIO(render_pdf(consumer())))
    assert len(pages) == len(reader.pages)
    assert all(page.startswith(b"\x89PNG") for page in pages)
    assert f"Pagina {len(pages)} van {len(pages)}" in _plain(reader.pages[-1].extract_text())


def test_who_pays_by_transfer_gets_a_code_and_who_pays_by_debit_does_not() -> None:
    by_transfer, by_debit = _text(consumer()), _text(business())
    assert "Scan met uw bankapp" in by_transfer
    assert "NL02 ABNA 0123 4567 89" in by_transfer
    assert "Scan with" not in by_debit
    assert "We collect" in by_debit


def _text(view: InvoiceView) -> str:
    return _plain(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(render_pdf(view))).pages))


def test_the_code_is_what_epc069_12_asks() -> None:
    text = transfer_text(name="Lage Landen Telecom B.V.", iban="NL02ABNA0123456789", amount=Decimal("54.9"), reference="RF96LLT202600000123")
    assert text.split("\n") == ["BCD", "002", "1", "SCT", "", "Lage Landen Telecom B.V.", "NL02ABNA0123456789", "EUR54.90", "", "RF96LLT202600000123"]
    with pytest.raises(ValueError, match="cent"):
        transfer_text(name="x", iban="x", amount=Decimal(0), reference="x")


def test_the_code_is_drawn_module_by_module() -> None:
    import segno

    source = random.Random(17)
    for digits in range(1, 9):
        amount = Decimal(source.randrange(10 ** (digits - 1), 10**digits)).scaleb(-2) + Decimal("0.01")
        reference = payment_reference(f"LLT-{source.randint(2024, 2031)}-{source.randrange(10**8):08d}")
        seller = {"name": source.choice(("Lage Landen Telecom B.V.", "Télé & Één")), "iban": "NL02ABNA0123456789"}
        svg = payment_qr_svg(**seller, amount=amount, reference=reference)
        matrix = segno.make_qr(transfer_text(**seller, amount=amount, reference=reference), error="m", boost_error=False, mask=3).matrix
        drawn = {(int(x) + step, int(y)) for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1H\1z", svg) for step in range(int(width))}
        assert drawn == {(x, y) for y, row in enumerate(matrix) for x, module in enumerate(row) if module}


def test_quotes_and_marks_in_a_name_are_only_text() -> None:
    view = consumer()
    hostile = 'A "B" \\ #import "x" $1$ *c* <d> & é'
    text = _text(InvoiceView(view.bill, view.seller, view.customer, view.billing_account, {**view.buyer, "name": hostile}, {}, view.offerings))
    assert _plain(hostile) in text
