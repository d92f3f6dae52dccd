"""
Grants: asked for, approved by two people of the operator, running, refused, revoked, expired.

What approvers sign is the SHA-256 of the canonical grant: JSON in UTF-8, keys sorted, no spaces (docs/formats.md, section 4). The
keeper makes it, stores it as bytes and never again from its parts, so nobody can show one grant and have another one approved.

The tables list grants; what runs, who approved it and how it ended is read off the log, so that whoever writes the tables gives nobody access.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidSignature

from hoeksteen_keeper.access import limits
from hoeksteen_keeper.access.actors import Actors, actor_at, stopped
from hoeksteen_keeper.access.model import Actor, Grant, RunningGrant
from hoeksteen_keeper.errors import KeeperCorrupt, KeeperInvalid, KeeperRefused
from hoeksteen_keeper.evidence.log import Log
from hoeksteen_keeper.evidence.model import Event, GrantAt
from hoeksteen_keeper.evidence.replay import StateAt, Told, standing
from hoeksteen_keeper.store.database import Connection, Store
from hoeksteen_keeper.vault.categories import category_number, require_purpose

APPROVALS_NEEDED = 2
PERSON_MINUTES_MAX = 24 * 60
SERVICE_MINUTES_MAX = 400 * 24 * 60
SUBJECTS_LISTED_MAX = 1_000
PERSON_SUBJECTS_MAX = 10_000
SERVICE_SUBJECTS_MAX = 2_000_000_000
LOOKS_PER_LISTED_SUBJECT = 100
PERSON_PER_HOUR, PERSON_PER_DAY = 120, 600
REQUEST_LASTS = timedelta(days=7)
LISTED_MAX = 500
OPEN_MAX = 50  # of one asker, so that nobody's request is lost among another's


class Grants:
    """Ask for, decide on, find and end grants. Who may do what is decided by the caller of these methods, except the rule of two people."""

    def __init__(self, *, store: Store, actors: Actors, log: Log, now: Callable[[], datetime], random_bytes: Callable[[int], bytes]) -> None:
        self._store, self._actors, self._log, self._now, self._random_bytes = store, actors, log, now, random_bytes

    def request(
        self, asker: Actor, *, purpose: str, categories: Sequence[str], subjects: Sequence[UUID] | None, ticket: str, minutes: int, unmasked: bool,
        subjects_max: int | None, per_hour: int | None = None, per_day: int | None = None, break_glass: bool = False,
    ) -> Grant:  # fmt: skip
        """
        Ask for a grant.

        :param subjects: whose data; None for anybody's, up to `subjects_max` openings
        :param per_hour: openings, as `per_day`; people get those of care work unless they ask for more, services all of `subjects_max`
        :param break_glass: it runs at once, and is reviewed afterwards
        :raises KeeperInvalid: when a part of it is missing or out of bounds
        :raises KeeperRefused: `limit_reached`, when too many of theirs wait already
        """
        asked = self._store.row("SELECT count(*) FROM access.access_grant WHERE asker = %s AND state = 'requested'", [asker.actor])
        if asked and int(asked[0]) >= OPEN_MAX:
            raise KeeperRefused("limit_reached", f"You asked for {OPEN_MAX} grants that nobody decided on yet; revoke those that you need no more.")
        ceiling, hour, day = _require_bounds(asker, categories, subjects, ticket, minutes, (subjects_max, per_hour, per_day))
        require_purpose(purpose)
        grant_id, now = UUID(bytes=self._random_bytes(16), version=4), self._now()
        canonical = canonical_grant({
            "type": "hoeksteen grant", "version": 1, "id": str(grant_id), "asker": asker.actor, "asker_name": asker.name,
            "organisation": asker.organisation.organisation, "organisation_name": asker.organisation.name, "country": asker.organisation.country,
            "purpose": purpose, "categories": sorted(set(categories)), "ticket": ticket.strip(), "minutes": minutes, "unmasked": unmasked,
            "subjects": "any" if subjects is None else sorted({str(subject) for subject in subjects}), "subjects_max": ceiling,
            "per_hour": hour, "per_day": day, "requested_at": now.isoformat(timespec="seconds"), **({"break_glass": True} if break_glass else {}),
        })  # fmt: skip
        grant = Grant(
            grant_id, asker.actor, canonical, sha256(canonical).digest(), "requested", purpose, tuple(sorted(set(categories))), ticket.strip(),
            unmasked,
            subjects is None, ceiling, hour, day, minutes, now, None, None, break_glass,
        )  # fmt: skip
        listed = sorted(set(subjects or ()))
        with self._store.transaction() as tx:
            tx.execute(_INSERT, _row(grant))
            tx.execute("INSERT INTO access.grant_subject (grant_id, subject) SELECT %s, unnest(%s::uuid[])", (grant_id, listed))
            self._log.append([self._event("requested", grant, asker, by=asker.actor, listed=listed)])
            return self._start(tx, grant, asker) if break_glass else grant

    def approve(
        self, approver: Actor, *, grant_id: UUID, digest: bytes, verify: Callable[[], tuple[str, Mapping[str, str]]], decides: Callable[[Actor], bool]
    ) -> Grant:  # fmt: skip
        """
        Add one approval; the second one starts the grant.

        :param digest: what the approver has signed
        :param verify: checks the signature, and gives the name of the approver's key and what of the signature goes into the log
        :param decides: says whether somebody may decide on grants now; the approval of who was stopped, or is no officer any more, counts no more
        :raises KeeperRefused: `approver_is_asker`, `approver_not_operator`, `same_organisation`, `already_approved`, `digest_differs` or
            `grant_not_requested`
        """
        with self._store.transaction() as tx:
            grant, state = _as_signed(tx, self._locked(tx, grant_id)), standing(self._log)
            held = state.grant(str(grant_id))
            if held is None or held.grant["digest"] != grant.digest.hex():
                raise _changed()
            grant = replace(grant, state=held.state, requested_at=state.asked_at(str(grant_id)))
            asker = self._actors.find(grant.asker)
            self._require_approver(approver, asker, grant)
            if digest != grant.digest:
                raise KeeperRefused("digest_differs", "What was signed is not this grant. Read it again on the keeper's page, or with `grant show`.")
            if approver.actor in {told.by for told in self._signed(grant)}:
                raise KeeperRefused("already_approved", "You approved this grant already; a second person must.")
            key, signed = verify()
            detail = {"grant": str(grant_id), "digest": digest.hex(), "approver": approver.actor, "key": key, **signed}
            of = approver.organisation.organisation
            self._log.append([Event(kind="approval", actor=approver.actor, organisation=of, action="approve", grant=str(grant_id), detail=detail)])
            if sum(decides(one) for one in self._approvers(grant)) >= APPROVALS_NEEDED:
                return self._start(tx, grant, asker)
        return grant

    def end(self, *, grant_id: UUID, state: str, by: str, reason: str) -> Grant:
        """
        Refuse a grant that was asked for, or revoke one; it takes effect at the next request.

        :param state: `refused` or `revoked`
        :raises KeeperRefused: `grant_over`, when it ended already
        """
        with self._store.transaction() as tx:
            self._locked(tx, grant_id)
            held = standing(self._log).grant(str(grant_id))
            stands = held.state if held else "unknown to the log"
            if held is None or stands not in (("requested",) if state == "refused" else ("requested", "running")):
                raise KeeperRefused("grant_over", f"The grant is {stands}; there is nothing to end.")
            self._log.append([_ended(state, held, listed=_listed(tx, grant_id), by=by, reason=reason)])
            tx.execute("UPDATE access.access_grant SET state = %s WHERE grant_id = %s", (state, grant_id))
        return self.find(grant_id)

    def end_of(self, asker: str, *, reason: str) -> None:
        """Revoke whatever somebody asked for or has running."""
        for (grant_id,) in self._store.rows(
            "SELECT grant_id FROM access.access_grant WHERE asker = %s AND state IN ('requested', 'running')", [asker]
        ):
            with suppress(KeeperRefused):  # it has just ended by itself
                self.end(grant_id=grant_id, state="revoked", by="", reason=reason)

    def end_again(self, ended: Mapping[str, str]) -> None:
        """Bring grants to the end that the log says they came to, where the store has lost it."""
        with self._store.transaction() as tx:
            tx.execute(_END_AGAIN, (list(ended), list(ended.values())))

    def running(self) -> list[RunningGrant]:
        """Give the grants that run, of everybody."""
        state, now = standing(self._log), self._now()
        return [grant for name in state.open_grants() if (grant := running_at(state, name)) and grant.runs(now)]

    def expire(self) -> int:
        """Mark what ran out, and give how many; a grant is not used after its time whether it was marked or not."""
        state, now = standing(self._log), self._now()
        over = [name for name in state.open_grants() if (held := state.grant(name)) and _ran_out(held, state.asked_at(name), now)]
        for name in over:
            with self._store.transaction() as tx, suppress(KeeperInvalid):  # whose row somebody took away ends by its time alone
                self._locked(tx, UUID(name))
                if (held := standing(self._log).grant(name)) and held.state in ("requested", "running"):
                    self._log.append([_ended("expired", held, listed=_listed(tx, UUID(name)))])
                    tx.execute("UPDATE access.access_grant SET state = 'expired' WHERE grant_id = %s", [UUID(name)])
        return len(over)

    def find(self, grant_id: UUID) -> Grant:
        """:raises KeeperInvalid: when there is no such grant"""
        row = self._store.row(f"{_SELECT} WHERE grant_id = %s", [grant_id])
        if row is None:
            raise KeeperInvalid("unknown_grant", "There is no such grant.")
        return _from_row(row)

    def listing(self, *, asker: str | None, state: str | None) -> list[Grant]:
        """Give the newest grants, of one asker or of all; access that was taken, and runs, comes first."""
        rows = self._store.rows(_LISTING, {"asker": asker, "state": state, "limit": LISTED_MAX})
        return [_from_row(row) for row in rows]

    def usable(
        self, state: StateAt, *, asker: str, purpose: str, categories: Sequence[str], grant_id: UUID | None, subjects: Sequence[UUID]
    ) -> RunningGrant | None:  # fmt: skip
        """
        Give the grant that covers a request of this asker now, or None.

        As the log says: what is not in it opens nothing, and what it holds otherwise than the tables holds.

        :param state: what holds now
        """
        names = [str(grant_id)] if grant_id else list(reversed(state.history.open_grants.get(asker, {}).copy()))
        found, now = (grant for name in names if (grant := running_at(state, name))), self._now()
        return next((
            grant for grant in found
            if grant.asker == asker and grant.purpose == purpose and not set(grant.categories).isdisjoint(categories)
            and grant.runs(now) and grant.covers(subjects, state.subject_key)
        ), None)  # fmt: skip

    def require_running(self, grant_id: UUID) -> None:
        """:raises KeeperRefused: when a grant that ran does not run any more"""
        state = standing(self._log)
        grant, held = running_at(state, str(grant_id)), state.grant(str(grant_id))
        if grant is None or not grant.runs(self._now()):
            raise KeeperRefused(
                "grant_revoked" if held and held.state == "revoked" else "grant_expired", "The grant ended while this was on its way."
            )

    def why_not(self, *, asker: str, purpose: str, categories: Sequence[str], grant_id: UUID | None) -> str:
        """Give the reason why no grant covers a request, as precisely as the asker may know it."""
        candidates = self._candidates(asker, purpose, categories, grant_id)
        if not candidates:
            return "no_grant"
        state, now = standing(self._log), self._now()
        if any((held := running_at(state, str(grant.grant))) and held.runs(now) for grant in candidates):
            return "grant_covers_others"
        latest = candidates[0]
        reasons = {"expired": "grant_expired", "requested": "grant_not_approved", "revoked": "grant_revoked", "refused": "grant_refused"}
        return reasons.get(latest.state_at(now), "no_grant")  # one that the log does not know is none

    def described(self, grant: Grant) -> dict[str, Any]:
        """Give everything about a grant that its asker and its approvers may read."""
        facts = json.loads(grant.canonical)
        now, (used, sealed) = self._now(), limits.used_by_grant(self._store, grant.grant)
        return {
            **{name: facts[name] for name in ("asker", "asker_name", "organisation", "organisation_name", "country", "subjects", "requested_at")},
            "id": str(grant.grant), "state": grant.state_at(now), "purpose": grant.purpose, "categories": list(grant.categories),
            "ticket": grant.ticket, "unmasked": grant.unmasked, "minutes": grant.minutes, "subjects_max": grant.subjects_max,
            "per_hour": grant.per_hour, "per_day": grant.per_day, "used": used, "sealed": sealed,
            "valid_from": grant.valid_from, "valid_to": grant.valid_to, "canonical": grant.canonical.decode(), "digest": grant.digest.hex(),
            "approvals": [signature_of(told) for told in self._signed(grant)],
            "approvals_needed": APPROVALS_NEEDED,
        }  # fmt: skip

    def _start(self, tx: Connection, grant: Grant, asker: Actor) -> Grant:
        now = self._now()
        running = replace(grant, state="running", valid_from=now, valid_to=now + timedelta(minutes=grant.minutes))
        self._log.append([self._event("running", running, asker, by="", listed=_listed(tx, grant.grant))])
        tx.execute(
            "UPDATE access.access_grant SET state = 'running', valid_from = %s, valid_to = %s WHERE grant_id = %s",
            (running.valid_from, running.valid_to, grant.grant),
        )
        return running

    def _require_approver(self, approver: Actor, asker: Actor, grant: Grant) -> None:
        if approver.actor == asker.actor:
            raise KeeperRefused("approver_is_asker", "Nobody approves what they ask for themselves.")
        if approver.organisation.organisation == asker.organisation.organisation and not asker.organisation.operator:
            raise KeeperRefused("same_organisation", "A grant is never approved by the organisation that asks for it.")
        if approver.kind != "person" or not approver.organisation.operator:
            raise KeeperRefused("approver_not_operator", "Two people of the operator approve a grant.")
        if grant.state != "requested" or grant.requested_at + REQUEST_LASTS <= self._now():
            raise KeeperRefused("grant_not_requested", f"The grant is {grant.state if grant.state != 'requested' else 'too old'}; ask for a new one.")

    def _candidates(self, asker: str, purpose: str, categories: Sequence[str], grant_id: UUID | None) -> list[Grant]:
        return [_from_row(row) for row in self._store.rows(_CANDIDATES, (asker, purpose, list(categories), grant_id, grant_id))]

    def _signed(self, grant: Grant) -> list[Told]:
        """Give the signatures over this grant, as the log holds them."""
        state = standing(self._log)
        line = state.history.line("approval", str(grant.grant), state.size)
        return [told for told in line if told.detail["digest"] == grant.digest.hex()]

    def _approvers(self, grant: Grant) -> list[Actor]:
        """Give those who signed this grant, and were not stopped since."""
        state = standing(self._log)
        people = [actor_at(state, name) for name in {told.by for told in self._signed(grant)}]
        return [one for one in people if one and not stopped(state, one)]

    def _locked(self, tx: Connection, grant_id: UUID) -> Grant:
        row = tx.execute(f"{_SELECT} WHERE grant_id = %s FOR UPDATE", [grant_id]).fetchone()
        if row is None:
            raise KeeperInvalid("unknown_grant", "There is no such grant.")
        return _from_row(row)

    def _event(self, event: str, grant: Grant, asker: Actor, *, by: str, listed: Sequence[UUID]) -> Event:
        grant_detail = {
            "id": str(grant.grant), "asker": grant.asker, "organisation": asker.organisation.organisation, "purpose": grant.purpose,
            "categories": list(grant.categories), "ticket": grant.ticket, "valid_from": grant.valid_from.isoformat() if grant.valid_from else None,
            "valid_to": grant.valid_to.isoformat() if grant.valid_to else None, "unmasked": grant.unmasked, "subjects_max": grant.subjects_max,
            "per_hour": grant.per_hour, "per_day": grant.per_day, "subjects": "any" if grant.any_subject else "listed", "digest": grant.digest.hex(),
            **({"break_glass": True} if grant.break_glass else {}),
        }  # fmt: skip
        return Event(
            kind="grant", actor=by, organisation=asker.organisation.organisation, action=event, purpose=grant.purpose, grant=str(grant.grant),
            subjects=listed, detail={"event": event, "grant": grant_detail},
        )  # fmt: skip


def signature_of(told: Told) -> dict[str, Any]:
    """Give who signed, with which key and when, of an entry that is a signature."""
    return {"approver": told.by, "key": told.detail["key"], "approved_at": told.time}


def _ended(state: str, held: GrantAt, *, listed: Sequence[UUID], by: str = "", reason: str = "") -> Event:
    """Give the event of a grant's end, which changes nothing of what it was."""
    said = held.grant
    return Event(
        kind="grant", actor=by, organisation=str(said["organisation"]), action=state, purpose=str(said["purpose"]), grant=str(said["id"]),
        subjects=listed, detail={"event": state, "grant": dict(said), **({"reason": reason[:200]} if reason else {})},
    )  # fmt: skip


