"""The table of sealed blobs."""

from collections.abc import Sequence
from uuid import UUID

from hoeksteen.kernel.sealed import Category
from hoeksteen.storage.postgres import Transaction

_UPSERT = """
INSERT INTO disclosure.sealed (subject_id, category, blob)
SELECT subject_id, %(category)s, blob FROM unnest(%(subjects)s::uuid[], %(blobs)s::bytea[]) AS new (subject_id, blob)
ON CONFLICT (subject_id, category) DO UPDATE SET blob = excluded.blob
"""
_BLOBS = """
SELECT subject_id, blob FROM disclosure.sealed WHERE category = %(category)s AND subject_id = ANY (%(subjects)s)
"""
_DELETE = """
DELETE FROM disclosure.sealed WHERE subject_id = %(subject)s AND (%(category)s::text IS NULL OR category = %(category)s)
"""


def upsert(tx: Transaction, category: Category, blobs: Sequence[tuple[UUID, bytes]]) -> None:
    tx.execute(_UPSERT, {"category": category.value, "subjects": [subject for subject, _ in blobs], "blobs": [blob for _, blob in blobs]})


def blobs(tx: Transaction, category: Category, subjects: Sequence[UUID]) -> list[tuple[UUID, bytes]]:
    found = tx.rows(_BLOBS, {"category": category.value, "subjects": list(subjects)})
    return [(row["subject_id"], bytes(row["blob"])) for row in found]


def delete(tx: Transaction, subject: UUID, category: Category | None) -> int:
    return tx.execute(_DELETE, {"subject": subject, "category": None if category is None else category.value})


def delete_many(tx: Transaction, category: Category, subjects: Sequence[UUID]) -> int:
    return tx.execute("DELETE FROM disclosure.sealed WHERE category = %s AND subject_id = ANY(%s)", (category.value, list(subjects)))


def counts(tx: Transaction) -> dict[str, tuple[int, int]]:
    rows = tx.rows("SELECT category, count(*) AS blobs, count(*) FILTER (WHERE length(blob) = 0) AS empty FROM disclosure.sealed GROUP BY category")
    return {row["category"]: (row["blobs"], row["empty"]) for row in rows}
