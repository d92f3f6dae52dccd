"""
Half-open periods of time, and the bill periods that are cut from them.

Instants are stored in UTC; days are counted in the operator's time zone, in which 25 October 2026 has 25 hours and
is still one day (docs/rating.md, "Periods").
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

OPERATOR_ZONE = ZoneInfo("Europe/Amsterdam")


@dataclass(frozen=True, slots=True)
class TimePeriod:
    """The instants from `valid_from` up to but not including `valid_to`; without `valid_to` it has no end."""

    valid_from: datetime
    valid_to: datetime | None = None

    def __post_init__(self) -> None:
        if self.valid_from.tzinfo is None or (self.valid_to is not None and self.valid_to.tzinfo is None):
            raise ValueError("a period needs instants with a time zone")
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("a period ends before it begins")

    def contains(self, instant: datetime) -> bool:
        """Say whether the instant lies in the period."""
        return self.valid_from <= instant and (self.valid_to is None or instant < self.valid_to)


@dataclass(frozen=True, slots=True)
class BillPeriod:
    """The local days from `first_day` up to but not including `end_day`."""

    first_day: date
    end_day: date

    @property
    def days(self) -> int:
        return (self.end_day - self.first_day).days

    def instants(self, zone: ZoneInfo = OPERATOR_ZONE) -> TimePeriod:
        """Give the period's instants in UTC."""
        return TimePeriod(start_of_day(self.first_day, zone), start_of_day(self.end_day, zone))

    def next(self, *, cycle_day: int | None = None) -> "BillPeriod":
        """Give the period that begins where this one ends."""
        return bill_period(self.end_day, cycle_day=cycle_day or self.first_day.day)


def start_of_day(day: date, zone: ZoneInfo = OPERATOR_ZONE) -> datetime:
    """Give the UTC instant at which a local day begins."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def local_day(instant: datetime, zone: ZoneInfo = OPERATOR_ZONE) -> date:
    """Give the local day in which an instant lies."""
    return instant.astimezone(zone).date()


def add_months(day: date, months: int) -> date:
    """Move a day whose number is at most 28 by whole months."""
    if day.day > 28:
        raise ValueError("only days 1 to 28 exist in every month")
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, day.day)


def bill_period(day: date, *, cycle_day: int = 1) -> BillPeriod:
    """
    Give the bill period of a billing account's cycle in which a day lies.

    :param cycle_day: 1 to 28, the first day of each period
    """
    if not 1 <= cycle_day <= 28:
        raise ValueError("cycle_day must lie in 1 to 28")
    first = day.replace(day=cycle_day) if day.day >= cycle_day else (day.replace(day=1) - timedelta(days=1)).replace(day=cycle_day)
    return BillPeriod(first, add_months(first, 1))
