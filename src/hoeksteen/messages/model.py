"""Messages to customers: what waits, what was sent, and the evidence of it. No address and no name is ever kept here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID


class MessageKind(StrEnum):
    """Each kind has a template in every language (`templates.py`)."""

    BILL_READY = "bill_ready"
    CREDIT_READY = "credit_ready"
    ALLOWANCE_USED = "allowance_used"
    CAP_REACHED = "cap_reached"
    ROAMING_STOPPED = "roaming_stopped"
    PRE_NOTIFICATION = "pre_notification"
    COLLECTION_WITHDRAWN = "collection_withdrawn"
    COLLECTION_RETURNED = "collection_returned"
    REFUND_SENT = "refund_sent"
    REMINDER = "reminder"
    FOURTEEN_DAY_LETTER = "fourteen_day_letter"
    COLLECTION_COSTS = "collection_costs"
    BLOCK_NOTICE = "block_notice"
    PLAN_AGREED = "plan_agreed"
    MANDATE_AMENDED = "mandate_amended"
    INTEREST_CHARGED = "interest_charged"
    SERVICES_BLOCKED = "services_blocked"
    SERVICES_UNBLOCKED = "services_unblocked"


class MessageState(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


class Outcome(StrEnum):
    """What the mail server made of an attempt: took it, asked to come back, or refused it for good."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REFUSED = "refused"


# An attempt that the server deferred is repeated after these delays; then the message has failed, and a person looks at it.
RETRY_AFTER = (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=12), timedelta(days=1))


@dataclass(frozen=True, slots=True)
class NewMessage:
    """
    A message to be sent.

    :param parameters: fill the template; never personal data
    """

    customer_id: UUID
    message_id: UUID
    kind: MessageKind
    parameters: Mapping[str, str]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """
    A message of the outbox.

    :param due_at: not to be sent before; moves with each deferred attempt
    """

    customer_id: UUID
    message_id: UUID
    kind: MessageKind
    parameters: Mapping[str, str]
    state: MessageState
    created_at: datetime
    due_at: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """
    The evidence of one attempt to send.

    :param reply: the server's own words, without addresses
    :param digest: SHA-256 of the message as handed over; None when it never was
    """

    customer_id: UUID
    message_id: UUID
    attempt: int
    at: datetime
    outcome: Outcome
    reply_code: int | None
    reply: str
    digest: bytes | None


@dataclass(frozen=True, slots=True)
class Failure:
    """
    A message that nobody will try again.

    :param reply: why, as the last attempt says it; without addresses
    """

    customer_id: UUID
    message_id: UUID
    kind: MessageKind
    at: datetime
    reply: str


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """
    The operator's mail server.

    :param tls: `starttls` where it is offered and required; `none` only towards a server on this machine
    """

    host: str
    port: int = 25
    tls: str = "starttls"
    timeout_seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class Sending:
    """What one call of `send_due` did."""

    sent: int
    deferred: int
    failed: int
