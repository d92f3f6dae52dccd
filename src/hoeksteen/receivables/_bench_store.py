"""SQL of the benchmark: rows to measure plain COPY by."""

from collections.abc import Sequence
from typing import Any

from hoeksteen.storage.postgres import Transaction


def copy_alone(tx: Transaction, rows: Sequence[Sequence[Any]]) -> None:
    """COPY rows of a payment where payments lie; the caller takes them back."""
    columns = ("customer_id", "payment_id", "billing_account_id", "amount", "received_on", "reference", "registered_at")
    tx.copy_in("receivables.payment", columns, rows)
