"""
Recurring and one-time charges: what should have been charged, less what was charged (docs/rating.md, "Periods").

For each product and bill period the target follows from its terms, its price alterations and the price list, prorated
by days and rounded half-up once per charge. What earlier bills charged is subtracted, so that an activation, a change
of plan, a suspension or a termination on any day gives exactly the missing charge or credit, whenever it is entered.
Days are ordinals (`date.toordinal`) and amounts whole cents, because a run does this millions of times.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID

from hoeksteen.billing.prices import NoPrice, OfferingPrices, PriceBook, RecurringCharge
from hoeksteen.billing.usage_discounts import UsageDiscount
from hoeksteen.kernel.money import divide_half_up
from hoeksteen.kernel.time_period import BillPeriod, add_months

MICRO_PER_CENT = 10_000
# What was billed longer ago than this many bill periods is not compared again: nothing that is entered reaches back that far
# (product and catalogue change from today on). What was never billed is charged from its first day, however long ago.
CORRECTION_PERIODS_MAX = 24


class Term(NamedTuple):
    """What a product was from day `first` up to but not including `end`."""

    first: int
    end: int
    product_offering_id: str
    active: bool


class Alteration(NamedTuple):
    """
    A discount (negative) or surcharge.

    :param value: hundredths of a percent where `percentage`, else micro-euros per period
    """

    alteration_id: str
    name: str
    percentage: bool
    value: int
    first: int
    end: int


class HeldProduct(NamedTuple):
    """
    A product as billing sees it.

    :param start: ordinal of its first day
    :param opening: ordinal of the first day whose recurring charges are ours; days before it were billed by the system it came from
    :param usage_discounts: what is taken off its usage; recurring charges know nothing of them
    """

    customer_id: UUID
    product_id: UUID
    start: int
    opening: int
    terms: tuple[Term, ...]
    alterations: tuple[Alteration, ...]
    usage_discounts: tuple[UsageDiscount, ...] = ()


class Position(NamedTuple):
    """Up to which day final runs have billed a product, and the fingerprint of what was known of it then."""

    billed_to: int
    fingerprint: int


class Month(NamedTuple):
    """A bill period as ordinals, half-open, and the day of the month on which its cycle begins a period."""

    first: int
    end: int
    cycle_day: int


class ChargeKey(NamedTuple):
    """What a charge is compared by with earlier bills."""

    product_offering_id: str
    price_id: str | None
    alteration_id: str | None
    month: int


class Charge(NamedTuple):
    """
    A charge, or a credit when `cents` is negative.

    :param days: days in service, of `divisor` days
    :param corrects: whether an earlier bill already charged something for the same period
    :param noted: whether somebody gave it back by a credit note, rather than a run
    """

    key: ChargeKey
    first: int
    end: int
    days: int
    divisor: int
    cents: int
    once: bool = False
    alteration: str | None = None
    corrects: bool = False
    noted: bool = False


class Calendar:
    """
    The bill periods of one cycle around a usage period, oldest first; the last is the period after the usage period.

    :param cycle_day: 1 to 31; in a month that is shorter the period begins on its last day. By default the usage period's first day
    """

    def __init__(self, period: BillPeriod, *, periods_back: int = CORRECTION_PERIODS_MAX, cycle_day: int | None = None) -> None:
        self._period, self._cycle_day = period, cycle_day or period.first_day.day
        firsts = [cycle_begin(period.first_day, months, self._cycle_day).toordinal() for months in range(-periods_back, 3)]
        self.months = [Month(first, end, self._cycle_day) for first, end in pairwise(firsts)]
        self._firsts = firsts[:-1]

    @property
    def end(self) -> int:
        """The day up to which charges in advance are billed."""
        return self.months[-1].end

    @property
    def since(self) -> date:
        """The first day that is still corrected."""
        return date.fromordinal(self._firsts[0])

    def reaching(self, day: int) -> "Calendar":
        """Give the same calendar, from an earlier period on where the day needs one."""
        return self if day >= self._firsts[0] else _reaching(self._period, date.fromordinal(day), self._cycle_day)

    def index(self, day: int) -> int:
        """Give the position of the period that a day lies in; days before the oldest count as in it, days after the last as beyond it."""
        return len(self.months) if day >= self.end else max(0, bisect_right(self._firsts, day) - 1)


@lru_cache(maxsize=64)
def _reaching(period: BillPeriod, day: date, cycle_day: int) -> Calendar:
    back = 12 * (period.first_day.year - day.year) + period.first_day.month - day.month + 1
    return Calendar(period, periods_back=back, cycle_day=cycle_day)


def cycle_begin(day: date, months: int, cycle_day: int) -> date:
    """Give the day on which a cycle begins a period in the month that lies so many months from a day's."""
    first = add_months(day.replace(day=1), months)
    return first.replace(day=min(cycle_day, (add_months(first, 1) - first).days))