def _ran_out(held: GrantAt, asked_at: datetime, now: datetime) -> bool:
    if held.state == "running":
        return datetime.fromisoformat(held.grant["valid_to"]) <= now
    return held.state == "requested" and asked_at + REQUEST_LASTS <= now


def canonical_grant(facts: Mapping[str, Any]) -> bytes:
    """Give the bytes whose SHA-256 is signed: JSON in UTF-8, keys sorted, no spaces, no escapes that are not needed."""
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def verified_by_ed25519(actors: Actors, approver: str, *, digest: bytes, signature: bytes) -> tuple[str, dict[str, str]]:
    """
    Give the name of the approver's key that made this signature, and what of it goes into the log.

    :raises KeeperRefused: `signature_invalid`, when none of their keys did
    """
    for name, key in actors.ed25519_keys(approver):
        try:
            key.verify(signature, digest)
        except InvalidSignature:
            continue
        return name, {"signature": base64.b64encode(signature).decode()}
    raise KeeperRefused("signature_invalid", "The signature is not by a key that the approver holds.")


def _require_bounds(
    asker: Actor, categories: Sequence[str], subjects: Sequence[UUID] | None, ticket: str, minutes: int,
    ceilings: tuple[int | None, int | None, int | None],
) -> tuple[int, int, int]:  # fmt: skip
    """Give the ceilings in total, per hour and per day; those that were not asked for follow from who asks."""
    service, (subjects_max, per_hour, per_day) = asker.kind == "service", ceilings
    minutes_max, ceiling_max = (SERVICE_MINUTES_MAX, SERVICE_SUBJECTS_MAX) if service else (PERSON_MINUTES_MAX, PERSON_SUBJECTS_MAX)
    for category in categories:
        category_number(category)
    total = subjects_max if subjects_max is not None else min(len(subjects or ()) * LOOKS_PER_LISTED_SUBJECT, ceiling_max)
    day = per_day if per_day is not None else total if service else min(total, PERSON_PER_DAY)
    hour = per_hour if per_hour is not None else day if service else min(day, PERSON_PER_HOUR)
    faults = [
        fault
        for wrong, fault in (
            (not categories, "name at least one category"),
            (not 1 <= len(ticket.strip()) <= 200, "name the ticket that says why (at most 200 characters)"),
            (not ticket.strip().isprintable(), "write the ticket in one line, without characters that change how the rest is shown"),
            (not 1 <= minutes <= minutes_max, f"ask for 1 to {minutes_max} minutes"),
            (subjects is None and subjects_max is None, "list the subjects, or give a ceiling with subjects_max"),
            (subjects is not None and any(not subject.int for subject in subjects), "name people: the nil identifier is nobody's"),
            (subjects is not None and not 1 <= len(subjects) <= SUBJECTS_LISTED_MAX, f"list 1 to {SUBJECTS_LISTED_MAX} subjects"),
            (subjects_max is not None and not 1 <= subjects_max <= ceiling_max, f"keep subjects_max between 1 and {ceiling_max}"),
            (not 1 <= hour <= day <= total, "keep per_hour at or below per_day, and that at or below subjects_max"),
        )
        if wrong
    ]
    if faults:
        raise KeeperInvalid("grant_invalid", f"The grant cannot be asked for: {'; '.join(faults)}.")
    return total, hour, day


