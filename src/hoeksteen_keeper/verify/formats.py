"""What the verifier must read: signed notes, leaves, Merkle hashes. Written from the public documents, not from the keeper's code."""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_sha256 = hashlib.sha256
_B64 = rb"[A-Za-z0-9+/]"
_TIME = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
_LEAF = (
    rb'\{"body":"(?P<body>%b{43}=)",(?:"chunk":"(?P<chunk>%b{43}=)",)?(?:"clock":"%b",)?"count":(?P<count>0|[1-9]\d{0,8}),'
    rb'"nonce":"(?P<nonce>%b{22}==)",(?:"tags":(?P<tags>\[(?:"%b{43}="(?:,"%b{43}=")*)?\]),)?"time":"(?P<time>%b)","v":1\}'
    % (_B64, _B64, _TIME, _B64, _B64, _B64, _TIME)
)
LEAF = re.compile(_LEAF)
BUNDLE = re.compile(rb"(?s:(..))(%b)" % _LEAF)
"""Leaves in an entry bundle, each after its length."""


class Invalid(Exception):
    """Something does not verify; the message says what, in one sentence."""


class Key(NamedTuple):
    """A verifier key (C2SP signed-note): algorithm 1 signs checkpoints, 4 cosigns them."""

    name: str
    id: bytes
    algorithm: int
    public: Ed25519PublicKey


class Head(NamedTuple):
    """A verified checkpoint; `cosigned` names the witnesses that cosigned it, with the time in seconds since 1970."""

    origin: str
    size: int
    root: bytes
    cosigned: dict[str, int]


def base64_bytes(text: str) -> bytes:
    """
    Decode Base64 in its only canonical spelling.

    :raises Invalid: for any other
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise Invalid("A field is not Base64.") from None
    if base64.b64encode(raw).decode() != text:
        raise Invalid("A field is not canonical Base64.")
    return raw


def read_key(text: str) -> Key:
    """
    Read `<name>+<key id>+<base64>`.

    :raises Invalid: when it is no Ed25519 key, or the key ID is another key's
    """
    if "PRIVATE" in text[:30]:
        raise Invalid("What was given as a key is private: give the log's public key, and this one to nobody.")
    name, _, rest = text.strip().partition("+")
    identity, _, encoded = rest.partition("+")
    raw = base64_bytes(encoded)
    # never repeated: whoever mistakes a private key for a public one would read it in a message
    if not name.isprintable() or len(raw) != 33 or raw[0] not in (1, 4) or _sha256(name.encode() + b"\n" + raw).digest()[:4].hex() != identity:
        raise Invalid("What was given as a key is no Ed25519 verifier key.")
    return Key(name, bytes.fromhex(identity), raw[0], Ed25519PublicKey.from_public_bytes(raw[1:]))


def read_checkpoint(note: bytes, keys: Sequence[Key], witnesses: Sequence[Key], listed: Sequence[Key] | None = None) -> Head:
    """
    Verify a checkpoint: signed by one of the keys, and every signature of a known key good.

    :param listed: the only other keys that may have signed, whose signatures must be good and by themselves count for nothing; with None,
        unknown signatures are passed over
    :raises Invalid: when it does not verify
    """
    text, _, tail = note.rpartition(b"\n\n")
    text += b"\n"
    try:
        lines, signatures = text.decode().split("\n"), tail.decode().split("\n")
    except UnicodeDecodeError:
        raise Invalid("The checkpoint is not UTF-8.") from None
    if (
        len(lines) < 4
        or not all(lines[:-1])
        or signatures.pop()
        or re.search(rb"[\x00-\x09\x0b-\x1f]", note)
        or not re.fullmatch(r"0|[1-9]\d{0,18}", lines[1])
    ):
        raise Invalid("The checkpoint is not of the form of c2sp.org/tlog-checkpoint.")
    signed, cosigned, known = False, {}, (*keys, *(witnesses if listed is None else listed))
    for line in signatures:
        mark, name, encoded = [*line.split(" "), "", ""][:3]
        raw = base64_bytes(encoded)
        key = next((key for key in known if (key.name, key.id) == (name, raw[:4])), None)
        if mark != "—" or line.count(" ") != 2 or len(raw) < 5 or (key is None and listed is not None):
            raise Invalid("The checkpoint has a signature line that cannot be checked.")
        if key is None:
            continue
        seconds = int.from_bytes(raw[4:12], "big")
        message = text if key.algorithm == 1 else b"cosignature/v1\ntime %d\n%b" % (seconds, text)
        try:
            key.public.verify(raw[4 if key.algorithm == 1 else 12 :], message)
        except InvalidSignature:
            raise Invalid(f"The signature of {name} is not good.") from None
        if key.algorithm == 1 and key in keys:
            signed = True
        elif key in witnesses:
            cosigned[name] = seconds
    root = base64_bytes(lines[2])
    if not signed or len(root) != 32:
        raise Invalid("The checkpoint is not signed by the key that you gave.")
    return Head(lines[0], int(lines[1]), root, cosigned)


def well_counted(chunked: bool, count: bytes, tags_bytes: int) -> bool:
    """Say whether a leaf has either tags, as many as it counts, or a chunk of them."""
    return not tags_bytes if chunked else tags_bytes == (47 * int(count) + 1 if count != b"0" else 2)


def leaf_hash(leaf: bytes) -> bytes:
    """Hash a leaf (RFC 6962 section 2.1)."""
    return _sha256(b"\x00" + leaf).digest()


def parent(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into one."""
    return _sha256(b"\x01" + left + right).digest()


def fold(hashes: bytes) -> bytes:
    """Fold 2**n concatenated hashes into one."""
    while len(hashes) > 32:
        hashes = b"".join([_sha256(b"\x01" + hashes[i : i + 64]).digest() for i in range(0, len(hashes), 64)])
    return hashes


@dataclass(slots=True)
class Peaks:
    """The root of a tree that is fed with complete subtrees from left to right."""

    stack: list[tuple[int, bytes]]

    def add(self, width: int, subtree: bytes) -> None:
        """Add a complete subtree of `width` leaves, a power of two."""
        while self.stack and self.stack[-1][0] == width:
            subtree, width = parent(self.stack.pop()[1], subtree), width * 2
        self.stack.append((width, subtree))

    def root(self) -> bytes:
        """Give the root over everything added."""
        if not self.stack:
            return _sha256(b"").digest()
        *rest, (_, root) = self.stack
        for _, left in reversed(rest):
            root = parent(left, root)
        return root


def range_root(hashes: Sequence[bytes], first: int, size: int, proof: Sequence[bytes]) -> bytes:
    """
    Give the root that follows from the leaves from `first` on and the hashes of everything beside them, left to right.

    With one leaf this is an inclusion proof whose hashes are in the order of the leaves.

    :raises Invalid: when the proof has too few or too many hashes
    """
    rest, last = list(reversed(proof)), first + len(hashes)

    def walk(low: int, high: int) -> bytes:
        if high <= first or low >= last:
            if not rest:
                raise Invalid("The proof lacks a hash.")
            return rest.pop()
        if first <= low and high <= last and (high - low) & (high - low - 1) == 0:
            return fold(b"".join(hashes[low - first : high - first]))
        middle = low + (1 << ((high - low - 1).bit_length() - 1))
        return parent(walk(low, middle), walk(middle, high))

    if not 0 <= first < last <= size:
        raise Invalid("The range is not inside the tree.")
    root = walk(0, size)
    if rest:
        raise Invalid("The proof has a hash too many.")
    return root
