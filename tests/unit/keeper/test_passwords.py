"""Passwords and one-time codes."""

from datetime import UTC, datetime, timedelta

import pytest

from hoeksteen_keeper.access.passwords import _HASHER, _NOBODY, hash_password, password_matches, totp_accepted_step, totp_code, totp_secret, totp_step
from hoeksteen_keeper.errors import KeeperInvalid

NOW = datetime(2026, 10, 1, 12, 0, 10, tzinfo=UTC)
SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037"),
    (20000000000, "353130")]
)  # fmt: skip
def test_the_codes_of_rfc_6238_appendix_b(seconds: int, code: str) -> None:
    assert totp_code(SECRET, totp_step(datetime.fromtimestamp(seconds, UTC))) == code


@pytest.mark.parametrize(("off", "accepted"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_code_counts_for_its_own_step_and_its_neighbours(off: int, accepted: bool) -> None:
    code = totp_code(SECRET, totp_step(NOW + timedelta(seconds=off)))
    assert (totp_accepted_step(SECRET, code, now=NOW, after=0) is not None) == accepted


def test_a_code_counts_once() -> None:
    code = totp_code(SECRET, totp_step(NOW))
    step = totp_accepted_step(SECRET, code, now=NOW, after=0)
    assert step == totp_step(NOW)
    assert totp_accepted_step(SECRET, code, now=NOW, after=step) is None


def test_a_password_matches_its_own_hash_only() -> None:
    stored = hash_password("a long enough password")
    assert password_matches(stored, "a long enough password")
    assert not password_matches(stored, "another long password")
    assert not password_matches(None, "a long enough password")
    assert "$argon2id$" in stored


def test_what_is_compared_for_nobody_takes_as_long_as_for_somebody() -> None:
    cost = hash_password("a long enough password").rpartition("$")[0].rpartition("$")[0]
    assert _NOBODY.startswith(f"{cost}$") and not _HASHER.check_needs_rehash(_NOBODY)


@pytest.mark.parametrize("password", ["", "short", "x" * 201])
def test_a_password_has_bounds(password: str) -> None:
    with pytest.raises(KeeperInvalid, match="password_invalid"):
        hash_password(password)


@pytest.mark.parametrize("text", ["", "AB", "not base 32!", "01890189"])
def test_a_secret_is_base_32_and_long_enough(text: str) -> None:
    with pytest.raises(KeeperInvalid, match="totp_invalid"):
        totp_secret(text)


def test_a_secret_as_apps_show_it() -> None:
    assert totp_secret("gezd gnbv gy3t qojq gezd gnbv gy3t qojq") == SECRET