def period_of(day: date, *, cycle_day: int) -> BillPeriod:
    """Give the bill period of a cycle in which a day lies; `cycle_day` 1 to 31, as in `Calendar`."""
    begin = cycle_begin(day, 0, cycle_day)
    first = begin if begin <= day else cycle_begin(day, -1, cycle_day)
    return BillPeriod(first, cycle_begin(first, 1, cycle_day))


def fingerprint(product: HeldProduct, book: PriceBook) -> int:
    """Give 63 bits that change when the product's terms, alterations or prices change."""
    return _fingerprint(
        product.opening, product.terms, product.alterations, tuple(book.of(term.product_offering_id).fingerprint for term in product.terms)
    )


@lru_cache(maxsize=65_536)
def _fingerprint(*known: object) -> int:
    return int.from_bytes(hashlib.blake2b(repr(known).encode(), digest_size=8).digest(), "big") >> 1


def charges_due(
    *, product: HeldProduct, position: Position | None, billed: Sequence[Charge] | None, book: PriceBook, calendar: Calendar, tax_included: bool
) -> list[Charge]:
    """
    Give the charges and credits of a product that a run has to bill.

    :param position: where earlier runs stopped; None before the first one
    :param billed: its charges on earlier bills, when something changed since the last run; None when nothing did
    :raises NoPrice: when a day in service has no price
    """
    began = product.opening - 1 if product.start < product.opening else product.start
    long_held = position is not None and position.billed_to <= calendar.months[0].first
    if position is None or long_held:
        calendar = calendar.reaching(began if position is None else position.billed_to - 1)
    last = len(calendar.months) - 1
    opening = calendar.index(began)
    if position is None or (billed is not None and not long_held):
        from_month = from_month_in_arrears = opening
    else:
        from_month = calendar.index(position.billed_to)
        from_month_in_arrears = max(opening, from_month - 1)
    due: list[Charge] = []
    for index in range(from_month_in_arrears, last + 1):
        month = calendar.months[index]
        lags = (index >= from_month, index < last)
        target = _charges(product.terms, product, month, book, lags, tax_included)
        assumed = _opening_charges(product, month, book, lags, tax_included)
        before = [*assumed, *(charge for charge in billed or () if charge.key.month == month.first)]
        due += _differences(target, before) if before else target
    return due


def months_in_arrears(*, product: HeldProduct, position: Position | None, calendar: Calendar) -> list[Month]:
    """Give the bill periods of which no bill has what is charged after a period, the usage period last."""
    began = product.opening - 1 if product.start < product.opening else product.start
    if position is None:
        calendar = calendar.reaching(began)
        return calendar.months[calendar.index(began) : -1]
    calendar = calendar.reaching(position.billed_to - 1)
    first = max(calendar.index(began), calendar.index(position.billed_to) - 1)
    return calendar.months[first:-1]


