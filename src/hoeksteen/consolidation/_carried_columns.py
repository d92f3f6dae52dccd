"""
Reading what a record brings beside customer and products: entry by entry, so that one that cannot be read leaves the record as it is.

An entry is an element of a list (`children`), or stands in columns of the record (`invoice.due_date`, `consent.marketing_email`).
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from hoeksteen.consolidation import mapping as declared
from hoeksteen.consolidation._plans import Plan
from hoeksteen.consolidation.carried_over import CarriedOver, ContactPerson, Invoice, LeftBehind, LegacyConsent, LegacyNote
from hoeksteen.consolidation.carried_targets import CARRIED, PURPOSES
from hoeksteen.consolidation.columns import Draft
from hoeksteen.consolidation.mapping import Column
from hoeksteen.consolidation.readers import RawRecord
from hoeksteen.consolidation.standardise import contact
from hoeksteen.consolidation.standardise.text import is_placeholder, tidy

NOTE_PART_MAX, NOTE_PARTS_MAX = 2_000, 10
_TEXT_MAX = 200  # of an invoice
_NAME_MAX = 100
_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ./-]{0,34}", re.ASCII)
_KEY_LENGTH_MIN = 5
_EURO = {"EUR", "EURO", "EUROS", "€"}
Entry = dict[str, Any]


class _EntryPlan:
    """The columns of an entry; free text is read by itself, because it is nobody else's and may be long."""

    def __init__(self, columns: Sequence[tuple[str, Column]], of: str) -> None:
        self.names = [name for name, _ in columns]
        self.targets = {column.to for _, column in columns}
        self._text = next((name for name, column in columns if of == "note" and column.to == "text"), None)
        self._plan = Plan([(name, column) for name, column in columns if name != self._text], group=of)

    def read(self, draft: Draft, values: Mapping[str, str | None]) -> tuple[Entry, list[tuple[str, str]]]:
        """Read one entry; what is wrong with it stays with it, and findings go to the record."""
        if not any(map(values.get, self.names)):
            return {}, []
        own, parts = Draft(), dict[str, Any]()
        if self._text is not None:
            parts["text"] = _free_text(own, self._text, values.get(self._text))
        self._plan.read(own, parts, values)
        if own.phones:
            parts["phone"] = own.phones[0]
        if own.emails:
            parts["email"] = own.emails[0]
        draft.notes += own.notes
        return parts, own.faults


