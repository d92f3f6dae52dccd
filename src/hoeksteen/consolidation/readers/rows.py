"""Rows of a table become records: one row each, or the adjacent rows with one key."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from hoeksteen.consolidation.mapping import Mapping
from hoeksteen.consolidation.readers.raw import PRODUCT_ROWS, RawRecord, Values

Fault = tuple[str, str]


@dataclass(slots=True)
class Row:
    """One row of a table; without values where it cannot be read."""

    number: int
    key: str | None
    values: Values
    fault: Fault | None = None
    notes: list[tuple[str, str]] = field(default_factory=list)


def records_of(mapping: Mapping, rows: Iterator[Row], *, many: bool) -> Iterator[RawRecord]:
    """Give the records that rows make; product columns become entries of the record's list of rows."""
    products = mapping.row_columns
    belonging = [name for name in mapping.columns if name not in set(products)]
    current: RawRecord | None = None
    for row in rows:
        if current is not None and many and row.key and current.key == row.key:
            _joined(current, row, products, belonging)
            continue
        if current is not None:
            yield current
        current = RawRecord(row.key or None, row.number, row.values, {PRODUCT_ROWS: []}, row.fault, row.notes)
        if products and not row.fault:
            current.children[PRODUCT_ROWS].append((row.number, {name: row.values[name] for name in products}))
    if current is not None:
        yield current


def _joined(current: RawRecord, row: Row, products: list[str], belonging: list[str]) -> None:
    """Add another row of the same customer; what belongs to the customer must be the same in each."""
    current.notes += row.notes
    if row.fault or current.fault:
        current.fault = current.fault or row.fault
        return
    differing = next((name for name in belonging if row.values[name] != current.values[name]), None)
    if differing is not None:
        current.fault = (differing, "rows_differ")
    current.children[PRODUCT_ROWS].append((row.number, {name: row.values[name] for name in products}))
