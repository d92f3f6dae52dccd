"""Invoices without a database: put together by the product's own code from products and usage, with an invented buyer."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from hoeksteen.billing.assembly import ProductInputs, assemble, to_bill
from hoeksteen.billing.documents import InvoiceView
from hoeksteen.billing.documents.view import EarlierBill
from hoeksteen.billing.legal_entity import LAGE_LANDEN
from hoeksteen.billing.prices import FOREVER, PriceBook
from hoeksteen.billing.recurring import Alteration, Calendar, Charge, ChargeKey, HeldProduct, Position, Term
from hoeksteen.kernel.time_period import bill_period
from hoeksteen.party.model import BillingAccount, Customer
from hoeksteen.product.model import ProductOffering
from hoeksteen.product.price_list import SHIPPED, read_directory

PERIOD = bill_period(date(2026, 10, 1))
CUSTOMER = UUID(int=9)
OFFERINGS = {entry.offering.product_offering_id: entry.offering for entry in read_directory(SHIPPED).offerings}
PERSON: dict[str, Any] = {
    "name": "J.P. van den Berg", "attention": None, "street": "Prinsengracht", "house_number": "263", "house_number_addition": "A",
    "postcode": "1016GV", "city": "Amsterdam", "country": "NL", "vat_number": None,
}  # fmt: skip
COMPANY = PERSON | {"name": "Molenaar & Zonen B.V.", "attention": "S. Molenaar", "vat_number": "NL810000015B01"}


@dataclass(frozen=True)
class Used:
    """Rated usage, as the rating room totals it."""

    product_id: UUID
    product_offering_id: str
    service: str
    zone: str
    records: int
    units: int
    free_units: int
    amount_micro: int
    price_id: str = "x"
    roaming: str = "HOME"
    period_day: date = PERIOD.first_day
    corrects: UUID | None = None
    billed_on: date | None = None
    bill_number: str = ""


OIN = "00000001810000200000"


def _day(text: str) -> int:
    return date.fromisoformat(text).toordinal()


def _held(number: int, *terms: tuple[str, str], opening: str = "2026-11-01", alterations: tuple[Alteration, ...] = ()) -> HeldProduct:
    starts = [_day(day) for day, _ in terms]
    spans = zip(starts, [*starts[1:], FOREVER], terms, strict=True)
    history = tuple(Term(first, end, offering.lstrip("-"), not offering.startswith("-")) for first, end, (_, offering) in spans)
    return HeldProduct(CUSTOMER, UUID(int=number), starts[0], _day(opening), history, alterations)


def _view(
    products: list[ProductInputs], usage: list[Used], *, consumer: bool, language: str, method: str, buyer: dict[str, Any],
    offerings: dict[str, ProductOffering] = OFFERINGS,
) -> InvoiceView:  # fmt: skip
    billing_account = BillingAccount(CUSTOMER, UUID(int=10), "50000017", 1, method, consumer, "active")  # type: ignore[arg-type]
    segment = "consumer" if consumer else "business"
    customer = Customer(CUSTOMER, UUID(int=11), "individual", "10000042", segment, "active", language, date(2020, 1, 1))  # type: ignore[arg-type]
    book = PriceBook(list(offerings.values()))
    draft = assemble(billing_account=billing_account, products=products, usage=usage, book=book, calendar=Calendar(PERIOD), period=PERIOD)
    bill = to_bill(
        draft=draft,
        billing_account=billing_account,
        customer_bill_id=UUID(int=77),
        bill_date=date(2026, 11, 1),
        due_date=date(2026, 11, 15),
        period=PERIOD,
    )
    numbers = {UUID(int=21): "31612345678", UUID(int=22): "31201234567"}
    return InvoiceView(replace(bill, bill_number="LLT-2026-00000123"), LAGE_LANDEN, customer, billing_account, buyer, numbers, offerings)


def consumer(*, language: str = "nl", method: str = "transfer") -> InvoiceView:
    """A change of plan inside the month that was billed, a discount, usage inside and beyond allowances, three products."""
    discount = Alteration("d", "trouwe klant", True, -1_000, _day("2026-01-01"), FOREVER)
    october = _day("2026-10-01")
    billed = [
        Charge(ChargeKey("mobile-m", "mobile-m/month", None, october), october, _day("2026-11-01"), 31, 31, 2_000),
        Charge(ChargeKey("mobile-m", "mobile-m/month", "d", october), october, _day("2026-11-01"), 31, 31, -200, False, "trouwe klant"),
    ]
    mobile = _held(21, ("2025-01-01", "mobile-m"), ("2026-10-17", "mobile-l"), opening="2026-10-01", alterations=(discount,))
    products = [
        ProductInputs(mobile, Position(_day("2026-11-01"), 0), billed),
        ProductInputs(_held(22, ("2024-01-01", "fixed-basic")), None, None),
        ProductInputs(_held(23, ("2024-01-01", "internet-500")), None, None),
    ]
    usage = [
        Used(UUID(int=21), "mobile-l", "voice", "NL", 83, 19_012, 19_012, 0),
        Used(UUID(int=21), "mobile-l", "voice", "EU", 4, 1_260, 0, 7_750_000),
        Used(UUID(int=21), "mobile-l", "voice", "NL", 2, 300, 0, 1_000_000, roaming="WORLD"),
        Used(UUID(int=21), "mobile-l", "data", "NL", 912, 18_412_000_000, 18_412_000_000, 0),
        Used(UUID(int=21), "mobile-l", "sms", "NL", 1, 1, 0, 100_000),
        Used(UUID(int=22), "fixed-basic", "voice", "NL", 40, 12_000, 6_000, 4_166_667),
    ]
    return _view(products, usage, consumer=True, language=language, method=method, buyer=PERSON)


def business(*, language: str = "en", method: str = "direct_debit") -> InvoiceView:
    """Two products without tax in their prices, and usage."""
    products = [
        ProductInputs(_held(21, ("2024-01-01", "business-mobile")), None, None),
        ProductInputs(_held(23, ("2024-01-01", "business-internet")), None, None),
    ]
    usage = [Used(UUID(int=21), "business-mobile", "voice", "WORLD", 3, 540, 0, 9_300_000)]
    return _view(products, usage, consumer=False, language=language, method=method, buyer=COMPANY)


def credit(*, language: str = "nl") -> InvoiceView:
    """A termination inside a month that was billed: a credit note."""
    october = _day("2026-10-01")
    billed = [Charge(ChargeKey("mobile-m", "mobile-m/month", None, october), october, _day("2026-11-01"), 31, 31, 2_000)]
    ended = _held(21, ("2025-01-01", "mobile-m"), ("2026-10-17", "-mobile-m"), opening="2026-10-01")
    return _view(
        [ProductInputs(ended, Position(_day("2026-11-01"), 0), billed)], [], consumer=True, language=language, method="transfer", buyer=PERSON
    )


def taxed(*taxes: tuple[str, int], buyer: dict[str, Any] = COMPANY) -> InvoiceView:
    """A business's bill of one line per tax: its category and whole percents."""
    names = ("business-internet", "business-mobile", "internet-100", "internet-500")
    offerings = dict(OFFERINGS)
    for name, (category, rate) in zip(names, taxes, strict=False):
        offerings[name] = replace(OFFERINGS[name], tax_category=category, tax_rate=Decimal(rate))
    products = [ProductInputs(_held(31 + index, ("2024-01-01", name)), None, None) for index, name in enumerate(names[: len(taxes)])]
    return _view(products, [], consumer=False, language="nl", method="transfer", buyer=buyer, offerings=offerings)


