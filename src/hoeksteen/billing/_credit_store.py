"""SQL of credit notes."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from hoeksteen.storage.postgres import Transaction

# What earlier credit notes gave back of each line of a bill, as their lines say.
_CREDITED = """
SELECT (l.detail #>> '{credits,line}')::int AS line, -sum(coalesce(l.gross, l.net)) AS amount
FROM billing.credit_note n JOIN billing.applied_customer_billing_rate l USING (customer_id, customer_bill_id)
WHERE n.customer_id = %s AND n.credited_bill_id = %s GROUP BY 1
"""
_NOTES = """
SELECT b.bill_number, b.bill_date, b.gross, n.why, n.credited_by, n.credited_at, n.customer_bill_id
FROM billing.credit_note n JOIN billing.customer_bill b USING (customer_id, customer_bill_id)
WHERE n.customer_id = %s AND n.credited_bill_id = %s ORDER BY b.bill_number
"""


def lock_bill(tx: Transaction, customer_id: UUID, customer_bill_id: UUID) -> bytes | None:
    """Let one bill be credited by one after the other, until commit; give its sealed buyer."""
    sql = "SELECT invoice_party FROM billing.customer_bill WHERE customer_id = %s AND customer_bill_id = %s FOR UPDATE"
    row = tx.row(sql, (customer_id, customer_bill_id))
    return None if row is None or row["invoice_party"] is None else bytes(row["invoice_party"])


def credited_lines(tx: Transaction, customer_id: UUID, customer_bill_id: UUID) -> dict[int, Decimal]:
    return {row["line"]: row["amount"] for row in tx.rows(_CREDITED, (customer_id, customer_bill_id))}


def notes(tx: Transaction, customer_id: UUID, customer_bill_id: UUID) -> list[dict[str, Any]]:
    return tx.rows(_NOTES, (customer_id, customer_bill_id))


def insert_note(tx: Transaction, customer_id: UUID, customer_bill_id: UUID, credited_bill_id: UUID, why: str, by: str, now: datetime) -> None:
    tx.execute(
        """
        INSERT INTO billing.credit_note (customer_id, customer_bill_id, credited_bill_id, why, credited_by, credited_at)
        VALUES (%s, %s, %s, %s, %s, %s)
        """,
        (customer_id, customer_bill_id, credited_bill_id, why, by, now),
    )
