"""Dates as legacy systems write them, and birth dates with the damage that is usual in them."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

_FILLERS = {date(1900, 1, 1), date(1901, 1, 1), date(1911, 11, 11), date(1111, 11, 11), date(1753, 1, 1), date(1899, 12, 30), date(1899, 12, 31)}
_AGE_MAX_YEARS = 115
_FORMATS = {
    "dd-mm-yyyy": (re.compile(r"^(\d{1,2})-(\d{1,2})-(\d{4})$", re.ASCII), (2, 1, 0)),
    "yyyymmdd": (re.compile(r"^(\d{4})(\d{2})(\d{2})$", re.ASCII), (0, 1, 2)),
    "iso": (re.compile(r"^(\d{4})-(\d{2})-(\d{2})$", re.ASCII), (0, 1, 2)),
    "mm/dd/yyyy": (re.compile(r"^(\d{1,2})/(\d{1,2})/(\d{4})$", re.ASCII), (2, 0, 1)),
}
_UTC = re.compile(r"^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.\d+)?Z$", re.ASCII)
_MIDNIGHT = re.compile(r"^(\d{4}-\d{2}-\d{2})[T ]00:00(?::00(?:\.0+)?)?$", re.ASCII)
_SERIAL = re.compile(r"^\d{1,7}$", re.ASCII)
_SERIAL_LEAP = 60  # the 29 February 1900 that spreadsheets know and the calendar does not
PLAIN_FORMATS = tuple(_FORMATS)
FORMATS = (*_FORMATS, "local_midnight_utc", "iso_midnight", "excel_serial")


@lru_cache(maxsize=200_000)
def day(text: str, form: str) -> date | None:
    """
    Read a day; None when it is no day of the calendar in this form.

    `local_midnight_utc` is a day that was exported as the instant at which it began in the Netherlands: `…T22:00:00Z` and `…T23:00:00Z`
    belong to the *next* day. The rule is the distance to midnight, not a time zone file: before 1940 these differ between builds.

    `iso_midnight` is a day that a database or spreadsheet keeps as an instant, `2026-01-31T00:00:00`; at another hour it is none.
    `excel_serial` is a day that a spreadsheet shows as its number, `29400`.

    :param form: one of `FORMATS`
    """
    if form == "iso_midnight":
        midnight = _MIDNIGHT.match(text)
        return day(midnight[1] if midnight else text, "iso")
    if form == "excel_serial":
        return serial_day(int(text)) if _SERIAL.match(text) else None
    if form == "local_midnight_utc":
        found = _UTC.match(text)
        if not found:
            return None
        try:
            year, month, number, hour, minute, second = (int(part) for part in found.groups())
            instant = datetime(year, month, number, hour, minute, second, tzinfo=UTC)
            begins = instant + timedelta(hours=2)
        except (ValueError, OverflowError):
            return None
        return begins.date() if begins.hour < 2 or instant.time().hour == 0 and instant.minute == 0 else None
    pattern, order = _FORMATS[form]
    found = pattern.match(text)
    if not found:
        return None
    try:
        return date(*(int(found[1 + place]) for place in order))
    except ValueError:
        return None


def serial_day(number: int, *, since_1904: bool = False) -> date | None:
    """
    Give the day that a spreadsheet keeps as a number; None for the 29 February 1900, which was none, and outside the calendar.

    :param since_1904: the workbook counts from 1904, as old ones of the Macintosh do
    """
    if number < 0 or (not since_1904 and number in (0, _SERIAL_LEAP)):
        return None
    begins = date(1904, 1, 1) if since_1904 else date(1899, 12, 31) if number < _SERIAL_LEAP else date(1899, 12, 30)
    try:
        return begins + timedelta(days=number)
    except OverflowError:
        return None


def depends_on_time_zone_build(text: str) -> bool:
    """Say whether an exported local midnight has an offset that time zone files disagree about (Amsterdam before 17 May 1940)."""
    found = _UTC.match(text)
    return found is not None and (found[5], found[6]) != ("00", "00")


def birth_date_fault(born: date, today: date) -> str | None:
    """Say what is wrong with a birth date: a filler that systems write for `unknown`, the future, or an age that nobody has."""
    if born in _FILLERS:
        return "filler"
    if born >= today:
        return "in_the_future"
    if born.year < today.year - _AGE_MAX_YEARS:
        return "too_old"
    return None
