"""What the log is told (`Event`), what it holds (`Entry`) and what follows from it (`StateAt`)."""

import hashlib
import hmac
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

JSON = Any  # None, bool, int below 2**53, str, and lists and mappings of them; never a float

KINDS = frozenset((
    "disclosure", "search", "seal", "organisation", "actor", "grant", "approval", "policy", "key", "session", "kill", "shred", "export", "exposure",
    "review", "break",
))  # fmt: skip
FACTS = ("organisation", "actor", "grant", "approval", "policy", "key", "kill", "shred", "exposure")
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


@dataclass(frozen=True, slots=True)
class StateAt:
    """
    What held at one moment, folded from the entries up to and including it.

    :param at: the moment
    :param size: how many entries the log had then
    :param organisations: by name; the detail of the latest entry about each
    :param actors: by name; the detail of the latest entry about each
    :param policy: version, digest and text in force, or None
    :param kills: the details of all kills, oldest first, each with its `time`
    :param exposure: the detail of the latest exposure scan with its `time`, or None
    :param destroyed: the names of keys that were destroyed on schedule
    :param policies: the digests of all policies that were ever in force
    :param witnesses: the verifier keys of those who are asked to cosign
    :param traffic_months: how long a month's traffic keys are kept; None where nobody said
    :param links: by issuer and subject, the actor to whom two officers linked whom an identity provider names so
    :param generations_ended: whether old generations of subjects' keys were ever destroyed
    """

    at: datetime
    size: int
    subject_key: Callable[[UUID], bytes]
    organisations: Mapping[str, Mapping[str, JSON]]
    actors: Mapping[str, Mapping[str, JSON]]
    policy: Mapping[str, JSON] | None
    grants: Mapping[str, GrantAt]
    kills: Sequence[Mapping[str, JSON]]
    exposure: Mapping[str, JSON] | None
    actor_tags: Mapping[str, Tags]
    shred_tags: Sequence[tuple[str | None, Tags]]
    destroyed: Sequence[str]
    traffic_months: int | None = None
    generations_ended: bool = False
    witnesses: Sequence[str] = ()
    policies: Sequence[str] = ()
    links: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def grant_lists(self, grant: str, subject: UUID) -> bool:
        """Say whether the grant's own list of subjects names this one; a grant for `any` subject has no list."""
        return self.grants[grant].tags.hold(self.subject_key(subject))

    def actor_is(self, actor: str, subject: UUID) -> bool:
        """Say whether the actor is the data subject."""
        return actor in self.actor_tags and self.actor_tags[actor].hold(self.subject_key(subject))

    def shredded(self, subject: UUID) -> set[str | None]:
        """Give the categories of a subject that were shredded; None stands for all of them."""
        key = self.subject_key(subject)
        return {category for category, tags in self.shred_tags if tags.hold(key)}
