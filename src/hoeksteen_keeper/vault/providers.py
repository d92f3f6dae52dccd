"""
Where the key-encryption key (KEK) lives. It never leaves its provider; all that crosses the border is a wrapped epoch key.

The interface asks for no more than an HSM (PKCS#11: AES-GCM or AES key wrap by handle) or a transit service (encrypt and
decrypt with associated data) can give. A provider is called once per 4,096 keys, so it may be slow.
"""

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hoeksteen_keeper.errors import KeeperCorrupt, KeeperInvalid


class KeyProvider(Protocol):
    """Wrap and unwrap 32-byte keys under a KEK that the provider keeps."""

    @property
    def kek(self) -> str:
        """Name the KEK that wraps now; stored beside each wrapped key, so that a rotation knows what is left to do."""
        ...

    def wrap(self, key: bytes, *, context: bytes) -> bytes: ...

    def unwrap(self, wrapped: bytes, *, context: bytes) -> bytes:
        """:raises KeeperCorrupt: when the KEK, the context or the bytes are not those of the wrapping"""
        ...


class FileProvider:
    """
    A KEK in a file that only the keeper's OS user can read; for demonstrations and small installations.

    :raises KeeperInvalid: when the file is missing, is readable by others, or is no key
    """

    def __init__(self, path: Path, *, random_bytes: Callable[[int], bytes]) -> None:
        try:
            mode, key = path.stat().st_mode & 0o777, path.read_bytes()
        except OSError as error:
            raise KeeperInvalid("kek_unreadable", f"The key file {path} cannot be read. Run `hoeksteen-keeper init`, or restore it.") from error
        if mode & 0o077:
            raise KeeperInvalid("kek_exposed", f"Others can read {path} (mode {mode:04o}). Run `chmod 600 {path}`, and rotate the KEK if they did.")
        if len(key) != 32:
            raise KeeperInvalid("kek_unreadable", f"{path} must hold exactly 32 bytes, and holds {len(key)}.")
        self._aead = AESGCM(key)
        self._random_bytes = random_bytes
        self.kek = f"file:{sha256(b'hoeksteen kek name' + key).hexdigest()[:16]}"

    def wrap(self, key: bytes, *, context: bytes) -> bytes:
        """Give nonce, ciphertext and tag: 60 bytes for a 32-byte key."""
        nonce = self._random_bytes(12)
        return nonce + self._aead.encrypt(nonce, key, context)

    def unwrap(self, wrapped: bytes, *, context: bytes) -> bytes:
        """:raises KeeperCorrupt: when the KEK, the context or the bytes are not those of the wrapping"""
        try:
            return self._aead.decrypt(wrapped[:12], wrapped[12:], context)
        except (InvalidTag, ValueError) as error:
            raise KeeperCorrupt(
                "key_unwrap_failed", f"The KEK {self.kek} does not open a wrapped key: another KEK file, or damaged bytes."
            ) from error


def write_secret(path: Path, secret: bytes) -> None:
    """
    Write a file that its owner alone can read.

    :raises KeeperInvalid: when it exists; a key is never overwritten
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise KeeperInvalid("key_exists", f"{path} exists, and a key is never overwritten. Choose another name.") from error
    except OSError as error:
        raise KeeperInvalid("not_written", f"{path} cannot be written: {error.strerror}. Make its directory first, or name another.") from error
    with os.fdopen(handle, "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
