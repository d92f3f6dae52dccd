"""What an adapter is: it turns a file's records into the columns below and judges nothing else (docs/adapters.md)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol, runtime_checkable

import pyarrow as pa

from hoeksteen.kernel.errors import InvalidInput

# Every column but the line's number is text as it stands in the file, or NULL; `fault` is the reason why a record cannot be read at all.
PARSED_COLUMNS = ("line", "source_record_id", "service", "own_number", "other_number", "start", "units", "more_units", "country", "fault")
PARSED = pa.schema([("line", pa.int64()), *((name, pa.string()) for name in PARSED_COLUMNS[1:])])


@dataclass(frozen=True, slots=True)
class Frame:
    """
    What is known of a text file before its lines are read.

    :param lines: how many there are
    :param first: the text of the first line; `last` of the last one
    """

    name: str
    lines: int
    first: str
    last: str


class Adapter(Protocol):
    """
    Know one format.

    :ivar name: how the adapter is asked for
    :ivar source: the source that the records' identity belongs to
    :ivar endings: of the files that it takes when none is asked for, such as `.csv`; may be empty
    """

    @property
    def name(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def endings(self) -> tuple[str, ...]: ...

    def parsed(self, lines: str) -> str:
        """
        Give a query that makes the parsed columns of a table of lines or records.

        :param lines: name of the table: `(line, text)` for a `LineAdapter`, what `records` gave for a `RecordAdapter`
        """


@runtime_checkable
class LineAdapter(Adapter, Protocol):
    """Know one format of text, a record a line."""

    def body(self, frame: Frame) -> tuple[int, int]:
        """
        Check header and trailer, and give the first and the last line that hold records.

        :raises InvalidInput: when the file is cut, or its counts do not agree
        """


@runtime_checkable
class RecordAdapter(Adapter, Protocol):
    """Know one format that is no text."""

    def records(self, file: BinaryIO, name: str) -> Iterator[pa.Table]:
        """
        Give the records in tables of at most some ten thousand rows, with a column `line` that counts from 1.

        :param file: at its beginning; it can be sought
        :param name: what the file is called
        :raises InvalidInput: when the file is cut, or its counts do not agree
        """


def refuse(frame: Frame, line: int, field: str, what: str, remedy: str) -> InvalidInput:
    """Make the error that names file, line and field."""
    return InvalidInput(f"{frame.name}: line {line}: {field}: {what}.", remedy=remedy)


def count_in(text: str) -> int | None:
    """Read a count of records, or give None when it is none: what is a digit elsewhere in the world, or endless, is no count."""
    return int(text) if re.fullmatch("[0-9]{1,12}", text) else None
