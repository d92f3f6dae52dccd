"""Putting a bill together from its charges and usage: the lines in their order, the tax, the sums. Pure, in whole cents."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from hoeksteen.billing.early import BilledEarly
from hoeksteen.billing.granted import INSTALMENT, Granted
from hoeksteen.billing.minimum_spend import MinimumBilled, minimum_lines
from hoeksteen.billing.model import DEPARTMENT, AppliedBillTax, AppliedCustomerBillingRate, CustomerBill, RateKind
from hoeksteen.billing.prices import OfferingPrices, PriceBook
from hoeksteen.billing.recurring import MICRO_PER_CENT, Calendar, Charge, HeldProduct, Position, charges_due
from hoeksteen.billing.tax import Taxation, TaxKey, tax_bill
from hoeksteen.billing.usage_discounts import lowers, taken_off
from hoeksteen.kernel.money import divide_half_up
from hoeksteen.kernel.time_period import BillPeriod, bill_period
from hoeksteen.party.model import BillingAccount

# The order in which a bill lists usage.
_SERVICES = {"voice": 0, "sms": 1, "data": 2}
_ZONES = {"NL": 0, "EU": 1, "WORLD": 2, "NL-SERVICE": 3, "NL-FREE": 4}
_ONE = Decimal(1)
_NOBODY = UUID(int=0)
_SIX_PLACES = Decimal("0.000001")


class Usage(Protocol):
    """The rated usage of one product, service, zone, place and price, as the rating room totals it."""

    @property
    def product_id(self) -> UUID: ...
    @property
    def product_offering_id(self) -> str: ...
    @property
    def service(self) -> str: ...
    @property
    def zone(self) -> str: ...
    @property
    def price_id(self) -> str | None: ...
    @property
    def records(self) -> int: ...
    @property
    def units(self) -> int: ...
    @property
    def free_units(self) -> int: ...
    @property
    def amount_micro(self) -> int: ...
    @property
    def roaming(self) -> str: ...
    @property
    def period_day(self) -> date: ...
    @property
    def late(self) -> bool: ...
    @property
    def part_from(self) -> date | None: ...
    @property
    def corrects(self) -> UUID | None: ...
    @property
    def billed_on(self) -> date | None: ...
    @property
    def bill_number(self) -> str: ...


REVERSE_CHARGE = TaxKey("AE", 0)  # VAT directive art. 196: a business in another member state accounts for the tax


class LineDraft(NamedTuple):
    """A line before tax: `cents` in the billing account's way of holding tax or not; days as ordinals."""

    kind: RateKind
    product_id: UUID | None
    offering: OfferingPrices
    price_id: str | None
    detail: Mapping[str, Any]
    first: int
    end: int
    quantity: Decimal
    cents: int


class BillDraft(NamedTuple):
    """
    A whole bill that has no number yet.

    :param granted: what of it was granted, each with what it comes to in cents; a final bill notes that it has them
    """

    billing_account: BillingAccount
    lines: Sequence[LineDraft]
    taxation: Taxation
    granted: Sequence[tuple[Granted, int]] = ()


class ProductInputs(NamedTuple):
    """
    What a bill needs of one product.

    :param billed: its charges on earlier bills, only when something changed since the last run
    :param minimums: what earlier bills have of its minimum spend
    """

    product: HeldProduct
    position: Position | None
    billed: Sequence[Charge] | None
    minimums: Sequence[MinimumBilled] = ()


def assemble(
    *,
    billing_account: BillingAccount,
    products: Iterable[ProductInputs],
    usage: Sequence[Usage],
    book: PriceBook,
    calendar: Calendar,
    period: BillPeriod,
    granted: Sequence[Granted] = (),
    early: Sequence[BilledEarly] = (),
) -> BillDraft | None:
    """
    Put the bill of one billing account together; None when there is nothing to pay or to credit.

    :param granted: what people granted it beside its products; their lines stand behind those of the products
    :param early: what bills of this account, when it left, charged of this usage already; it is subtracted
    :raises NoPrice: when a day in service has no price
    """
    made = lines_of(
        billing_account=billing_account, products=products, usage=usage, book=book, calendar=calendar, period=period, granted=granted, early=early
    )
    return bill_of(billing_account=billing_account, lines=made.lines, granted=made.granted)


