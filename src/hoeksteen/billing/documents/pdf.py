"""The invoice as PDF: our Typst template, filled with text, compiled by one compiler that lives as long as the process."""

import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import typst

from hoeksteen.billing.documents.qr import payment_qr_svg
from hoeksteen.billing.documents.specification import fill_specification, note
from hoeksteen.billing.documents.view import InvoiceView, department_name
from hoeksteen.billing.legal_entity import LegalEntity, payment_reference
from hoeksteen.billing.model import AppliedCustomerBillingRate, RateKind
from hoeksteen.billing.wording import line_text, long_day, money, percent, period_text, telephone
from hoeksteen.kernel.errors import Corrupt, WrongState
from hoeksteen.party.model import BillingAccount

_TEMPLATE = Path(__file__).with_name("invoice.typ")

# How much fits on one line of its column, in characters of which a capital counts for one and a half.
_DESCRIPTION_FITS = 34.0
_QUANTITY_FITS = 37.0

_WORDS = {
    "nl": {
        "page": "Pagina", "of": "van", "summary": "Overzicht", "product": "Product", "specification": "Specificatie", "tax": "Btw",
        "rate": "Tarief", "over": "Over", "scan": "Scan met uw bankapp", "payment": "Betalen",
    },
    "en": {
        "page": "Page", "of": "of", "summary": "Summary", "product": "Product", "specification": "Specification", "tax": "VAT",
        "rate": "Rate", "over": "On", "scan": "Scan with your bank's app", "payment": "Payment",
    },
}  # fmt: skip
_TEXTS = {
    "nl": {
        "invoice": "Factuur", "credit_note": "Creditnota", "number": "Nummer", "date": "Datum", "period": "Gebruik in", "customer": "Klantnummer",
        "billing_account": "Rekening", "refers_to": "Op factuur",
        "vat_number": "Uw btw-nummer", "due": "Te betalen", "credited": "U ontvangt", "nothing": "Te betalen",
        "with_tax": "Bedrag incl. btw", "without_tax": "Bedrag excl. btw", "net": "Totaal exclusief btw", "vat": "Btw", "rounding": "Afronding",
        "total": "Totaal te betalen", "total_credit": "Totaal te ontvangen", "other": "Overig",
        "by_transfer": "Uiterlijk {day}", "by_debit": "Wordt rond {day} automatisch afgeschreven", "credit": "Wij verrekenen dit bedrag met u",
        "zero": "U hoeft niets te betalen",
        "transfer_sentence": "Maak het bedrag uiterlijk {day} over, onder vermelding van het betalingskenmerk.",
        "debit_sentence": "Wij schrijven {amount} rond {day} automatisch van uw rekening af. U hoeft niets te doen.",
        "credit_sentence": "Wij betalen {amount} terug, of verrekenen het met wat nog openstaat. U hoeft niets te doen.",
        "zero_sentence": "Er is niets te betalen. U hoeft niets te doen.",
        "to": "Ten name van", "reference": "Betalingskenmerk", "amount": "Bedrag", "creditor": "Incassant-ID",
        "qr_alt": "QR-code voor een overschrijving van {amount} aan {name} met kenmerk {reference}",
        "reverse_charge": "Btw verlegd: de btw wordt door u als afnemer aangegeven.",
        "consumer_note": "Alle bedragen in de specificatie zijn inclusief btw.",
        "rounding_note": "De afronding zorgt dat u precies onze tarieven betaalt.",
        "business_note": "Alle bedragen in de specificatie zijn exclusief btw.",
        "department_specification": "Specificatie", "on_invoice": "Bij factuur", "department": "Afdeling {name}", "own": "Rekening {name}",
        "sub_total": "Subtotaal {name}", "part_of": "Deel van factuur {number}",
        "paid_on_top": "Niets te betalen: de factuur gaat naar rekening {account}",
        "paid_on_top_sentence": "U hoeft niets te betalen. Dit bedrag staat op factuur {number} van rekening {account}.",
        "coc": "KvK", "vat_id": "Btw", "about": "Abonnementen voor {next} · gebruik in {period}",
    },
    "en": {
        "invoice": "Invoice", "credit_note": "Credit note", "number": "Number", "date": "Date", "period": "Usage in", "customer": "Customer number",
        "billing_account": "Account", "refers_to": "On invoice",
        "vat_number": "Your VAT number", "due": "Amount due", "credited": "You receive", "nothing": "Amount due",
        "with_tax": "Amount incl. VAT", "without_tax": "Amount excl. VAT", "net": "Total excluding VAT", "vat": "VAT", "rounding": "Rounding",
        "total": "Total due", "total_credit": "Total to be received", "other": "Other",
        "by_transfer": "No later than {day}", "by_debit": "Will be collected automatically around {day}", "credit": "We settle this amount with you",
        "zero": "There is nothing to pay",
        "transfer_sentence": "Please transfer the amount no later than {day}, quoting the payment reference.",
        "debit_sentence": "We collect {amount} from your bank account around {day}. There is nothing you need to do.",
        "credit_sentence": "We pay back {amount}, or set it off against what is still open. There is nothing you need to do.",
        "zero_sentence": "There is nothing to pay, and nothing you need to do.",
        "to": "To", "reference": "Payment reference", "amount": "Amount", "creditor": "Creditor ID",
        "qr_alt": "QR code for a transfer of {amount} to {name} with reference {reference}",
        "reverse_charge": "VAT reverse charged: you as the customer account for the VAT.",
        "consumer_note": "All amounts in the specification include VAT.",
        "rounding_note": "The rounding makes you pay exactly our prices.",
        "business_note": "All amounts in the specification exclude VAT.",
        "department_specification": "Specification", "on_invoice": "With invoice", "department": "Department {name}", "own": "Account {name}",
        "sub_total": "Sub-total {name}", "part_of": "Part of invoice {number}",
        "paid_on_top": "Nothing to pay: the invoice goes to account {account}",
        "paid_on_top_sentence": "There is nothing you need to pay. This amount stands on invoice {number} of account {account}.",
        "coc": "Chamber of Commerce", "vat_id": "VAT", "about": "Subscriptions for {next} · usage in {period}",
    },
}  # fmt: skip


