"""Writes of the care room; each belongs to the caller's transaction."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from hoeksteen.care import _store
from hoeksteen.care.model import NOTE_CHARACTERS_MAX, TICKET_PATTERN, Interaction, InteractionItem, ItemKind, Note, Reason
from hoeksteen.disclosure import KeeperClient, SealItem
from hoeksteen.disclosure import operations as disclosure
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.sealed import Category
from hoeksteen.storage.postgres import Transaction


def reason_given(*, channel: str, ticket: str) -> Reason:
    """
    Read the reason that somebody gives for looking.

    :param channel: `phone` or `ticket`
    :param ticket: the ticket's reference; ignored when the customer is on the line
    :raises InvalidInput: when there is no reason, or the ticket's reference has no valid form
    """
    if channel == "phone":
        return Reason("phone")
    reference = ticket.strip().upper()
    if channel == "ticket" and re.fullmatch(TICKET_PATTERN, reference):
        return Reason("ticket", reference)
    raise InvalidInput(
        "The field ticket needs a reference such as CARE-1234.", remedy="Name the ticket, or say that the customer is on the line.", field="ticket"
    )


def record_interaction(*, tx: Transaction, customer_id: UUID, actor: str, reason: Reason, now: datetime, identifiers: Identifiers) -> Interaction:
    """Record that somebody of the operator starts to look at a customer, and why."""
    new = Interaction(customer_id, identifiers.new(now), actor, reason, now)
    _store.add_interaction(tx, new)
    return new


def record_item(
    *, tx: Transaction, interaction: Interaction, kind: ItemKind, product_id: UUID | None, detail: Mapping[str, Any], now: datetime
) -> None:
    """
    Record what was done for the customer in an interaction.

    :param detail: codes, days and identifiers; never personal data
    """
    _store.add_item(tx, interaction, InteractionItem(kind, product_id, detail, now))


def add_note(
    *, tx: Transaction, keeper: KeeperClient, interaction: Interaction, subject: UUID, text: str, now: datetime, identifiers: Identifiers
) -> Note:
    """
    Write a note about a customer, sealed under its data subject.

    :param subject: the customer's party
    :raises InvalidInput: when the note is empty or longer than 2,000 characters
    :raises AccessDenied: when the actor may not write notes
    """
    text = text.strip()
    if not 1 <= len(text) <= NOTE_CHARACTERS_MAX:
        raise InvalidInput(f"A note has 1 to {NOTE_CHARACTERS_MAX:,} characters.", remedy="Shorten it, or write two.", field="text")
    note_id = identifiers.new(now)
    [blob] = disclosure.seal(keeper=keeper, purpose="care", category=Category.NOTE, items=[SealItem(subject, {"text": text})])
    _store.add_note(tx, interaction, note_id, subject, blob, now)
    return Note(note_id, interaction.actor, now, text)
