"""Rows that lie in memory as Arrow columns, written as a file of the lake."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from hoeksteen.storage.lake.tables import ColumnType, LakeTable

_ROW_GROUP_ROWS = 122_880  # as the engine writes them: readers skip whole groups
_TYPES = {
    ColumnType.UUID: pa.uuid(), ColumnType.INTEGER: pa.int32(), ColumnType.LONG: pa.int64(), ColumnType.TEXT: pa.string(),
    ColumnType.INSTANT: pa.timestamp("us", tz="UTC"), ColumnType.DAY: pa.date32(), ColumnType.BYTES: pa.binary(),
}  # fmt: skip


def write_rows(table: LakeTable, rows: pa.Table, file: Path, *, random: tuple[str, ...] = ()) -> Path:
    """
    Write rows, all of one partition, as one Parquet file in the order in which they come; in half the time that an engine takes.

    :param rows: has the table's columns, by name; UUIDs as their 16 bytes
    :param random: columns whose values are all different and cannot be compressed
    :raises OSError: when the disk refuses it
    """
    typed = pa.table({name: _typed(rows[name], kind) for name, kind in table.columns})
    plain = [name for name, kind in table.columns if name in random or kind in (ColumnType.INSTANT, ColumnType.LONG)]
    pq.write_table(
        typed,
        file,
        row_group_size=_ROW_GROUP_ROWS,
        store_schema=False,
        use_dictionary=[name for name in table.column_names if name not in plain],
        compression={name: "none" if name in random else "zstd" for name in table.column_names},
        compression_level={name: 1 for name in table.column_names if name not in random},
    )
    return file


def _typed(column: pa.ChunkedArray, kind: ColumnType) -> pa.ChunkedArray:
    if kind is ColumnType.TEXT and pa.types.is_dictionary(column.type):
        return column.cast(pa.dictionary(pa.int32(), pa.string()))
    if kind is not ColumnType.UUID:
        return column.cast(_TYPES[kind])
    return pa.chunked_array([pa.ExtensionArray.from_storage(pa.uuid(), chunk) for chunk in column.cast(pa.binary(16)).chunks], pa.uuid())
