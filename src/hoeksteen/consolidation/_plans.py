"""
The columns of a mapping, read once for every record: what a value of a column says is worked out once, and remembered while it comes back.

What a column says depends on the column and its text alone, so that remembering changes nothing; towns, codes, days and streets come back by the
thousand. Columns whose values are each record's own (e-mail addresses, accounts) are read anew each time: remembering them would only take memory.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from hoeksteen.consolidation.columns import ColumnReader, Draft
from hoeksteen.consolidation.mapping import Column

VALUES_REMEMBERED_MAX = 50_000  # of one column
_JUDGED_AFTER = 2_000  # new values: by then it shows whether values come back
# whose values are each record's own: they are not even tried
_OWN = {"key", "product_key", "name", "email", "phone", "iban", "number", "iccid", "mandate_reference", "invoice_number", "street_line"}
_NEW: Final = object()


class _Said:
    """What one value of a column says, as it is added to what is known of a record, where it is more than one part of it."""

    __slots__ = ("addresses", "emails", "faults", "notes", "parts", "phones")

    def __init__(self, draft: Draft, parts: dict[str, Any]) -> None:
        self.parts, self.addresses, self.phones, self.emails = parts, draft.addresses, draft.phones, draft.emails
        self.notes, self.faults = draft.notes, draft.faults

    def add_to(self, draft: Draft, parts: dict[str, Any]) -> None:
        parts.update(self.parts)
        for role, found in self.addresses.items():
            draft.addresses.setdefault(role, {}).update(found)
        draft.phones += self.phones
        draft.emails += self.emails
        draft.notes += self.notes
        draft.faults += self.faults


class _Column:
    """One column with what is remembered of it; `known` is None where its values do not come back."""

    __slots__ = ("asked", "blank", "known", "new", "reader")

    def __init__(self, reader: ColumnReader) -> None:
        self.reader = reader
        self.known: dict[str, _Said | dict[str, Any] | None] | None = None if reader.target in _OWN else {}
        self.asked = self.new = 0
        self.blank = self._said("")

    def learn(self, text: str) -> "_Said | dict[str, Any] | None":
        said = self._said(text)
        assert self.known is not None  # or nobody would ask
        self.new += 1
        if len(self.known) >= VALUES_REMEMBERED_MAX:
            self.known.clear()
        self.known[text] = said
        if self.new % _JUDGED_AFTER == 0 and self.new * 3 > self.asked * 2:
            self.known = None
        return said

    def _said(self, text: str) -> "_Said | dict[str, Any] | None":
        draft, parts = Draft(), dict[str, Any]()
        self.reader.read(draft, parts, text)
        if draft.addresses or draft.phones or draft.emails or draft.notes or draft.faults:
            return _Said(draft, parts)
        return parts or None


class Plan:
    """
    The columns of a record, or of an entry in one of its lists, in the order in which they are read.

    :param group: what the list is of (`product`, `address`, `discount`), or nothing
    """

    def __init__(self, columns: Iterable[tuple[str, Column]], *, group: str = "") -> None:
        self._columns = [_Column(ColumnReader(column, name, group=group)) for name, column in columns]
        self._names = [one.reader.name for one in self._columns]

    def read(self, draft: Draft, parts: dict[str, Any], values: Mapping[str, str | None]) -> None:
        """Add what these values say to what is known of a record, as a `ColumnReader` does for each of them."""
        for one, text in zip(self._columns, map(values.get, self._names), strict=True):
            if not text:
                said = one.blank
            elif one.known is None:
                one.reader.read(draft, parts, text)
                continue
            else:
                one.asked += 1
                found = one.known.get(text, _NEW)
                said = one.learn(text) if found is _NEW else found  # type: ignore[assignment]
            if said is None:
                continue
            if isinstance(said, dict):
                parts.update(said)
            else:
                said.add_to(draft, parts)
