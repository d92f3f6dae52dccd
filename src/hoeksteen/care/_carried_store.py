"""SQL of what was carried over from systems before this one."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from hoeksteen.storage.postgres import Row, Transaction


def insert_notes(tx: Transaction, rows: Iterable[Sequence[Any]]) -> None:
    tx.copy_in("care.note", ("customer_id", "note_id", "subject_id", "actor", "blob", "written_at", "origin", "source_key"), rows)


def insert_disputes(tx: Transaction, rows: Iterable[Sequence[Any]]) -> None:
    tx.copy_in("care.dispute", ("customer_id", "dispute_id", "customer_bill_id", "about", "opened_by", "opened_at"), rows)


def count_notes(tx: Transaction, note_ids: Sequence[UUID]) -> int:
    return int(tx.value("SELECT count(*) FROM care.note WHERE origin IS NOT NULL AND note_id = ANY (%s)", (list(note_ids),)))


def notes_of_records(tx: Transaction, source_keys: Sequence[UUID]) -> list[Row]:
    return tx.rows("SELECT note_id, subject_id, blob FROM care.note WHERE source_key = ANY (%s) ORDER BY note_id", (list(source_keys),))


def move_notes(tx: Transaction, rows: Iterable[Sequence[Any]]) -> None:
    """:param rows: customer, subject, blob, note"""
    tx.execute_many("UPDATE care.note SET customer_id = %s, subject_id = %s, blob = %s WHERE note_id = %s AND origin IS NOT NULL", rows)


def move_disputes(tx: Transaction, claim_ids: Sequence[UUID], customer_id: UUID) -> None:
    tx.execute("UPDATE care.dispute SET customer_id = %s WHERE customer_bill_id = ANY (%s)", (customer_id, list(claim_ids)))


def take_back(tx: Transaction, customer_ids: Sequence[UUID], claim_ids: Sequence[UUID]) -> None:
    tx.execute("DELETE FROM care.note WHERE customer_id = ANY (%s) AND origin IS NOT NULL", (list(customer_ids),))
    tx.execute("DELETE FROM care.dispute WHERE customer_bill_id = ANY (%s)", (list(claim_ids),))
