"""SQL of the pairs that people decide. Nothing here is personal data: records stand as pseudonyms, and steps hold no value."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from hoeksteen.storage.postgres import Row, Transaction, as_json

_PAIR = """
SELECT r.source_key_left, r.source_key_right, r.weight, r.reason, r.state, r.steps, r.priority, r.why, r.decided_by, r.decided_at,
       a.customer_id AS customer_left, b.customer_id AS customer_right, a.source AS source_left, b.source AS source_right,
       a.source_row AS row_left, b.source_row AS row_right
FROM consolidation.review r
JOIN consolidation.source_record a ON a.source_key = r.source_key_left
JOIN consolidation.source_record b ON b.source_key = r.source_key_right
"""
# What hangs on a pair: products in service and euros a month of the customers that either record belongs to.
_STAKES = """
SELECT p.customer_id, count(*) AS products, coalesce(sum(s.monthly), 0) AS monthly
FROM product.product p LEFT JOIN consolidation.source_product s USING (customer_id, product_id)
WHERE p.customer_id = ANY(%s)
  AND NOT EXISTS (SELECT FROM product.product_term t WHERE t.customer_id = p.customer_id AND t.product_id = p.product_id AND t.status = 'terminated' AND t.valid_from <= %s)
GROUP BY p.customer_id
"""  # noqa: E501 one condition


def keep_steps(tx: Transaction, rows: Sequence[tuple[UUID, UUID, Any]]) -> None:
    sql = """
        UPDATE consolidation.review r SET steps = n.steps FROM unnest(%s::uuid[], %s::uuid[], %s::jsonb[]) AS n (one, other, steps)
        WHERE r.source_key_left = n.one AND r.source_key_right = n.other
    """
    if rows:  # whichever record of a pair comes first in its row
        left, right, steps = (list(column) for column in zip(*rows, strict=True))
        tx.execute(sql, (left + right, right + left, [as_json(one) for one in steps] * 2))


def unranked(tx: Transaction) -> list[Row]:
    return tx.rows(_PAIR + "WHERE r.state = 'open' ORDER BY 1, 2")


def set_priorities(tx: Transaction, rows: Sequence[tuple[UUID, UUID, Decimal]]) -> None:
    sql = """
        UPDATE consolidation.review r SET priority = t.priority
        FROM unnest(%s::uuid[], %s::uuid[], %s::numeric[]) AS t (one, other, priority)
        WHERE r.source_key_left = t.one AND r.source_key_right = t.other
    """
    if rows:
        left, right, priorities = zip(*rows, strict=True)
        tx.execute(sql, (list(left), list(right), list(priorities)))


def stakes(tx: Transaction, customer_ids: Sequence[UUID], at: datetime) -> dict[UUID, Row]:
    return {row["customer_id"]: row for row in tx.rows(_STAKES, (list(customer_ids), at))}


def pair(tx: Transaction, left: UUID, right: UUID, *, lock: bool = False) -> Row | None:
    locked = " FOR UPDATE OF r" if lock else ""
    return tx.row(_PAIR + f"WHERE r.source_key_left = %s AND r.source_key_right = %s{locked}", (left, right))


def beginning_with(tx: Transaction, text: str, limit: int) -> list[Row]:
    return tx.rows(_PAIR + "WHERE r.source_key_left::text LIKE %s ORDER BY 1, 2 LIMIT %s", (f"{text}%", limit))


def queue(tx: Transaction, states: Sequence[str], limit: int) -> list[Row]:
    sql = _PAIR + "WHERE r.state = ANY(%s) ORDER BY r.priority DESC, r.source_key_left, r.source_key_right LIMIT %s"
    return tx.rows(sql, (list(states), limit))


def next_after(tx: Transaction, priority: Decimal, left: UUID, right: UUID, *, back: bool) -> Row | None:
    """Give the waiting pair behind another one in the queue, or before it."""
    if back:
        sql = f"""{_PAIR} WHERE r.state = 'open' AND (r.priority > %s OR r.priority = %s AND (r.source_key_left, r.source_key_right) < (%s, %s))
            ORDER BY r.priority, r.source_key_left DESC, r.source_key_right DESC LIMIT 1"""
    else:
        sql = f"""{_PAIR} WHERE r.state = 'open' AND (r.priority < %s OR r.priority = %s AND (r.source_key_left, r.source_key_right) > (%s, %s))
            ORDER BY r.priority DESC, r.source_key_left, r.source_key_right LIMIT 1"""
    return tx.row(sql, (priority, priority, left, right))


def counts(tx: Transaction) -> dict[str, int]:
    return {row["state"]: row["pairs"] for row in tx.rows("SELECT state, count(*) AS pairs FROM consolidation.review GROUP BY state")}


def reasons(tx: Transaction) -> list[Row]:
    return tx.rows("SELECT reason, count(*) AS pairs FROM consolidation.review WHERE state = 'open' GROUP BY reason ORDER BY 2 DESC, 1")


def to_merge(tx: Transaction, limit: int) -> list[Row]:
    """Give the pairs that are the same customer and are two still, in the order of the decisions."""
    sql = _PAIR + "WHERE r.state = 'same' AND a.customer_id <> b.customer_id ORDER BY r.decided_at, 1, 2 LIMIT %s"
    return tx.rows(sql, (limit,))


def apart_within(tx: Transaction, customer_ids: Sequence[UUID]) -> Row | None:
    """Give a pair of records of some customers that somebody decided to be different."""
    return tx.row(_PAIR + "WHERE r.state = 'different' AND a.customer_id = ANY(%s) AND b.customer_id = ANY(%s) LIMIT 1", (list(customer_ids),) * 2)


def together_across(tx: Transaction, pairs: Sequence[tuple[UUID, UUID]], by: str) -> Row | None:
    """Give one of some pairs that somebody else decided to be one customer."""
    sql = (
        _PAIR
        + """
        JOIN unnest(%s::uuid[], %s::uuid[]) AS p (one, other)
            ON (r.source_key_left, r.source_key_right) = (p.one, p.other) OR (r.source_key_left, r.source_key_right) = (p.other, p.one)
        WHERE r.state = 'same' AND r.decided_by <> %s LIMIT 1
        """
    )
    return tx.row(sql, ([one for one, _ in pairs], [other for _, other in pairs], by))


def add_pair(tx: Transaction, left: UUID, right: UUID) -> None:
    sql = """
        INSERT INTO consolidation.review (source_key_left, source_key_right, weight, reason) VALUES (%s, %s, 0, 'named_by_hand')
        ON CONFLICT (source_key_left, source_key_right) DO NOTHING
    """
    tx.execute(sql, (left, right))


def note_different(tx: Transaction, one: UUID, other: UUID, by: str, now: datetime) -> None:
    """Note that two records are different customers; whoever decided otherwise is who notes it."""
    known = pair(tx, one, other) or pair(tx, other, one)
    if known is None:
        left, right = sorted((one, other))
        add_pair(tx, left, right)
    elif known["state"] != "different":
        left, right = known["source_key_left"], known["source_key_right"]
    else:
        return
    decide(tx, left, right, "different", "other", by, now, None)


def decide(tx: Transaction, left: UUID, right: UUID, decision: str, why: str, by: str, now: datetime, digest: bytes | None) -> None:
    sql = """
        UPDATE consolidation.review SET state = %s, why = %s, decided_by = %s, decided_at = %s WHERE source_key_left = %s AND source_key_right = %s
    """
    tx.execute(sql, (decision, why, by, now, left, right))
    sql = """
        INSERT INTO consolidation.review_decision (source_key_left, source_key_right, number, decided_at, decision, why, decided_by, digest)
        SELECT %(left)s, %(right)s, count(*) + 1, %(now)s, %(decision)s, %(why)s, %(by)s, %(digest)s FROM consolidation.review_decision
        WHERE source_key_left = %(left)s AND source_key_right = %(right)s
    """
    tx.execute(sql, {"left": left, "right": right, "now": now, "decision": decision, "why": why, "by": by, "digest": digest})


def decisions(tx: Transaction, left: UUID, right: UUID) -> list[Row]:
    sql = """
        SELECT decision, why, decided_by, decided_at FROM consolidation.review_decision
        WHERE source_key_left = %s AND source_key_right = %s ORDER BY number
    """
    return tx.rows(sql, (left, right))


def rivals(tx: Transaction, left: UUID, right: UUID) -> list[Row]:
    """Give the other waiting pairs that one of two records is in: they are decided together."""
    sql = (
        _PAIR
        + """
        WHERE r.state = 'open' AND (r.source_key_left, r.source_key_right) <> (%(left)s, %(right)s)
          AND (r.source_key_left IN (%(left)s, %(right)s) OR r.source_key_right IN (%(left)s, %(right)s)) ORDER BY r.weight DESC, 1, 2
        """
    )
    return tx.rows(sql, {"left": left, "right": right})


def records(tx: Transaction, left: UUID, right: UUID) -> list[Row]:
    """Give two records as they are kept: sealed, and what of them stands in the clear."""
    sql = """
        SELECT r.source, r.source_key, r.source_row, r.customer_id, r.state, f.title, f.trust, s.kind, s.language, s.payment_method, s.customer_since,
               s.contract_months, s.suffix, s.products, s.identity, s.contact, s.payment, r.digest,
               c.mandate IS NOT NULL AS has_mandate, coalesce(c.mandate_was_used, true) AS mandate_was_used
        FROM consolidation.source_record r JOIN consolidation.source_file f USING (source)
        LEFT JOIN consolidation.sealed_record s ON s.source_key = r.source_key
        LEFT JOIN consolidation.carried_record c ON (c.customer_id, c.source, c.source_key) = (r.customer_id, r.source, r.source_key)
        WHERE r.source_key IN (%(left)s, %(right)s) ORDER BY r.source_key = %(right)s
    """
    return tx.rows(sql, {"left": left, "right": right})
