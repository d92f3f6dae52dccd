"""Adapters made of a declared layout: CSV, JSON lines, Parquet."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.usage.adapters.base import Adapter, Frame, count_in, refuse
from hoeksteen.usage.adapters.layout import EPOCHS, Column, Edge, Layout

_ASK = "Ask the source for the whole file; nothing of this one was taken."
_ROWS = 4_096
_ROW_BYTES_MAX = 4_096  # on average in so many rows: a few bytes of Parquet can stand for gigabytes


def adapter_of(layout: Layout) -> Adapter:
    """Give the adapter that reads a layout."""
    kinds: Mapping[str, type[_Csv] | type[_JsonLines] | type[_Parquet]] = {"csv": _Csv, "jsonl": _JsonLines, "parquet": _Parquet}
    return kinds[layout.format](layout)


@dataclass(frozen=True)
class _Declared:
    layout: Layout

    @property
    def name(self) -> str:
        return self.layout.name

    @property
    def source(self) -> str:
        return self.layout.source

    @property
    def endings(self) -> tuple[str, ...]:
        return self.layout.endings

    def _columns(self, fault: str) -> str:
        """Give the parsed columns of a table whose fields are `at(field)`."""
        layout, columns = self.layout, self.layout.columns
        values = {name: self._value(columns[name]) if name in columns else "NULL" for name in ("source_record_id", "service", "own_number")}
        values["other_number"] = self._value(columns["other_number"]) if "other_number" in columns else "NULL"
        values["start"] = self._instant(columns["start"])
        values["units"] = self._value(columns["units"])
        values["more_units"] = self._value(columns["more_units"]) if "more_units" in columns else "'0'"
        values["country"] = self._value(columns["country"])
        wrong = [f"{self.at(name)} IS NULL OR {self.at(name)} NOT IN ({_listed(allowed)})" for name, allowed in layout.only.items()]
        wrong += [f"coalesce({self.at(name)}, '') = ''" for name in layout.needed]
        unknown = f" WHEN {' OR '.join(wrong)} THEN 'unknown_line'" if wrong else ""
        ambiguous = self._ambiguous(columns["start"])
        listed = ", ".join(f"{value} AS {name}" for name, value in values.items())
        return f"line, {listed}, CASE WHEN {fault} THEN 'cut_line'{unknown}{ambiguous} END AS fault"

    def at(self, field: str) -> str:
        """Give SQL for a field's text."""
        return f"f[{self.layout.fields.index(field) + 1}]"

    def _raw(self, column: Column) -> str:
        if column.constant is not None:
            return _quoted(column.constant)
        fields = [self.at(name) for name in column.fields]
        filled = ", ".join(f"nullif({one}, '')" for one in fields)
        value = fields[0] if len(fields) == 1 else f"coalesce({filled})"
        if column.extract is not None:
            value = f"nullif(regexp_extract({value}, {_quoted(column.extract)}, 1), '')"
        return value

    def _value(self, column: Column) -> str:
        value = self._raw(column)
        if column.default is not None:
            value = f"coalesce(nullif({value}, ''), {_quoted(column.default)})"
        if column.map:
            cases = " ".join(f"WHEN {_quoted(said)} THEN {_quoted(meant)}" for said, meant in column.map.items())
            value = f"CASE {value} {cases} END"
        if column.zero_unless:
            counts = " AND ".join(f"{self.at(name)} IN ({_listed(allowed)})" for name, allowed in column.zero_unless.items())
            value = f"CASE WHEN {counts} THEN {value} ELSE '0' END"
        return value

    def _instant(self, column: Column) -> str:
        """Give SQL for an instant as ISO 8601 text in UTC, or NULL; what is written so already stays as it stands."""
        value = self._raw(column)
        if column.time == "iso":
            return value
        if column.time in EPOCHS:
            digits, micros = EPOCHS[column.time]
            instant = f"make_timestamp(({value})::BIGINT * {micros})"
            return f"CASE WHEN regexp_full_match({value}, '[0-9]{{1,{digits}}}') THEN {_iso(instant)} END"
        local = f"try_strptime({value}, {_quoted(column.time)})"
        zone = _quoted(column.zone)
        exact = f"strftime({local}, {_quoted(column.time)}) = {value}"  # the engine's own reading is lax
        there = f"timezone({zone}, timezone({zone}, {local})) = {local}"  # not in the hour that the clock skips
        utc = f"timezone('UTC', timezone({zone}, {local}))"
        return f"CASE WHEN {exact} AND {there} THEN {_iso(utc)} END"

    def _ambiguous(self, column: Column) -> str:
        """Give SQL that tells the hour which the clock passes twice, in which a local time names two instants."""
        if column.time in ("iso", *EPOCHS) or column.zone == "UTC":
            return ""
        local, zone = f"try_strptime({self._raw(column)}, {_quoted(column.time)})", _quoted(column.zone)
        hours = [f"timezone({zone}, timezone({zone}, {local}) {sign} INTERVAL 1 HOUR) = {local}" for sign in "+-"]
        return f" WHEN {' OR '.join(hours)} THEN 'ambiguous_time'"


