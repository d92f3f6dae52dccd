"""
The bytes of an entry: a leaf that everybody may see, and a body that only those may see whom it concerns.

The leaf is canonical JSON (RFC 8785) of time, nonce, the subjects' tags (or the SHA-256 of a chunk of them) and the
SHA-256 of the body. The body says who did what and why; its salt makes it impossible to guess a body from its hash.
So a bundle can prove that it withholds nothing about a subject without showing what was done to anybody else.
Layout and reasons: docs/evidence.md and docs/decisions/0003.
"""

import hashlib
import hmac
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from hoeksteen_keeper.evidence.errors import EvidenceCorrupt, InvalidEvent
from hoeksteen_keeper.evidence.model import FACTS, JSON, KINDS, TAG_BYTES, Entry, Event, Tags
from hoeksteen_keeper.evidence.notes import to_base64

NONCE_BYTES = 16
TOKEN_BYTES = 16
INLINE_TAGS_MAX = 16
SUBJECTS_MAX = 100_000
BODY_BYTES_MAX = 1 << 20
FIELD_LENGTH_MAX = 500  # what the database can index: a longer one would fail together with all that share its commit
_DEPTH_MAX = 8
_INTEGER_MAX = 2**53 - 1  # RFC 8785 numbers are doubles; beyond this an integer would change
# what replay needs of a fact
_NEEDED = {
    "organisation": ("organisation",), "actor": ("actor",), "grant": ("event", "grant"), "approval": ("grant",), "change": ("event", "change"),
    "policy": ("text",), "key": ("event",), "kill": ("scope", "target"),
}  # fmt: skip
_PLAIN = frozenset((str, bool, type(None)))
_FIELDS = ("kind", "actor", "organisation", "action", "category", "purpose", "grant", "outcome")
# msgspec's sorted order and escapes are those of RFC 8785 for what _check_json lets through; a test compares them with vectors
_encode = msgspec.json.Encoder(order="sorted").encode
_sha256 = hashlib.sha256
_PADDING, _INNER, _OUTER = bytes(32), bytes(byte ^ 0x36 for byte in range(256)), bytes(byte ^ 0x5C for byte in range(256))


class Draft(NamedTuple):
    """
    An entry ready to be given its place and time.

    :param front: the leaf's bytes before the time, `back` those after it
    :param tokens: the subjects' tokens for the keeper's own index; empty for a batch
    """

    event: Event
    front: bytes
    back: bytes
    body: bytes
    chunk: bytes | None
    tokens: tuple[bytes, ...]

    def leaf(self, time: bytes, clock: bytes | None) -> bytes:
        """Give the leaf's bytes; where the clock ran behind the log's time, they say what it showed."""
        return b'%b%b%b"time":"%b","v":1}' % (self.front, b'"clock":"%b",' % clock if clock else b"", self.back, time)


