"""A legacy database read where it stands: in one read-only snapshot, row by row, with a digest over all rows."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hoeksteen.consolidation.mapping import Mapping
from hoeksteen.consolidation.reader_kinds import DatabaseDsn
from hoeksteen.consolidation.readers.addresses import address_of, password_of
from hoeksteen.consolidation.readers.raw import RawRecord, Tally, Values, as_text, same_columns
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.storage.foreign import Foreign, Rows, read_only

_Entries = dict[str, list[tuple[int, tuple[str | None, ...]]]]


def read_database(mapping: Mapping, reader: DatabaseDsn, file: Path, tally: Tally) -> Iterator[RawRecord]:
    """Give the records of a database; its lists are read first and held compactly, its records stream."""
    with _opened(reader, file) as database:
        where = database.name
        digest = _Digest()
        children = {name: _entries(database, mapping, name, digest) for name in mapping.lists}
        columns = {name: child.file_columns for name, child in mapping.lists.items()}
        rows = database.query(reader.query, "reader.query")
        names = rows.columns
        same_columns(f"{where}, reader.query", names, list(mapping.columns))
        key_place = names.index(mapping.key)
        for number, row in enumerate(rows, start=1):
            texts = _texts(row, f"{where}, reader.query row {number}", names)
            digest.add("", texts)
            key = texts[key_place]
            entries: dict[str, list[tuple[int, Values]]] = {
                name: [(at, dict(zip(columns[name], values, strict=True))) for at, values in found.pop(key or "", [])]
                for name, found in children.items()
            }
            yield RawRecord(key, number, dict(zip(names, texts, strict=True)), entries)
        for name, found in children.items():
            if found:
                first = next(iter(found.values()))[0][0]
                raise InvalidInput(
                    f"{where}, {name} row {first}, field {mapping.key}: {sum(map(len, found.values()))} entries belong to no record.",
                    remedy="Let the record's query give those records too, or leave these entries out in the list's query.",
                )
        tally.digest = digest.text


def database_columns(mapping: Mapping, reader: DatabaseDsn, file: Path) -> dict[str, list[str]]:
    """Give the columns of the record's query and of each list's, without its key."""
    with _opened(reader, file) as database:
        found = {"": database.query(reader.query, "reader.query").close()}
        for name, child in mapping.lists.items():
            found[name] = database.query(child.query or "", f"children.{name}.query").close()[1:]
        return found


def _opened(reader: DatabaseDsn, file: Path) -> Foreign:
    scheme, rest = address_of(file)
    return read_only(scheme=scheme, address=rest, password=password_of(reader.password_from))


def _entries(database: Foreign, mapping: Mapping, name: str, digest: "_Digest") -> _Entries:
    child = mapping.lists[name]
    rows: Rows = database.query(child.query or "", f"children.{name}.query")
    where = f"{database.name}, children.{name}.query"
    names = rows.columns
    same_columns(where, names[1:], child.file_columns)
    found: _Entries = {}
    for number, row in enumerate(rows, start=1):
        texts = _texts(row, f"{where} row {number}", names)
        digest.add(name, texts)
        found.setdefault(texts[0] or "", []).append((number, texts[1:]))
    return found


def _texts(row: tuple[Any, ...], where: str, names: list[str]) -> tuple[str | None, ...]:
    try:
        return tuple([as_text(value) for value in row])
    except TypeError:
        wrong = next(name for name, value in zip(names, row, strict=True) if not _is_single(value))
        raise InvalidInput(
            f"{where}, field {wrong}: this is a list or an object, no value.", remedy="Take it apart in the query of the mapping."
        ) from None


def _is_single(value: Any) -> bool:
    try:
        as_text(value)
    except TypeError:
        return False
    return True


class _Digest:
    """SHA-256 over all rows, whatever order they come in: the sum of what each row gives."""

    def __init__(self) -> None:
        self._sum = 0

    def add(self, name: str, texts: tuple[str | None, ...]) -> None:
        """Add a row; each value stands with its length and an unknown one as such, so that no two rows look alike."""
        parts = [b"-" if text is None else b"%d:%s" % (len(raw := text.encode("utf-8", "surrogatepass")), raw) for text in texts]
        self._sum += int.from_bytes(hashlib.sha256(b"%s(%s)" % (name.encode(), b"".join(parts))).digest(), "big")

    @property
    def text(self) -> str:
        """The digest in hexadecimal digits."""
        return f"{self._sum % (1 << 256):064x}"
