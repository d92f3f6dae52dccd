"""
Reading legacy exports as text, column by column as declared; nothing here guesses a type.

A file that cannot be what its mapping says (cut off, another encoding, other columns, a missing table) is refused as a whole, with the file,
the line and the field. A single broken line becomes a record with a fault, so that it is counted and rejected.
"""

import csv
import hashlib
import sqlite3
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from hoeksteen.consolidation import mapping as declared
from hoeksteen.kernel.errors import InvalidInput, NotFound

Values = dict[str, str | None]
_SQLITE_HEADER_BYTES = 100
_BLOCK_BYTES = 1 << 20
_READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}


@dataclass(slots=True)
class RawRecord:
    """
    One customer entry as it stands in the export.

    :param row: line of the file, or row of the query
    :param children: per list of the mapping its entries, each with its own row
    :param fault: (column, code) when the record cannot be read
    """

    key: str | None
    row: int
    values: Values
    children: dict[str, list[tuple[int, Values]]] = field(default_factory=dict)
    fault: tuple[str, str] | None = None


PRODUCT_ROWS = "rows"


def digest_of(file: Path) -> str:
    """Give the SHA-256 of a file, in hexadecimal digits."""
    sha = hashlib.sha256()
    with _opened(file) as stream:
        while block := stream.read(_BLOCK_BYTES):
            sha.update(block)
    return sha.hexdigest()


def read(*, mapping: declared.Mapping, file: Path) -> Iterator[RawRecord]:
    """
    Give the records of an export one by one.

    :raises NotFound: when there is no such file, or it may not be read
    :raises InvalidInput: when the file is not what the mapping says; the message names file, line and field
    """
    match mapping.reader:
        case declared.Csv():
            yield from _read_csv(mapping, mapping.reader, file)
        case declared.JsonLines():
            yield from _read_json_lines(mapping, mapping.reader, file)
        case declared.Sqlite():
            yield from _read_sqlite(mapping, mapping.reader, file)


def _opened(file: Path) -> Any:
    if file.exists() and not file.is_file():
        raise NotFound(f"{file} is a directory, a pipe or a device, and exports are read more than once.", remedy="Name a file.")
    try:
        return file.open("rb")
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {file}.", remedy="Name the legacy export with --input.") from error
    except OSError as error:
        raise NotFound(f"The file {file} cannot be opened: {error.strerror}.", remedy="Check its name and its rights.") from error


# text ----------------------------------------------------------------------------------------------------------------


def _check_text(file: Path, encoding: str) -> None:
    """Refuse a text whose bytes are not of the declared encoding, or which ends in the middle of a line."""
    last, number, utf8_line, utf8_ever_wrong = b"", 0, 0, False
    single_byte = encoding.lower().replace("_", "-") not in ("utf-8", "utf-8-sig", "ascii", "us-ascii")
    with _opened(file) as stream:
        for number, last in enumerate(stream, start=1):
            if last.isascii():
                continue
            text = _decoded(file, last, number, encoding)
            if single_byte:
                utf8_line = utf8_line or number
                utf8_ever_wrong = utf8_ever_wrong or not _is_utf8(last)
                control = next((place for place, letter in enumerate(text) if "\x80" <= letter <= "\x9f"), None)
                if control is not None:
                    usual = "utf-8" if _is_utf8(last) else "cp1252"
                    raise _wrong_byte(file, number, control + 1, encoding, f"Set reader.encoding in the mapping; such bytes are usual in {usual}.")
    if not number:
        raise InvalidInput(f"{file} is empty.", remedy="Export it again.")
    if not last.endswith(b"\n"):
        raise InvalidInput(f"{file} line {number} ends in the middle: the file was cut off.", remedy="Export or copy it again, and compare sizes.")
    if utf8_line and not utf8_ever_wrong:
        raise _wrong_byte(
            file, utf8_line, 1, encoding, "Every letter with an accent in it is valid UTF-8: set reader.encoding in the mapping to utf-8."
        )


def _decoded(file: Path, line: bytes, number: int, encoding: str) -> str:
    try:
        return line.decode(encoding)
    except UnicodeDecodeError as error:
        column = len(line[: error.start].decode(encoding, "replace")) + 1
        raise _wrong_byte(file, number, column, encoding, "Set reader.encoding in the mapping to what the legacy system writes.") from error


