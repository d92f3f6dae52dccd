"""Whose usage it is: the lines and SIMs that are active in the month, and what marks each record as special."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np

from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.synth._chance import Flags, Floats, Ints, pick
from hoeksteen.synth._clock import MonthClock
from hoeksteen.synth._columns import Column, looked_up
from hoeksteen.synth._entries import Operator
from hoeksteen.synth.model import PRODUCTS, UsageFileTruth

DUPLICATE_SHARE = 0.005
LATE_SHARE = 0.002
NO_ZONE_SHARE = NO_PRODUCT_SHARE = REJECTED_SHARE = 0.001
BAD_NUMBER = "6.12345678E8"
_OWN_WRITTEN = (0.965, 0.015, 0.01, 0.01)
FAULTS = ("bad_number", "bad_date", "negative_units", "cut_line")
_VOICE = {"TEL-B": 0.30, "TEL-P": 0.42, "ZAK-V": 0.70, "MS": 0.32, "MM": 0.34, "ML": 0.36, "ZM": 0.48}
_SMS = {"MS": 0.09, "MM": 0.08, "ML": 0.08, "ZM": 0.05}
_SESSIONS = {"MS": 0.52, "MM": 0.58, "ML": 0.66, "MD": 0.70, "ZM": 0.55}
# megabytes in the month of the line in the middle, by product: two in five to one in five exceed what is included
_MEGABYTES = {"MS": 1100.0, "MM": 2700.0, "ML": 9500.0, "MD": 2500.0, "ZM": 5000.0}


@dataclass(frozen=True, slots=True)
class UsageLines:
    """
    Lines with a number, active in the month; instants are epoch seconds.

    :param number: E.164 digits; `since`, `until`: the part of the month in which the line is active; `before`: since when in the month before
    :param voice: calls expected in a whole month at 1 record per line; `sms`, `sessions` likewise
    :param megabytes: median data volume of a month
    """

    number: list[str]
    since: Ints
    until: Ints
    before: Ints
    voice: Floats
    sms: Floats
    sessions: Floats
    megabytes: Floats
    business: Flags

    def part(self, chosen: Ints) -> "UsageLines":
        """Give some of the lines."""
        return UsageLines(
            [self.number[index] for index in chosen.tolist()],
            self.since[chosen],
            self.until[chosen],
            self.before[chosen],
            self.voice[chosen],
            self.sms[chosen],
            self.sessions[chosen],
            self.megabytes[chosen],
            self.business[chosen],
        )


def usage_lines(operator: Operator, clock: MonthClock) -> UsageLines:
    """Find the lines and SIMs that can have usage in the month."""
    contracts = operator.contracts
    starts, ends = _day_starts(contracts.start), _day_starts(contracts.end)
    suspended = _day_starts(contracts.suspended)
    since = np.maximum(starts, clock.begin)
    until = np.minimum.reduce([np.where(ends, ends, clock.end), np.where(suspended, suspended, clock.end), np.full(len(ends), clock.end)])
    has_number = np.array([bool(number) for number in operator.numbers.of_product])
    loadable = operator.records.reject[contracts.record] == 0
    chosen = np.flatnonzero(has_number & loadable & (since < until))
    codes = contracts.product[chosen]

    def by_product(values: dict[str, float]) -> Floats:
        return np.array([values.get(product.code, 0.0) for product in PRODUCTS])[codes]

    business = np.array([product.offering is not None and product.offering.startswith("business") for product in PRODUCTS])[codes]
    return UsageLines(
        [operator.numbers.of_product[index] for index in chosen.tolist()],
        since[chosen],
        until[chosen],
        np.maximum(starts[chosen], clock.first),
        by_product(_VOICE),
        by_product(_SMS),
        by_product(_SESSIONS),
        by_product(_MEGABYTES),
        business,
    )


def _day_starts(ordinals: Ints) -> Ints:
    days, places = np.unique(ordinals, return_inverse=True)
    return np.array([_epoch(int(day)) for day in days], np.int64)[places]


@lru_cache(maxsize=65_536)
def _epoch(ordinal: int) -> int:
    return int(start_of_day(date.fromordinal(ordinal)).timestamp()) if ordinal else 0


@dataclass(frozen=True, slots=True)
class Specials:
    """Which records of a file are special, as their places in it; the kinds exclude each other. `repeated` ones are normal, and come again."""

    late: Ints
    no_zone: Ints
    no_product: Ints
    faults: dict[str, Ints]
    repeated: Ints

    def normal(self, size: int) -> Flags:
        """Give a flag per record, set where nothing is special."""
        marked = np.ones(size, np.bool_)
        marked[np.concatenate([self.late, self.no_zone, self.no_product, *self.faults.values()])] = False
        return marked

    def flag(self, fault: str, size: int) -> Flags:
        """Give a flag per record, set where it has this fault."""
        marked = np.zeros(size, np.bool_)
        marked[self.faults[fault]] = True
        return marked


def draw_specials(chance: np.random.Generator, *, can_be_late: Flags, spared: Flags, zones: bool) -> Specials:
    """
    Choose which of a file's records are late, unknown, broken or repeated.

    :param can_be_late: whose line was active in the month before
    :param spared: those that must stay as they are
    :param zones: whether records have a destination that can be unknown
    """
    size = len(spared)
    mixed = chance.permutation(np.flatnonzero(~spared))
    late = mixed[can_be_late[mixed]][: _count(size, LATE_SHARE)]
    rest = mixed[~np.isin(mixed, late)]
    unknown = [_count(size, NO_ZONE_SHARE) if zones else 0, _count(size, NO_PRODUCT_SHARE)]
    counts = [*unknown, *[_count(size, REJECTED_SHARE / len(FAULTS))] * len(FAULTS), _count(size, DUPLICATE_SHARE)]
    no_zone, no_product, *faults, repeated, _ = np.split(rest, np.cumsum(counts))
    return Specials(late, no_zone, no_product, dict(zip(FAULTS, faults, strict=True)), repeated)


def own_numbers(chance: np.random.Generator, *, lines: UsageLines, line: Ints, specials: Specials, nobody: list[str]) -> Column:
    """Write the own number of each record: E.164 digits, a few otherwise; and those that nobody holds or that are damaged."""
    held = lines.number
    otherwise = [f"+{number}" for number in held] + [f"00{number}" for number in held] + [f"0{number[2:]}" for number in held]
    table = [*held, *otherwise, *nobody, BAD_NUMBER]
    index = line + len(held) * pick(chance, _OWN_WRITTEN, len(line))
    index[specials.no_product] = 4 * len(held) + chance.integers(len(nobody), size=len(specials.no_product))
    index[specials.faults["bad_number"]] = len(table) - 1
    return looked_up(table, index)


def liveliness(chance: np.random.Generator, *, lines: UsageLines, clock: MonthClock) -> Floats:
    """Draw how much more or less than others each line is used, less where it is active for a part of the month."""
    active = (lines.until - lines.since) / (clock.end - clock.begin)
    return np.asarray(np.clip(chance.lognormal(0.0, 0.32, len(active)), 0.6, 1.5) * active, np.float64)


def repeats(rows: Column, specials: Specials, *, last: bool) -> tuple[Column, Column]:
    """Give the rows that come again in this file, and those that come again in the next one."""
    here = len(specials.repeated) if last else len(specials.repeated) // 2
    return rows.take(specials.repeated[:here]), rows.take(specials.repeated[here:])


def count_specials(truth: UsageFileTruth, specials: Specials, *, size: int, repeated: int) -> None:
    """
    Note what a file holds.

    :param size: records before repeats; `repeated`: repeats of this file's records and of those of the file before
    """
    truth.late, truth.no_zone, truth.no_product = len(specials.late), len(specials.no_zone), len(specials.no_product)
    truth.rejected_by = {fault: len(records) for fault, records in specials.faults.items()}
    truth.rejected = sum(truth.rejected_by.values())
    truth.duplicate = repeated
    truth.records = size + truth.duplicate
    truth.normal = size - truth.late - truth.no_zone - truth.no_product - truth.rejected


def _count(size: int, share: float) -> int:
    return max(1, round(size * share))
