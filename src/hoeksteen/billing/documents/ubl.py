"""
The invoice as UBL 2.1, after the European standard EN 16931 (syntax binding CEN/TS 16931-3-2).

Amounts are those of the bill: line nets add up to the sum of lines (BR-CO-10), tax per category and rate stands on its
taxable amount (BR-CO-17), and the rounding amount (BT-114) closes what consumers pay. A bill below zero is a credit note
(type 381) whose amounts are positive. A price is never negative (BR-27): a line that takes back has a negative quantity.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from lxml import etree

from hoeksteen.billing.documents.view import InvoiceView
from hoeksteen.billing.legal_entity import payment_reference
from hoeksteen.billing.model import AppliedBillTax, AppliedCustomerBillingRate
from hoeksteen.billing.wording import line_text

CUSTOMIZATION = "urn:cen.eu:en16931:2017"
CURRENCY = "EUR"

_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
_CAC = f"{_UBL}CommonAggregateComponents-2"
_CBC = f"{_UBL}CommonBasicComponents-2"
# BT-121 and BT-120: why no tax is charged (VATEX code list of the Connecting Europe Facility).
_EXEMPTION = {
    "AE": ("VATEX-EU-AE", "Reverse charge"),
    "G": ("VATEX-EU-G", "Export outside the EU"),
    "K": ("VATEX-EU-IC", "Intra-community supply"),
    "O": ("VATEX-EU-O", "Not subject to VAT"),
}
_CREDIT_TRANSFER, _DIRECT_DEBIT = "58", "59"  # UNTDID 4461: SEPA credit transfer, SEPA direct debit
_COMMERCIAL_INVOICE, _CREDIT_NOTE = "380", "381"  # UNTDID 1001


class _Parent:
    """An element being filled in the order of the schema; nothing is added for an empty value."""

    def __init__(self, element: Any) -> None:
        self.element = element

    def text(self, name: str, value: object, **attributes: str) -> None:
        if value is not None and value != "":
            child = etree.SubElement(self.element, f"{{{_CBC}}}{name}", attributes)
            child.text = str(value)

    def amount(self, name: str, value: Decimal) -> None:
        self.text(name, f"{value:.2f}", currencyID=CURRENCY)

    def child(self, name: str) -> "_Parent":
        return _Parent(etree.SubElement(self.element, f"{{{_CAC}}}{name}"))


def render_ubl(view: InvoiceView) -> bytes:
    """Give the bill as a UBL `Invoice` or `CreditNote`, UTF-8."""
    credit = view.bill.gross < 0
    sign = -1 if credit else 1
    kind = "CreditNote" if credit else "Invoice"
    namespace = f"{_UBL}{kind}-2"
    prefixes: dict[Any, str] = {None: namespace, "cac": _CAC, "cbc": _CBC}  # the stubs know no default namespace
    root: Any = etree.Element(f"{{{namespace}}}{kind}", nsmap=prefixes)
    document = _Parent(root)
    _head(document, view, credit)
    _seller(document, view)
    _buyer(document, view)
    _payment(document, view, credit)
    _totals(document, view, sign)
    for rate in view.bill.rates:
        _line(document, view, rate, sign, kind)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _head(document: _Parent, view: InvoiceView, credit: bool) -> None:
    bill = view.bill
    document.text("CustomizationID", CUSTOMIZATION)
    document.text("ID", bill.bill_number)
    document.text("IssueDate", bill.bill_date.isoformat())
    if credit:
        document.text("CreditNoteTypeCode", _CREDIT_NOTE)
    else:
        document.text("DueDate", bill.due_date.isoformat())
        document.text("InvoiceTypeCode", _COMMERCIAL_INVOICE)
    document.text("DocumentCurrencyCode", CURRENCY)
    document.text("AccountingCost", view.billing_account.billing_account_number)
    document.text("BuyerReference", view.customer.customer_number)
    first, end = min((rate.period.first_day for rate in bill.rates if rate.period), default=bill.period.first_day), bill.period.next().end_day
    period = document.child("InvoicePeriod")
    period.text("StartDate", first.isoformat())
    period.text("EndDate", _last_day(end))


def _seller(document: _Parent, view: InvoiceView) -> None:
    seller = view.seller
    party = document.child("AccountingSupplierParty").child("Party")
    party.text("EndpointID", seller.chamber_of_commerce_number, schemeID="0106")
    if view.billing_account.payment_method == "direct_debit":
        party.child("PartyIdentification").text("ID", seller.creditor_identifier, schemeID="SEPA")  # BT-90
    party.child("PartyName").text("Name", seller.trading_name)
    _address(party, {"street": seller.street, "postcode": seller.postcode, "city": seller.city, "country": seller.country})
    scheme = party.child("PartyTaxScheme")
    scheme.text("CompanyID", seller.vat_number)
    scheme.child("TaxScheme").text("ID", "VAT")
    entity = party.child("PartyLegalEntity")
    entity.text("RegistrationName", seller.name)
    entity.text("CompanyID", seller.chamber_of_commerce_number, schemeID="0106")
    contact = party.child("Contact")
    contact.text("Telephone", seller.telephone)
    contact.text("ElectronicMail", seller.email)


def _buyer(document: _Parent, view: InvoiceView) -> None:
    buyer = view.buyer
    party = document.child("AccountingCustomerParty").child("Party")
    _address(party, buyer)
    if buyer.get("vat_number"):
        scheme = party.child("PartyTaxScheme")
        scheme.text("CompanyID", buyer["vat_number"])
        scheme.child("TaxScheme").text("ID", "VAT")
    party.child("PartyLegalEntity").text("RegistrationName", buyer.get("name"))
    if buyer.get("attention"):
        party.child("Contact").text("Name", buyer["attention"])


def _address(party: _Parent, fields: Mapping[str, Any]) -> None:
    number = f"{fields.get('house_number') or ''} {fields.get('house_number_addition') or ''}".strip()
    address = party.child("PostalAddress")
    address.text("StreetName", f"{fields.get('street') or ''} {number}".strip())
    address.text("CityName", fields.get("city"))
    address.text("PostalZone", fields.get("postcode"))
    address.child("Country").text("IdentificationCode", fields.get("country") or "NL")


def _payment(document: _Parent, view: InvoiceView, credit: bool) -> None:
    reference = payment_reference(str(view.bill.bill_number))
    debit = view.billing_account.payment_method == "direct_debit"
    means = document.child("PaymentMeans")
    means.text("PaymentMeansCode", _DIRECT_DEBIT if debit and not credit else _CREDIT_TRANSFER)
    means.text("PaymentID", reference)
    if not debit or credit:
        payee = means.child("PayeeFinancialAccount")
        payee.text("ID", view.seller.iban)
        payee.text("Name", view.seller.name)
        payee.child("FinancialInstitutionBranch").text("ID", view.seller.bic)
    if credit:
        document.child("PaymentTerms").text("Note", "Settled with the customer" if view.language == "en" else "Wordt met de klant verrekend")


def _totals(document: _Parent, view: InvoiceView, sign: int) -> None:
    bill = view.bill
    tax_total = document.child("TaxTotal")
    tax_total.amount("TaxAmount", sign * bill.vat)
    for tax in bill.taxes:
        part = tax_total.child("TaxSubtotal")
        part.amount("TaxableAmount", sign * tax.taxable)
        part.amount("TaxAmount", sign * tax.tax)
        _category(part.child("TaxCategory"), tax, reason=True)
    total = document.child("LegalMonetaryTotal")
    total.amount("LineExtensionAmount", sign * bill.net)
    total.amount("TaxExclusiveAmount", sign * bill.net)
    total.amount("TaxInclusiveAmount", sign * (bill.net + bill.vat))
    if bill.rounding:
        total.amount("PayableRoundingAmount", sign * bill.rounding)
    total.amount("PayableAmount", sign * bill.gross)


def _category(category: _Parent, tax: AppliedBillTax | AppliedCustomerBillingRate, *, reason: bool) -> None:
    category.text("ID", tax.tax_category)
    if tax.tax_category != "O":
        category.text("Percent", f"{tax.tax_rate:.2f}")
    if reason and tax.tax_category in _EXEMPTION:
        code, words = _EXEMPTION[tax.tax_category]
        category.text("TaxExemptionReasonCode", code)
        category.text("TaxExemptionReason", words)
    category.child("TaxScheme").text("ID", "VAT")


def _line(document: _Parent, view: InvoiceView, rate: AppliedCustomerBillingRate, sign: int, kind: str) -> None:
    text = line_text(rate=rate, offerings=view.offerings, language=view.language)
    net = sign * rate.net
    line = document.child(f"{kind}Line")
    line.text("ID", rate.line)
    if text.quantity:
        line.text("Note", text.quantity)
    line.text("CreditedQuantity" if kind == "CreditNote" else "InvoicedQuantity", -1 if net < 0 else 1, unitCode="C62")
    line.amount("LineExtensionAmount", net)
    if rate.period is not None:
        period = line.child("InvoicePeriod")
        period.text("StartDate", rate.period.first_day.isoformat())
        period.text("EndDate", _last_day(rate.period.end_day))
    item = line.child("Item")
    item.text("Name", text.description)
    _category(item.child("ClassifiedTaxCategory"), rate, reason=False)
    line.child("Price").amount("PriceAmount", abs(net))


def _last_day(end_day: date) -> str:
    return (end_day - timedelta(days=1)).isoformat()
