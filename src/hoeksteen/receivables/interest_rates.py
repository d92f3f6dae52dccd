"""Statutory interest: what a debt that is late costs by day. Pure; the rates are a file (`statutory_interest.yaml`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cache
from importlib import resources
from itertools import pairwise

from hoeksteen.kernel.errors import InvalidInput, invariant
from hoeksteen.kernel.money import CENT
from hoeksteen.storage.yaml_text import NoYaml, read_yaml

_NOTHING = Decimal(0)
Steps = Sequence[tuple[date, Decimal]]  # what is in force from each day on, in order
_REMEDY = "Write it as receivables/statutory_interest.yaml shows."


@dataclass(frozen=True, slots=True)
class InterestRates:
    """Per cent a year, from each day on."""

    consumer: tuple[tuple[date, Decimal], ...]
    business: tuple[tuple[date, Decimal], ...]

    def of(self, segment: str) -> tuple[tuple[date, Decimal], ...]:
        """Give the rates towards consumers, or those between businesses and with government."""
        return self.consumer if segment == "consumer" else self.business


def read_rates(text: str | None = None) -> InterestRates:
    """
    Read a table of rates; without a text, the one that is shipped.

    :raises InvalidInput: when it is no YAML, a table is missing, a day stands twice, or a line is no day with a rate; it names the place
    """
    return _shipped() if text is None else _read(text)


@cache
def _shipped() -> InterestRates:
    return _read(resources.files("hoeksteen.receivables").joinpath("statutory_interest.yaml").read_text("utf-8"))


def _read(text: str) -> InterestRates:
    try:
        found = read_yaml(text)
    except NoYaml as error:
        where = "" if error.line is None else f", line {error.line}"
        raise InvalidInput(f"The rates{where}: {error}.", remedy=_REMEDY, field="rates") from error
    if not isinstance(found, dict) or set(found) != {"consumer", "business"}:
        raise InvalidInput("The rates need consumer and business.", remedy=_REMEDY, field="consumer")
    return InterestRates(_table(found, "consumer"), _table(found, "business"))


def _table(found: Mapping[str, object], name: str) -> tuple[tuple[date, Decimal], ...]:
    lines = found[name]
    rates: dict[date, Decimal] = {}
    for day, rate in lines.items() if isinstance(lines, dict) else ():
        try:
            value = Decimal(str(rate))
        except InvalidOperation:
            value = Decimal(-1)
        if type(day) is not date or not value.is_finite() or not 0 <= value <= 50:
            raise InvalidInput(f"The rates of {name} need days with a rate of 0 to 50.", remedy=_REMEDY, field=name)
        rates[day] = value
    if not rates:
        raise InvalidInput(f"The rates of {name} have no line.", remedy=_REMEDY, field=name)
    return tuple(sorted(rates.items()))


def in_force(steps: Steps, day: date) -> Decimal:
    """Give what is in force on a day; nothing before the first."""
    return next((value for first, value in reversed(steps) if first <= day), _NOTHING)


def accrued(*, principal: Steps, rates: Steps, since: date, until: date) -> Decimal:
    """
    Give the interest of the days from `since` up to but not including `until`, in euros and cents.

    Each day costs the principal that is open on it, times the rate in force, divided by the days of its calendar year. After every whole year
    what has accrued is added to what bears interest (article 6:119, second paragraph). It is rounded once, at the end.

    :param principal: what is open from each day on
    """
    invariant(since <= until, "interest runs forwards")
    years = [_years_later(since, number) for number in range(1, until.year - since.year + 1)]
    news = [date(year, 1, 1) for year in range(since.year + 1, until.year + 1)]
    changes = {since, until, *years, *news, *(day for day, _ in principal), *(day for day, _ in rates)}
    added = of_year = _NOTHING
    for day, after in pairwise(sorted(one for one in changes if since <= one <= until)):
        if day in years:
            added, of_year = added + of_year, _NOTHING
        bearing = in_force(principal, day)
        if bearing > 0:
            of_year += (bearing + added) * in_force(rates, day) / 100 * (after - day).days / _days_of(day.year)
    return (added + of_year).quantize(CENT, ROUND_HALF_UP)


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


def _days_of(year: int) -> int:
    return (date(year + 1, 1, 1) - date(year, 1, 1)).days
