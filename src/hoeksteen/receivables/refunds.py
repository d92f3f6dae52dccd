"""
Money that goes back: a customer's credit, or a receipt that was nobody's.

One person asks, another approves, and only then anything is posted; the file for the bank (pain.001) holds what was approved. It goes to
the IBAN of the customer's own payment data, or to the one that the receipt came from, and to no other.
"""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from hoeksteen.billing.legal_entity import LAGE_LANDEN
from hoeksteen.disclosure import KeeperClient
from hoeksteen.disclosure.queries import reveal
from hoeksteen.kernel.bank_days import bank_day_on_or_after
from hoeksteen.kernel.check_digits import iban_holds
from hoeksteen.kernel.errors import AccessDenied, InvalidInput, NotFound, WrongState, invariant
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.money import CENT
from hoeksteen.kernel.private_files import write_private
from hoeksteen.kernel.sealed import Category
from hoeksteen.kernel.time_period import local_day
from hoeksteen.kernel.words import require_impersonal, require_said
from hoeksteen.ledger.model import JournalEntry, LedgerAccountCode, Posting
from hoeksteen.ledger.operations import post, require_open
from hoeksteen.messages.model import MessageKind, NewMessage
from hoeksteen.messages.operations import enqueue
from hoeksteen.party.queries import customers
from hoeksteen.receivables import _bank_store, _collection_store, _store, iban
from hoeksteen.receivables.bank import waiting_receipt
from hoeksteen.receivables.model import Allocation
from hoeksteen.receivables.operations import require_euros
from hoeksteen.receivables.queries import open_items
from hoeksteen.receivables.references import our_end_to_end_id, our_message_id
from hoeksteen.receivables.sepa import CreditTransfer, pain001
from hoeksteen.storage.postgres import Row, Transaction

SOURCE = "refund"
_REASON_MAX = 140  # what a bank hands on
_NOTHING = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Refund:
    """
    Money that goes back, or was to.

    :param customer_id: whose credit it is; None of a receipt that was nobody's (`bank_entry_id`)
    :param state: `approved` is posted; `sent` stands in a file; `executed` was booked by the bank; `refused` by it, and waits for a person
    :param refused_because: the bank's code, of the last time it was sent
    """

    refund_id: UUID
    customer_id: UUID | None
    billing_account_id: UUID | None
    bank_entry_id: UUID | None
    amount: Decimal
    end_to_end_id: str
    reason: str
    state: str
    asked_by: str
    asked_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    refund_file_id: UUID | None
    refused_because: str | None


@dataclass(frozen=True, slots=True)
class RefundFile:
    """
    A pain.001 as it was written.

    :param left_out: approved refunds whose IBAN is not known or fails its check; they stay approved
    """

    refund_file_id: UUID
    execution_day: date
    sha256: str
    count: int
    amount: Decimal
    left_out: tuple[UUID, ...]


def ask(
    *,
    tx: Transaction,
    customer_id: UUID,
    amount: Decimal,
    reason: str,
    by: str,
    now: datetime,
    identifiers: Identifiers,
    refund_id: UUID | None = None,
) -> Refund:
    """
    Ask that a customer's credit is paid back; nothing is posted until a second person approves.

    :param refund_id: its identifier, where it was chosen before
    :raises InvalidInput: when the amount is not money, or more than the customer has to their credit
    """
    require_euros(amount=amount, example="what goes back, such as 54.95")
    _store.lock_customer(tx, customer_id)
    account_id, _ = credit_parts(tx, customer_id, amount)
    return _insert(tx, customer_id, account_id, None, amount.quantize(CENT), reason, by, now, refund_id or identifiers.new(now))


def give_back(
    *, tx: Transaction, bank_entry_id: UUID, reason: str, by: str, now: datetime, identifiers: Identifiers, refund_id: UUID | None = None
) -> Refund:
    """
    Ask that a receipt that is nobody's goes back to whom it came from; it waits on until a second person approves that.

    :param refund_id: its identifier, where it was chosen before
    :raises WrongState: when it waits no more, or is no receipt in euros
    """
    found = waiting_receipt(tx, bank_entry_id)
    return _insert(tx, None, None, bank_entry_id, found.amount, reason, by, now, refund_id or identifiers.new(now))


