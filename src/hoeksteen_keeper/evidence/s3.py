"""
Storage of a log in an S3-compatible service, under the names of C2SP tlog-tiles.

It needs conditional writes (`If-None-Match` and `If-Match`), and refuses a service that ignores them. An object is sent in one request with its
SHA-256, so it is there whole or not at all.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError, PreconditionError, UnauthenticatedError
from obstore.store import S3Store

from hoeksteen_keeper.errors import KeeperInvalid, KeeperUnavailable
from hoeksteen_keeper.evidence.objects import write_all

_CONNECT, _ANSWER, _GIVE_UP = timedelta(seconds=3), timedelta(seconds=20), timedelta(seconds=10)
_RETRIES = 2


class S3Objects:
    """
    Storage below a prefix of a bucket.

    :param endpoint: `https://host[:port]`; plain HTTP only where `plain`
    """

    def __init__(
        self, *, endpoint: str, bucket: str, prefix: str, region: str, access_key_id: str, secret_access_key: str, session_token: str, plain: bool
    ) -> None:  # fmt: skip
        self.place = f"{endpoint}/{bucket}/{prefix}"
        config = {
            "endpoint": endpoint, "region": region, "access_key_id": access_key_id, "secret_access_key": secret_access_key,
            "virtual_hosted_style_request": False, "conditional_put": "etag", "checksum_algorithm": "SHA256",
            **({"session_token": session_token} if session_token else {}),
        }  # fmt: skip
        retried = {"max_retries": _RETRIES, "retry_timeout": _GIVE_UP}
        options = {"allow_http": plain, "timeout": _ANSWER, "connect_timeout": _CONNECT}
        self._store, self._beside = (  # the settings are typed as literals there, which a mapping made here is not
            S3Store(bucket, prefix=f"{prefix}{end}", config=config, client_options=options, retry_config=retried)  # type: ignore[arg-type]
            for end in ("", ".new")
        )
        self._checked, self._check_lock = False, threading.Lock()

    def read(self, name: str) -> bytes | None:
        return self._versioned(name)[0]

    def write(self, new: Mapping[str, bytes]) -> None:
        self._require_conditions()
        write_all(new, self._create, place=self.place, few=1)

    def swap(self, name: str, old: bytes | None, new: bytes) -> bool:
        self._require_conditions()
        found, tag = self._versioned(name)
        if found != old:
            return False
        with self._answering():
            try:
                obstore.put(self._store, name, new, mode={"e_tag": tag} if tag else "create", use_multipart=False)
            except (AlreadyExistsError, PreconditionError):  # others were faster, or a lost answer was asked for again
                return False
        return True

    def forget(self, folder: str) -> None:
        with self._answering():
            found = [item["path"] for page in obstore.list(self._store, f"{folder}/") for item in page]
            if found:
                obstore.delete(self._store, found)

    def _create(self, name: str, raw: bytes) -> bool:
        """Make an object; say whether it now holds these bytes."""
        with self._answering():
            try:
                obstore.put(self._store, name, raw, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return self.read(name) == raw
        return True

    def _versioned(self, name: str) -> tuple[bytes | None, str | None]:
        with self._answering():
            try:
                found = obstore.get(self._store, name)
                return bytes(found.bytes()), found.meta["e_tag"]
            except FileNotFoundError as error:
                if "NoSuchBucket" in str(error):  # a wrong name must not look like an empty log
                    raise
                return None, None

    def _require_conditions(self) -> None:
        """:raises KeeperInvalid: when the service overwrites what it was told to write only where nothing is"""
        with self._check_lock, self._answering():
            if self._checked:
                return
            for _ in range(2):  # the second must be refused
                try:
                    obstore.put(self._beside, "once", b"x", mode="create", use_multipart=False)
                except AlreadyExistsError:
                    self._checked = True
                    return
            raise KeeperInvalid("tiles_invalid", f"{self.place} ignores If-None-Match: a log needs storage with conditional writes.")

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except (PermissionDeniedError, UnauthenticatedError) as error:
            raise KeeperUnavailable("tiles_refused", f"{self.place} does not take the keeper's credentials for this.") from error
        except (BaseError, OSError) as error:
            said = "there is no such bucket" if "NoSuchBucket" in str(error) else type(error).__name__
            raise KeeperUnavailable("tiles_unavailable", f"The log's tiles in {self.place} cannot be reached: {said}.") from error
