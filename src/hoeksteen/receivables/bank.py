"""Bank statements: taking them, and what people decide about the payments that nobody could be found for."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from hoeksteen.disclosure import KeeperClient
from hoeksteen.disclosure.operations import forget
from hoeksteen.disclosure.queries import reveal
from hoeksteen.kernel.errors import InvalidInput, NotFound, WrongState
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.memory import without_cycle_collector
from hoeksteen.kernel.sealed import Category
from hoeksteen.kernel.time_period import local_day
from hoeksteen.kernel.words import require_said
from hoeksteen.ledger.model import LedgerAccountCode
from hoeksteen.ledger.operations import require_open
from hoeksteen.ledger.queries import open_from
from hoeksteen.party.queries import billing_accounts
from hoeksteen.receivables import _bank_store, _store
from hoeksteen.receivables._ahead import reading
from hoeksteen.receivables._intake import Intake
from hoeksteen.receivables.camt import Head
from hoeksteen.receivables.carried_over import former_invoice_named
from hoeksteen.receivables.model import Payment, RegisteredPayment
from hoeksteen.receivables.operations import enter
from hoeksteen.receivables.references import bills_named
from hoeksteen.storage.postgres import Database, Row, Transaction

SHOWN_MAX = 1_000


@dataclass(frozen=True, slots=True)
class BankIntake:
    """
    What taking a file did.

    :param already_taken: the file, or each statement in it, was taken before; nothing changed
    :param count: of `entries`, of each outcome and of each way it was reached, of what was `overpaid` or `half_paid`, and `of_closed_months`
    :param booked_from: the first open day, on which entries of closed months are booked; None where there is none
    :param amount: euros by outcome; a credit of our account is positive
    """

    kind: str
    already_taken: bool
    statements: tuple[str, ...]
    count: Counter[str]
    amount: Mapping[str, Decimal]
    booked_from: date | None = None


@dataclass(frozen=True, slots=True)
class BankStatement:
    """
    A statement or notification that was taken.

    :param booked: the sum of its entries in euros: opening + booked = closing
    """

    kind: str
    iban: str
    identification: str
    sequence: int | None
    opening: Decimal | None
    closing: Decimal | None
    booked: Decimal
    entries: int
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class BankEntry:
    """
    One payment of a bank booking.

    :param booked_on: the day in the books; `bank_day`: the bank's own, which is earlier where its books were closed
    :param way: how it was found, or why it waits
    :param customer_id: whose it is; while it waits, whose it may be
    :param candidates: whose it may be, where there are several
    """

    bank_entry_id: UUID
    booking_key: str
    booked_on: date
    bank_day: date
    amount: Decimal
    currency: str
    outcome: str
    way: str
    reason: str | None
    customer_id: UUID | None
    payment_id: UUID | None
    candidates: tuple[UUID, ...]
    decision: str | None
    decided_by: str | None
    decided_at: datetime | None

    @property
    def perhaps_of(self) -> tuple[UUID, ...]:
        """Whose it may be."""
        return self.candidates or ((self.customer_id,) if self.customer_id else ())


@dataclass(frozen=True, slots=True)
class Waiting:
    """Unmatched payments of one reason."""

    way: str
    currency: str
    count: int
    amount: Decimal
    oldest: date


@dataclass(frozen=True, slots=True)
class Payer:
    """Who paid, as the bank says it; None where the bank does not."""

    iban: str | None
    account_holder: str | None


def take(
    *, database: Database, keeper: KeeperClient, path: Path, now: datetime, identifiers: Identifiers,
    progress: Callable[[int], None] = lambda _: None,
) -> BankIntake:  # fmt: skip
    """
    Take a file of the bank: check it, match every entry and post it, in one transaction; a file that was taken before changes nothing.

    What the bank booked in a month whose books are closed is booked on the first open day, with the bank's day beside it.

    :param progress: told after each batch how many entries it had
    :raises InvalidInput: when the file cannot be read, is of another bank account or currency, or does not add up
    :raises Conflict: when it contradicts what was taken before
    :raises WrongState: when statements before it are missing
    :raises AccessDenied: when this service may not look up payers for billing
    :raises Unavailable: when the process that reads a large file is gone
    """
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").digest()
    with without_cycle_collector(), database.transaction() as tx:
        _store.lock_all(tx)
        if _bank_store.file_taken(tx, sha256):
            return BankIntake("", True, (), Counter(), {})
        intake = Intake(tx, keeper, sha256, now, identifiers, progress)
        with reading(path) as parts:
            for one in parts:
                if isinstance(one, Head):
                    intake.begin(one)
                else:
                    intake.add(one)
            intake.close()
        if intake.kind is None:
            raise InvalidInput("The file holds no statement.", remedy="Ask the bank for the file again.")
        _bank_store.insert_file(tx, sha256, intake.kind, now)
    return BankIntake(intake.kind, not intake.statements, tuple(intake.statements), intake.count, dict(intake.amount), intake.booked_from)


def statements(*, tx: Transaction, limit: int = 50) -> list[BankStatement]:
    """Give the statements and notifications that were taken, the newest first."""
    return [BankStatement(**row) for row in _bank_store.statements(tx, min(limit, SHOWN_MAX))]


def _entry_of(row: Row) -> BankEntry:
    return BankEntry(**{**row, "candidates": tuple(row["candidates"])})


def waiting(*, tx: Transaction) -> list[Waiting]:
    """Give how many payments wait, by reason."""
    return [Waiting(**row) for row in _bank_store.unmatched_sums(tx)]


def unmatched(*, tx: Transaction, limit: int = 50) -> list[BankEntry]:
    """Give the payments that wait for a decision, the oldest first; who paid is asked for one by one (`payer`)."""
    return [_entry_of(row) for row in _bank_store.unmatched(tx, min(limit, SHOWN_MAX))]


def entry(*, tx: Transaction, bank_entry_id: UUID) -> BankEntry:
    """
    Give one payment of a bank booking, with what was decided about it.

    :raises NotFound: when there is none with this identifier
    """
    row = _bank_store.entry(tx, bank_entry_id)
    if row is None:
        raise NotFound("No bank entry has this identifier.", remedy="List the unmatched ones again.", bank_entry_id=bank_entry_id)
    return _entry_of(row)


def payer(*, tx: Transaction, keeper: KeeperClient, bank_entry_id: UUID) -> Payer:
    """
    Give who paid what waits; the look stands in the keeper's log, with the entry as its subject.

    :raises AccessDenied: when the actor may not see payment data for billing
    """
    found = reveal(tx=tx, keeper=keeper, purpose="billing", category=Category.PAYMENT, subjects=[bank_entry_id]).get(bank_entry_id)
    return Payer(None, None) if found is None else Payer(found.fields.get("iban"), found.fields.get("account_holder"))


def assign(
    *, tx: Transaction, bank_entry_id: UUID, customer_id: UUID, reference: str = "", by: str, now: datetime, identifiers: Identifiers
) -> RegisteredPayment:  # fmt: skip
    """
    Give an unmatched receipt to a customer: from then on it is their payment, and settles what they owe.

    It is booked on the day of its receipt or, when the books of that day are closed, today.

    :param reference: a bill that it is for, by number or payment reference
    :param by: who decides; it stands beside the decision
    :raises WrongState: when it waits no more, is no receipt in euros, or the books of today are closed
    :raises NotFound: when there is no such entry, or the customer has no billing account
    :raises InvalidInput: when nobody is named
    """
    require_said(by=by)
    found = waiting_receipt(tx, bank_entry_id)
    first_open = open_from(tx=tx)
    day = found.booked_on if first_open is None or found.booked_on >= first_open else local_day(now)
    require_open(tx=tx, day=day, what="the day of the assignment")
    held = billing_accounts(tx=tx, customer_id=customer_id)
    if not held:
        raise NotFound("The customer has no billing account.", remedy="Choose the customer who pays the bills.", customer_id=customer_id)
    _bank_store.insert_decision(tx, bank_entry_id, "assigned", customer_id, by.strip(), now)
    named = (*bills_named(references=(), text=reference), former_invoice_named(tx=tx, customer_id=customer_id, reference=reference))[0]
    payment = Payment(customer_id, bank_entry_id, held[0].billing_account_id, found.amount, day, named, None, now)
    done = enter(tx=tx, payment=payment, against=LedgerAccountCode.UNMATCHED_RECEIPTS, now=now, identifiers=identifiers)
    forget(tx=tx, subject=bank_entry_id, category=Category.PAYMENT)
    return done


def waiting_receipt(tx: Transaction, bank_entry_id: UUID) -> BankEntry:
    """
    Give an unmatched receipt in euros about which nothing was decided; nobody decides about it beside this transaction.

    :raises WrongState: when it is none
    """
    _store.lock_all(tx)
    found = entry(tx=tx, bank_entry_id=bank_entry_id)
    if found.outcome != "unmatched" or found.decision is not None:
        raise WrongState("The bank entry waits for no decision.", remedy="List the unmatched ones again.", bank_entry_id=bank_entry_id)
    if found.amount <= 0 or found.currency != "EUR":
        raise WrongState("The bank entry is no receipt in euros.", remedy="Have it booked by hand.", bank_entry_id=bank_entry_id)
    return found
