"""The price's own calendar of Dutch public holidays."""

from datetime import date

import holidays
import pytest

from hoeksteen.kernel.bank_days import easter_sunday
from hoeksteen.product.holidays import public_holidays


@pytest.mark.parametrize(("year", "day"), [(2024, date(2024, 3, 31)), (2025, date(2025, 4, 20)), (2026, date(2026, 4, 5)), (2038, date(2038, 4, 25))])
def test_easter(year: int, day: date) -> None:
    assert easter_sunday(year) == day


@pytest.mark.parametrize("year", range(2015, 2041))
def test_the_days_are_those_of_the_library_but_for_its_opinions(year: int) -> None:
    opinions = {"Bevrijdingsdag", "Goede vrijdag"}
    theirs = {day for day, name in holidays.country_holidays("NL", years=year, language="nl").items() if name not in opinions}
    assert public_holidays(year) == theirs


def test_kings_day_is_never_a_sunday() -> None:
    assert date(2025, 4, 26) in public_holidays(2025) and date(2025, 4, 27) not in public_holidays(2025)
