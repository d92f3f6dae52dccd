"""Writing messages into the outbox, and sending what is due."""

import smtplib
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, formataddr

from hoeksteen.disclosure import KeeperClient
from hoeksteen.disclosure.queries import reveal
from hoeksteen.kernel.sealed import Category
from hoeksteen.messages import _store
from hoeksteen.messages._smtp import Answer, connect, hand_over
from hoeksteen.messages.model import RETRY_AFTER, Attempt, Message, MessageState, NewMessage, Outcome, Sending, SmtpServer
from hoeksteen.messages.templates import SENDER_ADDRESS, SENDER_NAME, body, subject
from hoeksteen.party.model import Customer
from hoeksteen.party.names import full_name
from hoeksteen.party.queries import customers
from hoeksteen.storage.postgres import Database, Transaction

BATCH = 50


def enqueue(*, tx: Transaction, messages: Sequence[NewMessage]) -> None:
    """Write messages into the outbox with COPY, in the transaction of what gives cause to them."""
    if messages:
        _store.insert(tx, messages)


def send_due(*, database: Database, keeper: KeeperClient, server: SmtpServer, now: datetime, limit: int = 1_000) -> Sending:
    """
    Send what is due, in batches of one transaction each, and keep the evidence of every attempt.

    A message whose address is not known, or is none, fails; one that the server defers is tried again later (`RETRY_AFTER`), with
    the same Message-ID, so that a repetition after a lost answer shows as the same message.

    :param limit: messages in one call, at most
    :raises Unavailable: when the mail server cannot be reached; nothing is marked then
    :raises AccessDenied: when this service may not see contact data for billing
    """
    done = {Outcome.ACCEPTED: 0, Outcome.DEFERRED: 0, Outcome.REFUSED: 0}
    left = limit
    with connect(server) as smtp:
        while left > 0:
            with database.transaction() as tx:
                messages = _store.lock_due(tx, now, min(BATCH, left))
                for attempt, message in _send_batch(tx, keeper, smtp, messages, now):
                    outcome = _settle(tx, message, attempt, now)
                    done[outcome] += 1
            if not messages:
                break
            left -= len(messages)
    return Sending(done[Outcome.ACCEPTED], done[Outcome.DEFERRED], done[Outcome.REFUSED])


def _send_batch(
    tx: Transaction, keeper: KeeperClient, smtp: smtplib.SMTP, messages: Sequence[Message], now: datetime
) -> list[tuple[Attempt, Message]]:
    known = {customer.customer_id: customer for customer in customers(tx=tx, customer_ids=[message.customer_id for message in messages])}
    parties = [customer.party_id for customer in known.values()]
    contacts = reveal(tx=tx, keeper=keeper, purpose="billing", category=Category.CONTACT, subjects=parties) if parties else {}
    identities = reveal(tx=tx, keeper=keeper, purpose="billing", category=Category.IDENTITY, subjects=parties) if parties else {}
    attempts = []
    for message in messages:
        customer = known.get(message.customer_id)
        contact = contacts.get(customer.party_id) if customer is not None else None
        emails = contact.fields.get("emails") or [] if contact is not None else []
        if customer is None or not emails:
            answer = Answer(Outcome.REFUSED, None, "no e-mail address is known")
        else:
            identity = identities.get(customer.party_id)
            mail = _mail(message, customer, full_name(identity.fields) if identity is not None else None)
            answer = hand_over(smtp, mail, sender=SENDER_ADDRESS, address=str(emails[0]))
        attempts.append((_attempt(message, now, answer), message))
    return attempts


def _mail(message: Message, customer: Customer, name: str | None) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = formataddr((SENDER_NAME, SENDER_ADDRESS))
    mail["Subject"] = subject(kind=message.kind, language=customer.language, parameters=message.parameters)
    mail["Date"] = format_datetime(message.created_at)
    mail["Message-ID"] = f"<{message.message_id}@{SENDER_ADDRESS.partition('@')[2]}>"
    mail["Content-Language"] = customer.language
    mail["Auto-Submitted"] = "auto-generated"
    text = body(kind=message.kind, language=customer.language, parameters=message.parameters, name=name)
    mail.set_content(text, cte="quoted-printable")  # no server on the way has to take more than seven bits
    return mail


def _attempt(message: Message, now: datetime, answer: Answer) -> Attempt:
    number = message.attempts + 1
    return Attempt(message.customer_id, message.message_id, number, now, answer.outcome, answer.code, answer.reply, answer.digest)


def _settle(tx: Transaction, message: Message, attempt: Attempt, now: datetime) -> Outcome:
    _store.insert_attempt(tx, attempt)
    if attempt.outcome is Outcome.ACCEPTED:
        _store.settle(tx, message, MessageState.SENT, now)
        return Outcome.ACCEPTED
    if attempt.outcome is Outcome.DEFERRED and message.attempts < len(RETRY_AFTER):
        _store.settle(tx, message, MessageState.WAITING, now + RETRY_AFTER[message.attempts])
        return Outcome.DEFERRED
    _store.settle(tx, message, MessageState.FAILED, now)
    return Outcome.REFUSED
