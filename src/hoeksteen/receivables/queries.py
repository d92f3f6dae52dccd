"""Who owes what."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from uuid import UUID

from hoeksteen.billing.queries import bills_of, gross_of_bills
from hoeksteen.ledger.queries import balance_of_customer
from hoeksteen.receivables import _audit_store, _store
from hoeksteen.receivables.model import OpenItem, OverSettled
from hoeksteen.storage.postgres import Transaction

_NOTHING = Decimal("0.00")


def open_items(*, tx: Transaction, customer_id: UUID) -> list[OpenItem]:
    """Give what is not settled yet, the oldest first; it adds up to the customer's balance."""
    settled: dict[UUID, Decimal] = {}
    for one in _store.allocations(tx, customer_id):
        settled[one.customer_bill_id] = settled.get(one.customer_bill_id, _NOTHING) - one.amount
        settled[one.source_id] = settled.get(one.source_id, _NOTHING) + one.amount
    items = [
        OpenItem(
            kind="bill" if bill.gross >= 0 else "credit",
            customer_id=customer_id,
            billing_account_id=bill.billing_account_id,
            customer_bill_id=bill.customer_bill_id,
            payment_id=None,
            reference=str(bill.bill_number),
            item_date=bill.bill_date,
            due_date=bill.due_date,
            amount=bill.gross,
            open_amount=bill.gross + settled.get(bill.customer_bill_id, _NOTHING),
        )
        for bill in bills_of(tx=tx, customer_id=customer_id)
    ]
    items += [
        OpenItem(
            kind="payment",
            customer_id=customer_id,
            billing_account_id=payment.billing_account_id,
            customer_bill_id=None,
            payment_id=payment.payment_id,
            reference=payment.reference,
            item_date=payment.received_on,
            due_date=None,
            amount=-payment.amount,
            open_amount=settled.get(payment.payment_id, _NOTHING) - payment.amount,
        )
        for payment in _store.payments(tx, customer_id)
    ]
    return sorted((item for item in items if item.open_amount), key=lambda item: (item.item_date, item.reference, str(item.payment_id)))


def balance(*, tx: Transaction, customer_id: UUID) -> Decimal:
    """Give what a customer owes in euros, by the books; negative when the operator owes the customer."""
    return balance_of_customer(tx=tx, customer_id=customer_id)


def received_by_account(*, tx: Transaction, end_day: date) -> dict[UUID, Decimal]:
    """Give what was received before a day for each billing account; for audits."""
    return _audit_store.received_by_account(tx, end_day)


def over_settled(*, tx: Transaction) -> Iterator[OverSettled]:
    """Give what is settled for more than it asks, or used for more than there is, or settled by nothing that is known; for audits: there is none."""
    settled, spent = _audit_store.settled(tx), _audit_store.spent(tx)
    gross = gross_of_bills(tx=tx, customer_bill_ids=[*settled, *spent])
    paid = {row["payment_id"]: (row["billing_account_id"], row["amount"]) for row in _audit_store.payments(tx)}
    for customer_bill_id, amount in settled.items():
        account_id, asked = gross.get(customer_bill_id, (None, _NOTHING))
        if amount > asked:
            yield OverSettled(account_id, customer_bill_id, asked, amount)
    for source_id, amount in spent.items():
        account_id, there = paid[source_id] if source_id in paid else gross.get(source_id, (None, _NOTHING))
        there = there if source_id in paid else -there
        if amount > there:
            yield OverSettled(account_id, source_id, there, amount)
