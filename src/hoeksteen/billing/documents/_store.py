"""SQL of documents: what an invoice tells beside its own bill."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from hoeksteen.storage.postgres import Transaction

# A credit note refers to the bill that it is on; a bill below zero that a run made takes back what earlier bills charged, and refers
# to the last one before it.
_EARLIER = """
SELECT c.customer_bill_id, e.bill_number, e.bill_date
FROM billing.customer_bill c
LEFT JOIN billing.credit_note n USING (customer_bill_id)
CROSS JOIN LATERAL (
    SELECT bill_number, bill_date FROM billing.customer_bill
    WHERE customer_id = c.customer_id AND billing_account_id = c.billing_account_id AND bill_number IS NOT NULL AND gross > 0
      AND CASE WHEN n.customer_bill_id IS NULL THEN period_from < c.period_from ELSE customer_bill_id = n.credited_bill_id END
    ORDER BY period_from DESC, bill_number DESC LIMIT 1
) e
WHERE c.customer_id = ANY (%(customers)s) AND c.customer_bill_id = ANY (%(bills)s)
"""


def earlier_bills(tx: Transaction, customer_ids: Sequence[UUID], customer_bill_ids: Sequence[UUID]) -> list[tuple[UUID, str, date]]:
    rows = tx.rows(_EARLIER, {"customers": list(customer_ids), "bills": list(customer_bill_ids)})
    return [(row["customer_bill_id"], row["bill_number"], row["bill_date"]) for row in rows]


def numbered_bills(tx: Transaction, first_day: date, end_day: date, after: str, limit: int) -> list[tuple[UUID, UUID, str]]:
    rows = tx.rows(
        """
        SELECT customer_id, customer_bill_id, bill_number FROM billing.customer_bill
        WHERE bill_number > %(after)s AND period_from >= %(first)s AND period_from < %(end)s ORDER BY bill_number LIMIT %(limit)s
        """,
        {"first": first_day, "end": end_day, "after": after, "limit": limit},
    )
    return [(row["customer_id"], row["customer_bill_id"], row["bill_number"]) for row in rows]


def departments_of_bills(tx: Transaction, customer_ids: Sequence[UUID], customer_bill_ids: Sequence[UUID]) -> list[tuple[UUID, UUID]]:
    """Give the departments that have lines on some bills, not credit notes: each bill with each of them."""
    rows = tx.rows(
        """
        SELECT DISTINCT l.customer_bill_id, (l.detail ->> 'billing_account_id')::uuid AS department
        FROM billing.customer_bill b JOIN billing.applied_customer_billing_rate l USING (customer_id, customer_bill_id)
        WHERE b.customer_id = ANY (%(customers)s) AND b.customer_bill_id = ANY (%(bills)s) AND b.bill_run_id IS NOT NULL
          AND l.detail ->> 'billing_account_id' IS NOT NULL
        ORDER BY 1, 2
        """,
        {"customers": list(customer_ids), "bills": list(customer_bill_ids)},
    )
    return [(row["customer_bill_id"], row["department"]) for row in rows]


def count_numbered_bills(tx: Transaction, first_day: date, end_day: date) -> int:
    sql = "SELECT count(*) FROM billing.customer_bill WHERE bill_number IS NOT NULL AND period_from >= %s AND period_from < %s"
    return int(tx.value(sql, (first_day, end_day)))
