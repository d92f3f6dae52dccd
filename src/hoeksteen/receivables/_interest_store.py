"""SQL of statutory interest, and of fees that are taken back."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from hoeksteen.kernel.time_period import OPERATOR_ZONE
from hoeksteen.receivables._store import STANDING
from hoeksteen.storage.postgres import Row, Transaction

# A payment counts from the day of the bank, also where its books were closed; credit notes have no row here and are known by their own day.
_SETTLED = f"""
SELECT a.customer_bill_id, a.source_id, a.amount,
       coalesce(e.bank_day, p.received_on, (w.written_off_at AT TIME ZONE %(zone)s)::date) AS day
FROM receivables.allocation a
LEFT JOIN receivables.payment p ON p.customer_id = a.customer_id AND p.payment_id = a.source_id
LEFT JOIN receivables.bank_entry e ON e.bank_entry_id = p.payment_id
LEFT JOIN receivables.write_off w ON w.customer_id = a.customer_id AND w.write_off_id = a.source_id
WHERE a.customer_id = ANY (%(customers)s) AND a.customer_bill_id = ANY (%(bills)s) AND {STANDING.format(table="a", column="source_id")}
"""


def settled(tx: Transaction, customer_ids: Sequence[UUID], customer_bill_ids: Sequence[UUID]) -> list[Row]:
    """Give what settles some bills, and since when; the day of a credit note is not given."""
    return tx.rows(_SETTLED, {"customers": list(customer_ids), "bills": list(customer_bill_ids), "zone": OPERATOR_ZONE.key})


def charged_until(tx: Transaction, customer_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Give up to which day interest on each bill was charged, and not taken back whole: where something of it was paid, its days stay charged."""
    sql = """
    SELECT i.customer_bill_id, max(i.until_day) AS until_day
    FROM receivables.interest_charge i JOIN receivables.fee f USING (customer_id, fee_id)
    WHERE i.customer_id = ANY (%s) AND f.amount > coalesce(
        (SELECT sum(w.amount) FROM receivables.fee_waiver w WHERE w.customer_id = i.customer_id AND w.fee_id = i.fee_id), 0)
    GROUP BY i.customer_bill_id
    """
    return {row["customer_bill_id"]: row["until_day"] for row in tx.rows(sql, (list(customer_ids),))}


def insert_charges(tx: Transaction, rows: Iterable[Sequence[Any]]) -> None:
    columns = ("customer_id", "fee_id", "customer_bill_id", "from_day", "until_day", "principal", "charged_by")
    tx.copy_in("receivables.interest_charge", columns, rows)


def fee(tx: Transaction, customer_id: UUID, fee_id: UUID) -> Row | None:
    sql = "SELECT customer_id, fee_id, billing_account_id, kind, amount FROM receivables.fee WHERE customer_id = %s AND fee_id = %s"
    return tx.row(sql, (customer_id, fee_id))


def insert_waiver(tx: Transaction, values: Sequence[Any]) -> None:
    columns = ("customer_id", "fee_waiver_id", "fee_id", "amount", "why", "waived_by", "waived_at")
    tx.copy_in("receivables.fee_waiver", columns, [values])
