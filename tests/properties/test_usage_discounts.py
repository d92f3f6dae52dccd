"""What discounts take off usage, reckoned over totals, is what a plain reading of the rules takes off record by record."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hoeksteen.billing.usage_discounts import UsageDiscount, taken_off
from hoeksteen.kernel.time_period import BillPeriod

FIRST = date(2026, 11, 1)
NOVEMBER = BillPeriod(FIRST, date(2026, 12, 1))

days = st.integers(-10, 45).map(lambda offset: FIRST + timedelta(days=offset))
records = st.lists(st.tuples(st.integers(0, 29), st.sampled_from(["a", "b"]), st.integers(0, 9_000_000)), max_size=12)
kinds = st.one_of(
    st.tuples(st.just("percentage"), st.integers(0, 100)), st.tuples(st.just("amount"), st.integers(0, 20))
)  # fmt: skip
drawn_discounts = st.lists(st.tuples(kinds, days, days, st.sampled_from([(), ("a",), ("a", "b")])), max_size=4)


def plain(used: Sequence[tuple[int, str, int]], drawn: Sequence[tuple[Any, ...]], until: int, late: bool) -> dict[str, Fraction]:
    found: dict[str, Fraction] = {}
    left = Fraction(sum(micro for _, _, micro in used))
    order = sorted(range(len(drawn)), key=lambda n: (drawn[n][0][0] != "percentage", drawn[n][1], f"d{n}"))
    for number in order:
        (kind, value), begin, end, prices = drawn[number]
        mine = sum(micro for day, price, micro in used if begin <= FIRST + timedelta(days=day) < end and (not prices or price in prices))
        if kind == "percentage":
            off = Fraction(mine * value, 100)
        else:
            held = sum(1 for day in range(min(until, 30)) if begin <= FIRST + timedelta(days=day) < end)
            off = min(Fraction(mine), Fraction(1_000_000 * value * held, 30)) if not late else Fraction(0)
        off = min(off, left)
        left -= off
        if off:
            found[f"d{number}"] = off
    return found


def divided(used: Sequence[tuple[int, str, int]], drawn: Sequence[tuple[Any, ...]], late: bool) -> Iterator[Any]:
    edges = sorted({day for _, begin, end, _ in drawn for day in (begin, end)})
    for price in ("a", "b"):
        for edge, after in zip([None, *edges], [*edges, None], strict=True):
            some = [
                micro for day, of, micro in used
                if of == price and (edge is None or edge <= FIRST + timedelta(days=day)) and (after is None or FIRST + timedelta(days=day) < after)
            ]  # fmt: skip
            if some:
                yield SimpleNamespace(price_id=price, amount_micro=sum(some), part_from=edge, late=late)


@settings(max_examples=300, deadline=None)
@given(used=records, drawn=drawn_discounts, until=st.integers(0, 60), late=st.booleans())
def test_totals_lose_what_records_lose(used: list[tuple[int, str, int]], drawn: list[tuple[Any, ...]], until: int, late: bool) -> None:
    discounts = [
        UsageDiscount(
            f"d{n}", "x", kind == "percentage", value * (100 if kind == "percentage" else 1_000_000), begin.toordinal(), end.toordinal(), prices
        )
        for n, ((kind, value), begin, end, prices) in enumerate(drawn)
    ]
    active = [(FIRST.toordinal() - 100, FIRST.toordinal() + until)]
    found = list(taken_off(discounts=discounts, totals=list(divided(used, drawn, late)), period=NOVEMBER, active=active))
    assert {one.discount.alteration_id: one.micro for one in found} == plain(used, drawn, until, late)
    assert sum(one.micro for one in found) <= sum(micro for _, _, micro in used)
    if late:  # taken back on a later bill, it gives back what it had off
        back = [SimpleNamespace(**{**vars(total), "amount_micro": -total.amount_micro}) for total in divided(used, drawn, late)]
        given = taken_off(discounts=discounts, totals=back, period=NOVEMBER, active=active)
        assert {one.discount.alteration_id: one.micro for one in given} == {name: -micro for name, micro in plain(used, drawn, until, late).items()}
