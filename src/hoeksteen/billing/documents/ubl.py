"""
The invoice as UBL 2.1, after the European standard EN 16931 (syntax binding CEN/TS 16931-3-2).

Amounts are those of the bill: line nets add up to the sum of lines (BR-CO-10), tax per category and rate stands on its
taxable amount (BR-CO-17), and the rounding amount (BT-114) closes what consumers pay. A bill below zero is a credit note
(type 381) whose amounts are positive. A price is never negative (BR-27): a line that takes back has a negative quantity.
What a buyer's profile (`profiles`) asks or refuses beside that stands where it is written.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from lxml import etree

from hoeksteen.billing.documents.profiles import CHAMBER_OF_COMMERCE, PEPPOL_PROCESS, Identifier, Profile, electronic_address, registration
from hoeksteen.billing.documents.view import InvoiceView, department_name
from hoeksteen.billing.legal_entity import payment_reference
from hoeksteen.billing.model import AppliedBillTax, AppliedCustomerBillingRate
from hoeksteen.billing.wording import line_text

CURRENCY = "EUR"

_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
_CAC = f"{_UBL}CommonAggregateComponents-2"
_CBC = f"{_UBL}CommonBasicComponents-2"
# BT-121 and BT-120: why no tax is charged (VATEX code list of the Connecting Europe Facility).
_EXEMPTION: dict[str, tuple[str | None, str]] = {
    "E": (None, "Exempt from VAT"),
    "AE": ("VATEX-EU-AE", "Reverse charge"),
    "G": ("VATEX-EU-G", "Export outside the EU"),
    "K": ("VATEX-EU-IC", "Intra-community supply"),
    "O": ("VATEX-EU-O", "Not subject to VAT"),
}
_CREDIT_TRANSFER, _DIRECT_DEBIT = "58", "59"  # UNTDID 4461: SEPA credit transfer, SEPA direct debit
_NOTHING = Decimal("0.00")
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
    _delivery(document, view)
    _payment(document, view, credit)
    _totals(document, view, sign)
    for rate in view.bill.rates:
        _line(document, view, rate, sign, kind)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _head(document: _Parent, view: InvoiceView, credit: bool) -> None:
    bill = view.bill
    document.text("CustomizationID", view.profile.value)
    if view.profile is Profile.PEPPOL_BIS_3:
        document.text("ProfileID", PEPPOL_PROCESS)
    document.text("ID", bill.bill_number)
    document.text("IssueDate", bill.bill_date.isoformat())
    if credit:
        document.text("CreditNoteTypeCode", _CREDIT_NOTE)
    else:
        document.text("DueDate", bill.due_date.isoformat())
        document.text("InvoiceTypeCode", _COMMERCIAL_INVOICE)
    document.text("DocumentCurrencyCode", CURRENCY)
    document.text("AccountingCost", view.billing_account.billing_account_number)
    document.text("BuyerReference", view.billing_account.buyer_reference or view.customer.customer_number)
    first, end = min((rate.period.first_day for rate in bill.rates if rate.period), default=bill.period.first_day), bill.period.next().end_day
    period = document.child("InvoicePeriod")
    period.text("StartDate", first.isoformat())
    period.text("EndDate", _last_day(end))
    for earlier in view.refers_to:
        reference = document.child("BillingReference").child("InvoiceDocumentReference")
        reference.text("ID", earlier.bill_number)
        reference.text("IssueDate", earlier.bill_date.isoformat())


def _seller(document: _Parent, view: InvoiceView) -> None:
    seller = view.seller
    party = document.child("AccountingSupplierParty").child("Party")
    party.text("EndpointID", seller.chamber_of_commerce_number, schemeID=CHAMBER_OF_COMMERCE)
    if view.billing_account.payment_method == "direct_debit":
        party.child("PartyIdentification").text("ID", seller.creditor_identifier, schemeID="SEPA")  # BT-90
    party.child("PartyName").text("Name", seller.trading_name)
    _address(party, {"street": seller.street, "postcode": seller.postcode, "city": seller.city, "country": seller.country})
    if not _untaxed(view):
        _vat_number(party, seller.vat_number)
    entity = party.child("PartyLegalEntity")
    entity.text("RegistrationName", seller.name)
    entity.text("CompanyID", seller.chamber_of_commerce_number, schemeID=CHAMBER_OF_COMMERCE)
    contact = party.child("Contact")
    contact.text("Telephone", seller.telephone)
    contact.text("ElectronicMail", seller.email)


def _buyer(document: _Parent, view: InvoiceView) -> None:
    buyer = view.buyer
    party = document.child("AccountingCustomerParty").child("Party")
    _identifier(party, "EndpointID", electronic_address(buyer))
    _address(party, buyer)
    if buyer.get("vat_number") and not _untaxed(view):
        _vat_number(party, str(buyer["vat_number"]))
    entity = party.child("PartyLegalEntity")
    entity.text("RegistrationName", buyer.get("name"))
    _identifier(entity, "CompanyID", registration(buyer))
    if buyer.get("attention"):
        party.child("Contact").text("Name", buyer["attention"])


def _identifier(parent: _Parent, name: str, identifier: Identifier | None) -> None:
    if identifier is not None:
        parent.text(name, identifier.number, schemeID=identifier.scheme)


def _vat_number(party: _Parent, vat_number: str) -> None:
    scheme = party.child("PartyTaxScheme")
    scheme.text("CompanyID", vat_number)
    scheme.child("TaxScheme").text("ID", "VAT")


def _untaxed(view: InvoiceView) -> bool:
    """Whether nothing on the bill is subject to VAT: then nobody's VAT number may stand on it (BR-O-02)."""
    return all(tax.tax_category == "O" for tax in view.bill.taxes)


