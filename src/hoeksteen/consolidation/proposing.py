"""
A first mapping for an export that has none: its kind, its columns, and what their names and shapes suggest that they mean.

A proposal is a valid mapping that carries nothing over but what is plain; each guess says so beside itself, and a person decides.
"""

import csv
import re
import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml
from lxml import etree

from hoeksteen.consolidation.mapping import Mapping, mapping_of_text
from hoeksteen.consolidation.reader_kinds import DETECT, Csv, Excel, JsonLines
from hoeksteen.consolidation.readers.addresses import is_address
from hoeksteen.consolidation.readers.delimited import csv_columns
from hoeksteen.consolidation.readers.excel import excel_columns, sheets_of
from hoeksteen.consolidation.readers.json_lines import json_columns
from hoeksteen.consolidation.readers.parquet import parquet_columns
from hoeksteen.consolidation.readers.raw import opened
from hoeksteen.consolidation.readers.xml_records import xml_columns
from hoeksteen.kernel.errors import InvalidInput

_NOT_YET = "not mapped yet"
_ELEMENTS_MAX = 20_000
_HEAD_BYTES = 1 << 16
_UNKNOWN_XML = "source: x\ntitle: x\ntrust: 1\nkey: x\nreader: {{kind: xml, record: {record}}}\ncolumns: {{x: {{}}}}\n"
# what a heading must look like → the target; the first that fits and is not taken is proposed
_HINTS: tuple[tuple[str, str], ...] = (
    (r"^(account|klant|customer|client|deb).*(id|nr|num|no)|^(id|klantnr)$", "key"),
    (r"voorletter|initial", "initials"),
    (r"tussenv|^prefix|voorvoeg", "prefix"),
    (r"voorn|roepn|given|first.?name", "given_name"),
    (r"geboortena|meisjes|maiden", "maiden_name"),
    (r"bedrijf|company.?name|firma", "company_name"),
    (r"achtern|surname|family|last.?name", "family_name"),
    (r"^(volledige.?)?naam$|^name$", "name"),
    (r"geb.*(dat|dd)|birth|^dob$", "birth_date"),
    (r"e-?mail", "email"),
    (r"mobiel|tel(?!ler)|phone|gsm|contact_?phone", "phone"),
    (r"iban|rekening|bankrek", "iban"),
    (r"kvk|chamber", "chamber_of_commerce_number"),
    (r"postcode|^pc$|zip", "residential.postcode"),
    (r"huisn|house.?n|\.number$|^number$", "residential.house_number"),
    (r"toev|addition", "residential.addition"),
    (r"adres$|street.?line|address.?line", "residential.street_line"),
    (r"straat|street", "residential.street"),
    (r"plaats|woonpl|city|town", "residential.city"),
)  # fmt: skip
_NEEDS_MORE = {"birth_date": "format", "mandate_date": "format", "customer_since": "format"}


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed mapping, as text for its file, and read."""

    text: str
    mapping: Mapping


def propose(file: Path, *, formats: dict[str, str] | None = None, key: str | None = None) -> Proposal:
    """
    Propose a mapping for an export.

    :param formats: column → format of its days, where a profile saw one
    :param key: the column that names a record, where a profile saw which one does; else the likeliest by its name
    :raises NotFound: when there is no such file
    :raises InvalidInput: when nothing can be told of it
    """
    if is_address(file):
        raise InvalidInput(
            f"{file.name}: a database is read by queries, which nobody can guess.", remedy="Write a mapping with `kind: database` and --mapping."
        )
    reader, columns = _reader(file)
    names = columns.pop("")
    if not names:
        raise InvalidInput(f"{file} has no columns.", remedy="Export it again, with a line of headings.")
    known = formats or {}
    targets = _targets(names, known)
    key = key or next((name for name, target in targets.items() if target == "key"), names[0])
    content: dict[str, Any] = {"source": _identifier(file.stem), "title": file.stem[:60], "trust": 9, "match": False, "key": key, "reader": reader}
    content["columns"] = {name: _declared(name, key, targets.get(name), known) for name in names}
    children = {name: of for name, of in columns.items() if of}
    if children:
        content["children"] = {
            name: {"of": "address", **_where(reader, name), "columns": {one: {"ignore": _NOT_YET} for one in of}} for name, of in children.items()
        }
    body = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=150, default_flow_style=None)
    text = f"# A proposal, from names and shapes alone: check each line, say what each `{_NOT_YET}` is, then set trust and `match: true`.\n{body}"
    return Proposal(text, mapping_of_text(text, Path("proposal.yaml")))


def _declared(name: str, key: str, target: str | None, formats: dict[str, str]) -> dict[str, str]:
    if name == key:
        return {}
    if target is None or target == "key":
        return {"ignore": _NOT_YET}
    return {"to": target, **({"format": formats[name]} if target in _NEEDS_MORE else {})}


def _targets(names: list[str], formats: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names:
        for pattern, target in _HINTS:
            several = target in ("phone", "email")
            if (
                re.search(pattern, name, re.IGNORECASE)
                and (several or target not in found.values())
                and (target not in _NEEDS_MORE or name in formats)
            ):
                found[name] = target
                break
    if "residential.street_line" in found.values() and "residential.street" in found.values():
        found = {name: target for name, target in found.items() if target != "residential.street_line"}
    return found


def _identifier(stem: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")[:40] or "export"


def _where(reader: dict[str, Any], name: str) -> dict[str, str]:
    return {"path": name.replace(".", "/")} if reader["kind"] == "xml" else {}


def _reader(file: Path) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Tell the kind of a file from its first bytes, and give it with its columns."""
    with opened(file) as stream:
        head = stream.read(_HEAD_BYTES)
    if head.startswith(b"SQLite format 3\x00"):
        return _sqlite(file)
    if head.startswith(b"PAR1"):
        return {"kind": "parquet"}, parquet_columns(file)
    if head.startswith(b"PK\x03\x04"):
        return _excel(file)
    text = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    if text.startswith(b"<"):
        return _xml(file)
    if text.startswith(b"{"):
        return {"kind": "jsonl", "encoding": DETECT}, json_columns(JsonLines(DETECT), file, [])
    if not head:
        raise InvalidInput(f"{file} is empty.", remedy="Export it again.")
    delimiter, quoted = _delimiter(head, file)
    declared = {"kind": "csv", "encoding": DETECT, "delimiter": delimiter, **({"quote": '"'} if quoted else {})}
    return declared, {"": csv_columns(Csv(DETECT, delimiter, '"' if quoted else None), file)}


