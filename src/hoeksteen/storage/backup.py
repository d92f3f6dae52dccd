"""
Backup and restore of the business database and the lake, to one instant.

The rows are those of one snapshot of PostgreSQL, the lake's files those of the heads that the same snapshot sees. A backup is a directory: it has
its name only once it is whole, and holds the SHA-256 of everything in it. What is sealed stays sealed; no key is in it.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow.parquet as pq

from hoeksteen.kernel.errors import Conflict, Corrupt, InvalidInput, Unavailable, WrongState
from hoeksteen.storage.lake import Lake, LakeTable
from hoeksteen.storage.postgres import Database, Transaction

FORMAT = "hoeksteen.backup.v1"
_MANIFEST = "backup.json"
_PIECE_BYTES = 1 << 20
_DAMAGED = "Take another backup; nothing was restored."
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Shape:
    """
    What of the database belongs into a backup, which only the rooms know.

    :param derived: tables that are made anew from others, or belong to work under way
    :param after: a table to those that must be filled before it, beside its foreign keys
    :param lake_tables: every table of the lake
    """

    derived: Collection[str]
    after: Mapping[str, Collection[str]]
    lake_tables: Sequence[LakeTable]


@dataclass(frozen=True, slots=True)
class BackupResult:
    """What a backup holds; `digest` is the SHA-256 of its manifest, which holds those of all others."""

    tables: Mapping[str, int]
    lake_files: int
    lake_rows: int
    size_bytes: int
    digest: str


def back_up(*, database: Database, lake: Lake, folder: Path, shape: Shape, now: datetime, tell: Tell = lambda _: None) -> BackupResult:
    """
    Write a backup while others work on: what they commit after its first moment is not in it.

    :param folder: the directory to make; until the backup is whole it has another name
    :raises InvalidInput: when the directory exists
    :raises Conflict: when another backup is writing to it
    :raises Unavailable: when the disk refuses
    """
    _require_new(folder)
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    try:
        with _claimed(unfinished, folder):
            with database.transaction() as tx:
                tx.see_one_moment()
                manifest = _all_out(tx, lake, unfinished, shape, now, tell)
            digest = _write_manifest(unfinished, manifest)
            for directory in sorted((one for one in unfinished.rglob("*") if one.is_dir()), reverse=True):
                _sync(directory)
            _sync(unfinished)
            unfinished.rename(folder)
            _sync(folder.parent)
    except OSError as error:
        raise Unavailable(f"The backup was not written: {error.strerror}.", remedy="Free disk space or name another --out.") from error
    copied = [one for of_table in manifest["lake"].values() for one in of_table]
    size = sum(one["bytes"] for one in [*copied, *manifest["tables"].values()])
    return BackupResult(
        {name: one["rows"] for name, one in manifest["tables"].items()}, len(copied), sum(one["rows"] for one in copied), size, digest
    )


def _require_new(folder: Path) -> None:
    if folder.exists():
        raise InvalidInput(f"{folder} exists, and a backup is never overwritten.", remedy="Choose another name.")


@contextmanager
def _claimed(unfinished: Path, folder: Path) -> Iterator[None]:
    """Keep a place for one backup, emptied of what one that was killed left there; the claim goes with the process."""
    unfinished.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(unfinished, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"Another backup is writing to {folder}.", remedy="Wait for it, or name another --out.") from None
        _require_new(folder)  # once more: another one may have been done with it meanwhile
        os.fchmod(handle, 0o700)
        for left in unfinished.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        yield
    finally:
        os.close(handle)


def _all_out(tx: Transaction, lake: Lake, folder: Path, shape: Shape, now: datetime, tell: Tell) -> dict[str, Any]:
    """Write every table and every file of the lake, and give the manifest without its digest."""
    (folder / "database").mkdir(mode=0o700)
    manifest: dict[str, Any] = {"format": FORMAT, "taken_at": now.isoformat(), "migrations": _migrations(tx), "lake": {}}
    files = lake.files_of_heads(tx)
    manifest["sequences"] = {row["name"]: row["last_value"] for row in tx.rows("SELECT * FROM storage.sequences()")}
    tell("database")
    manifest["tables"] = {name: _table_out(tx, name, folder) for name in _tables(tx, shape)}
    for table, of_table in files.items():
        tell(f"lake: {table}")
        manifest["lake"][table] = [_file_out(one.path, one.rows, folder, table, number) for number, one in enumerate(of_table)]
    return manifest


def check(*, folder: Path) -> dict[str, Any]:
    """
    Give what a backup says of itself, after every file of it was read and compared.

    :raises Corrupt: naming the first file that is missing, cut off or changed
    :raises InvalidInput: when it is no backup
    """
    try:
        text = (folder / _MANIFEST).read_text("utf-8")
        manifest: dict[str, Any] = json.loads(text)
        told = manifest.pop("digest")
        if manifest["format"] != FORMAT or folder.name.endswith(".unfinished"):
            raise KeyError
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(f"{folder} is no whole backup.", remedy="Name a directory that `hoeksteen backup` made.") from error
    if told != _digest(manifest):
        raise Corrupt(f"{folder / _MANIFEST} was changed.", remedy=_DAMAGED)
    for name, one in _files(manifest):
        if not (folder / name).is_file():
            raise Corrupt(f"{name} is missing in the backup.", remedy=_DAMAGED)
        if (folder / name).stat().st_size != one["bytes"] or _sha256(folder / name) != one["sha256"]:
            raise Corrupt(f"{name} was cut off or changed in the backup.", remedy=_DAMAGED)
    return manifest


def restore(*, database: Database, lake: Lake, folder: Path, shape: Shape, write_id: UUID, tell: Tell = lambda _: None) -> BackupResult:
    """
    Put a backup into an empty installation: all of it or nothing, whatever stops it.

    The rows and the heads of the lake count in one transaction; files that were copied for nothing are cleared away by the next write to the lake.

    :raises Corrupt: when a file of the backup is missing or changed; nothing was done
    :raises InvalidInput: when it is no backup
    :raises WrongState: when the database holds something, or has another schema than the backup
    :raises Unavailable: when the disk is full
    """
    tell("comparing every file of the backup")
    manifest = check(folder=folder)
    known = {table.name: table for table in shape.lake_tables}
    with database.transaction() as tx:
        _require_fit(tx, manifest, known, shape)
    with lake.write(database=database, write_id=write_id) as write:
        tx = write.tx
        _require_fit(tx, manifest, known, shape)  # once more, now that nobody else writes to the lake
        tell("database")
        for name in _tables(tx, shape):
            one = manifest["tables"][name]
            rows = tx.copy_in_text(name, _pieces(folder / one["file"]), one["columns"])
            if rows != one["rows"]:
                raise Corrupt(f"{name} has {rows} rows in the backup, not {one['rows']}.", remedy=_DAMAGED)
        for name, last in manifest["sequences"].items():
            tx.execute("SELECT storage.advance_sequence(%s::regclass, %s)", (name, last))
        for name, of_table in manifest["lake"].items():
            tell(f"lake: {name}")
            target = write.folder(known[name])
            copied = [_copied(folder / one["file"], target / Path(one["file"]).name, one["sha256"]) for one in of_table]
            _sync(target)
            write.append(known[name], copied)
    files = [one for of_table in manifest["lake"].values() for one in of_table]
    size = sum(one["bytes"] for one in [*files, *manifest["tables"].values()])
    rows_of = {name: one["rows"] for name, one in manifest["tables"].items()}
    return BackupResult(rows_of, len(files), sum(one["rows"] for one in files), size, _digest(manifest))


def lake_faults(*, database: Database, lake: Lake) -> list[str]:
    """Give where the lake's files are not what its tables say: missing, of another length, of another number of rows, or unreadable."""
    with database.transaction() as tx:
        tx.see_one_moment()
        found = []
        for table, files in lake.files_of_heads(tx).items():
            for one in files:
                name = f"{table}: {one.path.relative_to(lake.warehouse)}"
                if not one.path.is_file():
                    found.append(f"{name} is missing")
                elif one.path.stat().st_size != one.size_bytes:
                    found.append(f"{name} has {one.path.stat().st_size} bytes, not {one.size_bytes}")
                elif (rows := _rows_read(one.path)) != one.rows:
                    found.append(f"{name} has {rows} rows, not {one.rows}" if rows is not None else f"{name} cannot be read")
        return found


