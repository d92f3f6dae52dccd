"""TARGET's calendar: closing days as the European Central Bank publishes them, and nothing of a national calendar."""

from datetime import date, timedelta

import holidays
import pytest

from hoeksteen.billing.legal_entity import due_date
from hoeksteen.kernel.bank_days import bank_day_before, bank_day_on_or_after, is_bank_day


def test_closing_days_of_many_years() -> None:
    """Against a list that others keep: its European Central Bank calendar."""
    for year in range(2020, 2040):
        theirs = set(holidays.financial_holidays("ECB", years=year))
        for number in range((date(year + 1, 1, 1) - date(year, 1, 1)).days):
            day = date(year, 1, 1) + timedelta(days=number)
            assert is_bank_day(day) == (day.isoweekday() <= 5 and day not in theirs), day


@pytest.mark.parametrize(
    ("day", "following", "preceding"),
    [
        ("2026-11-15", "2026-11-16", "2026-11-13"),  # a Sunday
        ("2027-03-26", "2027-03-30", "2027-03-25"),  # Good Friday to Easter Monday
        ("2026-04-27", "2026-04-27", "2026-04-24"),  # King's Day
        ("2026-05-14", "2026-05-14", "2026-05-13"),  # Ascension
        ("2026-05-01", "2026-05-04", "2026-04-30"),
        ("2026-12-25", "2026-12-28", "2026-12-24"),
        ("2027-12-31", "2027-12-31", "2027-12-30"),
    ],
)
def test_the_nearest_bank_days(day: str, following: str, preceding: str) -> None:
    assert bank_day_on_or_after(date.fromisoformat(day)) == date.fromisoformat(following)
    assert bank_day_before(date.fromisoformat(day)) == date.fromisoformat(preceding)


def test_a_bill_is_due_on_a_day_on_which_it_can_be_paid() -> None:
    assert due_date(date(2026, 11, 1)) == date(2026, 11, 16), "the fourteenth day is a Sunday"
    assert due_date(date(2026, 11, 1), 30) == date(2026, 12, 1)
    assert due_date(date(2026, 12, 11)) == date(2026, 12, 28)