def _listed(tx: Connection, grant_id: UUID) -> list[UUID]:
    return [row[0] for row in tx.execute("SELECT subject FROM access.grant_subject WHERE grant_id = %s ORDER BY subject", [grant_id])]


def _as_signed(tx: Connection, grant: Grant) -> Grant:
    """
    Give a grant back whose row says what its canonical form does, which is what people read and sign.

    :raises KeeperCorrupt: `grant_changed`
    """
    said, listed = json.loads(grant.canonical), [str(subject) for subject in _listed(tx, grant.grant)]
    same = sha256(grant.canonical).digest() == grant.digest and {
        "id": str(grant.grant), "asker": grant.asker, "purpose": grant.purpose, "categories": list(grant.categories),
        "minutes": grant.minutes, "unmasked": grant.unmasked, "subjects": "any" if grant.any_subject else listed, "per_hour": grant.per_hour,
        "per_day": grant.per_day, "subjects_max": grant.subjects_max,
    }.items() <= said.items()  # fmt: skip
    if not same:
        raise _changed()
    return grant


def _changed() -> KeeperCorrupt:
    return KeeperCorrupt("grant_changed", "The keeper's database holds another grant than was asked for. Find out who writes there.")


def running_at(state: StateAt, name: str) -> RunningGrant | None:
    """Give a grant that the log says was started and has not ended; whether its time has come, the caller sees."""
    held = state.grant(name)
    if held is None or held.state != "running":
        return None
    said = held.grant
    return RunningGrant(
        UUID(name), str(said["asker"]), str(said["purpose"]), tuple(said["categories"]), str(said["ticket"]), bool(said["unmasked"]),
        said["subjects_max"], said["per_hour"], said["per_day"], datetime.fromisoformat(said["valid_from"]), datetime.fromisoformat(said["valid_to"]),
        None if said["subjects"] == "any" else held.tags,
    )  # fmt: skip


