"""SQL of the bills of accounts that leave; like `_store`, private to this room."""

from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

from hoeksteen.storage.postgres import Row, Transaction

# What a run of a period subtracts: the bills of its own period, and, on a run of the cycle, of earlier ones that it makes up for.
_OPEN = "settled_by IS NULL AND (period_from = %(first)s OR (%(earlier)s AND period_from < %(first)s))"
_LINES = """
SELECT l.customer_bill_id, e.billing_account_id, b.bill_number, l.kind, l.product_id, l.product_offering_id, l.price_id, l.detail,
       l.period_from, l.period_to, l.quantity, coalesce(l.gross, l.net) AS amount
FROM billing.leaving_bill e JOIN billing.customer_bill b USING (customer_id, customer_bill_id)
JOIN billing.applied_customer_billing_rate l USING (customer_id, customer_bill_id)
WHERE {condition} AND (l.kind = 'usage' OR l.detail -> 'usage' IS NOT NULL)
ORDER BY e.billing_account_id, b.bill_number, l.line
"""


def open_lines(tx: Transaction, billing_account_ids: Sequence[UUID], first_day: date, earlier: bool) -> list[Row]:
    """Give the lines of usage, and of discounts on it, that a run of a period has to subtract."""
    if not tx.value("SELECT 1 FROM billing.leaving_bill WHERE settled_by IS NULL LIMIT 1"):
        return []
    sql = _LINES.format(condition=f"e.billing_account_id = ANY (%(ids)s) AND {_OPEN.replace('period_from', 'e.period_from')}")
    return tx.rows(sql, {"ids": list(billing_account_ids), "first": first_day, "earlier": earlier})


def settled_lines(tx: Transaction, bill_run_id: UUID) -> list[Row]:
    """Give the lines that a run has subtracted."""
    return tx.rows(_LINES.format(condition="e.settled_by = %(run)s"), {"run": bill_run_id})


def bills_apart(tx: Transaction, bill_run_ids: Sequence[UUID], billing_account_ids: Sequence[UUID]) -> set[tuple[UUID, UUID]]:
    """Give, as run and billing account, which bills of some runs were made when the account left, or subtract one that was."""
    sql = """
    SELECT r.bill_run_id, e.billing_account_id FROM billing.leaving_bill e, unnest(%s::uuid[]) AS r (bill_run_id)
    WHERE e.billing_account_id = ANY (%s) AND (e.bill_run_id = r.bill_run_id OR e.settled_by = r.bill_run_id)
    """
    return set(tx.tuples(sql, (list(bill_run_ids), list(billing_account_ids))))


def lines_of_period(tx: Transaction, billing_account_ids: Sequence[UUID], first_day: date) -> list[Row]:
    """Give the lines of the bills of accounts that left in a period, whether they were subtracted since or not."""
    sql = _LINES.format(condition="e.billing_account_id = ANY (%(ids)s) AND e.period_from = %(first)s")
    return tx.rows(sql, {"ids": list(billing_account_ids), "first": first_day})


def insert(tx: Transaction, bill_run_id: UUID, first_day: date, bills: Iterable[tuple[UUID, UUID, UUID]]) -> None:
    """:param bills: customer, bill and billing account of each"""
    columns = ("customer_id", "customer_bill_id", "billing_account_id", "bill_run_id", "period_from")
    tx.copy_in("billing.leaving_bill", columns, ((*one, bill_run_id, first_day) for one in bills))


def settle(tx: Transaction, bill_run_id: UUID, billing_account_ids: Sequence[UUID], first_day: date) -> int:
    """Note that a run of the cycle has subtracted what the bills of these accounts charged before."""
    sql = f"UPDATE billing.leaving_bill SET settled_by = %(run)s WHERE billing_account_id = ANY (%(ids)s) AND {_OPEN}"
    return tx.execute(sql, {"run": bill_run_id, "ids": list(billing_account_ids), "first": first_day, "earlier": True})


def waiting(tx: Transaction, billing_account_ids: Sequence[UUID] | None) -> set[UUID]:
    """Give the billing accounts, of some or of all, with a bill whose period's own run is still to come."""
    sql = "SELECT DISTINCT billing_account_id FROM billing.leaving_bill WHERE settled_by IS NULL"
    if billing_account_ids is None:
        return {row["billing_account_id"] for row in tx.rows(sql)}
    return {row["billing_account_id"] for row in tx.rows(sql + " AND billing_account_id = ANY (%s)", (list(billing_account_ids),))}


def last_bills(tx: Transaction, customer_ids: Sequence[UUID] | None) -> list[Row]:
    """Give the last bill of each billing account, of some customers or of all, that got one when it left."""
    some = "" if customer_ids is None else "WHERE customer_id = ANY (%s)"
    sql = f"""
    SELECT DISTINCT ON (b.billing_account_id) b.billing_account_id, b.customer_id, b.customer_bill_id, b.bill_number, b.bill_date
    FROM (SELECT DISTINCT customer_id, billing_account_id FROM billing.leaving_bill {some}) e
    JOIN billing.customer_bill b USING (customer_id, billing_account_id)
    WHERE b.bill_number IS NOT NULL AND b.bill_run_id IS NOT NULL
    ORDER BY b.billing_account_id, b.bill_date DESC, b.bill_number DESC
    """
    return tx.rows(sql, None if customer_ids is None else (list(customer_ids),))


def is_leaving_bill(tx: Transaction, customer_bill_id: UUID) -> bool:
    return tx.value("SELECT 1 FROM billing.leaving_bill WHERE customer_bill_id = %s", (customer_bill_id,)) is not None


def lock_cycle(tx: Transaction, cycle_day: int) -> None:
    """Let nobody begin a final run of a cycle, or make a bill of an account that leaves it, until commit."""
    tx.wait_for(f"bills of cycle {cycle_day}")
