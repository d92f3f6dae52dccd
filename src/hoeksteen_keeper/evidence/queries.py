"""Reading the log: who did see, what held at a moment, bundles for others, and whether everything still agrees."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from hoeksteen_keeper.evidence import _store
from hoeksteen_keeper.evidence.bundle import export_bundle
from hoeksteen_keeper.evidence.entries import read_entry, read_leaf, to_text, token
from hoeksteen_keeper.evidence.errors import TooMuch
from hoeksteen_keeper.evidence.find import about, period
from hoeksteen_keeper.evidence.fsck import Report, fsck
from hoeksteen_keeper.evidence.log import Log
from hoeksteen_keeper.evidence.model import JSON, SEEING, Entry, Event, StateAt
from hoeksteen_keeper.evidence.replay import state_at

__all__ = ["Report", "did_see", "entries", "export_bundle", "fsck", "policy_entry", "shredded", "state_at", "told", "used"]

ANSWER_MAX = 100_000


def did_see(
    log: Log,
    *,
    subject: UUID | None = None,
    actor: str | None = None,
    organisation: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[dict[str, JSON]]:
    """
    List who came to see whose data, and who tried, in [since, until), oldest first; given criteria all hold.

    :raises TooMuch: when there are more than `ANSWER_MAX` entries
    """
    now = state_at(log, None)
    with _store.connected(log.pool) as tx:
        first, last = period(tx, since, until)
        if subject is not None:
            indexes = about(tx, log.scribe.subject_key(subject), first, last, SEEING)
        else:
            indexes = _store.seen_by(tx, SEEING, actor, organisation, first, last, ANSWER_MAX + 1)
        if len(indexes) > ANSWER_MAX:
            raise TooMuch("too_much", f"More than {ANSWER_MAX} entries; ask for a shorter period.")
        found = [read_entry(row.index, row.leaf, row.body, row.chunk) for row in _store.rows_of(tx, indexes)]
    return [
        _answer(entry, now) for entry in found
        if (actor is None or entry.event.actor == actor) and (organisation is None or entry.event.organisation == organisation)
    ]  # fmt: skip


def entries(log: Log, *, first: int, last: int) -> list[Entry]:
    """Give the entries [first, last)."""
    with _store.connected(log.pool) as tx:
        return [read_entry(row.index, row.leaf, row.body, row.chunk) for row in _store.entries(tx, first, last)]


def policy_entry(log: Log, index: int) -> Mapping[str, JSON] | None:
    """Give what the `policy` entry at an index says; None where the log has none there."""
    with _store.connected(log.pool) as tx:
        rows = _store.rows_of(tx, [index] if index < _store.head_size(tx) else [])
    said = [read_entry(row.index, row.leaf, row.body, row.chunk).event for row in rows]
    return next((event.detail for event in said if event.kind == "policy" and event.outcome == "allowed"), None)


def used(log: Log, *, grants: Mapping[str, str], since: datetime, day: datetime, hour: datetime) -> list[tuple[str, bool, int, int, int]]:
    """
    Give what the entries say was used of some grants: grant, whether for sealing, in all, since `day`, since `hour`.

    :param grants: asker by grant
    """
    with _store.connected(log.pool) as tx:
        found = _store.used(tx, list(grants), sorted(set(grants.values())), since, day, hour)
    return [(str(grant), bool(sealing), int(total), int(of_day), int(of_hour)) for grant, sealing, total, of_day, of_hour in found]


def shredded(log: Log, subjects: Sequence[UUID]) -> list[tuple[UUID, str | None]]:
    """Give which of these subjects the log says are shredded, and in which category; None stands for all categories."""
    return [(subject, event.detail.get("category")) for subject, event in told(log, "shred", subjects)]


def told(log: Log, kind: str, subjects: Sequence[UUID]) -> list[tuple[UUID, Event]]:
    """Give what the log says happened to which of these subjects, of one kind; refused attempts are left out."""
    keys = {subject: log.scribe.subject_key(subject) for subject in subjects}
    by_token = {token(key): subject for subject, key in keys.items()}
    with _store.connected(log.pool) as tx:
        last = _store.head_size(tx)
        found = [(index, by_token[name]) for name, index in _store.token_indexes(tx, list(by_token), 0, last, [kind])]
        for row in _store.rows_of(tx, [index for index, _, _ in _store.not_indexed(tx, 0, last, [kind])]):
            tags = read_leaf(row.leaf).tags_with(row.chunk)
            found += [(row.index, subject) for subject, key in keys.items() if tags.hold(key)]
        rows = {row.index: row for row in _store.rows_of(tx, [index for index, _ in found])}
    events = {index: read_entry(index, row.leaf, row.body, row.chunk).event for index, row in rows.items()}
    return [(subject, events[index]) for index, subject in found if events[index].outcome == "allowed"]


def _answer(entry: Entry, now: StateAt) -> dict[str, JSON]:
    event, detail = entry.event, entry.event.detail
    who, where = now.actors.get(event.actor, {}), now.organisations.get(event.organisation, {})
    return {
        "index": entry.index,
        "time": to_text(entry.time),
        "actor": event.actor,
        "name": who.get("name", event.actor),
        "organisation": event.organisation,
        "country": where.get("country", ""),
        "action": event.action or event.kind,
        "category": event.category,
        "purpose": event.purpose,
        "grant": event.grant or None,
        "ticket": detail.get("ticket"),
        "outcome": event.outcome,
        "masked": bool(detail.get("masked", False)),
        "count": detail.get("count", entry.count),
    }
