"""
Traffic data: 16-byte blocks under one key per calendar month (docs/formats.md, section 2).

    0   8  value, as it came (little-endian unsigned integer)
    8   8  the first 8 bytes of SHA-256(record id, column name)

The block is enciphered by AES-256 alone, as one ECB call over the whole column. ECB's weakness is that equal blocks give
equal ciphertext; here no two blocks are equal, because each carries 64 bits of a hash over its own record and column. Each
block is thus one call of a pseudo-random permutation on an input of its own: it hides the value, needs no room for a nonce or
tag, and runs at the speed of the machine's AES. A block that was moved to another record or column, or changed, decrypts to
a second half that does not match, and is refused.
"""

import re
from array import array
from hashlib import sha256

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from hoeksteen_keeper.errors import KeeperInvalid

RECORDS_MAX = 1 << 18
_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")
_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,39}")


def require_month(month: str) -> str:
    """:raises KeeperInvalid: when it is not written `YYYY-MM`"""
    if not _MONTH.fullmatch(month):
        raise KeeperInvalid("month_invalid", "A month is written YYYY-MM.")
    return month


def seal_column(key: bytes, *, column: str, records: bytes, values: bytes) -> bytes:
    """
    Give one block per record.

    :param records: 16 bytes per record
    :param values: 8 bytes per record
    :raises KeeperInvalid: when their lengths do not fit, or the column has no proper name
    """
    count = _count(column, records, 16)
    if len(values) != count * 8:
        raise KeeperInvalid("column_invalid", f"{count} records need {count * 8} bytes of values, not {len(values)}.")
    return _aes(key, _interleave(values, _marks(column, records)), decrypt=False)


def open_column(key: bytes, *, column: str, records: bytes, blocks: bytes) -> bytes:
    """
    Give the 8-byte values of blocks that lie where they were sealed.

    :raises KeeperInvalid: when one block does not; then none is given
    """
    count = _count(column, records, 16)
    if len(blocks) != count * 16:
        raise KeeperInvalid("column_invalid", f"{count} records need {count * 16} bytes of blocks, not {len(blocks)}.")
    plain = array("Q", _aes(key, blocks, decrypt=True))
    if plain[1::2].tobytes() != _marks(column, records):
        raise KeeperInvalid("block_invalid", "A traffic block does not belong to its record and column, or was changed.")
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


def _marks(column: str, records: bytes) -> bytes:
    name = column.encode()
    return b"".join([sha256(records[i : i + 16] + name).digest()[:8] for i in range(0, len(records), 16)])


def _interleave(first: bytes, second: bytes) -> bytes:
    both = array("Q", bytes(len(first) * 2))
    both[0::2], both[1::2] = array("Q", first), array("Q", second)
    return both.tobytes()


def _aes(key: bytes, blocks: bytes, *, decrypt: bool) -> bytes:
    cipher = Cipher(AES(key), ECB())  # see the head of this file for why
    context = cipher.decryptor() if decrypt else cipher.encryptor()
    return context.update(blocks) + context.finalize()
