"""
The KEK in an HSM, by PKCS#11: an AES-256 key that is generated in the token, is sensitive and not extractable, and wraps by AES-GCM.

The keys are named `<label>-1`, `<label>-2` and so on; the highest number wraps. The nonce is the keeper's, so a token that insists on
making its own (some do in FIPS mode) cannot be used.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pkcs11
from pkcs11.exceptions import PKCS11Error

from hoeksteen_keeper.errors import KeeperInvalid, KeeperUnavailable
from hoeksteen_keeper.vault.providers.shared import read_word, require_old, unwrap_failed

_AWAY = (
    pkcs11.DeviceError, pkcs11.DeviceRemoved, pkcs11.DeviceMemory, pkcs11.TokenNotPresent, pkcs11.NoSuchToken, pkcs11.SessionClosed,
    pkcs11.SessionHandleInvalid, pkcs11.UserNotLoggedIn, pkcs11.HostMemory,
)  # fmt: skip
_TAG_BITS = 128
# a log-in counts for the whole process and ends with its last session: one session at a time, so that the log-in is its own
_one_at_a_time = threading.Lock()


class Pkcs11Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="provider", tag="pkcs11"):
    """
    Which token, and which keys on it.

    :param module: the library of the HSM's maker
    :param pin_file: holds the PIN of the token's user, readable by the keeper's OS user alone
    """

    module: str
    token: str
    pin_file: str
    label: str = "hoeksteen-kek"


class Pkcs11Provider:
    """
    A KEK that never leaves its token.

    :raises KeeperUnavailable: by every method, when the token does not answer
    """

    def __init__(self, settings: Pkcs11Settings, *, random_bytes: Callable[[int], bytes]) -> None:
        self._settings, self._random_bytes = settings, random_bytes

    @property
    def finding(self) -> str:
        s = self._settings
        return f"kek-pkcs11: the KEK lies in the token {s.token}; who reaches it with the PIN of {s.pin_file} can have a copy of the database opened"

    def current(self) -> str:
        with self._session() as session:
            return self._name(self._latest(session)[0])

    def keks(self) -> list[str]:
        with self._session() as session:
            return [self._name(number) for number in sorted(self._keys(session))]

    def wrap(self, key: bytes, *, context: bytes) -> tuple[str, bytes]:
        """Give nonce, ciphertext and tag: 60 bytes for a 32-byte key."""
        nonce = self._random_bytes(12)
        with self._session() as session:
            number, kek = self._latest(session)
            return self._name(number), nonce + bytes(kek.encrypt(key, mechanism=pkcs11.Mechanism.AES_GCM, mechanism_param=_gcm(nonce, context)))

    def unwrap(self, wrapped: bytes, *, kek: str, context: bytes) -> bytes:
        with self._session() as session:
            found = {self._name(number): key for number, key in self._keys(session).items()}.get(kek)
            if found is None or len(wrapped) < 12:
                raise unwrap_failed(kek)
            try:
                return bytes(found.decrypt(wrapped[12:], mechanism=pkcs11.Mechanism.AES_GCM, mechanism_param=_gcm(wrapped[:12], context)))
            except _AWAY:
                raise
            except PKCS11Error as error:  # tokens name a wrong tag differently
                raise unwrap_failed(kek) from error

    def make_first(self) -> None:
        """:raises KeeperInvalid: when the token holds such a key already, which may be another keeper's"""
        with self._session(write=True) as session:
            if self._keys(session):
                raise KeeperInvalid("key_exists", f"The token has keys {self._settings.label}-… already. Choose another label.")
            self._generate(session, 1)

    def rotate(self) -> str:
        with self._session(write=True) as session:
            number = self._latest(session)[0] + 1
            self._generate(session, number)
            return self._name(number)

    def destroy(self, kek: str) -> None:
        require_old(self, kek)
        with self._session(write=True) as session:
            for number, key in self._keys(session).items():
                if self._name(number) == kek:
                    key.destroy()

    @contextmanager
    def _session(self, *, write: bool = False) -> Iterator[pkcs11.Session]:
        s, pin = self._settings, read_word(Path(self._settings.pin_file))
        with _one_at_a_time:
            try:
                with pkcs11.lib(s.module).get_token(token_label=s.token).open(rw=write, user_pin=pin) as session:
                    yield session
            except (pkcs11.PinIncorrect, pkcs11.PinLocked, pkcs11.PinExpired, pkcs11.PinInvalid, pkcs11.PinLenRange) as error:
                raise KeeperUnavailable("provider_refused", f"The token {s.token} does not take the PIN in {s.pin_file}.") from error
            except (PKCS11Error, RuntimeError, OSError) as error:
                said = f"{type(error).__name__}" if isinstance(error, PKCS11Error) else f"{s.module} is no PKCS#11 library that loads"
                raise KeeperUnavailable("provider_unreachable", f"The token {s.token} does not answer: {said}. See that it is plugged in.") from error

    def _keys(self, session: pkcs11.Session) -> dict[int, Any]:
        wanted = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY, pkcs11.Attribute.KEY_TYPE: pkcs11.KeyType.AES}
        found: dict[int, Any] = {}
        for key in session.get_objects(wanted):
            label, _, number = str(key[pkcs11.Attribute.LABEL]).rpartition("-")
            if label == self._settings.label and number.isdecimal():
                if key[pkcs11.Attribute.EXTRACTABLE] or not key[pkcs11.Attribute.SENSITIVE]:
                    raise KeeperInvalid(
                        "kek_exposed", f"The token gives the key {label}-{number} away (extractable): rotate to one that it made itself."
                    )
                found[int(number)] = key
        return found

    def _latest(self, session: pkcs11.Session) -> tuple[int, Any]:
        keys = self._keys(session)
        if not keys:
            raise KeeperInvalid(
                "kek_unreadable", f"The token {self._settings.token} has no key {self._settings.label}-1. Run `hoeksteen-keeper init`."
            )
        return max(keys.items())

    def _generate(self, session: pkcs11.Session, number: int) -> None:
        session.generate_key(
            pkcs11.KeyType.AES, 256, label=f"{self._settings.label}-{number}", store=True,
            capabilities=pkcs11.MechanismFlag.ENCRYPT | pkcs11.MechanismFlag.DECRYPT,
            template={pkcs11.Attribute.SENSITIVE: True, pkcs11.Attribute.EXTRACTABLE: False, pkcs11.Attribute.PRIVATE: True},
        )  # fmt: skip

    def _name(self, number: int) -> str:
        return f"pkcs11:{self._settings.token}/{self._settings.label}-{number}"


def _gcm(nonce: bytes, context: bytes) -> pkcs11.GCMParams:
    return pkcs11.GCMParams(nonce, context, _TAG_BITS)
