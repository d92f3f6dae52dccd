"""Passwords (Argon2id) and time-based codes (TOTP, RFC 6238): they log in, and never approve."""

import base64
import binascii
import hashlib
import hmac
from datetime import datetime

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hoeksteen_keeper.errors import KeeperInvalid

STEP_SECONDS = 30
_SKEW_STEPS = 1
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)  # OWASP's minimum for Argon2id: 19 MiB, 2 passes
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$ZxsllnSSCVVWCpbkmzGbsw$kCM1Gy8kFd7Uvh4+s1QNDqu1S4qrRZUcnlWg4u36+9k"  # of a password that was thrown away
PASSWORD_LENGTH_MIN, PASSWORD_LENGTH_MAX = 12, 200


def hash_password(password: str) -> str:
    """
    Give the Argon2id hash to store.

    :raises KeeperInvalid: when the password is shorter than 12 or longer than 200 characters
    """
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        raise KeeperInvalid("password_invalid", f"A password has {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters.")
    return _HASHER.hash(password)


def password_matches(stored: str | None, password: str) -> bool:
    """Say whether it is the password; takes as long for an actor who does not exist."""
    try:
        return _HASHER.verify(stored or _NOBODY, password[:PASSWORD_LENGTH_MAX]) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def totp_secret(text: str) -> bytes:
    """
    Read a secret in base 32, as authenticator apps show it.

    :raises KeeperInvalid: when it is no base 32 or shorter than 16 bytes
    """
    plain = text.replace(" ", "").upper()
    try:
        secret = base64.b32decode(plain + "=" * (-len(plain) % 8))
    except (binascii.Error, ValueError) as error:
        raise KeeperInvalid("totp_invalid", "A TOTP secret is written in base 32.") from error
    if len(secret) < 16:
        raise KeeperInvalid("totp_invalid", "A TOTP secret has at least 16 bytes (26 characters in base 32).")
    return secret


def totp_step(now: datetime) -> int:
    """Give the number of the 30-second step."""
    return int(now.timestamp()) // STEP_SECONDS


def totp_code(secret: bytes, step: int) -> str:
    """Give the six digits of a step (RFC 4226 section 5.3)."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), hashlib.sha1)
    offset = mac[-1] & 0xF
    return f"{(int.from_bytes(mac[offset : offset + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


def totp_accepted_step(secret: bytes, code: str, *, now: datetime, after: int) -> int | None:
    """Give the step that a code belongs to, or None; a step that was used before (`after`) or lies further than 30 s away does not count."""
    here = totp_step(now)
    for step in range(here - _SKEW_STEPS, here + _SKEW_STEPS + 1):
        if step > after and hmac.compare_digest(totp_code(secret, step).encode(), code.strip().encode()):
            return step
    return None