def _wrong_byte(file: Path, line: int, column: int, encoding: str, remedy: str) -> InvalidInput:
    return InvalidInput(f"{file} line {line} column {column} is not {encoding}.", remedy=remedy)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _lines(file: Path, encoding: str) -> Iterator[str]:
    first = "utf-8-sig" if encoding.lower() == "utf-8" else encoding
    with _opened(file) as stream:
        for number, line in enumerate(stream, start=1):
            yield line.decode(first if number == 1 else encoding)


# delimited text ------------------------------------------------------------------------------------------------------


def _read_csv(mapping: declared.Mapping, reader: declared.Csv, file: Path) -> Iterator[RawRecord]:
    _check_text(file, reader.encoding)
    names = list(mapping.record_columns)
    rows = _split_rows(reader, file)
    _, header = next(rows)
    _same_columns(f"{file} line 1", header, names)
    products = [name for name, column in mapping.record_columns.items() if (column.to or "").startswith("product.")]
    key_place = names.index(mapping.key)
    current: RawRecord | None = None
    for number, row in rows:
        key = row[key_place].strip() if key_place < len(row) else None
        fault = None
        if len(row) != len(names):
            fault = (names[min(len(row), len(names) - 1)], "broken_line")
        values: Values = {} if fault else dict(zip(names, row, strict=True))
        if current is not None and reader.rows_per_record == "many" and key and current.key == key:
            _joined(current, number, values, products, fault)
            continue
        if current is not None:
            yield current
        current = RawRecord(key or None, number, values, {PRODUCT_ROWS: []}, fault)
        if products and not fault:
            current.children[PRODUCT_ROWS].append((number, {name: values[name] for name in products}))
    if current is not None:
        yield current


def _joined(current: RawRecord, number: int, values: Values, products: Sequence[str], fault: tuple[str, str] | None) -> None:
    """Add another row of the same customer; what belongs to the customer must be the same in each."""
    if fault or current.fault:
        current.fault = current.fault or fault
        return
    differing = next((name for name, value in values.items() if name not in products and value != current.values[name]), None)
    if differing is not None:
        current.fault = (differing, "rows_differ")
    current.children[PRODUCT_ROWS].append((number, {name: values[name] for name in products}))


def _split_rows(reader: declared.Csv, file: Path) -> Iterator[tuple[int, list[str]]]:
    lines = _lines(file, reader.encoding)
    if reader.quote is None:
        for number, line in enumerate(lines, start=1):
            yield number, line.rstrip("\r\n").split(reader.delimiter)
        return
    rows = csv.reader(lines, delimiter=reader.delimiter, quotechar=reader.quote, strict=True)
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


def _same_columns(where: str, have: Sequence[str], want: Sequence[str]) -> None:
    for name in have:
        if name not in want:
            raise InvalidInput(
                f"{where}, field {name[:64]}: the mapping does not know this column.",
                remedy="Add it to columns, with `to` or with `ignore` and a reason.",
            )
    for name in want:
        if name not in have:
            raise InvalidInput(f"{where}, field {name}: this column of the mapping is missing.", remedy="Export it, or take it out of the mapping.")
    if list(have) != list(want):
        moved = next((name for name, other in zip(have, want, strict=False) if name != other), have[-1])
        raise InvalidInput(
            f"{where}, field {moved}: this column stands in another place than in the mapping, or twice.",
            remedy="Put columns in the order of the file, each once.",
        )


# JSON lines ----------------------------------------------------------------------------------------------------------


