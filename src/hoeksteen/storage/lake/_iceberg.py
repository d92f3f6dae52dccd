"""The lake's tables in Apache Iceberg, by PyIceberg; the catalogue lies in the business database, schema `lake`."""

import contextlib
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlparse

import sqlalchemy
from psycopg.conninfo import conninfo_to_dict
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NamespaceAlreadyExistsError, NoSuchTableError
from pyiceberg.expressions import AlwaysTrue, And, BooleanExpression, In, Reference
from pyiceberg.manifest import ManifestFile
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import (
    BinaryType,
    DateType,
    IcebergType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
    TimestamptzType,
    UUIDType,
)

from hoeksteen.storage.lake.tables import ColumnType, LakeTable

_NAMESPACE = "lake"
_TYPES: dict[ColumnType, IcebergType] = {
    ColumnType.UUID: UUIDType(),
    ColumnType.INTEGER: IntegerType(),
    ColumnType.LONG: LongType(),
    ColumnType.TEXT: StringType(),
    ColumnType.INSTANT: TimestamptzType(),
    ColumnType.DAY: DateType(),
    ColumnType.BYTES: BinaryType(),
}
# Old metadata files are removed, so that the directory stays as large as the live snapshots need.
_PROPERTIES = {"write.metadata.delete-after-commit.enabled": "true", "write.metadata.previous-versions-max": "20"}


@dataclass(frozen=True, slots=True)
class LakeFile:
    """A Parquet file of a table, as the table's own lists describe it."""

    path: Path
    rows: int
    size_bytes: int


