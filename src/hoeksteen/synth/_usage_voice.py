"""Writes `usage/voice_sms_<n>.csv`: calls and messages as the switch records them."""

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hoeksteen.synth import _words
from hoeksteen.synth._chance import Flags, Ints, pick
from hoeksteen.synth._clock import MonthClock
from hoeksteen.synth._columns import Column, cut, instants, joined, looked_up, write_lines, written
from hoeksteen.synth._usage_lines import UsageLines, count_specials, draw_specials, liveliness, own_numbers, repeats
from hoeksteen.synth.model import UsageFileTruth

_EUROPE, _WORLD = ("49", "32", "33", "34", "39", "43", "48", "351", "30"), ("44", "1212", "90", "212", "597", "41")
# mobile, fixed, EU, world, 0800, 0900, 112: shares of calls and of messages
_CALLED, _TEXTED = (0.60, 0.27, 0.06, 0.025, 0.025, 0.018, 0.002), (0.90, 0.0, 0.07, 0.03)
_SIZES = (4000, 2500, 1200, 800, 60, 60)
_UNKNOWN = "999999"
_NO_ANSWER_SHARE = 0.06
_CALL_SECONDS_MAX = 4 * 3600
_TWICE_SHARE = 0.004
_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Destinations:
    """The numbers that are called, as they are dialled: `first[i]` to `first[i + 1]` for each kind; the last one is unknown."""

    numbers: list[str]
    first: list[int]


def draw_destinations(chance: random.Random, *, own: list[str]) -> Destinations:
    """
    Draw the numbers that are called.

    :param own: numbers of our own customers, who call each other too
    """
    kinds = [
        [*chance.sample(own, min(len(own), 500)), *(f"316{chance.choice('123458')}{chance.randrange(10**7):07d}" for _ in range(_SIZES[0]))],
        [_fixed_number(chance) for _ in range(_SIZES[1])],
        [f"{chance.choice(_EUROPE)}{chance.randrange(10**8, 10**9)}" for _ in range(_SIZES[2])],
        [f"{chance.choice(_WORLD)}{chance.randrange(10**7, 10**8)}" for _ in range(_SIZES[3])],
    ]
    kinds = [[_dialled(number, chance) for number in numbers] for numbers in kinds]
    services = [
        [f"{prefix}{chance.choice((chance.randrange(1000, 9999), chance.randrange(10**6, 10**7)))}" for _ in range(size)]
        for prefix, size in (("0800", _SIZES[4]), ("0900", _SIZES[5]))
    ]
    kinds += [*services, ["112"], [_UNKNOWN]]
    first = [0]
    for numbers in kinds:
        first.append(first[-1] + len(numbers))
    return Destinations([number for numbers in kinds for number in numbers], first)


def _fixed_number(chance: random.Random) -> str:
    area = chance.choice(_words.AREA_CODES.split())[1:]
    return f"31{area}{chance.randrange(2 * 10 ** (8 - len(area)), 8 * 10 ** (8 - len(area)))}"


def _dialled(number: str, chance: random.Random) -> str:
    draw = chance.random()
    if draw < 0.82:
        return number
    if draw < 0.88:
        return f"00{number}"
    return f"0{number[2:]}" if number.startswith("31") and draw < 0.98 else f"+{number}"


@dataclass(slots=True)
class _Calls:
    """A file's records, one column per fact; `twice` marks the pairs of the night that has an hour twice."""

    line: Ints
    is_sms: Flags
    units: Ints
    start: Ints
    other: Ints
    twice: Flags

    def take(self, order: Ints) -> "_Calls":
        return _Calls(self.line[order], self.is_sms[order], self.units[order], self.start[order], self.other[order], self.twice[order])