def _rows_read(path: Path) -> int | None:
    """Read a whole Parquet file and give its rows; None when it cannot be read."""
    try:
        with pq.ParquetFile(path) as file:
            return int(sum(batch.num_rows for batch in file.iter_batches()))
    except (OSError, ValueError):
        return None


def _require_fit(tx: Transaction, manifest: Mapping[str, Any], known: Mapping[str, LakeTable], shape: Shape) -> None:
    if manifest["migrations"] != _migrations(tx) or set(manifest["tables"]) != set(_tables(tx, shape)) or set(manifest["lake"]) - set(known):
        raise WrongState(
            "The backup is of another release of this program.", remedy="Restore it with the release that made it, then upgrade with `hoeksteen up`."
        )
    filled = [name for name in [*_tables(tx, shape), "lake.head"] if tx.value(f"SELECT EXISTS (SELECT FROM {name})")]
    if filled:
        raise WrongState(f"The installation is not empty: {filled[0]} holds rows.", remedy="Restore into a new one: `hoeksteen up --data DIR`.")


def _migrations(tx: Transaction) -> dict[str, str]:
    return {f"{row['room']}/{row['name']}": row["digest"] for row in tx.rows("SELECT room, name, digest FROM storage.migration ORDER BY 1, 2")}


def _tables(tx: Transaction, shape: Shape) -> list[str]:
    """Give the tables that the application fills, each after those that must stand before it; the others are made by migrations."""
    names = {row["name"] for row in tx.rows(_TABLES)} - set(shape.derived)
    needs: dict[str, set[str]] = {name: set(shape.after.get(name, ())) & names for name in names}
    for row in tx.rows(_REFERENCES):
        if row["name"] in names and row["needs"] in names and row["name"] != row["needs"]:
            needs[row["name"]].add(row["needs"])
    ordered: list[str] = []
    while needs:
        ready = sorted(name for name, others in needs.items() if others <= set(ordered))
        if not ready:
            raise Corrupt(f"Tables need each other: {', '.join(sorted(needs))}.", remedy="Report this line.")
        ordered += ready
        for name in ready:
            del needs[name]
    return ordered


