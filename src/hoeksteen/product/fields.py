"""Typed reading of a declared mapping: faults are collected, each naming the file, the place and the field."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, NoReturn, TypeVar

from hoeksteen.kernel.time_period import start_of_day

WHOLE_MAX = 2**62
AMOUNT_BEYOND = 10**9  # no price, fee, cap or percentage reaches it
YEARS = range(1900, 3000)  # in which anything is valid; the calendar's own ends have no instant in every time zone
_AMOUNT_CHARACTERS_MAX = 40
E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")


@dataclass(slots=True)
class Faults:
    """The faults of one file: `file: where: field: what is wrong`."""

    file: str
    found: list[str] = field(default_factory=list)

    def add(self, where: str, name: str, what: str) -> None:
        """Note a fault of one field."""
        self.found.append(f"{self.file}: {where}: {name}: {what}")


@dataclass(slots=True)
class Fields:
    """Typed reading of one mapping, noting faults in place of raising."""

    faults: Faults
    where: str
    values: Mapping[str, Any]

    def known_only(self, known: set[str]) -> None:
        """Note every field that this mapping must not have."""
        for name in sorted(map(str, set(self.values) - known)):  # YAML has names that are no texts too: `5:`, `on:`, `2026-10-01:`
            self.faults.add(self.where, name, f"is not a known field; known are {', '.join(sorted(known))}")

    def text(self, name: str, default: str | None = None) -> str:
        """Read a text; without a default it must be there."""
        return self._read(name, default, lambda value: str(value) if isinstance(value, str) and value else str(_wrong("must be a text")), "")

    def flag(self, name: str, default: bool | None = None) -> bool:
        """Read true or false."""
        return self._read(name, default, lambda value: bool(value) if isinstance(value, bool) else bool(_wrong("must be true or false")), False)

    def whole(self, name: str, default: int | None = None, *, least: int = 0, most: int = WHOLE_MAX) -> int:
        """Read a whole number of at least `least` and at most `most`."""

        def read(value: Any) -> int:
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                return _wrong(f"must be a whole number from {least}")
            return int(value) if value <= most else _wrong(f"must be a whole number up to {most:,}")

        return self._read(name, default, read, least)

    def money(self, name: str, default: Decimal | None = None, *, least: int | None = None) -> Decimal:
        """Read euros with at most six decimals, written as text so that no float comes near them."""

        def read(value: Any) -> Decimal:
            amount = _as_decimal(value, 6, "euros")
            return amount if least is None or amount >= least else _wrong(f"must not be less than {least}")

        return self._read(name, default, read, Decimal(0))

    def percent(self, name: str) -> Decimal:
        """Read a percentage from 0 with at most four decimals, written as text, and give it as a fraction of one."""

        def read(value: Any) -> Decimal:
            percentage = _as_decimal(value, 4, "a percentage")
            return percentage.scaleb(-2) if percentage >= 0 else _wrong("must not be less than 0")

        return self._read(name, None, read, Decimal(0))

    def word(self, name: str, known: Sequence[str], default: str | None = None) -> str:
        """Read one of a few words."""
        return self._read(name, default, lambda value: str(value) if value in known else str(_wrong(f"must be one of {', '.join(known)}")), known[0])

    def day_start(self, name: str) -> datetime | None:
        """Read a local day and give the instant at which it begins, or None when it is absent."""
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, str):
            try:
                value = date.fromisoformat(value)
            except ValueError:
                value = None
        if not isinstance(value, date) or isinstance(value, datetime):
            self.faults.add(self.where, name, "must be a day such as 2026-10-01")
            return None
        if value.year not in YEARS:
            self.faults.add(self.where, name, f"must lie in {YEARS[0]} to {YEARS[-1]}; leave out the end of what does not end")
            return None
        return start_of_day(value)

    def one_of(self, name: str, kind: type[E]) -> E | None:
        """Read one word of an enumeration."""
        try:
            return kind(self.values.get(name, ""))
        except ValueError:
            self.faults.add(self.where, name, f"must be one of {', '.join(kind)}")
            return None

    def several(self, name: str, kind: type[E]) -> tuple[E, ...]:
        """Read a list of words of an enumeration; absent means all of them."""
        value = self.values.get(name, list(kind))
        words = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        if not words or any(word not in list(kind) for word in words):
            self.faults.add(self.where, name, f"must be a list of {', '.join(kind)}")
            return tuple(kind)
        return tuple(kind(word) for word in words)

    def chosen(self, name: str, known: Sequence[str], default: Sequence[str]) -> tuple[str, ...]:
        """Read a list of some of the known words, or one of them."""
        value = self.values.get(name, list(default))
        words = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        if (not words and default) or any(word not in known for word in words):
            self.faults.add(self.where, name, f"must be a list of {', '.join(known)}")
            return tuple(default)
        return tuple(words)

    def mapping(self, name: str) -> "Fields":
        """Read a mapping; absent means an empty one."""
        value = self.values.get(name, {})
        if not isinstance(value, Mapping):
            self.faults.add(self.where, name, "must be a mapping")
        return Fields(self.faults, f"{self.where}/{name}", value if isinstance(value, Mapping) else {})

    def listed(self, name: str) -> list[Any]:
        """Read a list of anything; absent means none."""
        value = self.values.get(name, [])
        if not isinstance(value, list):
            self.faults.add(self.where, name, "must be a list")
            return []
        return value

    def texts(self, name: str) -> list[str]:
        """Read a list of texts; absent means none."""
        value = self.listed(name)
        if not all(isinstance(text, str) for text in value):
            self.faults.add(self.where, name, "must be a list of texts")
            return []
        return value

    def lists(self, name: str) -> dict[str, list[Any]]:
        """Read a mapping of lists; absent means none."""
        declared = self.mapping(name)
        return {str(key): declared.listed(key) for key in declared.values}

    def mappings(self, name: str) -> list["Fields"]:
        """Read a list of mappings; absent means none."""
        value = self.values.get(name, [])
        if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
            self.faults.add(self.where, name, "must be a list of mappings")
            return []
        return [Fields(self.faults, f"{self.where}/{entry.get('id', f'{name}[{index}]')}", entry) for index, entry in enumerate(value)]

    def _read(self, name: str, default: T | None, read: Callable[[Any], T], otherwise: T) -> T:
        if name not in self.values:
            if default is None:
                self.faults.add(self.where, name, "is missing")
                return otherwise
            return default
        try:
            return read(self.values[name])
        except ValueError as error:
            self.faults.add(self.where, name, str(error))
            return otherwise


def _wrong(what: str) -> NoReturn:
    raise ValueError(what)


def _as_decimal(value: Any, decimals: int, what: str) -> Decimal:
    if not isinstance(value, str):
        raise ValueError(f'must be {what} in quotes, such as "0.20"')
    try:
        amount = Decimal(value if len(value) <= _AMOUNT_CHARACTERS_MAX else "")
    except InvalidOperation:
        raise ValueError(f'must be {what} in quotes, such as "0.20"') from None
    if not amount.is_finite() or not -_AMOUNT_CHARACTERS_MAX < amount.adjusted() < _AMOUNT_CHARACTERS_MAX or abs(amount) >= AMOUNT_BEYOND:
        raise ValueError(f"must be less than {AMOUNT_BEYOND:,}")
    if amount.scaleb(decimals) != amount.scaleb(decimals).to_integral_value():
        raise ValueError(f"must have at most {'six' if decimals == 6 else 'four'} decimals")
    return amount
