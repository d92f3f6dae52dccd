"""SQL of sales that are paid in parts."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from hoeksteen.storage.postgres import Row, Transaction

_PLAN = """
SELECT customer_id, instalment_plan_id, billing_account_id, product_id, charge_kind_id, text_nl, text_en, amount, tax_included, tax_category,
       tax_rate, total, parts, first_day, on_end, why, agreed_by, agreed_at, ending, ended_by, ended_at, done,
       coalesce((SELECT sum(b.amount) FROM billing.instalment_billed b
                 WHERE b.instalment_plan_id = p.instalment_plan_id AND b.role = 'part'), 0.00) AS billed,
       coalesce((SELECT max(b.last_part) FROM billing.instalment_billed b WHERE b.instalment_plan_id = p.instalment_plan_id), 0)::int AS parts_billed,
       EXISTS (SELECT FROM billing.instalment_billed b WHERE b.instalment_plan_id = p.instalment_plan_id) AS sold
FROM billing.instalment_plan p
"""
_BILLED = """
SELECT b.instalment_plan_id, b.role, b.part, b.last_part, b.amount FROM billing.instalment_billed b
WHERE b.instalment_plan_id = ANY (%s) ORDER BY b.instalment_plan_id, b.part
"""
# Only a plan of which something is left is billed; whoever withdraws it at the same moment waits, and finds it billed.
_ADVANCE = """
UPDATE billing.instalment_plan p SET done = a.done FROM unnest(%(plans)s::uuid[], %(done)s::boolean[]) AS a (plan, done)
WHERE p.instalment_plan_id = a.plan AND NOT p.done
"""
_CREDITED = """
SELECT EXISTS (
    SELECT FROM billing.instalment_billed b JOIN billing.credit_note n ON n.credited_bill_id = b.customer_bill_id
    JOIN billing.applied_customer_billing_rate l ON l.customer_id = n.customer_id AND l.customer_bill_id = n.customer_bill_id
    WHERE b.instalment_plan_id = %(plan)s AND l.detail #>> '{instalment,id}' = %(plan)s::text
)
"""
# What bills have of plans beside what is noted of them, each way; and parts whose amount is not the plan's.
_DIFFERS = """
WITH bill AS (SELECT * FROM billing.customer_bill WHERE bill_run_id = %(run)s),
noted AS (
    SELECT b.instalment_plan_id::text AS source, b.role, b.part, bill.customer_bill_id, bill.billing_account_id, bill.bill_number, b.amount,
           CASE WHEN b.role IN ('sale', 'returned') THEN (CASE WHEN b.role = 'sale' THEN 1 ELSE -1 END) * CASE
                    WHEN p.tax_included = bill.tax_included THEN p.amount
                    WHEN bill.tax_included THEN round(p.amount * (100 + p.tax_rate) / 100, 2) ELSE round(p.amount * 100 / (100 + p.tax_rate), 2) END
                WHEN b.role = 'deferred' THEN -p.total
                WHEN b.role = 'undone' THEN p.total - (SELECT coalesce(sum(o.amount), 0) FROM billing.instalment_billed o
                                                       WHERE o.instalment_plan_id = p.instalment_plan_id AND o.role = 'part')
                WHEN b.role = 'part' THEN CASE
                    WHEN b.last_part < p.parts THEN (b.last_part - b.part + 1) * trunc(p.total / p.parts, 2)
                    ELSE p.total - (b.part - 1) * trunc(p.total / p.parts, 2) END
                ELSE b.amount END AS wanted
    FROM billing.instalment_billed b JOIN bill USING (customer_bill_id) JOIN billing.instalment_plan p USING (instalment_plan_id)
),
line AS (
    SELECT l.detail #>> '{instalment,id}' AS source, l.detail #>> '{instalment,role}' AS role,
           coalesce((l.detail #>> '{instalment,part}')::int, 0) AS part, customer_bill_id, billing_account_id, bill_number,
           sum(coalesce(l.gross, l.net)) AS amount
    FROM bill JOIN billing.applied_customer_billing_rate l USING (customer_id, customer_bill_id)
    WHERE l.product_id IS NULL AND l.detail -> 'instalment' IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6
)
SELECT coalesce(n.billing_account_id, l.billing_account_id) AS billing_account_id, coalesce(n.bill_number, l.bill_number) AS bill_number,
       coalesce(n.wanted, 0.00) AS expected, CASE WHEN n.wanted = l.amount THEN n.amount ELSE coalesce(l.amount, 0.00) END AS found
FROM noted n FULL JOIN line l ON n.source = l.source AND n.role = l.role AND n.part = l.part AND n.customer_bill_id = l.customer_bill_id
WHERE n.wanted IS DISTINCT FROM l.amount OR n.amount IS DISTINCT FROM l.amount
ORDER BY 2, 1
"""
_TO_BE_BILLED = """
SELECT -coalesce(sum(i.amount), 0.00) FROM billing.instalment_billed i JOIN billing.customer_bill b USING (customer_bill_id)
WHERE b.bill_date < %s AND i.role IN ('deferred', 'part', 'undone')
"""


def lock(tx: Transaction, instalment_plan_id: UUID) -> Row | None:
    tx.execute("SELECT FROM billing.instalment_plan WHERE instalment_plan_id = %s FOR UPDATE", (instalment_plan_id,))
    return tx.row(_PLAN + "WHERE instalment_plan_id = %s", (instalment_plan_id,))


def plans(tx: Transaction, *, customer_id: UUID | None = None, ids: Sequence[UUID] | None = None, limit: int) -> list[Row]:
    return tx.rows(
        _PLAN + "WHERE (%(customer)s::uuid IS NULL OR customer_id = %(customer)s) AND (%(ids)s::uuid[] IS NULL OR instalment_plan_id = ANY (%(ids)s))"
        " ORDER BY agreed_at DESC, instalment_plan_id LIMIT %(limit)s",
        {"customer": customer_id, "ids": None if ids is None else list(ids), "limit": limit},
    )


def open_plans(tx: Transaction, billing_account_ids: Sequence[UUID]) -> list[Row]:
    """Give the plans of which bills still have something to show, the oldest first."""
    return tx.rows(_PLAN + "WHERE billing_account_id = ANY (%s) AND NOT done ORDER BY agreed_at, instalment_plan_id", (list(billing_account_ids),))


def billed(tx: Transaction, instalment_plan_ids: Sequence[UUID]) -> dict[UUID, list[Row]]:
    found: dict[UUID, list[Row]] = {}
    for row in tx.rows(_BILLED, (list(instalment_plan_ids),)):
        found.setdefault(row["instalment_plan_id"], []).append(row)
    return found


def accounts_with_some(tx: Transaction, billing_account_ids: Sequence[UUID]) -> set[UUID]:
    sql = "SELECT DISTINCT billing_account_id FROM billing.instalment_plan WHERE billing_account_id = ANY (%s) AND NOT done"
    return {row["billing_account_id"] for row in tx.rows(sql, (list(billing_account_ids),))}


def end(tx: Transaction, instalment_plan_id: UUID, ending: str, by: str, now: datetime) -> None:
    tx.execute(
        "UPDATE billing.instalment_plan SET ending = %(ending)s, ended_by = %(by)s, ended_at = %(now)s, done = done OR %(ending)s = 'withdrawn'"
        " WHERE instalment_plan_id = %(plan)s",
        {"plan": instalment_plan_id, "ending": ending, "by": by, "now": now},
    )


def advance(tx: Transaction, done: dict[UUID, bool]) -> int:
    """Note of which plans nothing is left, and give how many still had something."""
    return tx.execute(_ADVANCE, {"plans": list(done), "done": list(done.values())})


def insert_billed(tx: Transaction, rows: Sequence[tuple[UUID, str, int, int, UUID, UUID, Decimal]]) -> int:
    """Note what bills have of plans, and give how many rows are new: each is billed once."""
    plans, roles, parts, last_parts, customers, bills, amounts = (list(column) for column in zip(*rows, strict=True))
    return tx.execute(
        "INSERT INTO billing.instalment_billed (instalment_plan_id, role, part, last_part, customer_id, customer_bill_id, amount)"
        " SELECT * FROM unnest(%s::uuid[], %s::text[], %s::smallint[], %s::smallint[], %s::uuid[], %s::uuid[], %s::numeric[])"
        " ON CONFLICT DO NOTHING",
        (plans, roles, parts, last_parts, customers, bills, amounts),
    )


def is_credited(tx: Transaction, instalment_plan_id: UUID) -> bool:
    """Say whether a credit note gave back something of a plan."""
    return bool(tx.value(_CREDITED, {"plan": instalment_plan_id}))


def that_differ(tx: Transaction, bill_run_id: UUID) -> list[Row]:
    """Give what the bills of a run have of plans otherwise than is noted, or than the plan says."""
    return tx.rows(_DIFFERS, {"run": bill_run_id})


def plans_of_run(tx: Transaction, bill_run_id: UUID, before: datetime, departments: Sequence[UUID]) -> list[Row]:
    """Give the plans that nobody ended, agreed before an instant, of billing accounts, and departments, that a run billed."""
    return tx.rows(
        _PLAN + "WHERE agreed_at < %(before)s AND ending IS NULL AND NOT done"
        " AND (billing_account_id IN (SELECT billing_account_id FROM billing.customer_bill WHERE bill_run_id = %(run)s)"
        " OR billing_account_id = ANY (%(departments)s))",
        {"run": bill_run_id, "before": before, "departments": list(departments)},
    )


def to_be_billed(tx: Transaction, end_day: date) -> Decimal:
    """Give what the bills dated before a day left to be asked for later, less what they asked for of it."""
    return Decimal(tx.value(_TO_BE_BILLED, (end_day,)))
