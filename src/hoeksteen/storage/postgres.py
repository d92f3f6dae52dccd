"""
The business database: a pool of connections and one kind of transaction.

Rooms receive a `Transaction`; only their private `_store` modules write SQL. Any PostgreSQL from version 15 will do.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import psycopg_pool
from psycopg.adapt import PyFormat, Transformer
from psycopg.rows import dict_row, tuple_row
from psycopg.types.array import ListDumper
from psycopg.types.json import Jsonb

from hoeksteen.kernel.errors import Conflict, Unavailable

Parameters = Sequence[Any] | Mapping[str, Any] | None
Row = dict[str, Any]
_NAMED = "hashtextextended(%s, 0)"  # the number of a name that is claimed


_LINES_AT_ONCE = 500  # of a COPY


def as_json(value: Any) -> Jsonb:
    """Wrap a value for a `jsonb` column."""
    return Jsonb(value)


class Transaction:
    """One open transaction: everything in it is committed together, or nothing is."""

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Parameters = None) -> int:
        """Run a statement and give the number of rows it touched."""
        return self._connection.execute(sql, parameters).rowcount

    @contextmanager
    def undone(self) -> Iterator["Transaction"]:
        """Undo what the block does when it ends."""
        with self._connection.transaction(force_rollback=True):
            yield self

    @contextmanager
    def part(self) -> Iterator[None]:
        """Undo what the block did if it raises, and nothing else of the transaction."""
        with self._connection.transaction():
            yield

    def execute_many(self, sql: str, parameters: Iterable[Sequence[Any] | Mapping[str, Any]]) -> None:
        """Run a statement once per row of parameters, pipelined."""
        with self._connection.cursor() as cursor:
            cursor.executemany(sql, parameters)

    def insert(self, table: str, values: Mapping[str, Any]) -> None:
        """
        Insert one row.

        :param table: schema-qualified; it and the names of the columns come from the code, never from input
        """
        self._connection.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(f'%({name})s' for name in values)})", values)

    def rows(self, sql: str, parameters: Parameters = None) -> list[Row]:
        """Give all rows of a query as dictionaries."""
        return self._connection.execute(sql, parameters).fetchall()

    def tuples(self, sql: str, parameters: Parameters = None) -> list[tuple[Any, ...]]:
        """Give all rows of a query as tuples, where there are so many that their names would cost time."""
        with self._connection.cursor(row_factory=tuple_row) as cursor:
            return cursor.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Parameters = None) -> Row | None:
        """Give the first row of a query, or None."""
        return self._connection.execute(sql, parameters).fetchone()

    def value(self, sql: str, parameters: Parameters = None) -> Any:
        """Give the first column of the first row of a query, or None."""
        found = self.row(sql, parameters)
        return None if found is None else next(iter(found.values()))

    def copy_in(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """
        Load rows with COPY, the fast way in.

        :param table: schema-qualified, from the code, never from input
        """
        count, lines = 0, []
        statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
        as_text = _AsText(self._connection)
        with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                lines.append("\t".join([as_text[type(value)](value) for value in row]))
                count += 1
                if count % _LINES_AT_ONCE == 0:
                    copy.write("\n".join(lines) + "\n")
                    lines = []
            if lines:
                copy.write("\n".join(lines) + "\n")
        return count

    def copy_out(self, query: str, parameters: Parameters = None) -> bytes:
        """Give a query's rows in PostgreSQL's binary COPY format, the fast way out of many rows of fixed width."""
        return b"".join(self._copied(f"COPY ({query}) TO STDOUT (FORMAT binary)", parameters))

    def copy_out_csv(self, query: str, parameters: Parameters = None) -> Iterator[bytes]:
        """Give a query's rows as CSV with a heading, piece by piece, so that any number of them passes in little memory."""
        return self._copied(f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)", parameters)

    def copy_out_text(self, query: str, parameters: Parameters = None) -> Iterator[bytes]:
        """Give a query's rows in PostgreSQL's text COPY format, which any version reads, piece by piece; each row ends with a newline."""
        return self._copied(f"COPY ({query}) TO STDOUT", parameters)

    def copy_in_text(self, table: str, pieces: Iterable[bytes], columns: Sequence[str] = ()) -> int:
        """
        Load what `copy_out_text` gave and say how many rows it was.

        :param columns: those that it has; all of the table's where none is named
        """
        with self._connection.cursor() as cursor:
            with cursor.copy(f"COPY {table} {'(' + ', '.join(columns) + ')' if columns else ''} FROM STDIN") as copy:
                for piece in pieces:
                    copy.write(piece)
            return cursor.rowcount

    def _copied(self, statement: str, parameters: Parameters) -> Iterator[bytes]:
        with self._connection.cursor() as cursor, cursor.copy(statement, parameters) as copy:
            for part in copy:
                yield bytes(part)

    def with_names_of(self, schema: str | None) -> psycopg.Connection[Row]:
        """
        Give the connection to a library whose statements name no schema, with the names of one schema; None gives the usual names back.

        :param schema: from the code, never from input
        """
        self._connection.execute(f"SET LOCAL search_path TO {schema or 'DEFAULT'}")
        return self._connection

    def claim(self, name: str) -> bool:
        """Claim a name until commit, and give whether it was free; `Database.claim` claims the same names."""
        return bool(self.value(f"SELECT pg_try_advisory_xact_lock({_NAMED})", (name,)))

    def wait_for(self, name: str) -> None:
        """Claim a name until commit, once whoever has claimed it is done."""
        self._connection.execute(f"SELECT pg_advisory_xact_lock({_NAMED})", (name,))

    def see_one_moment(self) -> None:
        """Let all that follows see the database as at one moment, and change nothing; must come first in a transaction."""
        self._connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

    def stream(self, sql: str, parameters: Parameters = None, *, at_once: int = 5_000) -> Iterator[Row]:
        """Give the rows of a query one after another, so that any number of them passes in little memory."""
        with self._connection.cursor(name="stream") as cursor:
            cursor.itersize = at_once
            cursor.execute(sql, parameters)
            yield from cursor


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)


