"""
Spark as the lake's engine on a cluster, here on this machine alone: the only module that knows it.

Identifiers are text: Spark has no type for them, and their order as text is their order as numbers. Whole numbers that overflow are an error.
"""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession

from hoeksteen.storage.lake.engines.sql import for_spark

_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.enabled": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}


class Spark:
    """
    One local Spark session; starting it takes many seconds.

    :param spill: where tables that are made of a query lie until the session ends
    :param settings: of Spark, beside ours, by their names there
    """

    def __init__(self, *, spill: Path, threads: int = 2, settings: Mapping[str, str] | None = None) -> None:
        self._spill, self._made = spill, 0
        builder = SparkSession.builder.master(f"local[{threads}]").appName("hoeksteen")
        for name, value in {**(settings or {}), **_SETTINGS}.items():
            builder = builder.config(name, value)
        self._session = builder.getOrCreate()
        self._session.sparkContext.setLogLevel("ERROR")

    def __enter__(self) -> "Spark":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._session.stop()

    def put(self, name: str, table: pa.Table) -> None:
        """Make a table of an Arrow table, replacing it."""
        self._session.createDataFrame(_as_text(table)).createOrReplaceTempView(name)

    def make(self, kind: str, name: str, query: str) -> None:
        """Make a `table`, computed once and kept, or a `view` of a query in DuckDB's words."""
        made = self._session.sql(for_spark(query))
        if kind == "table":
            self._made += 1
            folder = str(self._spill / f"{name}-{self._made}")
            made.write.parquet(folder)
            made = self._session.read.parquet(folder)
        made.createOrReplaceTempView(name)

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Give all rows of a query in DuckDB's words as dictionaries."""
        return [row.asDict() for row in self._session.sql(for_spark(query)).collect()]


def _as_text(table: pa.Table) -> pa.Table:
    """Turn identifiers into text; all other types are known to both."""
    for place, field in enumerate(table.schema):
        if field.type == pa.uuid():
            values = [None if value is None else str(value) for value in table.column(place).to_pylist()]
            table = table.set_column(place, field.name, pa.array(values, pa.string()))
    return table
