"""
Discounts on usage: what is taken off the exact amounts of a product's usage, as lines of their own. Pure.

A discount holds for records that began on its days. A percentage is of the exact sum of what it lowers; an amount is for a bill period, by days as
a recurring charge is, and never more than what it lowers. All discounts together take off no more than the product's usage costs.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from fractions import Fraction
from typing import NamedTuple, Protocol

from hoeksteen.kernel.time_period import BillPeriod

_HUNDRED_PERCENT = 10_000


class UsageDiscount(NamedTuple):
    """
    A discount on the usage of a product.

    :param value: what is taken off, in hundredths of a percent where `percentage`, else micro-euros per period
    :param first: ordinal of its first day; `end` of the first day without it
    :param prices: which prices of usage it lowers; all where it names none
    """

    alteration_id: str
    name: str
    percentage: bool
    value: int
    first: int
    end: int
    prices: tuple[str, ...]


class Total(Protocol):
    """What a discount has to know of usage (`assembly.Usage`)."""

    @property
    def price_id(self) -> str | None: ...
    @property
    def amount_micro(self) -> int: ...
    @property
    def part_from(self) -> date | None: ...
    @property
    def late(self) -> bool: ...


class TakenOff(NamedTuple):
    """
    What a discount takes off in a bill period: `micro` micro-euros, exact.

    :param days: of the period on which it holds, of `whole` ones; both None for a percentage
    """

    discount: UsageDiscount
    micro: Fraction
    first: int
    end: int
    days: int | None
    whole: int | None


def taken_off(
    *, discounts: Sequence[UsageDiscount], totals: Sequence[Total], period: BillPeriod, active: Iterable[tuple[int, int]]
) -> Iterator[TakenOff]:  # fmt: skip
    """
    Give what discounts take off a product's usage of one bill period, percentages first.

    Late usage has no amount per period taken off: that of its period was when it was billed.

    :param totals: of that period, divided where a discount begins or ends
    :param active: the days on which the product was active, as ordinals
    """
    left = Fraction(sum(total.amount_micro for total in totals))
    begin, stop = period.first_day.toordinal(), period.end_day.toordinal()
    stretches = list(active)
    for discount in sorted(discounts, key=lambda one: (not one.percentage, one.first, one.alteration_id)):
        lowered = [total for total in totals if lowers(discount, total)]
        base = Fraction(sum(total.amount_micro for total in lowered))
        first, end = max(begin, discount.first), min(stop, discount.end)
        days = None
        if discount.percentage:
            micro = base * discount.value / _HUNDRED_PERCENT
        elif any(not total.late for total in lowered):
            days = sum(max(0, min(end, until) - max(first, since)) for since, until in stretches)
            micro = min(base, Fraction(discount.value * days, stop - begin))
        else:
            continue
        micro = min(micro, left) if base > 0 else max(micro, left)  # below zero, where a charge that was lowered is taken back
        if micro * base > 0:
            left -= micro
            yield TakenOff(discount, micro, first, end, days, None if days is None else stop - begin)


def lowers(discount: UsageDiscount, total: Total) -> bool:
    """Say whether a discount is for some usage: by its price, and by the days of its records."""
    if discount.prices and total.price_id not in discount.prices:
        return False
    return total.part_from is not None and discount.first <= total.part_from.toordinal() < discount.end
