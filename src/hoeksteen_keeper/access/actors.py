"""
Organisations, people, services and data subjects: who they are, the keys they hold, and how they are stopped.

The tables find an actor; what the log says of them decides, so that whoever writes the tables makes nobody more than they are.
"""

import base64
import binascii
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hoeksteen_keeper.access.model import KINDS, ROLES, Actor, Organisation
from hoeksteen_keeper.errors import KeeperCorrupt, KeeperInvalid, KeeperRefused
from hoeksteen_keeper.evidence.log import Log
from hoeksteen_keeper.evidence.model import Event
from hoeksteen_keeper.evidence.replay import StateAt, standing
from hoeksteen_keeper.store.database import Connection, Store
from hoeksteen_keeper.vault.keys import Keys

ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Passkey:
    key: str
    actor: str
    credential: bytes
    public_key: bytes
    sign_count: int


class Actors:
    """
    Keep who may ask.

    Every change is an entry in the log before it takes effect.
    """

    def __init__(self, *, store: Store, keys: Keys, log: Log, now: Callable[[], datetime], random_bytes: Callable[[int], bytes]) -> None:
        self._store, self._keys, self._log, self._now, self._random_bytes = store, keys, log, now, random_bytes

    def names(self) -> set[str]:
        """Give the names of every organisation and actor."""
        return {name for (name,) in self._store.rows("SELECT organisation FROM access.organisation UNION ALL SELECT actor FROM access.actor")}

    def add_organisation(self, organisation: Organisation) -> None:
        """Add an organisation; exactly one is the operator."""
        detail = {
            "organisation": organisation.organisation,
            "name": organisation.name,
            "country": organisation.country,
            "operator": organisation.operator,
        }
        with self._store.transaction() as tx:
            tx.execute(
                "INSERT INTO access.organisation (organisation, name, country, operator) VALUES (%s, %s, %s, %s)",
                (organisation.organisation, organisation.name, organisation.country, organisation.operator),
            )
            self._log.append([Event(kind="organisation", organisation=organisation.organisation, action="add", detail=detail)])

    def add(
        self, actor: Actor, *, password_hash: str | None = None, totp_secret: bytes | None = None, by: str = "", confirmed: bool = True
    ) -> None:  # fmt: skip
        """
        Add an actor.

        :param by: who adds it; empty for the bootstrap
        :param confirmed: False where a second person must `confirm` it before anybody logs in
        :raises KeeperInvalid: when the name is taken, or a role or kind does not exist
        """
        if set(actor.roles) - ROLES:
            raise KeeperInvalid("unknown_role", f"There is no such role; there are {', '.join(sorted(ROLES))}.")
        if actor.kind not in KINDS or (actor.kind == "data_subject") != (actor.subject is not None):
            raise KeeperInvalid("actor_invalid", "A data subject, and nobody else, is bound to a subject.")
        sealed_totp = self._seal_totp(actor.actor, totp_secret) if totp_secret else None
        with self._store.transaction() as tx:
            done = tx.execute(
                "INSERT INTO access.actor (actor, name, organisation, kind, roles, subject, password_hash, totp, origins, asked_by) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                (
                    actor.actor, actor.name, actor.organisation.organisation, actor.kind, list(actor.roles), actor.subject, password_hash,
                    sealed_totp,
                    list(actor.origins), None if confirmed else by,
                ),
            )  # fmt: skip
            if done.rowcount == 0:
                raise KeeperInvalid("actor_exists", "There is, or was, an actor of that name already. Choose another name.")
            self._log.append([_actor_event(actor, by=by) if confirmed else _actor_event(actor, "request_log_in", "requested", by)])

    def confirm(self, name: str, *, by: str) -> None:
        """
        Let somebody whom one person added log in, as the second person; another log-in of the same data subject ends.

        :raises KeeperInvalid: when nobody of that name waits
        :raises KeeperRefused: `same_person`
        """
        with self._store.transaction() as tx:
            tx.execute("SELECT 1 FROM access.actor WHERE actor = %s FOR UPDATE", [name])
            state = standing(self._log)
            asked = state.told("actor", name)
            if asked is None or asked.detail["status"] != "requested" or ("actor", name) in state.stopped:
                raise KeeperInvalid("unknown_actor", "Nobody of that name waits for a second person.")
            waiting = self.find(name)
            if asked.by == by:
                self._log.append([_actor_event(waiting, "confirm_log_in", "requested", by, outcome="refused")])
                raise KeeperRefused("same_person", "You added this log-in; a second person must confirm it.")
            for older in _active_log_ins(state, waiting):
                self._stop(tx, "actor", older, by=by, organisation=self.operator().organisation, reason=f"replaced by {name}")
            tx.execute("UPDATE access.actor SET asked_by = NULL WHERE actor = %s", [name])
            self._log.append([_actor_event(self.find(name), "confirm_log_in", "active", by)])

    def status(self, name: str) -> str:
        """Give what the log says of an actor: `requested`, `active` or `ended`; nothing of one whom it does not know."""
        told = standing(self._log).told("actor", name)
        return str(told.detail["status"]) if told else ""

    def signers(self) -> list[Actor]:
        """Give the people of the operator who are not stopped and hold a key."""
        state = standing(self._log)
        people = [actor_at(state, name) for name, told in state.actors.items() if told["kind"] == "person" and state.keys_of(name)]
        return [one for one in people if one and one.organisation.operator and not stopped(state, one)]

    def end(self, name: str) -> None:
        """Let an actor leave for good: it is blocked, its sessions end, its keys and passkeys are revoked."""
        actor, keys = self.find(name), self.keys(name)
        revoked = [Event(kind="key", action="revoke_key", detail={"event": "revoked", "key": key, "holder": name}) for key in keys]
        with self._store.transaction() as tx:
            self._log.append([_actor_event(actor, "end", ENDED), *revoked])
            self._end(tx, name)

    def set_roles(self, name: str, roles: Sequence[str]) -> None:
        """Give a person other roles; who is logged in has them from the next request on."""
        actor = replace(self.find(name), roles=tuple(roles))
        with self._store.transaction() as tx:
            self._log.append([_actor_event(actor, "set_roles")])
            tx.execute(_SET_ROLES, (list(roles), name))

    def end_again(self, names: Collection[str]) -> None:
        """End again who the log says has left for good, where the store has lost it."""
        with self._store.transaction() as tx:
            for name in names:
                self._end(tx, name)

    def give_again(self, roles: Mapping[str, Sequence[str]]) -> None:
        """Give people the roles that the log says they have, where the store has lost it."""
        with self._store.transaction() as tx:
            held = dict(tx.execute("SELECT actor, roles FROM access.actor WHERE kind = 'person'").fetchall())
            for name in [name for name in held if name in roles and set(held[name]) != set(roles[name])]:
                tx.execute(_SET_ROLES, (list(roles[name]), name))

    def _end(self, tx: Connection, name: str) -> None:
        for statement in (*_KILLS["actor"], _REVOKE_KEYS):
            tx.execute(statement, {"target": name, "now": self._now(), "by": "kill:end"})

    def stop_again(self, kills: Sequence[tuple[str, str, str]]) -> None:
        """Apply kills that the log holds and the store may have lost: (scope, target, by)."""
        with self._store.transaction() as tx:
            for scope, target, by in kills:
                for statement in _KILLS[scope]:
                    tx.execute(statement, {"target": target, "now": self._now(), "by": f"kill:{by}"})

    def find(self, actor: str) -> Actor:
        """:raises KeeperInvalid: when there is no such actor"""
        row = self._store.row("SELECT actor, subject FROM access.actor WHERE actor = %s", [actor])
        found = actor_at(standing(self._log), *row) if row else None
        if found is None:
            raise KeeperInvalid("unknown_actor", "There is no such actor.")
        return found

    def require_open(self, actor: Actor) -> Actor:
        """:raises KeeperRefused: `organisation_blocked` or `actor_blocked`, when they were stopped, or wait for a second person"""
        if refused := stopped(standing(self._log), actor):
            raise refused
        return actor

    def organisation(self, name: str) -> Organisation:
        """:raises KeeperInvalid: when there is no such organisation"""
        found = organisation_at(standing(self._log), name)
        if found is None:
            raise KeeperInvalid("unknown_target", "There is no such organisation.")
        return found

    def operator(self) -> Organisation:
        """
        Give the organisation that runs this keeper.

        :raises KeeperInvalid: before the bootstrap
        """
        names = [name for name, told in standing(self._log).organisations.items() if told["operator"]]
        if not names:
            raise KeeperInvalid("not_bootstrapped", "The keeper knows nobody yet. Run `hoeksteen-keeper bootstrap FILE.yaml`.")
        return self.organisation(names[0])

    # --- keys that people and services hold

    def add_key(self, actor: str, *, public_key: bytes) -> str:
        """Add an Ed25519 public key (32 bytes) of an actor and give its name."""
        try:
            Ed25519PublicKey.from_public_bytes(public_key)
        except ValueError as error:
            raise KeeperInvalid("key_invalid", "The public key is no Ed25519 key.") from error
        return self._add_key(actor, "ed25519", public_key, None, 0)

    def refuse_shared(self, public_key: bytes) -> None:
        """:raises KeeperInvalid: `key_shared`, when somebody holds this key already"""
        if self._store.rows("SELECT 1 FROM access.key WHERE public_key = %s", [public_key]):
            raise KeeperInvalid("key_shared", "Somebody holds this key already; a key belongs to one actor.")

    def add_passkey(self, actor: str, *, credential: bytes, public_key: bytes, sign_count: int) -> str:
        """Add a passkey of an actor and give its name."""
        return self._add_key(actor, "passkey", public_key, credential, sign_count)

    def ed25519_keys(self, actor: str) -> list[tuple[str, Ed25519PublicKey]]:
        """Give the Ed25519 keys that an actor holds, by name."""
        held = standing(self._log).keys_of(actor).items()
        return [(key, Ed25519PublicKey.from_public_bytes(base64.b64decode(public))) for key, public in held if key.startswith("ed25519:")]

    def passkeys(self, actor: str) -> list[Passkey]:
        """Give the passkeys that an actor holds."""
        rows = self._store.rows(f"SELECT {_PASSKEY} FROM access.key WHERE actor = %s AND kind = 'passkey' AND revoked_at IS NULL", [actor])
        return [passkey for row in rows if (passkey := self._held(Passkey(*row)))]

    def keys(self, actor: str) -> list[str]:
        """Give the names of all keys that an actor holds, the oldest first."""
        return list(standing(self._log).keys_of(actor))

    def passkey(self, credential: bytes) -> Passkey | None:
        """Give the passkey with this credential id, whoever holds it."""
        row = self._store.row(f"SELECT {_PASSKEY} FROM access.key WHERE credential = %s AND kind = 'passkey' AND revoked_at IS NULL", [credential])
        return self._held(Passkey(*row)) if row else None

    def _held(self, passkey: Passkey) -> Passkey | None:
        """Give a passkey back if the log says so too."""
        public = standing(self._log).keys_of(passkey.actor).get(passkey.key)
        return passkey if public == base64.b64encode(passkey.public_key).decode() else None

    def count_passkey(self, key: str, sign_count: int) -> None:
        """Remember how often a passkey signed, so that a copy of it is noticed."""
        with self._store.transaction() as tx:
            tx.execute("UPDATE access.key SET sign_count = %s WHERE key = %s", (sign_count, key))

    # --- who logs in at an identity provider; only the log holds it

    def links(self) -> Mapping[tuple[str, str], str]:
        """Give the actors to whom those are linked whom an issuer names: by issuer and subject."""
        return standing(self._log).links

    def link(self, event: str, *, actor: str, issuer: str, subject: str) -> None:
        """
        Link whom an issuer names to an actor, or take that back.

        :param event: `linked` or `unlinked`
        """
        detail = {"event": event, "holder": actor, "issuer": issuer, "subject": subject}
        self._log.append([Event(kind="key", action=event, detail=detail)])

    # --- the kill switch

    def kill(self, *, scope: str, target: str, by: str, organisation: str, reason: str) -> None:
        """
        Stop a session, an actor or an organisation; it takes effect at the next request, whoever serves it.

        :param scope: `session`, `actor` or `organisation`
        :raises KeeperInvalid: when there is no such target
        :raises KeeperRefused: `operator_kept`, when the target is the operator itself
        """
        state = standing(self._log)  # not the tables, where a target could hide; any session may be named, for a row of it could come back
        if scope not in _KILLS or not (_is_uuid(target) if scope == "session" else state.told(scope, target)):
            raise KeeperInvalid("unknown_target", "There is no such session, actor or organisation.")
        if scope == "organisation" and (of := organisation_at(state, target)) and of.operator:
            raise KeeperRefused("operator_kept", "Stopping the operator itself would stop those who stop others; stop the keeper instead.")
        with self._store.transaction() as tx:
            self._stop(tx, scope, target, by=by, organisation=organisation, reason=reason)

    def _stop(self, tx: Connection, scope: str, target: str, *, by: str, organisation: str, reason: str) -> None:
        detail = {"scope": scope, "target": target, "reason": reason[:200]}
        self._log.append([Event(kind="kill", actor=by, organisation=organisation, action="kill", detail=detail)])
        for statement in _KILLS[scope]:
            tx.execute(statement, {"target": target, "now": self._now(), "by": f"kill:{by}"})

    # --- secrets

    def totp(self, actor: str, sealed: bytes) -> bytes:
        """Give an actor's TOTP secret."""
        try:
            return AESGCM(self.secret("totp")).decrypt(sealed[:12], sealed[12:], actor.encode())
        except (InvalidTag, ValueError):
            raise KeeperCorrupt("secret_changed", "A secret for one-time codes was moved or changed in the keeper's database.") from None

    def secret(self, name: str) -> bytes:
        """Give one of the keeper's own keys."""
        return self._keys.named(f"secret:{name}", make=True)

    def _seal_totp(self, actor: str, secret: bytes) -> bytes:
        nonce = self._random_bytes(12)
        return nonce + AESGCM(self.secret("totp")).encrypt(nonce, secret, actor.encode())

    def _add_key(self, actor: str, kind: str, public_key: bytes, credential: bytes | None, sign_count: int) -> str:
        key = key_name(kind, public_key)
        detail = {"event": "added", "key": key, "holder": actor, "public_key": base64.b64encode(public_key).decode()}
        with self._store.transaction() as tx:
            done = tx.execute(
                "INSERT INTO access.key (key, actor, kind, public_key, credential, sign_count, added_at) VALUES (%s, %s, %s, %s, %s, %s, %s) "
                "ON CONFLICT DO NOTHING",
                (key, actor, kind, public_key, credential, sign_count, self._now()),
            )
            if done.rowcount == 0:
                raise KeeperInvalid("key_shared", "Somebody holds this key already; a key belongs to one actor.")
            self._log.append([Event(kind="key", actor=actor, action="add_key", detail=detail)])
        return key


