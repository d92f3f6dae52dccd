"""SQL of the ledger room."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

from hoeksteen.ledger.model import AccountingPeriod, JournalEntry, LedgerAccountBalance
from hoeksteen.storage.postgres import Row, Transaction

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
_SUMS_BY_SOURCE = """
SELECT e.source, p.ledger_account_code, p.billing_account_id, sum(p.amount) AS amount
FROM ledger.posting p JOIN ledger.journal_entry e USING (journal_entry_id)
WHERE e.booked_on < %(end)s GROUP BY e.source, p.ledger_account_code, p.billing_account_id
"""
_UNBALANCED = """
SELECT journal_entry_id FROM (
    SELECT coalesce(e.journal_entry_id, p.journal_entry_id) AS journal_entry_id, e.journal_entry_id IS NULL AS lost,
           count(p.line) AS postings, sum(p.amount) AS total, bool_or(p.line IS NOT NULL AND a.ledger_account_code IS NULL) AS nowhere
    FROM ledger.journal_entry e FULL JOIN ledger.posting p ON p.journal_entry_id = e.journal_entry_id
    LEFT JOIN ledger.ledger_account a ON a.ledger_account_code = p.ledger_account_code
    GROUP BY e.journal_entry_id, p.journal_entry_id, p.currency
) part GROUP BY journal_entry_id HAVING bool_or(lost) OR bool_or(nowhere) OR sum(postings) < 2 OR max(abs(total)) <> 0 ORDER BY journal_entry_id
"""
_PERIOD = "SELECT first_day, end_day, closed_at, closed_by, entries, postings, debit, digest FROM ledger.accounting_period "
_PERIOD_SUMS = """
SELECT (SELECT count(*) FROM ledger.journal_entry WHERE booked_on >= %(first)s AND booked_on < %(end)s) AS entries,
       count(*) AS postings, coalesce(sum(p.amount) FILTER (WHERE p.amount > 0), 0.00) AS debit
