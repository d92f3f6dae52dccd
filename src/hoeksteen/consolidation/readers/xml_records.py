"""
XML documents, a record at a time: elements by their path, attributes with `@`, namespaces left aside.

A document that declares a document type is refused: entities can stand for gigabytes, or for files of this machine.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree

from hoeksteen.consolidation.mapping import Mapping
from hoeksteen.consolidation.reader_kinds import Xml
from hoeksteen.consolidation.readers.json_lines import columns_in, record_of, tree_of
from hoeksteen.consolidation.readers.raw import RawRecord, local_name, opened
from hoeksteen.kernel.errors import InvalidInput

_DEPTH_MAX = 30
_ENDS_IN_THE_MIDDLE = {4, 5, 77}  # libxml2: document empty, document end, tag not finished


def read_xml(mapping: Mapping, reader: Xml, file: Path) -> Iterator[RawRecord]:
    """Give the records of a document; an element that stands twice where one is meant makes its record faulty."""
    tree = tree_of(list(mapping.columns))
    paths = {name: (child.path or "").split("/") for name, child in mapping.lists.items()}
    children = {name: tree_of(child.file_columns) for name, child in mapping.lists.items()}
    number = 0
    for number, element in enumerate(_elements(file, reader.record), start=1):
        where = f"{file} record {number}"
        content, entries, again = _content(element, paths)
        for name, found in entries.items():
            content[name] = found
        record = record_of(mapping, content, number, tree, children, where)
        if again and record.fault is None:
            record.fault = (again, "another_shape")
        yield record
    if not number:
        raise InvalidInput(f"{file} holds nothing at {reader.record}.", remedy="Correct reader.record, the path of a record from the root.")


def xml_columns(mapping: Mapping, reader: Xml, file: Path) -> dict[str, list[str]]:
    """Give the columns that any record has: of the record under the empty name, of each list under its own."""
    paths = {name: (child.path or "").split("/") for name, child in mapping.lists.items()}
    found: dict[str, dict[str, None]] = {"": {}, **{name: {} for name in paths}}
    for element in _elements(file, reader.record):
        content, entries, _ = _content(element, paths)
        columns_in({**content, **entries}, found)
    return {name: list(columns) for name, columns in found.items()}


def _elements(file: Path, record: str) -> Iterator[Any]:
    path = record.split("/")
    with opened(file) as stream:
        try:
            parsed = etree.iterparse(
                stream,
                events=("start", "end"),
                resolve_entities=False,
                no_network=True,
                load_dtd=False,
                huge_tree=False,
                remove_comments=True,
                remove_pis=True,
            )
            depth, names = 0, list[str]()
            for event, element in parsed:
                if event == "start":
                    if depth == 0 and element.getroottree().docinfo.doctype:
                        raise InvalidInput(
                            f"{file} declares a document type, whose entities could stand for anything.", remedy="Export it without a DOCTYPE."
                        )
                    depth += 1
                    names.append(local_name(element.tag) if isinstance(element.tag, str) else "")
                    continue
                if names == path:
                    yield element
                if names == path or names[: len(path)] != path:  # what belongs to no record is let go as well
                    element.clear(keep_tail=False)
                    while element.getprevious() is not None:
                        del element.getparent()[0]
                depth -= 1
                names.pop()
        except etree.XMLSyntaxError as error:
            line, column = error.position if error.position[0] else (parsed.error_log.last_error.line, parsed.error_log.last_error.column)
            cut = getattr(error, "code", 0) in _ENDS_IN_THE_MIDDLE
            raise InvalidInput(
                f"{file} line {line} column {column}: " + ("the document ends in the middle." if cut else "this is no well-formed XML."),
                remedy="Export or copy it again, and compare sizes." if cut else "Mend that place, or the export.",
            ) from error


def _content(element: Any, paths: dict[str, list[str]]) -> tuple[dict[str, Any], dict[str, list[Any]], str]:
    """Give a record's element as a nested object without its lists, the lists, and the path of what stands twice."""
    entries: dict[str, list[Any]] = {}
    taken = set[Any]()
    for name, path in paths.items():
        found = element.iterfind("/".join(f"{{*}}{step}" for step in path))
        entries[name] = []
        for one in found:
            content, again = _object(one, set(), 0)
            entries[name].append({"": content} if isinstance(content, str) else content)
            if again:
                entries[name][-1] = [again]  # of another shape
            taken.add(one)
    content, again = _object(element, taken, 0)
    return (content if isinstance(content, dict) else {}), entries, again


def _object(element: Any, taken: set[Any], depth: int) -> tuple[Any, str]:
    parts: dict[str, Any] = {f"@{local_name(name)}": value for name, value in element.attrib.items()}
    again, of_lists = "", False
    for child in element:
        if not isinstance(child.tag, str):
            continue
        if child in taken:
            of_lists = True
            continue
        name = local_name(child.tag)
        content, within = _object(child, taken, depth + 1) if depth < _DEPTH_MAX else ("", name)
        again = again or (f"{name}.{within}" if within else "")
        if content is _ONLY_LISTS:
            continue
        if name in parts:
            again = again or name
        parts[name] = content
    text = (element.text or "").strip()
    if not parts:
        return (_ONLY_LISTS if of_lists else element.text if text else None), again
    if text:
        parts["#text"] = text
    return parts, again


_ONLY_LISTS = object()
