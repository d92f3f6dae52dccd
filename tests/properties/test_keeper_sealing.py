"""What is sealed opens, byte for byte, for its own subject under its own key, and not after any change of any bit."""

import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from hoeksteen_keeper.errors import KeeperInvalid
from hoeksteen_keeper.vault.sealing import generations, seal, unseal
from hoeksteen_keeper.vault.traffic import open_column, seal_column

KEYS = st.binary(min_size=32, max_size=32)
SUBJECTS = st.binary(min_size=16, max_size=16)


@given(key=KEYS, subject=SUBJECTS, category=st.integers(1, 7), generation=st.integers(1, 2**32 - 1), payload=st.binary(max_size=300))
def test_a_payload_comes_back(key: bytes, subject: bytes, category: int, generation: int, payload: bytes) -> None:
    blob = seal(AESGCM(key), subject=subject, category=category, generation=generation, nonce=b"n" * 12, payload=payload)
    assert generations([blob], category=category) == [generation]
    assert unseal(AESGCM(key), subject=subject, blob=blob) == payload
    assert (len(blob) - 34) % 32 == 0


@given(subject=SUBJECTS, payload=st.binary(max_size=80), position=st.integers(0), bit=st.integers(0, 7), cut=st.booleans())
def test_a_blob_that_was_changed_does_not_open(subject: bytes, payload: bytes, position: int, bit: int, cut: bool) -> None:
    aead = AESGCM(bytes(32))
    blob = bytearray(seal(aead, subject=subject, category=1, generation=1, nonce=b"n" * 12, payload=payload))
    at = position % len(blob)
    changed = bytes(blob[:at]) if cut else bytes(blob[:at]) + bytes([blob[at] ^ 1 << bit]) + bytes(blob[at + 1 :])
    try:
        generations([changed], category=1)
        unseal(aead, subject=subject, blob=changed)
    except KeeperInvalid:
        return
    raise AssertionError("a changed blob opened")


@given(key=KEYS, rows=st.lists(st.tuples(SUBJECTS, st.integers(0, 2**64 - 1)), max_size=40))
def test_a_column_comes_back(key: bytes, rows: list[tuple[bytes, int]]) -> None:
    records, values = b"".join(record for record, _ in rows), b"".join(value.to_bytes(8, "little") for _, value in rows)
    subject, nonces = bytes(range(16)), os.urandom(8 * len(rows))
    blocks = seal_column(key, column="cell", records=records, subjects=subject * len(rows), values=values, nonces=nonces)
    assert open_column(key, column="cell", records=records, subject=subject, blocks=blocks) == values
