"""Rounding and spreading of money."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hoeksteen.kernel.money import CENT, divide_half_up, euros, micros, round_half_up, spread_cents, to_cents

CENTS = st.integers(-10_000_000, 10_000_000).map(lambda cents: Decimal(cents) * CENT)


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [("0.005", "0.01"), ("-0.005", "-0.01"), ("13.335", "13.34"), ("-13.335", "-13.34"), ("0.0049", "0.00"), ("23.334", "23.33")],
)
def test_half_a_cent_goes_away_from_zero(amount: str, rounded: str) -> None:
    assert round_half_up(Decimal(amount)) == Decimal(rounded)


@given(st.integers(-(10**15), 10**15))
def test_a_reversal_is_the_exact_negative(micro: int) -> None:
    assert to_cents(-micro) == -to_cents(micro)


@given(st.integers(-(10**18), 10**18), st.integers(1, 10**9))
def test_integer_division_rounds_as_decimals_do(numerator: int, denominator: int) -> None:
    exact = Decimal(2 * numerator + (denominator if numerator >= 0 else -denominator)) / (2 * denominator)
    assert divide_half_up(numerator, denominator) == int(exact)


def test_division_by_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        divide_half_up(1, 0)


@given(st.integers(-(10**12), 10**12))
def test_micro_euros_survive_the_way_there_and_back(micro: int) -> None:
    assert micros(euros(micro)) == micro


def test_more_than_six_decimals_are_no_micro_euros() -> None:
    with pytest.raises(ValueError, match="six decimals"):
        micros(Decimal("0.0000001"))


def test_three_equal_lines_share_the_missing_cent_by_order() -> None:
    """Case 24 of docs/rating.md: three lines of gross 10.00 at 21 %."""
    third = Decimal(10) / Decimal("1.21")
    assert spread_cents(Decimal("24.79"), [third] * 3) == [Decimal("8.27"), Decimal("8.26"), Decimal("8.26")]


@given(st.lists(st.integers(-1_000_000, 1_000_000), min_size=1, max_size=40))
def test_spread_cents_adds_up_and_moves_nobody_by_a_cent(thousandths: list[int]) -> None:
    shares = [Decimal(share) / 1000 for share in thousandths]
    total = round_half_up(sum(shares, Decimal(0)))
    parts = spread_cents(total, shares)
    assert sum(parts) == total
    assert all(abs(part - share) <= CENT for part, share in zip(parts, shares, strict=True))


def test_a_total_that_is_no_sum_is_refused() -> None:
    with pytest.raises(ValueError, match="too far"):
        spread_cents(Decimal("9.00"), [Decimal("1.00")])
