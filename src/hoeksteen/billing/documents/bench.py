"""How fast documents are drawn on this machine: invented bills of ten lines, no database and no keeper."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from hoeksteen.billing.assembly import euros_of_cents
from hoeksteen.billing.documents.pdf import render_pdf
from hoeksteen.billing.documents.ubl import render_ubl
from hoeksteen.billing.documents.view import InvoiceView
from hoeksteen.billing.legal_entity import LAGE_LANDEN, bill_number, due_date
from hoeksteen.billing.model import AppliedBillTax, AppliedCustomerBillingRate, CustomerBill, RateKind
from hoeksteen.billing.tax import TaxKey, tax_bill
from hoeksteen.kernel.time_period import BillPeriod, bill_period
from hoeksteen.party.model import BillingAccount, Customer
from hoeksteen.product.price_list import SHIPPED, read_directory

_PERIOD = bill_period(date(2026, 10, 1))
_STREETS = ("Prinsengracht", "Oudegracht", "Coolsingel", "Vrijthof", "Grote Markt", "Stationsweg", "Lange Nieuwstraat")
_PRODUCTS = (("mobile-s", "mobile-m", "mobile-l"), ("internet-100", "internet-500"), ("tv-basic",))
_USAGE = (("voice", "NL"), ("voice", "EU"), ("voice", "NL-SERVICE"), ("sms", "NL"), ("data", "NL"), ("data", "EU"))
_RATE = Decimal("21.00")
_WARM = 20


@dataclass(frozen=True, slots=True)
class DocumentFigures:
    """
    What was measured, in one process, by the processor time that it took.

    :param pdfs_per_second: of one core; so are `ubl_per_second`
    :param lines: of a bill, on average
    """

    bills: int
    lines: float
    pdfs_per_second: float
    ubl_per_second: float
    pdf_bytes: int
    seconds: float


def measure(views: Sequence[InvoiceView]) -> DocumentFigures:
    """
    Draw bills and give how fast; the first ones warm the fonts up and do not count.

    :param views: more than twenty
    """
    warm, rest = views[:_WARM], views[_WARM:]
    began = time.monotonic()
    for view in warm:
        render_pdf(view)
    start = time.process_time()
    size = sum(len(render_pdf(view)) for view in rest)
    drawn = time.process_time() - start
    start = time.process_time()
    for view in rest:
        render_ubl(view)
    written = time.process_time() - start
    lines = sum(len(view.bill.rates) for view in rest) / len(rest)
    return DocumentFigures(
        len(rest), lines, len(rest) / drawn, len(rest) / written, size // len(rest), time.monotonic() - began
    )  # fmt: skip


def invented_views(*, count: int, seed: int) -> list[InvoiceView]:
    """Give bills of invented consumers: three products, a discount and six kinds of usage, ten lines each; every buyer and amount is another."""
    source = random.Random(seed)
    catalogue = {entry.offering.product_offering_id: entry.offering for entry in read_directory(SHIPPED).offerings}
    return [_view(source, sequence, catalogue) for sequence in range(1, count + 1)]


def _view(source: random.Random, sequence: int, catalogue: dict[str, Any]) -> InvoiceView:
    customer_id, account_id = UUID(int=source.getrandbits(128)), UUID(int=source.getrandbits(128))
    customer = Customer(customer_id, UUID(int=sequence), "individual", f"{200_000_000 + sequence}", "consumer", "active", "nl", date(2020, 1, 1))
    account = BillingAccount(customer_id, account_id, f"{500_000_000 + sequence}", 1, "transfer", True, "active")
    products = [UUID(int=source.getrandbits(128)) for _ in _PRODUCTS]
    chosen = [source.choice(names) for names in _PRODUCTS]
    lines: list[tuple[RateKind, UUID, str, BillPeriod, dict[str, Any], int]] = []
    for product_id, offering in zip(products, chosen, strict=True):
        lines.append((RateKind.RECURRING, product_id, offering, _PERIOD.next(), {"days": 30, "days_in_period": 30}, source.randint(1_000, 6_000)))
        if product_id == products[0]:
            detail = {"alteration": "trouwe klant", "alteration_id": "d"}
            lines.append((RateKind.DISCOUNT, product_id, offering, _PERIOD.next(), detail, -source.randint(100, 900)))
            for service, zone in _USAGE:
                used = {"service": service, "zone": zone, "units": source.randint(60, 90_000), "free_units": 0, "amount_micro": 0, "roaming": "HOME"}
                lines.append((RateKind.USAGE, product_id, offering, _PERIOD, used, source.randint(0, 2_500)))
    taxation = tax_bill(keys=[TaxKey("S", 2_100)] * len(lines), amounts=[line[-1] for line in lines], tax_included=True)
    rates = tuple(
        AppliedCustomerBillingRate(
            number, kind, product_id, offering, None, detail, period, Decimal(source.randint(1, 90)) if kind is RateKind.USAGE else Decimal(1),
            euros_of_cents(net), euros_of_cents(cents), "S", _RATE,
        )
        for number, ((kind, product_id, offering, period, detail, cents), net) in enumerate(zip(lines, taxation.line_nets, strict=True), start=1)
    )  # fmt: skip
    net, vat, rounding, gross = (euros_of_cents(cents) for cents in (taxation.net, taxation.vat, taxation.rounding, taxation.gross))
    bill = CustomerBill(
        customer_id, UUID(int=source.getrandbits(128)), account_id, None, bill_number(entity=LAGE_LANDEN, year=2026, sequence=sequence),
        _PERIOD.end_day, due_date(_PERIOD.end_day), _PERIOD, True, net, vat, rounding, gross, rates,
        (AppliedBillTax("S", _RATE, euros_of_cents(taxation.parts[0].taxable), vat),),
    )  # fmt: skip
    buyer = {
        "name": f"J.P. van den Berg{sequence}", "street": source.choice(_STREETS), "house_number": str(source.randint(1, 400)),
        "postcode": f"{source.randint(1000, 9999)}AB", "city": "Utrecht", "country": "NL",
    }  # fmt: skip
    numbers = {products[0]: f"316{source.randrange(10**8):08d}"}
    return InvoiceView(bill, LAGE_LANDEN, customer, account, buyer, numbers, catalogue)
