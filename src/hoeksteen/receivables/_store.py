"""SQL of the receivables room: payments and what they settle."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from uuid import UUID

from hoeksteen.receivables.model import Allocation, Payment
from hoeksteen.storage.postgres import Row, Transaction

_PAYMENT = """
SELECT customer_id, payment_id, billing_account_id, amount, received_on, reference, bank_reference, registered_at FROM receivables.payment p
"""
STANDING = """
NOT EXISTS (SELECT FROM receivables.payment_reversal r WHERE r.customer_id = {table}.customer_id AND r.payment_id = {table}.{column})
"""
_PAYMENT_STANDS = STANDING.format(table="p", column="payment_id")
_ALLOCATIONS = f"""
SELECT customer_id, customer_bill_id, source_id, amount FROM receivables.allocation a
WHERE customer_id = ANY (%s) AND {STANDING.format(table="a", column="source_id")}
"""


def lock_customer(tx: Transaction, customer_id: UUID) -> None:
    """Let payments of one customer be matched one after the other, until commit; and none beside a statement that is being taken."""
    tx.execute("SELECT pg_advisory_xact_lock_shared(hashtextextended('receivables', 0))")
    tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('receivables ' || %s, 0))", (str(customer_id),))


def lock_all(tx: Transaction) -> None:
    """Let nothing be matched beside this transaction."""
    tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('receivables', 0))")


def insert_payments(tx: Transaction, payments: Iterable[Payment]) -> None:
    tx.copy_in(
        "receivables.payment",
        ("customer_id", "payment_id", "billing_account_id", "amount", "received_on", "reference", "bank_reference", "registered_at"),
        (
            (
                one.customer_id, one.payment_id, one.billing_account_id, one.amount, one.received_on, one.reference, one.bank_reference,
                one.registered_at,
            )
            for one in payments
        ),
    )  # fmt: skip


def insert_allocations(tx: Transaction, allocations: Iterable[tuple[UUID, Allocation]]) -> None:
    """:param allocations: each with the customer's identifier"""
    tx.copy_in(
        "receivables.allocation",
        ("customer_id", "customer_bill_id", "source_id", "amount"),
        ((customer_id, one.customer_bill_id, one.source_id, one.amount) for customer_id, one in allocations),
    )


def insert_reversals(tx: Transaction, reversals: Iterable[tuple[UUID, UUID, date, str, UUID | None, datetime]]) -> None:
    columns = ("customer_id", "payment_id", "reversed_on", "reason", "bank_entry_id", "reversed_at")
    tx.copy_in("receivables.payment_reversal", columns, reversals)


def payments(tx: Transaction, customer_ids: Sequence[UUID]) -> list[Payment]:
    sql = _PAYMENT + f"WHERE customer_id = ANY (%s) AND {_PAYMENT_STANDS} ORDER BY received_on, payment_id"
    return [Payment(**row) for row in tx.rows(sql, (list(customer_ids),))]


def standing_payments_by_id(tx: Transaction, payment_ids: Sequence[UUID]) -> list[Payment]:
    """Give those of these payments that were not taken back."""
    return [Payment(**row) for row in tx.rows(_PAYMENT + f"WHERE payment_id = ANY (%s) AND {_PAYMENT_STANDS}", (list(payment_ids),))]


def payments_of_bank_references(tx: Transaction, bank_references: Sequence[str]) -> dict[str, Payment]:
    return {row["bank_reference"]: Payment(**row) for row in tx.rows(_PAYMENT + "WHERE bank_reference = ANY (%s)", (list(bank_references),))}


def allocations(tx: Transaction, customer_ids: Sequence[UUID]) -> list[Row]:
    return tx.rows(_ALLOCATIONS, (list(customer_ids),))


def other_claims(tx: Transaction, customer_ids: Sequence[UUID]) -> list[Row]:
    """
    Give what is settled as a bill is: refunds that are posted and deposits, which used up credit; fees; and what was carried over from another
    system, which settles where it is less than nothing.
    """
    sql = """
    SELECT 'refund' AS kind, customer_id, refund_id AS claim_id, billing_account_id, amount, end_to_end_id AS reference, decided_at AS since,
           NULL::date AS since_day, NULL::date AS due_date, '' AS origin, NULL::date AS carried_on
    FROM receivables.refund WHERE customer_id = ANY (%(customers)s) AND state IN ('approved', 'sent', 'executed', 'refused')
    UNION ALL
    SELECT 'deposit', customer_id, deposit_id, billing_account_id, amount, 'deposit', held_at, NULL, NULL, '', NULL
    FROM receivables.deposit WHERE customer_id = ANY (%(customers)s)
    UNION ALL
    SELECT CASE kind WHEN 'interest' THEN kind ELSE 'fee' END, customer_id, fee_id, billing_account_id, amount,
           CASE kind WHEN 'interest' THEN 'statutory interest' ELSE 'collection costs' END, charged_at, charged_on, NULL, '', NULL
    FROM receivables.fee WHERE customer_id = ANY (%(customers)s)
    UNION ALL
    SELECT CASE WHEN amount > 0 THEN 'bill' ELSE 'credit' END, customer_id, carried_item_id, billing_account_id, amount, reference, carried_at,
           bill_date, due_date, origin, booked_on
    FROM receivables.carried_item WHERE customer_id = ANY (%(customers)s)
    """
    return tx.rows(sql, {"customers": list(customer_ids)})