def nothing() -> InvoiceView:
    """A bill on which a charge and a credit meet at zero."""
    october = _day("2026-10-01")
    billed = [Charge(ChargeKey("mobile-m", "mobile-m/month", None, october), october, _day("2026-11-01"), 31, 31, 2_000)]
    ended = _held(21, ("2025-01-01", "mobile-m"), ("2026-10-01", "-mobile-m"), opening="2026-10-01")
    usage = [Used(UUID(int=22), "fixed-basic", "voice", "NL", 40, 12_000, 6_000, 16_528_925)]
    return _view(
        [ProductInputs(ended, Position(_day("2026-11-01"), 0), billed)], usage, consumer=True, language="nl", method="transfer", buyer=PERSON
    )


def registered(method: str = "transfer", **more: Any) -> InvoiceView:
    """A business of which the number at the Chamber of Commerce is known; `more` fields of the buyer."""
    view = business(language="nl", method=method)
    return replace(view, buyer=COMPANY | {"chamber_of_commerce_number": "81000015"} | more)


def over_peppol(method: str = "transfer", mandate: str | None = None, **more: Any) -> InvoiceView:
    """A business that receives invoices over a network."""
    view = registered(method, electronic_address="0106:81000015", **more)
    return replace(view, mandate_reference=mandate)


