"""SQL of audits over all payments and what they settle; like `_store`, private to this room."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from hoeksteen.storage.postgres import Row, Transaction

_RECEIVED = "SELECT billing_account_id, sum(amount) AS amount FROM receivables.payment WHERE received_on < %(end)s GROUP BY billing_account_id"
_SETTLED = "SELECT customer_bill_id, sum(amount) AS amount FROM receivables.allocation GROUP BY customer_bill_id"
_SPENT = "SELECT source_id, sum(amount) AS amount FROM receivables.allocation GROUP BY source_id"
_PAYMENTS = "SELECT payment_id, billing_account_id, amount FROM receivables.payment"


def received_by_account(tx: Transaction, end_day: date) -> dict[UUID, Decimal]:
    return {row["billing_account_id"]: row["amount"] for row in tx.rows(_RECEIVED, {"end": end_day})}


def settled(tx: Transaction) -> dict[UUID, Decimal]:
    """Give how much of each bill is settled."""
    return {row["customer_bill_id"]: row["amount"] for row in tx.rows(_SETTLED)}


def spent(tx: Transaction) -> dict[UUID, Decimal]:
    """Give how much of each payment and credit note settles bills."""
    return {row["source_id"]: row["amount"] for row in tx.rows(_SPENT)}


def payments(tx: Transaction) -> list[Row]:
    return tx.rows(_PAYMENTS)
