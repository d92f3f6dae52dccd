"""Registering payments, and matching them with what is owed."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from hoeksteen.billing.legal_entity import payment_reference
from hoeksteen.kernel.errors import InvalidInput, NotFound, invariant
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.money import CENT
from hoeksteen.kernel.time_period import local_day
from hoeksteen.ledger.model import JournalEntry, LedgerAccountCode, Posting
from hoeksteen.ledger.operations import post
from hoeksteen.party.queries import billing_accounts
from hoeksteen.receivables import _store
from hoeksteen.receivables.model import Allocation, OpenItem, Payment, RegisteredPayment
from hoeksteen.receivables.queries import open_items
from hoeksteen.storage.postgres import Transaction

SOURCE = "payment"


def register_payment(
    *,
    tx: Transaction,
    customer_id: UUID,
    billing_account_id: UUID,
    amount: Decimal,
    received_on: date,
    reference: str,
    now: datetime,
    identifiers: Identifiers,
) -> RegisteredPayment:
    """
    Register money received: post it to the books and match it with the bills that it settles.

    The bill that the reference names (its number or its payment reference) comes first, then the oldest bills of the
    billing account, then the customer's others. What is left stays to the customer's credit.

    :param amount: euros with at most two decimals, more than nothing
    :raises InvalidInput: when the amount is not money, or the payment lies in the future
    :raises NotFound: when the customer has no such billing account
    """
    if not amount.is_finite() or amount <= 0 or amount != amount.quantize(CENT):
        raise InvalidInput(f"The field amount must be euros with two decimals, not {amount}.", remedy="Give what was received, such as 54.95.")
    if received_on > local_day(now):
        raise InvalidInput(f"The field received_on lies in the future: {received_on}.", remedy="Give the day of the bank statement.")
    if billing_account_id not in {one.billing_account_id for one in billing_accounts(tx=tx, customer_id=customer_id)}:
        raise NotFound("The customer has no such billing account.", remedy="Choose one of the customer's billing accounts.", customer_id=customer_id)
    _store.lock_customer(tx, customer_id)
    amount = amount.quantize(CENT)
    payment = Payment(customer_id, identifiers.new(now), billing_account_id, amount, received_on, reference.strip(), now)
    allocations, left = _match(payment, open_items(tx=tx, customer_id=customer_id))
    invariant(sum((one.amount for one in allocations), left) == amount, "a payment is used up by bills and by what is left")
    _store.insert_payment(tx, payment)
    _store.insert_allocations(tx, customer_id, allocations)
    postings = (
        Posting(LedgerAccountCode.BANK, amount),
        Posting(LedgerAccountCode.DEBTORS, -amount, customer_id, billing_account_id),
    )
    post(tx=tx, entries=[JournalEntry(identifiers.new(now), received_on, SOURCE, str(payment.payment_id), now, postings)])
    return RegisteredPayment(payment, tuple(allocations), left)


def _match(payment: Payment, items: Sequence[OpenItem]) -> tuple[list[Allocation], Decimal]:
    named = _plain(payment.reference)

    def rank(item: OpenItem) -> tuple[bool, bool, date, str]:
        is_named = bool(named) and named in (_plain(item.reference), _plain(payment_reference(item.reference)))
        return not is_named, item.billing_account_id != payment.billing_account_id, item.item_date, item.reference

    allocations: list[Allocation] = []
    left = payment.amount
    for item in sorted((item for item in items if item.kind == "bill"), key=rank):
        part = min(left, item.open_amount)
        if part > 0 and item.customer_bill_id is not None:
            allocations.append(Allocation(item.customer_bill_id, payment.payment_id, part))
            left -= part
    return allocations, left


def _plain(reference: str) -> str:
    return re.sub(r"[^0-9A-Z]", "", reference.upper())
