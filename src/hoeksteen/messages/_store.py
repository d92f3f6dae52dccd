"""SQL of the messages room."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hoeksteen.messages.model import Attempt, Failure, Message, MessageKind, MessageState, NewMessage, Outcome
from hoeksteen.storage.postgres import Row, Transaction, as_json

_MESSAGE = "SELECT customer_id, message_id, kind, parameters, state, created_at, due_at, attempts FROM messages.message "
_ATTEMPT = "SELECT customer_id, message_id, attempt, at, outcome, reply_code, reply, digest FROM messages.attempt "
_FAILURES = """
SELECT m.customer_id, m.message_id, m.kind, a.at, a.reply
FROM messages.message m
JOIN messages.attempt a ON a.customer_id = m.customer_id AND a.message_id = m.message_id AND a.attempt = m.attempts
WHERE m.state = 'failed' ORDER BY a.at DESC, m.message_id LIMIT %s
"""
_SETTLE = """
UPDATE messages.message SET state = %(state)s, due_at = %(due_at)s, attempts = %(attempts)s
WHERE customer_id = %(customer_id)s AND message_id = %(message_id)s
"""


def from_row_message(row: Row) -> Message:
    return Message(**{**row, "kind": MessageKind(row["kind"]), "state": MessageState(row["state"])})


def from_row_attempt(row: Row) -> Attempt:
    return Attempt(**{**row, "outcome": Outcome(row["outcome"]), "digest": None if row["digest"] is None else bytes(row["digest"])})


def insert(tx: Transaction, messages: Sequence[NewMessage]) -> None:
    tx.copy_in(
        "messages.message",
        ("customer_id", "message_id", "kind", "parameters", "created_at", "due_at"),
        ((m.customer_id, m.message_id, m.kind.value, as_json(dict(m.parameters)), m.created_at, m.created_at) for m in messages),
    )


def lock_due(tx: Transaction, now: datetime, limit: int) -> list[Message]:
    sql = _MESSAGE + "WHERE state = 'waiting' AND due_at <= %s ORDER BY due_at, message_id LIMIT %s FOR UPDATE SKIP LOCKED"
    return [from_row_message(row) for row in tx.rows(sql, (now, limit))]


def settle(tx: Transaction, message: Message, state: MessageState, due_at: datetime) -> None:
    key = {"customer_id": message.customer_id, "message_id": message.message_id}
    tx.execute(_SETTLE, {**key, "state": state.value, "due_at": due_at, "attempts": message.attempts + 1})


def insert_attempt(tx: Transaction, attempt: Attempt) -> None:
    tx.execute(
        """
        INSERT INTO messages.attempt (customer_id, message_id, attempt, at, outcome, reply_code, reply, digest)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            attempt.customer_id,
            attempt.message_id,
            attempt.attempt,
            attempt.at,
            attempt.outcome.value,
            attempt.reply_code,
            attempt.reply,
            attempt.digest,
        ),
    )


def waiting(tx: Transaction, limit: int) -> list[Message]:
    return [from_row_message(row) for row in tx.rows(_MESSAGE + "WHERE state = 'waiting' ORDER BY due_at, message_id LIMIT %s", (limit,))]


def of_customer(tx: Transaction, customer_id: UUID) -> list[Message]:
    return [from_row_message(row) for row in tx.rows(_MESSAGE + "WHERE customer_id = %s ORDER BY created_at DESC, message_id", (customer_id,))]


def attempts(tx: Transaction, customer_id: UUID, message_id: UUID) -> list[Attempt]:
    sql = _ATTEMPT + "WHERE customer_id = %s AND message_id = %s ORDER BY attempt"
    return [from_row_attempt(row) for row in tx.rows(sql, (customer_id, message_id))]


def failures(tx: Transaction, limit: int) -> list[Failure]:
    return [Failure(**{**row, "kind": MessageKind(row["kind"])}) for row in tx.rows(_FAILURES, (limit,))]


def counts(tx: Transaction) -> dict[str, int]:
    return {row["state"]: row["count"] for row in tx.rows("SELECT state, count(*) AS count FROM messages.message GROUP BY state")}
