"""SQL of holds of many customers."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hoeksteen.party.queries import billing_accounts_of
from hoeksteen.storage.postgres import Transaction

_HOLD = """
INSERT INTO billing.account_hold (customer_id, billing_account_id, held_at, held_by, why)
SELECT customer_id, billing_account_id, %(now)s, %(by)s, %(why)s
FROM unnest(%(customers)s::uuid[], %(ids)s::uuid[]) AS new (customer_id, billing_account_id)
WHERE NOT EXISTS (SELECT FROM billing.account_hold h WHERE h.billing_account_id = new.billing_account_id AND h.released_at IS NULL)
"""


def hold(tx: Transaction, customer_ids: Sequence[UUID], by: str, why: str, now: datetime) -> int:
    found = [one for some in billing_accounts_of(tx=tx, customer_ids=customer_ids).values() for one in some]
    ids = {"customers": [one.customer_id for one in found], "ids": [one.billing_account_id for one in found]}
    return tx.execute(_HOLD, {**ids, "by": by, "why": why, "now": now})


def release(tx: Transaction, customer_ids: Sequence[UUID], by: str, why: str, now: datetime) -> int:
    sql = "UPDATE billing.account_hold SET released_at = %s, released_by = %s WHERE customer_id = ANY(%s) AND why = %s AND released_at IS NULL"
    return tx.execute(sql, (now, by, list(customer_ids), why))


def forget(tx: Transaction, customer_ids: Sequence[UUID]) -> None:
    ids = (list(customer_ids),)
    tx.execute("DELETE FROM billing.account_hold WHERE customer_id = ANY(%s)", ids)
    for table in ("held_account", "applied_customer_billing_rate", "applied_bill_tax", "customer_bill", "recurring_position"):
        tx.execute(f"DELETE FROM billing.{table} WHERE customer_id = ANY(%s)", ids)
