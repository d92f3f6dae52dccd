"""Parquet files: typed values as text, exactly; structures by dots, lists of structures as children."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hoeksteen.consolidation.mapping import Mapping
from hoeksteen.consolidation.reader_kinds import Parquet
from hoeksteen.consolidation.readers.json_lines import columns_in, record_of, tree_of
from hoeksteen.consolidation.readers.raw import PRODUCT_ROWS, RawRecord, opened, same_columns
from hoeksteen.consolidation.readers.rows import Row, records_of
from hoeksteen.kernel.errors import InvalidInput

_BATCH_ROWS = 4_096
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_parquet(mapping: Mapping, reader: Parquet, file: Path) -> Iterator[RawRecord]:
    """Give the records of a Parquet file."""
    tree = tree_of(list(mapping.columns))
    children = {name: tree_of(child.file_columns) for name, child in mapping.lists.items()}
    with _parquet(file) as found:
        _check_columns(mapping, found.schema_arrow, file)
        contents = _contents(found)
        if children:
            for number, content in enumerate(contents, start=1):
                yield record_of(mapping, content, number, tree, children, f"{file} row {number}")
            return
        rows = (record_of(mapping, content, number, tree, {}, f"{file} row {number}") for number, content in enumerate(contents, start=1))
        many = reader.rows_per_record == "many"
        for record in records_of(mapping, (_row(raw, mapping) for raw in rows), many=many):
            if not mapping.row_columns:
                del record.children[PRODUCT_ROWS]
            yield record


def parquet_columns(file: Path) -> dict[str, list[str]]:
    """Give the columns of the records under the empty name, and those of each list of structures under its own."""
    with _parquet(file) as found:
        columns: dict[str, dict[str, None]] = {"": {}}
        columns_in({field.name: _example(field.type) for field in found.schema_arrow}, columns)
        return {name: list(of) for name, of in columns.items()}


def _row(raw: RawRecord, mapping: Mapping) -> Row:
    values = {name: raw.values.get(name) for name in mapping.columns}
    return Row(raw.row, (raw.key or "").strip() or None, values, raw.fault)


class _parquet:
    """An open Parquet file; what is none, or not whole, is refused by its name."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __enter__(self) -> Any:
        self._stream = opened(self._file)
        try:
            return pq.ParquetFile(self._stream)
        except (pa.ArrowInvalid, OSError) as error:
            self._stream.close()
            raise InvalidInput(f"{self._file} is no whole Parquet file.", remedy="Export or copy it again: it may have been cut off.") from error

    def __exit__(self, kind: Any, error: Any, _: Any) -> None:
        self._stream.close()
        if isinstance(error, pa.ArrowException | OSError | ValueError | OverflowError):
            raise InvalidInput(f"{self._file} cannot be read: a part of it is broken.", remedy="Export or copy it again.") from error


def _check_columns(mapping: Mapping, schema: Any, file: Path) -> None:
    columns: dict[str, dict[str, None]] = {"": {}, **{name: {} for name in mapping.lists}}
    names = [field.name for field in schema]
    if len(set(names)) < len(names):
        same_columns(str(file), names, list(dict.fromkeys(names)))
    columns_in({field.name: _example(field.type) for field in schema}, columns)
    same_columns(str(file), list(columns.pop("")), list(mapping.columns), in_order=False)
    for name, found in columns.items():
        if name not in mapping.lists:
            same_columns(str(file), [name], [])
        same_columns(f"{file}, {name}", list(found), mapping.lists[name].file_columns, in_order=False)


def _example(kind: Any) -> Any:
    """Give an object of a type's shape, to name its columns."""
    if pa.types.is_struct(kind):
        return {kind.field(place).name: _example(kind.field(place).type) for place in range(kind.num_fields)}
    if (pa.types.is_list(kind) or pa.types.is_large_list(kind)) and pa.types.is_struct(kind.value_type):
        return [_example(kind.value_type)]
    return ""


def _contents(found: Any) -> Iterator[dict[str, Any]]:
    for batch in found.iter_batches(batch_size=_BATCH_ROWS):
        columns = {field.name: _values(batch.column(place)) for place, field in enumerate(batch.schema)}
        for row in range(batch.num_rows):
            yield {name: values[row] for name, values in columns.items()}


def _values(array: Any) -> list[Any]:
    """Give a column's values: text where one is text or becomes so exactly, objects and lists where it is nested."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        return _values(array.dictionary_decode())
    if pa.types.is_struct(kind):
        names = [kind.field(place).name for place in range(kind.num_fields)]
        parts = [_values(part) for part in array.flatten()]
        return [dict(zip(names, values, strict=True)) if valid else None for valid, *values in zip(array.is_valid().to_pylist(), *parts, strict=True)]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        offsets, inner = array.offsets.to_pylist(), _values(array.values)
        return [inner[begin:end] if valid else None for valid, begin, end in zip(array.is_valid().to_pylist(), offsets, offsets[1:], strict=False)]
    if pa.types.is_timestamp(kind):
        return [None if ticks is None else _instant(ticks, kind) for ticks in array.cast(pa.int64()).to_pylist()]
    if pa.types.is_floating(kind):
        return array.cast(pa.string()).to_pylist()  # type: ignore[no-any-return]  # the shortest text that gives the same float
    return array.to_pylist()  # type: ignore[no-any-return]  # pyarrow has no types


def _instant(ticks: int, kind: Any) -> str:
    seconds, fraction = divmod(ticks, _PER_SECOND[kind.unit])
    try:
        text = f"{(_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()}"
    except OverflowError:
        return f"{ticks} {kind.unit} since 1970"
    digits = f"{fraction:0{len(str(_PER_SECOND[kind.unit])) - 1}d}".rstrip("0") if fraction else ""
    return text + (f".{digits}" if digits else "") + ("Z" if kind.tz else "")