class _Csv(_Declared):
    def body(self, frame: Frame) -> tuple[int, int]:
        """
        Check header and trailer, as far as the layout has them, and that they count the lines between them.

        :raises InvalidInput: naming the line and the field
        """
        first, last = 1, frame.lines
        says = trailer = None
        if self.layout.header is not None:
            says = _matched(frame, 1, "header", frame.first, self.layout.header, "Name the adapter that fits this file.")
            first += 1
        if self.layout.trailer is not None:
            found = re.fullmatch(self.layout.trailer.pattern, frame.last) if frame.lines >= first else None
            if found is None:
                raise refuse(frame, frame.lines, "trailer", "is missing: the file was cut", _ASK)
            trailer = _matched(frame, frame.lines, "trailer", frame.last, self.layout.trailer, _ASK)
            last -= 1
        count = last - first + 1
        if trailer is not None and trailer != count:
            raise refuse(frame, frame.lines, "records", f"says {trailer}, and the file holds {count}", _ASK)
        if says is not None and says != count:
            other = f"the trailer {trailer}" if trailer is not None else f"the file holds {count}"
            raise refuse(frame, 1, "records", f"says {says}, and {other}", _ASK)
        return first, last

    def parsed(self, lines: str) -> str:
        """Give the query over the lines; a line with another number of fields was cut."""
        layout = self.layout
        separator = _quoted(layout.separator)
        split = f"string_split(text, {separator})"
        if layout.quote:
            quote, sign = re.escape(layout.quote), re.escape(layout.separator)
            field = f"({quote}(?:[^{quote}]|{quote}{quote})*{quote}|[^{quote}{sign}]*){sign}"
            pattern, parts = _quoted(f"(?:{field})*"), f"text || {separator}, {_quoted(field)}, 1"
            whole = f"regexp_full_match(text || {separator}, {pattern})"
            twice, once = _quoted(layout.quote * 2), _quoted(layout.quote)
            bare = f"CASE WHEN left(x, 1) = {once} THEN replace(substr(x, 2, length(x) - 2), {twice}, {once}) ELSE x END"
            quoted = f"CASE WHEN {whole} THEN list_transform(regexp_extract_all({parts}), lambda x: {bare}) ELSE [] END"
            split = f"CASE WHEN contains(text, {once}) THEN {quoted} ELSE {split} END"
        return f"""
        SELECT {self._columns(f"len(f) <> {len(layout.fields)}")}
        FROM (SELECT line, {split} AS f FROM (SELECT line, coalesce(text, '') AS text FROM {lines}))
        """


class _JsonLines(_Declared):
    def body(self, frame: Frame) -> tuple[int, int]:
        """Give all lines: there is no header, and a file that was cut ends in a line that is no JSON."""
        return 1, frame.lines

    def parsed(self, lines: str) -> str:
        """Give the query over the lines, each a JSON object."""
        paths = _listed(self.layout.fields)
        return f"""
        SELECT {self._columns("f IS NULL")}
        FROM (
            SELECT line, CASE WHEN json_valid(text) AND json_type(text) = 'OBJECT' THEN json_extract_string(text, [{paths}]) END AS f
            FROM (SELECT line, coalesce(text, '') AS text FROM {lines})
        )
        """


class _Parquet(_Declared):
    def at(self, field: str) -> str:
        return f"f{self.layout.fields.index(field) + 1}"

    def records(self, file: BinaryIO, name: str) -> Iterator[pa.Table]:
        """
        Give the columns that the layout names, as text; the file's own count of rows is its trailer.

        :raises InvalidInput: when it is no Parquet, lacks a column, or a column holds what is no text, number or time
        """
        remedy, done = "Name the adapter that fits this file, or ask the source for the whole file.", 0
        try:
            opened = pq.ParquetFile(file)
            missing = [field for field in self.layout.fields if opened.schema_arrow.get_field_index(field) < 0]
            if missing:
                raise InvalidInput(f"{name}: file: has no column {missing[0]}.", remedy=remedy)
            for batch in opened.iter_batches(batch_size=_ROWS, columns=list(self.layout.fields)):
                columns = {f"f{at}": _as_text(batch.column(field)) for at, field in enumerate(self.layout.fields, start=1)}
                if sum(column.nbytes for column in columns.values()) > _ROWS * _ROW_BYTES_MAX:
                    what = f"{name}: row {done + 1}: file: has rows of more than {_ROW_BYTES_MAX} bytes from here."
                    raise InvalidInput(what, remedy="Ask the source for a file of usage alone.")
                yield pa.table({"line": pa.array(range(done + 1, done + batch.num_rows + 1), pa.int64()), **columns})
                done += batch.num_rows
            if done != opened.metadata.num_rows:
                raise InvalidInput(f"{name}: file: says {opened.metadata.num_rows} rows, and holds {done}.", remedy=remedy)
        except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
            # its own words may hold the value that it could not read
            what = f"{name}: file: is damaged, or no Parquet that can be read as text ({type(error).__name__})."
            raise InvalidInput(what, remedy=remedy) from None

    def parsed(self, lines: str) -> str:
        """Give the query over the rows."""
        return f"SELECT {self._columns('false')} FROM {lines}"


def _as_text(column: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(column.type) and column.type.tz is not None:
        utc = column.cast(pa.timestamp("us", tz="UTC"))
        return pc.strftime(utc, format="%Y-%m-%dT%H:%M:%SZ")
    return column.cast(pa.string())


def _matched(frame: Frame, line: int, field: str, text: str, edge: Edge, remedy: str) -> int | None:
    """Give the number of records that a header or a trailer says, or None when it says none."""
    found = re.fullmatch(edge.pattern, text)
    if found is None:
        raise refuse(frame, line, field, f"must be {edge.says}", remedy)
    if "records" not in found.groupdict():
        return None
    count = count_in(found["records"] or "")
    if count is None:
        raise refuse(frame, line, "records", "is no number", remedy)
    return count


def _iso(instant: str) -> str:
    return f"strftime({instant}, '%Y-%m-%dT%H:%M:%S.%fZ')"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _listed(texts: tuple[str, ...]) -> str:
    return ", ".join(map(_quoted, texts)) or "NULL"
