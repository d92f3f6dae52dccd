"""Statutory interest by day: worked cases, and tables of rates that are refused."""

from datetime import date
from decimal import Decimal

import pytest

from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.receivables.interest_rates import accrued, read_rates

RATES = read_rates()
WHOLE = ((date.min, Decimal(1000)),)


@pytest.mark.parametrize(
    ("segment", "since", "until", "principal", "wanted"),
    [
        ("consumer", "2026-01-01", "2026-01-01", WHOLE, "0.00"),
        ("consumer", "2026-01-01", "2026-01-02", WHOLE, "0.11"),
        ("consumer", "2026-01-01", "2027-01-01", WHOLE, "40.00"),
        ("consumer", "2024-01-01", "2025-01-01", WHOLE, "70.00"),  # 366 days of a leap year are one year
        ("consumer", "2024-12-01", "2025-02-01", WHOLE, "11.02"),  # 31 days at 7 % of 366, then 31 at 6 % of 365
        ("business", "2025-06-30", "2025-07-02", WHOLE, "0.58"),  # a day at 11.15 %, and one at 10.15 %
        ("government", "2025-07-01", "2026-07-01", WHOLE, "101.50"),
        ("consumer", "2026-03-01", "2028-03-01", WHOLE, "81.70"),  # after a year 40.00 bears interest too
        ("consumer", "2024-02-29", "2025-03-02", WHOLE, "68.59"),  # its year ends on 1 March
        ("consumer", "2026-01-01", "2026-03-01", ((date.min, Decimal(1000)), (date(2026, 2, 1), Decimal(600))), "5.24"),
        ("consumer", "2026-01-01", "2026-03-01", ((date.min, Decimal(1000)), (date(2026, 2, 1), Decimal(0))), "3.40"),
        ("business", "2022-01-01", "2022-06-01", WHOLE, "0.00"),  # before the table begins nothing is claimed
    ],
)  # fmt: skip
def test_what_days_cost(segment: str, since: str, until: str, principal: tuple[tuple[date, Decimal], ...], wanted: str) -> None:
    found = accrued(principal=principal, rates=RATES.of(segment), since=date.fromisoformat(since), until=date.fromisoformat(until))
    assert str(found) == wanted


def test_a_new_line_changes_nothing_of_days_before() -> None:
    since, until = date(2026, 5, 1), date(2026, 7, 1)
    later = (*RATES.consumer, (until, Decimal(9)))
    assert accrued(principal=WHOLE, rates=later, since=since, until=until) == accrued(principal=WHOLE, rates=RATES.consumer, since=since, until=until)
    assert accrued(principal=WHOLE, rates=later, since=until, until=date(2026, 7, 2)) == Decimal("0.25")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[]", "need consumer and business"),
        ("{consumer: {2026-01-01: 4}, business: {}}", "rates of business have no line"),
        ("{consumer: {2026-01-01: four}, business: {2026-01-01: 8}}", "rates of consumer need days"),
        ("{consumer: {2026-01-01: 4}, business: {soon: 8}}", "rates of business need days"),
        ("{consumer: {2026-01-01: 99}, business: {2026-01-01: 8}}", "rates of consumer need days"),
        ("consumer:\n  2026-01-01: 4\n  2026-01-01: 6\nbusiness: {2026-01-01: 8}", "rates, line 3: 2026-01-01 stands twice"),
        ("{consumer: [", "rates, line 1: is not YAML"),
        ("{consumer: {2026-01-01: .nan}, business: {2026-01-01: 8}}", "rates of consumer need days"),
    ],
)
def test_a_table_that_cannot_be_is_refused(text: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        read_rates(text)
