"""SQL of the receivables room."""

from collections.abc import Sequence
from uuid import UUID

from hoeksteen.receivables.model import Allocation, Payment
from hoeksteen.storage.postgres import Transaction

_PAYMENT = """
SELECT customer_id, payment_id, billing_account_id, amount, received_on, reference, bank_reference, registered_at FROM receivables.payment
"""


def lock_customer(tx: Transaction, customer_id: UUID) -> None:
    """Let payments of one customer be matched one after the other, until commit."""
    tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('receivables ' || %s, 0))", (str(customer_id),))


def insert_payment(tx: Transaction, payment: Payment) -> None:
    tx.execute(
        """
        INSERT INTO receivables.payment
            (customer_id, payment_id, billing_account_id, amount, received_on, reference, bank_reference, registered_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            payment.customer_id, payment.payment_id, payment.billing_account_id, payment.amount, payment.received_on, payment.reference,
            payment.bank_reference, payment.registered_at,
        ),
    )  # fmt: skip


def insert_allocations(tx: Transaction, customer_id: UUID, allocations: Sequence[Allocation]) -> None:
    tx.copy_in(
        "receivables.allocation",
        ("customer_id", "customer_bill_id", "source_id", "amount"),
        ((customer_id, one.customer_bill_id, one.source_id, one.amount) for one in allocations),
    )


def payments(tx: Transaction, customer_id: UUID) -> list[Payment]:
    return [Payment(**row) for row in tx.rows(_PAYMENT + "WHERE customer_id = %s ORDER BY received_on, payment_id", (customer_id,))]


def payment_of_bank_reference(tx: Transaction, bank_reference: str) -> Payment | None:
    row = tx.row(_PAYMENT + "WHERE bank_reference = %s", (bank_reference,))
    return None if row is None else Payment(**row)


def allocations(tx: Transaction, customer_id: UUID) -> list[Allocation]:
    sql = "SELECT customer_bill_id, source_id, amount FROM receivables.allocation WHERE customer_id = %s"
    return [Allocation(**row) for row in tx.rows(sql, (customer_id,))]
