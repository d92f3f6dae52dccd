"""SQL of blocks."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from hoeksteen.storage.postgres import Row, Transaction

_BLOCK = """
SELECT customer_id, product_id, from_day, reference, emergency_calls, incoming_until, blocked_at, lifted_from, lifted_at FROM product.block
"""
_COLUMNS = ("customer_id", "product_id", "from_day", "reference", "emergency_calls", "incoming_until", "blocked_at")


def insert(tx: Transaction, customer_id: UUID, product_id: UUID, from_day: date, reference: UUID, incoming_until: date, now: datetime) -> None:
    tx.copy_in("product.block", _COLUMNS, [(customer_id, product_id, from_day, reference, True, incoming_until, now)])


def lift(tx: Transaction, customer_id: UUID, product_id: UUID, from_day: date, now: datetime) -> None:
    sql = "UPDATE product.block SET lifted_from = %s, lifted_at = %s WHERE customer_id = %s AND product_id = %s AND lifted_at IS NULL"
    tx.execute(sql, (from_day, now, customer_id, product_id))


def reopen(tx: Transaction, customer_id: UUID, product_id: UUID, lifted_from: date) -> None:
    """Let the last block that was lifted on a day hold again."""
    sql = """
    UPDATE product.block SET lifted_from = NULL, lifted_at = NULL WHERE customer_id = %(customer)s AND product_id = %(product)s AND blocked_at = (
        SELECT max(blocked_at) FROM product.block WHERE customer_id = %(customer)s AND product_id = %(product)s
    ) AND lifted_from = %(day)s
    """
    tx.execute(sql, {"customer": customer_id, "product": product_id, "day": lifted_from})


def open_of(tx: Transaction, customer_ids: Sequence[UUID]) -> list[Row]:
    return tx.rows(_BLOCK + "WHERE customer_id = ANY (%s) AND lifted_at IS NULL ORDER BY customer_id, product_id", (list(customer_ids),))


def of_customer(tx: Transaction, customer_id: UUID) -> list[Row]:
    return tx.rows(_BLOCK + "WHERE customer_id = %s ORDER BY blocked_at DESC, product_id", (customer_id,))


def customers_after(tx: Transaction, after: UUID | None, limit: int) -> list[UUID]:
    sql = """
    SELECT DISTINCT customer_id FROM product.block WHERE lifted_at IS NULL AND (%(after)s::uuid IS NULL OR customer_id > %(after)s)
    ORDER BY customer_id LIMIT %(limit)s
    """
    return [row["customer_id"] for row in tx.rows(sql, {"after": after, "limit": limit})]
