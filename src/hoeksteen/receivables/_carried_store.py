"""SQL of what was carried over from systems before this one."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from hoeksteen.storage.postgres import Row, Transaction

COLUMNS = (
    "customer_id", "carried_item_id", "billing_account_id", "source", "source_key", "origin", "kind", "reference", "reference_key", "bill_date",
    "due_date", "total", "amount", "booked_on", "carried_at",
)  # fmt: skip
_ITEM = f"SELECT {', '.join(COLUMNS)} FROM receivables.carried_item "
_UPSERT_MANDATES = """
INSERT INTO receivables.mandate
    (customer_id, mandate_id, billing_account_id, scheme, signed_on, is_first, last_used_on, kind, state, added_by, added_at)
SELECT given.*, 'recurring', 'active', %s, %s
FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::date[], %s::boolean[], %s::date[]) AS given
ON CONFLICT (customer_id, mandate_id) DO UPDATE
    SET scheme = EXCLUDED.scheme, signed_on = EXCLUDED.signed_on, is_first = EXCLUDED.is_first, last_used_on = EXCLUDED.last_used_on
    WHERE mandate.state = 'active' AND mandate.amended_on IS NULL
"""


def insert(tx: Transaction, rows: Iterable[Sequence[Any]]) -> None:
    tx.copy_in("receivables.carried_item", COLUMNS, rows)


def by_id(tx: Transaction, carried_item_ids: Sequence[UUID]) -> list[Row]:
    return tx.rows(_ITEM + "WHERE carried_item_id = ANY (%s) ORDER BY carried_item_id FOR UPDATE", (list(carried_item_ids),))


def by_key(tx: Transaction, reference_keys: Sequence[str]) -> list[Row]:
    return tx.rows(_ITEM + "WHERE reference_key = ANY (%s) ORDER BY customer_id, carried_item_id", (list(reference_keys),))


def move(tx: Transaction, carried_item_ids: Sequence[UUID], customer_id: UUID, billing_account_id: UUID) -> None:
    sql = "UPDATE receivables.carried_item SET customer_id = %s, billing_account_id = %s WHERE carried_item_id = ANY (%s)"
    tx.execute(sql, (customer_id, billing_account_id, list(carried_item_ids)))


def of_records(tx: Transaction, source_keys: Sequence[UUID]) -> list[UUID]:
    sql = "SELECT carried_item_id FROM receivables.carried_item WHERE source_key = ANY (%s) ORDER BY carried_item_id"
    return [row["carried_item_id"] for row in tx.rows(sql, (list(source_keys),))]


def of_customers(tx: Transaction, customer_ids: Sequence[UUID]) -> list[Row]:
    return tx.rows(_ITEM + "WHERE customer_id = ANY (%s) ORDER BY customer_id, carried_item_id FOR UPDATE", (list(customer_ids),))


def take_back(tx: Transaction, carried_item_ids: Sequence[UUID]) -> None:
    tx.execute("DELETE FROM receivables.carried_item WHERE carried_item_id = ANY (%s)", (list(carried_item_ids),))


def take_back_mandates(tx: Transaction, mandate_ids: Sequence[UUID]) -> None:
    """Remove mandates by which nothing was collected here, and which nobody ended or changed."""
    sql = """
    DELETE FROM receivables.mandate m WHERE mandate_id = ANY (%s) AND state = 'active' AND amended_on IS NULL
    AND NOT EXISTS (SELECT FROM receivables.collection c WHERE c.mandate_id = m.mandate_id)
    """
    tx.execute(sql, (list(mandate_ids),))


def transaction_number(tx: Transaction) -> int:
    """Give the number of this transaction, which no other one has."""
    return int(tx.value("SELECT pg_current_xact_id()::text::bigint"))


def customers_with_settled(tx: Transaction, customer_ids: Sequence[UUID]) -> set[UUID]:
    sql = """
    SELECT DISTINCT i.customer_id FROM receivables.carried_item i
    JOIN receivables.allocation a ON a.customer_bill_id = i.carried_item_id OR a.source_id = i.carried_item_id
    WHERE i.customer_id = ANY (%s)
    """
    return {row["customer_id"] for row in tx.rows(sql, (list(customer_ids),))}


def settled(tx: Transaction, carried_item_ids: Sequence[UUID]) -> set[UUID]:
    """Give which of some items settle something, or are settled by something."""
    sql = """
    SELECT customer_bill_id AS item FROM receivables.allocation WHERE customer_bill_id = ANY (%(ids)s)
    UNION SELECT source_id FROM receivables.allocation WHERE source_id = ANY (%(ids)s)
    """
    return {row["item"] for row in tx.rows(sql, {"ids": list(carried_item_ids)})} if carried_item_ids else set()


def sums(tx: Transaction, sources: Sequence[str], without: Sequence[UUID]) -> list[Row]:
    """
    Give, per source and kind, how many items were carried over, and their euros; what is owed and what is owed back apart.

    :param without: the records whose items do not count
    """
    sql = """
    SELECT source, kind, count(*) FILTER (WHERE amount > 0) AS owed_count, coalesce(sum(amount) FILTER (WHERE amount > 0), 0.00) AS owed,
           count(*) FILTER (WHERE amount < 0) AS credit_count, coalesce(sum(amount) FILTER (WHERE amount < 0), 0.00) AS credit
    FROM receivables.carried_item WHERE source = ANY (%s) AND NOT source_key = ANY (%s) GROUP BY source, kind
    """
    return tx.rows(sql, (list(sources), list(without)))


def in_the_books(tx: Transaction, end_day: date) -> list[Row]:
    sql = "SELECT billing_account_id, sum(amount) AS amount FROM receivables.carried_item WHERE booked_on < %s GROUP BY 1"
    return tx.rows(sql, (end_day,))


def accounts(tx: Transaction, carried_item_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    sql = "SELECT carried_item_id, billing_account_id FROM receivables.carried_item WHERE carried_item_id = ANY (%s)"
    return {row["carried_item_id"]: row["billing_account_id"] for row in tx.rows(sql, (list(carried_item_ids),))}


def upsert_mandates(tx: Transaction, rows: Sequence[Sequence[Any]], by: str, now: datetime) -> None:
    """:param rows: customer, mandate, billing account, scheme, day of the signature, whether the next collection is the first, day of the last"""
    if rows:
        tx.execute(_UPSERT_MANDATES, (by, now, *(list(column) for column in zip(*rows, strict=True))))


def customers_with_other_mandate(tx: Transaction, customer_ids: Sequence[UUID], mandate_ids: Sequence[UUID]) -> set[UUID]:
    sql = "SELECT customer_id FROM receivables.mandate WHERE customer_id = ANY (%s) AND NOT mandate_id = ANY (%s)"
    return {row["customer_id"] for row in tx.rows(sql, (list(customer_ids), list(mandate_ids)))}


def mandates_there(tx: Transaction, mandate_ids: Sequence[UUID]) -> set[UUID]:
    sql = "SELECT mandate_id FROM receivables.mandate WHERE mandate_id = ANY (%s)"
    return {row["mandate_id"] for row in tx.rows(sql, (list(mandate_ids),))}
