"""SQL of bank statements, their entries and what was decided about them."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from hoeksteen.storage.postgres import Row, Transaction

# What was not posted when it was taken: it was registered by hand before, or is in another currency.
POSTED = "{entry}.way NOT IN ('registered_by_hand', 'wrong_currency')"
_ENTRY = """
SELECT e.bank_entry_id, e.booking_key, e.booked_on, coalesce(e.bank_day, e.booked_on) AS bank_day,
       e.amount, e.currency, e.outcome, e.way, e.reason, e.customer_id, e.payment_id,
       d.decision, d.decided_by, d.decided_at
FROM receivables.bank_entry e LEFT JOIN receivables.bank_decision d USING (bank_entry_id)
"""
_STATEMENT_COLUMNS = (
    "bank_statement_id", "sha256", "kind", "iban", "identification", "sequence", "opening", "closing", "booked", "entries", "taken_at",
)  # fmt: skip
_ENTRY_COLUMNS = (
    "bank_entry_id", "booking_key", "part", "booked_on", "amount", "currency", "outcome", "way", "reason", "customer_id", "payment_id",
    "bank_day",
)  # fmt: skip


def file_taken(tx: Transaction, sha256: bytes) -> bool:
    return tx.value("SELECT true FROM receivables.bank_file WHERE sha256 = %s", (sha256,)) is not None


def insert_file(tx: Transaction, sha256: bytes, kind: str, now: datetime) -> None:
    tx.execute("INSERT INTO receivables.bank_file (sha256, kind, taken_at) VALUES (%s, %s, %s)", (sha256, kind, now))


def statement(tx: Transaction, kind: str, iban: str, identification: str) -> Row | None:
    sql = "SELECT opening, closing, entries FROM receivables.bank_statement WHERE kind = %s AND iban = %s AND identification = %s"
    return tx.row(sql, (kind, iban, identification))


def last_statement(tx: Transaction, iban: str) -> Row | None:
    sql = """
    SELECT identification, sequence, closing FROM receivables.bank_statement WHERE iban = %s AND kind = 'statement' ORDER BY ordinal DESC LIMIT 1
    """
    return tx.row(sql, (iban,))


def insert_statement(tx: Transaction, values: Sequence[Any]) -> None:
    """:param values: in the order of the table's columns, without its ordinal"""
    tx.copy_in("receivables.bank_statement", _STATEMENT_COLUMNS, [values])


def statements(tx: Transaction, limit: int) -> list[Row]:
    sql = """
    SELECT kind, iban, identification, sequence, opening, closing, booked, entries, taken_at FROM receivables.bank_statement
    ORDER BY ordinal DESC LIMIT %s
    """
    return tx.rows(sql, (limit,))


def bookings(tx: Transaction, keys: Sequence[str]) -> dict[str, Row]:
    sql = "SELECT booking_key, amount, currency, notified_in, stated_in FROM receivables.bank_booking WHERE booking_key = ANY (%s)"
    return {row["booking_key"]: row for row in tx.rows(sql, (list(keys),))}


def insert_bookings(tx: Transaction, rows: Iterable[Sequence[Any]]) -> None:
    tx.copy_in("receivables.bank_booking", ("booking_key", "amount", "currency", "notified_in", "stated_in"), rows)


def mark_stated(tx: Transaction, keys: Sequence[str], bank_statement_id: UUID, day: date) -> None:
    """:param day: on which the statement books them"""
    sql = "UPDATE receivables.bank_booking SET stated_in = %s, stated_on = %s WHERE booking_key = ANY (%s)"
    tx.execute(sql, (bank_statement_id, day, list(keys)))


def posted_of_bookings(tx: Transaction, keys: Sequence[str]) -> dict[str, Decimal]:
    """Give what was posted of each booking when it was first told of; those of which nothing was are absent."""
    sql = f"""
    SELECT booking_key, sum(amount) AS amount FROM receivables.bank_entry e WHERE booking_key = ANY (%s) AND {POSTED.format(entry="e")}
    GROUP BY booking_key
    """
    return {row["booking_key"]: row["amount"] for row in tx.rows(sql, (list(keys),))}


def insert_entries(tx: Transaction, rows: Iterable[Sequence[Any]]) -> None:
    tx.copy_in("receivables.bank_entry", _ENTRY_COLUMNS, rows)


def entries_of_bookings(tx: Transaction, keys: Sequence[str]) -> list[Row]:
    return tx.rows(_ENTRY + "WHERE e.booking_key = ANY (%s) ORDER BY e.booking_key, e.part", (list(keys),))


def entry(tx: Transaction, bank_entry_id: UUID) -> Row | None:
    return tx.row(_ENTRY + "WHERE e.bank_entry_id = %s", (bank_entry_id,))


def unmatched(tx: Transaction, limit: int) -> list[Row]:
    sql = _ENTRY + "WHERE e.outcome = 'unmatched' AND d.bank_entry_id IS NULL ORDER BY e.booked_on, e.bank_entry_id LIMIT %s"
    return tx.rows(sql, (limit,))


def unmatched_sums(tx: Transaction) -> list[Row]:
    sql = """
    SELECT e.way, e.currency, count(*) AS count, sum(e.amount) AS amount, min(e.booked_on) AS oldest
    FROM receivables.bank_entry e LEFT JOIN receivables.bank_decision d USING (bank_entry_id)
    WHERE e.outcome = 'unmatched' AND d.bank_entry_id IS NULL GROUP BY e.way, e.currency ORDER BY e.way, e.currency
    """
    return tx.rows(sql)


def insert_decision(tx: Transaction, bank_entry_id: UUID, decision: str, customer_id: UUID | None, decided_by: str, now: datetime) -> None:
    tx.execute(
        """
        INSERT INTO receivables.bank_decision (bank_entry_id, decision, customer_id, decided_by, decided_at) VALUES (%s, %s, %s, %s, %s)
        """,
        (bank_entry_id, decision, customer_id, decided_by, now),
    )