class Scribe:
    """
    Turns events into drafts and leaves back into entries.

    :param log_key: 32 bytes that never leave the keeper; each subject's key is derived from it
    """

    def __init__(self, log_key: bytes, random_bytes: Callable[[int], bytes]) -> None:
        if len(log_key) != 32:
            raise InvalidEvent("log_key", "The log key has 32 bytes.")
        self._log_key, self._random_bytes = HMAC(log_key, SHA256()), random_bytes
        self._fact_key = hmac.digest(log_key, b"hoeksteen facts", "sha256")

    def subject_key(self, subject: UUID) -> bytes:
        """Give `k_subject`, by which its holder recognises the subject in every entry, and in nothing else."""
        keyed = self._log_key.copy()
        keyed.update(subject.bytes)
        return keyed.finalize()

    def seal(self, index: int, kind: str, leaf: bytes) -> bytes | None:
        """Give what marks a fact in the database as the keeper's own; None for what is no fact."""
        return hmac.digest(self._fact_key, b"%d %b " % (index, kind.encode()) + leaf, "sha256") if kind in FACTS else None

    def draft(self, event: Event) -> Draft:
        """
        Make everything of an entry that does not depend on its place.

        :raises InvalidEvent: when the event is of an unknown kind, too large, or its detail no plain JSON
        """
        subjects = set(event.subjects)
        fields: dict[str, JSON] = {name: getattr(event, name) for name in _FIELDS}
        if _unstorable(fields.values()):
            raise InvalidEvent("event", f"The fields of an event are text of at most {FIELD_LENGTH_MAX} characters.")
        if event.kind not in KINDS or event.outcome not in ("allowed", "refused") or len(subjects) > SUBJECTS_MAX:
            raise InvalidEvent("event", f"An event of that kind and outcome with {len(subjects)} subjects cannot be logged.")
        if not _PLAIN.issuperset(map(type, event.detail.values())):  # what is plain needs no second look
            check_json(dict(event.detail))
        if event.outcome == "allowed" and (missing := [name for name in _NEEDED.get(event.kind, ()) if name not in event.detail]):
            raise InvalidEvent("event", f"An event of kind {event.kind} needs `{missing[0]}` in its detail.")
        random = self._random_bytes(2 * NONCE_BYTES)
        nonce, salt = random[:NONCE_BYTES], random[NONCE_BYTES:]
        try:
            body = _encode({**fields, "detail": event.detail, "salt": to_base64(salt)})
        except (UnicodeEncodeError, TypeError, msgspec.MsgspecError):
            raise InvalidEvent("event", "A field of the event is no plain text.") from None
        if len(body) > BODY_BYTES_MAX:
            raise InvalidEvent("event", f"The event takes {len(body)} bytes, more than {BODY_BYTES_MAX}.")
        keys = [self.subject_key(subject) for subject in subjects]
        tags = sorted(tags_of(keys, nonce))
        front, chunk = b'{"body":"%s",' % _base64_sha256(body), None
        tokens: tuple[bytes, ...] = ()
        back = b'"count":%d,"nonce":"%s",' % (len(tags), to_base64(nonce).encode())
        if len(tags) > INLINE_TAGS_MAX:
            chunk = b"".join(tags)
            front += b'"chunk":"%s",' % _base64_sha256(chunk)
        else:
            back += b'"tags":["%s"],' % b'","'.join([to_base64(tag).encode() for tag in tags]) if tags else b'"tags":[],'
            tokens = tuple([token(key) for key in keys])
        return Draft(event, front, back, body, chunk, tokens)


def tags_of(keys: Iterable[bytes], nonce: bytes) -> list[bytes]:
    """
    Give HMAC-SHA-256 of a nonce under each of many 32-byte keys.

    Written out (RFC 2104), since setting up `hmac` for a key costs more than using it once.
    """
    padded = [key + _PADDING for key in keys]
    return [_sha256(key.translate(_OUTER) + _sha256(key.translate(_INNER) + nonce).digest()).digest() for key in padded]


