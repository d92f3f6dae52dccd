"""SQL of payment plans."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from hoeksteen.storage.postgres import Row, Transaction

_PLAN = """
SELECT p.customer_id, p.payment_plan_id, p.amount, p.agreed_on, p.agreed_by, p.state, p.ended_on,
       (SELECT array_agg(claim_id) FROM receivables.plan_item i
        WHERE i.customer_id = p.customer_id AND i.payment_plan_id = p.payment_plan_id) AS claims,
       (SELECT array_agg(due ORDER BY number) FROM receivables.plan_instalment i
        WHERE i.customer_id = p.customer_id AND i.payment_plan_id = p.payment_plan_id) AS days,
       (SELECT array_agg(amount ORDER BY number) FROM receivables.plan_instalment i
        WHERE i.customer_id = p.customer_id AND i.payment_plan_id = p.payment_plan_id) AS amounts
FROM receivables.payment_plan p
"""


def insert(tx: Transaction, plan: Sequence[Any], claims: Iterable[Sequence[Any]], instalments: Iterable[Sequence[Any]]) -> None:
    columns = ("customer_id", "payment_plan_id", "amount", "agreed_on", "agreed_by", "state")
    tx.copy_in("receivables.payment_plan", columns, [plan])
    tx.copy_in("receivables.plan_item", ("customer_id", "payment_plan_id", "claim_id"), claims)
    tx.copy_in("receivables.plan_instalment", ("customer_id", "payment_plan_id", "number", "due", "amount"), instalments)


def of_customer(tx: Transaction, customer_id: UUID) -> list[Row]:
    return tx.rows(_PLAN + "WHERE p.customer_id = %s ORDER BY p.agreed_on DESC, p.payment_plan_id DESC", (customer_id,))


def active(tx: Transaction, customer_ids: Sequence[UUID]) -> list[Row]:
    return tx.rows(_PLAN + "WHERE p.customer_id = ANY (%s) AND p.state = 'active'", (list(customer_ids),))


def end(tx: Transaction, payment_plan_ids: Sequence[UUID], state: str, day: date) -> None:
    sql = "UPDATE receivables.payment_plan SET state = %s, ended_on = %s WHERE payment_plan_id = ANY (%s) AND state = 'active'"
    tx.execute(sql, (state, day, list(payment_plan_ids)))
