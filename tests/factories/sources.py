"""One small legacy system as each kind of source: the same two customers, of which a test changes what it is about."""

import csv
import json
import sqlite3
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from hoeksteen.consolidation.mapping import Mapping, read_mapping

COLUMNS = ("KLANT", "NAAM", "GEBOREN", "TELEFOON", "CODE", "LIJN", "SINDS", "BEDRAG")
Row = dict[str, Any]
FIRST: Row = {
    "KLANT": "K1", "NAAM": "BERG VAN DEN J.M. DHR", "GEBOREN": "1960-07-04", "TELEFOON": "0612345677",
    "CODE": "A", "LIJN": "L1", "SINDS": "2019-03-01", "BEDRAG": "12.50",
}  # fmt: skip
SECOND: Row = {**FIRST, "KLANT": "K2", "NAAM": "ÖZTÜRK F. MEVR", "GEBOREN": "1981-03-05", "TELEFOON": "0612345673", "LIJN": "L2"}

MAPPING = """
source: old
title: Old system
trust: 1
key: KLANT
reader: {reader}
columns:
  KLANT: {{}}
  NAAM: {{to: name, required: no_name}}
  GEBOREN: {{to: birth_date, format: iso}}
  TELEFOON: {{to: phone}}
  CODE: {{to: product.offering, codes: {{A: fixed-basic}}}}
  LIJN: {{to: product.key, required: no_connection}}
  SINDS: {{to: product.start, format: iso}}
  BEDRAG: {{to: product.monthly}}
"""
NESTED = """
source: old
title: Old system
trust: 1
key: KLANT
reader: {reader}
columns:
  KLANT: {{}}
  NAAM: {{to: name, required: no_name}}
  GEBOREN: {{to: birth_date, format: iso}}
  TELEFOON: {{to: phone}}
children:
  lijnen:
    of: product
    {how}
    columns:
      CODE: {{to: offering, codes: {{A: fixed-basic}}}}
      LIJN: {{to: key, required: no_connection}}
      SINDS: {{to: start, format: iso}}
      BEDRAG: {{to: monthly}}
"""
OF_CUSTOMER, OF_LINE = COLUMNS[:4], COLUMNS[4:]


def mapping_of(folder: Path, kind: str, text: str | None = None) -> Mapping:
    """The mapping of this kind of source, or one as it stands."""
    file = folder / f"{kind}.yaml"
    file.write_text(text or MAPPINGS[kind], "utf-8")
    return read_mapping(file)


def write_csv(folder: Path, rows: Sequence[Row], header: Sequence[str] = COLUMNS) -> Path:
    file = folder / "old.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=";")
        writer.writerow(header)
        writer.writerows([row.get(name) for name in header] for row in rows)
    return file


def write_jsonl(folder: Path, rows: Sequence[Row], header: Sequence[str] = COLUMNS) -> Path:
    file = folder / "old.jsonl"
    lines = []
    for row in rows:
        line = {name: row.get(name) for name in header if name in OF_LINE}
        lines.append({**{name: row.get(name) for name in header if name not in OF_LINE}, "lijnen": [line]})
    file.write_text("".join(json.dumps(line, default=str) + "\n" for line in lines), "utf-8")
    return file


def write_xml(folder: Path, rows: Sequence[Row], header: Sequence[str] = COLUMNS) -> Path:
    file = folder / "old.xml"
    text = ["<?xml version='1.0' encoding='utf-8'?>\n<export><klanten>\n"]
    for row in rows:
        cells = {name: "" if row.get(name) is None else f"<{name}>{escape(str(row[name]))}</{name}>" for name in header}
        outer, inner = "".join(cells[name] for name in header if name not in OF_LINE), "".join(cells[name] for name in header if name in OF_LINE)
        text.append(f"<klant>{outer}<lijnen><lijn>{inner}</lijn></lijnen></klant>\n")
    file.write_text("".join([*text, "</klanten></export>\n"]), "utf-8")
    return file


def write_excel(folder: Path, rows: Sequence[Row], header: Sequence[str] = COLUMNS) -> Path:
    file = folder / "old.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Klanten"
    sheet.append(list(header))
    for row in rows:
        sheet.append([row.get(name) for name in header])
    book.save(file)
    return file


def write_parquet(folder: Path, rows: Sequence[Row], header: Sequence[str] = COLUMNS) -> Path:
    file = folder / "old.parquet"
    pq.write_table(pa.table({name: [row.get(name) for row in rows] for name in header}), file)
    return file


def write_sqlite(folder: Path, rows: Sequence[Row], header: Sequence[str] = COLUMNS) -> Path:
    file = folder / "old.sqlite"
    file.unlink(missing_ok=True)
    with sqlite3.connect(file) as connection:
        connection.execute(f"CREATE TABLE klant ({', '.join(name for name in header if name not in OF_LINE)})")
        connection.execute(f"CREATE TABLE lijn ({', '.join(['KLANT', *(name for name in header if name in OF_LINE)])})")
        for row in rows:
            _insert(connection, "klant", [row.get(name) for name in header if name not in OF_LINE])
            _insert(connection, "lijn", [row.get("KLANT"), *(row.get(name) for name in header if name in OF_LINE)])
    connection.close()
    return file


def write_dsn(folder: Path, rows: Sequence[Row], header: Sequence[str] = COLUMNS) -> Path:
    database = write_sqlite(folder, rows, header)
    file = folder / "old.dsn"
    file.write_text(f"sqlite://{database}\n")
    return file


def _insert(connection: sqlite3.Connection, table: str, values: list[Any]) -> None:
    connection.execute(
        f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", [str(one) if isinstance(one, Decimal | date) else one for one in values]
    )


WRITERS: dict[str, Callable[..., Path]] = {
    "csv": write_csv,
    "jsonl": write_jsonl,
    "xml": write_xml,
    "excel": write_excel,
    "parquet": write_parquet,
    "sqlite": write_sqlite,
    "database": write_dsn,
}
_QUERIES = "query: SELECT KLANT, CODE, LIJN, SINDS, BEDRAG FROM lijn ORDER BY rowid"
_TABLES = "tables: {klant: [KLANT, NAAM, GEBOREN, TELEFOON], lijn: [KLANT, CODE, LIJN, SINDS, BEDRAG]}"
MAPPINGS = {
    "csv": MAPPING.format(reader="{kind: csv, encoding: utf-8, delimiter: ';', quote: '\"'}"),
    "jsonl": NESTED.format(reader="{kind: jsonl}", how=""),
    "xml": NESTED.format(reader="{kind: xml, record: export/klanten/klant}", how="path: lijnen/lijn"),
    "excel": MAPPING.format(reader="{kind: excel}"),
    "parquet": MAPPING.format(reader="{kind: parquet}"),
    "sqlite": NESTED.format(reader=f"{{kind: sqlite, {_TABLES}, query: SELECT * FROM klant ORDER BY rowid}}", how=_QUERIES),
    "database": NESTED.format(reader="{kind: database, query: 'SELECT * FROM klant ORDER BY rowid'}", how=_QUERIES),
}
