"""
The keeper's own PostgreSQL: a pool of connections, and the migrations that run before anything is served.

The role `keeper` owns the database; no other role may connect. SQL stays as text where it is used.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from importlib import resources
from typing import Any

import psycopg
import psycopg_pool

from hoeksteen_keeper.errors import KeeperCorrupt, KeeperInvalid, KeeperUnavailable

Connection = psycopg.Connection[tuple[Any, ...]]
Parameters = Sequence[Any] | Mapping[str, Any]
_MIGRATION_LOCK = 0x4B4545504552  # any constant: the bytes of "KEEPER"
_CONNECTIONS_MAX = 30
_FOLDER = resources.files("hoeksteen_keeper").joinpath("store", "migrations")


class Store:
    """
    The keeper's database.

    :param dsn: a libpq connection string without a password (peer)
    :raises KeeperUnavailable: by its methods, when the database cannot be reached or is full
    """

    def __init__(self, dsn: str) -> None:
        def pool(options: str) -> psycopg_pool.ConnectionPool[Connection]:
            settings = {"options": f"-c timezone=UTC {options}", "autocommit": True}
            return psycopg_pool.ConnectionPool[Connection](dsn, min_size=1, max_size=_CONNECTIONS_MAX, timeout=10.0, kwargs=settings, open=False)

        self._dsn = dsn
        self._pool, self._counters = pool(""), pool("-c synchronous_commit=off")

    def open(self) -> None:
        """Open the connections."""
        require_admitted(self._dsn)
        self._pool.open()
        self._counters.open()

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()
        self._counters.close()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Open a transaction that commits when the block ends, and rolls back when it raises."""
        with _translated(), self._pool.connection() as connection, connection.transaction():
            yield connection

    def rows(self, sql: str, parameters: Parameters = (), *, durable: bool = True) -> list[tuple[Any, ...]]:
        """
        Give the rows of one statement, in one round trip: it commits by itself.

        :param durable: False for counters and the like, which the log can rebuild: the commit does not wait for the disk
        """
        with _translated(), (self._pool if durable else self._counters).connection() as connection:
            return connection.execute(sql.encode(), parameters, binary=True).fetchall()

    def row(self, sql: str, parameters: Parameters = ()) -> tuple[Any, ...] | None:
        """Give the first row of one statement, or None."""
        return next(iter(self.rows(sql, parameters)), None)


def require_admitted(dsn: str) -> None:
    """
    Fail at once where waiting for the database would not help; one that has not started yet may come.

    :raises KeeperUnavailable: `store_unreachable`, when the database turns this OS user away, or is not there
    :raises KeeperInvalid: `dsn_invalid`
    """
    try:
        psycopg.connect(dsn).close()
    except psycopg.OperationalError as error:
        said = str(error).rpartition("FATAL:")[2].strip()
        for sign, remedy in _REMEDIES.items():
            if sign in said:
                raise KeeperUnavailable("store_unreachable", f"{said}. {remedy}") from None
    except psycopg.ProgrammingError as error:
        raise KeeperInvalid("dsn_invalid", f"--dsn is no connection string: {str(error).strip()}.") from None


_REMEDIES = {
    "authentication failed": "Run this as the keeper's own OS user: `setpriv --reuid hoeksteen-keeper --regid hoeksteen-keeper --clear-groups`.",
    "does not exist": "Check --dsn.",
}


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except psycopg.DataError as error:
        raise KeeperInvalid("value_invalid", "A value cannot be stored: a zero character, or a number out of range.") from error
    except psycopg_pool.PoolTimeout as error:
        raise KeeperUnavailable("store_busy", "The keeper's database does not answer. Start it, or check --dsn.") from error
    except (psycopg.OperationalError, psycopg.errors.InsufficientResources) as error:
        raise KeeperUnavailable("store_unavailable", "The keeper's database cannot store or read now; nothing was disclosed.") from error


def statements(name: str) -> str:
    """Give the text of a migration."""
    return _FOLDER.joinpath(name).read_text("utf-8")


def migrate(store: Store, *, names: Collection[str] | None = None, within: Connection | None = None) -> list[str]:
    """
    Apply the migrations that are missing, each in a transaction of its own, and name them.

    :param names: of these alone, as for a backup that is older than the program
    :param within: the transaction to do it in, all of them together
    :raises KeeperCorrupt: when a migration changed after it was applied, or the schema is newer than this program
    """
    known = {entry.name: entry.read_text("utf-8") for entry in _FOLDER.iterdir() if entry.name.endswith(".sql")}
    with store.transaction() if within is None else nullcontext(within) as tx:
        tx.execute("SELECT pg_advisory_xact_lock(%s)", [_MIGRATION_LOCK])
        tx.execute(
            "CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY, digest text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        digests = dict(tx.execute("SELECT name, digest FROM migration").fetchall())
        if unknown := sorted((set(digests) | set(names or ())) - set(known)):
            raise KeeperCorrupt("schema_newer", f"The keeper's database or backup has a newer schema than this program: {unknown[0]}.")
        return [name for name in sorted(known if names is None else names) if _applied(tx, name, known[name], digests.get(name))]


def _applied(tx: Connection, name: str, text: str, before: str | None) -> bool:
    """Apply a migration that was not applied yet."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    if before is not None:
        if before != digest:
            raise KeeperCorrupt("migration_changed", f"Migration {name} was changed after it was applied.")
        return False
    with tx.transaction():
        tx.execute(text.encode())
        tx.execute("INSERT INTO migration (name, digest) VALUES (%s, %s)", (name, digest))
    return True