def _read_json_lines(mapping: declared.Mapping, reader: declared.JsonLines, file: Path) -> Iterator[RawRecord]:
    _check_text(file, reader.encoding)
    tree = _tree(list(mapping.record_columns))
    children = {name: _tree(list(child.columns)) for name, child in mapping.lists.items()}
    decoder = msgspec.json.Decoder(dict[str, Any])
    for number, line in enumerate(_lines(file, reader.encoding), start=1):
        try:
            content = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            yield RawRecord(None, number, {}, {}, (mapping.key, "broken_line"))
            continue
        record = RawRecord(None, number, {}, {name: [] for name in children})
        for name in children:
            entries = content.pop(name, None) or []
            if not isinstance(entries, list):
                record.fault = (name, "another_shape")
                continue
            for entry in entries:
                values: Values = {}
                if isinstance(entry, dict):
                    _flatten(entry, children[name], f"{name}.", values, record, file)
                else:
                    record.fault = (name, "another_shape")
                record.children[name].append((number, {path.removeprefix(f"{name}."): value for path, value in values.items()}))
        _flatten(content, tree, "", record.values, record, file)
        record.key = record.values.get(mapping.key)
        yield record


Tree = dict[str, Any]


def _tree(paths: Sequence[str]) -> Tree:
    tree: Tree = {}
    for path in paths:
        node = tree
        *stems, leaf = path.split(".")
        for stem in stems:
            node = node.setdefault(stem, {})
        node[leaf] = None
    return tree


def _flatten(content: Mapping[str, Any], tree: Tree, place: str, values: Values, record: RawRecord, file: Path) -> None:
    for name, value in content.items():
        path = f"{place}{name}"
        if name not in tree:
            raise InvalidInput(
                f"{file} line {record.row}, field {path[:64]}: the mapping does not know this column.",
                remedy="Add it to columns, with `to` or with `ignore` and a reason.",
            )
        if isinstance(value, dict) and tree[name] is not None:
            _flatten(value, tree[name], f"{path}.", values, record, file)
        elif isinstance(value, dict | list) or (tree[name] is not None and value is not None):
            record.fault = (path, "another_shape")
        elif tree[name] is None:
            values[path] = _as_text(value)


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


# SQLite --------------------------------------------------------------------------------------------------------------


def _read_sqlite(mapping: declared.Mapping, reader: declared.Sqlite, file: Path) -> Iterator[RawRecord]:
    _check_sqlite_size(file)
    connection = sqlite3.connect(f"file:{quote(str(file.absolute()))}?mode=ro", uri=True)
    # what is no UTF-8 is rejected record by record, and named by its column: the engine's own message would show the value
    connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    try:
        _check_tables(connection, reader, file)
        connection.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY)
        children = {name: _children(connection, mapping, name, child, file) for name, child in mapping.lists.items()}
        names, rows = _query(connection, reader.query, file, "reader.query")
        _same_columns(f"{file}, reader.query", names, list(mapping.record_columns))
        key_place = names.index(mapping.key)
        for number, row in enumerate(rows, start=1):
            key = _as_text(row[key_place])
            values = {name: _as_text(value) for name, value in zip(names, row, strict=True)}
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
    with _opened(file) as stream:
        header = stream.read(_SQLITE_HEADER_BYTES)
    if len(header) < _SQLITE_HEADER_BYTES or not header.startswith(b"SQLite format 3\x00"):
        raise InvalidInput(f"{file} is no SQLite file.", remedy="Name the export that the mapping describes.")
    page_bytes, pages = struct.unpack(">H", header[16:18])[0], struct.unpack(">I", header[28:32])[0]
    want, have = (65536 if page_bytes == 1 else page_bytes) * pages, file.stat().st_size
    if have < want:
        raise InvalidInput(f"{file} was cut off: it has {have:,} of {want:,} bytes.", remedy="Export or copy it again.")


def _check_tables(connection: sqlite3.Connection, reader: declared.Sqlite, file: Path) -> None:
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
        _same_columns(f"{file}, table {table}", found, columns)


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


def _children(
    connection: sqlite3.Connection, mapping: declared.Mapping, name: str, child: declared.Child, file: Path
) -> dict[str, list[tuple[int, Values]]]:
    names, rows = _query(connection, child.query or "", file, f"children.{name}.query")
    _same_columns(f"{file}, children.{name}.query", names[1:], list(child.columns))
    found: dict[str, list[tuple[int, Values]]] = {}
    for number, row in enumerate(rows, start=1):
        values = {column: _as_text(value) for column, value in zip(names[1:], row[1:], strict=True)}
        found.setdefault(_as_text(row[0]) or "", []).append((number, values))
    return found
