"""SQL of audits over all bills; like `_store`, private to this room."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

from hoeksteen.storage.postgres import Row, Transaction

_USAGE_DISCOUNTS = """
SELECT b.billing_account_id, sum(coalesce(l.gross, l.net)) AS amount
FROM billing.customer_bill b JOIN billing.applied_customer_billing_rate l USING (customer_id, customer_bill_id)
WHERE b.bill_run_id = %(run)s AND l.kind = 'discount' AND l.detail -> 'usage' IS NOT NULL GROUP BY b.billing_account_id
"""
_GROSS = """
SELECT billing_account_id, sum(gross) AS amount FROM billing.customer_bill
WHERE bill_number IS NOT NULL AND bill_date < %(end)s GROUP BY billing_account_id
"""
_TOTALS = """
SELECT coalesce(sum(net), 0.00) AS net, coalesce(sum(vat), 0.00) AS vat, coalesce(sum(rounding), 0.00) AS rounding FROM billing.customer_bill
WHERE bill_number IS NOT NULL AND bill_date < %(end)s
"""
_OF_BILLS = (
    "SELECT customer_bill_id, billing_account_id, gross FROM billing.customer_bill WHERE customer_bill_id = ANY (%s) AND bill_number IS NOT NULL"
)


def departments_billed(tx: Transaction, bill_run_id: UUID, customer_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Give on whose bills of a run the departments of some customers stand."""
    rows = tx.rows(
        """
        SELECT DISTINCT (l.detail ->> 'billing_account_id')::uuid AS department, b.billing_account_id AS top
        FROM billing.customer_bill b JOIN billing.applied_customer_billing_rate l USING (customer_id, customer_bill_id)
        WHERE b.customer_id = ANY (%(customers)s) AND b.bill_run_id = %(run)s AND l.detail ->> 'billing_account_id' IS NOT NULL
        """,
        {"customers": list(customer_ids), "run": bill_run_id},
    )
    return {row["department"]: row["top"] for row in rows}


def usage_discounts(tx: Transaction, bill_run_id: UUID) -> dict[UUID, Decimal]:
    """Give what the bills of a run take off the usage of each billing account, as their lines have it."""
    return {row["billing_account_id"]: row["amount"] for row in tx.rows(_USAGE_DISCOUNTS, {"run": bill_run_id})}


def gross_by_account(tx: Transaction, end_day: date) -> dict[UUID, Decimal]:
    return {row["billing_account_id"]: row["amount"] for row in tx.rows(_GROSS, {"end": end_day})}


def totals(tx: Transaction, end_day: date) -> Row:
    row = tx.row(_TOTALS, {"end": end_day})
    assert row is not None  # an aggregate always gives a row
    return row


def gross_of_bills(tx: Transaction, customer_bill_ids: Sequence[UUID]) -> dict[UUID, tuple[UUID, Decimal]]:
    return {row["customer_bill_id"]: (row["billing_account_id"], row["gross"]) for row in tx.rows(_OF_BILLS, (list(customer_bill_ids),))}


def years_of_numbers(tx: Transaction, legal_entity: str) -> set[int]:
    sql = """
    SELECT DISTINCT split_part(bill_number, '-', 2)::int AS year FROM billing.customer_bill WHERE bill_number IS NOT NULL
    UNION SELECT year FROM billing.invoice_counter WHERE legal_entity = %s
    """
    return {row["year"] for row in tx.rows(sql, (legal_entity,))}
