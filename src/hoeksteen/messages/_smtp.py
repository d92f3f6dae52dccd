"""Handing one mail to the mail server, and keeping its last answer, which `smtplib.sendmail` throws away."""

import hashlib
import re
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from ipaddress import ip_address

from hoeksteen.kernel.errors import InvalidInput, Unavailable
from hoeksteen.messages.model import Outcome, SmtpServer

_ADDRESS = re.compile(r"[^\s<>()\[\],;:\\\"@]{1,64}@[^\s<>()\[\],;:\\\"@]{1,255}")
_SHOWN_ADDRESS = re.compile(r"<?[^\s<>@]+@[^\s<>]+>?")
_REPLY_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What became of one mail.

    :param reply: the server's own words, without addresses
    :param digest: SHA-256 of what was handed over; None when it never was
    """

    outcome: Outcome
    code: int | None
    reply: str
    digest: bytes | None = None


def connect(server: SmtpServer) -> smtplib.SMTP:
    """
    Open a session with the mail server, encrypted unless it runs on this machine.

    :raises InvalidInput: when mail would travel unencrypted to another machine
    :raises Unavailable: when the server does not answer, or not with TLS where that is asked
    """
    if server.tls not in {"starttls", "none"}:
        raise InvalidInput(f"The mail server's tls is {server.tls}.", remedy="Choose starttls or none.")
    if server.tls == "none" and not _on_this_machine(server.host):
        raise InvalidInput(f"Mail to {server.host} would travel unencrypted.", remedy="Choose starttls, or a server on this machine.")
    try:
        smtp = smtplib.SMTP(server.host, server.port, timeout=server.timeout_seconds)
        if server.tls == "starttls":
            smtp.starttls(context=ssl.create_default_context())
        smtp.ehlo_or_helo_if_needed()
    except (OSError, smtplib.SMTPException) as error:
        raise Unavailable(
            f"The mail server {server.host}:{server.port} does not answer.", remedy="Check its name and port, and run again."
        ) from error
    return smtp


def hand_over(smtp: smtplib.SMTP, mail: EmailMessage, *, sender: str, address: str) -> Answer:
    """
    Hand one mail over; the field To is written here.

    An address that is none, or that this server cannot take, concerns that one mail only.

    :param address: as the customer gave it; letters beyond ASCII before the `@` need a server that offers SMTPUTF8
    :raises Unavailable: when the server breaks the connection
    """
    recipient = _sendable(address)
    if recipient is None:
        return Answer(Outcome.REFUSED, None, "the e-mail address is malformed")
    international = not recipient.isascii()
    if international and not smtp.has_extn("smtputf8"):
        return Answer(Outcome.REFUSED, None, "the mail server takes no address with letters beyond ASCII")
    mail["To"] = recipient
    content = mail.as_bytes(policy=policy.SMTPUTF8 if international else policy.SMTP)
    try:
        code, reply = _dialogue(smtp, sender, recipient, content, ["SMTPUTF8", "BODY=8BITMIME"] if international else [])
    except smtplib.SMTPServerDisconnected as error:
        raise Unavailable("The mail server broke the connection; this batch is sent again.", remedy="Run again.") from error
    shown = _SHOWN_ADDRESS.sub("(address)", reply.decode("utf-8", "replace"))[:_REPLY_CHARACTERS_MAX]
    if 200 <= code < 300:
        return Answer(Outcome.ACCEPTED, code, shown, hashlib.sha256(content).digest())
    return Answer(Outcome.DEFERRED if 400 <= code < 500 else Outcome.REFUSED, code, shown)


def _sendable(address: str) -> str | None:
    """Give an address as mail servers know it, its domain in IDNA; None when it is not exactly one address."""
    if not _ADDRESS.fullmatch(address):
        return None
    local, _, domain = address.partition("@")
    try:
        return f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        return None


def _dialogue(smtp: smtplib.SMTP, sender: str, recipient: str, content: bytes, options: list[str]) -> tuple[int, bytes]:
    try:
        code, reply = smtp.mail(sender, options)
        if code < 400:
            code, reply = smtp.rcpt(recipient)
        if code < 400:
            code, reply = smtp.data(content)
    except smtplib.SMTPDataError as error:
        code, reply = error.smtp_code, error.smtp_error if isinstance(error.smtp_error, bytes) else error.smtp_error.encode()
    finally:
        smtp.command_encoding = "ascii"
    if code >= 400:
        with suppress(smtplib.SMTPServerDisconnected):
            smtp.rset()
    return code, reply


def _on_this_machine(host: str) -> bool:
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"
