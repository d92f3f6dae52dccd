"""
Log-ins and the short opaque tokens that follow from them.

A token is 32 random bytes; the store holds its SHA-256 only. It is bound to the service it was issued to: carried by another service it is
refused. Whether its actor, organisation or session was stopped is read anew at each request, off the log. What the store holds of a session or a
one-time code is sealed with a key of the keeper's own, so that nobody logs in by writing there.
"""

import base64
import hmac
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidSignature

from hoeksteen_keeper._link import assertion
from hoeksteen_keeper.access.actors import Actors, actor_at, stopped
from hoeksteen_keeper.access.model import Actor, Caller
from hoeksteen_keeper.access.passwords import password_matches, totp_accepted_step
from hoeksteen_keeper.errors import KeeperInvalid, KeeperRefused
from hoeksteen_keeper.evidence.log import Log
from hoeksteen_keeper.evidence.model import Event
from hoeksteen_keeper.evidence.replay import LATEST_FACT, StateAt, standing
from hoeksteen_keeper.store.database import Connection, Store

SERVICE_TOKEN_LASTS = timedelta(minutes=15)
PERSON_TOKEN_LASTS = timedelta(hours=2)
CODE_LASTS = timedelta(seconds=60)
ASSERTION_SKEW = timedelta(seconds=60)
STRONG_LASTS = timedelta(minutes=15)
FAILURES_FREE = 4
LOCK_FIRST, LOCK_LONGEST = timedelta(seconds=30), timedelta(hours=1)
REFUSALS_EVERY = timedelta(seconds=10)
PAGES = "keeper-pages"
PASSKEY_TICKET = "keeper-passkey"


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that was just opened, with the token that only its holder gets."""

    caller: Caller
    token: str


class Sessions:
    """
    Open, recognise and close sessions.

    :param now: what sessions run out by; it never runs backwards
    :param machine: the machine's own clock, which assertions and codes made elsewhere are compared with
    """

    def __init__(
        self, *, store: Store, actors: Actors, log: Log, now: Callable[[], datetime], machine: Callable[[], datetime],
        random_bytes: Callable[[int], bytes],
    ) -> None:  # fmt: skip
        self._store, self._actors, self._log, self._now, self._machine, self._random_bytes = store, actors, log, now, machine, random_bytes
        self._refused: dict[tuple[str, str, str, str], list[Any]] = {}
        self._refused_lock = threading.Lock()

    def prove_key(self, *, actor: str, time: str, nonce: str, signature: bytes) -> Opened:
        """
        Open a session for whoever signs a fresh assertion with a key of that actor.

        :raises KeeperRefused: `assertion_invalid` (wrong key, too old, used before), `actor_blocked` or `organisation_blocked`
        """
        refused = KeeperRefused(
            "assertion_invalid",
            "No key of that actor's made this just now. Use the actor's own key, once for each proof, and set the clock right.",
        )
        if not 16 <= len(nonce) <= 64 or not _close_to(time, self._machine()):
            raise refused
        keys = self._actors.ed25519_keys(actor)
        if not any(_verifies(key, signature, assertion(actor, time, nonce)) for _, key in keys):
            if keys:  # a name that nobody has is not for the log
                self.note_refusal(actor, "prove_key", actor, refused)
            raise refused
        with self._store.transaction() as tx:
            fresh = tx.execute(
                "INSERT INTO access.assertion (nonce, until) VALUES (%s, %s) ON CONFLICT DO NOTHING", (nonce, self._now() + 2 * ASSERTION_SKEW)
            )
            used_before = fresh.rowcount == 0
        if used_before:
            self.note_refusal(actor, "prove_key", actor, refused)
            raise refused
        return self._open(actor, "prove_key", medium=actor, lasts=SERVICE_TOKEN_LASTS, proof="key")

    def log_in(self, *, actor: str, password: str, code: str) -> str:
        """
        Check password and code, and give the actor's name as the keeper knows it.

        After four failures in a row each further one locks the actor out for twice as long, up to an hour.

        :raises KeeperRefused: `login_failed`, which never says what was wrong, `actor_blocked` or `organisation_blocked`
        """
        actor = actor.replace("\0", "\ufffd")  # nobody has that name either, and the database could not be asked
        with self._store.transaction() as tx:
            row = tx.execute(
                "SELECT password_hash, totp, totp_step_last, failures, locked_until FROM access.actor WHERE actor = %s FOR UPDATE", [actor]
            ).fetchone()
            stored, totp, last, failures, locked_until = row or (None, None, 0, 0, None)
            locked = bool(locked_until and locked_until > self._now())  # answered like any failure: it would tell which names exist
            right = password_matches(stored, password) and not locked
            step = totp_accepted_step(self._actors.totp(actor, totp), code, now=self._machine(), after=last) if right and totp else None
            if step is not None:
                self._find(actor, "log_in", PAGES)
                tx.execute("UPDATE access.actor SET failures = 0, locked_until = NULL, totp_step_last = %s WHERE actor = %s", (step, actor))
                return actor
            if row and not locked:
                self._count_failure(tx, actor, failures)
        known = actor if row else ""  # what a stranger typed is not for the log: people type passwords into the wrong field
        raise self.note_refusal(known, "log_in", PAGES, KeeperRefused("login_failed", "Name, password or code is wrong."))

    def log_in_linked(self, *, issuer: str, subject: str, fault: str) -> str:
        """
        Give the actor to whom two officers linked whom an identity provider names; as the log says, whatever the store may hold.

        An answer that is not for this log-in counts as a failure of theirs, as a wrong password does, and who is locked out stays so.

        :param fault: why the answer is not for this log-in, or empty
        :raises KeeperRefused: `not_linked`, `locked_out`, `issuer_answer_invalid`, `actor_blocked` or `organisation_blocked`
        """
        actor = standing(self._log).links.get((issuer, subject), "")
        with self._store.transaction() as tx:
            row = tx.execute("SELECT failures, locked_until FROM access.actor WHERE actor = %s FOR UPDATE", [actor]).fetchone()
            failures, locked_until = row or (0, None)
            if row and locked_until and locked_until > self._now():
                refused = KeeperRefused("locked_out", "Too many log-ins failed one after another; wait, up to an hour.")
            elif row and not fault:
                return self._find(actor, "log_in", PAGES).actor
            elif row:
                self._count_failure(tx, actor, failures)
                refused = KeeperRefused("issuer_answer_invalid", f"The identity provider's answer is not for this log-in: `{fault}` does not fit.")
            else:
                refused = KeeperRefused("not_linked", "Nobody here is linked to whom the identity provider names; two officers do that.")
        raise self.note_refusal(actor, "log_in", PAGES, refused)

    def admit(self, actor: str) -> str:
        """
        Give the name of somebody who has proven who they are in another way than by password, if they may log in.

        :raises KeeperRefused: `actor_blocked` or `organisation_blocked`
        """
        return self._find(actor, "log_in", PAGES).actor

    def issue_code(self, *, actor: str, service: str, proof: str) -> str:
        """
        Give a code that this service alone can exchange for a token, once, within a minute.

        :param proof: by what the actor has proven who they are: `password`, `passkey`, `key`, `oidc`, or
            `oidc_strong` where the operator counts that log-in as a fresh proof
        """
        code = self._secret()
        row = (_hash(code), actor, service, self._now() + CODE_LASTS, proof)
        with self._store.transaction() as tx:
            tx.execute(
                "INSERT INTO access.login_code (code_hash, actor, service, expires_at, proof, seal) VALUES (%s, %s, %s, %s, %s, %s)",
                (*row, self._seal(*row)),
            )
        return code

    def redeem(self, code: str, *, service: str) -> tuple[str, str]:
        """
        Use a code up, and give the actor it was issued for and by what they had proven who they are.

        :raises KeeperRefused: `code_invalid`, when the code was used, is too old, or was issued to another service
        """
        row = self._store.row(
            "DELETE FROM access.login_code WHERE code_hash = %s RETURNING code_hash, actor, service, expires_at, proof, seal", [_hash(code)]
        )
        actor = str(row[1]) if row and self._sealed(row) else ""
        if row is None or not actor or row[2] != service or row[3] <= self._now():
            refused = KeeperRefused("code_invalid", "The code was used, is too old, or was issued for something else.")
            raise self.note_refusal(actor, "exchange", service, refused)
        return actor, str(row[4])

    def exchange(self, code: str, *, service: str) -> Opened:
        """:raises KeeperRefused: `code_invalid`, as `redeem`"""
        actor, proof = self.redeem(code, service=service)
        return self._open(actor, "exchange", medium=service, lasts=PERSON_TOKEN_LASTS, proof=proof)

    def open_page(self, actor: str, *, proof: str) -> Opened:
        """Open a session on the keeper's own pages."""
        return self._open(actor, "log_in", medium=PAGES, lasts=PERSON_TOKEN_LASTS, proof=proof)

    def callers(self, *tokens: str) -> list[Caller | KeeperRefused]:
        """
        Tell who holds each token, as things stand now, or why nobody does.

        The refusals are `token_expired`, `session_killed`, `actor_blocked` and `organisation_blocked`.
        """
        hashes = [_hash(token) for token in tokens]
        rows = {bytes(row[0]): row for row in self._store.rows(_SESSIONS, [hashes])}
        state = standing(self._log, max(row[-1] for row in rows.values())) if rows else None
        return [self._live(state, rows.get(hashed)) for hashed in hashes]

    def caller(self, token: str) -> Caller:
        """
        Tell who holds a token.

        :raises KeeperRefused: as `callers` names them
        """
        (found,) = self.callers(token)
        if isinstance(found, KeeperRefused):
            raise found
        return found

    def require_open(self, caller: Caller) -> None:
        """
        Look again whether a caller's session goes on, and neither they nor the service that carries it was stopped.

        :raises KeeperRefused: as `callers` names them
        """
        row = self._store.row(_SESSION, [caller.session])
        state = standing(self._log, row[-1]) if row else None
        found = self._live(state, row)
        if isinstance(found, KeeperRefused):
            raise found
        if state and ("actor", caller.medium) in state.stopped:
            raise KeeperRefused("actor_blocked", "The service was stopped.")

    def close(self, token: str) -> None:
        """End a session; one that is over already stays so."""
        with self._store.transaction() as tx:
            row = tx.execute(
                "UPDATE access.session SET ended_at = %s, ended_by = 'log-out' WHERE token_hash = %s AND ended_at IS NULL RETURNING actor, service",
                (self._now(), _hash(token)),
            ).fetchone()
            if row:
                self._log.append([Event(kind="session", actor=row[0], action="log_out", detail={"event": "closed", "service": row[1]})])

    def sweep(self) -> None:
        """Forget what expired long enough ago, and log the refusals that were only counted."""
        self.tell_refusals()
        with self._store.transaction() as tx:
            for statement in _SWEEP:
                tx.execute(statement, {"now": self._now()})

    def note_refusal(self, actor: str, action: str, service: str, refused: KeeperRefused) -> KeeperRefused:
        """
        Log that somebody was refused, and give the refusal back; equal ones within ten seconds become one more entry with their count.

        :param actor: a name that the keeper knows, or empty
        """
        key = (actor, action, service, refused.reason)
        with self._refused_lock:
            told = self._refused.setdefault(key, [self._now() + REFUSALS_EVERY, -1])
            told[1] += 1
            first = told[1] == 0
        if first:
            self._log_refusals([(key, 1)])
        return refused

    def tell_refusals(self) -> None:
        """Log the refusals that were only counted."""
        with self._refused_lock:
            over = [(key, self._refused.pop(key)[1]) for key, (until, _) in list(self._refused.items()) if until <= self._now()]
        self._log_refusals([(key, count) for key, count in over if count])

    def _log_refusals(self, told: Sequence[tuple[tuple[str, str, str, str], int]]) -> None:
        for (actor, action, service, reason), count in told:
            detail = {"event": "refused", "service": service, "reason": reason, "count": count}
            self._log.append([Event(kind="session", actor=actor, action=action, outcome="refused", detail=detail)])

    def _count_failure(self, tx: Connection, actor: str, failures: int) -> None:
        over = failures + 1 - FAILURES_FREE
        until = self._now() + min(LOCK_FIRST * 2 ** min(over - 1, 10), LOCK_LONGEST) if over > 0 else None
        tx.execute("UPDATE access.actor SET failures = failures + 1, locked_until = %s WHERE actor = %s", (until, actor))

    def _open(self, actor: str, action: str, *, medium: str, lasts: timedelta, proof: str) -> Opened:
        session, token, now = UUID(bytes=self._random_bytes(16), version=4), self._secret(), self._now()
        found, row = self._find(actor, action, medium), (_hash(token), session, actor, medium, now, now + lasts, proof)
        with self._store.transaction() as tx:
            tx.execute(
                "INSERT INTO access.session (token_hash, session, actor, service, opened_at, expires_at, proof, seal) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                (*row, self._seal(*row)),
            )
            detail = {"event": "opened", "service": medium, "session": str(session), "proof": proof}
            self._log.append([Event(kind="session", actor=actor, organisation=found.organisation.organisation, action="open", detail=detail)])
        return Opened(Caller(found, medium, session, now + lasts, proof in _STRONG, standing(self._log)), token)

    def _find(self, actor: str, action: str, service: str) -> Actor:
        try:
            found = self._actors.find(actor)
        except KeeperInvalid:
            raise KeeperRefused("token_expired", "The actor does not exist any more.") from None
        try:
            return self._actors.require_open(found)
        except KeeperRefused as refused:
            raise self.note_refusal(actor, action, service, refused) from None

    def _live(self, state: StateAt | None, row: Sequence[Any] | None) -> Caller | KeeperRefused:
        if state is None or row is None or not self._sealed(row[:8]):
            return KeeperRefused("token_expired", "The session is over, or never was. Log in again.")
        _, session, name, medium, opened_at, expires_at, proof, _, ended_by, subject, _ = row
        actor = actor_at(state, name, subject)
        if actor is None:
            return KeeperRefused("token_expired", "The actor does not exist any more.")
        if refused := stopped(state, actor):
            return refused
        if ("session", str(session)) in state.stopped:
            return KeeperRefused("session_killed", "The session was stopped.")
        if ended_by or expires_at <= self._now():
            return KeeperRefused("token_expired", "The session is over. Log in again.")
        return Caller(actor, medium, session, expires_at, proof in _STRONG and self._now() < opened_at + STRONG_LASTS, state)

    def _seal(self, *row: object) -> bytes:
        return _mac(self._actors.secret("sessions"), row)

    def _sealed(self, row: Sequence[Any]) -> bool:
        """Say whether the keeper wrote a row, whose last column is its seal, and nobody changed it."""
        return hmac.compare_digest(self._seal(*row[:-1]), row[-1])

    def _secret(self) -> str:
        return base64.urlsafe_b64encode(self._random_bytes(32)).decode().rstrip("=")