def actor_at(state: StateAt, name: str, subject: UUID | None = None) -> Actor | None:
    """
    Give an actor as the log says they were, or None where it knows no such actor.

    :param subject: whose log-in it is, as the tables say: the log holds a tag, which must be theirs
    """
    told = state.told("actor", name)
    of = organisation_at(state, str(told.detail["organisation"])) if told else None
    if told is None or of is None or (subject is not None and not state.actor_is(name, subject)):
        return None
    return Actor(
        name, str(told.detail["name"]), of, str(told.detail["kind"]), tuple(told.detail["roles"]), subject, tuple(told.detail.get("origins", ()))
    )


def organisation_at(state: StateAt, name: str) -> Organisation | None:
    """Give an organisation as the log says it was, or None."""
    told = state.told("organisation", name)
    return Organisation(name, str(told.detail["name"]), str(told.detail["country"]), bool(told.detail["operator"])) if told else None


def _active_log_ins(state: StateAt, waiting: Actor) -> list[str]:
    """Name the other log-ins of the same data subject that work."""
    assert waiting.subject is not None
    return [
        name for name, told in state.actors.items()
        if told["kind"] == "data_subject" and told["status"] == "active" and name != waiting.actor and ("actor", name) not in state.stopped
        and state.actor_is(name, waiting.subject)
    ]  # fmt: skip