def _as_dict(grant: Grant) -> dict[str, Any]:
    return {name: getattr(grant, name) for name in Grant.__slots__}


def _row(grant: Grant) -> list[Any]:
    return [list(value) if isinstance(value, tuple) else value for value in _as_dict(grant).values()]


def _from_row(row: Sequence[Any]) -> Grant:
    values = dict(zip(Grant.__slots__, row, strict=True))
    return Grant(**{**values, "categories": tuple(values["categories"])})


_COLUMNS = (
    "grant_id, asker, canonical, digest, state, purpose, categories, ticket, unmasked, any_subject, subjects_max, per_hour, per_day, "
    "minutes, requested_at, valid_from, valid_to, break_glass"
)  # fmt: skip
_SELECT = f"SELECT {_COLUMNS} FROM access.access_grant"
_LISTING = (
    f"{_SELECT} WHERE (%(asker)s::text IS NULL OR asker = %(asker)s) AND (%(state)s::text IS NULL OR state = %(state)s) "
    "ORDER BY break_glass AND state = 'running' DESC, requested_at DESC LIMIT %(limit)s"
)
_INSERT = f"INSERT INTO access.access_grant ({_COLUMNS}) VALUES ({', '.join(['%s'] * 18)})"
_CANDIDATES = (
    f"{_SELECT} WHERE asker = %s AND purpose = %s AND categories && %s::text[] AND (%s::uuid IS NULL OR grant_id = %s) "
    "ORDER BY state = 'running' DESC, requested_at DESC LIMIT 20"
)
_END_AGAIN = """
UPDATE access.access_grant g SET state = e.state FROM unnest(%s::uuid[], %s::text[]) AS e (grant_id, state)
WHERE g.grant_id = e.grant_id AND g.state IN ('requested', 'running')
"""
