"""
One sealed blob: its bytes, how it is made and how it is opened (docs/formats.md, section 1).

    0      1  version, 1
    1      1  category number
    2      4  key generation, big-endian
    6     12  nonce, random
    18     n  AES-256-GCM ciphertext of the padded payload
    18+n  16  tag

The associated data is `hoeksteen seal` and the first 6 bytes, then the subject's 16 bytes: a blob that was moved to
another subject, category, generation or version does not open. The payload is MessagePack, then 0x80, then zero bytes up to a
multiple of 32, so that the length of a blob says little of the length of a name.
"""

import struct
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hoeksteen_keeper.errors import KeeperInvalid

VERSION = 1
PAYLOAD_BYTES_MAX = 1 << 16
_HEADER = struct.Struct(">BBI")
_DOMAIN = b"hoeksteen seal"
_BLOCK = 32
_BLOB_BYTES_MIN = _HEADER.size + 12 + _BLOCK + 16


def seal(aead: AESGCM, *, subject: bytes, category: int, generation: int, nonce: bytes, payload: bytes) -> bytes:
    """
    Give the blob of one payload.

    :param subject: 16 bytes
    :param nonce: 12 bytes, never used before under this key
    """
    header = _HEADER.pack(VERSION, category, generation)
    padded = payload + b"\x80" + bytes(-(len(payload) + 1) % _BLOCK)
    return header + nonce + aead.encrypt(nonce, padded, _DOMAIN + header + subject)


def generations(blobs: Sequence[bytes], *, category: int) -> list[int]:
    """
    Give the key generation of each blob, before any is opened.

    :raises KeeperInvalid: when a blob is cut off, of an unknown version, or of another category
    """
    found: list[int] = []
    for position, blob in enumerate(blobs):
        if len(blob) < _BLOB_BYTES_MIN:
            raise KeeperInvalid("blob_invalid", f"Blob {position} is cut off.")
        version, of, generation = _HEADER.unpack_from(blob)
        if version != VERSION or of != category:
            raise KeeperInvalid("blob_invalid", f"Blob {position} is of version {version} and category number {of}, not {VERSION} and {category}.")
        found.append(generation)
    return found


def unseal(aead: AESGCM, *, subject: bytes, blob: bytes) -> bytes:
    """
    Give the payload of a blob that belongs to this subject.

    :raises KeeperInvalid: when it does not, or when a bit of it changed
    """
    try:
        padded = aead.decrypt(blob[6:18], blob[18:], _DOMAIN + blob[:6] + subject)
    except InvalidTag as error:
        raise KeeperInvalid("blob_invalid", "A blob does not belong to the subject it was found with, or was changed.") from error
    return padded.rstrip(b"\x00")[:-1]
