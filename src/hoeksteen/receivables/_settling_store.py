"""SQL of write-offs and deposits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hoeksteen.storage.postgres import Row, Transaction

_DEPOSIT = """
SELECT customer_id, deposit_id, billing_account_id, amount, why, held_by, held_at, released_by, released_at FROM receivables.deposit
"""


def insert_write_off(tx: Transaction, values: Sequence[Any]) -> None:
    columns = ("customer_id", "write_off_id", "customer_bill_id", "amount", "vat", "why", "written_off_by", "written_off_at")
    tx.copy_in("receivables.write_off", columns, [values])


def insert_deposit(tx: Transaction, values: Sequence[Any]) -> None:
    columns = ("customer_id", "deposit_id", "billing_account_id", "amount", "why", "held_by", "held_at")
    tx.copy_in("receivables.deposit", columns, [values])


def deposits(tx: Transaction, customer_id: UUID) -> list[Row]:
    return tx.rows(_DEPOSIT + "WHERE customer_id = %s ORDER BY held_at, deposit_id", (customer_id,))


def release(tx: Transaction, customer_id: UUID, deposit_id: UUID, by: str, now: datetime) -> int:
    sql = """
    UPDATE receivables.deposit SET released_by = %s, released_at = %s WHERE customer_id = %s AND deposit_id = %s AND released_at IS NULL
    """
    return tx.execute(sql, (by, now, customer_id, deposit_id))


def collections_by_day(tx: Transaction) -> list[Row]:
    sql = """
    SELECT r.collection_day AS day, sum(c.amount) AS amount FROM receivables.collection c JOIN receivables.collection_run r USING (collection_run_id)
    WHERE c.state IN ('due', 'sent') GROUP BY r.collection_day
    """
    return tx.rows(sql)


def bills_to_be_collected(tx: Transaction, customer_ids: Sequence[UUID]) -> set[UUID]:
    """Give the bills that stand in a run and in no file yet; once they do, they are settled."""
    sql = "SELECT customer_bill_id FROM receivables.collection WHERE customer_id = ANY (%s) AND state = 'due'"
    return {row["customer_bill_id"] for row in tx.rows(sql, (list(customer_ids),))}


def refunds_on_their_way(tx: Transaction) -> Any:
    return tx.value("SELECT coalesce(sum(amount), 0.00) FROM receivables.refund WHERE state IN ('approved', 'sent')")