def _delimiter(head: bytes, file: Path) -> tuple[str, bool]:
    lines = head.decode("latin-1").splitlines()[:50]
    lines = lines[:-1] if len(lines) > 1 and len(head) == _HEAD_BYTES else lines
    best: tuple[int, str] = (0, "")
    for delimiter in (";", "\t", "|", ","):
        widths = Counter(len(next(csv.reader([line], delimiter=delimiter), [])) for line in lines)
        width, _ = widths.most_common(1)[0]
        best = max(best, (width, delimiter) if widths[width] * 10 >= len(lines) * 9 else (0, ""), key=lambda one: one[0])
    if best[0] < 2:
        raise InvalidInput(
            f"{file}: no character divides its lines into the same number of columns.", remedy="Write a mapping for it, with --mapping."
        )
    return best[1], any('"' in line for line in lines)


def _excel(file: Path) -> tuple[dict[str, Any], dict[str, list[str]]]:
    sheets = sheets_of(file)
    first = next((sheet for sheet in sheets if not sheet.hidden), sheets[0] if sheets else None)
    if first is None:
        raise InvalidInput(f"{file} has no sheets.", remedy="Export it again.")
    others = {sheet.name: _NOT_YET for sheet in sheets if sheet != first}
    reader: dict[str, Any] = {
        "kind": "excel",
        "sheet": first.name,
        **({"ignore_sheets": others} if others else {}),
        **({"hidden": True} if first.hidden else {}),
    }
    unknown = mapping_of_text(_UNKNOWN_XML.format(record="x"), Path("proposal.yaml"))
    return reader, excel_columns(unknown, Excel(first.name, hidden=True), file)


def _xml(file: Path) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The records are the elements of which there are most, nearest to the root."""
    counts: Counter[str] = Counter()
    names = list[str]()
    with opened(file) as stream:
        try:
            for number, (event, element) in enumerate(
                etree.iterparse(stream, events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
            ):
                if not isinstance(element.tag, str):
                    continue
                if event == "start":
                    names.append(etree.QName(element).localname)
                    counts["/".join(names)] += 1
                else:
                    names.pop()
                    element.clear()
                if number > _ELEMENTS_MAX:
                    break
        except etree.XMLSyntaxError as error:
            raise InvalidInput(f"{file} is no well-formed XML.", remedy="Export it again.") from error
    several = [path for path, count in counts.items() if count > 1] or list(counts)
    record = min(several, key=lambda path: (path.count("/"), -counts[path]))
    mapping = mapping_of_text(_UNKNOWN_XML.format(record=record), Path("proposal.yaml"))
    return {"kind": "xml", "record": record}, {"": xml_columns(mapping, mapping.reader, file)[""]}  # type: ignore[arg-type]  # made an Xml by the lines above


def _sqlite(file: Path) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The records are the rows of the table with the most text columns."""
    connection = sqlite3.connect(f"file:{quote(str(file.absolute()))}?mode=ro", uri=True)
    try:
        found = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'")]
        tables = {name: [row[1] for row in connection.execute(f'PRAGMA table_info("{name.replace(chr(34), chr(34) * 2)}")')] for name in found}
    except sqlite3.DatabaseError as error:
        raise InvalidInput(f"{file} cannot be read as SQLite: {error}.", remedy="Export or copy it again.") from error
    finally:
        connection.close()
    if not tables:
        raise InvalidInput(f"{file} has no tables.", remedy="Export it again.")
    widest = max(tables, key=lambda name: len(tables[name]))
    query = 'SELECT * FROM "{}"'.format(widest.replace('"', '""'))
    return {"kind": "sqlite", "tables": tables, "query": query}, {"": tables[widest]}