class Iceberg:
    """Create, extend and read the tables of one warehouse."""

    def __init__(self, warehouse: Path, dsn: str) -> None:
        self._warehouse = warehouse
        self._dsn = dsn
        self._catalogue: SqlCatalog | None = None
        self._lock = threading.Lock()

    def _open(self) -> SqlCatalog:
        with self._lock:
            if self._catalogue is None:
                query = {name: str(value) for name, value in conninfo_to_dict(self._dsn).items()}
                query["options"] = f"{query.get('options', '')} -c search_path=lake -c timezone=UTC".strip()
                uri = sqlalchemy.URL.create("postgresql+psycopg", query=query).render_as_string(hide_password=False)
                catalogue = SqlCatalog(_NAMESPACE, uri=uri, warehouse=self._warehouse.as_uri(), init_catalog_tables="false", pool_pre_ping="true")
                with contextlib.suppress(NamespaceAlreadyExistsError):
                    catalogue.create_namespace(_NAMESPACE)
                self._catalogue = catalogue
        return self._catalogue

    def close(self) -> None:
        """Close the catalogue's connections."""
        with self._lock:
            if self._catalogue is not None:
                self._catalogue.engine.dispose()
                self._catalogue = None

    def _table(self, table: LakeTable) -> Table:
        catalogue = self._open()
        name = f"{_NAMESPACE}.{table.name}"
        try:
            return self._with_added_columns(catalogue.load_table(name), table)
        except NoSuchTableError:
            numbered = {column: number for number, (column, _) in enumerate(table.columns, start=1)}
            schema = Schema(*[NestedField(numbered[column], column, _TYPES[kind], required=False) for column, kind in table.columns])
            fields = [PartitionField(numbered[column], 1000 + i, IdentityTransform(), column) for i, column in enumerate(table.partition)]
            return catalogue.create_table(
                name, schema, location=(self._warehouse / table.name).as_uri(), partition_spec=PartitionSpec(*fields), properties=_PROPERTIES
            )

    @staticmethod
    def _with_added_columns(opened: Table, table: LakeTable) -> Table:
        """Give a table the columns that were declared since it was made; snapshots and files stay as they are."""
        there = set(opened.schema().column_names)
        missing = [(column, kind) for column, kind in table.columns if column not in there]
        if missing:
            with opened.update_schema() as change:
                for column, kind in missing:
                    change.add_column(column, _TYPES[kind])
        return opened

    def append(self, table: LakeTable, files: Sequence[Path], properties: Mapping[str, str]) -> int:
        """Add files to a table in one commit and give the new snapshot."""
        opened = self._table(table)
        opened.add_files([file.as_uri() for file in files], snapshot_properties=dict(properties), check_duplicate_files=False)
        return _current(opened)

    def replace(self, table: LakeTable, where: Mapping[str, Sequence[int]], files: Sequence[Path], properties: Mapping[str, str]) -> int | None:
        """Put files in the place of whole partitions in one commit and give the new snapshot; None when there was and is nothing."""
        opened = self._table(table)
        if opened.current_snapshot() is None and not files:
            return None
        there = any(True for _ in opened.scan(row_filter=_expression(where)).plan_files())
        if not there and not files:
            return _current(opened)
        with opened.transaction() as change:
            if there:
                change.delete(_expression(where), snapshot_properties=dict(properties))
            if files:
                change.add_files([file.as_uri() for file in files], snapshot_properties=dict(properties), check_duplicate_files=False)
        return _current(opened)

    def files(self, table: LakeTable, snapshot_id: int, where: Mapping[str, Sequence[int]]) -> list[str]:
        """Give the Parquet files of a snapshot that can hold rows of some partitions."""
        scan = self._table(table).scan(row_filter=_expression(where), snapshot_id=snapshot_id)
        return sorted(_path(task.file.file_path) for task in scan.plan_files())

    def partitions(self, table: LakeTable, snapshot_id: int) -> dict[tuple[int, ...], list[str]]:
        """Give the Parquet files of a snapshot by the values of the columns that divide them."""
        found: dict[tuple[int, ...], list[str]] = {}
        for task in self._table(table).scan(snapshot_id=snapshot_id).plan_files():
            values = tuple(int(task.file.partition[place]) for place in range(len(table.partition)))
            found.setdefault(values, []).append(_path(task.file.file_path))
        return {values: sorted(files) for values, files in found.items()}

    def data_files(self, table_name: str, snapshot_id: int) -> list[LakeFile]:
        """Give all Parquet files of a snapshot with what its lists say of them."""
        scan = self._open().load_table(f"{_NAMESPACE}.{table_name}").scan(snapshot_id=snapshot_id)
        found = [LakeFile(Path(_path(task.file.file_path)), task.file.record_count, task.file.file_size_in_bytes) for task in scan.plan_files()]
        return sorted(found, key=lambda one: one.path)

    def set_back(self, table_name: str, snapshot_id: int | None) -> None:
        """Make a snapshot the current one again; None empties the table."""
        try:
            table = self._open().load_table(f"{_NAMESPACE}.{table_name}")
        except NoSuchTableError:
            return
        current = table.current_snapshot()
        if current is None or current.snapshot_id == snapshot_id:
            return
        if snapshot_id is None:
            table.delete(AlwaysTrue())
        else:
            table.manage_snapshots().set_current_snapshot(snapshot_id).commit()

    def expirable(self, table_name: str, kept: Collection[int]) -> tuple[list[int], list[str]]:
        """Give the snapshots of a table besides some, and the files that nothing but these snapshots needs."""
        table = self._open().load_table(f"{_NAMESPACE}.{table_name}")
        current = table.current_snapshot()
        needed = {*kept, *([] if current is None else [current.snapshot_id])}
        going = [snapshot for snapshot in table.snapshots() if snapshot.snapshot_id not in needed]
        staying = {one.manifest_path: one for snapshot in table.snapshots() if snapshot.snapshot_id in needed for one in snapshot.manifests(table.io)}
        leaving = {one.manifest_path: one for snapshot in going for one in snapshot.manifests(table.io) if one.manifest_path not in staying}
        files = {*leaving, *(snapshot.manifest_list for snapshot in going)}
        if leaving:  # a file may have moved from a manifest that goes to one that stays
            files |= _data_files(table, leaving.values()) - _data_files(table, staying.values())
        return [snapshot.snapshot_id for snapshot in going], sorted(_path(file) for file in files)

    def expire(self, table_name: str, snapshots: Sequence[int]) -> None:
        """Take snapshots out of a table; their files stay where they are."""
        if snapshots:
            self._open().load_table(f"{_NAMESPACE}.{table_name}").maintenance.expire_snapshots().by_ids(list(snapshots)).commit()

    def table_names(self) -> list[str]:
        """Give the names of all tables of the warehouse."""
        return [name for _, name in self._open().list_tables(_NAMESPACE)]


def _current(table: Table) -> int:
    snapshot = table.current_snapshot()
    assert snapshot is not None, "a commit leaves a snapshot"
    return int(snapshot.snapshot_id)


def _data_files(table: Table, manifests: Iterable[ManifestFile]) -> set[str]:
    return {entry.data_file.file_path for manifest in manifests for entry in manifest.fetch_manifest_entry(table.io)}


def _path(uri: str) -> str:
    return unquote(urlparse(uri).path)


def _expression(where: Mapping[str, Sequence[int]]) -> BooleanExpression:
    expression: BooleanExpression = AlwaysTrue()
    for column, values in where.items():
        expression = And(expression, In(Reference(column), set(values)))  # type: ignore[call-arg, arg-type]  # its stub hides __init__
    return expression
