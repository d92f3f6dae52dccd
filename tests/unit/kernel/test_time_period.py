"""Half-open periods, local days, bill periods."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hoeksteen.kernel.time_period import BillPeriod, TimePeriod, add_months, bill_period, local_day, start_of_day

DAYS = st.dates(date(2000, 1, 1), date(2060, 12, 31))
CYCLE_DAYS = st.integers(1, 28)


def test_the_night_in_which_the_clock_goes_back_is_one_day_of_25_hours() -> None:
    assert start_of_day(date(2026, 10, 26)) - start_of_day(date(2026, 10, 25)) == timedelta(hours=25)
    assert BillPeriod(date(2026, 10, 1), date(2026, 11, 1)).days == 31


def test_the_end_of_a_period_does_not_belong_to_it() -> None:
    period = BillPeriod(date(2026, 11, 1), date(2026, 12, 1)).instants()
    assert period.contains(datetime(2026, 10, 31, 23, tzinfo=UTC))
    assert not period.contains(datetime(2026, 11, 30, 23, tzinfo=UTC))


@given(DAYS, CYCLE_DAYS)
def test_each_day_lies_in_its_bill_period_and_the_next_one_follows(day: date, cycle_day: int) -> None:
    period = bill_period(day, cycle_day=cycle_day)
    assert period.first_day <= day < period.end_day
    assert period.first_day.day == cycle_day
    assert period.next().first_day == period.end_day
    assert 28 <= period.days <= 31


@given(DAYS)
def test_a_local_day_begins_on_itself(day: date) -> None:
    assert local_day(start_of_day(day)) == day
    assert local_day(start_of_day(day) - timedelta(microseconds=1)) == day - timedelta(days=1)


@pytest.mark.parametrize("cycle_day", [0, 29])
def test_a_cycle_day_exists_in_every_month(cycle_day: int) -> None:
    with pytest.raises(ValueError, match="1 to 28"):
        bill_period(date(2026, 1, 1), cycle_day=cycle_day)
    with pytest.raises(ValueError, match="1 to 28"):
        add_months(date(2026, 1, 31), 1)


def test_a_period_refuses_naive_instants_and_a_backward_end() -> None:
    with pytest.raises(ValueError, match="time zone"):
        TimePeriod(datetime(2026, 1, 1))  # noqa: DTZ001 the naive instant is what is refused
    with pytest.raises(ValueError, match="before it begins"):
        TimePeriod(datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