class AccountLines(NamedTuple):
    """
    The lines of one billing account, before tax.

    :param granted: what people granted it, each with the cents of its line
    """

    lines: list[LineDraft]
    granted: Sequence[tuple[Granted, int]]


def lines_of(
    *,
    billing_account: BillingAccount,
    products: Iterable[ProductInputs],
    usage: Sequence[Usage],
    book: PriceBook,
    calendar: Calendar,
    period: BillPeriod,
    granted: Sequence[Granted] = (),
    early: Sequence[BilledEarly] = (),
) -> AccountLines:
    """
    Give the lines of one billing account, before tax.

    :raises NoPrice: when a day in service has no price
    """
    tax_included = billing_account.tax_included
    used: dict[UUID, list[Usage]] = {}
    for total in usage:
        used.setdefault(total.product_id, []).append(total)
    before: dict[UUID, list[Usage]] = {}
    for one in early:
        before.setdefault(one.product_id, []).extend(() if one.discount else [one])
    lines: list[LineDraft] = []
    for inputs in products:
        lines += _recurring_lines(inputs, book, calendar, tax_included)
        totals = used.pop(inputs.product.product_id, ())
        known = before.pop(inputs.product.product_id, ())
        lines += _usage_lines([*known, *totals] if known else totals, book, period, tax_included)
        if inputs.product.usage_discounts and totals:
            lowered = _usage_discount_lines(inputs.product, totals, book, period, tax_included)
            lines += _less_early(lowered, early, inputs.product.product_id, book) if early else lowered
        elif early:
            lines += _less_early((), early, inputs.product.product_id, book)
        if book.minimums:
            lines += _minimum_lines(inputs, totals, book, calendar, tax_included)
    for product_id in [*used, *(one for one in before if one not in used)]:
        lines += _usage_lines([*before.get(product_id, ()), *used.get(product_id, ())], book, period, tax_included)
    if granted:
        lines += [_granted_line(one, tax_included) for one in granted]
    billed = tuple(zip(granted, (line.cents for line in lines[len(lines) - len(granted) :]), strict=True)) if granted else ()
    return AccountLines(lines, billed)


def as_department(billing_account: BillingAccount, lines: Iterable[LineDraft]) -> list[LineDraft]:
    """Give lines as they stand on a parent's bill: each names the department that made it."""
    made_by = str(billing_account.billing_account_id)
    return [line._replace(detail={**line.detail, DEPARTMENT: made_by}) for line in lines]


def bill_of(*, billing_account: BillingAccount, lines: list[LineDraft], granted: Sequence[tuple[Granted, int]] = ()) -> BillDraft | None:
    """Put lines together to one bill with one tax over all of them; None when there is nothing to pay or to credit."""
    tax_included = billing_account.tax_included
    if not any(line.cents for line in lines):
        return None
    if billing_account.tax_treatment == "reverse_charge":
        lines = [line._replace(offering=line.offering._replace(tax=REVERSE_CHARGE)) if _is_new_supply(line) else line for line in lines]
    taxation = tax_bill(keys=[line.offering.tax for line in lines], amounts=[line.cents for line in lines], tax_included=tax_included)
    return BillDraft(billing_account, lines, taxation, granted)


def _granted_line(one: Granted, tax_included: bool) -> LineDraft:
    numerator, denominator = one.taxed.ratio(tax_included)
    cents = divide_half_up(one.cents * numerator, denominator)
    return LineDraft(one.kind, None, one.taxed, None, one.detail, one.day, one.day + 1, _ONE, cents)