class _Compiler(threading.local):
    """One compiler per thread: its fonts are loaded once, and what is equal between invoices is laid out once."""

    def __init__(self) -> None:
        self.typst = typst.Compiler(root=str(_TEMPLATE.parent), ignore_system_fonts=True)


_compiler = _Compiler()


def render_pdf(view: InvoiceView) -> bytes:
    """Give the invoice as an accessible, tagged PDF (PDF/UA-1, ISO 14289-1)."""
    try:
        pdf = _compiler.typst.compile(input=_source(view), format="pdf", pdf_standards="ua-1")
    except typst.TypstError:  # its own words would name the character, and may name a person by it
        raise WrongState(
            f"Bill {view.bill.bill_number} has a character that the font cannot show.", remedy="Give it as UBL, or spell the text in Latin."
        ) from None
    if not isinstance(pdf, bytes):
        raise Corrupt("An invoice is one file.", remedy="Report this with the bill's number.")
    return pdf


def render_pages(view: InvoiceView, *, ppi: float = 110.0) -> list[bytes]:
    """Give the invoice's pages as PNG, for looking at."""
    pages = _compiler.typst.compile(input=_source(view), format="png", ppi=ppi)
    return pages if isinstance(pages, list) else [pages or b""]


def _source(view: InvoiceView) -> bytes:
    """
    Give the document that calls the template with the invoice's text.

    The text is part of the document and not of `sys.inputs`, because a change of those makes the compiler forget all that
    it has laid out before; and it never touches a disk.
    """
    text = json.dumps(fill(view)).replace("\\", "\\\\").replace('"', '\\"')
    return f'#import "/{_TEMPLATE.name}": invoice\n#invoice(json(bytes("{text}")))\n'.encode()


def fill(view: InvoiceView) -> dict[str, Any]:
    """Give everything that the template prints, as text in the customer's language."""
    bill, language = view.bill, view.language
    texts = _TEXTS[language]
    credit = bill.gross < 0
    kind = texts["credit_note"] if credit else texts["invoice"]
    number = str(bill.bill_number)
    if view.only is not None:
        return _fill_department(view, view.only, texts)
    return {
        "language": language,
        "title": f"{kind} {number}",
        "kind": kind,
        "number": number,
        "about": texts["about"].format(next=period_text(bill.period.next(), language), period=period_text(bill.period, language)),
        "words": _WORDS[language],
        "seller": _seller(view.seller, texts),
        "buyer": buyer_lines(view),
        "facts": _facts(view, texts),
        "due": _due(view, texts),
        "amounts_are": texts["with_tax"] if bill.tax_included else texts["without_tax"],
        "groups": _groups(view, texts),
        "totals": _totals(view, texts),
        "total": _total(view, texts),
        "payment": _payment(view, texts),
        "taxes": [[percent(tax.tax_rate, language=language), _euro(tax.taxable, language), _euro(tax.tax, language)] for tax in bill.taxes],
        "notes": _notes(view, texts),
        "specification": fill_specification(view),
    }


