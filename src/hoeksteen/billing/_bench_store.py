"""SQL of benchmarks: bills that are there without a run."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hoeksteen.storage.postgres import Transaction

_RUN = """
INSERT INTO billing.bill_run (bill_run_id, kind, cycle_day, period_from, period_to, bill_date, state, started_at)
VALUES (%s, 'final', 28, '2026-10-01', '2026-11-01', '2026-11-01', 'done', now()) ON CONFLICT DO NOTHING
"""
_COLUMNS = (
    "customer_id", "customer_bill_id", "billing_account_id", "bill_number", "bill_date", "due_date", "gross", "net", "bill_run_id", "period_from",
    "period_to", "tax_included", "vat", "rounding", "invoice_party",
)  # fmt: skip


def insert_bills(tx: Transaction, bill_run_id: UUID, bills: Sequence[Sequence[Any]]) -> None:
    tx.execute(_RUN, (bill_run_id,))
    tx.copy_in("billing.customer_bill", _COLUMNS, ((*bill, bill[-1], bill_run_id, bill[4], bill[5], True, 0, 0, b"bench") for bill in bills))
