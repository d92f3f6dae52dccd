"""SQL of waves."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from hoeksteen.storage.postgres import Row, Transaction

WaitingRow = tuple[str, UUID, bytes, int, str | None]
StandingRow = tuple[UUID, str, str, str, str, Any]

_STANDING = """
INSERT INTO consolidation.wave_customer (customer_id, wave, party, products, sealed, activity)
SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::jsonb[])
ON CONFLICT (customer_id) DO UPDATE SET wave = excluded.wave, party = excluded.party, products = excluded.products, sealed = excluded.sealed,
    activity = excluded.activity
"""
_COUNTS = """
SELECT wave, count(*) FILTER (WHERE state <> 'waiting') AS records, count(*) FILTER (WHERE state = 'waiting') AS waiting,
       count(DISTINCT customer_id) AS customers
FROM consolidation.source_record WHERE wave IS NOT NULL GROUP BY wave
"""


def waves(tx: Transaction) -> list[Row]:
    return tx.rows("SELECT wave, place, rule, state, cutover FROM consolidation.wave ORDER BY place")


def lock_wave(tx: Transaction, wave: str) -> Row | None:
    return tx.row("SELECT wave, place, rule, state, cutover FROM consolidation.wave WHERE wave = %s FOR UPDATE", (wave,))


def replace_waves(tx: Transaction, rows: Sequence[tuple[str, int, Mapping[str, Any]]], kept: Sequence[str]) -> None:
    """Keep these waves with their places; those of `kept` stay as they are but for that."""
    tx.execute("UPDATE consolidation.wave SET place = -place - 1")
    gone = [name for name, _, _ in rows]
    tx.execute("DELETE FROM consolidation.wave_step WHERE wave IN (SELECT wave FROM consolidation.wave WHERE NOT wave = ANY(%s))", (gone,))
    tx.execute("DELETE FROM consolidation.wave WHERE NOT wave = ANY(%s)", (gone,))
    sql = """
        INSERT INTO consolidation.wave (wave, place, rule, state) VALUES (%s, %s, %s, 'planned')
        ON CONFLICT (wave) DO UPDATE SET place = excluded.place, rule = excluded.rule
    """
    tx.execute_many(sql, [(name, place, json.dumps(dict(rule))) for name, place, rule in rows])


def set_state(tx: Transaction, wave: str, state: str, by: str, now: datetime, run_id: UUID | None, cutover: date | None) -> None:
    tx.execute("UPDATE consolidation.wave SET state = %s, cutover = coalesce(%s, cutover) WHERE wave = %s", (state, cutover, wave))
    add_step(tx, wave, state, by, now, run_id)


def add_step(tx: Transaction, wave: str, state: str, by: str, now: datetime, run_id: UUID | None) -> None:
    sql = "INSERT INTO consolidation.wave_step (wave, state, run_id, by_whom, at) VALUES (%s, %s, %s, %s, %s)"
    tx.execute(sql, (wave, state, run_id, by, now))


def steps(tx: Transaction) -> list[Row]:
    return tx.rows("SELECT wave, state, run_id, by_whom, at FROM consolidation.wave_step ORDER BY wave, step")


def counts(tx: Transaction) -> dict[str, Row]:
    return {row["wave"]: row for row in tx.rows(_COUNTS)}


def count_waiting_nowhere(tx: Transaction) -> int:
    return int(tx.value("SELECT count(*) FROM consolidation.source_record WHERE state = 'waiting' AND wave IS NULL"))


def waiting_in_begun(tx: Transaction, but_for: Sequence[str]) -> dict[UUID, str]:
    """Give the records that wait in a wave whose state is none of these."""
    sql = """
        SELECT r.source_key, r.wave FROM consolidation.source_record r JOIN consolidation.wave w USING (wave)
        WHERE r.state = 'waiting' AND NOT w.state = ANY(%s)
    """
    return {row["source_key"]: row["wave"] for row in tx.rows(sql, (list(but_for),))}


def replace_waiting(tx: Transaction, sources: Sequence[str], rows: Iterable[WaitingRow], now: datetime) -> None:
    tx.execute("DELETE FROM consolidation.source_record WHERE source = ANY(%s) AND state = 'waiting'", (list(sources),))
    columns = ("source", "source_key", "digest", "source_row", "wave", "state", "loaded_at")
    tx.copy_in("consolidation.source_record", columns, ((*row, "waiting", now) for row in rows))


def forget_waiting(tx: Transaction, record_ids: Sequence[UUID]) -> None:
    tx.execute("DELETE FROM consolidation.source_record WHERE source_key = ANY(%s) AND state = 'waiting'", (list(record_ids),))


def keep_numbers(tx: Transaction, rows: Sequence[tuple[UUID, str, str]]) -> None:
    """Keep the numbers of customers who are taken away, and of the billing account of each: they come again under the same ones."""
    sql = """
        INSERT INTO consolidation.kept_number (customer_id, customer_number, billing_account_number) VALUES (%s, %s, %s)
        ON CONFLICT (customer_id) DO UPDATE
        SET customer_number = excluded.customer_number, billing_account_number = excluded.billing_account_number
    """
    tx.execute_many(sql, rows)


def take_kept_numbers(tx: Transaction, customer_ids: Sequence[UUID]) -> dict[UUID, tuple[str, str]]:
    sql = """
        DELETE FROM consolidation.kept_number WHERE customer_id = ANY(%s) RETURNING customer_id, customer_number, billing_account_number
    """
    return {row["customer_id"]: (row["customer_number"], row["billing_account_number"]) for row in tx.rows(sql, (list(customer_ids),))}


def put_in_wave(tx: Transaction, wave: str, customer_ids: Sequence[UUID]) -> None:
    tx.execute("UPDATE consolidation.source_record SET wave = %s WHERE customer_id = ANY(%s)", (wave, list(customer_ids)))


def keep_standing(tx: Transaction, rows: Sequence[StandingRow]) -> None:
    tx.execute(_STANDING, tuple(list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [], [], [], []))


def standing(tx: Transaction, wave: str, after: UUID | None, limit: int) -> list[Row]:
    sql = """
        SELECT customer_id, party, products, sealed, activity FROM consolidation.wave_customer
        WHERE wave = %(wave)s AND (%(after)s::uuid IS NULL OR customer_id > %(after)s) ORDER BY customer_id LIMIT %(limit)s
    """
    return tx.rows(sql, {"wave": wave, "after": after, "limit": limit})


def standing_of(tx: Transaction, customer_ids: Sequence[UUID]) -> dict[UUID, Row]:
    sql = "SELECT customer_id, wave, party, products, sealed, activity FROM consolidation.wave_customer WHERE customer_id = ANY(%s)"
    return {row["customer_id"]: row for row in tx.rows(sql, (list(customer_ids),))}


def wave_of_customers(tx: Transaction) -> dict[UUID, str]:
    return {row["customer_id"]: row["wave"] for row in tx.rows("SELECT customer_id, wave FROM consolidation.wave_customer")}


def records_wait_again(tx: Transaction, customer_ids: Sequence[UUID]) -> int:
    """Let the records of some customers wait, take away what was noted of them, and give how many records that was."""
    ids = (list(customer_ids),)
    sql = """
        WITH theirs AS (SELECT source_key FROM consolidation.source_record WHERE customer_id = ANY(%(ids)s))
        DELETE FROM consolidation.review r WHERE state = 'open'
            AND (source_key_left IN (SELECT source_key FROM theirs) OR source_key_right IN (SELECT source_key FROM theirs))
            AND NOT EXISTS (
                SELECT FROM consolidation.review_decision d
                WHERE d.source_key_left = r.source_key_left AND d.source_key_right = r.source_key_right)
    """
    tx.execute(sql, {"ids": list(customer_ids)})
    for table in ("source_product", "sealed_record", "wave_customer"):
        tx.execute(f"DELETE FROM consolidation.{table} WHERE customer_id = ANY(%s)", ids)
    sql = "UPDATE consolidation.source_record SET state = 'waiting', reason = '', customer_id = NULL, kept = '' WHERE customer_id = ANY(%s)"
    return tx.execute(sql, ids)


def products_of_records(tx: Transaction, customer_id: UUID, record_ids: Sequence[UUID]) -> list[UUID]:
    sql = "SELECT product_id FROM consolidation.source_product WHERE customer_id = %s AND source_key = ANY(%s) ORDER BY product_id"
    return [row["product_id"] for row in tx.rows(sql, (customer_id, list(record_ids)))]
