"""
What customers owed in a system before this one, and the mandates that they gave it.

A carried item is an open item like a bill (or, less than nothing, like a credit note): payments settle it, dunning knows its due date, ageing
and the balance hold it. It is posted once, debtors against the conversion account, on the day of the cutover. It has no lines and no VAT here:
the former system declared that.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from hoeksteen.billing.queries import bill_by_number
from hoeksteen.kernel.errors import Conflict, InvalidInput, NotFound, WrongState
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.money import CENT
from hoeksteen.kernel.time_period import local_day
from hoeksteen.ledger.model import JournalEntry, LedgerAccountCode, Posting
from hoeksteen.ledger.operations import open_day, post
from hoeksteen.receivables import _carried_store, _store
from hoeksteen.receivables.references import key_of, words_that_may_name
from hoeksteen.receivables.sepa import Scheme
from hoeksteen.storage.postgres import Row, Transaction

SOURCE = "carried over"
_REFERENCE = re.compile(r"[A-Za-z0-9 ./-]{1,35}", re.ASCII)
_MONEY_MAX = Decimal("1E12")


@dataclass(frozen=True, slots=True)
class CarriedItem:
    """
    What was open of an invoice of a former system, or a balance beside its invoices.

    :param source: the former system, as its mapping names it; `origin` by its name for people
    :param source_key: the pseudonym of the legacy record that brought it
    :param reference: the invoice's number there, letters, digits and ` ./-`; never a customer number
    :param total: euros of the whole invoice
    :param amount: euros that were open; less than nothing where the customer had them to their credit
    """

    customer_id: UUID
    carried_item_id: UUID
    billing_account_id: UUID
    source: str
    source_key: UUID
    origin: str
    kind: Literal["invoice", "balance"]
    reference: str
    bill_date: date
    due_date: date
    total: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class CarriedMandate:
    """
    A mandate that a customer gave a former system; its reference and IBAN are sealed with the customer's payment data.

    :param was_used: whether something was collected by it there, so that its next collection is no first one
    """

    customer_id: UUID
    mandate_id: UUID
    billing_account_id: UUID
    signed_on: date
    was_used: bool
    scheme: Scheme = "core"


@dataclass(frozen=True, slots=True)
class CarriedSums:
    """What was carried over from one source: how many items, and euros; `credit` is less than nothing."""

    owed_count: int
    owed: Decimal
    credit_count: int
    credit: Decimal

    @property
    def net(self) -> Decimal:
        """Euros that its customers owe, less what they have to their credit."""
        return self.owed + self.credit


def carry_items(*, tx: Transaction, items: Sequence[CarriedItem], cutover: date, now: datetime) -> date:
    """
    Let items be owed here and post them, set-based: debtors against the conversion account.

    :param cutover: the day on which they are booked; where its books are closed, the first open day
    :returns: that day
    :raises InvalidInput: when an item is no money, is due before its own day, or its reference may say more than a number
    :raises Conflict: (at the end of the transaction's block) when an item was carried over before
    """
    for item in items:
        _require_whole(item)
    day = open_day(tx=tx, day=cutover)
    _carried_store.insert(tx, [
        (
            one.customer_id, one.carried_item_id, one.billing_account_id, one.source, one.source_key, one.origin, one.kind, one.reference,
            key_of(one.reference) if one.kind == "invoice" else "", one.bill_date, one.due_date, one.total, one.amount, day, now,
        )
        for one in items
    ])  # fmt: skip
    number = _carried_store.transaction_number(tx)
    conversion = LedgerAccountCode.CONVERSION
    post(tx=tx, entries=[
        _entry(f"carried {number}", one.carried_item_id, one.customer_id, one.billing_account_id, one.amount, conversion, day, now) for one in items
    ])  # fmt: skip
    return day


def _entry(
    which: str, item_id: UUID, customer_id: UUID, billing_account_id: UUID, amount: Decimal, against: LedgerAccountCode, day: date, now: datetime
) -> JournalEntry:  # fmt: skip
    """Give an entry of an item; one that was taken back and came again has one of its own each time."""
    reference = f"{item_id} {which}"
    postings = (Posting(LedgerAccountCode.DEBTORS, amount, customer_id, billing_account_id), Posting(against, -amount))
    return JournalEntry(derived("journal entry", SOURCE, reference), day, SOURCE, reference, now, postings)


def take_back(*, tx: Transaction, customer_ids: Sequence[UUID], mandate_ids: Sequence[UUID], now: datetime) -> list[UUID]:
    """
    Take items and mandates away of customers who are taken back, and post against what was posted of them.

    :param mandate_ids: those that were carried over for them
    :returns: the items
    :raises WrongState: when something of the items is settled, so that their customers have to stay
    """
    for whose in sorted(customer_ids):
        _store.lock_customer(tx, whose)
    rows = _carried_store.of_customers(tx, customer_ids)
    ids = [row["carried_item_id"] for row in rows]
    if _carried_store.settled(tx, ids):
        raise WrongState("Something of these items is settled.", remedy="Take back those payments first, or let the customers stay.")
    number = _carried_store.transaction_number(tx)
    day = open_day(tx=tx, day=local_day(now))
    conversion = LedgerAccountCode.CONVERSION
    post(tx=tx, entries=[
        _entry(
            f"taken back {number}", row["carried_item_id"], row["customer_id"], row["billing_account_id"], -row["amount"], conversion,
            max(day, row["booked_on"]), now,
        )
        for row in rows
    ])  # fmt: skip
    _carried_store.take_back(tx, ids)
    _carried_store.take_back_mandates(tx, mandate_ids)
    return ids


def take_back_mandates(*, tx: Transaction, mandate_ids: Sequence[UUID]) -> None:
    """Take carried mandates away, as far as nobody used, changed or ended them here."""
    _carried_store.take_back_mandates(tx, mandate_ids)


def customers_with_settled_items(*, tx: Transaction, customer_ids: Sequence[UUID]) -> set[UUID]:
    """Give those of some customers of whose carried items something is settled."""
    return _carried_store.customers_with_settled(tx, customer_ids)


def items_of_records(*, tx: Transaction, source_keys: Sequence[UUID]) -> list[UUID]:
    """Give the items that legacy records brought."""
    return _carried_store.of_records(tx, source_keys)


def _require_whole(item: CarriedItem) -> None:
    amounts = (item.amount, item.total)
    if not item.amount or any(not one.is_finite() or abs(one) >= _MONEY_MAX or one != one.quantize(CENT) for one in amounts):
        raise InvalidInput(
            f"The carried item {item.carried_item_id}, field amount: {item.amount} of {item.total} is not euros with two decimals.",
            remedy="Carry over what is open, such as 54.95.", field="amount",
        )  # fmt: skip
    if item.due_date < item.bill_date:
        raise InvalidInput(f"The carried item {item.carried_item_id} is due before its own day.", remedy="Correct its days.", field="due_date")
    if not _REFERENCE.fullmatch(item.reference):
        raise InvalidInput(
            f"The reference of the carried item {item.carried_item_id} has 1 to 35 letters, digits and signs of ` ./-`.",
            remedy="Give the invoice's number alone.", field="reference",
        )  # fmt: skip


def move_items(*, tx: Transaction, carried_item_ids: Sequence[UUID], customer_id: UUID, billing_account_id: UUID, now: datetime) -> list[UUID]:
    """
    Let items be another customer's, as when customers are merged or taken apart, and post that.

    What is settled of, or settles something, stays with who paid: money does not change hands.

    :returns: the items that stayed
    """
    rows = [row for row in _carried_store.by_id(tx, carried_item_ids) if row["billing_account_id"] != billing_account_id]
    settled = _carried_store.settled(tx, [row["carried_item_id"] for row in rows])
    moving = [row for row in rows if row["carried_item_id"] not in settled]
    for whose in sorted({row["customer_id"] for row in rows} | {customer_id}):
        _store.lock_customer(tx, whose)
    _carried_store.move(tx, [row["carried_item_id"] for row in moving], customer_id, billing_account_id)
    number = _carried_store.transaction_number(tx)
    day = open_day(tx=tx, day=local_day(now))
    post(tx=tx, entries=[_moved(f"moved {number}", row, customer_id, billing_account_id, max(day, row["booked_on"]), now) for row in moving])
    return sorted(settled)


def _moved(which: str, row: Row, customer_id: UUID, billing_account_id: UUID, day: date, now: datetime) -> JournalEntry:
    reference = f"{row['carried_item_id']} {which}"
    postings = (
        Posting(LedgerAccountCode.DEBTORS, -row["amount"], row["customer_id"], row["billing_account_id"]),
        Posting(LedgerAccountCode.DEBTORS, row["amount"], customer_id, billing_account_id),
    )
    return JournalEntry(derived("journal entry", SOURCE, reference), day, SOURCE, reference, now, postings)


def carry_mandates(*, tx: Transaction, mandates: Sequence[CarriedMandate], by: str, now: datetime) -> set[UUID]:
    """
    Let mandates that were given to a former system hold here; one that is here already is brought up to date.

    A customer who has another mandate by now, also one that ended, keeps to that. 36 months without a collection count from the cutover where
    it was used there: when it was used last is not known.

    :returns: the customers who have another mandate
    :raises InvalidInput: when one was signed in the future
    """
    for one in mandates:
        if one.signed_on > local_day(now):
            raise InvalidInput(
                f"The mandate {one.mandate_id} was signed in the future: {one.signed_on}.", remedy="Correct its day.", field="signed_on"
            )
    others = _carried_store.customers_with_other_mandate(tx, [one.customer_id for one in mandates], [one.mandate_id for one in mandates])
    rows = [
        (
            one.customer_id, one.mandate_id, one.billing_account_id, one.scheme, one.signed_on, not one.was_used,
            local_day(now) if one.was_used else None,
        )
        for one in mandates if one.customer_id not in others
    ]  # fmt: skip
    _carried_store.upsert_mandates(tx, rows, by, now)
    return others


def carried_sums(*, tx: Transaction, sources: Sequence[str], without: Sequence[UUID] = ()) -> dict[str, CarriedSums]:
    """
    Give what was carried over, by source; of a source without any there is nothing.

    :param without: pseudonyms of records whose items do not count
    """
    found: dict[str, CarriedSums] = {}
    for row in _carried_store.sums(tx, sources, without):
        before = found.get(row["source"], CarriedSums(0, Decimal("0.00"), 0, Decimal("0.00")))
        found[row["source"]] = CarriedSums(
            before.owed_count + row["owed_count"], before.owed + row["owed"], before.credit_count + row["credit_count"], before.credit + row["credit"]
        )
    return found


def mandates_there(*, tx: Transaction, mandate_ids: Sequence[UUID]) -> set[UUID]:
    """Give those of some mandates that are here, ended ones too."""
    return _carried_store.mandates_there(tx, mandate_ids)


def claim_named(*, tx: Transaction, number: str) -> tuple[UUID, UUID]:
    """
    Give whose bill has a number, and its identifier; of a former system's invoice that was carried over likewise.

    :param number: of our bill, or of an invoice of a former system; `fixed/2026-17` where several systems have that number
    :raises NotFound: when nothing has this number
    :raises Conflict: when invoices of several former systems have it
    """
    try:
        bill = bill_by_number(tx=tx, bill_number=number)
    except NotFound:
        rows = items_named(tx=tx, number=number)
        if not rows:
            raise
        if len(rows) > 1:
            names = ", ".join(f"{row['source']}/{row['reference']}" for row in rows)
            raise Conflict(f"Several invoices of former systems have the number {number}.", remedy=f"Name one of {names}.") from None
        return rows[0]["customer_id"], rows[0]["carried_item_id"]
    return bill.customer_id, bill.customer_bill_id


def items_named(*, tx: Transaction, number: str) -> list[Row]:
    """Give the carried items that have a number, which may be `source/number`."""
    source, _, rest = number.partition("/")
    rows = _carried_store.by_key(tx, [key for key in (key_of(number), key_of(rest)) if key])
    whole = [row for row in rows if row["reference_key"] == key_of(number)]
    return whole or [row for row in rows if row["source"] == source]


def former_invoice_named(*, tx: Transaction, customer_id: UUID, reference: str) -> str:
    """Give the number of a customer's invoice of a former system that a payer's reference names, or nothing; others' numbers may be any text."""
    words = words_that_may_name(references=(), text=reference)
    rows = _carried_store.by_key(tx, words) if words else []
    return next((row["reference"] for row in rows if row["customer_id"] == customer_id), "")