def _table_out(tx: Transaction, table: str, folder: Path) -> dict[str, Any]:
    columns = [row["name"] for row in tx.rows(_COLUMNS, (table,))]
    file = f"database/{table}.copy"
    rows = 0

    def counted() -> Iterator[bytes]:
        nonlocal rows
        for piece in tx.copy_out_text(f"SELECT {', '.join(columns)} FROM {table}"):
            rows += piece.count(b"\n")  # one ends each row; those inside of values are written otherwise
            yield piece

    size, digest = _write(folder / file, counted())
    return {"file": file, "rows": rows, "bytes": size, "sha256": digest, "columns": columns}


def _file_out(path: Path, rows: int, folder: Path, table: str, number: int) -> dict[str, Any]:
    (folder / "lake" / table).mkdir(parents=True, exist_ok=True)
    file = f"lake/{table}/{number:06d}-{path.name}"
    size, digest = _write(folder / file, _pieces(path))
    return {"file": file, "rows": rows, "bytes": size, "sha256": digest}


def _copied(source: Path, target: Path, sha256: str) -> Path:
    if _write(target, _pieces(source))[1] != sha256:
        raise Corrupt(f"{source.name} changed while it was restored.", remedy=_DAMAGED)
    return target


def _write(path: Path, pieces: Iterable[bytes]) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for piece in pieces:
            digest.update(piece)
            size += file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return size, digest.hexdigest()


def _write_manifest(folder: Path, manifest: Mapping[str, Any]) -> str:
    digest = _digest(manifest)
    _write(folder / _MANIFEST, [json.dumps({**manifest, "digest": digest}, indent=1).encode()])
    return digest


def _digest(manifest: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _files(manifest: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for one in [*manifest["tables"].values(), *(one for of_table in manifest["lake"].values() for one in of_table)]:
        yield one["file"], one


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    for piece in _pieces(path):
        digest.update(piece)
    return digest.hexdigest()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


_TABLES = """
SELECT schemaname || '.' || tablename AS name FROM pg_tables
WHERE schemaname <> 'lake' AND schemaname <> 'information_schema' AND schemaname NOT LIKE 'pg\\_%'
  AND has_table_privilege(quote_ident(schemaname) || '.' || quote_ident(tablename), 'INSERT')
"""
_REFERENCES = "SELECT conrelid::regclass::text AS name, confrelid::regclass::text AS needs FROM pg_constraint WHERE contype = 'f'"
_COLUMNS = """
SELECT quote_ident(attname) AS name FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""
