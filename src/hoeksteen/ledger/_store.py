"""SQL of the ledger room."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

from hoeksteen.ledger.model import JournalEntry, LedgerAccountBalance
from hoeksteen.storage.postgres import Transaction

_TRIAL_BALANCE = """
SELECT a.ledger_account_code, a.name_nl, a.name_en, a.kind,
       coalesce(sum(p.amount) FILTER (WHERE p.amount > 0), 0.00) AS debit,
       coalesce(-sum(p.amount) FILTER (WHERE p.amount < 0), 0.00) AS credit,
       coalesce(sum(p.amount), 0.00) AS balance
FROM ledger.ledger_account a
LEFT JOIN (ledger.posting p JOIN ledger.journal_entry e ON e.journal_entry_id = p.journal_entry_id AND e.booked_on <= %(until)s)
       ON p.ledger_account_code = a.ledger_account_code
GROUP BY a.ledger_account_code ORDER BY a.ledger_account_code
"""
_BALANCES_OF_CUSTOMERS = """
SELECT customer_id, sum(amount) AS balance FROM ledger.posting
WHERE customer_id = ANY (%(customers)s) AND ledger_account_code = %(code)s GROUP BY customer_id
"""
_SUMS = """
SELECT e.reference::uuid AS reference, p.ledger_account_code, sum(p.amount) AS amount
FROM ledger.journal_entry e JOIN ledger.posting p USING (journal_entry_id)
WHERE e.source = %(source)s AND e.reference = ANY (%(references)s)
GROUP BY e.reference, p.ledger_account_code
"""


def insert(tx: Transaction, entries: Sequence[JournalEntry]) -> None:
    tx.copy_in(
        "ledger.journal_entry",
        ("journal_entry_id", "booked_on", "source", "reference", "posted_at"),
        ((entry.journal_entry_id, entry.booked_on, entry.source, entry.reference, entry.posted_at) for entry in entries),
    )
    tx.copy_in(
        "ledger.posting",
        ("journal_entry_id", "line", "ledger_account_code", "customer_id", "billing_account_id", "amount", "currency"),
        _posting_rows(entries),
    )


def _posting_rows(entries: Iterable[JournalEntry]) -> Iterable[tuple[object, ...]]:
    for entry in entries:
        for line, posting in enumerate(entry.postings, start=1):
            yield (
                entry.journal_entry_id, line, posting.ledger_account_code.value, posting.customer_id, posting.billing_account_id,
                posting.amount, posting.currency,
            )  # fmt: skip


def trial_balance(tx: Transaction, until: date) -> list[LedgerAccountBalance]:
    return [LedgerAccountBalance(**row) for row in tx.rows(_TRIAL_BALANCE, {"until": until})]


def balances_of_customers(tx: Transaction, customer_ids: Sequence[UUID], code: str) -> dict[UUID, Decimal]:
    found = tx.rows(_BALANCES_OF_CUSTOMERS, {"customers": list(customer_ids), "code": code})
    return {row["customer_id"]: row["balance"] for row in found}


def sums_by_reference(tx: Transaction, source: str, references: Sequence[UUID]) -> dict[UUID, dict[str, Decimal]]:
    sums: dict[UUID, dict[str, Decimal]] = {}
    for row in tx.rows(_SUMS, {"source": source, "references": [str(reference) for reference in references]}):
        sums.setdefault(row["reference"], {})[row["ledger_account_code"]] = row["amount"]
    return sums