def _insert(
    tx: Transaction, customer_id: UUID | None, account_id: UUID | None, entry_id: UUID | None, amount: Decimal, reason: str, by: str, now: datetime,
    refund_id: UUID,
) -> Refund:  # fmt: skip
    require_said(by=by, reason=reason)
    require_impersonal(reason=reason)
    if len(reason.strip()) > _REASON_MAX:
        raise InvalidInput(f"The field reason has more than {_REASON_MAX} characters.", remedy="Say it shorter: the payee reads it.", field="reason")
    end_to_end_id = our_end_to_end_id(refund_id, of="R")
    row = (refund_id, customer_id, account_id, entry_id, amount, end_to_end_id, reason.strip(), "asked", by.strip(), now)
    _collection_store.insert_refund(tx, row)
    return _refund(tx, refund_id)


def pay_again(*, tx: Transaction, refund_id: UUID, by: str, now: datetime, identifiers: Identifiers) -> Refund:
    """
    Let a refund that the bank refused go into the next file, under a new end-to-end identifier; nothing is posted, it is owed as before.

    See to the IBAN first: of a customer, by a new mandate or an amendment.

    :raises WrongState: when the bank did not refuse it
    :raises AccessDenied: with the reason `second_person`, when whoever asked for it would decide
    :raises InvalidInput: when nobody is named
    """
    require_said(by=by)
    found = _refund(tx, refund_id)
    if found.state != "refused":
        raise WrongState(f"The refund is {found.state}.", remedy="Only what the bank refused is paid again.", refund_id=refund_id)
    _require_another(found, by)
    _collection_store.pay_again(tx, refund_id, our_end_to_end_id(identifiers.new(now), of="R"), by.strip(), now)
    return _refund(tx, refund_id)


def refunds(*, tx: Transaction, state: str | None = None, limit: int = 50) -> list[Refund]:
    """
    Give the refunds, the newest first.

    :param state: only those in it
    """
    return [Refund(**row) for row in _collection_store.refunds(tx, state, min(limit, 1_000))]


def to_be_decided(*, tx: Transaction, refund_id: UUID) -> dict[str, str]:
    """Give what somebody approves or declines with a refund; without personal data."""
    found = _refund(tx, refund_id)
    why = hashlib.sha256(found.reason.encode()).hexdigest()  # its words may be about a person
    whose = {"customer_id": str(found.customer_id)} if found.customer_id else {"bank_entry_id": str(found.bank_entry_id)}
    return {"refund_id": str(refund_id), "amount": str(found.amount), "asked_by": found.asked_by, "why_sha256": why, **whose}


def to_be_paid_again(*, tx: Transaction, refund_id: UUID) -> dict[str, str]:
    """Give what somebody decides who lets a refund be paid again: with the identifier that the bank refused, so that it is decided anew each time."""
    found = _refund(tx, refund_id)
    return to_be_decided(tx=tx, refund_id=refund_id) | {"refused_end_to_end_id": found.end_to_end_id}


def decide(*, tx: Transaction, refund_id: UUID, approve: bool, by: str, now: datetime, identifiers: Identifiers) -> Refund:
    """
    Approve a refund, which posts it, or decline it.

    :raises AccessDenied: with the reason `second_person`, when whoever asked would decide
    :raises WrongState: when it was decided before, or the books of today are closed
    :raises InvalidInput: when the customer's credit is not there any more, or nobody is named
    """
    require_said(by=by)
    found = _refund(tx, refund_id)
    if found.state != "asked":
        raise WrongState(f"The refund is {found.state}.", remedy="Ask for another one.", refund_id=refund_id)
    _require_another(found, by)
    if approve:
        require_open(tx=tx, day=local_day(now), what="the day of the refund")
    _collection_store.decide_refund(tx, refund_id, "approved" if approve else "declined", by.strip(), now)
    if approve:
        _post(tx, found, now, identifiers)
    return _refund(tx, refund_id)


def _require_another(found: Refund, by: str) -> None:
    if by.strip() == found.asked_by:
        raise AccessDenied("Who asks for a refund does not decide about it.", reason="second_person", remedy="Let somebody else decide.")


def _post(tx: Transaction, found: Refund, now: datetime, identifiers: Identifiers) -> None:
    """Let the credit be used up, or the receipt wait no more; the money is in transit from now on."""
    if found.customer_id is None:
        invariant(found.bank_entry_id is not None, "a refund is of a customer or of a bank entry")
        assert found.bank_entry_id is not None
        waiting_receipt(tx, found.bank_entry_id)
        _bank_store.insert_decision(tx, found.bank_entry_id, "returned", None, found.asked_by, now)
        source = Posting(LedgerAccountCode.UNMATCHED_RECEIPTS, found.amount)
    else:
        _store.lock_customer(tx, found.customer_id)
        _, parts = credit_parts(tx, found.customer_id, found.amount)
        allocations = [(found.customer_id, Allocation(found.refund_id, source_id, part)) for source_id, part in parts]
        _store.insert_allocations(tx, allocations)
        source = Posting(LedgerAccountCode.DEBTORS, found.amount, found.customer_id, found.billing_account_id)
    postings = (source, Posting(LedgerAccountCode.PAYMENTS_IN_TRANSIT, -found.amount))
    post(tx=tx, entries=[JournalEntry(identifiers.new(now), local_day(now), SOURCE, str(found.refund_id), now, postings)])


