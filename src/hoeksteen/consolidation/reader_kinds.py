"""The kinds of sources that a mapping may declare under `reader`, and what each of them has to say about itself."""

from typing import Literal

import msgspec

Rows = Literal["one", "many"]
DETECT = "detect"


class Csv(msgspec.Struct, tag="csv", tag_field="kind", forbid_unknown_fields=True, frozen=True):
    """
    Delimited text whose first line names the columns, which must be those of `columns`, in their order.

    :param encoding: what the legacy system writes, or `detect`
    :param quote: the quoting character, or none
    :param rows_per_record: `many`: adjacent rows with one key are one record with several products
    """

    encoding: str
    delimiter: str
    quote: str | None = None
    rows_per_record: Rows = "one"


class JsonLines(msgspec.Struct, tag="jsonl", tag_field="kind", forbid_unknown_fields=True, frozen=True):
    """One JSON object a line; nested columns are named with dots, lists are `children`."""

    encoding: str = "utf-8"


class Sqlite(msgspec.Struct, tag="sqlite", tag_field="kind", forbid_unknown_fields=True, frozen=True):
    """
    An SQLite file.

    :param tables: every table with all its columns, as they are expected
    :param query: gives one row per record, whose columns are those of `columns`
    """

    tables: dict[str, list[str]]
    query: str


class Excel(msgspec.Struct, tag="excel", tag_field="kind", forbid_unknown_fields=True, frozen=True):
    """
    A workbook (.xlsx), one row a record; lists are `children`, each a `sheet` of its own whose first column is the record's key.

    :param sheet: the sheet with the records; needed where the workbook has several
    :param header_row: the row that names the columns
    :param ignore_sheets: the other sheets, each with the reason why it is left behind
    :param hidden: a hidden sheet may be read
    :param rows_per_record: as in CSV
    """

    sheet: str | None = None
    header_row: int = 1
    ignore_sheets: dict[str, str] = {}
    hidden: bool = False
    rows_per_record: Rows = "one"


class Xml(msgspec.Struct, tag="xml", tag_field="kind", forbid_unknown_fields=True, frozen=True):
    """
    An XML document; nested columns are named with dots, attributes with `@`, and namespaces do not count.

    :param record: the path of a record from the root, as in `export/customers/customer`
    """

    record: str


class Parquet(msgspec.Struct, tag="parquet", tag_field="kind", forbid_unknown_fields=True, frozen=True):
    """A Parquet file; fields of a structure are named with dots, lists of structures are `children`."""

    rows_per_record: Rows = "one"


class DatabaseDsn(msgspec.Struct, tag="database", tag_field="kind", forbid_unknown_fields=True, frozen=True):
    """
    A database that is read where it stands: PostgreSQL, MySQL, MariaDB or SQLite.

    The input is its address (`postgresql://reader@host/crm`), or a file with that one line. A list has a `query` of its own, whose first
    column is the record's key.

    :param query: gives one row per record, whose columns are those of `columns`
    :param password_from: the environment variable that holds the password
    """

    query: str
    password_from: str | None = None


Reader = Csv | JsonLines | Sqlite | Excel | Xml | Parquet | DatabaseDsn
OF_ROWS = (Csv, Excel, Parquet)  # product columns may stand in the row itself
WITH_QUERIES = (Sqlite, DatabaseDsn)
ONE_TABLE = (Csv, JsonLines, Parquet)  # one file is one export
