"""SQL of audits over all bills; like `_store`, private to this room."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from hoeksteen.storage.postgres import Row, Transaction

_USAGE_DISCOUNTS = """
SELECT b.billing_account_id, sum(coalesce(l.gross, l.net)) AS amount
FROM billing.customer_bill b JOIN billing.applied_customer_billing_rate l USING (customer_id, customer_bill_id)
WHERE b.bill_run_id = %(run)s AND l.kind = 'discount' AND l.detail -> 'usage' IS NOT NULL GROUP BY b.billing_account_id
"""
# What was granted, beside the lines that say it; the amount is worked out of what was granted, not taken from what the run noted.
_GRANTED = """
WITH bill AS (SELECT * FROM billing.customer_bill WHERE bill_run_id = %(run)s),
department AS (SELECT * FROM unnest(%(departments)s::uuid[], %(tops)s::uuid[]) AS d (billing_account_id, top)),
due AS (
    SELECT c.account_charge_id::text AS source, b.customer_bill_id, b.billing_account_id, b.bill_number, c.billed,
           CASE WHEN c.tax_included = b.tax_included THEN c.amount
                WHEN b.tax_included THEN round(c.amount * (100 + c.tax_rate) / 100, 2)
                ELSE round(c.amount * 100 / (100 + c.tax_rate), 2) END AS amount
    FROM billing.account_charge c LEFT JOIN department t ON t.billing_account_id = c.billing_account_id JOIN bill b
        ON c.customer_bill_id = b.customer_bill_id
        OR (c.customer_bill_id IS NULL AND b.billing_account_id = coalesce(t.top, c.billing_account_id))
    WHERE c.state = 'granted' AND (c.customer_bill_id IS NOT NULL
        OR (coalesce(c.decided_at, c.asked_at) < %(started)s AND (c.from_day IS NULL OR c.from_day < %(end)s)))
),
line AS (
    SELECT l.detail #>> '{charge,id}' AS source, b.customer_bill_id, b.billing_account_id, b.bill_number, sum(coalesce(l.gross, l.net)) AS amount
    FROM bill b JOIN billing.applied_customer_billing_rate l USING (customer_id, customer_bill_id)
    WHERE l.product_id IS NULL AND l.detail -> 'charge' IS NOT NULL GROUP BY 1, 2, 3, 4
)
SELECT coalesce(d.billing_account_id, l.billing_account_id) AS billing_account_id, coalesce(d.bill_number, l.bill_number) AS bill_number,
       coalesce(d.amount, 0.00) AS expected,
       CASE WHEN d.amount = l.amount THEN coalesce(d.billed, 0.00) ELSE coalesce(l.amount, 0.00) END AS found
FROM due d FULL JOIN line l ON d.source = l.source AND d.customer_bill_id = l.customer_bill_id
WHERE d.amount IS DISTINCT FROM l.amount OR d.billed IS DISTINCT FROM l.amount
ORDER BY 2, 1
"""
_USAGE_LINES = """
SELECT b.billing_account_id, coalesce(sum((l.detail ->> 'amount_micro')::bigint), 0)::bigint AS micro
FROM billing.customer_bill b JOIN billing.applied_customer_billing_rate l USING (customer_id, customer_bill_id)
WHERE b.bill_run_id = %(run)s GROUP BY b.billing_account_id
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


def granted_that_differs(tx: Transaction, bill_run_id: UUID, started_at: datetime, end_day: date, top_of: Mapping[UUID, UUID]) -> list[Row]:
    """
    Give what was granted and is billed otherwise, or not, or was not granted and is billed, by the bills of a run.

    :param top_of: on whose bills departments stand
    """
    departments = {"departments": list(top_of), "tops": list(top_of.values())}
    return tx.rows(_GRANTED, {"run": bill_run_id, "started": started_at, "end": end_day, **departments})


def minimums(tx: Transaction, bill_run_id: UUID) -> list[Row]:
    """Give the lines of a run's bills that raise usage to a minimum spend, each with the account, a department too, whose usage it is."""
    sql = """
    SELECT coalesce((l.detail ->> 'billing_account_id')::uuid, b.billing_account_id) AS billing_account_id,
           b.bill_number, b.tax_included, l.product_id, l.product_offering_id, l.period_from, l.detail, coalesce(l.gross, l.net) AS amount
    FROM billing.customer_bill b JOIN billing.applied_customer_billing_rate l USING (customer_id, customer_bill_id)
    WHERE b.bill_run_id = %s AND l.kind = 'minimum' ORDER BY b.bill_number, l.line
    """
    return tx.rows(sql, (bill_run_id,))


def minimums_settled(tx: Transaction, bill_run_id: UUID, first_day: date, end_day: date) -> list[Row]:
    """Give what the bills of a period have together of the minimums of accounts that left, whose bills a run subtracted; `days` as billed last."""
    sql = """
    SELECT b.billing_account_id, max(b.bill_number) AS bill_number, bool_and(b.tax_included) AS tax_included, l.product_id, l.product_offering_id,
           sum(coalesce(l.gross, l.net)) AS amount, (array_agg((l.detail ->> 'days')::int ORDER BY b.bill_date DESC, b.bill_number DESC))[1] AS days
    FROM billing.customer_bill b JOIN billing.applied_customer_billing_rate l USING (customer_id, customer_bill_id)
    WHERE (b.bill_run_id = %(run)s OR EXISTS (
        SELECT FROM billing.leaving_bill e WHERE e.customer_bill_id = b.customer_bill_id AND e.settled_by = %(run)s))
      AND b.billing_account_id IN (SELECT billing_account_id FROM billing.leaving_bill WHERE settled_by = %(run)s)
      AND l.kind = 'minimum' AND l.detail -> 'credits' IS NULL AND l.period_from >= %(first)s AND l.period_from < %(end)s
    GROUP BY b.billing_account_id, l.product_id, l.product_offering_id
    """
    return tx.rows(sql, {"run": bill_run_id, "first": first_day, "end": end_day})


def bills_with_lines_of(tx: Transaction, bill_run_id: UUID, offering_ids: Sequence[str]) -> dict[UUID, str]:
    """Give the numbers of a run's bills that have lines of some offerings, by billing account, a department too."""
    sql = """
    SELECT DISTINCT coalesce((l.detail ->> 'billing_account_id')::uuid, b.billing_account_id) AS billing_account_id, b.bill_number
    FROM billing.customer_bill b JOIN billing.applied_customer_billing_rate l USING (customer_id, customer_bill_id)
    WHERE b.bill_run_id = %s AND l.product_offering_id = ANY (%s)
    """
    return {row["billing_account_id"]: row["bill_number"] for row in tx.rows(sql, (bill_run_id, list(offering_ids)))}


def usage_lines(tx: Transaction, bill_run_id: UUID) -> dict[UUID, int]:
    """Give the exact micro-euros that the usage lines of a run's bills say that they round, by billing account."""
    return {row["billing_account_id"]: row["micro"] for row in tx.rows(_USAGE_LINES, {"run": bill_run_id})}


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
