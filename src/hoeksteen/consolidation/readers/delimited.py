"""Delimited text: one row a line, columns by the first line."""

import csv
from collections.abc import Iterator
from pathlib import Path

from hoeksteen.consolidation.mapping import Mapping
from hoeksteen.consolidation.reader_kinds import Csv
from hoeksteen.consolidation.readers.raw import RawRecord, Tally, same_columns
from hoeksteen.consolidation.readers.rows import Row, records_of
from hoeksteen.consolidation.readers.text import lines, settled_encoding
from hoeksteen.kernel.errors import InvalidInput


def read_csv(mapping: Mapping, reader: Csv, file: Path, tally: Tally) -> Iterator[RawRecord]:
    """Give the records of a delimited text."""
    encoding = settled_encoding(file, reader.encoding, tally)
    names = list(mapping.columns)
    rows = _split_rows(reader, file, encoding)
    _, header = next(rows)
    same_columns(f"{file} line 1", header, names)
    yield from records_of(mapping, _rows(names, names.index(mapping.key), rows), many=reader.rows_per_record == "many")


def csv_columns(reader: Csv, file: Path) -> list[str]:
    """Give the columns that the first line names."""
    encoding = settled_encoding(file, reader.encoding, Tally())
    return next(_split_rows(reader, file, encoding))[1]


def _rows(names: list[str], key_place: int, rows: Iterator[tuple[int, list[str]]]) -> Iterator[Row]:
    width = len(names)
    for number, row in rows:
        key = row[key_place].strip() if key_place < len(row) else None
        if len(row) == width:
            yield Row(number, key, dict(zip(names, row, strict=True)))
        else:
            yield Row(number, key, {}, (names[min(len(row), width - 1)], "broken_line"))


def _split_rows(reader: Csv, file: Path, encoding: str) -> Iterator[tuple[int, list[str]]]:
    text = lines(file, encoding)
    if reader.quote is None:
        for number, line in enumerate(text, start=1):
            yield number, line.rstrip("\r\n").split(reader.delimiter)
        return
    rows = csv.reader(text, delimiter=reader.delimiter, quotechar=reader.quote, strict=True)
    begins = 1
    try:
        for row in rows:
            yield begins, row
            begins = rows.line_num + 1
    except csv.Error as error:
        raise InvalidInput(
            f"{file} line {begins}: a quote that opens there is never closed, or stands inside a value ({error}).",
            remedy="Mend that line, or the export.",
        ) from error