def token(subject_key: bytes) -> bytes:
    """Give the name under which the keeper's own index finds a subject's entries; it never leaves its database."""
    return _sha256(b"index" + subject_key).digest()[:TOKEN_BYTES]


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a leaf says; `tags` are None where a chunk, of this SHA-256, holds them."""

    body: bytes
    count: int
    nonce: bytes
    time: datetime
    clock: datetime | None
    chunk: bytes | None
    tags: bytes | None

    def tags_with(self, chunk: bytes | None) -> Tags:
        """
        Give the tags, out of the leaf or its chunk.

        :raises EvidenceCorrupt: when the chunk is not the one that the leaf names
        """
        if self.tags is not None and chunk is None:
            return Tags(self.nonce, self.tags)
        if chunk is None or self.chunk != _sha256(chunk).digest() or len(chunk) != self.count * TAG_BYTES:
            raise EvidenceCorrupt("chunk_changed", "The tags of an entry are not those that its leaf names.")
        return Tags(self.nonce, chunk)


class _LeafJson(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """In the order in which they are written."""

    body: bytes
    chunk: bytes | None = None
    clock: str | None = None
    count: int
    nonce: bytes
    tags: list[bytes] | None = None
    time: str
    v: int


class _BodyJson(msgspec.Struct, forbid_unknown_fields=True):
    kind: str
    actor: str
    organisation: str
    action: str
    category: str
    purpose: str
    grant: str
    outcome: str
    detail: dict[str, JSON]
    salt: str


_decode_leaf = msgspec.json.Decoder(_LeafJson).decode
_decode_body = msgspec.json.Decoder(_BodyJson).decode


def read_leaf(raw: bytes) -> Leaf:
    """
    Read a leaf.

    :raises EvidenceCorrupt: when it is none
    """
    try:
        leaf = _decode_leaf(raw)
        tags = None if leaf.tags is None else b"".join(leaf.tags)
        times = [from_text(text) for text in (leaf.time, leaf.clock) if text is not None]
        if (
            leaf.v == 1 and (tags is None) != (leaf.chunk is None) and (tags is None or len(tags) == leaf.count * TAG_BYTES) and leaf.count >= 0
            and len(leaf.nonce) == NONCE_BYTES and [to_text(time) for time in times] == [text for text in (leaf.time, leaf.clock) if text is not None]
            and msgspec.json.encode(leaf) == raw  # one spelling only
        ):  # fmt: skip
            return Leaf(leaf.body, leaf.count, leaf.nonce, times[0], times[1] if leaf.clock else None, leaf.chunk, tags)
    except (msgspec.MsgspecError, ValueError, OverflowError):
        pass
    raise EvidenceCorrupt("leaf_broken", "A leaf is not of the log's form.")


def read_entry(index: int, raw: bytes, body: bytes, chunk: bytes | None) -> Entry:
    """
    Put an entry together from its parts, checking that they belong together.

    :raises EvidenceCorrupt: when they do not
    """
    leaf = read_leaf(raw)
    if leaf.body != _sha256(body).digest():
        raise EvidenceCorrupt("body_changed", f"The body of entry {index} is not the one that its leaf names.")
    try:
        told = _decode_body(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise EvidenceCorrupt("body_broken", f"The body of entry {index} is not of the log's form.") from None
    event = Event(**{name: getattr(told, name) for name in _FIELDS}, detail=told.detail)
    return Entry(index, leaf.time, event, leaf.tags_with(chunk), leaf.count, leaf.clock)


def check_json(value: JSON, depth: int = 0) -> None:
    """
    Refuse what has no single canonical spelling.

    :raises InvalidEvent: for a float, an integer beyond 2**53, a key outside ASCII, or deep nesting
    """
    kind = type(value)
    if kind is str or kind is bool or value is None or (kind is int and -_INTEGER_MAX <= value <= _INTEGER_MAX):
        return
    if isinstance(value, str):  # an enumeration's member
        return
    if depth >= _DEPTH_MAX or kind not in (dict, list, tuple):
        raise InvalidEvent("event", f"A detail holds a {kind.__name__} that has no canonical form here.")
    if kind is dict:
        for key in value:
            if type(key) is not str or not key.isascii():
                raise InvalidEvent("event", "The keys of a detail are ASCII text.")
        value = value.values()
    for item in value:
        check_json(item, depth + 1)


def to_text(time: datetime) -> str:
    """Write an instant as the log does: UTC, microseconds, `Z`."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_text(text: str) -> datetime:
    """Read an instant as the log writes it."""
    return datetime.fromisoformat(text)


def _unstorable(texts: Collection[str]) -> bool:
    try:
        joined = "".join(texts)
        return "\0" in joined or (len(joined) > FIELD_LENGTH_MAX and max(map(len, texts)) > FIELD_LENGTH_MAX)
    except TypeError:  # one of them is no text
        return True


def _base64_sha256(raw: bytes) -> bytes:
    return to_base64(_sha256(raw).digest()).encode()
