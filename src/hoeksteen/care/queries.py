"""Reads of the care room."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hoeksteen.care import _store
from hoeksteen.care.model import INTERACTION_OPEN_MAX, Interaction, Note
from hoeksteen.disclosure import KeeperClient
from hoeksteen.disclosure import queries as disclosure
from hoeksteen.kernel.sealed import Category
from hoeksteen.storage import by_customer
from hoeksteen.storage.postgres import Transaction


def interactions(*, tx: Transaction, customer_id: UUID, limit: int = 10) -> list[Interaction]:
    """Give the latest interactions about a customer, newest first, each with what was done in it."""
    return _store.recent_interactions(tx, customer_id, limit)


def open_interaction(*, tx: Transaction, customer_id: UUID, actor: str, now: datetime) -> Interaction | None:
    """
    Give the reason under which somebody looks at a customer right now, or None when they gave none in the last half hour.

    A reason is a person's own: nobody looks on another's.
    """
    return _store.open_interaction(tx, customer_id, actor, now - INTERACTION_OPEN_MAX)


def notes(*, tx: Transaction, keeper: KeeperClient, interaction: Interaction, limit: int = 20) -> list[Note]:
    """
    Give the latest notes about a customer, newest first, opened by the keeper.

    :raises AccessDenied: when the actor may not read notes
    """
    rows = _store.notes(tx, interaction.customer_id, limit)
    opened = disclosure.open_each(
        keeper=keeper, purpose="care", category=Category.NOTE, blobs=[(row["subject_id"], bytes(row["blob"])) for row in rows],
        context=interaction.reason.context,
    )  # fmt: skip
    return [
        Note(row["note_id"], row["actor"], row["written_at"], str(one.fields["text"]), row["origin"]) for row, one in zip(rows, opened, strict=True)
    ]


def activity(*, tx: Transaction, customer_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """Count what was noted of each customer; who has nothing is absent."""
    tables = {"interactions": "care.interaction", "notes": "care.note", "disputes": "care.dispute"}
    return by_customer.counts(tx, tables, customer_ids)