def credit_parts(tx: Transaction, customer_id: UUID, amount: Decimal) -> tuple[UUID, list[tuple[UUID, Decimal]]]:
    """Give what of a customer's credit makes up an amount, the oldest first, and the billing account of the first part."""
    items = [item for item in open_items(tx=tx, customer_id=customer_id) if item.open_amount < 0]
    available = -sum((item.open_amount for item in items), _NOTHING)
    if not available:
        raise InvalidInput("The customer has nothing to their credit.", remedy="A payment or credit note must come first.", field="amount")
    if available < amount:
        raise InvalidInput(f"The customer has {available} to their credit, not {amount}.", remedy="Ask for less.", field="amount")
    parts, left = [], amount
    for item in items:
        part = min(left, -item.open_amount)
        if part > 0:
            parts.append((item.customer_bill_id or item.payment_id or customer_id, part))
            left -= part
    return items[0].billing_account_id, parts


def write_file(*, tx: Transaction, keeper: KeeperClient, path: Path, by: str, now: datetime, identifiers: Identifiers) -> RefundFile:
    """
    Write the pain.001 of everything that is approved and in no file yet; nobody but its owner may read it.

    The customers whose refunds are in it are told; who is left out is not, until a file has theirs.

    :raises WrongState: when nothing is to be paid
    :raises AccessDenied: when this service may not see payment data for billing
    """
    require_said(by=by)
    rows = _collection_store.approved_refunds(tx)
    payees = _payees(tx, keeper, rows)
    good = [row for row in rows if iban_holds(payees[row["refund_id"]][1])]
    if not good:
        raise WrongState("No approved refund can be paid.", remedy="Approve one, or see to the IBANs of those that are left out.")
    file_id, day = identifiers.new(now), bank_day_on_or_after(local_day(now))
    transfers = [CreditTransfer(row["end_to_end_id"], row["amount"], *payees[row["refund_id"]], row["reason"]) for row in good]
    content = pain001(message_id=our_message_id(file_id), debtor=LAGE_LANDEN, execution_day=day, made_at=now, transfers=transfers)
    digest = hashlib.sha256(content)
    _collection_store.insert_refund_file(tx, (file_id, day, by.strip(), now, digest.digest()))
    _collection_store.move_refunds(tx, [row["refund_id"] for row in good], "sent", file_id)
    enqueue(tx=tx, messages=[
        NewMessage(row["customer_id"], identifiers.new(now), MessageKind.REFUND_SENT, {"amount": str(row["amount"])}, now)
        for row in good if row["customer_id"] is not None
    ])  # fmt: skip
    write_private(path, content)
    left_out = tuple(row["refund_id"] for row in rows if row not in good)
    return RefundFile(file_id, day, digest.hexdigest(), len(good), sum((row["amount"] for row in good), _NOTHING), left_out)


def _payees(tx: Transaction, keeper: KeeperClient, rows: list[Row]) -> dict[UUID, tuple[str, str]]:
    """Give name and IBAN of each refund: of the customer's payment data, or of who paid the receipt."""
    found = customers(tx=tx, customer_ids=[row["customer_id"] for row in rows if row["customer_id"]])
    parties = {one.customer_id: one.party_id for one in found}
    subjects = {row["refund_id"]: parties[row["customer_id"]] if row["customer_id"] else row["bank_entry_id"] for row in rows}
    opened = reveal(tx=tx, keeper=keeper, purpose="billing", category=Category.PAYMENT, subjects=sorted(set(subjects.values())))
    payees = {}
    for refund_id, subject in subjects.items():
        fields = opened[subject].fields if subject in opened else {}
        payees[refund_id] = (str(fields.get("account_holder") or "."), iban.plain(str(fields.get("iban") or "")))
    return payees


def _refund(tx: Transaction, refund_id: UUID) -> Refund:
    row = _collection_store.refund(tx, refund_id)
    if row is None:
        raise NotFound("There is no such refund.", remedy="List them: `hoeksteen refund list`.", refund_id=refund_id)
    return Refund(**row)
