"""How a room declares a lake table."""

from dataclasses import dataclass
from enum import StrEnum


class ColumnType(StrEnum):
    """The column types of the lake; there is no floating-point type, so that no amount can become one."""

    UUID = "uuid"
    INTEGER = "int"
    LONG = "long"
    TEXT = "string"
    INSTANT = "timestamptz"
    DAY = "date"
    BYTES = "binary"


@dataclass(frozen=True, slots=True)
class LakeTable:
    """
    A table of the lake.

    :param columns: name and type, in order; new ones are added at the end, and named in `added`
    :param partition: names of the columns whose values divide the files
    :param sort: the order of the rows within a file, which lets readers skip most of it
    :param added: columns that older files do not have; they read as NULL there
    """

    name: str
    columns: tuple[tuple[str, ColumnType], ...]
    partition: tuple[str, ...]
    sort: tuple[str, ...]
    added: tuple[str, ...] = ()

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.columns)
