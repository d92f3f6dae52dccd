"""Writing messages into the outbox, and sending what is due."""

import hashlib
import re
import smtplib
import ssl
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, formataddr

from hoeksteen.disclosure import KeeperClient
from hoeksteen.disclosure.queries import reveal
from hoeksteen.kernel.errors import InvalidInput, Unavailable
from hoeksteen.kernel.sealed import Category
from hoeksteen.messages import _store
from hoeksteen.messages.model import RETRY_AFTER, Attempt, Message, MessageState, NewMessage, Outcome, Sending, SmtpServer
from hoeksteen.messages.templates import SENDER_ADDRESS, SENDER_NAME, body, subject
from hoeksteen.party.model import Customer
from hoeksteen.party.names import full_name
from hoeksteen.party.queries import customers
from hoeksteen.storage.postgres import Database, Transaction

BATCH = 50
_ADDRESS = re.compile(r"<?[^\s<>@]+@[^\s<>]+>?")
_REPLY_CHARACTERS_MAX = 200


def enqueue(*, tx: Transaction, messages: Sequence[NewMessage]) -> None:
    """Write messages into the outbox with COPY, in the transaction of what gives cause to them."""
    if messages:
        _store.insert(tx, messages)


def send_due(*, database: Database, keeper: KeeperClient, server: SmtpServer, now: datetime, limit: int = 1_000) -> Sending:
    """
    Send what is due, in batches of one transaction each, and keep the evidence of every attempt.

    A message whose address is not known fails; one that the server defers is tried again later (`RETRY_AFTER`), with
    the same Message-ID, so that a repetition after a lost answer shows as the same message.

    :param limit: messages in one call, at most
    :raises Unavailable: when the mail server cannot be reached; nothing is marked then
    :raises AccessDenied: when this service may not see contact data for billing
    """
    done = {Outcome.ACCEPTED: 0, Outcome.DEFERRED: 0, Outcome.REFUSED: 0}
    left = limit
    with _connect(server) as smtp:
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


def _connect(server: SmtpServer) -> smtplib.SMTP:
    if server.tls not in {"starttls", "none"}:
        raise InvalidInput(f"The mail server's tls is {server.tls}.", remedy="Choose starttls or none.")
    try:
        smtp = smtplib.SMTP(server.host, server.port, timeout=server.timeout_seconds)
        if server.tls == "starttls":
            smtp.starttls(context=ssl.create_default_context())
    except (OSError, smtplib.SMTPException) as error:
        raise Unavailable(
            f"The mail server {server.host}:{server.port} does not answer.", remedy="Check its name and port, and run again."
        ) from error
    return smtp


def _send_batch(
    tx: Transaction, keeper: KeeperClient, smtp: smtplib.SMTP, messages: Sequence[Message], now: datetime
) -> list[tuple[Attempt, Message]]:
    known = {customer.customer_id: customer for customer in customers(tx=tx, customer_ids=[message.customer_id for message in messages])}
    parties = [customer.party_id for customer in known.values()]
    if not parties:
        return []
    contacts = reveal(tx=tx, keeper=keeper, purpose="billing", category=Category.CONTACT, subjects=parties)
    identities = reveal(tx=tx, keeper=keeper, purpose="billing", category=Category.IDENTITY, subjects=parties)
    attempts = []
    for message in messages:
        customer = known[message.customer_id]
        contact, identity = contacts.get(customer.party_id), identities.get(customer.party_id)
        emails = contact.fields.get("emails") or [] if contact is not None else []
        if emails:
            mail = _mail(message, customer, str(emails[0]), full_name(identity.fields) if identity is not None else None)
            attempts.append((_hand_over(smtp, message, mail, now), message))
        else:
            attempts.append((_attempt(message, now, Outcome.REFUSED, None, "no e-mail address is known", None), message))
    return attempts


def _mail(message: Message, customer: Customer, address: str, name: str | None) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = formataddr((SENDER_NAME, SENDER_ADDRESS))
    mail["To"] = address
    mail["Subject"] = subject(kind=message.kind, language=customer.language, parameters=message.parameters)
    mail["Date"] = format_datetime(message.created_at)
    mail["Message-ID"] = f"<{message.message_id}@{SENDER_ADDRESS.partition('@')[2]}>"
    mail["Content-Language"] = customer.language
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(body(kind=message.kind, language=customer.language, parameters=message.parameters, name=name))
    return mail


def _hand_over(smtp: smtplib.SMTP, message: Message, mail: EmailMessage, now: datetime) -> Attempt:
    content = mail.as_bytes()
    digest = hashlib.sha256(content).digest()
    try:
        code, reply = _dialogue(smtp, str(mail["To"]), content)
    except smtplib.SMTPServerDisconnected as error:
        raise Unavailable("The mail server broke the connection; this batch is sent again.", remedy="Run again.") from error
    if 200 <= code < 300:
        return _attempt(message, now, Outcome.ACCEPTED, code, reply, digest)
    return _attempt(message, now, Outcome.DEFERRED if 400 <= code < 500 else Outcome.REFUSED, code, reply, None)


def _dialogue(smtp: smtplib.SMTP, address: str, content: bytes) -> tuple[int, str]:
    """Hand one message over and give the server's last answer, which `smtplib.sendmail` throws away."""
    smtp.ehlo_or_helo_if_needed()
    try:
        code, reply = smtp.mail(SENDER_ADDRESS)
        if code < 400:
            code, reply = smtp.rcpt(address)
        if code < 400:
            code, reply = smtp.data(content)
    except smtplib.SMTPDataError as error:
        code, reply = error.smtp_code, error.smtp_error if isinstance(error.smtp_error, bytes) else error.smtp_error.encode()
    if code >= 400:
        with suppress(smtplib.SMTPServerDisconnected):
            smtp.rset()
    return code, _ADDRESS.sub("(address)", reply.decode("utf-8", "replace"))[:_REPLY_CHARACTERS_MAX]


def _attempt(message: Message, now: datetime, outcome: Outcome, code: int | None, reply: str, digest: bytes | None) -> Attempt:
    return Attempt(message.customer_id, message.message_id, message.attempts + 1, now, outcome, code, reply, digest)


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
