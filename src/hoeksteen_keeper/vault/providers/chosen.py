"""Which provider holds a keeper's KEK: `provider.toml` among its key files, written by `init` and read at every opening."""

import json
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from hoeksteen_keeper.errors import KeeperInvalid
from hoeksteen_keeper.vault.providers.file import FileProvider
from hoeksteen_keeper.vault.providers.shared import KeyProvider, read_secret, replace_secret, write_secret

PROVIDERS = ("file", "pkcs11", "transit")
LOG_CONTEXT = b"hoeksteen log tags"
_SETTINGS, _KEK, _LOG_TAGS = "provider.toml", "kek", "log-tags.wrapped"
_NAMED = tuple(f"{name}:".encode() for name in PROVIDERS)


def open_provider(folder: Path, *, random_bytes: Callable[[int], bytes]) -> KeyProvider:
    """
    Give the provider that a keeper's key folder names; the file where it names none.

    :raises KeeperInvalid: when the settings cannot be read
    """
    settings = folder / _SETTINGS
    return _provider(folder, _settings_of(settings) if settings.exists() else {}, random_bytes)[0]


def make_provider(folder: Path, settings: Mapping[str, str], *, random_bytes: Callable[[int], bytes]) -> KeyProvider:
    """
    Choose the provider of a new keeper, and make its first KEK; a transit service's key must be there already.

    :param settings: `provider`, and what that provider needs
    """
    if settings.get("provider", "file") == "file":
        write_secret(folder / _KEK, random_bytes(32))
    provider, make = _provider(folder, settings, random_bytes)
    make()
    write_secret(folder / _SETTINGS, "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items()).encode())
    return provider


def read_log_tags(folder: Path, provider: KeyProvider) -> tuple[str, bytes]:
    """Give the tag key of the log, and the KEK that wraps it; empty where it was wrapped before KEKs had names."""
    content = read_secret(folder / _LOG_TAGS)
    kek, _, wrapped = content.partition(b"\n") if content.startswith(_NAMED) else (b"", b"", content)
    name = kek.decode("utf-8", "replace")
    return name, provider.unwrap(wrapped, kek=name, context=LOG_CONTEXT)


def write_log_tags(folder: Path, provider: KeyProvider, key: bytes) -> None:
    """Wrap the tag key of the log under the KEK of now."""
    kek, wrapped = provider.wrap(key, context=LOG_CONTEXT)
    replace_secret(folder / _LOG_TAGS, kek.encode() + b"\n" + wrapped)


def _settings_of(file: Path) -> dict[str, str]:
    """Read a settings file."""
    try:
        return tomllib.loads(read_secret(file).decode())
    except (ValueError, RecursionError) as error:
        said = f": {error}" if isinstance(error, tomllib.TOMLDecodeError) else ", for it is no TOML in UTF-8"
        raise KeeperInvalid("provider_invalid", f"{file} cannot be read{said}.") from None


def _provider(folder: Path, settings: Mapping[str, str], random_bytes: Callable[[int], bytes]) -> tuple[KeyProvider, Callable[[], None]]:
    """Give the provider, and what makes it ready for a new keeper; what speaks to hardware or network is loaded where it is used only."""
    kind = settings.get("provider", "file")
    try:
        if kind == "pkcs11":
            from hoeksteen_keeper.vault.providers.pkcs11 import Pkcs11Provider, Pkcs11Settings

            token = Pkcs11Provider(msgspec.convert(settings, Pkcs11Settings), random_bytes=random_bytes)
            return token, token.make_first
        if kind == "transit":
            from hoeksteen_keeper.vault.providers.transit import TransitProvider, TransitSettings

            service = TransitProvider(msgspec.convert(settings, TransitSettings))
            return service, service.require_usable
    except msgspec.ValidationError as error:
        raise KeeperInvalid("provider_invalid", f"The settings of the provider {kind} do not fit: {error}.") from error
    if kind != "file" or len(settings) > 1:
        raise KeeperInvalid("provider_invalid", f"A provider is one of {', '.join(PROVIDERS)}, and the file needs no settings.")
    return FileProvider(folder / _KEK, random_bytes=random_bytes), lambda: None