def _is_new_supply(line: LineDraft) -> bool:
    """
    What was granted out of the scope of VAT stays so: paying later, or compensation, is no supply to account for. And what gives back a sale in
    parts gives back the tax that its first bill had.
    """
    if line.product_id is None and INSTALMENT in line.detail and line.cents < 0:
        return False
    return line.product_id is not None or line.offering.tax.category != "O"


def _recurring_lines(inputs: ProductInputs, book: PriceBook, calendar: Calendar, tax_included: bool) -> Iterable[LineDraft]:
    """Give the lines of a product's charges; those of products that are alike in all but their identifiers are worked out once."""
    product = inputs.product
    if inputs.billed is not None or product.alterations:
        return _charge_lines(product, inputs.position, inputs.billed, book, calendar, tax_included)
    alike = HeldProduct(_NOBODY, _NOBODY, product.start, product.opening, product.terms, ())
    lines = _lines_of_alike(alike, inputs.position, book, calendar, tax_included)
    return [LineDraft(line[0], product.product_id, *line[2:]) for line in lines]


@lru_cache(maxsize=65_536)
def _lines_of_alike(
    product: HeldProduct, position: Position | None, book: PriceBook, calendar: Calendar, tax_included: bool
) -> Sequence[LineDraft]:  # fmt: skip
    return _charge_lines(product, position, None, book, calendar, tax_included)


def _charge_lines(
    product: HeldProduct, position: Position | None, billed: Sequence[Charge] | None, book: PriceBook, calendar: Calendar, tax_included: bool
) -> Sequence[LineDraft]:
    charges = charges_due(product=product, position=position, billed=billed, book=book, calendar=calendar, tax_included=tax_included)
    return [_charge_line(product.product_id, charge, book) for charge in sorted(charges, key=_order)]


def _order(charge: Charge) -> tuple[int, bool, int, bool]:
    return charge.key.month, not charge.corrects, charge.first, charge.alteration is not None


def _charge_line(product_id: UUID, charge: Charge, book: PriceBook) -> LineDraft:
    if charge.alteration is not None:
        kind = RateKind.DISCOUNT
    elif charge.cents < 0:
        kind = RateKind.CREDIT
    else:
        kind = RateKind.ONE_TIME if charge.once else RateKind.RECURRING
    return LineDraft(
        kind, product_id, book.of(charge.key.product_offering_id), charge.key.price_id, _charge_detail(charge), charge.first, charge.end,
        _quantity(charge.days, charge.divisor, charge.cents < 0 and kind is RateKind.CREDIT), charge.cents,
    )  # fmt: skip


def _charge_detail(charge: Charge) -> dict[str, Any]:
    detail: dict[str, Any] = {} if charge.once else {"days": charge.days, "days_in_period": charge.divisor}
    if charge.alteration is not None:
        detail |= {"alteration": charge.alteration, "alteration_id": charge.key.alteration_id}
    if charge.corrects:
        detail["corrects"] = True
    return detail


@lru_cache(maxsize=4_096)
def _quantity(days: int, divisor: int, negative: bool) -> Decimal:
    quantity = _ONE if days == divisor else (Decimal(days) / divisor).quantize(_SIX_PLACES)
    return -quantity if negative else quantity


