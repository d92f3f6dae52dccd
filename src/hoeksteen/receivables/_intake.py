"""
Taking one file of the bank: every statement in it is checked, matched and posted in the caller's one transaction.

A process that is killed leaves nothing of the file; taken again, it is whole.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from hoeksteen.billing.legal_entity import LAGE_LANDEN
from hoeksteen.disclosure import KeeperClient, SealItem
from hoeksteen.disclosure.operations import forget, store
from hoeksteen.kernel.errors import Conflict, InvalidInput, WrongState, invariant
from hoeksteen.kernel.identifiers import Identifiers, derived
from hoeksteen.kernel.sealed import Category
from hoeksteen.kernel.time_period import local_day
from hoeksteen.ledger.model import JournalEntry, LedgerAccountCode, Posting
from hoeksteen.ledger.operations import open_day, post
from hoeksteen.receivables import _bank_store, _store
from hoeksteen.receivables._ours import Ours
from hoeksteen.receivables._recognising import CURRENCY, Seen, is_bank_costs, recognise_receipts
from hoeksteen.receivables.camt import BankTransaction, Entry, Head
from hoeksteen.receivables.model import Payment
from hoeksteen.storage.postgres import Transaction

SOURCE = "bank"
_BANK_REFERENCE_LENGTH_MAX = 35
_AHEAD_MAX = timedelta(days=366)  # of a booking day
_BATCH = 10_000  # payments that are matched and posted together
_NOTHING = Decimal("0.00")
AGAINST = {
    "payment": LedgerAccountCode.DEBTORS, "return": LedgerAccountCode.DEBTORS, "reversal": LedgerAccountCode.DEBTORS,
    "collection": LedgerAccountCode.DIRECT_DEBITS_SENT, "refund": LedgerAccountCode.PAYMENTS_IN_TRANSIT,
    "bank_costs": LedgerAccountCode.BANK_COSTS, "unmatched": LedgerAccountCode.UNMATCHED_RECEIPTS,
}  # fmt: skip


class Intake:
    """
    One file while it is taken.

    :param count: what was done, by name
    :param amount: euros, by name
    """

    def __init__(
        self, tx: Transaction, keeper: KeeperClient, sha256: bytes, now: datetime, identifiers: Identifiers, progress: Callable[[int], None]
    ) -> None:
        self._tx, self._keeper, self._sha256, self._now, self._progress = tx, keeper, sha256, now, progress
        self._identifiers = identifiers
        self._head: Head | None = None
        self._statement_id: UUID | None = None
        self._skips = False
        self._batch: list[Entry] = []
        self._passed: list[Entry] = []
        self._entries_before = 0
        self._parts = self._batches = self._entries = 0
        self._booked = _NOTHING
        self._undone: list[UUID] = []
        self._open_from = date.min
        self.kind: str | None = None
        self.statements: list[str] = []
        self.count: Counter[str] = Counter()
        self.amount: defaultdict[str, Decimal] = defaultdict(lambda: _NOTHING)

    @property
    def booked_from(self) -> date | None:
        """The day on which entries of closed months were booked; None where there were none."""
        return self._open_from if self.count["of_closed_months"] else None

    def begin(self, head: Head) -> None:
        """Begin a statement, after the one before has been closed."""
        self.close()
        if head.iban != LAGE_LANDEN.iban:
            raise InvalidInput(
                f"Statement {head.identification} is of a bank account that is not ours.", remedy="Give statements of our own account."
            )
        if head.currency != CURRENCY:
            raise InvalidInput(f"Statement {head.identification} is in {head.currency or 'no currency'}, not in EUR.", remedy="Book it by hand.")
        before = _bank_store.statement(self._tx, head.kind, head.iban, head.identification)
        self._head, self._skips = head, before is not None
        self._entries_before = before["entries"] if before is not None else 0
        self._statement_id = derived("bank statement", head.kind, head.iban, head.identification)
        self._entries, self._booked, self.kind = 0, _NOTHING, head.kind
        if before is not None:
            if (before["opening"], before["closing"]) != (head.opening, head.closing):
                raise Conflict(
                    f"Statement {head.identification} was taken before with other balances.", remedy="Ask the bank which of the two is right."
                )
            self.count["statements_taken_before"] += 1
        elif head.kind == "statement":
            self._require_next(head)

    def _require_next(self, head: Head) -> None:
        last = _bank_store.last_statement(self._tx, head.iban)
        if last is None:
            return
        if last["closing"] != head.opening:
            raise WrongState(
                f"Statement {head.identification} opens with {head.opening}, but {last['identification']} before it closed with {last['closing']}.",
                remedy="Take the statements between them first, in order.",
            )
        if head.sequence is not None and last["sequence"] is not None and last["sequence"] + 1 < head.sequence:
            raise WrongState(
                f"Statement {head.identification} has the number {head.sequence}, and the last one taken {last['sequence']}.",
                remedy="Take the statements between them first, in order.",
            )

    def add(self, entry: Entry) -> None:
        """Take one entry of the statement that was begun."""
        self._entries += 1
        if self._skips:
            self._passed.append(entry)
            if len(self._passed) >= _BATCH:
                self._require_the_same()
            return
        if entry.booked_on > local_day(self._now) + _AHEAD_MAX:
            raise InvalidInput(
                f"Entry {entry.ordinal} is booked on {entry.booked_on}, which is far ahead.",
                remedy="Ask the bank for a correct file; nothing was taken.",
            )
        if entry.currency == CURRENCY:
            self._booked += entry.amount
        self._batch.append(entry)
        self._parts += len(entry.transactions)
        if self._parts >= _BATCH:
            self._flush()

    def close(self) -> None:
        """Close the statement that was begun: opening, entries and closing add up, or nothing of the file is taken."""
        head, self._head = self._head, None
        if head is None or self._statement_id is None:
            return
        self._head = head
        self._flush()
        self._head = None
        if head.entries is not None and head.entries < self._entries:
            raise InvalidInput(
                f"Statement {head.identification} announces {head.entries} entries and has {self._entries}.", remedy="Ask the bank for a whole file."
            )
        if self._skips:
            self._require_the_same(head)
            return
        if head.kind == "statement" and head.opening is not None and head.opening + self._booked != head.closing:
            raise InvalidInput(
                f"Statement {head.identification} opens with {head.opening}, books {self._booked} and closes with {head.closing}.",
                remedy="Ask the bank for a whole file; nothing of this one was taken.",
            )
        _bank_store.insert_statement(self._tx, (
            self._statement_id, self._sha256, head.kind, head.iban, head.identification, head.sequence, head.opening, head.closing, self._booked,
            self._entries, self._now,
        ))  # fmt: skip
        self.statements.append(head.identification)
        self.count["entries"] += self._entries

    def _require_the_same(self, ended: Head | None = None) -> None:
        """A statement that was taken before is passed by only when it books what it booked then."""
        head = ended or self._head
        passed, self._passed = self._passed, []
        if head is None or head.kind != "statement":
            return
        own = {entry.servicer_reference or f"{head.identification} #{entry.ordinal}": entry.amount for entry in passed}
        known = _bank_store.bookings(self._tx, [f"{head.iban} {reference}" for reference in own])
        strange = next(
            (
                reference for reference, amount in own.items()
                if (row := known.get(f"{head.iban} {reference}")) is None or row["amount"] != amount or row["stated_in"] != self._statement_id
            ),
            None,
        )  # fmt: skip
        if strange is not None or (ended is not None and self._entries != self._entries_before):
            what = f"entry {strange}" if strange is not None else f"{self._entries} entries where it had {self._entries_before}"
            raise Conflict(f"Statement {head.identification} was taken before, and now has {what}.", remedy="Ask the bank which of the two is right.")

    def _flush(self) -> None:
        entries, self._batch, self._parts = self._batch, [], 0
        head, statement_id = self._head, self._statement_id
        if not entries or head is None or statement_id is None:
            return
        self._open_from = open_day(tx=self._tx, day=date.min)
        self._batches += 1
        new, confirmed = self._new_bookings(head, statement_id, entries)
        seen = [one for key, entry in new for one in _parts_of(key, entry, self._open_from)]
        self._recognise(seen, {derived("bank entry", key, "0"): entry for key, entry in new if entry.is_reversal})
        _write(self._tx, seen, self._now)
        for entry_id in self._undone:
            _bank_store.insert_decision(self._tx, entry_id, "reversed", None, "bank", self._now)
            forget(tx=self._tx, subject=entry_id, category=Category.PAYMENT)
        self._undone = []
        self._seal_payers([one for one in seen if one.outcome == "unmatched" and one.amount > 0])
        self._post(head, statement_id, seen, confirmed)
        self._tell(seen)
        self._progress(len(entries))

    def _new_bookings(self, head: Head, statement_id: UUID, entries: Sequence[Entry]) -> tuple[list[tuple[str, Entry]], dict[str, Entry]]:
        """Give the bookings that nobody told of before, with their keys; and those that a notification announced and this statement books."""
        keyed: dict[str, Entry] = {}
        for entry in entries:
            if head.kind == "notification" and not entry.servicer_reference:
                self.count["without_reference"] += 1  # nothing would tell that the statement books the same
                continue
            own = entry.servicer_reference or f"{head.identification} #{entry.ordinal}"
            key = f"{head.iban} {own}"
            if key in keyed:
                raise _twice(head, own)
            keyed[key] = entry
        known = _bank_store.bookings(self._tx, [*keyed])
        confirmed: dict[str, Entry] = {}
        for key, row in known.items():
            if head.kind == "notification":
                self.count["announced_before"] += 1
            elif row["stated_in"] is not None or row["amount"] != keyed[key].amount:
                raise _twice(head, keyed[key].servicer_reference)
            else:
                confirmed[key] = keyed[key]
        days = {key: self._day(entry) for key, entry in confirmed.items()}
        for day in {*days.values()}:
            _bank_store.mark_stated(self._tx, [key for key in days if days[key] == day], statement_id, day)
        new = [(key, entry) for key, entry in keyed.items() if key not in known]
        told = (statement_id, None) if head.kind == "notification" else (None, statement_id)
        _bank_store.insert_bookings(self._tx, [(key, entry.amount, entry.currency or CURRENCY, *told) for key, entry in new])
        self.count["confirmed"] += len(confirmed)
        self.count["of_closed_months"] += sum(entry.booked_on < self._open_from for entry in (*confirmed.values(), *(entry for _, entry in new)))
        return new, confirmed

    def _day(self, entry: Entry) -> date:
        """Give the day in the books: the bank's own or, when that is closed, the first open one."""
        return max(entry.booked_on, self._open_from)

    def _recognise(self, seen: Sequence[Seen], reversing: dict[UUID, Entry]) -> None:
        registered = _store.payments_of_bank_references(self._tx, [one.booking_key.partition(" ")[2] for one in seen if not one.part])
        receipts = []
        ours = Ours(self._tx, seen)
        for one in seen:
            entry = reversing.get(one.bank_entry_id)
            reference = one.booking_key.partition(" ")[2]
            by_hand = registered.get(reference) if not one.part else None
            if by_hand is None and len(reference) <= _BANK_REFERENCE_LENGTH_MAX and not one.part:
                one.bank_reference = reference
            if one.transaction.currency != CURRENCY:
                one.wait("wrong_currency")
            elif one.way or not one.amount:
                one.wait(one.way or "no_amount")
            elif by_hand is not None and by_hand.amount == one.amount:
                one.outcome, one.way = "payment", "registered_by_hand"
                one.customer_id, one.payment_id = by_hand.customer_id, by_hand.payment_id
            elif ours.recognise(one):
                pass
            elif entry is not None and entry.is_reversal:
                self._reverse(one, entry)
            elif one.amount > 0:
                receipts.append(one)
            elif is_bank_costs(one.transaction):
                one.outcome, one.way = "bank_costs", "bank_code"
            else:
                one.wait("unknown_debit")
        ours.write(self._now, self._identifiers)
        recognise_receipts(tx=self._tx, keeper=self._keeper, seen=receipts)

    def _reverse(self, one: Seen, entry: Entry) -> None:
        """Undo what an earlier booking did, when the bank takes it back."""
        found = _bank_store.entries_of_bookings(self._tx, [f"{LAGE_LANDEN.iban} {entry.reverses}"]) if entry.reverses else []
        if len(found) != 1 or found[0]["amount"] != -one.amount:
            one.wait("reverses_nothing_known")
            return
        [before] = found
        standing = _store.standing_payments_by_id(self._tx, [before["payment_id"] or before["bank_entry_id"]])
        if standing:
            one.outcome, one.way, one.reason = "reversal", "bank_reference", "reversed_by_bank"
            one.customer_id, one.billing_account_id, one.payment_id = standing[0].customer_id, standing[0].billing_account_id, standing[0].payment_id
        elif before["outcome"] == "unmatched" and before["decision"] is None:
            one.outcome, one.way = "unmatched", "reverses_unmatched"
            self._undone += [before["bank_entry_id"], one.bank_entry_id]
        else:
            one.wait("reverses_nothing_known")

    def _seal_payers(self, seen: Sequence[Seen]) -> None:
        """Have the keeper seal who paid what waits for a person; of whatever was matched nothing is kept."""
        items = [
            SealItem(one.bank_entry_id, {"iban": one.transaction.payer_iban or None, "account_holder": one.transaction.payer_name or None})
            for one in seen
            if one.transaction.payer_iban or one.transaction.payer_name
        ]
        if items:
            store(tx=self._tx, keeper=self._keeper, purpose="billing", category=Category.PAYMENT, items=items)

    def _post(self, head: Head, statement_id: UUID, seen: Sequence[Seen], confirmed: Mapping[str, Entry]) -> None:
        """Post the batch: one journal entry per booking day, the bank in one sum and each customer by themselves."""
        money = LedgerAccountCode.BANK if head.kind == "statement" else LedgerAccountCode.PAYMENTS_IN_TRANSIT
        days: defaultdict[date, list[Posting]] = defaultdict(list)
        sums: defaultdict[tuple[date, LedgerAccountCode], Decimal] = defaultdict(lambda: _NOTHING)
        for one in seen:
            if not one.is_posted or not one.amount:
                continue
            sums[one.booked_on, money] += one.amount
            code = AGAINST[one.outcome]
            if code is LedgerAccountCode.DEBTORS:
                days[one.booked_on].append(Posting(code, -one.amount, one.customer_id, one.billing_account_id))
            else:
                sums[one.booked_on, code] -= one.amount
        for key, amount in _bank_store.posted_of_bookings(self._tx, [*confirmed]).items():
            sums[self._day(confirmed[key]), LedgerAccountCode.BANK] += amount
            sums[self._day(confirmed[key]), LedgerAccountCode.PAYMENTS_IN_TRANSIT] -= amount
        for (day, code), amount in sums.items():
            if amount:
                days[day].append(Posting(code, amount))
        post(tx=self._tx, entries=[
            JournalEntry(
                derived("bank posting", str(statement_id), str(self._batches), day.isoformat()), day, SOURCE,
                f"{statement_id}/{self._batches}/{day}", self._now, tuple(postings),
            )
            for day, postings in days.items() if postings
        ])  # fmt: skip

    def _tell(self, seen: Sequence[Seen]) -> None:
        for one in seen:
            self.count[one.outcome] += 1
            self.count[f"{one.outcome}: {one.way}"] += 1
            if one.is_posted:
                self.amount[one.outcome] += one.amount
            if one.outcome == "payment":
                self.count["overpaid"] += bool(one.left)
                self.count["half_paid"] += one.is_half_paid