def _fill_department(view: InvoiceView, only: BillingAccount, texts: dict[str, str]) -> dict[str, Any]:
    """Give the text of a department's specification: its own lines and their sum, and nothing to pay."""
    whole = fill(replace(view, only=None))
    bill, language, kind = view.bill, view.language, texts["department_specification"]
    name, number, account = department_name(only), str(bill.bill_number), view.billing_account.billing_account_number
    amount = money(sum((rate.amount for rate in view.rates), Decimal("0.00")), language=language)
    facts = [
        [texts["on_invoice"], number], *whole["facts"][1:4], [texts["billing_account"], only.billing_account_number],
    ]  # fmt: skip
    due = {"label": texts["part_of"].format(number=number), "amount": f"€\u202f{amount}", "sentence": texts["paid_on_top"].format(account=account)}
    payment = {"facts": [], "qr": "", "qr_alt": "", "sentence": texts["paid_on_top_sentence"].format(number=number, account=account)}
    return {
        **whole, "title": f"{kind} {number} {name}", "kind": f"{kind} {name}", "facts": facts, "due": due, "payment": payment,
        "groups": _groups(view, texts), "totals": [], "total": [texts["sub_total"].format(name=name), f"€\u202f{amount}"], "taxes": [],
        "notes": [whole["notes"][0], *([note(view)] if note(view) else [])], "specification": fill_specification(view),
    }  # fmt: skip


def buyer_lines(view: InvoiceView) -> list[str]:
    """Give the lines of the address window."""
    buyer = view.buyer
    number = f"{buyer.get('house_number') or ''} {buyer.get('house_number_addition') or ''}".strip()
    lines = [
        buyer.get("name"),
        buyer.get("attention"),
        f"{buyer.get('street') or ''} {number}".strip(),
        f"{_postcode(buyer.get('postcode') or '')}  {buyer.get('city') or ''}".strip(),
        buyer.get("country") if buyer.get("country") not in (None, "NL") else None,
    ]
    return [str(line) for line in lines if line]


def _postcode(postcode: str) -> str:
    """Write a Dutch postcode as people do: `1016 GV`."""
    return f"{postcode[:4]} {postcode[4:]}" if len(postcode) == 6 and postcode[:4].isdigit() and postcode[4:].isalpha() else postcode


def _seller(seller: LegalEntity, texts: dict[str, str]) -> dict[str, Any]:
    address = [seller.name, seller.street, f"{seller.postcode} {seller.city}", seller.website, seller.telephone]
    registered = [f"{texts['coc']} {seller.chamber_of_commerce_number}", f"{texts['vat_id']} {seller.vat_number}"]
    footer = [" · ".join(address), " · ".join([*registered, f"IBAN {_in_fours(seller.iban)}", f"BIC {seller.bic}"])]
    return {"name": seller.name, "trading_name": seller.trading_name, "footer": footer}


def _facts(view: InvoiceView, texts: dict[str, str]) -> list[list[str]]:
    bill = view.bill
    facts = [
        [texts["number"], str(bill.bill_number)],
        [texts["date"], long_day(bill.bill_date, view.language)],
        [texts["period"], period_text(bill.period, view.language)],
        [texts["customer"], view.customer.customer_number],
        [texts["billing_account"], view.billing_account.billing_account_number],
    ]
    facts += [[texts["refers_to"], earlier.bill_number] for earlier in view.refers_to]
    return [*facts, [texts["vat_number"], str(view.buyer["vat_number"])]] if view.buyer.get("vat_number") else facts


def _due(view: InvoiceView, texts: dict[str, str]) -> dict[str, str]:
    bill = view.bill
    day = long_day(bill.due_date, view.language)
    label, sentence = texts["due"], texts["by_debit" if view.billing_account.payment_method == "direct_debit" else "by_transfer"].format(day=day)
    if bill.gross < 0:
        label, sentence = texts["credited"], texts["credit"]
    elif bill.gross == 0:
        label, sentence = texts["nothing"], texts["zero"]
    return {"label": label, "amount": _euro(abs(bill.gross), view.language), "sentence": sentence}