class CarriedReader:
    """Reads the carried entries of one mapping's records."""

    def __init__(self, mapping: declared.Mapping) -> None:
        self._lists = {
            name: (str(child.of), _EntryPlan(list(child.columns.items()), child.of)) for name, child in mapping.lists.items() if child.of in CARRIED
        }
        leading: dict[str, list[tuple[str, Column]]] = {}
        self._consents: list[tuple[str, _EntryPlan, str]] = []
        self._alone: dict[str, tuple[str, _EntryPlan]] = {}
        for name, column in mapping.record_columns.items():
            of, _, part = (column.to or "").partition(".")
            if of == "consent" and part in PURPOSES:
                self._consents.append((name, _EntryPlan([(name, msgspec.structs.replace(column, to="decision"))], of), part))
            elif of in CARRIED:
                leading.setdefault(of, []).append((name, msgspec.structs.replace(column, to=part)))
            elif of in ("balance", "mandate_iban"):
                self._alone[of] = (name, _EntryPlan([(name, column)], ""))
        self._leading = {of: _EntryPlan(columns, of) for of, columns in leading.items()}
        targets = {column.to for column in mapping.record_columns.values()}
        self._mandate = next((name for name, column in mapping.record_columns.items() if column.to == "mandate_reference"), None)
        self._balance_counts = mapping.balance == "authoritative"
        contract = {"contract_start", "contract_end"} & targets
        self._reading = bool(self._lists or self._leading or self._consents or self._alone or self._mandate or contract)

    def read(self, draft: Draft, raw: RawRecord, key: str, *, today: date, cutover: date) -> CarriedOver | None:
        """
        Read what a record brings; what cannot be carried over is a note of the draft, and nothing of it is lost from the count.

        :param draft: whose payment method becomes `transfer` where its mandate is not whole
        """
        if not self._reading:
            return None
        found = _Found(draft, key, today, cutover)
        for of, name, entry, faults in self._entries(draft, raw):
            if any(entry.values()) or faults:
                found.add(of, name, entry, faults)
        for name, column, purpose in self._consents:
            entry, faults = column.read(draft, raw.values)
            if not entry and not faults:
                continue
            leading, more = self._leading["consent"].read(draft, raw.values) if "consent" in self._leading else ({}, [])
            if entry.get("decision") or faults:
                found.add("consent", name, {**leading, **entry, "purpose": purpose}, faults or more)
        balance = self._balance(draft, raw)
        has_mandate = self._settle_mandate(found, raw, self._mandate) if self._mandate else False
        start, end = found.contract()
        return CarriedOver(
            invoices=tuple(found.invoices),
            balance=self._compared(found, balance),
            balance_counts=self._balance_counts,
            consents=tuple(found.consents),
            contacts=tuple(found.contacts),
            notes=tuple(found.notes),
            has_mandate=has_mandate,
            mandate_was_used=draft.parts.get("mandate_used") != "no",
            contract_start=start,
            contract_end=end,
            left_behind=tuple(found.left),
        )

    def _entries(self, draft: Draft, raw: RawRecord) -> Iterator[tuple[str, str, Entry, list[tuple[str, str]]]]:
        for list_name, (of, plan) in self._lists.items():
            for _, values in raw.children.get(list_name, []):
                yield of, list_name, *plan.read(draft, values)
        for of, plan in self._leading.items():
            if of != "consent" or "purpose" in plan.targets:
                yield of, plan.names[0], *plan.read(draft, raw.values)

    def _balance(self, draft: Draft, raw: RawRecord) -> Decimal | None:
        if "balance" not in self._alone:
            return None
        entry, faults = self._alone["balance"][1].read(draft, raw.values)
        draft.notes += faults
        return entry.get("balance")

    def _compared(self, found: "_Found", balance: Decimal | None) -> Decimal | None:
        """Say where a source's balance is another than the sum of its invoices; the mapping declares which of the two counts."""
        if balance is not None and found.invoices and balance != sum((one.open_amount for one in found.invoices), Decimal(0)):
            found.draft.notes.append((self._alone["balance"][0], "balance_differs"))
        return balance

    def _settle_mandate(self, found: "_Found", raw: RawRecord, name: str) -> bool:
        """Say whether a mandate is whole; where bills would be collected without one, the customer pays by transfer, which is a finding."""
        parts, wrong = found.draft.parts, None
        other = tidy(raw.values.get(self._alone["mandate_iban"][0]) or "") if "mandate_iban" in self._alone else ""
        if not (parts.get("mandate_reference") and parts.get("mandate_date") and parts.get("iban")):
            wrong = "mandate_incomplete"
        elif parts["mandate_date"] > found.today:
            wrong = "mandate_in_the_future"
        elif other and contact.iban(other)[0] != parts["iban"]:
            wrong = "mandate_of_another_account"
        if parts.get("payment_method") != "direct_debit":
            return False
        if wrong:
            parts["payment_method"] = "transfer"
            found.leave("mandate", name, wrong)
        return wrong is None


def _free_text(draft: Draft, name: str, raw: str | None) -> str:
    """Give text with its lines, without what no screen shows."""
    text = unicodedata.normalize("NFC", raw or "").replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    plain = "".join(letter for letter in text if letter == "\n" or unicodedata.category(letter) not in ("Cc", "Cs", "Co", "Cn"))
    if plain != text:
        draft.notes.append((name, "control_characters"))
    plain = "\n".join(" ".join(line.split()) for line in plain.split("\n")).strip()
    return "" if is_placeholder(plain) else plain


