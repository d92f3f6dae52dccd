"""SQL of departments: which billing accounts stand on the bills of another one, and since when."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from hoeksteen.party._store import from_row_billing_account
from hoeksteen.party.model import BillingAccount, Department
from hoeksteen.storage.postgres import Transaction

# A department `a` of parent `p` on a day. Where one of them is closed, or they are billed on other days or under other taxes, each has its own bills.
_LINK = """
party.department d
JOIN party.billing_account a ON a.billing_account_id = d.billing_account_id AND a.status = 'active'
JOIN party.billing_account p ON p.billing_account_id = d.parent_billing_account_id AND p.status = 'active'
    AND (p.cycle_day, p.tax_included, p.tax_treatment) = (a.cycle_day, a.tax_included, a.tax_treatment)
"""
_ON_DAY = "d.valid_from <= %(day)s AND (d.valid_to IS NULL OR d.valid_to > %(day)s)"
NOT_A_DEPARTMENT = f"NOT EXISTS (SELECT FROM {_LINK} WHERE d.billing_account_id = billing_account.billing_account_id AND {_ON_DAY})"

_BELOW = f"""
WITH RECURSIVE part (top, below) AS (
    SELECT one, one FROM unnest(%(ids)s::uuid[]) one
    UNION SELECT part.top, d.billing_account_id FROM part JOIN {_LINK} ON d.parent_billing_account_id = part.below AND {_ON_DAY}
)
SELECT part.top, b.customer_id, b.billing_account_id, b.billing_account_number, b.cycle_day, b.payment_method, b.tax_included, b.status,
       b.payment_term_days, b.itemisation, b.buyer_reference, b.tax_treatment
FROM part JOIN party.billing_account b ON b.billing_account_id = part.below WHERE part.below <> part.top
ORDER BY part.top, b.billing_account_number, b.billing_account_id
"""
_ABOVE = f"""
WITH RECURSIVE part (below, above) AS (
    SELECT one, one FROM unnest(%(ids)s::uuid[]) one
    UNION SELECT part.below, d.parent_billing_account_id FROM part JOIN {_LINK} ON d.billing_account_id = part.above AND {_ON_DAY}
)
SELECT below, above FROM part
WHERE below <> above AND NOT EXISTS (SELECT FROM {_LINK} WHERE d.billing_account_id = part.above AND {_ON_DAY})
"""
_ANCESTORS = """
WITH RECURSIVE above (billing_account_id) AS (
    SELECT %(id)s::uuid
    UNION SELECT d.parent_billing_account_id FROM above JOIN party.department d USING (billing_account_id)
    WHERE d.valid_to IS NULL OR d.valid_to > %(day)s
)
SELECT billing_account_id FROM above
"""


def below(tx: Transaction, billing_account_ids: Sequence[UUID], day: date) -> dict[UUID, list[BillingAccount]]:
    found: dict[UUID, list[BillingAccount]] = {}
    for row in tx.rows(_BELOW, {"ids": list(billing_account_ids), "day": day}):
        found.setdefault(row.pop("top"), []).append(from_row_billing_account(row))
    return found


def tops(tx: Transaction, billing_account_ids: Sequence[UUID], day: date) -> dict[UUID, UUID]:
    return {row["below"]: row["above"] for row in tx.rows(_ABOVE, {"ids": list(billing_account_ids), "day": day})}


def ancestors(tx: Transaction, billing_account_id: UUID, from_day: date) -> set[UUID]:
    """Give a billing account and all that stand above it on a day or later."""
    return {row["billing_account_id"] for row in tx.rows(_ANCESTORS, {"id": billing_account_id, "day": from_day})}


def lock_customer(tx: Transaction, customer_id: UUID) -> None:
    tx.execute("SELECT FROM party.customer WHERE customer_id = %s FOR UPDATE", (customer_id,))


def end(tx: Transaction, billing_account_id: UUID, from_day: date) -> int:
    """End what holds on a day, and take back what was planned for later; give how many there were."""
    keys: dict[str, Any] = {"id": billing_account_id, "day": from_day}
    planned = tx.execute("DELETE FROM party.department WHERE billing_account_id = %(id)s AND valid_from >= %(day)s", keys)
    return planned + tx.execute(
        "UPDATE party.department SET valid_to = %(day)s WHERE billing_account_id = %(id)s AND (valid_to IS NULL OR valid_to > %(day)s)", keys
    )


def insert(tx: Transaction, department: Department) -> None:
    tx.execute(
        "INSERT INTO party.department (customer_id, billing_account_id, parent_billing_account_id, valid_from, valid_to) VALUES (%s, %s, %s, %s, %s)",
        (
            department.customer_id, department.billing_account_id, department.parent_billing_account_id, department.valid_from, department.valid_to,
        ),
    )  # fmt: skip


def of_customers(tx: Transaction, customer_ids: Sequence[UUID] | None) -> list[Department]:
    sql = "SELECT customer_id, billing_account_id, parent_billing_account_id, valid_from, valid_to FROM party.department "
    order = " ORDER BY customer_id, valid_from, billing_account_id"
    if customer_ids is None:
        return [Department(**row) for row in tx.rows(sql + order)]
    return [Department(**row) for row in tx.rows(sql + "WHERE customer_id = ANY (%s)" + order, (list(customer_ids),))]


def has_other_tax(tx: Transaction, terms: BillingAccount) -> bool:
    """Tell whether a parent or department of a billing account, now or later, has another treatment of VAT."""
    sql = """
    SELECT EXISTS (
        SELECT FROM party.department d
        JOIN party.billing_account other
            ON other.billing_account_id IN (d.billing_account_id, d.parent_billing_account_id) AND other.billing_account_id <> %(id)s
        WHERE %(id)s IN (d.billing_account_id, d.parent_billing_account_id) AND d.valid_to IS NULL AND other.tax_treatment <> %(treatment)s
    )
    """
    return bool(tx.value(sql, {"id": terms.billing_account_id, "treatment": terms.tax_treatment}))
