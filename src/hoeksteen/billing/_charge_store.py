"""SQL of one-off charges and credits that people grant."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from hoeksteen.storage.postgres import Row, Transaction

_CHARGE = """
SELECT c.customer_id, c.account_charge_id, c.billing_account_id, c.charge_kind_id, c.text_nl, c.text_en, c.amount, c.tax_included, c.tax_category,
       c.tax_rate, c.from_day, c.why, c.state, c.asked_by, c.asked_at, c.decided_by, c.decided_at, c.withdrawn_by, c.withdrawn_at,
       b.bill_number, c.billed
FROM billing.account_charge c LEFT JOIN billing.customer_bill b USING (customer_id, customer_bill_id)
"""
_TO_COME = """
SELECT account_charge_id, billing_account_id, text_nl, text_en, amount, tax_included, tax_category, tax_rate, from_day, asked_at
FROM billing.account_charge
WHERE billing_account_id = ANY (%(ids)s) AND state = 'granted' AND customer_bill_id IS NULL AND (from_day IS NULL OR from_day < %(end)s)
ORDER BY asked_at, account_charge_id
"""
# Only what still stands is taken onto a bill; whoever withdraws it at the same moment waits, and finds it billed.
_TAKE = """
UPDATE billing.account_charge c SET customer_bill_id = t.bill, billed = t.amount
FROM unnest(%(charges)s::uuid[], %(bills)s::uuid[], %(amounts)s::numeric[]) AS t (charge, bill, amount)
WHERE c.account_charge_id = t.charge AND c.state = 'granted' AND c.customer_bill_id IS NULL
"""
_ALONE = """
SELECT coalesce(sum(abs(amount)), 0.00) FROM billing.account_charge
WHERE billing_account_id = %(account)s AND state = 'granted' AND decided_by IS NULL AND asked_at > %(since)s AND (amount > 0) = %(charges)s
"""


def lock_account(tx: Transaction, billing_account_id: UUID) -> None:
    """Let what is granted to one billing account be weighed one after the other, and before it is closed or after, until commit."""
    tx.wait_for(f"granted {billing_account_id}")


def granted_alone(tx: Transaction, billing_account_id: UUID, since: datetime, *, charges: bool) -> Decimal:
    """Give what was charged, or credited, without a second person since an instant, as an amount above zero."""
    return Decimal(tx.value(_ALONE, {"account": billing_account_id, "since": since, "charges": charges}))


def lock(tx: Transaction, account_charge_id: UUID) -> Row | None:
    return tx.row(_CHARGE + "WHERE c.account_charge_id = %s FOR UPDATE OF c", (account_charge_id,))


def charges(
    tx: Transaction, *, customer_id: UUID | None = None, state: str | None = None, ids: Sequence[UUID] | None = None, limit: int
) -> list[Row]:  # fmt: skip
    return tx.rows(
        _CHARGE + "WHERE (%(customer)s::uuid IS NULL OR c.customer_id = %(customer)s) AND (%(state)s::text IS NULL OR c.state = %(state)s)"
        " AND (%(ids)s::uuid[] IS NULL OR c.account_charge_id = ANY (%(ids)s)) ORDER BY c.asked_at DESC, c.account_charge_id LIMIT %(limit)s",
        {"customer": customer_id, "state": state, "ids": None if ids is None else list(ids), "limit": limit},
    )


def decide(tx: Transaction, account_charge_id: UUID, state: str, by: str, now: datetime) -> None:
    sql = "UPDATE billing.account_charge SET state = %s, decided_by = %s, decided_at = %s WHERE account_charge_id = %s"
    tx.execute(sql, (state, by, now, account_charge_id))


def withdraw(tx: Transaction, account_charge_id: UUID, by: str, now: datetime) -> None:
    sql = "UPDATE billing.account_charge SET state = 'withdrawn', withdrawn_by = %s, withdrawn_at = %s WHERE account_charge_id = %s"
    tx.execute(sql, (by, now, account_charge_id))


def to_come(tx: Transaction, billing_account_ids: Sequence[UUID], end_day: date) -> list[Row]:
    """Give what is granted and on no final bill, of bills whose usage period ends on a day."""
    return tx.rows(_TO_COME, {"ids": list(billing_account_ids), "end": end_day})


def accounts_with_some(tx: Transaction, billing_account_ids: Sequence[UUID]) -> set[UUID]:
    sql = (
        "SELECT DISTINCT billing_account_id FROM billing.account_charge"
        " WHERE billing_account_id = ANY (%s) AND state = 'granted' AND customer_bill_id IS NULL"
    )
    return {row["billing_account_id"] for row in tx.rows(sql, (list(billing_account_ids),))}


def is_asked(tx: Transaction, billing_account_id: UUID) -> bool:
    """Say whether something that was asked for a billing account waits for a second person."""
    sql = "SELECT EXISTS (SELECT FROM billing.account_charge WHERE billing_account_id = %s AND state = 'asked')"
    return bool(tx.value(sql, (billing_account_id,)))


def take(tx: Transaction, taken: Sequence[tuple[UUID, UUID, Decimal]]) -> int:
    """Note on which final bills charges stand and what they come to there, and give how many still could."""
    charge_ids, bill_ids, amounts = zip(*taken, strict=True)
    return tx.execute(_TAKE, {"charges": list(charge_ids), "bills": list(bill_ids), "amounts": list(amounts)})
