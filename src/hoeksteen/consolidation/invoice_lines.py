"""
The lines of a legacy system's invoices, read by a mapping of their own, to be held against the lines of a bill run here.

What a line says in words is not read: it may hold a number or a name. Its place in the file leads back to it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import msgspec

from hoeksteen.consolidation import mapping as declared
from hoeksteen.consolidation.model import Finding
from hoeksteen.consolidation.pseudonyms import Pseudonyms
from hoeksteen.consolidation.reader_kinds import Csv, JsonLines
from hoeksteen.consolidation.readers import RawRecord, digest_of, read
from hoeksteen.consolidation.standardise.dates import FORMATS, day
from hoeksteen.consolidation.standardise.text import tidy
from hoeksteen.kernel.errors import Conflict, InvalidInput, NotFound
from hoeksteen.kernel.identifiers import derived
from hoeksteen.storage.yaml_text import NoYaml, read_yaml

TARGETS = {"invoice", "record", "product", "kind", "net", "vat", "period_from", "period_to"}
KINDS = ("recurring", "one_time", "usage", "discount")
_NEEDED = {"invoice", "record", "kind", "net"}
_AMOUNTS = {"point": re.compile(r"[+-]?\d{1,9}(\.\d{1,4})?"), "comma": re.compile(r"[+-]?\d{1,9}(,\d{1,4})?"), "cents": re.compile(r"[+-]?\d{1,12}")}
_REJECTED_PERCENT_MAX = 5
_REJECTED_FREELY_MAX = 20


class LinesMapping(msgspec.Struct, forbid_unknown_fields=True):
    """
    How the lines of invoices stand in a file: one row each.

    :param lines_of: the source whose records they are charged to, by the name in its own mapping
    :param columns: **every** column, in the file's order: `to` one of invoice, record, product, kind, net, vat, period_from, period_to; or `ignore`
    :param period_to_is_last: whether `period_to` is the last day itself, not the day after
    """

    lines_of: str
    reader: Csv | JsonLines
    columns: dict[str, declared.Column]
    period_to_is_last: bool = False
    file: Path = Path()

    def column(self, target: str) -> tuple[str, declared.Column] | None:
        """Give the column that leads to a target, or None."""
        return next(((name, column) for name, column in self.columns.items() if column.to == target), None)


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """
    One line of an invoice, theirs or ours.

    :param kind: recurring, one_time, usage or discount
    :param net: euros without VAT; `vat` None where it is not said
    :param first: the local day with which its period begins; `end` the day after its last
    :param place: `file:line`, or the number of the line on our bill
    :param why: what made it, by name: price, days, alteration
    """

    kind: str
    product_id: UUID | None
    net: Decimal
    vat: Decimal | None
    first: date | None
    end: date | None
    place: str
    why: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Invoices:
    """All lines of one file: by record, with the invoices that they stand on, and the rows that say nothing that can be used."""

    source: str
    digest: str
    lines: dict[UUID, list[InvoiceLine]] = field(default_factory=dict)
    invoices: set[bytes] = field(default_factory=set)
    rejected: list[Finding] = field(default_factory=list)


def read_lines_mapping(file: Path) -> LinesMapping:
    """
    Read and check the mapping of a file of invoice lines.

    :raises NotFound: when there is no such file
    :raises InvalidInput: naming the file and the field
    """
    try:
        mapping = msgspec.convert(read_yaml(file.read_text("utf-8")), LinesMapping)
    except FileNotFoundError as error:
        raise NotFound(f"There is no mapping file {file}.", remedy="Name the mapping of the invoice lines.") from error
    except (NoYaml, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise _wrong(file, str(error)) from error
    mapping.file = file
    leads = [column.to for column in mapping.columns.values() if column.to is not None]
    if unknown := sorted(set(leads) - TARGETS):
        raise _wrong(file, f"columns: {unknown[0]} is no target; known are {', '.join(sorted(TARGETS))}")
    if missing := sorted(_NEEDED - set(leads)):
        raise _wrong(file, f"columns: none leads to {', '.join(missing)}")
    if len(leads) != len(set(leads)):
        raise _wrong(file, "columns: two lead to the same target")
    for name, column in mapping.columns.items():
        if (column.to is None) == (column.ignore is None):
            raise _wrong(file, f"columns.{name}: needs either `to` (a target) or `ignore` (the reason why it is left out)")
        if column.to in ("period_from", "period_to") and column.format not in FORMATS:
            raise _wrong(file, f"columns.{name}.format: a day needs one of {', '.join(FORMATS)}")
        if column.to == "kind" and not set((column.codes or {"": ""}).values()) <= set(KINDS):
            raise _wrong(file, f"columns.{name}.codes: must lead to {', '.join(KINDS)}")
    return mapping


def _wrong(file: Path, what: str) -> InvalidInput:
    return InvalidInput(f"{file}: {what}.", remedy="Correct the mapping; docs/consolidation.md shows one.")


def read_invoices(*, mapping: LinesMapping, file: Path, pseudonyms: Pseudonyms) -> Invoices:
    """
    Read the lines of a legacy system's invoices, in memory.

    :raises InvalidInput: when the file is not what the mapping says, or so many rows are rejected that the mapping must be wrong
    :raises Conflict: when the file changed while it was read
    """
    found, total = Invoices(mapping.lines_of, digest_of(file)), 0
    for raw in _rows(mapping, file):
        total += 1
        line = _line(mapping, file, raw, pseudonyms)
        if isinstance(line, Finding):
            found.rejected.append(line)
            continue
        record_id, invoice, one = line
        found.lines.setdefault(record_id, []).append(one)
        found.invoices.add(invoice)
    if digest_of(file) != found.digest:
        raise Conflict(f"{file} changed while it was read.", remedy="Wait until it is written whole, then run this again.")
    if len(found.rejected) > max(_REJECTED_FREELY_MAX, total * _REJECTED_PERCENT_MAX // 100):
        first = found.rejected[0]
        raise InvalidInput(
            f"{first.place}, field {first.field}: {first.code}, and {len(found.rejected) - 1:,} more of {total:,} lines cannot be used.",
            remedy=f"Correct {mapping.file}: it does not fit this file.",
        )
    return found


def _rows(mapping: LinesMapping, file: Path) -> Iterator[RawRecord]:
    name, _ = mapping.column("invoice") or ("", None)
    as_records: dict[str, Any] = {"source": mapping.lines_of, "title": mapping.lines_of, "trust": 1, "reader": mapping.reader, "key": name}
    return read(mapping=declared.Mapping(**as_records, columns=dict(mapping.columns)), file=file)


def _line(mapping: LinesMapping, file: Path, raw: RawRecord, pseudonyms: Pseudonyms) -> tuple[UUID, bytes, InvoiceLine] | Finding:
    place = f"{file.name}:{raw.row}"
    if raw.fault is not None:
        return Finding(mapping.lines_of, place, *raw.fault)
    values: dict[str, Any] = {}
    for name, column in mapping.columns.items():
        if column.to is None:
            continue
        text = tidy(raw.values.get(name) or "") or (column.default or "")
        try:
            values[column.to] = _value(column, text)
        except ValueError as error:
            return Finding(mapping.lines_of, place, name, str(error))
    if faults := [target for target in sorted(_NEEDED) if values[target] in (None, "")]:
        name, _ = mapping.column(faults[0]) or ("", None)
        return Finding(mapping.lines_of, place, name, "blank")
    record_id = pseudonyms.record_id(mapping.lines_of, values["record"])
    product = values.get("product")
    end = values.get("period_to")
    one = InvoiceLine(
        kind=values["kind"],
        product_id=derived("product", str(record_id), product) if product else None,
        net=values["net"],
        vat=values.get("vat"),
        first=values.get("period_from"),
        end=date.fromordinal(end.toordinal() + 1) if end is not None and mapping.period_to_is_last else end,
        place=place,
    )
    return record_id, pseudonyms.digest([mapping.lines_of, values["invoice"]]), one


def _value(column: declared.Column, text: str) -> Any:
    kind: Literal["day", "amount", "code", "text"]
    kind = "day" if column.to in ("period_from", "period_to") else "amount" if column.to in ("net", "vat") else "code" if column.codes else "text"
    if not text or text in column.empty:
        return None
    if kind == "day":
        found = day(text, column.format or "")
        if found is None:
            raise ValueError("impossible_date")
        return found
    if kind == "amount":
        if _AMOUNTS[column.decimal].fullmatch(text) is None:
            raise ValueError("not_an_amount")
        amount = Decimal(text.replace(",", "."))
        return amount / 100 if column.decimal == "cents" else amount
    if kind == "code":
        if text not in (column.codes or {}):
            raise ValueError("unknown_kind" if column.to == "kind" else "unknown_code")
        return (column.codes or {})[text]
    if column.to == "kind" and text not in KINDS:
        raise ValueError("unknown_kind")
    return text