def write_voice(
    *,
    directory: Path,
    number: int,
    last: bool,
    chance: np.random.Generator,
    lines: UsageLines,
    clock: MonthClock,
    destinations: Destinations,
    nobody: list[str],
    records_per_line: float,
    carried: Column | None,
) -> tuple[Column, UsageFileTruth]:
    """
    Write one file, and give the records that the next one repeats, and what the file holds.

    :param carried: records of the file before that this one repeats
    """
    truth = UsageFileTruth(f"voice_sms_{number}.csv")
    calls = _with_twice(chance, lines, clock, _drawn(chance, lines, clock, destinations, records_per_line))
    truth.dst_pairs = int(calls.twice.sum()) // 2
    size = len(calls.line)
    specials = draw_specials(chance, can_be_late=lines.before[calls.line] < clock.begin, spared=calls.twice, zones=True)
    calls.start[specials.late] = clock.draw(chance, lines.before[calls.line[specials.late]], np.full(len(specials.late), clock.begin))
    calls.other[specials.no_zone] = len(destinations.numbers) - 1
    negative = specials.faults["negative_units"]
    calls.units[negative] = -np.maximum(calls.units[negative], 1)
    truth.zero_duration = int((specials.normal(size) & (calls.units == 0)).sum())
    rows = joined(
        f"R;{number}-",
        written(np.arange(1, size + 1), width=8),
        ";",
        looked_up("VS", calls.is_sms.astype(np.int64)),
        ";",
        own_numbers(chance, lines=lines, line=calls.line, specials=specials, nobody=nobody),
        ";",
        looked_up(destinations.numbers, calls.other),
        ";",
        *instants(clock, calls.start, specials.flag("bad_date", size)),
        ";",
        written(calls.units),
    )
    rows = cut(rows, specials.flag("cut_line", size), 0.6)
    again, later = repeats(rows, specials, last=last)
    count_specials(truth, specials, size=size, repeated=len(again) + (len(carried) if carried is not None else 0))
    with (directory / truth.name).open("wb") as file:
        file.write(f"H;voice_sms;{number};{clock.written_at};{truth.records}\n".encode())
        for column in (rows, again, carried):
            if column is not None:
                write_lines(file, column)
        file.write(f"T;{truth.records}\n".encode())
    return later, truth


def _drawn(chance: np.random.Generator, lines: UsageLines, clock: MonthClock, destinations: Destinations, records_per_line: float) -> _Calls:
    lives = liveliness(chance, lines=lines, clock=clock) * records_per_line
    calls, texts = chance.poisson(lines.voice * lives), chance.poisson(lines.sms * lives)
    line = np.concatenate([np.repeat(np.arange(len(calls)), calls), np.repeat(np.arange(len(texts)), texts)])
    is_sms = np.arange(len(line)) >= calls.sum()
    talkative = chance.lognormal(0.0, 0.8, len(calls))
    seconds = np.ceil(np.minimum(70.0 * chance.lognormal(0.0, 0.9, len(line)) * talkative[line], _CALL_SECONDS_MAX)).astype(np.int64)
    seconds[chance.random(len(line)) < _NO_ANSWER_SHARE] = 0
    start = clock.draw(chance, lines.since[line], lines.until[line])
    kind = np.where(is_sms, pick(chance, _TEXTED, len(line)), pick(chance, _CALLED, len(line)))
    first = np.array(destinations.first, np.int64)
    # everybody has a circle of their own, in which some are called more often
    circle = np.array([int(number[-6:]) for number in lines.number], np.int64)[line] * 31
    friend = circle + chance.exponential(4.0, len(line)).astype(np.int64) * 104_729
    other = first[kind] + friend % (first[kind + 1] - first[kind])
    return _Calls(line, is_sms, np.where(is_sms, 1, seconds), start, other, np.zeros(len(line), np.bool_))


def _with_twice(chance: np.random.Generator, lines: UsageLines, clock: MonthClock, calls: _Calls) -> _Calls:
    """Add, for some lines, the same call at 02:30 of summer time and at 02:30 of winter time; then order all by start."""
    if clock.twice is not None:
        able = np.flatnonzero((lines.since <= clock.twice) & (lines.until > clock.twice + _HOUR) & (lines.voice > 0))
        chosen = np.sort(chance.permutation(able)[: max(1, round(len(able) * _TWICE_SHARE))])
        model = chance.integers(len(calls.line), size=len(chosen))
        line, start = np.tile(chosen, 2), np.repeat([clock.twice, clock.twice + _HOUR], len(chosen))
        units = np.tile(np.maximum(calls.units[model], 30), 2)
        calls = _Calls(
            np.concatenate([calls.line, line]),
            np.concatenate([calls.is_sms, np.zeros(len(line), np.bool_)]),
            np.concatenate([calls.units, units]),
            np.concatenate([calls.start, start]),
            np.concatenate([calls.other, np.tile(calls.other[model], 2)]),
            np.concatenate([calls.twice, np.ones(len(line), np.bool_)]),
        )
    return calls.take(np.lexsort((calls.line, calls.start)))
