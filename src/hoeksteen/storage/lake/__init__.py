"""
The lake: Iceberg tables of Parquet files, and pointers in PostgreSQL to the snapshots that count.

Readers follow `lake.head`, which moves in the transaction that writes the accounting rows. So a table and its balance
change at the same instant, and a crash anywhere leaves what was before it.
"""

import contextlib
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar, cast
from uuid import UUID

from hoeksteen.kernel.errors import Unavailable
from hoeksteen.storage.lake import _store
from hoeksteen.storage.lake._iceberg import Iceberg, LakeFile
from hoeksteen.storage.lake.tables import ColumnType, LakeTable
from hoeksteen.storage.postgres import Database, Transaction

__all__ = ["ColumnType", "Lake", "LakeFile", "LakeTable", "LakeWrite"]

KEPT_DEFAULT = timedelta(days=1)
_RESUMABLE = timedelta(days=7)  # how long what a killed write left is kept for its next life
_PLANS_MAX = 256
_REMEMBERED_MAX = 4
T = TypeVar("T")
Where = Mapping[str, Sequence[int]]


@dataclass(slots=True)
class LakeWrite:
    """
    One change of the lake: everything in it counts at once, or never.

    :param tx: the transaction in which the heads move; accounting rows belong in it
    """

    write_id: UUID
    tx: Transaction
    _warehouse: Path
    _iceberg: Iceberg
    _files_at: Callable[[LakeTable, int | None, Where], list[str]]
    snapshots: dict[str, int] = field(default_factory=dict)
    _added: set[Path] = field(default_factory=set)

    def files(self, table: LakeTable, where: Where | None = None) -> list[str]:
        """Give what `Lake.files` gives, as this write leaves the table so far: others see it only when the write counts."""
        return self._files_at(table, self._snapshot(table), where or {})

    def _snapshot(self, table: LakeTable) -> int | None:
        return self.snapshots[table.name] if table.name in self.snapshots else _store.heads(self.tx).get(table.name)

    def partitions(self, table: LakeTable) -> dict[tuple[int, ...], list[str]]:
        """Give the files of each partition, as this write leaves the table so far."""
        snapshot = self._snapshot(table)
        return {} if snapshot is None else self._iceberg.partitions(table, snapshot)

    def folder(self, table: LakeTable) -> Path:
        """Give the directory into which this write puts its Parquet files of a table."""
        folder = self._warehouse / table.name / "data" / str(self.write_id)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def append(self, table: LakeTable, files: Sequence[Path]) -> None:
        """Add files to a table."""
        self._added.update(files)
        if files:
            self.snapshots[table.name] = self._iceberg.append(table, files, self._properties())

    def replace(self, table: LakeTable, where: Where, files: Sequence[Path]) -> None:
        """Put files in the place of whole partitions; `where` names partition columns only."""
        self._added.update(files)
        snapshot = self._iceberg.replace(table, where, files, self._properties())
        if snapshot is not None:
            self.snapshots[table.name] = snapshot

    def sweep(self) -> None:
        """Remove from the folders of this write what it did not add: an earlier life of it may have made other files."""
        for file in self._warehouse.glob(f"*/data/{self.write_id}/*"):
            if file not in self._added:
                file.unlink()

    def _properties(self) -> dict[str, str]:
        return {"hoeksteen.write-id": str(self.write_id)}


