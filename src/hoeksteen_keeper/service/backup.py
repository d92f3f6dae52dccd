"""
Backup and restore of the keeper's database: one file, of one moment.

It holds wrapped keys, blind tokens and the log: of no use without the KEK, which is never in it. The files in `keys` are kept apart, by hand; tile
storage is the log's own second home. What was ended after a backup is ended again when the keeper opens (`reapplying`).
"""

import hashlib
import io
import json
import os
import re
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg.sql import SQL, Identifier

from hoeksteen_keeper.errors import KeeperInvalid
from hoeksteen_keeper.store.database import Connection, Store, migrate

FORMAT = "hoeksteen.keeper.backup.v1"
_ABOUT = "backup.json"
_PIECE_BYTES = 1 << 20
_OF_THE_MOMENT = ("access.session", "access.login_code")


def back_up(store: Store, file: Path) -> dict[str, int]:
    """
    Write a backup that its owner alone can read, and give the rows of each table.

    :raises KeeperInvalid: when the file exists
    """
    if file.exists():
        raise KeeperInvalid("backup_exists", f"{file} exists, and a backup is never overwritten. Choose another name.")
    unfinished = file.with_name(f"{file.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    about: dict[str, Any] = {"format": FORMAT, "tables": {}}
    with store.transaction() as tx, open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")  # every table as at one moment
        about["migrations"] = dict(tx.execute("SELECT name, digest FROM migration ORDER BY name").fetchall())
        with tarfile.open(fileobj=out, mode="w") as archive:
            for table in _tables(tx):
                with tempfile.TemporaryFile(dir=file.parent) as copied:
                    about["tables"][table] = _copy_out(tx, table, copied)
                    _add(archive, table, copied, about["tables"][table]["bytes"])
            described = json.dumps(about, indent=1).encode()
            _add(archive, _ABOUT, io.BytesIO(described), len(described))
        out.flush()
        os.fsync(out.fileno())
    unfinished.rename(file)
    return {table: found["rows"] for table, found in about["tables"].items()}


def restore(store: Store, file: Path) -> dict[str, int]:
    """
    Put a backup into an empty database, all of it or nothing, and give the rows of each table.

    :raises KeeperInvalid: when the file is no whole backup, is of a newer program, or the database is not empty
    """
    with _opened(file) as (archive, about):
        for table, told in about["tables"].items():
            _check(archive, table, told)
        with store.transaction() as tx:
            if tx.execute("SELECT 1 FROM pg_class WHERE relname = 'migration' AND relkind = 'r'").fetchone():
                raise KeeperInvalid("not_empty", "The database holds a keeper already. Restore into an empty one.")
            migrate(store, names=about["migrations"], within=tx)
            _make_earlier(tx, about["tables"])
            for table in _tables(tx):
                _copy_in(tx, table, archive, about["tables"][table])
            for table in _OF_THE_MOMENT:  # who had logged out since the backup stays so; everybody logs in anew
                tx.execute(f"DELETE FROM {table}".encode())
            tx.execute("SELECT setval(pg_get_serial_sequence('vault.epoch', 'epoch'), (SELECT coalesce(max(epoch), 1) FROM vault.epoch))")
    return {table: told["rows"] for table, told in about["tables"].items()}


@contextmanager
def _opened(file: Path) -> Iterator[tuple[tarfile.TarFile, dict[str, Any]]]:
    try:
        with tarfile.open(file, mode="r:") as archive:
            member = archive.extractfile(_ABOUT)
            about = json.loads(member.read()) if member else {}
            if about.get("format") != FORMAT:
                raise KeyError
            yield archive, about
    except (OSError, tarfile.TarError, KeyError, ValueError, TypeError) as error:
        raise KeeperInvalid("backup_invalid", f"{file} is no whole backup of a keeper. Take another one.") from error


def _tables(tx: Connection) -> list[str]:
    """Give the keeper's tables, each after those that it refers to."""
    names = {
        row[0] for row in tx.execute("SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname ~ '^(vault|access|evidence(_[0-9]+)?)$'")
    }
    needs: dict[str, set[str]] = {name: set() for name in names}
    for table, other in tx.execute(_REFERENCES):
        if table in names and table != other:
            needs[table].add(other)
    ordered: list[str] = []
    while needs:
        ready = sorted(table for table, others in needs.items() if others <= set(ordered))
        ordered += ready
        for table in ready:
            del needs[table]
    return ordered


def _make_earlier(tx: Connection, tables: Iterable[str]) -> None:
    """Make the tables of logs that ended, which no migration makes."""
    for schema, table in sorted(name.split(".") for name in tables if re.fullmatch(r"evidence_[0-9]+\.[a-z_]+", name)):
        tx.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(schema)))
        tx.execute(SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(Identifier(schema, table), Identifier("evidence", table)))


def _copy_out(tx: Connection, table: str, to: Any) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    cursor = tx.cursor()
    with cursor.copy(SQL("COPY {} TO STDOUT (FORMAT BINARY)").format(Identifier(*table.split(".")))) as copy:
        for piece in copy:
            digest.update(piece)
            size += to.write(piece)
    to.seek(0)
    columns = [row[0] for row in tx.execute(_COLUMNS, table.split("."))]
    return {"rows": cursor.rowcount, "bytes": size, "sha256": digest.hexdigest(), "columns": columns}


def _copy_in(tx: Connection, table: str, archive: tarfile.TarFile, told: dict[str, Any]) -> None:
    name = Identifier(*table.split("."))
    tx.execute(SQL("DELETE FROM {} WHERE true").format(name)) if table == "evidence.head" else None  # the one row that a migration makes
    columns = SQL(", ").join(Identifier(column) for column in told["columns"])
    cursor = tx.cursor()
    with cursor.copy(SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(name, columns)) as copy:
        for piece in _pieces(archive, table):
            copy.write(piece)
    if cursor.rowcount != told["rows"]:
        raise KeeperInvalid("backup_invalid", f"{table} has {cursor.rowcount} rows in the backup, not {told['rows']}.")


def _check(archive: tarfile.TarFile, table: str, told: dict[str, Any]) -> None:
    digest = hashlib.sha256()
    for piece in _pieces(archive, table):
        digest.update(piece)
    if digest.hexdigest() != told["sha256"]:
        raise KeeperInvalid("backup_invalid", f"{table} was changed in the backup. Take another one.")


def _pieces(archive: tarfile.TarFile, table: str) -> Iterator[bytes]:
    member = archive.extractfile(table)
    while member and (piece := member.read(_PIECE_BYTES)):
        yield piece


def _add(archive: tarfile.TarFile, name: str, content: Any, size: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    archive.addfile(member, content)


_REFERENCES = """
SELECT c.conrelid::regclass::text, c.confrelid::regclass::text FROM pg_constraint c WHERE c.contype = 'f'
"""
_COLUMNS = """
SELECT attname FROM pg_attribute WHERE attrelid = (%s || '.' || %s)::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
