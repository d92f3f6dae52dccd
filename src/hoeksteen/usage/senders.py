"""
Machines that send usage over HTTP: each has a token of its own, which lets it send batches in some formats and ask about its own, and nothing else.

A token is not the keeper's and opens no data of anybody; the keeper need not know of it. It is told once, when the sender is added; kept is its
SHA-256. It ends by itself after some time, and at once when it is revoked.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hoeksteen.kernel.errors import Conflict, InvalidInput, NotFound
from hoeksteen.kernel.words import is_said
from hoeksteen.storage.postgres import Transaction
from hoeksteen.usage import _store

TOKEN_BEGINS = "hoeksteen_usage_"  # so that whoever finds one knows what it is
SECRET_LENGTH_MIN = 43  # of 32 random bytes in base64
LASTS_MAX = timedelta(days=400)
_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


@dataclass(frozen=True, slots=True)
class Sender:
    """
    A machine that may send usage.

    :param formats: the adapters that its batches may name
    """

    name: str
    formats: tuple[str, ...]
    added_by: str
    added_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


def add(*, tx: Transaction, name: str, formats: Sequence[str], lasts: timedelta, added_by: str, secret: str, now: datetime) -> str:
    """
    Let a machine send usage, and give its token, which is told nowhere else.

    :param secret: 32 fresh random bytes in base64, which the token is made of
    :raises InvalidInput: when the name or the time is none, no format or nobody is named
    :raises Conflict: when there is, or was, a sender of that name
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput(f"{name[:40]} is no name of a sender.", remedy="Use small letters, digits and hyphens, 31 at most.")
    if not formats or not is_said(added_by):
        raise InvalidInput("A sender has formats, and somebody who added it.", remedy="Name both.")
    if not timedelta(0) < lasts <= LASTS_MAX:
        raise InvalidInput(f"A token lasts 1 to {LASTS_MAX.days} days.", remedy="Choose a shorter time, and add a new sender before it ends.")
    if len(secret) < SECRET_LENGTH_MIN:
        raise InvalidInput("The secret is too short.", remedy="Make it of 32 random bytes.")
    token = TOKEN_BEGINS + secret
    if not _store.add_sender(tx, name, _hash(token), formats, added_by, now, now + lasts):
        raise Conflict(f"There is, or was, a sender {name}.", remedy="Choose another name; what was sent stands under the old one.")
    return token


def revoke(*, tx: Transaction, name: str, now: datetime) -> None:
    """
    End a sender's token at once; what it sent stays.

    :raises NotFound: when there is no such sender, or it was revoked before
    """
    if not _store.revoke_sender(tx, name, now):
        raise NotFound(f"There is no sender {name[:40]} whose token holds.", remedy="`hoeksteen usage sender list` names them.")


def senders(*, tx: Transaction) -> list[Sender]:
    """Give every sender, ended ones too, by name."""
    return [_sender(row) for row in _store.senders(tx)]


def sender_of(*, tx: Transaction, token: str, now: datetime) -> Sender | None:
    """Give whose token it is, or None when it is nobody's, has ended or was revoked."""
    row = _store.sender_by_hash(tx, _hash(token)) if token.startswith(TOKEN_BEGINS) else None
    found = None if row is None else _sender(row)
    return found if found is not None and found.revoked_at is None and now < found.expires_at else None


def _sender(row: dict[str, object]) -> Sender:
    return Sender(**{**row, "formats": tuple(row["formats"])})  # type: ignore[arg-type]


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
