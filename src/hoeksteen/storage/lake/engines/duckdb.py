"""
DuckDB as the lake's engine on one machine: the only module that knows it.

Sessions are in UTC (`date_trunc` in a local zone is wrong in the night the clock goes back), read text as text, and
load no extension from the network.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from hoeksteen.kernel.errors import Corrupt, Unavailable
from hoeksteen.storage.lake.tables import LakeTable

MEMORY_BYTES_DEFAULT = 4 * 1024**3


class NoMemory(Unavailable):
    """The engine may not hold what this batch needs; the same batch will fail again."""


class Duck:
    """
    One DuckDB database in memory.

    :param threads: worker threads
    :param memory_bytes_max: what it may hold before it spills, or fails where it may not
    :param ordered: whether tables made of a query keep the order of its rows; without it they are made faster, in stretches of that order
    :param spill: where it may put intermediate results on disk; None where they hold personal data
    """

    def __init__(self, *, threads: int = 2, memory_bytes_max: int = MEMORY_BYTES_DEFAULT, spill: Path | None = None, ordered: bool = True) -> None:
        self._connection = duckdb.connect(
            ":memory:",
            config={
                "threads": threads,
                "memory_limit": f"{memory_bytes_max}B",
                "temp_directory": "" if spill is None else str(spill),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )
        self._settle()
        self._connection.execute(f"SET preserve_insertion_order = {str(ordered).lower()}")

    def _settle(self) -> None:
        self._connection.execute("SET TimeZone = 'UTC'")
        self._connection.execute("SET enable_progress_bar = false")

    def __enter__(self) -> "Duck":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def close(self) -> None:
        """Release the database's memory."""
        self._connection.close()

    def beside(self) -> "Duck":
        """Give a second connection to this database for another thread; closing it leaves the database and its tables."""
        other = Duck.__new__(Duck)
        other._connection = self._connection.cursor()
        other._settle()
        return other

    @property
    def connection(self) -> Any:
        """DuckDB's own connection, for libraries that compute on one themselves."""
        return self._connection

    def execute(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None) -> None:
        """Run a statement to its end."""
        self._run(sql, parameters)

    def rows(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Give all rows of a query as dictionaries."""
        found = self._run(sql, parameters)
        names = [column[0] for column in self._connection.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found]

    def tuples(self, sql: str) -> list[tuple[Any, ...]]:
        """Give all rows of a query as tuples, for millions of them."""
        return self._run(sql)

    def value(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None) -> Any:
        """Give the first column of the first row, or None."""
        found = self._run(sql, parameters)
        return found[0][0] if found else None

    def arrow(self, sql: str) -> pa.Table:
        """Give a query's result as an Arrow table."""
        with _as_our_errors():
            return self._connection.sql(sql).to_arrow_table()

    def put(self, name: str, table: pa.Table) -> None:
        """Copy an Arrow table into a table of this database, replacing it."""
        self._connection.register("incoming", table)
        try:
            self._run(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM incoming")
        finally:
            self._connection.unregister("incoming")

    def view_of_files(self, name: str, table: LakeTable, files: Sequence[str]) -> None:
        """Make a view over a lake table's Parquet files; without files it has the columns and no rows."""
        empty = "SELECT " + ", ".join(f"NULL::{_DUCK_TYPES[kind]} AS {column}" for column, kind in table.columns) + " WHERE false"
        if not files:
            self._run(f"CREATE OR REPLACE VIEW {name} AS {empty}")
            return
        listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
        columns = ", ".join(table.column_names)
        read = f"FROM read_parquet([{listed}], hive_partitioning = false, union_by_name = {bool(table.added)})"
        if table.added:
            read = f"FROM (SELECT * {read} UNION ALL BY NAME {empty})"
        self._run(f"CREATE OR REPLACE VIEW {name} AS SELECT {columns} {read}")

    def write_parquet(self, table: LakeTable, query: str, folder: Path) -> list[Path]:
        """
        Write a query's rows as Parquet files of a lake table, at least one file per partition, each sorted.

        :param query: gives the table's columns, by name
        """
        keys = ", ".join(table.partition)
        self._run(f"CREATE OR REPLACE TABLE outgoing AS SELECT {_typed(table)} FROM ({query}) ORDER BY {', '.join((*table.partition, *table.sort))}")
        files: list[Path] = []
        if not table.partition:
            files.append(folder / "all.parquet")
            self._run(f"COPY outgoing TO '{files[0]}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)")
            return files
        for row in self.rows(f"SELECT DISTINCT {keys} FROM outgoing ORDER BY {keys}"):
            file = folder / ("-".join(str(row[key]) for key in table.partition) + ".parquet")
            same = " AND ".join(f"{key} = {int(row[key])}" for key in table.partition)
            self._run(f"COPY (SELECT * FROM outgoing WHERE {same}) TO '{file}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)")
            files.append(file)
        self._run("DROP TABLE outgoing")
        return files

    def write_partition(self, table: LakeTable, query: str, file: Path) -> list[Path]:
        """
        Write a query's rows, all of one partition, as one Parquet file in the order in which they come; no file without rows.

        Nothing is sorted, and little is compressed: for millions of narrow rows a second.

        :param query: gives the table's columns, by name
        """
        # Columns of many values are written plainly at once, instead of after a dictionary of each was tried.
        options = "FORMAT parquet, COMPRESSION snappy, PARQUET_VERSION v2, DICTIONARY_SIZE_LIMIT 1000"
        written = self._run(f"COPY (SELECT {_typed(table)} FROM ({query})) TO '{file}' ({options})")[0][0]
        if not written:
            file.unlink()
        return [file] if written else []

    def _run(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        with _as_our_errors():
            return self._connection.execute(sql, parameters).fetchall()


@contextmanager
def _as_our_errors() -> Iterator[None]:
    try:
        yield
    except duckdb.IOException:
        raise Unavailable("The engine cannot read or write a file of the lake.", remedy="Check disk space and run it again.") from None
    except duckdb.OutOfMemoryException:
        raise NoMemory("The engine has no memory left for this batch.", remedy="Split the file, or give it more memory.") from None
    except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException):
        raise  # these speak of the statement, which is our own text
    except duckdb.Error as error:
        # Its own message, which a traceback would print, may show the value that it could not use: a line of a file, a number.
        raise Corrupt(
            f"The engine cannot carry out a statement: {type(error).__name__}{_place(str(error))}.",
            remedy="Stop, keep the data directory and the file, and report it.",
        ) from None


def _typed(table: LakeTable) -> str:
    return ", ".join(f"CAST({column} AS {_DUCK_TYPES[kind]}) AS {column}" for column, kind in table.columns)


def _place(message: str) -> str:
    """Give the line and the column that a message names, and nothing else of it."""
    found = [f", {what.lower()} {number}" for what, number in re.findall(r"\b(Line|Column)(?: Number)?: ?(\d{1,12})\b", message, re.IGNORECASE)]
    return "".join(dict.fromkeys(found[:2]))


_DUCK_TYPES = {
    "uuid": "UUID", "int": "INTEGER", "long": "BIGINT", "string": "VARCHAR", "timestamptz": "TIMESTAMPTZ", "date": "DATE", "binary": "BLOB",
}  # fmt: skip
