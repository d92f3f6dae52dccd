"""JSON lines: one object a line, nested columns by dots, lists as children."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from hoeksteen.consolidation import mapping as declared
from hoeksteen.consolidation.reader_kinds import JsonLines
from hoeksteen.consolidation.readers.raw import RawRecord, Tally, Values, as_text, unknown_column
from hoeksteen.consolidation.readers.text import lines, settled_encoding

Tree = dict[str, Any]


def read_json_lines(mapping: declared.Mapping, reader: JsonLines, file: Path, tally: Tally) -> Iterator[RawRecord]:
    """Give the records of a file with an object a line; a line that is none is a record with a fault."""
    encoding = settled_encoding(file, reader.encoding, tally)
    tree = tree_of(list(mapping.columns))
    children = {name: tree_of(child.file_columns) for name, child in mapping.lists.items()}
    decoder = msgspec.json.Decoder(dict[str, Any])
    for number, line in enumerate(lines(file, encoding), start=1):
        try:
            content = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            yield RawRecord(None, number, {}, {}, (mapping.key, "broken_line"))
            continue
        yield record_of(mapping, content, number, tree, children, f"{file} line {number}")


def record_of(mapping: declared.Mapping, content: dict[str, Any], number: int, tree: Tree, children: Mapping[str, Tree], where: str) -> RawRecord:
    """
    Give the record that a nested object holds.

    :raises InvalidInput: for a name that the mapping does not know, with `where`
    """
    record = RawRecord(None, number, {}, {name: [] for name in children})
    for name in children:
        entries = content.pop(name, None) or []
        if not isinstance(entries, list):
            record.fault = (name, "another_shape")
            continue
        for entry in entries:
            values: Values = {}
            if isinstance(entry, dict):
                _flatten(entry, children[name], f"{name}.", values, record, where)
            else:
                record.fault = (name, "another_shape")
            record.children[name].append((number, {path.removeprefix(f"{name}."): value for path, value in values.items()}))
    _flatten(content, tree, "", record.values, record, where)
    record.key = record.values.get(mapping.key)
    return record


def json_columns(reader: JsonLines, file: Path, lists: Sequence[str]) -> dict[str, list[str]]:
    """Give the columns that any line has: of the record under the empty name, of each list under its own; further lists become lists."""
    encoding = settled_encoding(file, reader.encoding, Tally())
    decoder = msgspec.json.Decoder(dict[str, Any])
    found: dict[str, dict[str, None]] = {"": {}, **{name: {} for name in lists}}
    for line in lines(file, encoding):
        try:
            content = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            continue
        columns_in(content, found)
    return {name: list(columns) for name, columns in found.items()}


def columns_in(content: dict[str, Any], found: dict[str, dict[str, None]]) -> None:
    """Add the columns of a nested object to those that are known."""
    for name, value in content.items():
        if name in found and name:
            entries = value if isinstance(value, list) else []
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            entries = value
        else:
            found[""].update(dict.fromkeys(_paths(name, value)))
            continue
        columns = found.setdefault(name, {})
        for entry in entries:
            if isinstance(entry, dict):
                for inner, content_of in entry.items():
                    columns.update(dict.fromkeys(_paths(inner, content_of)))
    leaves = found[""]
    for path in [path for path in leaves if any(other.startswith(f"{path}.") for other in leaves)] + [name for name in found if name in leaves]:
        del leaves[path]  # null in one line, an object or a list in another


def _paths(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for inner, content in value.items():
            yield from _paths(f"{name}.{inner}", content)
    else:
        yield name


def tree_of(paths: Sequence[str]) -> Tree:
    """Give dotted paths as a tree of names."""
    tree: Tree = {}
    for path in paths:
        node = tree
        *stems, leaf = path.split(".")
        for stem in stems:
            node = node.setdefault(stem, {})
        node[leaf] = None
    return tree


def _flatten(content: Mapping[str, Any], tree: Tree, place: str, values: Values, record: RawRecord, where: str) -> None:
    for name, value in content.items():
        path = f"{place}{name}"
        if name not in tree:
            raise unknown_column(where, path)
        if isinstance(value, dict) and tree[name] is not None:
            _flatten(value, tree[name], f"{path}.", values, record, where)
        elif isinstance(value, dict | list) or (tree[name] is not None and value is not None):
            record.fault = (path, "another_shape")
        elif tree[name] is None:
            values[path] = as_text(value)
