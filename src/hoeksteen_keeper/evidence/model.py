"""What the log is told (`Event`), what it holds (`Entry`), and a grant as its entries leave it (`GrantAt`)."""

import hashlib
import hmac
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

JSON = Any  # None, bool, int below 2**53, str, and lists and mappings of them; never a float

KINDS = frozenset((
    "disclosure", "search", "seal", "organisation", "actor", "grant", "approval", "policy", "key", "session", "kill", "shred", "export", "exposure",
    "review", "break", "change", "decision",
))  # fmt: skip
FACTS = ("organisation", "actor", "grant", "approval", "change", "review", "policy", "key", "kill", "shred", "exposure")
"""The kinds that `StateAt` is folded from."""
SEEING = ("disclosure", "search", "seal", "export", "actor")
"""The kinds by which somebody may have come to hold somebody's data, their log-in included, and refused attempts."""
TAG_BYTES = 32


@dataclass(frozen=True, slots=True)
class Event:
    """
    One fact to be logged.

    :param outcome: `allowed` or `refused`
    :param subjects: whose data it is about; only their tags enter the log
    :param detail: further facts; never personal data, never a float
    """

    kind: str
    actor: str = ""
    organisation: str = ""
    action: str = ""
    category: str = ""
    purpose: str = ""
    grant: str = ""
    outcome: str = "allowed"
    subjects: Sequence[UUID] = ()
    detail: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tags:
    """
    The subjects of one entry, as only the holder of a subject's key can recognise them.

    :param sorted_tags: 32 bytes per subject, sorted, concatenated
    """

    nonce: bytes
    sorted_tags: bytes

    def __len__(self) -> int:
        return len(self.sorted_tags) // TAG_BYTES

    def tag_of(self, subject_key: bytes) -> bytes:
        """Give the tag that the subject with this key has in this entry."""
        return hmac.digest(subject_key, self.nonce, hashlib.sha256)

    def hold(self, subject_key: bytes) -> bool:
        """Say whether the subject with this key is among them."""
        wanted = self.tag_of(subject_key)
        at = bisect_left(range(len(self)), wanted, key=lambda i: self.sorted_tags[i * TAG_BYTES : (i + 1) * TAG_BYTES])
        return self.sorted_tags[at * TAG_BYTES : (at + 1) * TAG_BYTES] == wanted


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One entry of the log, leaf and body together.

    :param time: when it was appended; never earlier than the entry before
    :param event: as it was told, without the subjects
    :param clock: what the clock said, where it ran behind the log's time
    """

    index: int
    time: datetime
    event: Event
    tags: Tags
    count: int
    clock: datetime | None = None


@dataclass(frozen=True, slots=True)
class GrantAt:
    """
    A grant as it stood.

    :param state: the last event: requested, running, refused, revoked or expired; the caller compares valid_from and valid_to with the time
    :param grant: the grant itself, as it was asked for
    :param approvals: the details of its approval entries, oldest first
    :param indexes: the entries that say so
    """

    grant: Mapping[str, JSON]
    state: str
    tags: Tags
    approvals: tuple[Mapping[str, JSON], ...] = ()
    indexes: tuple[int, ...] = ()