def stopped(state: StateAt, actor: Actor) -> KeeperRefused | None:
    """Give the refusal where an actor was stopped, left for good, or waits for a second person; None where they may go on."""
    if ("organisation", actor.organisation.organisation) in state.stopped:
        return KeeperRefused("organisation_blocked", "The organisation was stopped.")
    told = state.told("actor", actor.actor)
    if told is None or told.detail["status"] != "active" or ("actor", actor.actor) in state.stopped:
        return KeeperRefused("actor_blocked", "The actor was stopped, or waits for a second person's confirmation.")
    return None


def key_name(kind: str, public_key: bytes) -> str:
    """Give what a key is called, by its fingerprint."""
    return f"{kind}:{sha256(public_key).hexdigest()[:24]}"


def public_key_from_text(text: str) -> bytes:
    """
    Read a public key as `keygen` prints it: base 64 of 32 bytes.

    :raises KeeperInvalid: when it is not
    """
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise KeeperInvalid("key_invalid", "A public key is written in base 64, as `hoeksteen-keeper keygen` prints it.") from error
    if len(key) != 32:
        raise KeeperInvalid("key_invalid", f"An Ed25519 public key has 32 bytes, not {len(key)}.")
    return key


def _actor_event(actor: Actor, action: str = "add", status: str = "active", by: str = "", *, outcome: str = "allowed") -> Event:
    detail = {
        "actor": actor.actor, "name": actor.name, "organisation": actor.organisation.organisation, "roles": list(actor.roles),
        "kind": actor.kind, "status": status, **({"origins": list(actor.origins)} if actor.origins else {}),
    }  # fmt: skip
    subjects = (actor.subject,) if actor.subject else ()  # a customer sees who gave them a log-in, and its organisation
    organisation = actor.organisation.organisation
    return Event(kind="actor", actor=by, organisation=organisation, action=action, subjects=subjects, outcome=outcome, detail=detail)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


_PASSKEY = "key, actor, credential, public_key, sign_count"
_SET_ROLES = "UPDATE access.actor SET roles = %s WHERE actor = %s"
_REVOKE_KEYS = "UPDATE access.key SET revoked_at = %(now)s WHERE actor = %(target)s AND revoked_at IS NULL"
_END_SESSIONS = "UPDATE access.session SET ended_at = %(now)s, ended_by = %(by)s WHERE ended_at IS NULL AND "
_KILLS: dict[str, tuple[str, ...]] = {
    "session": (f"{_END_SESSIONS} session = %(target)s::uuid",),
    "actor": ("UPDATE access.actor SET blocked_at = coalesce(blocked_at, %(now)s) WHERE actor = %(target)s", f"{_END_SESSIONS} actor = %(target)s"),
    "organisation": (
        "UPDATE access.organisation SET blocked_at = coalesce(blocked_at, %(now)s) WHERE organisation = %(target)s",
        f"{_END_SESSIONS} actor IN (SELECT actor FROM access.actor WHERE organisation = %(target)s)",
    ),
}
