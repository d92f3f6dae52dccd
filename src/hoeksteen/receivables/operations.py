"""Registering payments, and matching them with what is owed."""

import re
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from hoeksteen.billing.legal_entity import number_in_reference
from hoeksteen.billing.queries import bill_by_number
from hoeksteen.kernel.errors import Conflict, InvalidInput, NotFound
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.money import CENT
from hoeksteen.kernel.time_period import local_day
from hoeksteen.ledger.model import JournalEntry, LedgerAccountCode, Posting
from hoeksteen.ledger.operations import post, require_open
from hoeksteen.party.queries import billing_accounts
from hoeksteen.receivables import _store
from hoeksteen.receivables.carried_over import former_invoice_named
from hoeksteen.receivables.matching import OpenBook
from hoeksteen.receivables.model import Allocation, Payment, RegisteredPayment
from hoeksteen.receivables.queries import open_items
from hoeksteen.storage.postgres import Transaction

SOURCE = "payment"
_CLOSED = "Register it with the first day that `hoeksteen ledger periods` shows as open; the bank reference tells when it came."
_BANK_REFERENCE = r"[A-Za-z0-9/+.:-]{1,35}"


def register_payment(
    *,
    tx: Transaction,
    customer_id: UUID,
    billing_account_id: UUID,
    amount: Decimal,
    received_on: date,
    reference: str,
    bank_reference: str | None = None,
    now: datetime,
    identifiers: Identifiers,
) -> RegisteredPayment:
    """
    Register money received: post it to the books and match it with the bills that it settles.

    The bill that the reference names (its number or its payment reference) comes first; then what the customer already had
    to their credit, credit notes too, and this payment settle the oldest bills of the billing account, then the customer's
    others. What is left stays to the customer's credit. A booking of the bank that was registered before changes nothing.

    :param amount: euros with at most two decimals, more than nothing
    :param reference: what the payer wrote; kept only where it names a bill
    :param bank_reference: by which the bank names the booking; without it, an equal payment is taken for the same one
    :raises InvalidInput: when the amount is not money, the payment lies in the future, or the reference names somebody else's bill
    :raises NotFound: when the customer has no such billing account
    :raises Conflict: when an equal payment was registered, or the bank's reference belongs to a payment that is not equal
    :raises WrongState: when the books of its day are closed
    """
    require_euros(amount=amount, example="what was received, such as 54.95")
    if received_on > local_day(now):
        raise InvalidInput(f"The field received_on lies in the future: {received_on}.", remedy="Give the day of the bank statement.")
    if bank_reference is not None and not re.fullmatch(_BANK_REFERENCE, bank_reference):
        raise InvalidInput("The field bank_reference has 1 to 35 letters, digits and signs.", remedy="Copy it from the bank statement.")
    if billing_account_id not in {one.billing_account_id for one in billing_accounts(tx=tx, customer_id=customer_id)}:
        raise NotFound("The customer has no such billing account.", remedy="Choose one of the customer's billing accounts.", customer_id=customer_id)
    _store.lock_customer(tx, customer_id)
    named = _bill_named(tx, customer_id, reference)
    payment = Payment(customer_id, identifiers.new(now), billing_account_id, amount.quantize(CENT), received_on, named, bank_reference, now)
    before = _registered_before(tx, payment)
    if before is not None:
        return before
    require_open(tx=tx, day=received_on, what="the field received_on", remedy=_CLOSED)
    return enter(tx=tx, payment=payment, against=LedgerAccountCode.BANK, now=now, identifiers=identifiers)


def require_euros(*, amount: Decimal, example: str) -> None:
    """
    Refuse what is no amount of money.

    :param example: what is to be given, for the remedy
    :raises InvalidInput: when it is not more than nothing, or has more than two decimals
    """
    if not amount.is_finite() or amount <= 0 or amount != amount.quantize(CENT):
        raise InvalidInput(f"The field amount must be euros with two decimals, not {amount}.", remedy=f"Give {example}.", field="amount")


def enter(*, tx: Transaction, payment: Payment, against: LedgerAccountCode, now: datetime, identifiers: Identifiers) -> RegisteredPayment:
    """
    Match one payment, keep it and post it; the customer must be locked already.

    :param against: the ledger account that the money comes from, such as the bank or what was not matched before
    """
    book = OpenBook(open_items(tx=tx, customer_id=payment.customer_id))
    allocations, left = book.settle(
        payment_id=payment.payment_id, billing_account_id=payment.billing_account_id, amount=payment.amount,
        named=(payment.reference,) if payment.reference else (),
    )  # fmt: skip
    _store.insert_payments(tx, [payment])
    _store.insert_allocations(tx, [(payment.customer_id, one) for one in allocations])
    postings = (
        Posting(against, payment.amount),
        Posting(LedgerAccountCode.DEBTORS, -payment.amount, payment.customer_id, payment.billing_account_id),
    )
    post(tx=tx, entries=[JournalEntry(identifiers.new(now), payment.received_on, SOURCE, str(payment.payment_id), now, postings)])
    return RegisteredPayment(payment, tuple(allocations), left)


def _bill_named(tx: Transaction, customer_id: UUID, reference: str) -> str:
    """Give the number of the customer's bill that a reference names; empty when it names none."""
    number = number_in_reference(reference)
    if number is None:
        return former_invoice_named(tx=tx, customer_id=customer_id, reference=reference)
    try:
        bill = bill_by_number(tx=tx, bill_number=number)
    except NotFound:
        return ""
    if bill.customer_id != customer_id:
        raise InvalidInput(f"The field reference names {number}, a bill of another customer.", remedy="Register the payment with that customer.")
    return number


def _registered_before(tx: Transaction, payment: Payment) -> RegisteredPayment | None:
    """Give what an earlier registration of the same booking did; None when there was none."""
    if payment.bank_reference is None:
        if any(_content(one) == _content(payment) for one in _store.payments(tx, [payment.customer_id])):
            raise Conflict(
                f"A payment of {payment.amount} was registered for this account on {payment.received_on} already.",
                remedy="If it is another one, give its bank reference.",
            )
        return None
    before = _store.payments_of_bank_references(tx, [payment.bank_reference]).get(payment.bank_reference)
    if before is None:
        return None
    if _content(before) != _content(payment):
        raise Conflict(
            f"The bank reference {payment.bank_reference} belongs to a payment of {before.amount} on {before.received_on}, registered already.",
            remedy="Look the booking up on the bank statement.",
        )
    found = [row for row in _store.allocations(tx, [before.customer_id]) if row["source_id"] == before.payment_id]
    allocations = tuple(Allocation(row["customer_bill_id"], row["source_id"], row["amount"]) for row in found)
    return RegisteredPayment(before, allocations, before.amount - sum((one.amount for one in allocations), Decimal("0.00")), repeated=True)


def _content(payment: Payment) -> tuple[object, ...]:
    return payment.customer_id, payment.billing_account_id, payment.amount, payment.received_on, payment.reference