@lru_cache(maxsize=10_000)
def _mac(key: bytes, row: tuple[object, ...]) -> bytes:
    return hmac.digest(key, repr([_plain(value) for value in row]).encode(), "sha256")


def _plain(value: object) -> str:
    """Write a column in one way, whatever type the database gives it back as."""
    return value.hex() if isinstance(value, bytes | memoryview) else value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()


def _close_to(time: str, now: datetime) -> bool:
    try:
        stated = datetime.fromisoformat(time)
        return abs(stated - now) <= ASSERTION_SKEW
    except (ValueError, TypeError):
        return False


def _verifies(key: Any, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


_STRONG = ("passkey", "key", "oidc_strong")
_LIVE = f"""
SELECT s.token_hash, s.session, s.actor, s.service, s.opened_at, s.expires_at, s.proof, s.seal, s.ended_by, a.subject, {LATEST_FACT}
FROM access.session s JOIN access.actor a USING (actor)
"""
_SESSIONS = f"{_LIVE} WHERE s.token_hash = ANY(%b)"
_SESSION = f"{_LIVE} WHERE s.session = %s"
_SWEEP = (
    "DELETE FROM access.session WHERE expires_at < %(now)s - interval '1 day'",
    "DELETE FROM access.assertion WHERE until < %(now)s",
    "DELETE FROM access.login_code WHERE expires_at < %(now)s",
    "DELETE FROM access.meter WHERE starts_at < %(now)s - interval '2 days' AND meter LIKE 'actor:%%'",
    "DELETE FROM access.seen WHERE starts_at < %(now)s - interval '2 days'",
)