def _delivery(document: _Parent, view: InvoiceView) -> None:
    """Say where goods went that were supplied to another member state (BR-IC-11, BR-IC-12)."""
    if any(tax.tax_category == "K" for tax in view.bill.taxes):
        country = document.child("Delivery").child("DeliveryLocation").child("Address").child("Country")
        country.text("IdentificationCode", view.buyer.get("country") or "NL")


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
        if view.profile is not Profile.NLCIUS:  # within SEPA the IBAN says it all (BR-NL-30, BR-NL-31)
            payee.text("Name", view.seller.name)
            payee.child("FinancialInstitutionBranch").text("ID", view.seller.bic)
    elif view.mandate_reference:
        means.child("PaymentMandate").text("ID", view.mandate_reference)
    if credit:
        document.child("PaymentTerms").text("Note", "Settled with the customer" if view.language == "en" else "Wordt met de klant verrekend")


def _totals(document: _Parent, view: InvoiceView, sign: int) -> None:
    bill = view.bill
    tax_total = document.child("TaxTotal")
    tax_total.amount("TaxAmount", sign * bill.vat)
    for (category, rate), taxes in _by_category(view).items():
        part = tax_total.child("TaxSubtotal")
        part.amount("TaxableAmount", sign * sum((tax.taxable for tax in taxes), _NOTHING))
        part.amount("TaxAmount", sign * sum((tax.tax for tax in taxes), _NOTHING))
        scheme = _category(part.child("TaxCategory"), category, rate)
        _reason(scheme, view, taxes)
        scheme.child("TaxScheme").text("ID", "VAT")
    total = document.child("LegalMonetaryTotal")
    total.amount("LineExtensionAmount", sign * bill.net)
    total.amount("TaxExclusiveAmount", sign * bill.net)
    total.amount("TaxInclusiveAmount", sign * (bill.net + bill.vat))
    if bill.rounding:
        total.amount("PayableRoundingAmount", sign * bill.rounding)
    total.amount("PayableAmount", sign * bill.gross)


def _by_category(view: InvoiceView) -> dict[tuple[str, Decimal], list[AppliedBillTax]]:
    """Give the taxes by the category and rate under which the document shows them."""
    found: dict[tuple[str, Decimal], list[AppliedBillTax]] = {}
    for tax in view.bill.taxes:
        found.setdefault((_shown(tax.tax_category, view), tax.tax_rate), []).append(tax)
    return found


def _shown(category: str, view: InvoiceView) -> str:
    """What is not subject to VAT may stand beside nothing else (BR-O-11 to 14): on a mixed bill it is exempt, and the reason says why."""
    return "E" if category == "O" and not _untaxed(view) else category


def _category(element: _Parent, category: str, rate: Decimal) -> _Parent:
    element.text("ID", category)
    if category != "O":
        element.text("Percent", f"{rate:.2f}")
    return element


def _reason(element: _Parent, view: InvoiceView, taxes: Sequence[AppliedBillTax]) -> None:
    reasons = [_EXEMPTION[tax.tax_category] for tax in taxes if tax.tax_category in _EXEMPTION]
    if len(taxes) == 1 and reasons and taxes[0].tax_category == _shown(taxes[0].tax_category, view) and view.profile is not Profile.NLCIUS:
        element.text("TaxExemptionReasonCode", reasons[0][0])  # the Dutch usage takes words only (BR-NL-35)
    element.text("TaxExemptionReason", "; ".join(words for _, words in reasons))


def _line(document: _Parent, view: InvoiceView, rate: AppliedCustomerBillingRate, sign: int, kind: str) -> None:
    text = line_text(rate=rate, offerings=view.offerings, language=view.language)
    net = sign * rate.net
    line = document.child(f"{kind}Line")
    line.text("ID", rate.line)
    if text.quantity:
        line.text("Note", text.quantity)
    line.text("CreditedQuantity" if kind == "CreditNote" else "InvoicedQuantity", -1 if net < 0 else 1, unitCode="C62")
    line.amount("LineExtensionAmount", net)
    if rate.department is not None:
        line.text("AccountingCost", department_name(view.departments[rate.department]))  # BT-133
    if rate.period is not None:
        period = line.child("InvoicePeriod")
        period.text("StartDate", rate.period.first_day.isoformat())
        period.text("EndDate", _last_day(rate.period.end_day))
    item = line.child("Item")
    item.text("Name", text.description)
    classified = _category(item.child("ClassifiedTaxCategory"), _shown(rate.tax_category, view), rate.tax_rate)
    classified.child("TaxScheme").text("ID", "VAT")
    line.child("Price").amount("PriceAmount", abs(net))


def _last_day(end_day: date) -> str:
    return (end_day - timedelta(days=1)).isoformat()
