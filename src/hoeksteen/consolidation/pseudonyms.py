"""
Pseudonyms of legacy records: the same for the same (source, key) in every run, and computable by nobody without this installation's key.

A plain hash would give legacy customer numbers away: they have eight digits, and so can all be tried in seconds.
"""

import hashlib
import secrets
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from hoeksteen.consolidation.model import LegacyProduct, LegacyRecord
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.kernel.identifiers import derived

KEY_BYTES = 32


class Pseudonyms:
    """
    Make keyed pseudonyms and digests.

    :param key: 32 secret bytes; whoever holds them and the legacy export can tell which customer a record became
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise InvalidInput(f"The pseudonym key must have {KEY_BYTES} bytes.", remedy="Restore consolidation.key from its backup.")
        self._key = key

    @property
    def fingerprint(self) -> bytes:
        """Sixteen bytes that tell one key from another, and nothing else about it."""
        return self._hash(b"fingerprint", [])

    def record_id(self, source: str, source_key: str) -> UUID:
        """Give the pseudonym of a record."""
        return derived("record", self._hash(b"record", [source, source_key]).hex())

    def digest(self, values: Iterable[str]) -> bytes:
        """Give sixteen bytes that change when a value changes."""
        return self._hash(b"digest", values)

    def _hash(self, use: bytes, values: Iterable[str]) -> bytes:
        return hashlib.blake2b("\x1f".join(values).encode("utf-8", "surrogatepass"), key=self._key, digest_size=16, person=use).digest()


def customer_id_of(founder: LegacyRecord) -> UUID:
    """Give the identifier of the customer that a record founds."""
    return derived("customer", str(founder.record_id))


def product_id_of(record: LegacyRecord, product: LegacyProduct) -> UUID:
    """Give the identifier that a legacy product has here."""
    return derived("product", str(record.record_id), product.item_key)


def resource_id_of(record: LegacyRecord, product: LegacyProduct, kind: str) -> UUID:
    """Give the identifier of a product's number, line or SIM."""
    return derived("resource", str(record.record_id), product.item_key, kind)


def read_or_make_key(file: Path) -> bytes:
    """
    Give the installation's pseudonym key, made at the first consolidation and readable by the application's OS user alone.

    :raises InvalidInput: when the file is no such key
    """
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_bytes(secrets.token_bytes(KEY_BYTES))
    key = file.read_bytes()
    Pseudonyms(key)
    return key