class _Found:
    """What was found of one record so far."""

    def __init__(self, draft: Draft, key: str, today: date, cutover: date) -> None:
        self.draft, self.key, self.today, self.cutover = draft, key, today, cutover
        self.invoices: list[Invoice] = []
        self.consents: list[LegacyConsent] = []
        self.contacts: list[ContactPerson] = []
        self.notes: list[LegacyNote] = []
        self.left: list[LeftBehind] = []
        self._place = 0

    def leave(self, kind: str, name: str, code: str, amount: Decimal | None = None) -> None:
        self.draft.notes.append((name, code))
        self.left.append(LeftBehind(kind, code, amount))

    def add(self, of: str, name: str, entry: Entry, faults: list[tuple[str, str]]) -> None:
        """Add an entry, or leave it behind with the reason."""
        if faults:
            self.leave(of, *faults[0])
        elif of == "invoice":
            self._invoice(name, entry)
        elif of == "consent":
            self._consent(name, entry)
        elif of == "contact":
            self._contact(name, entry)
        else:
            self._note(name, entry)

    def _invoice(self, name: str, entry: Entry) -> None:
        place, self._place = self._place, self._place + 1
        opened: Decimal | None = entry.get("open_amount")
        billed, number = entry.get("bill_date"), entry.get("invoice_number")
        if opened is not None and not opened:
            return  # it is settled, and nothing of it is to be carried over
        total: Decimal = entry.get("total", opened or Decimal(0))
        currency = str(entry.get("currency") or "EUR").upper()
        if currency not in _EURO:
            self.leave("invoice", name, "another_currency")
        elif opened is None or billed is None or not number:
            self.leave("invoice", name, "incomplete_invoice", opened)
        elif not _NUMBER.fullmatch(number):
            self.leave("invoice", name, "not_an_invoice_number", opened)
        elif total and (opened > 0) != (total > 0):
            self.leave("invoice", name, "signs_differ", opened)
        elif abs(opened) > abs(total):
            self.leave("invoice", name, "more_open_than_total", opened)
        else:
            text = entry.get("text")
            due, known = self._due(name, entry, billed), self._quoted(name, number)
            self.invoices.append(
                Invoice(place, known, billed, due, total, opened, text[:_TEXT_MAX] if text else None, entry.get("disputed") == "yes")
            )

    def _due(self, name: str, entry: Entry, billed: date) -> date:
        """Give the later day where two contradict each other, and the cutover where none is known: nobody is late by our guess."""
        due = entry.get("due_date")
        if due is None:
            self.draft.notes.append((name, "no_due_date"))
            return max(self.cutover, billed)
        if due < billed:
            self.draft.notes.append((name, "due_before_bill_date"))
            return billed
        return due if isinstance(due, date) else billed

    def _quoted(self, name: str, number: str) -> str | None:
        if len(self.key) >= _KEY_LENGTH_MIN and self.key in number:
            self.draft.notes.append((name, "number_holds_customer_number"))
            return None
        return number

    def _consent(self, name: str, entry: Entry) -> None:
        purpose, decision, day = entry.get("purpose"), entry.get("decision"), entry.get("decided_on")
        if not purpose or not decision:
            self.leave("consent", name, "incomplete_consent")
        elif decision == "given" and day is None:
            self.leave("consent", name, "consent_without_day")
        elif day is not None and day > self.today:
            self.leave("consent", name, "consent_in_the_future")
        else:
            self.consents.append(LegacyConsent(purpose, decision, day, entry.get("channel")))

    def _contact(self, name: str, entry: Entry) -> None:
        person = tidy(entry.get("name") or "")[:_NAME_MAX]
        if not person:
            self.leave("contact", name, "no_name")
            return
        function = tidy(entry.get("function") or "")[:_NAME_MAX] or None
        self.contacts.append(ContactPerson(person, function, entry.get("phone"), entry.get("email")))

    def _note(self, name: str, entry: Entry) -> None:
        text, day = entry.get("text") or "", entry.get("day")
        if not text:
            return
        if day is None or day > self.today:
            self.draft.notes.append((name, "note_without_day"))
            day = self.cutover - timedelta(days=1)
        parts = list(_cut(text))
        if len(parts) > NOTE_PARTS_MAX:
            self.draft.notes.append((name, "note_cut"))
        self.notes += [LegacyNote(day, entry.get("author") or "unknown", part) for part in parts[:NOTE_PARTS_MAX]]

    def contract(self) -> tuple[date | None, date | None]:
        """Give the first day of the contract and the first after it, where they make one."""
        parts = self.draft.parts
        start, end, months = parts.get("contract_start"), parts.get("contract_end"), parts.get("contract_months")
        if start is not None and end is not None and end <= start:
            parts["contract_months"] = None
            self.leave("contract", "contract_end", "contract_ends_before_it_begins")
            return None, None
        if end is not None and months is None and (start is None or end.day != start.day):
            self.leave("contract", "contract_end", "contract_without_months")
            return start, None
        return start, end


def _cut(text: str) -> Iterator[str]:
    """Cut a text into notes at spaces, so that nothing of it is lost."""
    while len(text) > NOTE_PART_MAX:
        place = text.rfind(" ", 1, NOTE_PART_MAX)
        place = place if place > 0 else NOTE_PART_MAX
        yield text[:place].strip()
        text = text[place:].strip()
    yield text
