"""The keeper's formats are what docs/formats.md says: to the byte, and openable by an implementation that shares no code."""

import base64
import hashlib
import hmac
import json
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from golden.keeper_formats import FILE, vectors

KEPT: dict[str, Any] = json.loads(FILE.read_text("utf-8"))


@pytest.mark.parametrize("name", sorted(KEPT))
def test_the_bytes_have_not_changed(name: str) -> None:
    assert vectors()[name] == KEPT[name]
    assert set(vectors()) == set(KEPT)


def test_a_blob_by_the_document_alone() -> None:
    v = KEPT["seal"]
    blob, subject = bytes.fromhex(v["blob"]), bytes.fromhex(v["subject"])
    assert (blob[0], blob[1], int.from_bytes(blob[2:6], "big"), blob[6:18].hex()) == (1, v["category"], v["generation"], v["nonce"])
    padded = AESGCM(bytes.fromhex(v["key"])).decrypt(blob[6:18], blob[18:], b"hoeksteen seal" + blob[:6] + subject)
    assert len(padded) % 32 == 0
    payload, _, zeros = padded.rpartition(b"\x80")
    assert not zeros.strip(b"\x00") and msgspec.msgpack.decode(payload) == v["fields"]


def test_a_wrapped_key_by_the_document_alone() -> None:
    v = KEPT["wrapped_subject_key"]
    wrapped, subject = bytes.fromhex(v["wrapped"]), bytes.fromhex(KEPT["seal"]["subject"])
    context = b"hoeksteen key" + b"\x01" + (3).to_bytes(4, "big") + subject
    assert AESGCM(bytes.fromhex(v["epoch_key"])).decrypt(wrapped[:12], wrapped[12:], context).hex() == v["key"]


def test_the_next_generation_and_a_disputed_record_by_the_document_alone() -> None:
    subject = bytes.fromhex(KEPT["seal"]["subject"])
    for name, category, generation in (("next_generation", 1, 4), ("disputed_record", 6, 1)):
        v, blob = KEPT[name], bytes.fromhex(KEPT[name]["blob"])
        assert blob[:6] == bytes([1, category]) + generation.to_bytes(4, "big") and blob[6:18].hex() == v["nonce"]
        padded = AESGCM(bytes.fromhex(v["key"])).decrypt(blob[6:18], blob[18:], b"hoeksteen seal" + blob[:6] + subject)
        payload = padded.rpartition(b"\x80")[0]
        if name == "next_generation":
            assert payload.hex() == KEPT["seal"]["payload"]
        else:
            record = {"month": v["month"], "column": v["column"], "record": bytes.fromhex(v["record"]), "value": v["value"]}
            assert msgspec.msgpack.decode(payload) == record and payload == msgspec.msgpack.encode(record)


def test_a_wrapped_epoch_key_by_the_document_alone() -> None:
    v = KEPT["wrapped_epoch_key"]
    context, wrapped = b"hoeksteen epoch" + (7).to_bytes(8, "big"), bytes.fromhex(v["file"])
    assert AESGCM(bytes.fromhex(v["kek"])).decrypt(wrapped[:12], wrapped[12:], context).hex() == v["key"]
    assert v["file_name"] == "file:" + hashlib.sha256(b"hoeksteen kek name" + bytes.fromhex(v["kek"])).hexdigest()[:16]
    assert base64.b64decode(v["transit_request"]["associated_data"]) == context
    assert base64.b64decode(v["transit_request"]["plaintext"]).hex() == v["key"]


def test_layers_of_a_token_by_the_document_alone() -> None:
    v = KEPT["layered_token"]
    assert v["first"] == next(t["token"] for t in KEPT["blind_indexes"]["tokens"] if t["index"] == "phone")
    token = bytes.fromhex(v["first"])
    for key, expected in zip(v["keys"], v["tokens"], strict=True):
        token = hmac.new(bytes.fromhex(key), token, "sha256").digest()[:16]
        assert token.hex() == expected


def test_traffic_by_the_document_alone() -> None:
    v = KEPT["traffic"]
    key, records, blocks = bytes.fromhex(v["key"]), bytes.fromhex(v["records"]), bytes.fromhex(v["blocks"])
    for row in range(2):
        record, block = records[row * 16 : row * 16 + 16], blocks[row * 24 : row * 24 + 24]
        plain = Cipher(AES(key), ECB()).decryptor().update(block[8:])
        assert block[:8].hex() == v["nonces"][row * 16 : row * 16 + 16]
        assert plain[:8].hex() == v["values"][row * 16 : row * 16 + 16]
        marks = Cipher(AES(hmac.digest(key, b"hoeksteen traffic mark", "sha256")), ECB()).encryptor()
        mark = block[:8] + hashlib.sha256(b"other_party").digest()[:8]
        for more in (record, bytes.fromhex(v["subject"]), bytes(16)):
            mark = bytes(a ^ b for a, b in zip(marks.update(mark), more, strict=True))
        assert plain[8:] == mark[:8]
    encrypt = Cipher(AES(key), ECB()).encryptor()
    assert encrypt.update(bytes.fromhex(v["values"][:16]) + bytes(8)).hex() == v["deduplication_tokens"][:32]


def test_blind_tokens_by_the_document_alone() -> None:
    for v in KEPT["blind_indexes"]["tokens"]:
        message = v["index"].encode() + b"\x00" + v["normalised"].encode()
        assert hmac.new(bytes.fromhex(KEPT["blind_indexes"]["key"]), message, "sha256").digest()[:16].hex() == v["token"]
    normalised = {v["index"]: v["normalised"] for v in KEPT["blind_indexes"]["tokens"]}
    assert (
        normalised["surname_postcode"] == "berghozer|1234ab"
        and normalised["phone"] == "31612345678"
        and normalised["surname_birth_date"] == "myer|1970-01-31"
    )


def test_a_grants_digest_by_the_document_alone() -> None:
    v = KEPT["grant"]
    canonical = json.dumps(v["facts"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert canonical == v["canonical"] and hashlib.sha256(canonical.encode()).hexdigest() == v["sha256"]
