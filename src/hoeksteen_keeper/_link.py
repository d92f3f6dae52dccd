"""
The wire under the client: HTTP/1.1 over a Unix socket with the standard library, bodies in MessagePack.

Kept apart so that the client reads as the list of what can be asked.
"""

import http.client
import re
import secrets
import select
import socket
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from hoeksteen_keeper.errors import KeeperCorrupt, KeeperError, KeeperInvalid, KeeperRefused, KeeperUnavailable

_CONNECTIONS_KEPT_MAX = 16
_TIMEOUT_SECONDS = 120.0
_REASON = re.compile(r"[a-z0-9_]{1,60}")
_ERRORS: dict[int, type[KeeperError]] = {
    400: KeeperInvalid, 401: KeeperRefused, 403: KeeperRefused, 413: KeeperInvalid, 422: KeeperInvalid, 500: KeeperCorrupt,
}  # fmt: skip


def load_key(path: Path) -> Ed25519PrivateKey:
    """
    Read an Ed25519 private key in PEM.

    :raises KeeperInvalid: when the file is missing or holds no such key
    """
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        made = "Name the right one, or make one with `hoeksteen-keeper keygen --out FILE`."
        raise KeeperInvalid("key_unreadable", f"{path} cannot be read: {error.strerror}. {made}") from error
    except ValueError as error:
        raise KeeperInvalid("key_unreadable", f"{path} holds no readable Ed25519 key. Make one with `hoeksteen-keeper keygen --out FILE`.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeeperInvalid("key_unreadable", f"{path} holds no Ed25519 key. Make one with `hoeksteen-keeper keygen --out FILE`.")
    return key


def assertion(actor: str, time: str, nonce: str) -> bytes:
    """Give the bytes that an actor signs to prove who they are."""
    return f"hoeksteen-keeper assertion v1\n{actor}\n{time}\n{nonce}\n".encode()


class Link:
    """The connections of one service, and its token, which is renewed when the keeper says that it ran out."""

    def __init__(self, socket_path: Path, service: str, key_path: Path) -> None:
        self.service = service
        self.socket_path, self.key_path = socket_path, key_path
        self._lock, self._token_lock = threading.Lock(), threading.Lock()
        self._idle: list[UnixConnection] = []
        self._token, self._origin = "", ""

    def call(self, path: str, body: Mapping[str, Any], person_token: str) -> Any:
        data, person = msgspec.msgpack.encode(body), {"X-Actor-Token": person_token} if person_token else {}
        token = self.service_token()
        status, answer = self._post(path, data, {"Authorization": f"Bearer {token}", **person})
        if status == 401:  # refused before anything was done: the token ran out
            self._forget(token)
            status, answer = self._post(path, data, {"Authorization": f"Bearer {self.service_token()}", **person})
        return _read(status, answer)

    def origin(self) -> str:
        self.service_token()
        return self._origin

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def service_token(self) -> str:
        with self._token_lock:
            if not self._token:
                time, nonce = datetime.now(UTC).isoformat(), secrets.token_hex(16)  # noqa: TID251 the client is an interface: it reads the clock
                signature = load_key(self.key_path).sign(assertion(self.service, time, nonce))
                body = {"actor": self.service, "time": time, "nonce": nonce, "signature": signature}
                answer = _read(*self._exchange(UnixConnection(self.socket_path), "token", msgspec.msgpack.encode(body), {}))
                if not isinstance(answer, dict) or not all(isinstance(answer.get(name), str) for name in ("token", "origin")):
                    raise KeeperUnavailable("answer_unreadable", "What answers on the socket gave no token: it is no keeper.")
                self._token, self._origin = answer["token"], answer["origin"]
            return self._token

    def _forget(self, token: str) -> None:
        with self._token_lock:
            if self._token == token:
                self._token = ""

    def _post(self, path: str, data: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        with self._lock:
            while self._idle:
                connection = self._idle.pop()
                if not connection.is_over():  # a call that was sent is never sent again, so what the keeper closed is not used
                    break
                connection.close()
            else:
                connection = UnixConnection(self.socket_path)
        return self._exchange(connection, path, data, headers)

    def _exchange(self, connection: "UnixConnection", path: str, data: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        sent = False
        try:
            connection.request("POST", f"/v1/{path}", data, {"Content-Type": "application/msgpack", **headers})
            sent = True
            response = connection.getresponse()
            result = response.status, response.read()
        except (OSError, ValueError, http.client.HTTPException) as error:
            connection.close()
            if sent:
                raise KeeperUnavailable("answer_lost", f"The keeper took the call {path} and gave no answer: it may have been done.") from error
            raise KeeperUnavailable("keeper_unreachable", f"The keeper does not answer on {self.socket_path}. Run `hoeksteen status`.") from error
        with self._lock:
            if len(self._idle) < _CONNECTIONS_KEPT_MAX and not response.will_close:
                self._idle.append(connection)
                return result
        connection.close()
        return result


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("keeper", timeout=_TIMEOUT_SECONDS)
        self._path = path

    def is_over(self) -> bool:
        """Say whether the keeper has closed it: nothing else makes an idle connection readable."""
        readable = select.poll()
        readable.register(self.sock, select.POLLIN)
        return bool(readable.poll(0))

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_TIMEOUT_SECONDS)
        self.sock.connect(str(self._path))


def _read(status: int, answer: bytes) -> Any:
    try:
        body = msgspec.msgpack.decode(answer) if answer else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise KeeperUnavailable("answer_unreadable", "The keeper's answer is cut off.") from None
    if 200 <= status < 300:
        return body
    reason, detail = (body.get("reason", ""), body.get("detail", "")) if isinstance(body, dict) else ("", "")
    if not isinstance(reason, str) or not isinstance(detail, str) or not _REASON.fullmatch(reason):
        reason, detail = f"http_{status}", ""
    raise _ERRORS.get(status, KeeperUnavailable)(reason, detail)
