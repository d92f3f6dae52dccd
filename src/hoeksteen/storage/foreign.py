"""
Databases of somebody else, read only: PostgreSQL, MySQL, MariaDB and SQLite, for bringing their rows in.

One connection, one transaction that can write nothing, and one snapshot, so that nothing moves while it is read; rows come a block at a time.
No message holds a password, a query's parameters or a value.
"""

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any
from urllib.parse import quote

import sqlalchemy
from sqlalchemy import exc
from sqlalchemy.pool import NullPool

from hoeksteen.kernel.errors import InvalidInput, Unavailable

_BLOCK_ROWS = 2_000
_TIMEOUT_SECONDS = 10
_DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "mariadb": "mysql+pymysql", "sqlite": "sqlite+pysqlite"}
# each says itself that it is read only, so that not even a function that a query calls may write
_BEGIN = {
    "postgresql": ("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "SET LOCAL TIME ZONE 'UTC'"),
    "mysql": (
        "SET SESSION time_zone = '+00:00'", "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    ),
    "sqlite": ("PRAGMA query_only = ON", "BEGIN"),
}  # fmt: skip


class Rows:
    """
    The rows of a query, each a tuple; they are fetched while they are asked for.

    :ivar columns: the names that the query gives
    """

    def __init__(self, result: Any, told: Callable[[exc.SQLAlchemyError, str], Exception], where: str) -> None:
        self._result, self._told, self._where = result, told, where
        self.columns: list[str] = list(result.keys())

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        try:
            for block in self._result.partitions(_BLOCK_ROWS):
                yield from (tuple(row) for row in block)
        except exc.SQLAlchemyError as error:
            raise self._told(error, self._where) from None
        finally:
            self._result.close()

    def close(self) -> list[str]:
        """Leave the rows unread and give their columns."""
        self._result.close()
        return self.columns


class Foreign:
    """
    An open database of somebody else.

    :ivar name: how messages name it: the kind, the host and the database
    """

    def __init__(self, engine: sqlalchemy.Engine, scheme: str, name: str) -> None:
        self.name, self._scheme, self._engine = name, scheme, engine
        self._connection: sqlalchemy.Connection | None = None

    def __enter__(self) -> "Foreign":
        try:
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")  # the transaction is begun by hand, below
            self._connection = connection
            for statement in _BEGIN["mysql" if self._scheme == "mariadb" else self._scheme]:
                connection.exec_driver_sql(statement)
        except exc.SQLAlchemyError as error:
            self._close()
            raise self._fault(error, "") from None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()  # closes it for good: a stream that was left half-read is not read on
            self._connection.close()
            self._connection = None
        self._engine.dispose()

    def query(self, sql: str, where: str) -> Rows:
        """
        Begin to read a query.

        :param where: how messages name it, such as `reader.query`
        :raises InvalidInput: when it is no query, or reads what is not there
        :raises Unavailable: when the database goes away
        """
        assert self._connection is not None  # within its context
        try:
            result = self._connection.execution_options(stream_results=True, max_row_buffer=_BLOCK_ROWS).exec_driver_sql(sql)
        except exc.SQLAlchemyError as error:
            raise self._fault(error, where) from None
        if not result.returns_rows:
            raise InvalidInput(f"{self.name}, {where}: this statement gives no rows.", remedy="Write one SELECT in the mapping.")
        return Rows(result, self._fault, where)

    def _fault(self, error: exc.SQLAlchemyError, where: str) -> Exception:
        """Give our error for one of the database's, with its code alone: its words may repeat values, or the user's name."""
        original = getattr(error, "orig", None)
        state = getattr(original, "sqlstate", None) or (
            original.args[0] if original is not None and original.args and isinstance(original.args[0], int) else None
        )
        code = f" (its code is {state})" if state else ""
        if not where:
            return Unavailable(
                f"{self.name} does not let this program in{code}.", remedy="Check host, port, database, user and the password's environment variable."
            )
        if getattr(error, "connection_invalidated", False) or isinstance(error, exc.OperationalError) and self._scheme != "sqlite" and state is None:
            return Unavailable(f"{self.name} went away while {where} was read{code}.", remedy="Run this again; nothing was loaded.")
        return InvalidInput(
            f"{self.name}, {where}: the database refuses this query{code}.",
            remedy="Write one SELECT that its user may run; try it in the database's own client.",
        )


def read_only(*, scheme: str, address: str, password: str | None) -> Foreign:
    """
    Give a database of somebody else, to be opened as a context.

    :param scheme: postgresql, mysql, mariadb or sqlite
    :param address: what follows the scheme, `reader@host:5432/crm`; of SQLite the path of its file
    :raises InvalidInput: when the address cannot be read
    """
    if scheme == "sqlite":
        url = f"sqlite+pysqlite:///file:{quote('/' + address)}?mode=ro&uri=true"
        return Foreign(sqlalchemy.create_engine(url, poolclass=NullPool), scheme, f"sqlite {address.rpartition('/')[2]}")
    try:
        parsed = sqlalchemy.make_url(f"{_DRIVERS[scheme]}://{address}")
        if password is not None:
            parsed = parsed.set(password=password)
        options: dict[str, Any] = {"connect_timeout": _TIMEOUT_SECONDS}
        if scheme != "postgresql":
            options |= {"charset": "utf8mb4", "local_infile": False}
        engine = sqlalchemy.create_engine(parsed, poolclass=NullPool, hide_parameters=True, connect_args=options)
    except (exc.SQLAlchemyError, ValueError, TypeError):
        raise InvalidInput("The address of the database cannot be read.", remedy=f"Write it as {scheme}://reader@host:port/database.") from None
    return Foreign(engine, scheme, f"{scheme} {parsed.host or 'socket'}/{parsed.database or ''}")
