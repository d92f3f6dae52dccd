"""A declared layout: what a format looks like, as YAML; docs/adapters.md shows each setting."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.storage.yaml_text import NoYaml, read_yaml
from hoeksteen.usage.adapters.base import PARSED_COLUMNS

FORMATS = ("csv", "jsonl", "parquet")
EPOCHS = {"epoch_seconds": (11, 1_000_000), "epoch_milliseconds": (14, 1_000), "epoch_microseconds": (17, 1)}  # digits at most, microseconds each
_SETTINGS = {"name", "source", "endings", "format", "separator", "quote", "header", "trailer", "fields", "only", "needed", "columns"}
_COLUMN_SETTINGS = {"field", "constant", "map", "default", "extract", "time", "zone", "zero_unless"}
_COLUMNS = frozenset(PARSED_COLUMNS) - {"line", "fault"}
_NEEDED_COLUMNS = ("service", "own_number", "start", "units", "country")
_REMEDY = "Mend the layout; docs/adapters.md shows each setting."


@dataclass(frozen=True, slots=True)
class Column:
    """
    Where one parsed column comes from.

    :param fields: the first of them that is not empty counts
    :param constant: the text, in place of any field
    :param map: what a field says to what it means; what is not in it has no meaning
    :param default: for a field that is empty
    :param extract: a pattern whose first group counts
    :param time: how an instant is written: `iso`, one of `EPOCHS`, or as of strptime
    :param zone: the time zone of a local time
    :param zero_unless: fields and the values that they must have, or the column is 0
    """

    fields: tuple[str, ...] = ()
    constant: str | None = None
    map: Mapping[str, str] = field(default_factory=dict)
    default: str | None = None
    extract: str | None = None
    time: str = "iso"
    zone: str = "UTC"
    zero_unless: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Edge:
    """
    A header or a trailer.

    :param pattern: the whole line; a group named `records` is the number of records
    :param says: the pattern in words, for the message
    """

    pattern: str
    says: str


@dataclass(frozen=True, slots=True)
class Layout:
    """
    One declared format.

    :param fields: names of the fields in their order (csv), or of fields and their JSON paths; found in the columns for Parquet
    :param only: fields and the values that a record must have
    :param needed: fields that may not be empty
    """

    name: str
    source: str
    endings: tuple[str, ...]
    format: str
    columns: Mapping[str, Column]
    fields: tuple[str, ...]
    separator: str = ""
    quote: str = ""
    header: Edge | None = None
    trailer: Edge | None = None
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    needed: tuple[str, ...] = ()


def read_layout(text: str, where: str) -> Layout:
    """
    Read a layout.

    :param where: names it in errors
    :raises InvalidInput: with every fault that it has
    """
    try:
        read = read_yaml(text)
    except NoYaml as error:
        raise InvalidInput(f"{where}: {'file' if error.line is None else f'line {error.line}'}: {error}.", remedy=_REMEDY) from error
    reader = _Reader(read if isinstance(read, dict) else {})
    layout = reader.layout()
    if reader.faults:
        raise InvalidInput(f"{where}: {'; '.join(reader.faults)}.", remedy=_REMEDY)
    return layout


class _Reader:
    """Collects all faults, so that a layout is mended at once."""

    def __init__(self, values: dict[Any, Any]) -> None:
        self.values = values
        self.faults: list[str] = []

    def layout(self) -> Layout:
        """Give the layout as far as it can be read."""
        values = self.values
        self._unknown(values, _SETTINGS, "")
        kind = self._text(values, "format", "")
        if kind not in FORMATS:
            self.faults.append(f"format: is one of {', '.join(FORMATS)}")
        read = values.get("columns")
        columns = {str(name): self._column(str(name), spec) for name, spec in read.items()} if isinstance(read, dict) else {}
        self.faults += [f"columns: there is no {name}" for name in sorted(set(columns) - _COLUMNS)]
        self.faults += [f"columns: {name} is missing" for name in _NEEDED_COLUMNS if name not in columns]
        only, needed = self._values(values.get("only", {}), "only"), self._texts(values.get("needed", []), "needed")
        used = [*only, *needed, *(name for column in columns.values() for name in (*column.fields, *column.zero_unless))]
        fields = self._texts(values.get("fields", []), "fields") if kind == "csv" else tuple(dict.fromkeys(used))
        self.faults += [f"fields: there is no {name}" for name in sorted(set(used) - set(fields))]
        if kind == "jsonl":
            self.faults += [f"{name}: is no JSON path such as $.start" for name in fields if not re.fullmatch(r"\$(\.\w+|\[\d+\])+", name)]
        separator, quote = self._text(values, "separator", "," if kind == "csv" else ""), self._text(values, "quote", "")
        if kind == "csv" and (len(separator) != 1 or len(quote) > 1 or separator == quote or not (separator + quote).isascii() or "\\" in quote):
            self.faults.append("separator, quote: are one character each, and differ")
        if len(set(fields)) != len(fields):
            self.faults.append("fields: one is named twice")
        name = self._text(values, "name", "")
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", name):
            self.faults.append("name: is of small letters, digits and _")
        if kind != "csv" and (values.get("header") or values.get("trailer")):
            self.faults.append("header, trailer: are for csv")
        return Layout(
            name, self._text(values, "source", name), self._texts(values.get("endings", []), "endings"), kind, columns, fields, separator, quote,
            self._edge("header", fields, separator), self._edge("trailer", fields, separator), only, needed,
        )  # fmt: skip

    def _column(self, name: str, spec: Any) -> Column:
        if isinstance(spec, str):
            return Column((spec,))
        if not isinstance(spec, dict):
            self.faults.append(f"columns: {name}: is a field, or settings")
            return Column()
        self._unknown(spec, _COLUMN_SETTINGS, f"columns: {name}: ")
        if ("field" in spec) == ("constant" in spec):
            self.faults.append(f"columns: {name}: has either field or constant")
        where = f"columns: {name}: "
        time, zone = self._text(spec, "time", "iso", where), self._text(spec, "zone", "UTC", where)
        if time not in ("iso", *EPOCHS) and not {"%Y", "%m", "%d", "%H", "%M", "%S"} <= set(re.findall("%.", time)):
            self.faults.append(f"{where}time: is iso, {', '.join(EPOCHS)}, or names %Y %m %d %H %M %S")
        try:
            ZoneInfo(zone)
        except (ValueError, OSError, KeyError):
            self.faults.append(f"{where}zone: is no time zone")
        extract = spec.get("extract")
        if extract is not None and not self._is_pattern(extract, groups=1):
            self.faults.append(f"{where}extract: is a pattern with one group")
        mapped = spec.get("map", {})
        if not isinstance(mapped, dict):
            self.faults.append(f"{where}map: is what is said and what it means")
            mapped = {}
        return Column(
            self._texts(spec.get("field", []), f"{where}field"), None if spec.get("constant") is None else str(spec["constant"]),
            {str(key): str(value) for key, value in mapped.items()}, None if spec.get("default") is None else str(spec["default"]),
            None if extract is None else str(extract), time, zone, self._values(spec.get("zero_unless", {}), f"{where}zero_unless"),
        )  # fmt: skip

    def _edge(self, name: str, fields: tuple[str, ...], separator: str) -> Edge | None:
        spec = self.values.get(name)
        if spec is None:
            return None
        if spec == "names" and name == "header":
            names = separator.join(fields)
            return Edge(re.escape(names), names)
        if not isinstance(spec, dict) or not {"pattern", "says"} >= set(spec) or not self._is_pattern(spec.get("pattern"), groups=None):
            self.faults.append(f"{name}: has a pattern, and says what it is")
            return None
        return Edge(str(spec["pattern"]), str(spec.get("says", spec["pattern"])))

    @staticmethod
    def _is_pattern(pattern: Any, *, groups: int | None) -> bool:
        """Say whether a pattern means the same here and in the engine, which knows neither look-around nor back-references."""
        try:
            compiled = re.compile(str(pattern))
        except (re.error, OverflowError, RecursionError):
            return False
        foreign = re.search(r"\(\?(?!:|P<)|\\[1-9]|[*+?}]\+", str(pattern)) is not None
        return isinstance(pattern, str) and not foreign and (groups is None or compiled.groups == groups)

    def _text(self, values: Mapping[str, Any], name: str, default: str, where: str = "") -> str:
        value = values.get(name, default)
        if not isinstance(value, str):
            self.faults.append(f"{where}{name}: is no text")
            return default
        return value

    def _texts(self, value: Any, where: str) -> tuple[str, ...]:
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
            self.faults.append(f"{where}: is a list of texts")
            return ()
        return tuple(listed)

    def _values(self, value: Any, where: str) -> dict[str, tuple[str, ...]]:
        if not isinstance(value, dict):
            self.faults.append(f"{where}: is fields and their values")
            return {}
        return {str(name): self._texts(values, f"{where}: {name}") for name, values in value.items()}

    def _unknown(self, values: Mapping[Any, Any], known: set[str], where: str) -> None:
        self.faults += [f"{where}there is no setting {name}" for name in sorted(map(str, set(values) - known))]
