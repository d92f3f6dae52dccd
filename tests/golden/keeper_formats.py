"""The test vectors of docs/formats.md: computed by the product, kept as bytes. Rebuilt by `python tests/golden/keeper_formats.py`."""

import base64
import json
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hoeksteen_keeper.access.grants import canonical_grant
from hoeksteen_keeper.client import assertion
from hoeksteen_keeper.vault import blind, keys, sealing, traffic
from hoeksteen_keeper.vault.providers import FileProvider, write_secret

FILE = Path(__file__).with_name("keeper_formats.json")
KEY = bytes(range(32))
SUBJECT = bytes.fromhex("0199a0b0c0d07e0f8102030405060708")
NONCE = bytes(range(100, 112))
FIELDS = {"kind": "individual", "given_name": "Jan", "family_name": "Jansen", "birth_date": "1970-01-31", "gender": None}
INDEX_VALUES = {
    "surname_postcode": "van den Bergh-Özer|1234 ab", "surname_birth_date": "Meijer|1970-01-31", "phone": "06-12345678", "email": " Jan@Example.NL",
    "iban": "nl91 abna 0417 1643 00", "address": "1234 AB|12|a", "number": "+31 20 123 45 67", "customer_number": "K-001.23",
}  # fmt: skip
GRANT = {
    "type": "hoeksteen grant", "version": 1, "id": "6f1ed002-ab5c-4a8e-9c2b-1d0f3b1c7a55", "asker": "m.tan", "asker_name": "M. Tan",
    "organisation": "meridian",
    "organisation_name": "Meridian Systems", "country": "SG", "purpose": "support", "categories": ["contact", "identity"], "ticket": "T-1001 é",
    "minutes": 30,
    "unmasked": False, "subjects": ["0199a0b0-c0d0-7e0f-8102-030405060708"], "subjects_max": 100, "per_hour": 100, "per_day": 100,
    "requested_at": "2026-10-01T12:00:00+00:00",
}  # fmt: skip


def vectors() -> dict[str, Any]:
    """Compute every vector."""
    payload = msgspec.msgpack.encode(FIELDS)
    blob = sealing.seal(AESGCM(KEY), subject=SUBJECT, category=1, generation=3, nonce=NONCE, payload=payload)
    records, values = SUBJECT + bytes(16), (31612345678).to_bytes(8, "little") + (7).to_bytes(8, "little")
    nonces = bytes(range(40, 56))
    again = sealing.seal(AESGCM(KEY[::-1]), subject=SUBJECT, category=1, generation=4, nonce=NONCE, payload=payload)
    disputed = {"month": "2026-10", "column": "other_party", "record": records[:16], "value": 31612345678}
    layers = [KEY[::-1], bytes(reversed(NONCE)) + KEY[:20]]
    first = blind.token(KEY, index="phone", value=INDEX_VALUES["phone"])
    wrap_context = keys.subject_context(SUBJECT, 1, 3)
    canonical = canonical_grant(GRANT)
    return {
        "seal": {
            "key": KEY.hex(), "subject": SUBJECT.hex(), "category": 1, "generation": 3, "nonce": NONCE.hex(), "fields": FIELDS,
            "payload": payload.hex(),
            "associated_data": (b"hoeksteen seal" + blob[:6] + SUBJECT).hex(), "blob": blob.hex(),
        },
        "wrapped_subject_key": {
            "epoch_key": KEY.hex(), "key": KEY[::-1].hex(), "nonce": NONCE.hex(), "associated_data": wrap_context.hex(),
            "wrapped": (NONCE + AESGCM(KEY).encrypt(NONCE, KEY[::-1], wrap_context)).hex(),
        },
        "next_generation": {"key": KEY[::-1].hex(), "generation": 4, "nonce": NONCE.hex(), "blob": again.hex()},
        "wrapped_epoch_key": {
            "kek": KEY.hex(), "epoch": 7, "key": KEY[::-1].hex(), "nonce": NONCE.hex(), "associated_data": keys.epoch_context(7).hex(),
            "file_name": FileProvider(_kept(KEY), random_bytes=lambda _: NONCE).current(),
            "file": FileProvider(_kept(KEY), random_bytes=lambda _: NONCE).wrap(KEY[::-1], context=keys.epoch_context(7))[1].hex(),
            "transit_request": {
                "plaintext": base64.b64encode(KEY[::-1]).decode(), "associated_data": base64.b64encode(keys.epoch_context(7)).decode(),
            },
        },
        "disputed_record": {
            "key": KEY.hex(), "nonce": NONCE.hex(), "month": "2026-10", "column": "other_party", "record": records[:16].hex(), "value": 31612345678,
            "blob": sealing.seal(
                AESGCM(KEY), subject=SUBJECT, category=6, generation=1, nonce=NONCE, payload=msgspec.msgpack.encode(disputed)
            ).hex(),
        },
        "layered_token": {
            "index": "phone", "first": first.hex(), "keys": [key.hex() for key in layers],
            "tokens": [blind.layered(first, layers[:count]).hex() for count in (1, 2)],
        },
        "traffic": {
            "key": KEY.hex(), "column": "other_party", "records": records.hex(), "subject": SUBJECT.hex(), "values": values.hex(),
            "nonces": nonces.hex(),
            "blocks": traffic.seal_column(KEY, column="other_party", records=records, subjects=SUBJECT * 2, values=values, nonces=nonces).hex(),
            "deduplication_tokens": traffic.deduplication_tokens(KEY, values=values).hex(),
        },
        "blind_indexes": {
            "key": KEY.hex(),
            "tokens": [
                {"index": index, "value": value, "normalised": blind.INDEXES[index].normalise(value), "token": blind.token(KEY, index=index,
                value=value).hex()}
                for index, value in INDEX_VALUES.items()
            ],
        },
        "grant": {"facts": GRANT, "canonical": canonical.decode(), "sha256": sha256(canonical).hexdigest()},
        "assertion": assertion("bss", "2026-10-01T12:00:00+00:00", "00112233445566778899aabbccddeeff").decode(),
    }  # fmt: skip


def _kept(kek: bytes) -> Path:
    """Put a KEK into a file, as the provider reads it."""
    path = Path(tempfile.mkdtemp()) / "kek"
    write_secret(path, kek)
    return path


if __name__ == "__main__":
    FILE.write_text(json.dumps(vectors(), indent=2, ensure_ascii=False) + "\n", "utf-8")
