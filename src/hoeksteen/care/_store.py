"""SQL of the care room."""

from datetime import datetime
from typing import cast
from uuid import UUID

from hoeksteen.care.model import Channel, Interaction, InteractionItem, ItemKind, Reason
from hoeksteen.storage.postgres import Row, Transaction, as_json

_INTERACTIONS = """
SELECT i.customer_id, i.interaction_id, i.actor, i.channel, i.ticket, i.opened_at, done.items
FROM care.interaction i
LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_object('kind', kind, 'product_id', product_id, 'detail', detail, 'done_at', done_at) ORDER BY item) AS items
    FROM care.interaction_item d WHERE d.customer_id = i.customer_id AND d.interaction_id = i.interaction_id
) done ON true
WHERE i.customer_id = %(customer_id)s
"""
_RECENT = _INTERACTIONS + "ORDER BY i.opened_at DESC, i.interaction_id DESC LIMIT %(limit)s"
_OPEN = _INTERACTIONS + "AND i.actor = %(actor)s AND i.opened_at > %(after)s ORDER BY i.opened_at DESC, i.interaction_id DESC LIMIT 1"
_ADD = """
INSERT INTO care.interaction (customer_id, interaction_id, actor, channel, ticket, opened_at) VALUES (%s, %s, %s, %s, %s, %s)
"""
_ADD_ITEM = """
INSERT INTO care.interaction_item (customer_id, interaction_id, item, kind, product_id, detail, done_at)
SELECT %(customer_id)s, %(interaction_id)s, coalesce(max(item), 0) + 1, %(kind)s, %(product_id)s, %(detail)s, %(done_at)s
FROM care.interaction_item WHERE customer_id = %(customer_id)s AND interaction_id = %(interaction_id)s
"""
_ADD_NOTE = "INSERT INTO care.note (customer_id, note_id, subject_id, actor, blob, written_at) VALUES (%s, %s, %s, %s, %s, %s)"
_NOTES = """
SELECT note_id, subject_id, actor, blob, written_at, origin FROM care.note WHERE customer_id = %s ORDER BY written_at DESC, note_id DESC LIMIT %s
"""


def from_row_interaction(row: Row) -> Interaction:
    items = tuple(
        InteractionItem(
            cast(ItemKind, item["kind"]),
            None if item["product_id"] is None else UUID(item["product_id"]),
            item["detail"],
            datetime.fromisoformat(item["done_at"]),
        )
        for item in row["items"] or ()
    )
    reason = Reason(cast(Channel, row["channel"]), row["ticket"])
    return Interaction(row["customer_id"], row["interaction_id"], row["actor"], reason, row["opened_at"], items)


def recent_interactions(tx: Transaction, customer_id: UUID, limit: int) -> list[Interaction]:
    return [from_row_interaction(row) for row in tx.rows(_RECENT, {"customer_id": customer_id, "limit": limit})]


def open_interaction(tx: Transaction, customer_id: UUID, actor: str, after: datetime) -> Interaction | None:
    row = tx.row(_OPEN, {"customer_id": customer_id, "actor": actor, "after": after})
    return None if row is None else from_row_interaction(row)


def add_interaction(tx: Transaction, new: Interaction) -> None:
    tx.execute(_ADD, (new.customer_id, new.interaction_id, new.actor, new.reason.channel, new.reason.ticket, new.opened_at))


def add_item(tx: Transaction, interaction: Interaction, item: InteractionItem) -> None:
    tx.execute(
        _ADD_ITEM,
        {
            "customer_id": interaction.customer_id, "interaction_id": interaction.interaction_id, "kind": item.kind,
            "product_id": item.product_id, "detail": as_json(dict(item.detail)), "done_at": item.done_at,
        },
    )  # fmt: skip


def add_note(tx: Transaction, interaction: Interaction, note_id: UUID, subject: UUID, blob: bytes, now: datetime) -> None:
    tx.execute(_ADD_NOTE, (interaction.customer_id, note_id, subject, interaction.actor, blob, now))


def notes(tx: Transaction, customer_id: UUID, limit: int) -> list[Row]:
    return tx.rows(_NOTES, (customer_id, limit))