def _opening_charges(product: HeldProduct, month: Month, book: PriceBook, lags: tuple[bool, bool], tax_included: bool) -> Iterable[Charge]:
    """Give what the system that a product came from is taken to have billed: in advance, for what was held when its last period began."""
    begin = max(month.first, product.start)
    if not begin < product.opening <= month.end:
        return ()
    held = next((term for term in product.terms if term.first <= begin < term.end and term.active), None)
    if held is None:
        return ()
    return _charges((Term(begin, product.opening, held.product_offering_id, True),), product, month, book, lags, tax_included, once=False)


def _charges(
    terms: Iterable[Term], product: HeldProduct, month: Month, book: PriceBook, lags: tuple[bool, bool], tax_included: bool, *, once: bool = True
) -> list[Charge]:
    found: list[Charge] = []
    for term in terms:
        first, end = max(term.first, month.first), min(term.end, month.end)
        if first >= end or not term.active:
            continue
        prices = book.of(term.product_offering_id)
        for charge in prices.charges:
            if not lags[charge.lag]:
                continue
            if not charge.once:
                found += _recurring(product, prices, charge, month, first, end, tax_included)
            elif once and term.first >= month.first and _begins_offering(product, term):
                found.append(_one_time(prices, charge, month, term.first, tax_included))
        if product.alterations and prices.charges and lags[min(charge.lag for charge in prices.charges)]:
            found += _amount_alterations(product.alterations, prices, month, first, end, tax_included)
    return [charge for charge in found if charge.cents]


def _begins_offering(product: HeldProduct, term: Term) -> bool:
    """Say whether a term starts an offering here, rather than resuming it or having come from elsewhere."""
    before = next((one for one in product.terms if one.end == term.first), None)
    return term.first >= product.opening and (before is None or before.product_offering_id != term.product_offering_id)


def _recurring(
    product: HeldProduct, prices: OfferingPrices, charge: RecurringCharge, month: Month, first: int, end: int, tax_included: bool
) -> Iterator[Charge]:
    numerator, denominator = prices.ratio(tax_included)
    covered = 0
    for version in charge.versions:
        begin, stop = max(first, version.first), min(end, version.end)
        if begin >= stop:
            continue
        covered += stop - begin
        days, divisor = part_of_period(version.days_in_period, month, begin, stop, product.start)
        cents = divide_half_up(version.micro * days * numerator, MICRO_PER_CENT * divisor * denominator)
        yield Charge(ChargeKey(prices.product_offering_id, charge.price_id, None, month.first), begin, stop, days, divisor, cents)
        for alteration in product.alterations:
            altered_from, altered_to = max(begin, alteration.first), min(stop, alteration.end)
            if alteration.percentage and altered_from < altered_to:
                days, divisor = part_of_period(version.days_in_period, month, altered_from, altered_to, product.start)
                part = divide_half_up(version.micro * days * alteration.value * numerator, MICRO_PER_CENT * 10_000 * divisor * denominator)
                key = ChargeKey(prices.product_offering_id, charge.price_id, alteration.alteration_id, month.first)
                yield Charge(key, altered_from, altered_to, days, divisor, part, alteration=alteration.name)
    if covered != end - first:
        raise _no_price(prices, charge, f"is not in force on every day from {date.fromordinal(first)} to {date.fromordinal(end)}")


def _no_price(prices: OfferingPrices, charge: RecurringCharge, what: str) -> NoPrice:
    return NoPrice(
        f"offering {prices.product_offering_id}: price {charge.price_id}: valid_from, valid_to: {what}",
        remedy="Give the price a version that holds then, load the catalogue, and run again.",
    )


