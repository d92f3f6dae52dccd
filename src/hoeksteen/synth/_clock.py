"""When people call: instants of a month drawn by the hour of the local day, and written with their UTC offset."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from hoeksteen.kernel.time_period import OPERATOR_ZONE, add_months, start_of_day
from hoeksteen.synth._chance import Floats, Ints

_BY_DAY = (6, 3, 2, 1, 1, 2, 6, 16, 30, 40, 44, 46, 48, 46, 44, 46, 52, 60, 64, 66, 62, 52, 34, 16)
_HOUR = 3600


@dataclass(frozen=True, slots=True)
class MonthClock:
    """
    The hours of the month before, and of the month, in UTC.

    :param first: epoch second at which the month before begins; `begin` and `end` those of the month
    :param prefixes: `2026-10-25T02:` per hour, the last one impossible; `offsets` `+02:00` likewise
    :param cumulative: weight of all hours before each hour
    :param twice: the instant of the first 02:30 in a night that has two; else none
    :param written_at: when the switch wrote the month's files
    """

    first: int
    begin: int
    end: int
    prefixes: list[str]
    offsets: list[str]
    cumulative: Floats
    twice: int | None
    written_at: str

    def draw(self, chance: np.random.Generator, since: Ints, until: Ints) -> Ints:
        """Draw an instant in each `[since, until)`, more often by day; bounds are whole hours."""
        low, high = self.cumulative[(since - self.first) // _HOUR], self.cumulative[(until - self.first) // _HOUR]
        at = low + chance.random(len(since)) * (high - low)
        hours = np.clip(np.searchsorted(self.cumulative, at, side="right") - 1, (since - self.first) // _HOUR, (until - self.first) // _HOUR - 1)
        return np.asarray(self.first + hours * _HOUR + chance.integers(_HOUR, size=len(since)), np.int64)

    def hour_and_second(self, instants: Ints) -> tuple[Ints, Ints]:
        """Give, for each instant, its place among the hours and its second within."""
        return (instants - self.first) // _HOUR, (instants - self.first) % _HOUR


def month_clock(month: date) -> MonthClock:
    """Make the clock of a month; in October one hour comes twice."""
    before = (month - timedelta(days=1)).replace(day=1)
    bounds = [int(start_of_day(day).timestamp()) for day in (before, month, add_months(month, 1))]
    prefixes, offsets, weights, twice = [], [], [0.0], None
    for second in range(bounds[0], bounds[2], _HOUR):
        local = datetime.fromtimestamp(second, UTC).astimezone(OPERATOR_ZONE)
        offset = local.strftime("%z")
        prefixes.append(local.strftime("%Y-%m-%dT%H:"))
        offsets.append(f"{offset[:3]}:{offset[3:]}")
        weights.append(_BY_DAY[local.hour] * (0.8 if local.weekday() > 4 else 1.0))
        if second >= bounds[1] and len(prefixes) > 1 and prefixes[-1] == prefixes[-2]:
            twice = second - _HOUR + _HOUR // 2
    written_at = datetime.fromtimestamp(bounds[2] + 3 * _HOUR, UTC).astimezone(OPERATOR_ZONE).isoformat()
    prefixes.append(f"{month:%Y-%m}-32T12:")
    offsets.append("+01:00")
    return MonthClock(bounds[0], bounds[1], bounds[2], prefixes, offsets, np.cumsum(np.array(weights)), twice, written_at)


MINUTES_AND_SECONDS = [f"{second // 60:02d}:{second % 60:02d}" for second in range(_HOUR)]
