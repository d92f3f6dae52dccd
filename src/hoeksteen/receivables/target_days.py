"""The days on which euros move between banks (TARGET), which are not the public holidays of any country."""

from datetime import date, timedelta

from hoeksteen.product.holidays import easter_sunday

_FIXED = {(1, 1), (5, 1), (12, 25), (12, 26)}
_ONE = timedelta(days=1)


def is_target_day(day: date) -> bool:
    """Say whether banks settle on a day: not on weekends, New Year, Good Friday, Easter Monday, 1 May and both days of Christmas."""
    easter = easter_sunday(day.year)
    return day.isoweekday() <= 5 and (day.month, day.day) not in _FIXED and day not in (easter - 2 * _ONE, easter + _ONE)


def on_or_after(day: date) -> date:
    """Give the first day from this one on which banks settle."""
    while not is_target_day(day):
        day += _ONE
    return day


def before(day: date) -> date:
    """Give the last day before this one on which banks settle."""
    day -= _ONE
    while not is_target_day(day):
        day -= _ONE
    return day
