"""
The client of the keeper: HTTP over its Unix socket, bodies in MessagePack.

A service (or a person with a key of their own) proves who it is by an Ed25519 signature over a fresh assertion, and gets
a short token. Calls made for a person carry that person's token beside it: the person is the actor, the service the medium.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from hoeksteen_keeper._link import Link, assertion, load_key
from hoeksteen_keeper.client.control import ControlCalls
from hoeksteen_keeper.client.evidence import EvidenceCalls
from hoeksteen_keeper.client.shapes import Found, Hit, Revealed, SealItem, Session, Term
from hoeksteen_keeper.client.vault import VaultCalls
from hoeksteen_keeper.errors import KeeperCorrupt, KeeperError, KeeperInvalid, KeeperRefused, KeeperUnavailable

__all__ = [
    "Found", "Hit", "KeeperClient", "KeeperCorrupt", "KeeperError", "KeeperInvalid", "KeeperRefused", "KeeperUnavailable", "Revealed", "SealItem",
    "Session", "Term", "assertion", "load_key",
]  # fmt: skip


class KeeperClient(VaultCalls, EvidenceCalls, ControlCalls):
    """
    Speak to the keeper as one service, or as one person who holds a key. Thread-safe; a context manager.

    :param service: the actor whose key is in `key_path`
    :raises KeeperUnavailable: by every call, when the keeper does not answer; no call is ever made twice
    :raises KeeperCorrupt: by every call, when the keeper itself broke
    """

    def __init__(self, *, socket_path: Path, service: str, key_path: Path) -> None:
        self._link = Link(socket_path, service, key_path)
        self._token = ""

    def __enter__(self) -> "KeeperClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[object, ...]:
        """Another process that is given it opens connections of its own, as the same service and for the same person."""
        return _again, (self._link.socket_path, self._link.service, self._link.key_path, self._token, self._within)

    def close(self) -> None:
        """Close every connection."""
        self._link.close()

    def as_actor(self, token: str) -> "KeeperClient":
        """Give a client on the same connections whose calls a person makes."""
        other = KeeperClient.__new__(KeeperClient)
        other._link, other._token, other._within = self._link, token, self._within
        return other

    def within(self, *, grant: str | None, reference: str) -> "KeeperClient":
        """
        Give a client on the same connections whose calls are part of one piece of work: the entries of its calls name it.

        :param grant: used where a call names none
        :param reference: letters, digits, dots and dashes, at most 64; `did_see` gives it back
        """
        other = self.as_actor(self._token)
        other._within = (grant, reference)
        return other

    def login_url(self, *, return_to: str, state: str) -> str:
        """
        Give the keeper's log-in page, to which the browser is sent.

        :param return_to: a page of an origin that is allow-listed for this service; it receives `code` and `state`
        """
        return f"{self._link.origin()}/login?{urlencode({'service': self._link.service, 'return_to': return_to, 'state': state})}"

    def step_up_url(self, *, return_to: str, state: str) -> str:
        """Give the keeper's page that asks for a passkey afresh, as `login_url`; without that, what cannot be undone is refused: `step_up_needed`."""
        return f"{self._link.origin()}/step-up?{urlencode({'service': self._link.service, 'return_to': return_to, 'state': state})}"

    def exchange(self, *, code: str) -> Session:
        """
        Exchange the one-time code of the redirect for a short token that is bound to this service.

        :raises KeeperRefused: `code_invalid`, when it was used, is too old or was issued to another service
        """
        return _session(self._call("sessions/exchange", {"code": code}))

    def session(self, token: str) -> Session:
        """
        Tell whose token this is.

        :raises KeeperRefused: `token_expired`, `session_killed`, `actor_blocked` or `organisation_blocked`
        """
        return _session(self._call("sessions/show", {"token": token}))

    def logout(self, token: str) -> None:
        """End the session of this token."""
        self._call("sessions/close", {"token": token})


def _again(socket_path: Path, service: str, key_path: Path, token: str, within: tuple[str | None, str]) -> KeeperClient:
    made = KeeperClient(socket_path=socket_path, service=service, key_path=key_path).as_actor(token)
    made._within = within
    return made


def _session(answer: Mapping[str, Any]) -> Session:
    subject = answer["subject"]
    return Session(
        answer["actor"], answer["name"], answer["organisation"], tuple(answer["roles"]), answer["token"], answer["expires_at"],
        UUID(bytes=subject) if subject else None,
    )  # fmt: skip