def _groups(view: InvoiceView, texts: dict[str, str]) -> list[dict[str, Any]]:
    """Give the products; where departments share the invoice, the first of each begins with its name and the last ends with its sum."""
    found: list[dict[str, Any]] = []
    last: UUID | None | str = "nobody"
    sums: dict[UUID | None, Decimal] = {}
    for product_id, rates in view.groups():
        group, made_by = _group(view, product_id, rates, texts), rates[0].department
        if view.departments and view.only is None:
            name = view.billing_account.billing_account_number if made_by is None else department_name(view.departments[made_by])
            sums[made_by] = sums.get(made_by, Decimal("0.00")) + sum(rate.amount for rate in rates)
            if made_by == last:
                found[-1]["sub_total"] = []
            else:
                group["department"] = texts["own" if made_by is None else "department"].format(name=name)
            group["sub_total"] = [texts["sub_total"].format(name=name), money(sums[made_by], language=view.language)]
            last = made_by
        found.append(group)
    return found


def _group(view: InvoiceView, product_id: UUID | None, rates: Sequence[AppliedCustomerBillingRate], texts: dict[str, str]) -> dict[str, Any]:
    language = view.language
    total = sum((rate.amount for rate in rates), Decimal("0.00"))
    number = view.numbers.get(product_id) if product_id is not None else None
    lines = []
    for rate in rates:
        text = line_text(rate=rate, offerings=view.offerings, language=language)
        amount = money(rate.amount, language=language)
        fits = _width(text.description) <= _DESCRIPTION_FITS and _width(text.quantity) <= _QUANTITY_FITS
        lines.append({"description": text.description, "period": text.period, "quantity": text.quantity, "amount": amount, "fits": fits})
    return {
        "name": _group_name(view, rates) or texts["other"], "number": telephone(number), "total": money(total, language=language), "lines": lines,
        "department": "", "sub_total": [],
    }  # fmt: skip


def _width(text: str) -> float:
    return len(text) + sum(character.isupper() for character in text) / 2


def _group_name(view: InvoiceView, rates: Sequence[AppliedCustomerBillingRate]) -> str | None:
    """Give the offering that the product is now: the last one charged, or the last one named."""
    charged = [rate.product_offering_id for rate in rates if rate.kind is RateKind.RECURRING] or [rate.product_offering_id for rate in rates]
    offering = view.offerings.get(charged[-1] or "")
    return charged[-1] if offering is None else offering.name(view.language)


def _totals(view: InvoiceView, texts: dict[str, str]) -> list[list[str]]:
    bill, language = view.bill, view.language
    vat = f"{texts['vat']} {percent(bill.taxes[0].tax_rate, language=language)}" if len(bill.taxes) == 1 else texts["vat"]
    totals = [[texts["net"], money(bill.net, language=language)], [vat, money(bill.vat, language=language)]]
    return [*totals, [texts["rounding"], money(bill.rounding, language=language)]] if bill.rounding else totals


def _total(view: InvoiceView, texts: dict[str, str]) -> list[str]:
    return [texts["total_credit" if view.bill.gross < 0 else "total"], _euro(abs(view.bill.gross), view.language)]


def _payment(view: InvoiceView, texts: dict[str, str]) -> dict[str, Any]:
    bill, language, seller = view.bill, view.language, view.seller
    day, amount = long_day(bill.due_date, language), _euro(abs(bill.gross), language)
    payment: dict[str, Any] = {"facts": [], "qr": "", "qr_alt": ""}
    if bill.gross < 0:
        return {**payment, "sentence": texts["credit_sentence"].format(amount=amount)}
    if bill.gross == 0:
        return {**payment, "sentence": texts["zero_sentence"]}
    reference = payment_reference(str(bill.bill_number))
    if view.billing_account.payment_method == "direct_debit":
        facts = [[texts["reference"], _in_fours(reference)], [texts["creditor"], seller.creditor_identifier]]
        return {**payment, "sentence": texts["debit_sentence"].format(amount=amount, day=day), "facts": facts}
    facts = [[texts["amount"], amount], ["IBAN", _in_fours(seller.iban)], [texts["to"], seller.name], [texts["reference"], _in_fours(reference)]]
    return {
        **payment,
        "sentence": texts["transfer_sentence"].format(day=day),
        "facts": facts,
        "qr": payment_qr_svg(name=seller.name, iban=seller.iban, amount=bill.gross, reference=reference),
        "qr_alt": texts["qr_alt"].format(amount=amount, name=seller.name, reference=reference),
    }


def _notes(view: InvoiceView, texts: dict[str, str]) -> list[str]:
    notes = [texts["consumer_note"] if view.bill.tax_included else texts["business_note"]]
    if view.bill.rounding:
        notes.append(texts["rounding_note"])
    if any(tax.tax_category == "AE" for tax in view.bill.taxes):
        notes.append(texts["reverse_charge"])
    return [*notes, note(view)] if note(view) else notes


def _euro(amount: Decimal, language: str) -> str:
    return f"€\u202f{money(amount, language=language)}"


def _in_fours(text: str) -> str:
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))