def government() -> InvoiceView:
    """A body with an OIN, which wants its own reference quoted."""
    body = {
        "name": "Gemeente Laagveen",
        "vat_number": None,
        "government_number": "00000001810000200000",
        "electronic_address": "0190:00000001810000200000",
    }
    view = replace(business(language="nl", method="transfer"), buyer=COMPANY | body)
    return replace(view, billing_account=replace(view.billing_account, buyer_reference="ICT-2026/17"))


def credit_over_peppol() -> InvoiceView:
    """A credit note that names the bill which it corrects."""
    view = credit()
    buyer = COMPANY | {"chamber_of_commerce_number": "81000015", "electronic_address": "0106:81000015"}
    return replace(view, buyer=buyer, refers_to=(EarlierBill("LLT-2026-00000042", date(2026, 10, 1)),))


def reverse_charge() -> InvoiceView:
    """A business elsewhere in the Union that accounts for the tax itself."""
    offerings = {
        **OFFERINGS,
        "business-internet": replace(OFFERINGS["business-internet"], tax_category="AE", tax_rate=OFFERINGS["business-internet"].tax_rate * 0),
    }
    buyer = COMPANY | {"name": "Wevers NV", "city": "Gent", "postcode": "9000", "country": "BE", "vat_number": "BE0123456749"}
    products = [ProductInputs(_held(23, ("2024-01-01", "business-internet")), None, None)]
    return _view(products, [], consumer=False, language="nl", method="transfer", buyer=buyer, offerings=offerings)


def cent(micro: int) -> InvoiceView:
    """A consumer's bill of one tiny line (docs/rating.md case 15)."""
    usage = [Used(UUID(int=21), "mobile-s", "sms", "NL", 1, 1, 0, micro)]
    return _view([], usage, consumer=True, language="nl", method="transfer", buyer=PERSON)


BELGIAN = COMPANY | {"name": "Wevers NV", "city": "Gent", "postcode": "9000", "country": "BE", "vat_number": "BE0123456749"}
EXAMPLES = {
    "consumer": consumer, "business": business, "credit": credit, "reverse-charge": reverse_charge, "nlcius": registered, "peppol": over_peppol,
    "peppol-credit": credit_over_peppol, "government": government,
}  # fmt: skip
CASES = {
    **EXAMPLES,
    "one cent": lambda: cent(10_000),
    "zero": nothing,
    "zero rate": lambda: taxed(("Z", 0)),
    "exempt": lambda: taxed(("E", 0), ("S", 21)),
    "export": lambda: taxed(("G", 0), buyer=COMPANY | {"country": "CH", "vat_number": None}),
    "goods to another member state": lambda: taxed(("K", 0), buyer=BELGIAN),
    "reverse charge over a network": lambda: taxed(("AE", 0), buyer=BELGIAN | {"electronic_address": "0208:0123456749"}),
    "outside VAT": lambda: taxed(("O", 0)),
    "outside VAT beside others": lambda: taxed(("O", 0), ("S", 21), ("E", 0)),
    "three rates": lambda: taxed(("S", 21), ("S", 9), ("Z", 0)),
    "three rates, Dutch usage": lambda: taxed(("S", 21), ("S", 9), ("AE", 0), buyer=COMPANY | {"chamber_of_commerce_number": "81000015"}),
    "peppol debit": lambda: over_peppol("direct_debit", "LLT-0042"),
    "peppol debit without mandate": lambda: over_peppol("direct_debit"),
    "registered, address unknown": lambda: registered(street=None, house_number=None, house_number_addition=None),
    "credit without reference over peppol": lambda: replace(credit_over_peppol(), refers_to=()),
}  # fmt: skip
