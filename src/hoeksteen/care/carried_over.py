"""What was written about customers in a system before this one, and what they contested there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

from hoeksteen.care import _carried_store
from hoeksteen.care.model import NOTE_CHARACTERS_MAX
from hoeksteen.disclosure import KeeperClient, SealItem
from hoeksteen.disclosure.operations import seal
from hoeksteen.disclosure.queries import open_each
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.sealed import Category
from hoeksteen.storage.postgres import Transaction

AuthorRole = Literal["agent", "sales", "collections", "billing", "technician", "system", "unknown"]
AUTHOR_ROLES: tuple[str, ...] = get_args(AuthorRole)


@dataclass(frozen=True, slots=True)
class CarriedNote:
    """
    A note of a former system.

    :param subject: the customer's party
    :param author: the role of who wrote it there; names are left behind
    :param origin: that system, by its name for people
    :param source_key: the pseudonym of the legacy record that brought it
    """

    customer_id: UUID
    note_id: UUID
    subject: UUID
    author: str
    origin: str
    written_at: datetime
    text: str
    source_key: UUID


def carry_notes(*, tx: Transaction, keeper: KeeperClient, notes: Sequence[CarriedNote], purpose: str) -> None:
    """
    Keep notes of a former system, each sealed under its data subject.

    :raises InvalidInput: when one is empty or longer than 2,000 characters, or its author is no word of the list
    :raises AccessDenied: when the actor may not write notes for this purpose
    """
    for one in notes:
        if not 1 <= len(one.text) <= NOTE_CHARACTERS_MAX or one.author not in AUTHOR_ROLES:
            raise InvalidInput(
                f"The note {one.note_id} needs 1 to {NOTE_CHARACTERS_MAX:,} characters, and an author of {', '.join(AUTHOR_ROLES)}.",
                remedy="Cut it into several.", field="text",
            )  # fmt: skip
    items = [SealItem(one.subject, {"text": one.text}) for one in notes]
    blobs = seal(keeper=keeper, purpose=purpose, category=Category.NOTE, items=items) if items else []
    _carried_store.insert_notes(tx, (
        (one.customer_id, one.note_id, one.subject, one.author, blob, one.written_at, one.origin, one.source_key)
        for one, blob in zip(notes, blobs, strict=True)
    ))  # fmt: skip


def contest_carried(*, tx: Transaction, claims: Sequence[tuple[UUID, UUID]], by: str, now: datetime) -> None:
    """
    Let items that were contested in a former system be contested here, set-based.

    :param claims: customer and carried item
    """
    _carried_store.insert_disputes(tx, (
        (customer_id, derived("dispute", "carried over", str(claim_id)), claim_id, "other", by, now)
        for customer_id, claim_id in claims
    ))  # fmt: skip


def count_notes(*, tx: Transaction, note_ids: Sequence[UUID]) -> int:
    """Count those of some notes of former systems that are here."""
    return _carried_store.count_notes(tx, note_ids)


def move_notes(*, tx: Transaction, keeper: KeeperClient, source_keys: Sequence[UUID], customer_id: UUID, subject: UUID, purpose: str) -> int:
    """
    Let the notes that legacy records brought be another customer's: each is opened and sealed anew under that customer's party.

    :returns: how many
    :raises AccessDenied: when the actor may not see or write notes for this purpose
    """
    rows = _carried_store.notes_of_records(tx, source_keys)
    opened = open_each(keeper=keeper, purpose=purpose, category=Category.NOTE, blobs=[(row["subject_id"], bytes(row["blob"])) for row in rows])
    items = [SealItem(subject, dict(one.fields)) for one in opened]
    blobs = seal(keeper=keeper, purpose=purpose, category=Category.NOTE, items=items) if items else []
    _carried_store.move_notes(tx, [(customer_id, subject, blob, row["note_id"]) for row, blob in zip(rows, blobs, strict=True)])
    return len(rows)


def move_contested(*, tx: Transaction, claim_ids: Sequence[UUID], customer_id: UUID) -> None:
    """Let disputes about carried items be another customer's."""
    _carried_store.move_disputes(tx, claim_ids, customer_id)


def take_back_carried(*, tx: Transaction, customer_ids: Sequence[UUID], claim_ids: Sequence[UUID]) -> None:
    """Take away the notes that came from former systems, and the disputes about carried items, of customers who are taken back."""
    _carried_store.take_back(tx, customer_ids, claim_ids)
