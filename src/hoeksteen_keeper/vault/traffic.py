"""
Traffic data: 24-byte blocks under one key per calendar month (docs/formats.md, section 2).

    0   8  nonce, random
    8  16  AES-256 of: value, as it came (little-endian unsigned integer, 8 bytes) and the block's mark (8 bytes)

The mark is the first 8 bytes of a CBC-MAC (AES-256 under a key of its own, derived from the month's) over three blocks: nonce and column name's hash,
record id, subject. Its input has one length only, for which CBC-MAC is a pseudo-random function. The 16 bytes are enciphered by AES-256 alone,
as one ECB call over the whole column. ECB's weakness is that equal blocks give equal ciphertext; here no two blocks are equal,
because each carries 64 bits of a function of a nonce, record, subject and column of its own. Each is thus one call of a pseudo-random
permutation on an input of its own, at the speed of the machine's AES. Who may seal learns nothing by sealing guesses and comparing: the
nonce is the keeper's choice. A block that was moved to another record, subject or column, or changed, decrypts to a mark that does
not match, and is refused.
"""

import hmac
import re
from array import array
from hashlib import sha256

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from hoeksteen_keeper.errors import KeeperInvalid

RECORDS_MAX = 1 << 18
BLOCK_BYTES = 24
_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")
_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,39}")


def require_month(month: str) -> str:
    """:raises KeeperInvalid: when it is not written `YYYY-MM`"""
    if not _MONTH.fullmatch(month):
        raise KeeperInvalid("month_invalid", "A month is written YYYY-MM.")
    return month


def seal_column(key: bytes, *, column: str, records: bytes, subjects: bytes, values: bytes, nonces: bytes) -> bytes:
    """
    Give one block per record.

    :param records: 16 bytes per record
    :param subjects: 16 bytes per record: who alone it is opened for
    :param values: 8 bytes per record
    :param nonces: 8 random bytes per record
    :raises KeeperInvalid: when their lengths do not fit, or the column has no proper name
    """
    count = _count(column, records, 16)
    for name, given, size in (("subjects", subjects, 16), ("values", values, 8), ("nonces", nonces, 8)):
        if len(given) != count * size:
            raise KeeperInvalid("column_invalid", f"{count} records need {count * size} bytes of {name}, not {len(given)}.")
    enciphered = array("Q", _aes(key, _interleave(values, _marks(key, column, nonces, records, subjects)), decrypt=False))
    blocks = array("Q", bytes(count * BLOCK_BYTES))
    blocks[0::3], blocks[1::3], blocks[2::3] = array("Q", nonces), enciphered[0::2], enciphered[1::2]
    return blocks.tobytes()


def open_column(key: bytes, *, column: str, records: bytes, subject: bytes, blocks: bytes) -> bytes:
    """
    Give the 8-byte values of one subject's blocks that lie where they were sealed.

    :raises KeeperInvalid: when one block does not; then none is given
    """
    count = _count(column, records, 16)
    if len(blocks) != count * BLOCK_BYTES:
        raise KeeperInvalid("column_invalid", f"{count} records need {count * BLOCK_BYTES} bytes of blocks, not {len(blocks)}.")
    parts = array("Q", blocks)
    plain = array("Q", _aes(key, _interleave(parts[1::3].tobytes(), parts[2::3].tobytes()), decrypt=True))
    if not hmac.compare_digest(plain[1::2].tobytes(), _marks(key, column, parts[0::3].tobytes(), records, subject * count)):
        raise KeeperInvalid("block_invalid", "A traffic block does not belong to its record, subject and column, or was changed.")
    return plain[0::2].tobytes()


def deduplication_tokens(key: bytes, *, values: bytes) -> bytes:
    """Give AES of each 8-byte value, padded with zeros: here equal values must give equal tokens, within the month of the key."""
    count = _count("value", values, 8)
    return _aes(key, _interleave(values, bytes(count * 8)), decrypt=False)


def _count(column: str, records: bytes, size: int) -> int:
    if not _COLUMN.fullmatch(column):
        raise KeeperInvalid("column_invalid", "A column's name is a lower-case word.")
    if len(records) % size or len(records) // size > RECORDS_MAX:
        raise KeeperInvalid("column_invalid", f"A batch holds whole records of {size} bytes, at most {RECORDS_MAX} of them.")
    return len(records) // size


def _marks(key: bytes, column: str, nonces: bytes, records: bytes, subjects: bytes) -> bytes:
    """Whole columns at a time: as integers of as many bytes they are combined in one operation each."""
    cipher = hmac.digest(key, b"hoeksteen traffic mark", "sha256")
    blocks = _interleave(nonces, sha256(column.encode()).digest()[:8] * (len(nonces) // 8))
    for more in (records, subjects):
        blocks = _xor(_aes(cipher, blocks, decrypt=False), more)
    return array("Q", _aes(cipher, blocks, decrypt=False))[0::2].tobytes()


def _xor(first: bytes, second: bytes) -> bytes:
    return (int.from_bytes(first, "little") ^ int.from_bytes(second, "little")).to_bytes(len(first), "little")


def _interleave(first: bytes, second: bytes) -> bytes:
    both = array("Q", bytes(len(first) * 2))
    both[0::2], both[1::2] = array("Q", first), array("Q", second)
    return both.tobytes()


def _aes(key: bytes, blocks: bytes, *, decrypt: bool) -> bytes:
    cipher = Cipher(AES(key), ECB())  # see the head of this file for why
    context = cipher.decryptor() if decrypt else cipher.encryptor()
    return context.update(blocks) + context.finalize()