def _usage_lines(totals: Iterable[Usage], book: PriceBook, period: BillPeriod, tax_included: bool) -> Iterator[LineDraft]:
    """
    Give one line per bill period, service, zone and place: the sum of the exact micro-euros, rounded once.

    A named zone has a line of its own where a price names it (`PriceBook.zone_shown`).

    Late usage stands under its own period, which is closed (docs/rating.md, "Allowances"). A charge that is taken back stands by itself and
    names its record and its bill.
    """
    grouped: dict[tuple[date, str, str, str, str], list[Usage]] = {}
    for total in totals:
        corrects = "" if total.corrects is None else str(total.corrects)
        key = (total.period_day, total.service, book.zone_shown(total.zone, total.price_id), total.roaming, corrects)
        grouped.setdefault(key, []).append(total)
    for period_day, service, zone, roaming, corrects in sorted(grouped, key=_usage_order):
        group = grouped[period_day, service, zone, roaming, corrects]
        used = period if period_day == period.first_day else bill_period(period_day, cycle_day=period.first_day.day)
        first = group[0]
        offering = book.of(group[-1].product_offering_id)
        records, units, free_units, micro, price_id = first.records, first.units, first.free_units, first.amount_micro, first.price_id
        prices = {price_id}
        for other in group[1:]:
            records, units, free_units = records + other.records, units + other.units, free_units + other.free_units
            micro += other.amount_micro
            prices.add(other.price_id)
        if not (records or units or free_units or micro):
            continue  # all of it was billed before
        numerator, denominator = offering.ratio(tax_included)
        detail: dict[str, Any] = {
            "service": service, "zone": zone, "units": units, "free_units": free_units, "amount_micro": micro, "roaming": roaming,
        }  # fmt: skip
        if len(prices) > 1:
            price_id = None
            detail["prices"] = sorted(one for one in prices if one is not None)
        if corrects:
            detail |= {"corrects": corrects, "billed_on": f"{first.billed_on}", "bill_number": first.bill_number}
        if isinstance(first, BilledEarly):
            known = sum(one.amount_micro for one in group if isinstance(one, BilledEarly))
            detail["billed_before"] = {"amount_micro": -known, "bill_number": first.on_bill}
        cents = divide_half_up(micro * numerator, MICRO_PER_CENT * denominator)
        begin, end = used.first_day.toordinal(), used.end_day.toordinal()
        yield LineDraft(RateKind.USAGE, first.product_id, offering, price_id, detail, begin, end, _whole(records), cents)


def _usage_discount_lines(
    product: HeldProduct, totals: Sequence[Usage], book: PriceBook, period: BillPeriod, tax_included: bool
) -> Iterator[LineDraft]:  # fmt: skip
    """
    Give one line per bill period and discount on usage: the exact amount, rounded once.

    What is taken back gives back by itself what it had off, whatever else was used; flat fees, which no record carries, are lowered by none.
    """
    active = [(term.first, term.end) for term in product.terms if term.active]
    of_records = [total for total in totals if total.records]
    for period_day, taken_back in sorted({(total.period_day, total.corrects is not None) for total in of_records}):
        some = [total for total in of_records if (total.period_day, total.corrects is not None) == (period_day, taken_back)]
        used = period if period_day == period.first_day else bill_period(period_day, cycle_day=period.first_day.day)
        for part in taken_off(discounts=product.usage_discounts, totals=some, period=used, active=active):
            offering = book.of(next(one.product_offering_id for one in some if lowers(part.discount, one)))
            numerator, denominator = offering.ratio(tax_included)
            micro = part.micro * numerator / (MICRO_PER_CENT * denominator)
            detail: dict[str, Any] = {"alteration": part.discount.name, "alteration_id": part.discount.alteration_id, "usage": True}
            if part.days is not None:
                detail |= {"days": part.days, "days_in_period": part.whole}
            cents = -divide_half_up(micro.numerator, micro.denominator)
            yield LineDraft(RateKind.DISCOUNT, product.product_id, offering, None, detail, part.first, part.end, _ONE, cents)


def _minimum_lines(inputs: ProductInputs, totals: Sequence[Usage], book: PriceBook, calendar: Calendar, tax_included: bool) -> Iterator[LineDraft]:
    product = inputs.product
    for one in minimum_lines(
        product=product, position=inputs.position, earlier=inputs.minimums, totals=totals, book=book, calendar=calendar, tax_included=tax_included
    ):
        detail: dict[str, Any] = {"minimum_micro": one.micro, "spent_micro": one.spent, "days": one.days, "days_in_period": one.whole}
        if one.corrects:
            detail["corrects"] = True
        yield LineDraft(one.kind, product.product_id, book.of(one.product_offering_id), None, detail, one.first, one.end, _ONE, one.cents)