class Lake:
    """
    One warehouse.

    :param warehouse: its directory, the application's own
    :param catalogue_dsn: the business database, which holds the catalogue and the heads
    :param kept: how long a replaced snapshot can still be read: longer than any reader takes
    """

    def __init__(self, *, warehouse: Path, catalogue_dsn: str, kept: timedelta = KEPT_DEFAULT) -> None:
        self.warehouse = warehouse.absolute()
        self._database = Database(catalogue_dsn, connections_max=2)
        self._iceberg = Iceberg(self.warehouse, catalogue_dsn)
        self._catalogue_dsn, self._kept = catalogue_dsn, kept
        self._plans: dict[tuple[object, ...], list[str]] = {}
        self._remembered: dict[tuple[object, ...], object] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> "Lake":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[object, ...]:
        """Another process that is given it opens the same warehouse."""
        return partial(Lake, warehouse=self.warehouse, catalogue_dsn=self._catalogue_dsn, kept=self._kept), ()

    def close(self) -> None:
        """Close the connections to the catalogue."""
        self._iceberg.close()
        self._database.close()

    @property
    def spill(self) -> Path:
        """Where an engine may put intermediate results of pseudonymous data."""
        return self.warehouse / "spill"

    def head(self, table: LakeTable) -> int | None:
        """Give the snapshot of a table that counts, or None while it is empty."""
        with self._database.transaction() as tx:
            return _store.heads(tx).get(table.name)

    def files(self, table: LakeTable, where: Where | None = None) -> list[str]:
        """
        Give the paths of the Parquet files that can hold rows of some partitions, at the present head.

        :param where: column to values; files are skipped by partition and by their statistics, rows are not filtered
        """
        return self._files_at(table, self.head(table), where or {})

    def _files_at(self, table: LakeTable, snapshot: int | None, where: Where) -> list[str]:
        if snapshot is None:
            return []
        key = (table.name, snapshot, tuple(sorted((name, tuple(sorted(values))) for name, values in where.items())))
        if key not in self._plans:
            if len(self._plans) >= _PLANS_MAX:
                self._plans.clear()
            self._plans[key] = self._iceberg.files(table, snapshot, where)
        return self._plans[key]

    def partitions(self, table: LakeTable) -> dict[tuple[int, ...], list[str]]:
        """Give the files of each partition at the present head."""
        snapshot = self.head(table)
        return {} if snapshot is None else self._iceberg.partitions(table, snapshot)

    def files_of_heads(self, tx: Transaction) -> dict[str, list[LakeFile]]:
        """
        Give the files of every table as a transaction sees its head, and keep them from expiring until it ends.

        :param tx: sees one moment, so that the files and its rows belong together
        """
        _store.hold_expiry(tx)
        return {name: self._iceberg.data_files(name, snapshot) for name, snapshot in sorted(_store.heads(tx).items())}

    def remember(self, key: tuple[object, ...], make: Callable[[], T]) -> T:
        """
        Give what `make` made for a key before, or make it now; only the latest few are kept.

        :param key: names the snapshot that the result was made of, so that it can never be stale
        """
        with self._lock:
            if key not in self._remembered:
                while len(self._remembered) >= _REMEMBERED_MAX:
                    self._remembered.pop(next(iter(self._remembered)))
                self._remembered[key] = make()
            return cast("T", self._remembered[key])

    @contextmanager
    def locked(self, *, database: Database) -> Iterator[Transaction]:
        """
        Open a transaction while which nobody changes the lake.

        :raises Unavailable: when another process is writing
        """
        with database.transaction() as tx:
            _require_lock(tx)
            yield tx

    @contextmanager
    def write(self, *, database: Database, write_id: UUID, resumable: bool = False) -> Iterator[LakeWrite]:
        """
        Open a change of the lake that counts when the block ends, and leaves nothing when it raises.

        Writes that were cut off earlier are cleared away first, and snapshots that no reader can still follow expire.

        :param resumable: when the process is killed, the files stay for a write of the same identifier, which may add them to their tables; whatever
            else lies in its folders goes when it counts
        :raises Unavailable: when another process is writing, or the disk is full
        """
        try:
            with database.transaction() as tx:
                _require_lock(tx)
                self._clear_away(database)
                with database.transaction() as expiring:
                    if _store.may_expire(expiring):
                        self._expire(database)
                with database.transaction() as journal:
                    _store.begin_write(journal, write_id, resumable=resumable)
                write = LakeWrite(write_id, tx, self.warehouse, self._iceberg, self._files_at)
                yield write
                if resumable:
                    write.sweep()
                _store.move_heads(tx, write.snapshots)
                _store.end_write(tx, write_id)
        except OSError as error:
            self._clear_up(database, write_id)
            raise Unavailable("The lake's disk refuses a write; nothing of this run counts.", remedy="Free disk space and run it again.") from error
        except BaseException:
            self._clear_up(database, write_id)
            raise

    def _clear_up(self, database: Database, failed: UUID) -> None:
        """Clear away after a failure, unless another process has begun to write, which then did it."""
        with database.transaction() as tx:
            if _store.take_write_lock(tx):
                self._clear_away(database, failed)

    def _clear_away(self, database: Database, failed: UUID | None = None) -> None:
        """Remove what writes left that never came to count, but not what may be taken up again, and set the tables back to their heads."""
        with database.transaction() as tx:
            open_writes = _store.open_writes(tx, kept=_RESUMABLE)
            heads = _store.heads(tx)
        cut_off = [write_id for write_id, stays in open_writes.items() if not stays or write_id == failed]
        if not open_writes:
            return
        for name in self._iceberg.table_names():
            self._iceberg.set_back(name, heads.get(name))
        for write_id in cut_off:
            for folder in self.warehouse.glob(f"*/data/{write_id}"):
                shutil.rmtree(folder)
        with database.transaction() as tx:
            for write_id in cut_off:
                _store.end_write(tx, write_id)

    def _expire(self, database: Database) -> None:
        """Take snapshots that were replaced long enough ago out of their tables, and remove the files that only they needed."""
        with database.transaction() as tx:
            kept = {name: _store.kept_snapshots(tx, name, self._kept) for name in _store.tables_to_expire(tx, self._kept)}
        for name in kept:
            snapshots, files = self._iceberg.expirable(name, kept[name])
            with database.transaction() as tx:
                _store.doom(tx, files)
            self._iceberg.expire(name, snapshots)
            with database.transaction() as tx:
                _store.forget_replaced(tx, name, snapshots)
        with database.transaction() as tx:
            doomed = _store.doomed_files(tx)
        for file in map(Path, doomed):
            file.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # the directory of a write goes with its last file
                file.parent.rmdir()
        if doomed:
            with database.transaction() as tx:
                _store.forget_doomed(tx, doomed)


def _require_lock(tx: Transaction) -> None:
    if not _store.take_write_lock(tx):
        raise Unavailable("Another process is writing to the lake.", remedy="Wait until it is done, and run the command again.")
