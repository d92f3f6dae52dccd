"""Signed notes, checkpoints and cosignatures: C2SP signed-note, tlog-checkpoint and tlog-cosignature, byte for byte."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hoeksteen_keeper.evidence.errors import InvalidNote

LOG_SIGNATURE = 0x01
COSIGNATURE = 0x04
_SIGNATURES_MAX = 64
_NOTE_BYTES_MAX = 1_000_000
_SIGNATURE_LINE = re.compile("— ([^\\s+]+) ([A-Za-z0-9+/]+={0,2})\n")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


def from_base64(text: str) -> bytes:
    """
    Decode standard Base64 in its one canonical spelling.

    :raises InvalidNote: for any other spelling, so that no byte of a note can change unnoticed
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidNote("not_base64", "A field is not Base64.") from None
    if base64.b64encode(raw).decode() != text:
        raise InvalidNote("not_base64", "A field is not canonical Base64.")
    return raw


def to_base64(raw: bytes) -> str:
    """Encode as standard Base64 (RFC 4648 section 4)."""
    return binascii.b2a_base64(raw, newline=False).decode()


def key_id(name: str, algorithm: int, public: bytes) -> bytes:
    """Give the four bytes that name a key: SHA-256(name, newline, algorithm, public key)[:4]."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([algorithm]) + public).digest()[:4]


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name, as a C2SP vkey writes it."""

    name: str
    algorithm: int
    public: bytes

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """
        Read `<name>+<key id in hex>+<base64 of algorithm and key>`.

        :raises InvalidNote: when it is not a key of an Ed25519 log or cosigner
        """
        name, _, rest = text.strip().partition("+")
        identity, _, encoded = rest.partition("+")
        raw = from_base64(encoded)
        if not name or not name.isprintable() or len(raw) != 33 or raw[0] not in (LOG_SIGNATURE, COSIGNATURE):
            raise InvalidNote("not_a_key", "This is not an Ed25519 verifier key.")
        key = cls(name, raw[0], raw[1:])
        if identity != key.id.hex():
            raise InvalidNote("not_a_key", f"The key ID of {name} does not fit its key.")
        return key

    @property
    def id(self) -> bytes:
        return key_id(self.name, self.algorithm, self.public)

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{to_base64(bytes([self.algorithm]) + self.public)}"

    def check(self, signature: bytes, text: bytes) -> int | None:
        """
        Verify a signature over a note's text and give a cosignature's time in seconds since 1970, or None.

        :raises InvalidNote: when it does not verify
        """
        time, message = None, text
        if self.algorithm == COSIGNATURE:
            time, signature = int.from_bytes(signature[:8], "big"), signature[8:]
            message = cosigned_message(text, time)
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            raise InvalidNote("bad_signature", f"A signature of {self.name} does not verify.") from None
        return time


def cosigned_message(text: bytes, time: int) -> bytes:
    """Give what an Ed25519 cosigner signs (tlog-cosignature, version 1)."""
    return b"cosignature/v1\ntime %d\n" % time + text


def signature_line(name: str, identity: bytes, signature: bytes) -> bytes:
    """Write one signature line of a note."""
    return f"— {name} {to_base64(identity + signature)}\n".encode()


@dataclass(frozen=True, slots=True)
class Signature:
    name: str
    id: bytes
    signature: bytes

    @property
    def line(self) -> bytes:
        return signature_line(self.name, self.id, self.signature)

    def is_of(self, key: VerifierKey) -> bool:
        return (self.name, self.id) == (key.name, key.id)


def parse_signatures(raw: bytes) -> tuple[Signature, ...]:
    """
    Read signature lines and nothing else.

    :raises InvalidNote: when a line is something else
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise InvalidNote("not_a_note", "A note is UTF-8.") from None
    found = [_SIGNATURE_LINE.fullmatch(line) for line in text.splitlines(keepends=True)]
    if not 1 <= len(found) <= _SIGNATURES_MAX or None in found:
        raise InvalidNote("not_a_note", "A note ends in signature lines.")
    parsed = [(match[1], from_base64(match[2])) for match in found if match]
    if any(len(body) <= 4 for _, body in parsed):
        raise InvalidNote("not_a_note", "A signature is too short.")
    return tuple(Signature(name, body[:4], body[4:]) for name, body in parsed)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """
    A tree head and its signatures.

    :param text: the note's text, which the signatures cover
    """

    origin: str
    size: int
    root: bytes
    text: bytes
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, note: bytes) -> "Checkpoint":
        """
        Read a checkpoint; it proves nothing until `check` was asked.

        :raises InvalidNote: when it is not one
        """
        text, gap, tail = note.rpartition(b"\n\n")
        if not gap or len(note) > _NOTE_BYTES_MAX or any(byte < 0x20 and byte != 0x0A for byte in note):
            raise InvalidNote("not_a_note", "A note has a text, an empty line and signatures.")
        signatures = parse_signatures(tail)
        try:
            lines = text.decode().split("\n")
        except UnicodeDecodeError:
            raise InvalidNote("not_a_note", "A note is UTF-8.") from None
        if len(lines) < 3 or not all(lines) or not _SIZE.fullmatch(lines[1]) or len(root := from_base64(lines[2])) != 32:
            raise InvalidNote("not_a_checkpoint", "A checkpoint has an origin, a size and a root hash of 32 bytes.")
        return cls(lines[0], int(lines[1]), root, text + b"\n", signatures)

    def check(self, key: VerifierKey) -> int | None:
        """
        Verify the signature of one key and give a cosignature's time.

        :raises InvalidNote: when it is absent, or any signature of that key does not verify
        """
        times = [key.check(signature.signature, self.text) for signature in self.signatures if signature.is_of(key)]
        if not times:
            raise InvalidNote("unsigned", f"The note is not signed by {key.name}.")
        return times[0]

    def with_signatures(self, more: Iterable[Signature]) -> bytes:
        """Give the note with further signature lines, each once."""
        lines = dict.fromkeys(signature.line for signature in (*self.signatures, *more))
        return self.text + b"\n" + b"".join(lines)


def checkpoint_text(origin: str, size: int, root: bytes) -> bytes:
    """Write the text that a log signs (tlog-checkpoint)."""
    return f"{origin}\n{size}\n{to_base64(root)}\n".encode()
