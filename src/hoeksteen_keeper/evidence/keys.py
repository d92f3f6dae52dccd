"""The signing keys of a log and of a witness: Ed25519, in files that only their owner can read."""

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hoeksteen_keeper.evidence.errors import InvalidNote
from hoeksteen_keeper.evidence.notes import COSIGNATURE, LOG_SIGNATURE, VerifierKey, cosigned_message, from_base64, signature_line, to_base64

_FIELD = "PRIVATE+KEY"


@dataclass(frozen=True, slots=True, repr=False)
class NoteSigner:
    """
    A named signing key.

    :param name: the log's origin, or the witness's name; no spaces, no plus sign
    :param algorithm: `LOG_SIGNATURE` for a log, `COSIGNATURE` for a witness
    """

    name: str
    algorithm: int
    private: Ed25519PrivateKey

    @classmethod
    def generate(cls, name: str, *, algorithm: int = LOG_SIGNATURE) -> "NoteSigner":
        """
        Make a new key.

        :raises InvalidNote: when the name cannot stand in a note
        """
        if not name or "+" in name or any(char.isspace() or ord(char) < 0x20 for char in name):
            raise InvalidNote("not_a_name", "A key's name has no spaces and no plus sign.")
        return cls(name, algorithm, Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, path: Path) -> "NoteSigner":
        """
        Read a key file.

        :raises InvalidNote: when it is not one
        """
        private, key, name, identity, encoded = [*path.read_text("utf-8", "replace").strip().split("+", 4), "", "", "", ""][:5]
        try:
            raw = from_base64(encoded)
        except InvalidNote:
            raw = b""
        if f"{private}+{key}" != _FIELD or len(raw) != 33 or raw[0] not in (LOG_SIGNATURE, COSIGNATURE):
            raise InvalidNote("not_a_key", f"{path} does not hold a signing key.")
        signer = cls(name, raw[0], Ed25519PrivateKey.from_private_bytes(raw[1:]))
        if signer.verifier.id.hex() != identity:
            raise InvalidNote("not_a_key", f"The key ID in {path} does not fit its key.")
        return signer

    def save(self, path: Path) -> None:
        """Write the key in the form of Go's `note` package, for the owner alone; never over another file."""
        raw = bytes([self.algorithm]) + self.private.private_bytes_raw()
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{_FIELD}+{self.name}+{self.verifier.id.hex()}+{to_base64(raw)}\n")
            file.flush()
            os.fsync(file.fileno())

    @property
    def verifier(self) -> VerifierKey:
        """Give the public half; `str` of it is what a verifier is configured with."""
        return VerifierKey(self.name, self.algorithm, self.private.public_key().public_bytes_raw())

    def sign(self, text: bytes, *, time: int = 0) -> bytes:
        """
        Give the signature line over a note's text.

        :param time: seconds since 1970, for a cosignature
        """
        if self.algorithm == COSIGNATURE:
            signature = time.to_bytes(8, "big") + self.private.sign(cosigned_message(text, time))
        else:
            signature = self.private.sign(text)
        return signature_line(self.name, self.verifier.id, signature)