_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


class _AsText(dict[type, Callable[[Any], str]]):
    """How COPY's text format writes a value of each type; those that come by the million directly, others as they are written into any statement."""

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        super().__init__()
        self.update({
            UUID: lambda value: f"{value.int:032x}", str: _escaped, int: str, bool: lambda value: "t" if value else "f", date: date.isoformat,
            datetime: datetime.isoformat, Decimal: str, bytes: lambda value: f"\\\\x{value.hex()}", type(None): lambda _: "\\N",
        })  # fmt: skip
        self._transformer = Transformer.from_context(connection)

    def __missing__(self, kind: type) -> Callable[[Any], str]:
        def write(value: Any) -> str:
            dumped = self._transformer.get_dumper(value, PyFormat.TEXT).dump(value)
            return "\\N" if dumped is None else _escaped(bytes(dumped).decode())

        self[kind] = write
        return write


class _Lists(ListDumper):
    """Write lists as parameters; those of thousands of identifiers, by which most statements ask, in a tenth of the time."""

    def dump(self, obj: list[Any]) -> Any:
        if obj and all(type(one) is UUID for one in obj):
            return f"{{{','.join([one.hex for one in obj])}}}".encode()
        return super().dump(obj)


def _configure(connection: psycopg.Connection[Row]) -> None:
    connection.adapters.register_dumper(list, _Lists)


