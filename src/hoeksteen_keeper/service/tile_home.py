"""Where a keeper's tiles lie: the folder `tiles` in its home, unless `tiles.toml` there names an S3-compatible service."""

import tomllib
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from hoeksteen_keeper.errors import KeeperInvalid
from hoeksteen_keeper.evidence.objects import Files, Objects

_FILE = "tiles.toml"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_A = TypeVar("_A")


class S3Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="storage", tag="s3"):
    """
    Which bucket, and where.

    :param endpoint: `https://host[:port]`; plain HTTP on this machine alone
    :param credentials_file: TOML with `access_key_id`, `secret_access_key` and perhaps `session_token`, readable by the keeper's OS user alone
    :param prefix: of the log's objects; a log that follows one that ended has its number behind it
    """

    endpoint: str
    bucket: str
    credentials_file: str
    prefix: str = "log"
    region: str = "us-east-1"


class _Credentials(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    access_key_id: str
    secret_access_key: str
    session_token: str = ""


def tile_home(home: Path, *, origin: str) -> Objects:
    """
    Give the storage of a keeper's log; nothing is asked of it yet.

    :param origin: the log's name: `#2` behind it is the second log of this keeper
    :raises KeeperInvalid: when the settings or the credentials cannot be read
    """
    file = home / _FILE
    if not file.exists():
        return Files(home / "tiles")
    settings = _read(file, S3Settings)
    parts = urlsplit(settings.endpoint)
    plain = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if not plain and (parts.scheme != "https" or not parts.hostname) or not settings.prefix.strip("/"):
        raise KeeperInvalid("tiles_invalid", f"{file}: endpoint begins with https:// (http:// is for this machine alone), and prefix is a name.")
    given = _read(Path(settings.credentials_file), _Credentials, secret=True)
    number = origin.partition("#")[2]
    from hoeksteen_keeper.evidence.s3 import S3Objects  # loaded where it is used only

    return S3Objects(
        endpoint=settings.endpoint.rstrip("/"), bucket=settings.bucket, prefix=settings.prefix.strip("/") + (f".{number}" if number else ""),
        region=settings.region, plain=plain, **msgspec.structs.asdict(given),
    )  # fmt: skip


def require_no_log(home: Path, *, origin: str) -> None:
    """
    See that storage answers and is empty, before a new keeper is made.

    :raises KeeperInvalid: when a log lies there already
    """
    storage = tile_home(home, origin=origin)
    if storage.read("checkpoint") is not None:
        raise KeeperInvalid("tiles_invalid", f"{storage.place} holds a log already. Choose another --home, or another prefix.")


def _read(file: Path, kind: type[_A], *, secret: bool = False) -> _A:
    try:
        if secret and file.stat().st_mode & 0o077:
            raise KeeperInvalid("tiles_invalid", f"Others can read {file}. Run `chmod 600 {file}`, and have its credentials renewed if they did.")
        return msgspec.convert(tomllib.loads(file.read_text("utf-8")), kind)
    except OSError as error:
        raise KeeperInvalid("tiles_invalid", f"{file} cannot be read: {error.strerror}.") from error
    except msgspec.ValidationError as error:
        raise KeeperInvalid("tiles_invalid", f"{file} does not fit: {error}.") from error
    except ValueError:  # the error would show the line, and with it a secret
        raise KeeperInvalid("tiles_invalid", f"{file} is no TOML.") from None
