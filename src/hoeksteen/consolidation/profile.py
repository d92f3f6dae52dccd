"""
What an export looks like, column by column, before anything is loaded: filled, distinct, shapes, and what looks wrong.

Values are personal data and are never shown; a shape is (digits become 9, letters A), and so is a code that the mapping declares.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from hoeksteen.consolidation.list_prices import distribution, estimate
from hoeksteen.consolidation.mapping import Column, Mapping, read_mapping
from hoeksteen.consolidation.model import Source
from hoeksteen.consolidation.pseudonyms import KEY_BYTES, Pseudonyms
from hoeksteen.consolidation.readers import PRODUCT_ROWS, RawRecord, read
from hoeksteen.consolidation.translate import extract

SHAPES_MAX = 3
CODES_MAX = 8
_SHAPE_LENGTH_MAX = 24
_ONE_VALUE_SHARE = 0.05
_ONE_VALUE_ROWS_MIN = 20
_DAMAGE = re.compile(r"^[+-]?\d+\.0$|^\d(?:[.,]\d+)?E\+?\d+$", re.IGNORECASE)
_MIDNIGHT = re.compile(r"T2[23]:00:00Z$")
_KINDS = (
    ("whole number", re.compile(r"^-?\d+$")),
    ("decimal", re.compile(r"^-?\d+[.,]\d+$")),
    ("instant", re.compile(r"^\d{4}-\d\d-\d\dT")),
    ("day", re.compile(r"^\d{4}-\d\d-\d\d$|^\d\d?-\d\d?-\d{4}$")),
)


@dataclass(slots=True)
class ColumnProfile:
    """
    One column of an export.

    :param kind: what nine in ten of its values look like
    :param shapes: the most frequent shapes, or declared codes, with how often
    :param suspicions: what looks wrong, with how often
    """

    name: str
    target: str
    rows: int = 0
    filled: int = 0
    distinct: int = 0
    kind: str = ""
    shapes: list[tuple[str, int]] = field(default_factory=list)
    suspicions: list[tuple[str, int]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Give the profile as figures."""
        return {
            "name": self.name,
            "target": self.target,
            "rows": self.rows,
            "filled": self.filled,
            "distinct": self.distinct,
            "kind": self.kind,
            "shapes": dict(self.shapes),
            "suspicions": dict(self.suspicions),
        }


@dataclass(frozen=True, slots=True)
class Profile:
    """
    One export.

    :param distributions: by name, minimum, percentiles and maximum in euros
    """

    source: str
    records: int
    rejected: int
    columns: tuple[ColumnProfile, ...]
    distributions: dict[str, dict[str, str]]

    def as_json(self) -> dict[str, Any]:
        """Give the profile as figures."""
        return {
            "source": self.source,
            "records": self.records,
            "rejected": self.rejected,
            "columns": [column.as_json() for column in self.columns],
            "distributions": self.distributions,
        }


def profile(*, source: Source, today: date, cutover: date) -> Profile:
    """
    Profile an export by its mapping; nothing is loaded, and nothing is kept.

    :param cutover: from which tenure is counted back
    :raises InvalidInput: when the mapping is wrong, or the file is not what it says; the message names file, line and field
    """
    mapping = read_mapping(source.mapping)
    values: dict[str, Counter[str]] = {}
    rows: Counter[str] = Counter()
    for raw in read(mapping=mapping, file=source.input):
        for name, value in _cells(raw):
            rows[name] += 1
            values.setdefault(name, Counter())
            if value is not None and value.strip():
                values[name][value] += 1
    found = extract(source=source, mapping=mapping, pseudonyms=Pseudonyms(bytes(KEY_BYTES)), today=today, cutover=cutover, plausible_only=False)
    faults: dict[str, Counter[str]] = {}
    for finding in [*found.findings, *(entry.finding for entry in found.rejected)]:
        faults.setdefault(finding.field, Counter())[finding.code] += 1
    columns = tuple(
        _column(name, column, values.get(path, Counter()), rows[path], faults.get(name, Counter()), is_key=path == mapping.key)
        for path, name, column in _declared(mapping)
    )
    return Profile(mapping.source, len(found.records) + len(found.rejected), len(found.rejected), columns, _distributions(found.records, mapping))


