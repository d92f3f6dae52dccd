"""
A new log, where the old one cannot go on: its tiles are lost, or a witness knows entries that nobody has any more.

Signing on top of an older state would show two views of one log. So the old log ends where it was restored to, its key signs nothing any more,
and a new log, of another name and key, begins with an entry that names the break and states again what holds.
"""

import os
import pwd
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from hoeksteen_keeper.errors import KeeperInvalid
from hoeksteen_keeper.evidence import queries
from hoeksteen_keeper.evidence.keys import NoteSigner
from hoeksteen_keeper.evidence.log import Log, begin
from hoeksteen_keeper.evidence.model import Event
from hoeksteen_keeper.evidence.notes import to_base64
from hoeksteen_keeper.evidence.replay import StateAt
from hoeksteen_keeper.store.database import Connection, Store, statements
from hoeksteen_keeper.vault.categories import CATEGORIES

_EVIDENCE = ("0002_evidence.sql", "0010_time_is_sought.sql", "0013_policies_are_in_the_log.sql", "0015_changes_are_facts.sql")
_KEY, _NEXT = "log-signing", "log-signing.next"
_NAMES = {number: name for name, number in CATEGORIES.items()}


def begin_new_log(store: Store, log: Log, *, home: Path, reason: str, known: Mapping[str, int], now: datetime) -> str:
    """
    End the log and begin another, and give the new one's public key, which verifiers and witnesses must be told.

    Cut off anywhere, it is finished by doing it again.

    :param log: the old one, opened to be read
    :param known: how many entries each witness says that the old log had
    """
    keys = home / "keys"
    number = len(list(keys.glob(f"{_KEY}.*[0-9]"))) + 1
    if not (keys / _NEXT).exists():
        NoteSigner.generate(f"{log.origin.partition('#')[0]}#{number + 1}").save(keys / _NEXT)
    signer = NoteSigner.load(keys / _NEXT)
    with store.transaction() as tx:
        if not _begun(tx, signer):
            state = queries.state_at(log, None)
            old = _told_of(tx)
            events = [_break(log, old, known, reason, signer), *_restated(tx, state)]
            tx.execute(f"ALTER SCHEMA evidence RENAME TO evidence_{number}".encode())
            for name in _EVIDENCE:
                tx.execute(statements(name).encode())
            tx.execute("UPDATE vault.shredded SET entry = NULL")
            tx.execute("SET LOCAL search_path TO evidence")
            begin(tx, log.scribe, events, now=now)
    if (home / "tiles").exists():
        (home / "tiles").rename(home / f"tiles.{number}")
    (keys / _KEY).rename(keys / f"{_KEY}.{number}")
    (keys / _NEXT).rename(keys / _KEY)
    return str(signer.verifier)


def _begun(tx: Connection, signer: NoteSigner) -> bool:
    row = tx.execute(
        "SELECT convert_from(body, 'UTF8')::jsonb->'detail'->>'new_log' FROM evidence.entry WHERE index = 0 AND kind = 'break'"
    ).fetchone()
    return row is not None and row[0] == str(signer.verifier)


def _told_of(tx: Connection) -> tuple[int, int, bytes]:
    """Give how many entries the old log had here, and the last tree that was released for signing."""
    row = tx.execute(
        "SELECT h.size, coalesce(s.size, 0), coalesce(s.root, ''::bytea) FROM evidence.head h LEFT JOIN evidence.signed s ON true"
    ).fetchone()
    if row is None:
        raise KeeperInvalid("not_initialised", "The database holds no log.")
    return row[0], row[1], bytes(row[2])


def _break(log: Log, old: tuple[int, int, bytes], known: Mapping[str, int], reason: str, signer: NoteSigner) -> Event:
    entries, size, root = old
    by = pwd.getpwuid(os.geteuid()).pw_name
    detail = {
        "old_log": str(log.signer.verifier), "entries": entries, "signed_size": size, "signed_root": to_base64(root), "witnesses_know": dict(known),
        "reason": reason[:200], "os_user": by, "new_log": str(signer.verifier),
    }  # fmt: skip
    return Event(kind="break", action="new_log", detail=detail)


def _restated(tx: Connection, state: StateAt) -> Iterator[Event]:
    """State again what holds; who is meant, which the old entries only tag, the store knows, where it fits the tag."""
    for organisation in state.organisations.values():
        yield Event(kind="organisation", organisation=organisation["organisation"], action="restated", detail=_plain(organisation))
    people: dict[str, UUID] = dict(tx.execute("SELECT actor, subject FROM access.actor WHERE subject IS NOT NULL").fetchall())
    for name, actor in state.actors.items():
        told, subjects = state.told("actor", name), (people[name],) if name in people and state.actor_is(name, people[name]) else ()
        by = told.by if told else ""
        yield Event(kind="actor", actor=by, organisation=str(actor["organisation"]), action="restated", subjects=subjects, detail=_plain(actor))
    if state.policy:
        yield Event(kind="policy", action="restated", detail=_plain(state.policy))
    for holder in state.actors:
        for key, public in state.keys_of(holder).items():
            detail = {"event": "added", "key": key, "holder": holder, "public_key": public}
            yield Event(kind="key", actor=holder, action="restated", detail=detail)
    for (issuer, subject), holder in state.links.items():
        detail = {"event": "linked", "holder": holder, "issuer": issuer, "subject": subject}
        yield Event(kind="key", actor=holder, action="restated", detail=detail)
    listed: dict[str, list[UUID]] = {}
    for grant_id, subject in tx.execute("SELECT grant_id::text, subject FROM access.grant_subject"):
        listed.setdefault(grant_id, []).append(subject)
    for name, held in state.grants.items():
        as_it_stands = {"event": held.state, "grant": dict(held.grant)}
        yield Event(
            kind="grant", organisation=str(held.grant["organisation"]), action="restated", purpose=str(held.grant["purpose"]), grant=name,
            subjects=[subject for subject in listed.get(name, ()) if state.grant_lists(name, subject)], detail=as_it_stands,
        )  # fmt: skip
        for approval in held.approvals:
            yield Event(kind="approval", actor=str(approval.get("approver", "")), action="restated", grant=name, detail=dict(approval))
    for line in state.history.lines("change", state.size).values():
        for told in line:
            yield Event(kind="change", actor=told.by, action="restated", detail=dict(told.detail))
    for kill in state.kills:
        yield Event(kind="kill", action="restated", detail=_plain(kill))
    for subject, category in tx.execute("SELECT subject, category FROM vault.shredded"):
        named = _NAMES.get(category)
        yield Event(kind="shred", action="restated", category=named or "", subjects=(subject,), detail={"category": named})
    if state.destroyed:
        yield Event(kind="key", action="restated", category="traffic", detail={"event": "destroyed", "keys": list(state.destroyed)})
    if state.traffic_months:
        yield Event(kind="key", action="restated", category="traffic", detail={"event": "traffic_kept", "months": state.traffic_months})


def _plain(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what the fold added."""
    return {name: value for name, value in detail.items() if name not in ("index", "time")}
