"""
The days on which euros move between banks (TARGET), which are not the public holidays of any country.

King's Day and Ascension are bank days, Good Friday and 1 May are not (European Central Bank, "TARGET closing days").
"""

from datetime import date, timedelta
from functools import cache

_DAY = timedelta(days=1)


def easter_sunday(year: int) -> date:
    """Give Easter Sunday of the Gregorian calendar (Meeus, Jones and Butcher)."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    k = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * k) // 451
    month, day = divmod(h + k - 7 * m + 114, 31)
    return date(year, month, day + 1)


@cache
def _closed(year: int) -> frozenset[date]:
    easter = easter_sunday(year)
    return frozenset({date(year, 1, 1), easter - 2 * _DAY, easter + _DAY, date(year, 5, 1), date(year, 12, 25), date(year, 12, 26)})


def is_bank_day(day: date) -> bool:
    """Tell whether banks settle on a day: not on weekends, New Year, Good Friday, Easter Monday, 1 May and both days of Christmas."""
    return day.isoweekday() <= 5 and day not in _closed(day.year)


def bank_day_on_or_after(day: date) -> date:
    """Give the first day from this one on which banks settle."""
    while not is_bank_day(day):
        day += _DAY
    return day


def bank_day_before(day: date) -> date:
    """Give the last day before this one on which banks settle."""
    day -= _DAY
    while not is_bank_day(day):
        day -= _DAY
    return day
