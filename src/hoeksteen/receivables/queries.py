"""Who owes what."""

from decimal import Decimal
from uuid import UUID

from hoeksteen.billing.queries import bills_of
from hoeksteen.ledger.queries import balance_of_customer
from hoeksteen.receivables import _store
from hoeksteen.receivables.model import OpenItem
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
