"""The KEK in a file: `kek` in the keeper's key folder, and beside it those that were rotated away and still unwrap."""

import os
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hoeksteen_keeper.errors import KeeperInvalid
from hoeksteen_keeper.vault.providers.shared import read_secret, replace_secret, require_old, sync_folder, unwrap_failed


class FileProvider:
    """
    A KEK in a file that only the keeper's OS user can read; for demonstrations and small installations.

    :param path: of the KEK that wraps now; `<path>-<name>` are those before it
    :raises KeeperInvalid: when the file is missing, is readable by others, or is no key
    """

    def __init__(self, path: Path, *, random_bytes: Callable[[int], bytes]) -> None:
        self._path, self._random_bytes = path, random_bytes
        self.current()

    @property
    def finding(self) -> str:
        return f"kek-file: the KEK is the file {self._path.name} among the key files; with a copy of it, a copy of the database opens"

    def current(self) -> str:
        return _name(self._read(self._path))

    def keks(self) -> list[str]:
        return [self.current(), *(f"file:{path.name.removeprefix(f'{self._path.name}-')}" for path in sorted(self._old()))]

    def wrap(self, key: bytes, *, context: bytes) -> tuple[str, bytes]:
        """Give nonce, ciphertext and tag: 60 bytes for a 32-byte key."""
        kek, nonce = self._read(self._path), self._random_bytes(12)
        return _name(kek), nonce + AESGCM(kek).encrypt(nonce, key, context)

    def unwrap(self, wrapped: bytes, *, kek: str, context: bytes) -> bytes:
        """:param kek: empty for what was wrapped before KEKs had names: every one is tried"""
        for path in (self._path, *self._old()):
            with suppress(InvalidTag, ValueError):
                found = self._read(path)
                if not kek or _name(found) == kek:
                    return AESGCM(found).decrypt(wrapped[:12], wrapped[12:], context)
        raise unwrap_failed(kek or self.current())

    def rotate(self) -> str:
        with suppress(FileExistsError):  # linked by a rotation that was cut off here
            os.link(self._path, self._kept(self.current()))
        replace_secret(self._path, self._random_bytes(32))
        return self.current()

    def destroy(self, kek: str) -> None:
        """Overwrite the file, then remove it; a disk or a backup may have kept a copy all the same."""
        require_old(self, kek)
        path = self._kept(kek)
        with path.open("r+b") as file:
            file.write(bytes(32))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        sync_folder(path.parent)

    def _kept(self, kek: str) -> Path:
        return self._path.with_name(f"{self._path.name}-{kek.removeprefix('file:')}")

    def _old(self) -> list[Path]:
        """Give them all: the name that a row of the database asks for never becomes a pattern or a path."""
        return list(self._path.parent.glob(f"{self._path.name}-*"))

    def _read(self, path: Path) -> bytes:
        key = read_secret(path)
        if len(key) != 32:
            raise KeeperInvalid("kek_unreadable", f"{path} must hold exactly 32 bytes, and holds {len(key)}.")
        return key


def _name(kek: bytes) -> str:
    return f"file:{sha256(b'hoeksteen kek name' + kek).hexdigest()[:16]}"
