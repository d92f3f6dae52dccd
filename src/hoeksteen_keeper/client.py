"""
The client of the keeper: HTTP over its Unix socket, bodies in MessagePack.

A service (or a person with a key of their own) proves who it is by an Ed25519 signature over a fresh assertion, and gets
a short token. Calls made for a person carry that person's token beside it: the person is the actor, the service the medium.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from hoeksteen_keeper._link import Link, assertion, load_key
from hoeksteen_keeper.errors import KeeperCorrupt, KeeperError, KeeperInvalid, KeeperRefused, KeeperUnavailable

__all__ = [
    "Hit", "KeeperClient", "KeeperCorrupt", "KeeperError", "KeeperInvalid", "KeeperRefused", "KeeperUnavailable", "Revealed", "SealItem", "Session",
    "Term", "assertion", "load_key",
]  # fmt: skip

ITEMS_MAX = 10_000
RECORDS_MAX = 1 << 18
_A = TypeVar("_A")


@dataclass(frozen=True, slots=True)
class Term:
    """
    A value to find the subject by.

    :param ref: handed back with a hit, such as a resource_id or customer_id
    """

    value: str
    ref: UUID | None = None


@dataclass(frozen=True, slots=True)
class SealItem:
    """
    The fields of one subject in one category.

    :param terms: per blind index the terms that replace all of this subject's terms in that index
    """

    subject: UUID
    fields: Mapping[str, Any]
    terms: Mapping[str, Sequence[Term]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Revealed:
    subject: UUID
    fields: dict[str, Any]
    masked: bool


@dataclass(frozen=True, slots=True)
class Hit:
    subject: UUID
    ref: UUID | None


@dataclass(frozen=True, slots=True)
class Session:
    """
    Whose token it is.

    :param subject: the person that a data subject's log-in is bound to
    """

    actor: str
    name: str
    organisation: str
    roles: tuple[str, ...]
    token: str
    expires_at: datetime
    subject: UUID | None


class KeeperClient:
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

    def close(self) -> None:
        """Close every connection."""
        self._link.close()

    def as_actor(self, token: str) -> "KeeperClient":
        """Give a client on the same connections whose calls a person makes."""
        other = KeeperClient.__new__(KeeperClient)
        other._link, other._token = self._link, token
        return other

    # --- the vault

    def seal(self, *, purpose: str, category: str, items: Sequence[SealItem], grant: str | None = None) -> list[bytes]:
        """
        Seal one category of many subjects and give one blob per item, in order.

        :raises KeeperRefused: when the actor may not write this category for this purpose, or a subject's category was shredded
        """
        blobs: list[bytes] = []
        for part in _parts(items, ITEMS_MAX):
            indexes: dict[str, list[Any]] = {}
            for position, item in enumerate(part):
                for index, terms in item.terms.items():
                    indexes.setdefault(index, []).append([position, [[term.value, term.ref.bytes if term.ref else None] for term in terms]])
            blobs += self._call("seal", {
                "purpose": purpose, "category": category, "grant": grant, "indexes": indexes,
                "subjects": b"".join(item.subject.bytes for item in part), "fields": [item.fields for item in part],
            })  # fmt: skip
        return blobs

    def reveal(
        self, *, purpose: str, category: str, items: Sequence[tuple[UUID, bytes]], grant: str | None = None,
        context: Mapping[str, str | bool] | None = None,
    ) -> list[Revealed]:  # fmt: skip
        """
        Open one category of many subjects, masked where the policy says so; the log entry is durable before anything is opened.

        :param context: what the caller asserts: `customer_on_the_line` (bool), `ticket` (str)
        :raises KeeperRefused: with the reason; then nothing of the batch is opened
        :raises KeeperInvalid: when a blob does not belong to its subject and category
        """
        revealed: list[Revealed] = []
        for part in _parts(items, ITEMS_MAX):
            answer = self._call("reveal", {
                "purpose": purpose, "category": category, "grant": grant, "context": context or {},
                "subjects": b"".join(subject.bytes for subject, _ in part), "blobs": [blob for _, blob in part],
            })  # fmt: skip
            revealed += [Revealed(subject, fields, answer["masked"]) for (subject, _), fields in zip(part, answer["fields"], strict=True)]
        return revealed

    def search(
        self, *, purpose: str, index: str, value: str, context: Mapping[str, str | bool] | None = None, grant: str | None = None, limit: int = 50
    ) -> list[Hit]:
        """
        Find subjects by one value in a blind index.

        :raises KeeperRefused: without the permission, or past the limit
        """
        body = {"purpose": purpose, "index": index, "values": [value], "context": context or {}, "grant": grant, "limit": limit}
        return _hits(self._call("search", body)[0])

    def lookup(self, *, purpose: str, index: str, values: Sequence[str], grant: str | None = None) -> list[list[Hit]]:
        """Find the subjects of many values at once, in their order; a service's call, under its standing grant."""
        found: list[list[Hit]] = []
        for part in _parts(values, ITEMS_MAX):
            answer = self._call("search", {"purpose": purpose, "index": index, "values": part, "context": {}, "grant": grant, "limit": ITEMS_MAX})
            found += [_hits(hits) for hits in answer]
        return found

    def shred(self, *, subject: UUID, category: str | None, reason: str) -> None:
        """
        Destroy the keys of a subject's category, or of all its categories, for ever.

        :param reason: for the log; it never names a person
        :raises KeeperRefused: without the permission
        """
        self._call("shred", {"subject": subject.bytes, "category": category, "reason": reason})

    def traffic_seal(self, *, month: str, column: str, records: bytes, subjects: bytes, values: bytes, grant: str | None = None) -> bytes:
        """
        Seal one column of traffic records under the key of their month.

        :param month: `YYYY-MM`
        :param records: 16-byte record ids, concatenated
        :param subjects: for each the 16 bytes of the only subject it will be opened for; zeros where nobody is known yet
        :param values: little-endian unsigned 64-bit integers, concatenated
        :returns: 24 bytes per record, concatenated
        """
        shared = {"month": month, "column": column, "grant": grant}
        return b"".join(
            self._call(
                "traffic/seal",
                {**shared, "records": records[a * 16 : b * 16], "subjects": subjects[a * 16 : b * 16], "values": values[a * 8 : b * 8]},
            )
            for a, b in _slices(len(records) // 16)
        )

    def traffic_open(
        self, *, purpose: str, month: str, column: str, records: bytes, blocks: bytes, subject: UUID,
        grant: str | None = None, context: Mapping[str, str | bool] | None = None,
    ) -> bytes:  # fmt: skip
        """
        Open one column of one subject's traffic records: little-endian unsigned 64-bit integers, concatenated.

        :raises KeeperInvalid: when a block does not belong to its record, subject and column
        :raises KeeperRefused: without the permission, or when the subject or the month's key is gone
        """
        shared = {"purpose": purpose, "month": month, "column": column, "subject": subject.bytes, "grant": grant, "context": context or {}}
        return b"".join(
            self._call("traffic/open", {**shared, "records": records[a * 16 : b * 16], "blocks": blocks[a * 24 : b * 24]})
            for a, b in _slices(len(records) // 16)
        )

    def deduplication_tokens(self, *, month: str, values: bytes, grant: str | None = None) -> bytes:
        """
        Give a 16-byte token per value: equal within a month for equal values, and nothing without the keeper's key.

        :param values: little-endian unsigned 64-bit integers, concatenated
        """
        parts = _slices(len(values) // 8)
        return b"".join(self._call("traffic/tokens", {"month": month, "values": values[a * 8 : b * 8], "grant": grant}) for a, b in parts)

    # --- evidence

    def did_see(
        self, *, subject: UUID | None = None, actor: str | None = None, organisation: str | None = None,
        since: datetime | None = None, until: datetime | None = None,
    ) -> list[dict[str, Any]]:  # fmt: skip
        """
        Give every entry about a subject, an actor or an organisation in a period, complete and in order.

        :returns: dictionaries of index, time, actor, name, organisation, country, action, category, purpose, grant, ticket, outcome, masked, count
        """
        body = {"subject": subject.bytes if subject else None, "actor": actor, "organisation": organisation, "since": since, "until": until}
        return [{**entry, "time": datetime.fromisoformat(entry["time"])} for entry in self._call("did-see", body)]

    def could_see(self, *, subject: UUID, at: datetime | None = None) -> dict[str, Any]:
        """
        Give everybody who could have seen a subject at an instant, and through what.

        :returns: `at`, `actors` (actor, name, organisation, country, categories, purpose, because, masked, ceiling_per_hour, ceiling_per_day,
            grant), `findings`
        """
        return dict(self._call("could-see", {"subject": subject.bytes, "at": at}))

    def export_bundle(self, *, subject: UUID, since: datetime | None = None, until: datetime | None = None) -> bytes:
        """Give an evidence bundle about a subject, to be checked offline by `hoeksteen-verify`."""
        return bytes(self._call("export", {"subject": subject.bytes, "since": since, "until": until}))

    def checkpoint(self) -> bytes:
        """Give a signed note over everything that the log holds."""
        return bytes(self._call("checkpoint", {}))

    def fsck(self) -> dict[str, Any]:
        """Have the keeper recompute its whole log, and give the report."""
        return dict(self._call("fsck", {}))

    # --- grants

    def request_grant(
        self, *, purpose: str, categories: Sequence[str], subjects: Sequence[UUID] | None, ticket: str, minutes: int,
        unmasked: bool = False, subjects_max: int | None = None, per_hour: int | None = None, per_day: int | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """
        Ask for a grant as the actor of this client; two people of the operator must approve it.

        :param subjects: whose data; None for anybody's, which needs `subjects_max`
        :param per_hour: openings, as `per_day`; without them a person gets 120 and 600, a service `subjects_max`
        :returns: the grant: id, state, asker, organisation, purpose, categories, ticket, digest, canonical, approvals, valid_from, valid_to, ...
        """
        return dict(self._call("grants/request", {
            "purpose": purpose, "categories": list(categories), "subjects": None if subjects is None else [subject.bytes for subject in subjects],
            "ticket": ticket, "minutes": minutes, "unmasked": unmasked, "subjects_max": subjects_max,
            "per_hour": per_hour, "per_day": per_day,
        }))  # fmt: skip

    def grants(self, *, state: str | None = None) -> list[dict[str, Any]]:
        """
        Give the grants that the actor may see, newest first: all of them for approvers, otherwise the actor's own.

        :param state: `requested`, `running`, `refused`, `revoked` or `expired`
        """
        return list(self._call("grants/list", {"state": state}))

    def grant(self, *, grant: str) -> dict[str, Any]:
        """Give one grant; `canonical` is what approvers sign the SHA-256 of."""
        return dict(self._call("grants/show", {"grant": grant}))

    def approve_grant(self, *, grant: str, digest: str, key_path: Path | None = None) -> dict[str, Any]:
        """
        Approve a grant by signing the SHA-256 digest of its canonical form with a key that the approver holds.

        :param digest: hexadecimal, of the canonical grant that the approver has read
        :param key_path: the approver's Ed25519 key; None for the key of this client
        :raises KeeperRefused: when the approver is the asker, not of the operator, or the key is not theirs
        """
        signature = load_key(key_path or self._link.key_path).sign(bytes.fromhex(digest))
        return dict(self._call("grants/approve", {"grant": grant, "digest": bytes.fromhex(digest), "signature": signature}))

    def refuse_grant(self, *, grant: str, reason: str) -> dict[str, Any]:
        """Refuse a grant that was asked for."""
        return dict(self._call("grants/refuse", {"grant": grant, "reason": reason}))

    def revoke_grant(self, *, grant: str, reason: str) -> dict[str, Any]:
        """End a running grant at once."""
        return dict(self._call("grants/revoke", {"grant": grant, "reason": reason}))

    def kill(self, *, scope: str, target: str, reason: str) -> None:
        """
        Stop a session, an actor or an organisation, from the next request on.

        :param scope: `session`, `actor` or `organisation`
        :param target: the token's id, the actor or the organisation
        """
        self._call("kill", {"scope": scope, "target": target, "reason": reason})

    def add_data_subject(self, *, actor: str, name: str, subject: UUID, password: str, totp_secret: str) -> None:
        """
        Prepare a customer's log-in that is bound to their own data; it works once a second person confirms it.

        :param actor: the log-in name; like `name` it stands in the log, so a pseudonym such as a customer number, never a person's name
        """
        body = {"actor": actor, "name": name, "subject": subject.bytes, "password": password, "totp_secret": totp_secret}
        self._call("actors/data-subject", body)

    def confirm_actor(self, *, actor: str) -> None:
        """
        Let a customer log in whom another person added.

        :raises KeeperRefused: `same_person`
        """
        self._call("actors/confirm", {"actor": actor})

    def destroy_month(self, *, month: str) -> int:
        """Destroy the keys of a month's traffic data (`YYYY-MM`) for ever, and give how many there were."""
        return int(self._call("traffic/destroy", {"month": month}))

    def passkey_ticket(self) -> str:
        """Give the one-time code with which a person who proves a key registers a passkey beside it."""
        return str(self._call("passkey-ticket", {}))

    # --- sessions

    def login_url(self, *, return_to: str, state: str) -> str:
        """
        Give the keeper's log-in page, to which the browser is sent.

        :param return_to: a page of an origin that is allow-listed for this service; it receives `code` and `state`
        """
        return f"{self._link.origin()}/login?{urlencode({'service': self._link.service, 'return_to': return_to, 'state': state})}"

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

    def _call(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._link.call(path, body, self._token)


def _session(answer: Mapping[str, Any]) -> Session:
    subject = answer["subject"]
    return Session(
        answer["actor"], answer["name"], answer["organisation"], tuple(answer["roles"]), answer["token"], answer["expires_at"],
        UUID(bytes=subject) if subject else None,
    )  # fmt: skip


def _hits(pairs: Sequence[tuple[bytes, bytes | None]]) -> list[Hit]:
    return [Hit(UUID(bytes=subject), UUID(bytes=ref) if ref else None) for subject, ref in pairs]


def _parts(items: Sequence[_A], size: int) -> list[Sequence[_A]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _slices(count: int) -> list[tuple[int, int]]:
    return [(start, min(start + RECORDS_MAX, count)) for start in range(0, count, RECORDS_MAX)]
