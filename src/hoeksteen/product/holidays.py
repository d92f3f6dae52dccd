"""
Dutch public holidays on which holiday prices hold.

The price's own calendar decides: it stands here and not in a library, so that an upgrade never re-prices a closed period. Good Friday
and 5 May are no holidays in it.
"""

from datetime import date, timedelta
from functools import cache

from hoeksteen.kernel.bank_days import easter_sunday


@cache
def public_holidays(year: int) -> frozenset[date]:
    """Give the public holidays of a year: New Year, Easter, King's Day, Ascension, Whitsun and Christmas."""
    easter = easter_sunday(year)
    kings_day = date(year, 4, 27)
    if kings_day.isoweekday() == 7:
        kings_day = date(year, 4, 26)
    moving = {easter + timedelta(days=days) for days in (0, 1, 39, 49, 50)}
    return frozenset(moving | {date(year, 1, 1), kings_day, date(year, 12, 25), date(year, 12, 26)})
