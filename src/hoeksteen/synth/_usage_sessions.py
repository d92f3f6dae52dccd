"""Writes `usage/sessions_<n>.jsonl`: data sessions at home and abroad, without a record id."""

from pathlib import Path

import numpy as np

from hoeksteen.synth._chance import Floats, Ints
from hoeksteen.synth._clock import MonthClock
from hoeksteen.synth._columns import Column, cut, instants, joined, looked_up, write_lines, written
from hoeksteen.synth._usage_lines import UsageLines, count_specials, draw_specials, liveliness, own_numbers, repeats
from hoeksteen.synth.model import UsageFileTruth

_EUROPE, _WORLD = ("DE", "BE", "FR", "ES", "IT", "PT", "GR", "AT", "PL"), ("GB", "US", "TR", "MA", "SR", "CH")
_COUNTRIES = ("NL", *_EUROPE, *_WORLD)
_TRAVELLERS_SHARE, _TO_EUROPE_SHARE = 0.07, 0.8
# who pays dearly uses little
_VOLUME_OUTSIDE_EUROPE = 0.15
_DAY = 86_400


def write_sessions(
    *,
    directory: Path,
    number: int,
    last: bool,
    chance: np.random.Generator,
    lines: UsageLines,
    clock: MonthClock,
    nobody: list[str],
    records_per_line: float,
    carried: Column | None,
) -> tuple[Column, UsageFileTruth]:
    """
    Write one file, and give the records that the next one repeats, and what the file holds.

    :param carried: records of the file before that this one repeats
    """
    truth = UsageFileTruth(f"sessions_{number}.jsonl")
    lives = liveliness(chance, lines=lines, clock=clock) * records_per_line
    line = np.repeat(np.arange(len(lives)), chance.poisson(lines.sessions * lives))
    start = clock.draw(chance, lines.since[line], lines.until[line])
    sort = np.lexsort((line, start))
    line, start = line[sort], start[sort]
    size = len(line)
    specials = draw_specials(chance, can_be_late=lines.before[line] < clock.begin, spared=np.zeros(size, np.bool_), zones=False)
    start[specials.late] = clock.draw(chance, lines.before[line[specials.late]], np.full(len(specials.late), clock.begin))
    country = _countries(chance, len(lives), line, start, clock)
    volume = _volumes(chance, lines.megabytes, line, country)
    uplink = (volume * (0.04 + 0.16 * chance.random(size))).astype(np.int64) + 1
    downlink = volume - uplink + 2
    uplink[specials.faults["negative_units"]] *= -1
    apn = looked_up(["internet", "business"], lines.business[line].astype(np.int64))
    rows = joined(
        '{"own_number":"',
        own_numbers(chance, lines=lines, line=line, specials=specials, nobody=nobody),
        '","start":"',
        *instants(clock, start, specials.flag("bad_date", size)),
        '","uplink_bytes":',
        written(uplink),
        ',"downlink_bytes":',
        written(downlink),
        ',"apn":"',
        apn,
        '","visited_country":"',
        looked_up(_COUNTRIES, country),
        '"}',
    )
    rows = cut(rows, specials.flag("cut_line", size), 0.5)
    again, later = repeats(rows, specials, last=last)
    count_specials(truth, specials, size=size, repeated=len(again) + (len(carried) if carried is not None else 0))
    with (directory / truth.name).open("wb") as file:
        for column in (rows, again, carried):
            if column is not None:
                write_lines(file, column)
    return later, truth


def _countries(chance: np.random.Generator, lines: int, line: Ints, start: Ints, clock: MonthClock) -> Ints:
    """Where each session takes place: some lines travel for 3 to 12 days of the month."""
    leaves = clock.begin + chance.integers(0, 25, size=lines) * _DAY
    returns = leaves + chance.integers(3, 13, size=lines) * _DAY
    to_europe = chance.random(lines) < _TO_EUROPE_SHARE
    abroad = np.where(to_europe, 1 + chance.integers(len(_EUROPE), size=lines), 1 + len(_EUROPE) + chance.integers(len(_WORLD), size=lines))
    travels = chance.random(lines) < _TRAVELLERS_SHARE
    away = travels[line] & (leaves[line] <= start) & (start < returns[line])
    return np.where(away, abroad[line], 0).astype(np.int64)


def _volumes(chance: np.random.Generator, megabytes: Floats, line: Ints, country: Ints) -> Ints:
    """Bytes of each session: lines differ much in what they use in a month, and sessions in their part of it."""
    month = megabytes * 1e6 * chance.lognormal(0.0, 0.95, len(megabytes))
    parts = chance.lognormal(0.0, 1.3, len(line))
    sums = np.bincount(line, weights=parts, minlength=len(megabytes))
    volume = month[line] * parts / sums[line]
    volume[country > len(_EUROPE)] *= _VOLUME_OUTSIDE_EUROPE
    return np.asarray(volume, np.float64).astype(np.int64)
