"""What can be wrong with a mapping: its reader, its expressions and its assertions; each fault with its line and field."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from hoeksteen.consolidation.expressions import Expression, ExpressionFault, parse
from hoeksteen.consolidation.reader_kinds import DETECT, WITH_QUERIES, Csv, Excel, JsonLines, Xml
from hoeksteen.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from hoeksteen.consolidation.mapping import Child, Column, Mapping

_FAULTS_SHOWN_MAX = 20
_PATH = re.compile(r"[^\s/@]+(/[^\s/@]+)*")


class Faults:
    """The faults of one mapping, each with its line."""

    def __init__(self, path: Path, node: Any) -> None:
        self._path, self._node, self._found = path, node, list[str]()

    def add(self, place: list[str], what: str) -> None:
        self._found.append(f"{self._path} line {self._line(place)}, field {'.'.join(place) or 'of the file'}: {what}")

    def stop(self) -> None:
        if self._found:
            shown = "; ".join(self._found[:_FAULTS_SHOWN_MAX])
            raise InvalidInput(
                f"The mapping is wrong: {shown}.", remedy="Correct the mapping; src/hoeksteen/consolidation/README.md explains its fields."
            )

    def _line(self, place: list[str]) -> int:
        node = self._node
        line = node.start_mark.line if node is not None else 0
        for step in place:
            found = next((pair for pair in node.value if pair[0].value == step), None) if isinstance(node, yaml.MappingNode) else None
            if found is None:
                break
            line, node = found[0].start_mark.line, found[1]
        return int(line) + 1


def check_reader(mapping: "Mapping", faults: Faults) -> None:
    reader = mapping.reader
    if isinstance(reader, Csv):
        if len(reader.delimiter) != 1:
            faults.add(["reader", "delimiter"], "must be one character")
        if mapping.children:
            faults.add(["children"], "a CSV file has none; write its product columns as product.*")
    if isinstance(reader, Csv | JsonLines):
        _check_encoding(reader.encoding, faults)
    if isinstance(reader, Excel) and not 1 <= reader.header_row <= 1_000:
        faults.add(["reader", "header_row"], "must lie in 1 to 1000")
    if isinstance(reader, Xml) and not _PATH.fullmatch(reader.record):
        faults.add(["reader", "record"], "must be a path from the root, such as export/customers/customer")
    for list_name, child in mapping.lists.items():
        for field, kinds, name in (("query", WITH_QUERIES, "databases"), ("sheet", (Excel,), "excel"), ("path", (Xml,), "xml")):
            if (getattr(child, field) is None) == isinstance(reader, kinds):
                faults.add(["children", list_name, field], f"is needed for {name}, and only there")


def check_expressions(mapping: "Mapping", faults: Faults) -> set[str]:
    """Check the record's expressions, and give the columns that any expression reads."""
    read = set[str]()
    known = set(mapping.columns)
    for name, column in mapping.record_columns.items():
        read |= _check_expression(name, column, known, name in mapping.derived, [], faults)
    for list_name, child in mapping.lists.items():
        for name, column in child.columns.items():
            within = _parsed(column, ["children", list_name, "columns", name], None)
            read |= within.columns - set(child.file_columns) if within else frozenset()
    return read


def check_child_expressions(mapping: "Mapping", list_name: str, child: "Child", faults: Faults) -> set[str]:
    read = set[str]()
    known = set(child.file_columns) | set(mapping.columns)
    for name, column in child.columns.items():
        read |= _check_expression(name, column, known, name in child.derived, ["children", list_name], faults)
    return read


def _check_expression(name: str, column: "Column", known: set[str], derived: bool, place: list[str], faults: Faults) -> frozenset[str]:
    where = [*place, "derived" if derived else "columns", name]
    if derived and (column.expression is None or column.to is None):
        faults.add(where, "needs `from` (an expression) and `to` (a target)")
    found = _parsed(column, where, faults)
    if found is None:
        return frozenset()
    for missing in sorted(found.columns - known):
        faults.add([*where, "from"], f"the column {missing} is not among columns")
    return found.columns


def _parsed(column: "Column", where: list[str], faults: Faults | None) -> Expression | None:
    if column.expression is None:
        return None
    try:
        return parse(column.expression)
    except ExpressionFault as error:
        if faults is not None:
            faults.add([*where, "from"], str(error))
        return None


def check_assertions(mapping: "Mapping", faults: Faults) -> None:
    of_lists = {f"{list_name}.{name}" for list_name, child in mapping.lists.items() for name in child.columns}
    columns = set(mapping.record_columns) | of_lists
    asserted = mapping.assertions
    for field, names in (("unique", asserted.unique), ("filled_percent_min", asserted.filled_percent_min), ("sum_equals", asserted.sum_equals)):
        for name in names:
            if name not in columns:
                faults.add(["assertions", field, name], f"the column {name} is not among columns")
    for name, percent in asserted.filled_percent_min.items():
        if not 0 <= percent <= 100:
            faults.add(["assertions", "filled_percent_min", name], "must lie in 0 to 100")
    for name, total in asserted.sum_equals.items():
        if not re.fullmatch(r"-?\d+(\.\d{1,2})?", total, re.ASCII):
            faults.add(["assertions", "sum_equals", name], "must be an amount such as 1234.50")
    for name, (least, most) in asserted.count_between.items():
        if name not in {"records", *mapping.lists, *(["rows"] if mapping.row_columns else [])}:
            faults.add(["assertions", "count_between", name], "must be records, or a list of the mapping")
        elif not 0 <= least <= most:
            faults.add(["assertions", "count_between", name], "must be the smallest and the largest number")


def _check_encoding(encoding: str, faults: Faults) -> None:
    try:
        plain = encoding == DETECT or "\r\n".encode(encoding) == b"\r\n"
    except LookupError:
        plain = False
    if not plain:
        faults.add(["reader", "encoding"], "is no encoding that Python knows, or one whose lines do not end as in ASCII, such as UTF-16")
