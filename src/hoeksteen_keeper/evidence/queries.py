"""Reading the log: who did see, what held at a moment, bundles for others, and whether everything still agrees."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from hoeksteen_keeper.errors import KeeperInvalid
from hoeksteen_keeper.evidence import _store
from hoeksteen_keeper.evidence.bundle import export_bundle
from hoeksteen_keeper.evidence.earlier import EarlierLog
from hoeksteen_keeper.evidence.entries import read_entry, read_leaf, to_text, token
from hoeksteen_keeper.evidence.errors import TooMuch
from hoeksteen_keeper.evidence.find import about, period
from hoeksteen_keeper.evidence.fsck import Report, fsck
from hoeksteen_keeper.evidence.log import Log
from hoeksteen_keeper.evidence.model import JSON, SEEING, Entry, Event
from hoeksteen_keeper.evidence.replay import StateAt, state_at

__all__ = ["Report", "did_see", "entries", "export_bundle", "fsck", "names", "organisations", "shredded", "state_at", "told", "used"]

ANSWER_MAX = 100_000
_TOO_MUCH = f"More than {ANSWER_MAX} entries; ask for a shorter period, or page by page."


def did_see(
    log: Log, *, subject: UUID | None = None, actor: str | None = None, organisation: str | None = None, country: str | None = None,
    since: datetime | None = None, until: datetime | None = None, after: int | None = None, limit: int | None = None,
) -> list[dict[str, JSON]]:  # fmt: skip
    """
    List who came to see whose data, and who tried, in [since, until), oldest first; given criteria all hold.

    Logs that ended are asked too: `log` names such a one, and `index` goes on counting from log to log.

    :param country: of the actors' organisations, then or at any other time
    :param after: the index of the last entry of the page before
    :param limit: how many entries a page has; without it, all must fit into one answer
    :raises KeeperInvalid: `question_invalid`, for a page of no size
    :raises TooMuch: when there are more than `ANSWER_MAX` entries, and no pages are asked for
    """
    if limit is not None and not 1 <= limit <= ANSWER_MAX:
        raise KeeperInvalid("question_invalid", f"A page has 1 to {ANSWER_MAX} entries.")
    found: list[dict[str, JSON]] = []
    place = 0  # of a log's first entry among those of all logs
    ended: list[tuple[Log | EarlierLog, int, str | None]] = [(one, one.size, one.origin) for one in log.earlier]
    for one, size, name in (*ended, (log, 0, None)):
        left = None if limit is None else limit - len(found)
        if left != 0 and (name is None or after is None or after < place + size - 1):
            skipped = None if after is None or after < place else after - place
            page = _did_see(one, subject, actor, organisation, country, since, until, skipped, left)
            found += [{**entry, "index": place + entry["index"], "log": name} for entry in page]
        place += size
    if len(found) > ANSWER_MAX:
        raise TooMuch("too_much", _TOO_MUCH)
    return found


def _did_see(
    log: Log | EarlierLog, subject: UUID | None, actor: str | None, organisation: str | None, country: str | None, since: datetime | None,
    until: datetime | None, after: int | None, limit: int | None,
) -> list[dict[str, JSON]]:  # fmt: skip
    now = state_at(log, None)
    among = None if country is None and organisation is None else organisations(now, organisation, country)
    with _store.connected(log.pool) as tx:
        first, last = period(tx, since, until)
        first = first if after is None else max(first, after + 1)
        if subject is not None:
            indexes = about(tx, log.scribe.subject_key(subject), first, last, SEEING)
            indexes = indexes if limit is None or actor or among is not None else indexes[:limit]
        else:
            indexes = _store.seen_by(tx, SEEING, actor, among, first, last, limit or ANSWER_MAX + 1)
        if len(indexes) > ANSWER_MAX:
            raise TooMuch("too_much", _TOO_MUCH)
        found = (read_entry(row.index, row.leaf, row.body, row.chunk) for row in _store.rows_of(tx, indexes))
        meant = [
            _answer(entry, now) for entry in found
            if (actor is None or entry.event.actor == actor) and (among is None or entry.event.organisation in among)
        ]  # fmt: skip
    return meant[:limit]


def entries(log: Log | EarlierLog, *, first: int, last: int) -> list[Entry]:
    """Give the entries [first, last)."""
    with _store.connected(log.pool) as tx:
        return [read_entry(row.index, row.leaf, row.body, row.chunk) for row in _store.entries(tx, first, last)]


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


def names(log: Log | EarlierLog, subject: UUID) -> bool:
    """Say whether any entry is about a subject."""
    with _store.connected(log.pool) as tx:
        return bool(about(tx, log.scribe.subject_key(subject), 0, _store.head_size(tx)))


def organisations(state: StateAt, organisation: str | None, country: str | None) -> list[str]:
    """Give the organisations of that name that were ever in that country; one that the log does not know is in none."""
    if country is None:
        return [str(organisation)]
    lines = state.history.lines("organisation", state.size)
    return [name for name, line in lines.items() if organisation in (None, name) and any(told.detail["country"] == country for told in line)]


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
        **({"reference": detail["reference"]} if "reference" in detail else {}),
    }