def _one_time(prices: OfferingPrices, charge: RecurringCharge, month: Month, day: int, tax_included: bool) -> Charge:
    numerator, denominator = prices.ratio(tax_included)
    version = next((one for one in charge.versions if one.first <= day < one.end), None)
    if version is None:
        raise _no_price(prices, charge, f"is not in force on {date.fromordinal(day)}")
    cents = divide_half_up(version.micro * numerator, MICRO_PER_CENT * denominator)
    return Charge(ChargeKey(prices.product_offering_id, charge.price_id, None, month.first), day, day + 1, 1, 1, cents, once=True)


def _amount_alterations(
    alterations: Iterable[Alteration], prices: OfferingPrices, month: Month, first: int, end: int, tax_included: bool
) -> Iterator[Charge]:
    numerator, denominator = prices.ratio(tax_included)
    divisor = month.end - month.first
    for alteration in alterations:
        begin, stop = max(first, alteration.first), min(end, alteration.end)
        if not alteration.percentage and begin < stop:
            cents = divide_half_up(alteration.value * (stop - begin) * numerator, MICRO_PER_CENT * divisor * denominator)
            key = ChargeKey(prices.product_offering_id, None, alteration.alteration_id, month.first)
            yield Charge(key, begin, stop, stop - begin, divisor, cents, alteration=alteration.name)


def part_of_period(days_in_period: str, month: Month, begin: int, stop: int, start: int) -> tuple[int, int]:
    """
    Give which part of a period's price the days from `begin` up to `stop` cost, as days and what they are divided by.

    `30` counts 30 days in every month, for days and divisor alike (30E/360): from the 23rd to the 15th are 22 of 30, whatever the month.
    A whole period is whole in every way of counting.

    :param days_in_period: `actual`, `30`, or `first`, the days of the period in which the product began on day `start`
    """
    days, whole = stop - begin, month.end - month.first
    if (begin, stop) == (month.first, month.end) or days_in_period == "actual":
        return days, whole
    if days_in_period == "30":
        return _days_of_thirty(date.fromordinal(stop)) - _days_of_thirty(date.fromordinal(begin)), 30
    return days, period_of(date.fromordinal(start), cycle_day=month.cycle_day).days


def _days_of_thirty(day: date) -> int:
    return 360 * day.year + 30 * day.month + min(day.day, 30)


def _differences(target: Sequence[Charge], before: Sequence[Charge]) -> Iterator[Charge]:
    """Give, per key, the target less what was charged before; credits first, then what is charged anew."""
    compared = {charge.key: charge for charge in before if not charge.noted}
    wanted: dict[ChargeKey, list[Charge]] = {}
    for charge in target:
        wanted.setdefault(charge.key, []).append(charge)
    for key, example in compared.items():
        now, earlier = wanted.pop(key, []), [charge for charge in before if charge.key == key and not charge.noted]
        cents = sum(charge.cents for charge in now) - sum(charge.cents for charge in earlier)
        cents = less_what_was_given_back(cents, sum(charge.cents for charge in before if charge.key == key and charge.noted))
        if cents:
            first, end, days = _days_that_differ(now, earlier)
            yield example._replace(first=first, end=end, days=days, divisor=(now or earlier)[0].divisor, cents=cents, corrects=True)
    for charges in wanted.values():
        yield from charges


def less_what_was_given_back(cents: int, noted: int) -> int:
    """
    Give a difference to earlier bills less what credit notes gave back.

    A note that somebody gave stands: what it gave back is neither charged again nor given back a second time.
    """
    if cents * noted <= 0:
        return cents
    return min(0, cents - noted) if noted < 0 else max(0, cents - noted)


def _days_that_differ(now: Sequence[Charge], earlier: Sequence[Charge]) -> tuple[int, int, int]:
    wanted = {day for charge in now for day in range(charge.first, charge.end)}
    charged: set[int] = set()
    for charge in earlier:
        days, takes_back = set(range(charge.first, charge.end)), (charge.cents < 0) != (earlier[0].cents < 0)
        charged = charged - days if takes_back else charged | days
    differ = wanted ^ charged or wanted | charged
    return min(differ), max(differ) + 1, len(differ)
