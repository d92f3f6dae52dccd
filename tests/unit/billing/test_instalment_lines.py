"""A sale in parts, bill by bill: the parts come to the price to the cent, whatever ends it, and VAT stands on the first bill alone."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hoeksteen.billing.assembly import assemble
from hoeksteen.billing.granted import INSTALMENT, taxed_as
from hoeksteen.billing.instalment_lines import Billed, OnEnd, Plan, is_last, lines_of_plan, part_of
from hoeksteen.billing.prices import PriceBook
from hoeksteen.billing.recurring import Calendar
from hoeksteen.kernel.time_period import add_months, bill_period
from hoeksteen.party.model import BillingAccount

PLAN = Plan(
    UUID(int=1), "Toestel", "Device", taxed_as(family="charge", category="S", rate=Decimal(21), tax_included=True), 100_00, 100_00, 3,
    date(2026, 10, 20), date(2026, 10, 20), "falls_due",
)  # fmt: skip
Line = tuple[str, tuple[int, int], int]


def _bills(plan: Plan, *, months: int = 6, ended: date | None = None, ending: tuple[int, str] | None = None) -> list[list[Line]]:
    billed: list[Billed] = []
    bills: list[list[Line]] = []
    for month in range(months):
        end = add_months(date(2026, 11, 1), month)
        now = plan._replace(ending=ending[1]) if ending is not None and month >= ending[0] else plan
        lines = lines_of_plan(now, billed, end_day=end, product_ended=ended is not None and ended < end, day_max=date(2030, 1, 1))
        found = [(one.detail[INSTALMENT]["role"], one.parts, one.cents) for one in lines]
        billed += [Billed(role, *parts, cents) for role, parts, cents in found]
        assert any(is_last(one) for one in lines) == (
            bool(lines) and not lines_of_plan(now, billed, end_day=date(2040, 1, 1), product_ended=True, day_max=date(2040, 1, 1))
        )
        bills.append(found)
    return bills


def test_month_by_month() -> None:
    assert _bills(PLAN) == [
        [("sale", (0, 0), 100_00), ("deferred", (0, 0), -100_00), ("part", (1, 1), 33_33)],
        [("part", (2, 2), 33_33)],
        [("part", (3, 3), 33_34)],
        [], [], [],
    ]  # fmt: skip


def test_the_sale_stands_on_the_next_bill_also_when_parts_begin_later() -> None:
    bills = _bills(PLAN._replace(first_day=date(2026, 12, 31)))
    assert [[one[0] for one in bill] for bill in bills] == [["sale", "deferred"], [], ["part"], ["part"], ["part"], []]


def test_paid_off_early() -> None:
    assert _bills(PLAN, ending=(1, "settled"))[1:3] == [[("part", (2, 3), 66_67)], []]
    assert _bills(PLAN, ending=(0, "settled"))[0][2:] == [("part", (1, 3), 100_00)]


@pytest.mark.parametrize(
    ("on_end", "second"),
    [
        ("falls_due", [("part", (2, 3), 66_67)]),
        ("goes_on", [("part", (2, 2), 33_33)]),
        ("stops", [("waived", (0, 0), -66_67), ("undone", (0, 0), 66_67)]),
    ],
)
def test_the_product_ends(on_end: str, second: list[Line]) -> None:
    bills = _bills(PLAN._replace(on_end=on_end), ended=date(2026, 11, 15))
    assert bills[1] == second
    assert bills[2] == ([("part", (3, 3), 33_34)] if on_end == "goes_on" else [])


def test_the_goods_come_back() -> None:
    assert _bills(PLAN, ending=(2, "returned"))[2:4] == [[("returned", (0, 0), -100_00), ("undone", (0, 0), 33_34)], []]
    assert sum(one[2] for bill in _bills(PLAN, ending=(2, "returned")) for one in bill) == 0, "what was paid is given back"


def test_a_bill_that_was_missed_is_made_up_for() -> None:
    lines = lines_of_plan(PLAN, [], end_day=date(2026, 12, 1), product_ended=False, day_max=date(2026, 12, 31))
    assert [one.parts for one in lines] == [(0, 0), (0, 0), (1, 1), (2, 2)]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 10**7),
    st.integers(2, 60),
    st.sampled_from(["goes_on", "falls_due"]),
    st.none() | st.integers(0, 20),
    st.none() | st.integers(0, 20),
)
def test_whatever_happens_the_parts_come_to_the_total(total: int, parts: int, on_end: str, ended: int | None, settled: int | None) -> None:
    assert sum(part_of(total, parts, part) for part in range(1, parts + 1)) == total
    plan = PLAN._replace(cents=total, total=total, parts=parts, on_end=on_end)
    day = None if ended is None else add_months(date(2026, 10, 25), ended)
    bills = _bills(plan, months=parts + 1, ended=day, ending=None if settled is None else (settled, "settled"))
    asked = [one for bill in bills for one in bill if one[0] == "part"]
    assert sum(one[2] for one in asked) == total
    assert [number for one in asked for number in range(one[1][0], one[1][1] + 1)] == list(range(1, parts + 1))
    assert sum(one[2] for bill in bills for one in bill) == total


def test_what_falls_due_on_the_day_after_the_period_is_on_the_next_bill() -> None:
    bills = _bills(PLAN._replace(first_day=date(2026, 11, 1)))
    assert [[one[0] for one in bill] for bill in bills[:2]] == [["sale", "deferred"], ["part"]]
    assert [[one[0] for one in bill] for bill in _bills(PLAN._replace(first_day=date(2026, 10, 31)))[:1]] == [["sale", "deferred", "part"]]


@pytest.mark.parametrize(("on_end", "roles"), [("goes_on", ["part"]), ("falls_due", ["part"]), ("stops", ["waived", "undone"])])
def test_the_last_bill_of_who_leaves_has_all_that_is_left(on_end: OnEnd, roles: list[str]) -> None:
    billed = [Billed("sale", 0, 0, 100_00), Billed("deferred", 0, 0, -100_00), Billed("part", 1, 1, 33_33)]
    lines = lines_of_plan(
        PLAN._replace(on_end=on_end), billed, end_day=date(2026, 12, 1), product_ended=False, day_max=date(2030, 1, 1), last=True
    )  # fmt: skip
    assert [one.detail[INSTALMENT]["role"] for one in lines] == roles and is_last(lines[0])
    assert abs(lines[0].cents) == 66_67


def test_goods_that_come_back_give_back_the_tax_that_they_were_sold_with() -> None:
    """Also when the buyer accounts for VAT by now: what the first bill taxed was taxed, and nothing is asked of who gave the goods back."""
    net = PLAN._replace(taxed=taxed_as(family="charge", category="S", rate=Decimal(21), tax_included=False), total=121_00)
    first = lines_of_plan(net, [], end_day=date(2026, 11, 1), product_ended=False, day_max=date(2030, 1, 1))
    billed = [Billed(one.detail[INSTALMENT]["role"], *one.parts, one.cents) for one in first]
    back = lines_of_plan(net._replace(ending="returned"), billed, end_day=date(2026, 12, 1), product_ended=False, day_max=date(2030, 1, 1))
    buyer = BillingAccount(UUID(int=1), UUID(int=2), "1", 1, "transfer", False, "active", tax_treatment="reverse_charge")
    period = bill_period(date(2026, 11, 1))
    draft = assemble(billing_account=buyer, products=(), usage=(), book=PriceBook(()), calendar=Calendar(period), period=period, granted=back)
    assert draft is not None
    assert sorted((part.key.category, part.taxable, part.tax) for part in draft.taxation.parts) == [("O", 80_67, 0), ("S", -100_00, -21_00)]
    assert draft.taxation.gross == -40_33, "the one part that was asked for"
