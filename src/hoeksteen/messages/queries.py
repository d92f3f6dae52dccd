"""Reading the outbox."""

from collections.abc import Sequence
from uuid import UUID

from hoeksteen.messages import _store
from hoeksteen.messages.model import Attempt, Failure, Message
from hoeksteen.storage import by_customer
from hoeksteen.storage.postgres import Transaction


def waiting(*, tx: Transaction, limit: int = 1_000) -> list[Message]:
    """Give what waits to be sent, the one that is due first ahead."""
    return _store.waiting(tx, limit)


def sent_to(*, tx: Transaction, customer_id: UUID) -> list[Message]:
    """Give every message to a customer, the newest first, with its state."""
    return _store.of_customer(tx, customer_id)


def attempts(*, tx: Transaction, customer_id: UUID, message_id: UUID) -> list[Attempt]:
    """Give the evidence of sending a message: each attempt and what the mail server answered."""
    return _store.attempts(tx, customer_id, message_id)


def failures(*, tx: Transaction, limit: int) -> list[Failure]:
    """Give messages that failed, which a person has to look at, the newest first, each with the last answer."""
    return _store.failures(tx, limit)


def counts(*, tx: Transaction) -> dict[str, int]:
    """Give the number of messages per state."""
    return _store.counts(tx)


def activity(*, tx: Transaction, customer_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """Count the messages to each customer; who got none is absent."""
    return by_customer.counts(tx, {"messages": "messages.message"}, customer_ids)
