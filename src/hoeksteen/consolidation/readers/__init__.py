"""
Reading legacy sources as text, column by column as declared; nothing here guesses a type.

A source that cannot be what its mapping says (cut off, another encoding, other columns, a missing table) is refused as a whole, with the file,
the line and the field. A single broken line becomes a record with a fault, so that it is counted and rejected.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from hoeksteen.consolidation.mapping import Mapping
from hoeksteen.consolidation.reader_kinds import Csv, DatabaseDsn, Excel, JsonLines, Parquet, Sqlite, Xml
from hoeksteen.consolidation.readers.addresses import is_address
from hoeksteen.consolidation.readers.assertions import Assessor
from hoeksteen.consolidation.readers.database import database_columns, read_database
from hoeksteen.consolidation.readers.delimited import csv_columns, read_csv
from hoeksteen.consolidation.readers.excel import excel_columns, read_excel
from hoeksteen.consolidation.readers.json_lines import json_columns, read_json_lines
from hoeksteen.consolidation.readers.parquet import parquet_columns, read_parquet
from hoeksteen.consolidation.readers.raw import PRODUCT_ROWS, RawRecord, Tally, opened
from hoeksteen.consolidation.readers.shaping import shaper_of
from hoeksteen.consolidation.readers.sqlite import read_sqlite, sqlite_columns
from hoeksteen.consolidation.readers.xml_records import read_xml, xml_columns

__all__ = ["PRODUCT_ROWS", "RawRecord", "Tally", "columns_of_source", "digest_of", "read", "read_asserted"]
_BLOCK_BYTES = 1 << 20


def digest_of(file: Path) -> str:
    """Give the SHA-256 of a file, in hexadecimal digits; of a database, whose rows are hashed while they are read, the empty text."""
    if is_address(file):
        return ""
    sha = hashlib.sha256()
    with opened(file) as stream:
        while block := stream.read(_BLOCK_BYTES):
            sha.update(block)
    return sha.hexdigest()


def read(*, mapping: Mapping, file: Path, tally: Tally | None = None) -> Iterator[RawRecord]:
    """
    Give the records of an export one by one, with what the mapping derives from their columns.

    :param tally: is told what the reading says about the whole
    :raises NotFound: when there is no such file, or it may not be read
    :raises InvalidInput: when the file is not what the mapping says, also when one of the mapping's assertions does not hold of it; the message
        names file, line and field
    :raises Unavailable: when a database does not answer
    """
    assessor = Assessor(mapping)
    yield from read_asserted(mapping=mapping, file=file, tally=tally or Tally(), assessor=assessor)
    assessor.require(file)


def read_asserted(*, mapping: Mapping, file: Path, tally: Tally, assessor: Assessor) -> Iterator[RawRecord]:
    """Give the records as `read` does, and leave it to the caller what an assertion that does not hold means."""
    shaper = shaper_of(mapping)
    for raw in _read(mapping, file, tally):
        if shaper is not None:
            shaper.shape(raw)
        assessor.count(raw)
        tally.records += 1
        yield raw


def _read(mapping: Mapping, file: Path, tally: Tally) -> Iterator[RawRecord]:
    match mapping.reader:
        case Csv():
            yield from read_csv(mapping, mapping.reader, file, tally)
        case JsonLines():
            yield from read_json_lines(mapping, mapping.reader, file, tally)
        case Sqlite():
            yield from read_sqlite(mapping, mapping.reader, file)
        case Excel():
            yield from read_excel(mapping, mapping.reader, file)
        case Xml():
            yield from read_xml(mapping, mapping.reader, file)
        case Parquet():
            yield from read_parquet(mapping, mapping.reader, file)
        case DatabaseDsn():
            yield from read_database(mapping, mapping.reader, file, tally)


def columns_of_source(*, mapping: Mapping, file: Path) -> dict[str, list[str]]:
    """
    Give the columns that a source has: of its records under the empty name, of each list under the list's name.

    :raises NotFound: when there is no such file
    :raises InvalidInput: when it cannot be read as what the mapping says it is
    """
    reader = mapping.reader
    match reader:
        case Csv():
            return {"": csv_columns(reader, file)}
        case JsonLines():
            return json_columns(reader, file, list(mapping.lists))
        case Sqlite():
            return sqlite_columns(mapping, reader, file)
        case Excel():
            return excel_columns(mapping, reader, file)
        case Xml():
            return xml_columns(mapping, reader, file)
        case Parquet():
            return parquet_columns(file)
        case DatabaseDsn():
            return database_columns(mapping, reader, file)
