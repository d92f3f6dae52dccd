"""
The minimum spend of an offering: what usage lacks of it is a line of the bill, after the period (docs/rating.md, "Minimum spend"). Pure.

It is by days, as a recurring charge is; what counts is usage at its price, before discounts on usage. What was charged and turns out too high or too
low, because usage came late or days in service changed, is made good by the difference.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple, Protocol

from hoeksteen.billing.model import RateKind
from hoeksteen.billing.prices import MinimumSpend, PriceBook
from hoeksteen.billing.recurring import MICRO_PER_CENT, Calendar, HeldProduct, Month, Position, less_what_was_given_back, months_in_arrears
from hoeksteen.kernel.money import divide_half_up


class Total(Protocol):
    """What a minimum has to know of usage (`assembly.Usage`)."""

    @property
    def product_offering_id(self) -> str: ...
    @property
    def price_id(self) -> str | None: ...
    @property
    def amount_micro(self) -> int: ...
    @property
    def period_day(self) -> date: ...


class MinimumBilled(NamedTuple):
    """
    What earlier bills have of a product's minimum for one bill period.

    :param month: the first day of the period, as an ordinal; `days` in service of its `whole` ones
    :param spent: micro-euros of usage that counted when it was billed last
    :param cents: what all lines charged; `noted` what credit notes gave back of them, below zero
    :param early: what of `spent` stood on bills of an account that left, which the run at hand subtracts: its own usage has it again
    """

    product_offering_id: str
    month: int
    days: int
    whole: int
    spent: int
    cents: int
    noted: int = 0
    early: int = 0


class MinimumLine(NamedTuple):
    """
    What usage lacks of a minimum.

    :param kind: for the bill; `first` and `end` are the days in service, of `days` out of `whole`
    :param micro: the minimum of a whole period, and `spent` what counted, in micro-euros
    :param corrects: whether an earlier bill charged something else for the same period
    """

    product_offering_id: str
    first: int
    end: int
    days: int
    whole: int
    micro: int
    spent: int
    cents: int
    corrects: bool
    kind: RateKind = RateKind.MINIMUM


def minimum_lines(
    *, product: HeldProduct, position: Position | None, earlier: Sequence[MinimumBilled], totals: Sequence[Total], book: PriceBook,
    calendar: Calendar, tax_included: bool,
) -> Iterator[MinimumLine]:  # fmt: skip
    """
    Give what a product's usage lacks of its minimums, for each bill period and offering: first what earlier bills had otherwise, then what is new.

    :param earlier: what earlier bills have, of periods that may still be corrected
    :param totals: the product's usage on this bill, late usage too
    """
    spent: dict[tuple[int, str], int] = {}
    for total in totals:
        minimum = book.minimums.get(total.product_offering_id)
        if minimum is not None and counts(minimum, total.price_id):
            key = (total.period_day.toordinal(), total.product_offering_id)
            spent[key] = spent.get(key, 0) + total.amount_micro
    for one in earlier:
        if (found := _made_good(product, one, spent, book, tax_included)) is not None:
            yield found
    of_period = [(one.product_offering_id, one.month) for one in earlier]
    for month in months_in_arrears(product=product, position=position, calendar=calendar) or _again(product, position, calendar):
        for offering_id in dict.fromkeys(term.product_offering_id for term in product.terms if term.product_offering_id in book.minimums):
            if (offering_id, month.first) in of_period:
                continue
            days, first, end = days_in_service(product, offering_id, month.first, month.end)
            whole, used = month.end - month.first, spent.get((month.first, offering_id), 0)
            micro = book.minimums[offering_id].micro
            cents = lacking(micro=micro, days=days, whole=whole, spent=used, ratio=book.of(offering_id).ratio(tax_included))
            if cents:
                yield MinimumLine(offering_id, first, end, days, whole, micro, used, cents, corrects=False)


def counts(minimum: MinimumSpend, price_id: str | None) -> bool:
    """Say whether what was used at a price counts for a minimum."""
    return not minimum.prices or price_id in minimum.prices


def lacking(*, micro: int, days: int, whole: int, spent: int, ratio: tuple[int, int]) -> int:
    """
    Give what usage lacks of a minimum, in cents: exact, rounded half-up once, never below zero.

    :param micro: the minimum of a whole period, of which `days` of `whole` are due
    :param ratio: that brings the offering's prices to the billing account's way of holding tax or not
    """
    numerator, denominator = ratio
    short = micro * days - spent * whole
    return divide_half_up(short * numerator, whole * MICRO_PER_CENT * denominator) if short > 0 else 0


def _again(product: HeldProduct, position: Position | None, calendar: Calendar) -> list[Month]:
    """Give the usage period where a bill of an account that left has it already: what was no line there may be one after late usage, or days."""
    known = position is not None and product.opening <= calendar.months[-2].end
    return calendar.months[-2:-1] if known else []


def _made_good(
    product: HeldProduct, one: MinimumBilled, spent: Mapping[tuple[int, str], int], book: PriceBook, tax_included: bool
) -> MinimumLine | None:  # fmt: skip
    """
    Give the difference to what earlier bills charged for a period; None when nothing changed.

    A difference of nothing is a line too: it keeps what has counted so far, for what comes, or is taken back, later.
    """
    minimum = book.minimums.get(one.product_offering_id)
    if minimum is None:
        return None
    days, first, end = days_in_service(product, one.product_offering_id, one.month, one.month + one.whole)
    used = one.spent - one.early + spent.get((one.month, one.product_offering_id), 0)
    if (days, used) == (one.days, one.spent):
        return None
    ratio = book.of(one.product_offering_id).ratio(tax_included)
    target = lacking(micro=minimum.micro, days=days, whole=one.whole, spent=used, ratio=ratio)
    cents = less_what_was_given_back(target - one.cents, one.noted)
    bounds = (first, end) if days else (one.month, one.month + one.whole)
    return MinimumLine(one.product_offering_id, *bounds, days, one.whole, minimum.micro, used, cents, corrects=True)


def days_in_service(product: HeldProduct, offering_id: str, begin: int, stop: int) -> tuple[int, int, int]:
    """Give on how many days of a period a product was active as an offering, the first of them and the day after the last."""
    parts = [
        (max(term.first, begin), min(term.end, stop))
        for term in product.terms
        if term.active and term.product_offering_id == offering_id and term.first < stop and begin < term.end
    ]
    return sum(end - first for first, end in parts), min((one[0] for one in parts), default=begin), max((one[1] for one in parts), default=stop)


def month_of(day: int, calendar: Calendar) -> Month:
    """Give the bill period of a day, as far back as is corrected."""
    return calendar.months[min(calendar.index(day), len(calendar.months) - 1)]
