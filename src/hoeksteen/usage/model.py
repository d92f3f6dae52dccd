"""What the usage room tells of files and records."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID


class UsageState(StrEnum):
    """The state in which a record leaves collection; rating then makes `rated` or `zero_rated` of `guided`."""

    GUIDED = "guided"
    DUPLICATE = "duplicate"
    SUSPENDED = "suspended"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many records of a file, and how many units, are in a state for a reason."""

    state: UsageState
    reason: str
    records: int
    units: int


@dataclass(frozen=True, slots=True)
class DayCount:
    """
    How many records of a local day, and how many units, are in a state for a reason.

    :param day: of their start; None for those whose start cannot be read
    """

    day: date | None
    state: UsageState
    reason: str
    records: int
    units: int


class Accounted:
    """What a balance says of its records, whatever they are added up by."""

    __slots__ = ()
    records_in: int
    units_in: int
    states: tuple[StateCount, ...]

    def records(self, state: UsageState) -> int:
        """Give the number of records in a state."""
        return sum(count.records for count in self.states if count.state is state)

    def units(self, state: UsageState) -> int:
        """Give the units in a state: seconds, messages and bytes as they came."""
        return sum(count.units for count in self.states if count.state is state)

    @property
    def closes(self) -> bool:
        """Say whether every record and every unit has exactly one state."""
        return (self.records_in, self.units_in) == (sum(count.records for count in self.states), sum(count.units for count in self.states))


@dataclass(frozen=True, slots=True)
class Balance(Accounted):
    """
    What became of the records of a day or of a source.

    :param records_in: for a source what its files held; for a day the sum of its states, because a day is told by the records alone
    """

    of: date | str | None
    records_in: int
    units_in: int
    states: tuple[StateCount, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """
    Where the balance of a file and the records in the lake differ.

    :param counted: records and units that lie there; `balance` what the balance says
    """

    usage_file_id: UUID
    state: UsageState
    reason: str
    day: date | None
    counted: tuple[int, int]
    balance: tuple[int, int]


@dataclass(frozen=True, slots=True)
class FileBalance(Accounted):
    """
    What became of one file: its records and units, each in exactly one state.

    :param already_taken: the same bytes were taken before, and nothing was counted now
    """

    usage_file_id: UUID
    source: str
    name: str
    taken_at: datetime
    records_in: int
    units_in: int
    states: tuple[StateCount, ...]
    already_taken: bool = False


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """
    A file of which nothing was taken, and of whose name none was taken since.

    :param why: names file, line and field
    """

    name: str
    adapter: str
    why: str
    refused_at: datetime
