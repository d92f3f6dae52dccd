"""What the providers of a KEK have in common: what is asked of them, and the small files that hold secrets."""

import os
from pathlib import Path
from typing import Protocol

from hoeksteen_keeper.errors import KeeperCorrupt, KeeperInvalid


class KeyProvider(Protocol):
    """
    Wrap and unwrap 32-byte keys under a key-encryption key (KEK) that never leaves it.

    It asks for no more than an HSM or a transit service can give: one KEK that wraps now, earlier ones that still unwrap, a next one, and
    destruction. It is called once per 4,096 keys, so it may be slow. Nothing is remembered between calls: another process may rotate meanwhile.
    """

    @property
    def finding(self) -> str:
        """Say in one sentence who reaches the KEK past the keeper."""
        ...

    def current(self) -> str:
        """Name the KEK that wraps now."""
        ...

    def keks(self) -> list[str]:
        """Name every KEK that can still unwrap."""
        ...

    def wrap(self, key: bytes, *, context: bytes) -> tuple[str, bytes]:
        """Give the name of the KEK and the wrapped key; the context must be said again to unwrap."""
        ...

    def unwrap(self, wrapped: bytes, *, kek: str, context: bytes) -> bytes:
        """:raises KeeperCorrupt: when the KEK, the context or the bytes are not those of the wrapping"""
        ...

    def rotate(self) -> str:
        """Make the next KEK, which wraps from now on, and name it; what it replaces still unwraps."""
        ...

    def destroy(self, kek: str) -> None:
        """Destroy a KEK that wraps no more, for ever."""
        ...


def unwrap_failed(kek: str) -> KeeperCorrupt:
    """Give the error of a wrapped key that does not unwrap."""
    return KeeperCorrupt("key_unwrap_failed", f"The KEK {kek} does not open a wrapped key: another KEK, one that was destroyed, or damaged bytes.")


def require_old(provider: KeyProvider, kek: str) -> None:
    """:raises KeeperInvalid: when it is the KEK that wraps now"""
    if kek == provider.current():
        raise KeeperInvalid("kek_in_use", f"The KEK {kek} wraps now: rotate first.")


def read_secret(path: Path) -> bytes:
    """
    Read a file that its owner alone may read: a KEK, a PIN, a token.

    :raises KeeperInvalid: when it is missing, or others can read it
    """
    try:
        mode, secret = path.stat().st_mode & 0o777, path.read_bytes()
    except OSError as error:
        raise KeeperInvalid("kek_unreadable", f"{path} cannot be read: {error.strerror}. Run `hoeksteen-keeper init`, or restore it.") from error
    if mode & 0o077:
        raise KeeperInvalid("kek_exposed", f"Others can read {path} (mode {mode:04o}). Run `chmod 600 {path}`, and rotate the KEK if they did.")
    return secret


def read_word(path: Path) -> str:
    """
    Read a PIN or a token: one word of text.

    :raises KeeperInvalid: when the file holds something else
    """
    try:
        word = read_secret(path).decode("ascii").strip()
    except UnicodeDecodeError:
        word = ""
    if not word or any(c.isspace() for c in word):
        raise KeeperInvalid("kek_unreadable", f"{path} must hold one word, and nothing else.")
    return word


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


def replace_secret(path: Path, secret: bytes) -> None:
    """Put a secret file in the place of another: whoever reads it, and whatever is interrupted, sees the old one or the new one whole."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    write_secret(unfinished, secret)
    unfinished.rename(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames and removals in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
