"""Pseudonyms are the same under one key, and tell nothing without it."""

import stat
from pathlib import Path

import pytest

from hoeksteen.consolidation.pseudonyms import Pseudonyms, read_or_make_key
from hoeksteen.kernel.errors import InvalidInput


def test_a_record_has_one_pseudonym_per_key() -> None:
    one, other = Pseudonyms(b"1" * 32), Pseudonyms(b"2" * 32)
    assert one.record_id("fixed", "10000001") == Pseudonyms(b"1" * 32).record_id("fixed", "10000001")
    assert len({one.record_id("fixed", "1"), one.record_id("mobile", "1"), one.record_id("fixed", "2"), other.record_id("fixed", "1")}) == 4
    assert one.fingerprint != other.fingerprint
    assert one.digest(["a", "b"]) != one.digest(["a", "c"])


def test_the_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "consolidation.key"
    key = read_or_make_key(file)
    assert read_or_make_key(file) == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_damaged_key_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "consolidation.key"
    file.write_bytes(b"short")
    with pytest.raises(InvalidInput, match="32 bytes"):
        read_or_make_key(file)
