"""Our SQL is written once, in DuckDB's words; here is what another engine calls the same."""

import sqlglot

# What SQLGlot leaves as it is.
_SPARK_WORDS = {"EPOCH_US(": "UNIX_MICROS("}


def for_spark(query: str) -> str:
    """Give a query in Spark's words; whole numbers are divided without leaving them there too (`DIV`)."""
    [text] = sqlglot.transpile(query, read="duckdb", write="spark")
    for ours, theirs in _SPARK_WORDS.items():
        text = text.replace(ours, theirs)
    return text
