"""Bills that will not be paid any more, and money that is held as security."""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from hoeksteen.billing.model import CustomerBill
from hoeksteen.billing.queries import bill_by_number
from hoeksteen.kernel.errors import NotFound, WrongState
from hoeksteen.kernel.identifiers import Identifiers, derived
from hoeksteen.kernel.money import CENT
from hoeksteen.kernel.time_period import local_day
from hoeksteen.kernel.words import require_impersonal, require_said
from hoeksteen.ledger.model import JournalEntry, LedgerAccountCode, Posting
from hoeksteen.ledger.operations import post, require_open
from hoeksteen.receivables import _settling_store, _store
from hoeksteen.receivables.carried_over import claim_named
from hoeksteen.receivables.model import Allocation, Payment, RegisteredPayment
from hoeksteen.receivables.operations import enter, require_euros
from hoeksteen.receivables.queries import open_items
from hoeksteen.receivables.refunds import credit_parts
from hoeksteen.storage.postgres import Transaction

WRITTEN_OFF, DEPOSIT = "write-off", "deposit"


@dataclass(frozen=True, slots=True)
class WriteOff:
    """
    What was given up of a bill.

    :param vat: of the amount: it is asked back from the tax authority, the rest is lost
    """

    customer_id: UUID
    write_off_id: UUID
    customer_bill_id: UUID
    amount: Decimal
    vat: Decimal


@dataclass(frozen=True, slots=True)
class Deposit:
    """Money that is held as security; it settles nothing until it is released."""

    customer_id: UUID
    deposit_id: UUID
    billing_account_id: UUID
    amount: Decimal
    why: str
    held_by: str
    held_at: datetime
    released_by: str | None
    released_at: datetime | None


def _vat_of(bill: CustomerBill, amount: Decimal) -> Decimal:
    """
    Give the VAT in what is given up of a bill: its share, and where the bill has lines out of scope, no more than the amount could hold.

    Such lines ask for part of a sale later, or compensate, so that a bill's VAT may be more than all that it asks for.
    """
    share = amount * bill.vat / bill.gross
    if any(tax.tax_category == "O" for tax in bill.taxes):
        share = min(share, max((amount * tax.tax_rate / (100 + tax.tax_rate) for tax in bill.taxes), default=share))
    return min(amount, max(Decimal(0), share)).quantize(CENT, ROUND_HALF_UP)


def write_off(*, tx: Transaction, bill_number: str, why: str, by: str, now: datetime, identifiers: Identifiers) -> WriteOff:
    """
    Give up what is open of a bill: it is settled, its net part is a loss, and its VAT is asked back. Of an invoice that was carried over all is
    a loss here.

    :raises NotFound: when no bill has this number
    :raises WrongState: when nothing of it is open, or the books of today are closed
    :raises InvalidInput: without a reason and a name
    """
    require_said(by=by, why=why)
    require_impersonal(why=why)
    require_open(tx=tx, day=local_day(now), what="the day of the write-off")
    customer_id, claim_id = claim_named(tx=tx, number=bill_number)
    _store.lock_customer(tx, customer_id)
    left = [item for item in open_items(tx=tx, customer_id=customer_id) if item.customer_bill_id == claim_id]
    if not left or left[0].open_amount <= 0:
        raise WrongState(f"Nothing is open of {bill_number}.", remedy="Look at the customer's open items.")
    item, amount, write_off_id = left[0], left[0].open_amount, identifiers.new(now)
    # the VAT of a former system's invoice is not known here: whoever asks it back reads it there
    vat = Decimal("0.00") if item.origin else _vat_of(bill_by_number(tx=tx, bill_number=bill_number), amount)
    done = WriteOff(customer_id, write_off_id, claim_id, amount, vat)
    _settling_store.insert_write_off(tx, (customer_id, write_off_id, claim_id, amount, vat, why.strip(), by.strip(), now))
    _store.insert_allocations(tx, [(customer_id, Allocation(claim_id, write_off_id, amount))])
    postings = (
        Posting(LedgerAccountCode.BAD_DEBTS, amount - vat), Posting(LedgerAccountCode.VAT_ON_BAD_DEBTS, vat),
        Posting(LedgerAccountCode.DEBTORS, -amount, customer_id, item.billing_account_id),
    )  # fmt: skip
    _post(tx, WRITTEN_OFF, write_off_id, tuple(one for one in postings if one.amount), now, identifiers)
    return done


def hold_deposit(*, tx: Transaction, customer_id: UUID, amount: Decimal, why: str, by: str, now: datetime, identifiers: Identifiers) -> Deposit:
    """
    Hold a part of a customer's credit as security: bills do not use it up.

    :raises InvalidInput: when the amount is not money, or more than the customer has to their credit
    :raises WrongState: when the books of today are closed
    """
    require_said(by=by, why=why)
    require_impersonal(why=why)
    require_euros(amount=amount, example="what is held, such as 100.00")
    require_open(tx=tx, day=local_day(now), what="the day of the deposit")
    _store.lock_customer(tx, customer_id)
    account_id, parts = credit_parts(tx, customer_id, amount)
    deposit_id = identifiers.new(now)
    _settling_store.insert_deposit(tx, (customer_id, deposit_id, account_id, amount, why.strip(), by.strip(), now))
    _store.insert_allocations(tx, [(customer_id, Allocation(deposit_id, source_id, part)) for source_id, part in parts])
    postings = (Posting(LedgerAccountCode.DEBTORS, amount, customer_id, account_id), Posting(LedgerAccountCode.DEPOSITS, -amount))
    _post(tx, DEPOSIT, deposit_id, postings, now, identifiers)
    return next(one for one in deposits_of(tx=tx, customer_id=customer_id) if one.deposit_id == deposit_id)


def release_deposit(*, tx: Transaction, customer_id: UUID, deposit_id: UUID, by: str, now: datetime, identifiers: Identifiers) -> RegisteredPayment:
    """
    Release a deposit: it settles what the customer owes, and what is left is their credit, to be refunded.

    :raises NotFound: when the customer has no such deposit
    :raises WrongState: when it was released, or the books of today are closed
    """
    require_said(by=by)
    require_open(tx=tx, day=local_day(now), what="the day of the release")
    _store.lock_customer(tx, customer_id)
    found = [one for one in deposits_of(tx=tx, customer_id=customer_id) if one.deposit_id == deposit_id]
    if not found:
        raise NotFound("The customer has no such deposit.", remedy="List them: `hoeksteen receivables open`.", deposit_id=deposit_id)
    if not _settling_store.release(tx, customer_id, deposit_id, by.strip(), now):
        raise WrongState("The deposit was released before.", remedy="Nothing is to be done.", deposit_id=deposit_id)
    one, payment_id = found[0], derived("released deposit", str(deposit_id))
    payment = Payment(customer_id, payment_id, one.billing_account_id, one.amount, local_day(now), "", None, now)
    return enter(tx=tx, payment=payment, against=LedgerAccountCode.DEPOSITS, now=now, identifiers=identifiers)


def deposits_of(*, tx: Transaction, customer_id: UUID) -> list[Deposit]:
    """Give a customer's deposits, released ones too, the oldest first."""
    return [Deposit(**row) for row in _settling_store.deposits(tx, customer_id)]


def _post(tx: Transaction, source: str, reference: UUID, postings: tuple[Posting, ...], now: datetime, identifiers: Identifiers) -> None:
    post(tx=tx, entries=[JournalEntry(identifiers.new(now), local_day(now), source, str(reference), now, postings)])
