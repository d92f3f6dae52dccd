"""What a mapping makes of a record's own columns before they are translated: values that are derived, and tests of their type."""

import re
from collections import ChainMap
from collections.abc import Callable

from hoeksteen.consolidation.expressions import Expression, ValueFault, parse
from hoeksteen.consolidation.mapping import Column, Mapping
from hoeksteen.consolidation.readers.raw import PRODUCT_ROWS, RawRecord, Values
from hoeksteen.consolidation.standardise import contact, dates
from hoeksteen.consolidation.standardise.text import is_placeholder

_Computed = list[tuple[str, Expression]]
_Typed = list[tuple[str, Column, str]]


def _is_day(text: str, column: Column) -> bool:
    return any(dates.day(text, form) is not None for form in ([column.format] if column.format else dates.PLAIN_FORMATS))


def _matches(pattern: str) -> Callable[[str, Column], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda text, column: compiled.fullmatch(text) is not None


TYPES: dict[str, Callable[[str, Column], bool]] = {
    "whole_number": _matches(r"[+-]?\d+"),
    "decimal": lambda text, column: (
        re.fullmatch(r"[+-]?\d+,\d+|[+-]?\d+" if column.decimal == "comma" else r"[+-]?\d+(\.\d+)?", text, re.ASCII) is not None
    ),
    "day": _is_day,
    "instant": _matches(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?"),
    "truth": lambda text, column: text.casefold() in ("true", "false", "0", "1", "j", "n", "ja", "nee", "y", "yes", "no"),
    "email": lambda text, column: contact.email(text)[0] is not None,
    "phone": lambda text, column: contact.phone(text)[0] is not None,
    "iban": lambda text, column: contact.iban(text)[0] is not None,
}


class Shaper:
    """Derives and tests the values of one mapping's records."""

    def __init__(self, mapping: Mapping) -> None:
        rows = set(mapping.row_columns)
        record = {name: column for name, column in mapping.record_columns.items() if not (column.to or "").startswith("product.")}
        of_rows = {name: column for name, column in mapping.record_columns.items() if name in rows or name not in record}
        self._record = _computed(record)
        self._record_typed = _typed({name: column for name, column in record.items() if name not in rows})
        self._lists = {name: _computed(child.columns) for name, child in mapping.lists.items()}
        self._lists_typed = {name: _typed(child.columns) for name, child in mapping.lists.items()}
        if mapping.row_columns:
            self._lists[PRODUCT_ROWS], self._lists_typed[PRODUCT_ROWS] = _computed(of_rows), _typed(of_rows)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to derive and nothing to test."""
        parts = (self._record, self._record_typed, *self._lists.values(), *self._lists_typed.values())
        return not any(parts)

    def shape(self, raw: RawRecord) -> None:
        """Add what is derived to a record; what cannot be computed is its fault, a value of another type a note."""
        if raw.fault is not None:
            return
        before = dict(raw.values) if self._record else raw.values
        for list_name, entries in raw.children.items():
            computed, typed = self._lists.get(list_name, []), self._lists_typed.get(list_name, [])
            if not computed and not typed:
                continue
            for _, values in entries:
                _derive(raw, values, computed, ChainMap(dict(values), before) if computed else values)
                _test(raw, values, typed)
        _derive(raw, raw.values, self._record, before)
        _test(raw, raw.values, self._record_typed)


def shaper_of(mapping: Mapping) -> Shaper | None:
    """Give what shapes the records of a mapping; None when it derives and tests nothing."""
    shaper = Shaper(mapping)
    return None if shaper.idle else shaper


def _computed(columns: dict[str, Column]) -> _Computed:
    return [(name, parse(column.expression)) for name, column in columns.items() if column.expression is not None]


def _typed(columns: dict[str, Column]) -> _Typed:
    return [(name, column, column.type) for name, column in columns.items() if column.type is not None]


def _derive(raw: RawRecord, values: Values, computed: _Computed, before: "Values | ChainMap[str, str | None]") -> None:
    for name, expression in computed:
        try:
            values[name] = expression.value(before)
        except ValueFault as error:
            values[name] = None
            raw.fault = raw.fault or (name, error.code)


def _test(raw: RawRecord, values: Values, typed: _Typed) -> None:
    for name, column, kind in typed:
        text = (values.get(name) or "").strip()
        if text and text not in column.empty and not is_placeholder(text) and not TYPES[kind](text, column):
            raw.notes.append((name, f"no_{kind}"))
