"""An SQLite file: its tables as declared, its records by the mapping's queries, which read this file and nothing else."""

import sqlite3
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hoeksteen.consolidation.mapping import Child, Mapping
from hoeksteen.consolidation.reader_kinds import Sqlite
from hoeksteen.consolidation.readers.raw import RawRecord, Values, as_text, opened, same_columns
from hoeksteen.kernel.errors import InvalidInput

_SQLITE_HEADER_BYTES = 100
_READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}


def read_sqlite(mapping: Mapping, reader: Sqlite, file: Path) -> Iterator[RawRecord]:
    """Give the records of an SQLite file, by the mapping's queries."""
    _check_sqlite_size(file)
    connection = sqlite3.connect(f"file:{quote(str(file.absolute()))}?mode=ro", uri=True)
    # what is no UTF-8 is rejected record by record, and named by its column: the engine's own message would show the value
    connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    try:
        _check_tables(connection, reader, file)
        connection.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY)
        children = {name: _children(connection, mapping, name, child, file) for name, child in mapping.lists.items()}
        names, rows = _query(connection, reader.query, file, "reader.query")
        same_columns(f"{file}, reader.query", names, list(mapping.columns))
        key_place = names.index(mapping.key)
        for number, row in enumerate(rows, start=1):
            key = as_text(row[key_place])
            values = {name: as_text(value) for name, value in zip(names, row, strict=True)}
            yield RawRecord(key, number, values, {name: found.pop(key or "", []) for name, found in children.items()})
        for name, found in children.items():
            if found:
                first = next(iter(found.values()))[0][0]
                raise InvalidInput(
                    f"{file}, {name} row {first}, field {mapping.key}: {sum(map(len, found.values()))} entries belong to no record.",
                    remedy="Export the missing records, or leave these entries out in the mapping's query.",
                )
    except sqlite3.DatabaseError as error:
        raise InvalidInput(f"{file} cannot be read as SQLite: {error}.", remedy="Export or copy it again; was it open in another program?") from error
    finally:
        connection.close()


def _check_sqlite_size(file: Path) -> None:
    with opened(file) as stream:
        header = stream.read(_SQLITE_HEADER_BYTES)
    if len(header) < _SQLITE_HEADER_BYTES or not header.startswith(b"SQLite format 3\x00"):
        raise InvalidInput(f"{file} is no SQLite file.", remedy="Name the export that the mapping describes.")
    page_bytes, pages = struct.unpack(">H", header[16:18])[0], struct.unpack(">I", header[28:32])[0]
    want, have = (65536 if page_bytes == 1 else page_bytes) * pages, file.stat().st_size
    if have < want:
        raise InvalidInput(f"{file} was cut off: it has {have:,} of {want:,} bytes.", remedy="Export or copy it again.")


def _check_tables(connection: sqlite3.Connection, reader: Sqlite, file: Path) -> None:
    have = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'")}
    for table in reader.tables:
        if table not in have:
            raise InvalidInput(f"{file} lacks the table {table}.", remedy="Export it, or take it out of reader.tables.")
    for table in sorted(have - set(reader.tables)):
        raise InvalidInput(
            f"{file}, table {table}: the mapping does not know this table.", remedy="Add it to reader.tables, or leave it out of the export."
        )
    for table, columns in reader.tables.items():
        found = [row[1] for row in connection.execute(f"PRAGMA table_info({_identifier(table)})")]
        same_columns(f"{file}, table {table}", found, columns)


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _query(connection: sqlite3.Connection, query: str, file: Path, where: str) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
    try:
        cursor = connection.execute(query)
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise InvalidInput(f"{file}, {where}: {error}.", remedy="Write one SELECT in the mapping, of tables of this file.") from error
    if cursor.description is None:
        raise InvalidInput(f"{file}, {where}: this statement gives no rows.", remedy="Write one SELECT in the mapping.")
    return [column[0] for column in cursor.description], cursor


def _children(connection: sqlite3.Connection, mapping: Mapping, name: str, child: Child, file: Path) -> dict[str, list[tuple[int, Values]]]:
    names, rows = _query(connection, child.query or "", file, f"children.{name}.query")
    same_columns(f"{file}, children.{name}.query", names[1:], child.file_columns)
    found: dict[str, list[tuple[int, Values]]] = {}
    for number, row in enumerate(rows, start=1):
        values = {column: as_text(value) for column, value in zip(names[1:], row[1:], strict=True)}
        found.setdefault(as_text(row[0]) or "", []).append((number, values))
    return found


def sqlite_columns(mapping: Mapping, reader: Sqlite, file: Path) -> dict[str, list[str]]:
    """Give the columns of the record's query and of each list's, without its key."""
    _check_sqlite_size(file)
    connection = sqlite3.connect(f"file:{quote(str(file.absolute()))}?mode=ro", uri=True)
    try:
        connection.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY)
        found = {"": _query(connection, reader.query, file, "reader.query")[0]}
        for name, child in mapping.lists.items():
            found[name] = _query(connection, child.query or "", file, f"children.{name}.query")[0][1:]
        return found
    except sqlite3.DatabaseError as error:
        raise InvalidInput(f"{file} cannot be read as SQLite: {error}.", remedy="Export or copy it again; was it open in another program?") from error
    finally:
        connection.close()
