"""The KEK in a file."""

import os
from pathlib import Path

import pytest

from hoeksteen_keeper.errors import KeeperCorrupt, KeeperInvalid
from hoeksteen_keeper.vault.providers import FileProvider, write_secret


def provider(path: Path, key: bytes) -> FileProvider:
    write_secret(path, key)
    return FileProvider(path, random_bytes=os.urandom)


def test_it_unwraps_what_it_wrapped_in_the_same_context_only(tmp_path: Path) -> None:
    first, second = provider(tmp_path / "a", os.urandom(32)), provider(tmp_path / "b", os.urandom(32))
    kek, wrapped = first.wrap(b"k" * 32, context=b"epoch 1")
    assert len(wrapped) == 60 and kek == first.current() != second.current()
    assert first.unwrap(wrapped, kek=kek, context=b"epoch 1") == b"k" * 32
    for by, given, context in (
        (first, wrapped, b"epoch 2"),
        (second, wrapped, b"epoch 1"),
        (first, wrapped[:-1], b"epoch 1"),
        (first, b"", b"epoch 1"),
    ):
        with pytest.raises(KeeperCorrupt, match="key_unwrap_failed"):
            by.unwrap(given, kek=kek, context=context)


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    write_secret(tmp_path / "kek", os.urandom(32))
    (tmp_path / "kek").chmod(0o640)
    with pytest.raises(KeeperInvalid, match="kek_exposed"):
        FileProvider(tmp_path / "kek", random_bytes=os.urandom)


def test_a_key_file_that_is_missing_or_cut_off(tmp_path: Path) -> None:
    with pytest.raises(KeeperInvalid, match="kek_unreadable"):
        FileProvider(tmp_path / "kek", random_bytes=os.urandom)
    write_secret(tmp_path / "kek", os.urandom(31))
    with pytest.raises(KeeperInvalid, match="kek_unreadable"):
        FileProvider(tmp_path / "kek", random_bytes=os.urandom)


def test_a_secret_is_readable_by_its_owner_alone_and_never_overwritten(tmp_path: Path) -> None:
    write_secret(tmp_path / "s", b"one")
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o600
    with pytest.raises(KeeperInvalid, match="key_exists"):
        write_secret(tmp_path / "s", b"two")
    assert (tmp_path / "s").read_bytes() == b"one"
