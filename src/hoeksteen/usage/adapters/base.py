"""What an adapter is: it turns a file's lines into the columns below and judges nothing else."""

from dataclasses import dataclass
from typing import Protocol

from hoeksteen.kernel.errors import InvalidInput

# Every column is text as it stands in the file, or NULL; `fault` is the reason why a line cannot be read at all.
PARSED_COLUMNS = ("line", "source_record_id", "service", "own_number", "other_number", "start", "units", "more_units", "country", "fault")


@dataclass(frozen=True, slots=True)
class Frame:
    """
    What is known of a file before its lines are read.

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
    """

    name: str
    source: str

    def body(self, frame: Frame) -> tuple[int, int]:
        """
        Check header and trailer, and give the first and the last line that hold records.

        :raises InvalidInput: when the file is cut, or its counts do not agree
        """

    def parsed(self, lines: str) -> str:
        """
        Give a query that makes the parsed columns of `lines(line, text)`.

        :param lines: name of the table
        """


def refuse(frame: Frame, line: int, field: str, what: str, remedy: str) -> InvalidInput:
    """Make the error that names file, line and field."""
    return InvalidInput(f"{frame.name}: line {line}: {field}: {what}.", remedy=remedy)