def _distributions(records: Any, mapping: Mapping) -> dict[str, dict[str, str]]:
    """How far a source's total is from tenure times charge, and its charges from the list prices that would be estimated."""
    if mapping.services is None or not records:
        return {}
    charges = [record.charges for record in records if record.charges is not None]
    return {
        "total less tenure × charge": distribution([one.total - one.monthly * one.tenure_months for one in charges if one.total is not None]),
        mapping.services.adjustment_name: distribution(estimate(records=records, mapping=mapping).adjustments),
    }


def _declared(mapping: Mapping) -> Iterator[tuple[str, str, Column]]:
    """Each column as (path in a record, name in the mapping, what it means)."""
    for name, column in mapping.record_columns.items():
        yield name, name, column
    for list_name, child in mapping.lists.items():
        for name, column in child.columns.items():
            yield f"{list_name}.{name}", name, column


def _cells(raw: RawRecord) -> Iterator[tuple[str, str | None]]:
    rows = raw.children.get(PRODUCT_ROWS, [])
    of_products = set(rows[0][1]) if rows else set()
    for name, value in raw.values.items():
        if name not in of_products:
            yield name, value
    for list_name, entries in raw.children.items():
        for _, entry in entries:
            for name, value in entry.items():
                yield name if list_name == PRODUCT_ROWS else f"{list_name}.{name}", value


def _column(name: str, column: Column, values: Counter[str], rows: int, faults: Counter[str], *, is_key: bool) -> ColumnProfile:
    filled = sum(values.values())
    target = "key" if is_key else column.to or "(left behind)"
    shapes: Counter[str] = Counter()
    for value, count in values.items():
        shapes[value if column.codes is not None and value in column.codes else _shape(value)] += count
    return ColumnProfile(
        name=name,
        target=target,
        rows=rows,
        filled=filled,
        distinct=len(values),
        kind=_kind(values, filled),
        shapes=shapes.most_common(CODES_MAX if column.codes is not None else SHAPES_MAX),
        suspicions=[*_suspicions(column, values, filled, is_key=is_key), *faults.most_common()],
    )


def _shape(value: str) -> str:
    shape = "".join("9" if letter.isdigit() else "A" if letter.isalpha() else letter for letter in value[: _SHAPE_LENGTH_MAX + 1])
    return shape if len(shape) <= _SHAPE_LENGTH_MAX else shape[:_SHAPE_LENGTH_MAX] + "…"


def _kind(values: Counter[str], filled: int) -> str:
    if not filled:
        return "empty"
    for name, pattern in _KINDS:
        if sum(count for value, count in values.items() if pattern.match(value)) >= 0.9 * filled:
            return name
    return "text"


def _suspicions(column: Column, values: Counter[str], filled: int, *, is_key: bool) -> Iterator[tuple[str, int]]:
    damaged = sum(count for value, count in values.items() if _DAMAGE.match(value))
    if damaged:
        yield "spreadsheet damage", damaged
    midnight = sum(count for value, count in values.items() if _MIDNIGHT.search(value))
    if midnight > 0.9 * filled and column.format != "local_midnight_utc":
        yield "local midnight in UTC: use format local_midnight_utc", midnight
    if is_key:
        again = sum(count - 1 for count in values.values() if count > 1)
        if again:
            yield "key repeats", again
    elif column.codes is None and len(values) > 1:
        value, count = values.most_common(1)[0]
        spread = (filled - count) / (len(values) - 1)
        if value not in column.empty and count >= max(_ONE_VALUE_ROWS_MIN, _ONE_VALUE_SHARE * filled) and count > 20 * spread:
            yield "one value stands out", count