FROM ledger.journal_entry e JOIN ledger.posting p USING (journal_entry_id)
WHERE e.booked_on >= %(first)s AND e.booked_on < %(end)s
"""
# Every value is written out in one way only, and every row has one place: the same journal gives the same bytes on any machine.
_JOURNAL = """
SELECT e.booked_on::text AS booked_on, e.journal_entry_id, e.source, e.reference,
       to_char(e.posted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS posted_at,
       p.line, p.ledger_account_code, p.customer_id, p.billing_account_id,
       CASE WHEN p.amount >= 0 THEN p.amount END AS debit, CASE WHEN p.amount < 0 THEN -p.amount END AS credit, p.currency
FROM ledger.journal_entry e JOIN ledger.posting p USING (journal_entry_id)
WHERE e.booked_on >= %(first)s AND e.booked_on < %(end)s
ORDER BY e.booked_on, e.journal_entry_id, p.line
"""
_OPENING = """
SELECT p.ledger_account_code, sum(p.amount) AS balance
FROM ledger.journal_entry e JOIN ledger.posting p USING (journal_entry_id)
WHERE e.booked_on < %(first)s GROUP BY p.ledger_account_code HAVING sum(p.amount) <> 0 ORDER BY p.ledger_account_code
"""
_OTHER_CURRENCIES = """
SELECT DISTINCT p.currency FROM ledger.journal_entry e JOIN ledger.posting p USING (journal_entry_id)
WHERE e.booked_on < %(end)s AND p.currency <> 'EUR' ORDER BY p.currency
"""
_SOURCES = """
SELECT DISTINCT source FROM ledger.journal_entry WHERE booked_on >= %(first)s AND booked_on < %(end)s ORDER BY source
"""
_CUSTOMERS = """
SELECT DISTINCT p.customer_id FROM ledger.journal_entry e JOIN ledger.posting p USING (journal_entry_id)
WHERE e.booked_on >= %(first)s AND e.booked_on < %(end)s AND p.customer_id IS NOT NULL ORDER BY p.customer_id
"""
_LINES_OF_SOURCE = """
SELECT e.booked_on, e.journal_entry_id, e.reference, p.line, p.ledger_account_code, p.customer_id, p.amount
FROM ledger.journal_entry e JOIN ledger.posting p USING (journal_entry_id)
WHERE e.booked_on >= %(first)s AND e.booked_on < %(end)s AND e.source = %(source)s
ORDER BY e.booked_on, e.journal_entry_id, p.line
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


def open_from(tx: Transaction) -> date | None:
    day: date | None = tx.value("SELECT open_from FROM ledger.books")
    return day


def hold_open_books(tx: Transaction) -> date | None:
    """Give the first day on which the books are open, and let nobody close them until commit."""
    day: date | None = tx.value("SELECT nullif(ledger.hold_open_books(), '-infinity')")
    return day


def hold_books(tx: Transaction) -> date | None:
    """Wait for those who are booking, hold up those who come after until commit, and give the first day on which the books are open."""
    day: date | None = tx.value("SELECT ledger.hold_books()")
    return day


def first_booked_on(tx: Transaction) -> date | None:
    day: date | None = tx.value("SELECT min(booked_on) FROM ledger.journal_entry")
    return day


def sums_of_period(tx: Transaction, first_day: date, end_day: date) -> tuple[int, int, Decimal]:
    """Give the entries of a period, their postings and the sum of their debits."""
    row = tx.row(_PERIOD_SUMS, {"first": first_day, "end": end_day})
    assert row is not None  # an aggregate always gives a row
    return int(row["entries"]), int(row["postings"]), row["debit"]


def journal(tx: Transaction, first_day: date, end_day: date) -> Iterator[bytes]:
    return tx.copy_out_csv(_JOURNAL, {"first": first_day, "end": end_day})


def insert_period(tx: Transaction, period: AccountingPeriod) -> None:
    tx.execute(
        """
        INSERT INTO ledger.accounting_period (first_day, end_day, closed_at, closed_by, entries, postings, debit, digest)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            period.first_day, period.end_day, period.closed_at, period.closed_by, period.entries, period.postings, period.debit, period.digest,
        ),
    )  # fmt: skip


def periods(tx: Transaction) -> list[AccountingPeriod]:
    return [AccountingPeriod(**row) for row in tx.rows(_PERIOD + "ORDER BY first_day")]


def chart(tx: Transaction) -> list[Row]:
    return tx.rows("SELECT ledger_account_code, name_nl, name_en, kind FROM ledger.ledger_account ORDER BY ledger_account_code")


def opening_balances(tx: Transaction, first_day: date) -> dict[str, Decimal]:
    return {row["ledger_account_code"]: row["balance"] for row in tx.rows(_OPENING, {"first": first_day})}


def other_currencies(tx: Transaction, end_day: date) -> list[str]:
    return [row["currency"] for row in tx.rows(_OTHER_CURRENCIES, {"end": end_day})]


def sources(tx: Transaction, first_day: date, end_day: date) -> list[str]:
    return [row["source"] for row in tx.rows(_SOURCES, {"first": first_day, "end": end_day})]


def customers_of_period(tx: Transaction, first_day: date, end_day: date) -> Iterator[UUID]:
    return (row["customer_id"] for row in tx.stream(_CUSTOMERS, {"first": first_day, "end": end_day}))


def lines_of_source(tx: Transaction, first_day: date, end_day: date, source: str) -> Iterator[Row]:
    return tx.stream(_LINES_OF_SOURCE, {"first": first_day, "end": end_day, "source": source})


def sums_by_source(tx: Transaction, end_day: date) -> dict[tuple[str, str], dict[UUID | None, Decimal]]:
    sums: dict[tuple[str, str], dict[UUID | None, Decimal]] = {}
    for row in tx.rows(_SUMS_BY_SOURCE, {"end": end_day}):
        sums.setdefault((row["source"], row["ledger_account_code"]), {})[row["billing_account_id"]] = row["amount"]
    return sums


def unbalanced_entries(tx: Transaction) -> list[UUID]:
    return [row["journal_entry_id"] for row in tx.rows(_UNBALANCED)]