class Database:
    """
    A pool of connections to one PostgreSQL.

    :param dsn: a libpq connection string; it holds no password (peer, a password file or SCRAM by environment)
    :raises Unavailable: when no connection can be had in `timeout_seconds`
    """

    def __init__(self, dsn: str, *, connections_max: int = 8, timeout_seconds: float = 10.0) -> None:
        self._dsn, self._connections_max, self._timeout_seconds = dsn, connections_max, timeout_seconds
        self._pool: psycopg_pool.ConnectionPool[psycopg.Connection[Row]] = psycopg_pool.ConnectionPool(
            dsn,
            min_size=1,
            max_size=connections_max,
            timeout=timeout_seconds,
            check=self._check,
            configure=_configure,
            kwargs={"row_factory": dict_row, "options": "-c timezone=UTC"},
            open=False,
        )

    def __enter__(self) -> "Database":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[object, ...]:
        """Another process that is given it opens connections of its own."""
        return partial(Database, self._dsn, connections_max=self._connections_max, timeout_seconds=self._timeout_seconds), ()

    def close(self) -> None:
        """Close every connection of the pool."""
        self._pool.close()

    def _check(self, connection: psycopg.Connection[Row]) -> None:
        """Look at a connection before it is used: after a restart of the database all of them are replaced at once, and no caller sees an error."""
        try:
            self._pool.check_connection(connection)
        except psycopg.Error:
            self._pool.check()  # the pool waits longer and longer between broken connections, so the others must not come one by one
            raise

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """
        Open a transaction that commits when the block ends, and rolls back when it raises.

        :raises Unavailable: when the database cannot be reached, is full, or asks for a retry
        :raises Conflict: when a uniqueness rule refuses a row
        """
        try:
            self._pool.open()
            with self._pool.connection() as connection:
                yield Transaction(connection)
        except psycopg_pool.PoolTimeout as error:
            raise Unavailable("The business database does not answer.", remedy="Run `hoeksteen status`, then `hoeksteen up`.") from error
        except psycopg.errors.UniqueViolation as error:
            raise Conflict(
                f"The database refuses a second row for {error.diag.constraint_name}.", remedy="Read the record again before changing it."
            ) from error
        except (psycopg.errors.DiskFull, psycopg.errors.OutOfMemory) as error:
            raise Unavailable(
                "The database has no room left; nothing of this batch was stored.", remedy="Free disk space and run the command again."
            ) from error
        except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected) as error:
            raise Unavailable("The database asks for a retry.", remedy="Run the same command again.") from error
        except psycopg.OperationalError as error:
            raise Unavailable("The business database broke the connection.", remedy="Run `hoeksteen status`, then the same command again.") from error

    @contextmanager
    def rehearsal(self) -> Iterator["Database"]:
        """
        Give a database like this one, of which nothing is left when the block ends: what looks like many transactions is one that is rolled back.

        Statements can tell by the setting `hoeksteen.rehearsal`: what a rollback does not take back, such as a number from a sequence, they leave.
        """
        with self.transaction() as tx, tx.undone() as inner:
            inner.execute("SELECT set_config('hoeksteen.rehearsal', 'on', true)")
            yield _Rehearsal(inner)

    @contextmanager
    def claim(self, name: str) -> Iterator[bool]:
        """
        Claim a name while the block runs, and give whether it was free: of all who claim it, one has it. Whoever dies gives it up.

        It takes a connection of its own, beside the pool's and in no transaction: a claim may be held for hours, and whoever holds one may need
        every connection of the pool.

        :raises Unavailable: when the database cannot be reached
        """
        with ExitStack() as opened:
            try:
                connection = opened.enter_context(
                    closing(psycopg.connect(self._dsn, autocommit=True, connect_timeout=max(2, int(self._timeout_seconds))))
                )  # fmt: skip
                connection.execute("SET idle_session_timeout = 0")
                [is_ours] = connection.execute(f"SELECT pg_try_advisory_lock({_NAMED})", (name,)).fetchone() or [False]
            except psycopg.OperationalError as error:
                raise Unavailable("The business database does not answer.", remedy="Run `hoeksteen status`, then `hoeksteen up`.") from error
            yield bool(is_ours)


class _Rehearsal(Database):
    """All transactions are parts of one that somebody else opened."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def close(self) -> None:
        """Leave the connection to whoever opened it."""

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with self._tx.part():
            yield self._tx
