"""What every reader gives: records as text, exactly as they stand in the source; and how values that have a type become text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from hoeksteen.kernel.errors import InvalidInput, NotFound

Values = dict[str, str | None]
PRODUCT_ROWS = "rows"


@dataclass(slots=True)
class RawRecord:
    """
    One customer entry as it stands in the export.

    :param row: line of the file, row of the sheet or of the query, or the record's number
    :param children: per list of the mapping its entries, each with its own row
    :param fault: (column, code) when the record cannot be read
    :param notes: (column, code) of what was repaired or looks wrong while it was read
    """

    key: str | None
    row: int
    values: Values
    children: dict[str, list[tuple[int, Values]]] = field(default_factory=dict)
    fault: tuple[str, str] | None = None
    notes: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    """
    What one reading of a source says about the whole.

    :param digest: of a source that is no file: SHA-256 over all its rows; empty for files, whose bytes are hashed
    :param notes: (field, code) about the source, such as an encoding that had to be guessed
    :param encoding: the encoding that was read, where the mapping says `detect`
    """

    records: int = 0
    digest: str = ""
    encoding: str = ""
    notes: list[tuple[str, str]] = field(default_factory=list)


def looks_like_an_address(file: Path) -> bool:
    """Say whether an input is written as an address, of whatever kind: it may hold a password, and no message repeats it."""
    return re.match(r"[A-Za-z][\w+.-]*:/", str(file)) is not None


def not_read_so() -> InvalidInput:
    """Give the refusal of an address where a file is meant, or of a kind that is not known; it repeats nothing of it."""
    return InvalidInput(
        "The input is an address, and this mapping does not read it.",
        remedy="Write it as postgresql://reader@host/database (or mysql, mariadb, sqlite), with `reader: {kind: database}` in the mapping.",
    )


def opened(file: Path) -> Any:
    """
    Open an export for reading bytes.

    :raises NotFound: when there is no such file, it may not be read, or it can be read only once
    """
    if file.exists() and not file.is_file():
        raise NotFound(f"{file} is a directory, a pipe or a device, and exports are read more than once.", remedy="Name a file.")
    try:
        return file.open("rb")
    except FileNotFoundError as error:
        if looks_like_an_address(file):
            raise not_read_so() from None
        raise NotFound(f"There is no file {file}.", remedy="Name the legacy export with --input.") from error
    except OSError as error:
        raise NotFound(f"The file {file} cannot be opened: {error.strerror}.", remedy="Check its name and its rights.") from error


def same_columns(where: str, have: Sequence[str], want: Sequence[str], *, in_order: bool = True) -> None:
    """
    Refuse a source whose columns are not those of the mapping.

    :param in_order: whether the order counts, as it does where rows have no names of their own
    :raises InvalidInput: naming the place and the column
    """
    if have and want and not set(have) & set(want):  # a record, perhaps: nothing of it is repeated
        raise InvalidInput(
            f"{where}, field {want[0]}: none of the names there is one of the mapping's columns.",
            remedy="Export it with a line of headings, or name the file that the mapping describes.",
        )
    for name in have:
        if name not in want:
            raise unknown_column(where, name)
    for name in want:
        if name not in have:
            raise InvalidInput(f"{where}, field {name}: this column of the mapping is missing.", remedy="Export it, or take it out of the mapping.")
    if (in_order and list(have) != list(want)) or len(have) != len(want):
        moved = next((name for name, other in zip(have, want, strict=False) if name != other), have[-1])
        raise InvalidInput(
            f"{where}, field {moved}: this column stands in another place than in the mapping, or twice.",
            remedy="Put columns in the order of the file, each once.",
        )


def unknown_column(where: str, name: str) -> InvalidInput:
    """Give the refusal of a column that the mapping does not know."""
    return InvalidInput(
        f"{where}, field {name[:64]}: the mapping does not know this column.", remedy="Add it to columns, with `to` or with `ignore` and a reason."
    )


def local_name(tag: str) -> str:
    """Give the name of an XML element or attribute without its namespace."""
    return tag.rpartition("}")[2]


def as_text(value: Any) -> str | None:
    """
    Write a typed value as text, exactly: decimals with all their digits, days as `2026-01-31`, instants in UTC with `Z`.

    :raises TypeError: for what is no single value
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | UUID):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return _span(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "surrogateescape")
    raise TypeError(type(value).__name__)


def _instant(value: datetime) -> str:
    if value.tzinfo is None:
        return value.isoformat()
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _span(value: timedelta) -> str:
    """A time of day, or a span of time, as hours, minutes and seconds."""
    microseconds = abs(value) // timedelta(microseconds=1)
    seconds, fraction = divmod(microseconds, 1_000_000)
    text = f"{seconds // 3_600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}" + (f".{fraction:06d}" if fraction else "")
    return text if value >= timedelta(0) else f"-{text}"
