"""What the care room keeps: why somebody of the operator looked at a customer, and what they did."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

Channel = Literal["phone", "ticket"]
ItemKind = Literal["change_plan", "suspend", "resume", "terminate", "onboard", "grant_discount", "end_discount"]

# After this time without a new one, whoever looks again says why again.
INTERACTION_OPEN_MAX = timedelta(minutes=30)
TICKET_PATTERN = r"[A-Z][A-Z0-9-]{2,19}"
NOTE_CHARACTERS_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Reason:
    """
    Why somebody looks, as they assert it.

    :param channel: `phone`: the customer is on the line; `ticket`: work on a ticket
    :param ticket: its reference, for `ticket` only
    """

    channel: Channel
    ticket: str | None = None

    @property
    def context(self) -> dict[str, str | bool]:
        """The facts that the keeper's policies weigh."""
        return {"customer_on_the_line": True} if self.ticket is None else {"ticket": self.ticket}


@dataclass(frozen=True, slots=True)
class InteractionItem:
    """One thing that was done for the customer during an interaction."""

    kind: ItemKind
    product_id: UUID | None
    detail: Mapping[str, Any]
    done_at: datetime


@dataclass(frozen=True, slots=True)
class Interaction:
    """A contact with a customer, or work for one (TM Forum TMF683 PartyInteraction)."""

    customer_id: UUID
    interaction_id: UUID
    actor: str
    reason: Reason
    opened_at: datetime
    items: tuple[InteractionItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """
    A note about a customer, opened.

    :param origin: the former system that it was written in, where `actor` is the role of who wrote it; None of one that was written here
    """

    note_id: UUID
    actor: str
    written_at: datetime
    text: str
    origin: str | None = None
