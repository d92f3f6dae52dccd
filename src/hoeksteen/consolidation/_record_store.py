"""SQL of what records said themselves, of pairs that people decide, and of customers that were merged."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hoeksteen.storage.postgres import Row, Transaction, as_json

SEALED_COLUMNS = (
    "customer_id", "source", "source_key", "place", "kind", "language", "payment_method", "customer_since", "contract_months", "suffix",
    "tax_included", "products", "identity", "contact", "payment",
)  # fmt: skip


def sealed_already(tx: Transaction, source_keys: Sequence[UUID]) -> set[UUID]:
    sql = "SELECT source_key FROM consolidation.sealed_record WHERE source_key = ANY(%s)"
    return {row["source_key"] for row in tx.rows(sql, (list(source_keys),))}


def add_sealed(tx: Transaction, rows: Iterable[Sequence[Any]]) -> None:
    place = SEALED_COLUMNS.index("products")
    wrapped = ((*row[:place], as_json(row[place]), *row[place + 1 :]) for row in rows)
    tx.copy_in("consolidation.sealed_record", SEALED_COLUMNS, wrapped)


def sealed_of(tx: Transaction, source_keys: Sequence[UUID]) -> list[Row]:
    sql = f"""
        SELECT {", ".join("s." + name for name in SEALED_COLUMNS)}, r.digest, r.source_row, f.trust, f.title,
               c.mandate IS NOT NULL AS has_mandate, coalesce(c.mandate_was_used, true) AS mandate_was_used
        FROM consolidation.sealed_record s LEFT JOIN consolidation.carried_record c USING (customer_id, source, source_key)
        JOIN consolidation.source_record r USING (source, source_key) JOIN consolidation.source_file f USING (source)
        WHERE s.source_key = ANY(%s)
    """
    return tx.rows(sql, (list(source_keys),))


def move_sealed(tx: Transaction, source_key: UUID, customer_id: UUID, blobs: tuple[bytes, bytes, bytes | None]) -> None:
    sql = "UPDATE consolidation.sealed_record SET customer_id = %s, identity = %s, contact = %s, payment = %s WHERE source_key = %s"
    tx.execute(sql, (customer_id, *blobs, source_key))


def forget_sealed(tx: Transaction, customer_ids: Sequence[UUID]) -> int:
    return tx.execute("DELETE FROM consolidation.sealed_record WHERE customer_id = ANY(%s)", (list(customer_ids),))


def records_of(tx: Transaction, customer_ids: Sequence[UUID]) -> list[Row]:
    sql = """
        SELECT r.source, r.source_key, r.source_row, r.state, r.customer_id, r.loaded_at, f.trust
        FROM consolidation.source_record r JOIN consolidation.source_file f USING (source)
        WHERE r.customer_id = ANY(%s) ORDER BY f.trust, r.source, r.source_row, r.source_key FOR UPDATE OF r
    """
    return tx.rows(sql, (list(customer_ids),))


def owners_of(tx: Transaction, source_keys: Sequence[UUID]) -> dict[UUID, UUID]:
    sql = "SELECT source_key, customer_id FROM consolidation.source_record WHERE source_key = ANY(%s) AND customer_id IS NOT NULL"
    return {row["source_key"]: row["customer_id"] for row in tx.rows(sql, (list(source_keys),))}


def set_record(tx: Transaction, source_key: UUID, customer_id: UUID, state: str) -> None:
    sql = "UPDATE consolidation.source_record SET customer_id = %s, state = %s WHERE source_key = %s"
    tx.execute(sql, (customer_id, state, source_key))


def former(tx: Transaction, customer_ids: Sequence[UUID]) -> dict[UUID, Row]:
    sql = "SELECT customer_id, party_id, merged_into, source_keys, product_ids, state FROM consolidation.former_customer WHERE customer_id = ANY(%s)"
    return {row["customer_id"]: row for row in tx.rows(sql, (list(customer_ids),))}


def former_of(tx: Transaction, customer_id: UUID) -> list[Row]:
    sql = """
        WITH RECURSIVE merged AS (
            SELECT * FROM consolidation.former_customer WHERE merged_into = %(customer)s
            UNION SELECT f.* FROM consolidation.former_customer f JOIN merged m ON f.merged_into = m.customer_id
        )
        SELECT m.customer_id, m.party_id, m.merged_into, m.merged_by, m.merged_at, c.customer_number
        FROM merged m JOIN party.customer c USING (customer_id)
        ORDER BY m.merged_at, m.customer_id
    """
    return tx.rows(sql, {"customer": customer_id})


def parties_merged_into(tx: Transaction, party_id: UUID) -> list[UUID]:
    sql = """
        WITH RECURSIVE merged AS (
            SELECT f.* FROM consolidation.former_customer f JOIN party.customer c ON c.customer_id = f.merged_into WHERE c.party_id = %(party)s
            UNION SELECT f.* FROM consolidation.former_customer f JOIN merged m ON f.merged_into = m.customer_id
        )
        SELECT DISTINCT party_id FROM merged ORDER BY party_id
    """
    return [row["party_id"] for row in tx.rows(sql, {"party": party_id})]


def add_former(tx: Transaction, row: Sequence[Any]) -> None:
    sql = """
        INSERT INTO consolidation.former_customer (customer_id, party_id, merged_into, source_keys, product_ids, state, merged_by, merged_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
    """
    tx.execute(sql, row)


def point_former(tx: Transaction, customer_id: UUID, merged_into: UUID) -> None:
    tx.execute("UPDATE consolidation.former_customer SET merged_into = %s WHERE customer_id = %s", (merged_into, customer_id))


def forget_former(tx: Transaction, customer_id: UUID) -> None:
    tx.execute("DELETE FROM consolidation.former_customer WHERE customer_id = %s", (customer_id,))


def add_rearrangement(
    tx: Transaction, rearrangement_id: UUID, kind: str, customers: Sequence[UUID], report: Any, by: str, why: str, now: datetime
) -> None:
    sql = """
        INSERT INTO consolidation.rearrangement (rearrangement_id, kind, customer_ids, report, made_by, why, made_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s)
    """
    tx.execute(sql, (rearrangement_id, kind, list(customers), as_json(report), by, why, now))


def rearrangements_of(tx: Transaction, customer_id: UUID) -> list[Row]:
    sql = """
        SELECT rearrangement_id, kind, customer_ids, report, made_by, why, made_at FROM consolidation.rearrangement
        WHERE customer_ids @> ARRAY[%s]::uuid[] ORDER BY made_at, rearrangement_id
    """
    return tx.rows(sql, (customer_id,))


def customers_of_party(tx: Transaction, party_id: UUID) -> list[UUID]:
    return [row["customer_id"] for row in tx.rows("SELECT customer_id FROM party.customer WHERE party_id = %s", (party_id,))]


def is_in_review(tx: Transaction, source_key: UUID) -> bool:
    sql = """
        SELECT EXISTS (
            SELECT FROM consolidation.review WHERE state IN ('open', 'unsure') AND (source_key_left = %(key)s OR source_key_right = %(key)s)
        )
    """
    return bool(tx.value(sql, {"key": source_key}))