def _parts_of(key: str, entry: Entry, open_from: date) -> list[Seen]:
    """Give a booking's payments; where they do not add up to it, the booking as one that waits."""
    parts: Sequence[BankTransaction] = entry.transactions
    adds_up = {part.currency for part in parts} == {entry.currency} and sum((part.amount for part in parts), _NOTHING) == entry.amount
    if not adds_up:
        parts = [BankTransaction(entry.amount, entry.currency, parts[0].family, "", "", (), "", "", "")]
    day, bank_day = (entry.booked_on, None) if entry.booked_on >= open_from else (open_from, entry.booked_on)
    return [
        Seen(derived("bank entry", key, str(number)), key, number, day, part, way="" if adds_up else "parts_do_not_add_up", bank_day=bank_day)
        for number, part in enumerate(parts)
    ]


def _write(tx: Transaction, seen: Sequence[Seen], now: datetime) -> None:
    _bank_store.insert_entries(tx, (
        (
            one.bank_entry_id, one.booking_key, one.part, one.booked_on, one.amount, one.transaction.currency or CURRENCY, one.outcome, one.way,
            one.reason, one.customer_id, one.payment_id, one.bank_day, [*one.candidates] or None,
        )
        for one in seen
    ))  # fmt: skip
    payments = [one for one in seen if one.outcome == "payment" and one.is_posted]
    invariant(all(one.customer_id and one.billing_account_id and one.amount > 0 for one in payments), "a payment is somebody's, and money")
    _store.insert_payments(tx, (_payment(one, now) for one in payments))
    _store.insert_allocations(tx, ((one.customer_id, part) for one in payments for part in one.allocations if one.customer_id))
    _store.insert_reversals(tx, (
        (one.customer_id, one.payment_id, one.booked_on, one.reason or one.way, one.bank_entry_id, now)
        for one in seen if one.outcome in ("reversal", "return") and one.customer_id and one.payment_id
    ))  # fmt: skip


def _payment(one: Seen, now: datetime) -> Payment:
    invariant(one.customer_id is not None and one.billing_account_id is not None, "a payment has a billing account")
    assert one.customer_id is not None and one.billing_account_id is not None
    named = one.named[0] if one.named else ""
    return Payment(one.customer_id, one.bank_entry_id, one.billing_account_id, one.amount, one.booked_on, named, one.bank_reference, now)


def _twice(head: Head, reference: str) -> Conflict:
    return Conflict(
        f"Statement {head.identification} books {reference}, which was booked before or with another amount.",
        remedy="Ask the bank which of the two is right; nothing of this file was taken.",
    )
