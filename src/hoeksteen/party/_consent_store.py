"""SQL of consents."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from hoeksteen.storage.postgres import Row, Transaction

_COLUMNS = ("customer_id", "consent_id", "purpose", "decision", "decided_at", "channel", "source", "source_key")
# of decisions at one instant a withdrawal is the one that holds
_STANDING = f"""
SELECT DISTINCT ON (customer_id, purpose) {", ".join(_COLUMNS)} FROM party.consent WHERE customer_id = ANY (%s)
ORDER BY customer_id, purpose, decided_at DESC, decision DESC, consent_id
"""


def insert(tx: Transaction, rows: Iterable[Sequence[Any]]) -> None:
    tx.copy_in("party.consent", _COLUMNS, rows)


def standing(tx: Transaction, customer_ids: Sequence[UUID]) -> list[Row]:
    return tx.rows(_STANDING, (list(customer_ids),))


def count(tx: Transaction, consent_ids: Sequence[UUID]) -> int:
    return int(tx.value("SELECT count(*) FROM party.consent WHERE consent_id = ANY (%s)", (list(consent_ids),)))


def count_agreements(tx: Transaction, agreement_ids: Sequence[UUID]) -> int:
    return int(tx.value("SELECT count(*) FROM party.agreement WHERE agreement_id = ANY (%s)", (list(agreement_ids),)))


def move(tx: Transaction, source_keys: Sequence[UUID], customer_id: UUID) -> None:
    tx.execute("UPDATE party.consent SET customer_id = %s WHERE source_key = ANY (%s)", (customer_id, list(source_keys)))


def take_back(tx: Transaction, customer_ids: Sequence[UUID]) -> None:
    tx.execute("DELETE FROM party.consent WHERE customer_id = ANY (%s) AND source_key IS NOT NULL", (list(customer_ids),))