def _less_early(lines: Iterable[LineDraft], early: Sequence[BilledEarly], product_id: UUID, book: PriceBook) -> Iterator[LineDraft]:
    """Subtract what was taken off a product's usage on earlier bills of the same usage; what no discount takes off any more is charged again."""
    given: dict[tuple[str, int, int], int] = {}
    known: dict[tuple[str, int, int], BilledEarly] = {}
    for one in early:
        if one.discount is not None and one.product_id == product_id:
            key = one.discount.alteration_id, one.discount.first, one.discount.end
            given[key], known[key] = given.get(key, 0) + one.discount.cents, one
    for line in lines:
        cents = line.cents - given.pop((line.detail["alteration_id"], line.first, line.end), 0)
        if cents:
            yield line._replace(cents=cents)
    for (alteration_id, first, end), cents in given.items():
        one = known[alteration_id, first, end]
        name = one.discount.name if one.discount is not None else ""
        detail = {"alteration": name, "alteration_id": alteration_id, "usage": True}
        if cents:
            yield LineDraft(RateKind.DISCOUNT, product_id, book.of(one.product_offering_id), None, detail, first, end, _ONE, -cents)


@lru_cache(maxsize=4_096)
def _whole(records: int) -> Decimal:
    return Decimal(records)


@lru_cache(maxsize=4_096)
def _usage_order(key: tuple[date, str, str, str, str]) -> tuple[date, int, int, str, str, str, str]:
    period_day, service, zone, roaming, corrects = key
    return period_day, _SERVICES.get(service, len(_SERVICES)), _ZONES.get(zone, len(_ZONES)), roaming, service, zone, corrects


@lru_cache(maxsize=65_536)
def euros_of_cents(cents: int) -> Decimal:
    """Give whole cents as euros with two decimals."""
    return Decimal(cents).scaleb(-2)


@lru_cache(maxsize=64)
def tax_rate(key: TaxKey) -> Decimal:
    """Give a tax rate in percent with two decimals."""
    return Decimal(key.rate).scaleb(-2)


def to_bill(
    *, draft: BillDraft | None, billing_account: BillingAccount, customer_bill_id: UUID, bill_date: date, due_date: date, period: BillPeriod
) -> CustomerBill:
    """Give a draft as a bill without a number, for a preview; without a draft, a bill of nothing."""
    lines, taxation = (draft.lines, draft.taxation) if draft is not None else ((), Taxation([], [], 0, 0, 0, 0))
    tax_included = billing_account.tax_included
    rates = tuple(
        AppliedCustomerBillingRate(
            line=number,
            kind=line.kind,
            product_id=line.product_id,
            product_offering_id=line.offering.product_offering_id or None,
            price_id=line.price_id,
            detail=line.detail,
            period=BillPeriod(date.fromordinal(line.first), date.fromordinal(line.end)),
            quantity=line.quantity,
            net=euros_of_cents(net),
            gross=euros_of_cents(line.cents) if tax_included else None,
            tax_category=line.offering.tax.category,
            tax_rate=tax_rate(line.offering.tax),
        )  # fmt: skip
        for number, (line, net) in enumerate(zip(lines, taxation.line_nets, strict=True), start=1)
    )
    taxes = tuple(
        AppliedBillTax(part.key.category, tax_rate(part.key), euros_of_cents(part.taxable), euros_of_cents(part.tax)) for part in taxation.parts
    )
    return CustomerBill(
        customer_id=billing_account.customer_id, customer_bill_id=customer_bill_id, billing_account_id=billing_account.billing_account_id,
        bill_run_id=None, bill_number=None, bill_date=bill_date, due_date=due_date, period=period, tax_included=tax_included,
        net=euros_of_cents(taxation.net), vat=euros_of_cents(taxation.vat), rounding=euros_of_cents(taxation.rounding),
        gross=euros_of_cents(taxation.gross), rates=rates, taxes=taxes,
    )  # fmt: skip
