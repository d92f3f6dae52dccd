"""SQL of disputes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hoeksteen.storage.postgres import Row, Transaction

_DISPUTE = """
SELECT customer_id, dispute_id, customer_bill_id, about, opened_by, opened_at, outcome, settled_by, settled_at FROM care.dispute
"""


def insert(tx: Transaction, values: Sequence[Any]) -> None:
    tx.copy_in("care.dispute", ("customer_id", "dispute_id", "customer_bill_id", "about", "opened_by", "opened_at"), [values])


def of_customer(tx: Transaction, customer_id: UUID) -> list[Row]:
    return tx.rows(_DISPUTE + "WHERE customer_id = %s ORDER BY opened_at DESC, dispute_id DESC", (customer_id,))


def open_of_customers(tx: Transaction, customer_ids: Sequence[UUID]) -> list[Row]:
    return tx.rows(_DISPUTE + "WHERE customer_id = ANY (%s) AND outcome IS NULL ORDER BY opened_at", (list(customer_ids),))


def settle(tx: Transaction, customer_bill_id: UUID, outcome: str, by: str, now: datetime) -> Row | None:
    sql = """
    UPDATE care.dispute SET outcome = %s, settled_by = %s, settled_at = %s WHERE customer_bill_id = %s AND outcome IS NULL RETURNING dispute_id
    """
    return tx.row(sql, (outcome, by, now, customer_bill_id))
