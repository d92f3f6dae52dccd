"""
The KEK in a transit service: the HTTP API that OpenBao and Vault share.

The service encrypts and decrypts with associated data under a named key of type aes256-gcm96; a version of that key is a KEK. What is
wrapped is kept as the service wrote it: `vault:v<version>:` and base64. Its own rewrap takes no associated data, so a rotation decrypts
and encrypts; the plaintext is an epoch key, which the keeper holds anyway.
"""

import base64
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from hoeksteen_keeper.errors import KeeperCorrupt, KeeperInvalid, KeeperUnavailable
from hoeksteen_keeper.vault.providers.shared import read_word, require_old, unwrap_failed

_TIMEOUT_SECONDS = 10.0
_VERSIONS_MAX = 1_000_000
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class TransitSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="provider", tag="transit"):
    """
    Which service, and which key of it.

    :param address: `https://host:port`; plain HTTP on this machine alone, such as to an agent
    :param token_file: holds the service's token, readable by the keeper's OS user alone; read anew for each call, so that it can be renewed
    :param ca_file: the authority that signed the service's certificate; without it those that the machine trusts
    """

    address: str
    token_file: str
    key: str = "hoeksteen"
    mount: str = "transit"
    ca_file: str = ""


class TransitProvider:
    """
    A KEK that never leaves a transit service.

    :raises KeeperInvalid: when address or authority are not usable
    :raises KeeperUnavailable: by every method, when the service does not answer or does not take the token
    """

    def __init__(self, settings: TransitSettings) -> None:
        self._settings = settings
        parts = urlsplit(settings.address)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise KeeperInvalid("provider_invalid", "The address of the transit service begins with https://; http:// is for this machine alone.")
        try:
            self._tls = ssl.create_default_context(cafile=settings.ca_file or None)
        except OSError as error:
            raise KeeperInvalid("provider_invalid", f"{settings.ca_file} holds no certificate authority that can be read.") from error

    @property
    def finding(self) -> str:
        s = self._settings
        return (
            f"kek-transit: the KEK is {s.mount}/{s.key} of {s.address}; who administers that service, or reads {s.token_file}, can have a copy "
            "of the database opened"
        )

    def current(self) -> str:
        return self._name(self._versions()[-1])

    def keks(self) -> list[str]:
        return [self._name(version) for version in self._versions()]

    def wrap(self, key: bytes, *, context: bytes) -> tuple[str, bytes]:
        answer = self._call("POST", "encrypt", {"plaintext": _text(key), "associated_data": _text(context)})
        ciphertext = str(answer.get("ciphertext", ""))
        return self._name(_version(ciphertext)), ciphertext.encode()

    def unwrap(self, wrapped: bytes, *, kek: str, context: bytes) -> bytes:
        ciphertext = wrapped.decode("ascii", "replace")
        if self._name(_version(ciphertext)) != kek:
            raise unwrap_failed(kek)
        answer = self._call("POST", "decrypt", {"ciphertext": ciphertext, "associated_data": _text(context)}, kek=kek)
        try:
            key = base64.b64decode(str(answer.get("plaintext", "")))
        except ValueError:
            key = b""
        if len(key) != 32:
            raise unwrap_failed(kek)
        return key

    def require_usable(self) -> None:
        """:raises KeeperInvalid: when the service would give the key away, or it is of another type"""
        data = self._call("GET", "keys", None)
        if data.get("exportable") or data.get("allow_plaintext_backup"):
            raise KeeperInvalid("kek_exposed", f"The key {self._settings.key} can be taken out of the service. Make one that cannot.")
        if data.get("type") != "aes256-gcm96" or data.get("derived"):
            raise KeeperInvalid("provider_invalid", f"The key {self._settings.key} must be of type aes256-gcm96, and not derived.")

    def rotate(self) -> str:
        self._call("POST", "keys", {}, step="rotate")
        return self.current()

    def destroy(self, kek: str) -> None:
        """Destroy a version and all before it: the service knows a lowest version only."""
        require_old(self, kek)
        lowest = int(kek.rpartition(":v")[2]) + 1
        self._call("POST", "keys", {"min_decryption_version": lowest, "min_encryption_version": lowest}, step="config")
        self._call("POST", "keys", {"min_available_version": lowest}, step="trim")

    def _versions(self) -> list[int]:
        data = self._call("GET", "keys", None)
        lowest, available, latest = (data.get(name, 0) for name in ("min_decryption_version", "min_available_version", "latest_version"))
        if not all(type(number) is int and 0 <= number <= _VERSIONS_MAX for number in (lowest, available, latest)):
            raise _unreadable()
        return list(range(max(lowest, available, 1), latest + 1)) or [0]

    def _name(self, version: int) -> str:
        return f"transit:{self._settings.mount}/{self._settings.key}:v{version}"

    def _call(self, method: str, what: str, body: Mapping[str, Any] | None, *, step: str = "", kek: str = "") -> Mapping[str, Any]:
        """:param kek: whose refusal to decrypt means that what was wrapped is not what it should be"""
        s, token = self._settings, read_word(Path(self._settings.token_file))
        url = f"{s.address.rstrip('/')}/v1/{s.mount}/{what}/{s.key}{f'/{step}' if step else ''}"
        try:  # no proxy of the environment, no redirect: the token goes to that address and nowhere else
            with httpx.Client(verify=self._tls, timeout=_TIMEOUT_SECONDS, trust_env=False, follow_redirects=False) as client:
                answer = client.request(method, url, json=body, headers={"X-Vault-Token": token, "X-Vault-Request": "true"})
        except httpx.HTTPError as error:
            raise KeeperUnavailable("provider_unreachable", f"The transit service {s.address} does not answer: {type(error).__name__}.") from error
        if answer.status_code == 400 and kek:
            raise unwrap_failed(kek)
        if answer.status_code == 404:
            raise KeeperInvalid("kek_unreadable", f"The transit service has no key {s.mount}/{s.key}. Make it there first.")
        if answer.status_code == 403:
            raise KeeperUnavailable(
                "provider_refused", f"The transit service does not take the token in {s.token_file}, or its policy forbids {what}."
            )
        if not answer.is_success:
            raise KeeperUnavailable(
                "provider_unreachable", f"The transit service answers with status {answer.status_code}: sealed, standby, or too busy."
            )
        return _data(answer)


def _data(answer: httpx.Response) -> Mapping[str, Any]:
    if answer.status_code == 204:
        return {}
    try:
        data = answer.json()["data"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _unreadable() from error
    return data if isinstance(data, Mapping) else {}


def _unreadable() -> KeeperUnavailable:
    return KeeperUnavailable("provider_unreachable", "The transit service's answer cannot be read: something else listens there.")


def _version(ciphertext: str) -> int:
    """:raises KeeperCorrupt: when it is nothing that a transit service wrote"""
    prefix, _, rest = ciphertext.partition(":v")
    version = rest.partition(":")[0]
    if prefix != "vault" or not (version.isascii() and version.isdecimal() and len(version) <= len(str(_VERSIONS_MAX))):
        raise KeeperCorrupt("key_unwrap_failed", "A wrapped key is not of the transit service's form.")
    return int(version)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
