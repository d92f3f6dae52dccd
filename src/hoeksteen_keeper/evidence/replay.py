"""
What held at a moment, read off the log's facts.

`History` keeps every fact in order, by what it is about; `StateAt` is the view of it up to some size of the log. Nothing is computed before it
is asked for.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from hoeksteen_keeper.evidence import _store
from hoeksteen_keeper.evidence._store import LATEST_FACT
from hoeksteen_keeper.evidence.entries import read_entry
from hoeksteen_keeper.evidence.errors import EvidenceCorrupt
from hoeksteen_keeper.evidence.model import FACTS, JSON, Entry, GrantAt, Tags

if TYPE_CHECKING:
    from hoeksteen_keeper.evidence.earlier import EarlierLog
    from hoeksteen_keeper.evidence.log import Log

__all__ = ["LATEST_FACT", "History", "StateAt", "Told", "standing", "state_at"]

Detail = Mapping[str, JSON]
_ABOUT: Mapping[str, Callable[[Any], str]] = {
    "organisation": lambda detail: detail["organisation"],
    "actor": lambda detail: detail["actor"],
    "grant": lambda detail: detail["grant"]["id"],
    "approval": lambda detail: detail["grant"],
    "change": lambda detail: detail["change"],
    "review": lambda detail: detail.get("grant", ""),
    "key": lambda detail: detail.get("holder", ""),
}
"""What each kind of fact is about; the others, and keys that nobody holds, are about the keeper as a whole."""


@dataclass(frozen=True, slots=True)
class Told:
    """One fact: where it stands in the log, since when it holds, whose deed it was, and what it says."""

    index: int
    time: datetime
    by: str
    detail: Detail
    tags: Tags


class History:
    """
    All facts of a log, in order. It only ever grows, so that whoever reads up to some size is not disturbed.

    :ivar size: how many entries of the log it has seen
    :ivar open_grants: by asker, the grants that have not ended as far as it has seen
    :ivar glass: by asker, the grants that were taken by breaking glass
    """

    def __init__(self) -> None:
        self.size = 0
        self.open_grants: dict[str, dict[str, None]] = {}
        self.glass: dict[str, list[str]] = {}
        self._lines: dict[str, dict[str, list[Told]]] = {kind: {} for kind in FACTS}

    def apply(self, entry: Entry) -> None:
        """Take one fact in; what was refused changed nothing, except that a refused grant has ended."""
        kind, detail = entry.event.kind, entry.event.detail
        ended = kind == "grant" and detail.get("event") in ("refused", "revoked", "expired")
        if entry.event.outcome == "allowed" or ended:
            about = _ABOUT[kind](detail) if kind in _ABOUT else ""
            self._lines[kind].setdefault(about, []).append(Told(entry.index, entry.time, entry.event.actor, detail, entry.tags))
            if kind == "grant":
                of_asker = self.open_grants.setdefault(str(detail["grant"].get("asker")), {})
                of_asker.pop(about, None) if ended else of_asker.setdefault(about)
                if detail["grant"].get("break_glass") and len(self._lines[kind][about]) == 1:
                    self.glass.setdefault(str(detail["grant"]["asker"]), []).append(about)

    def line(self, kind: str, about: str, size: int) -> Sequence[Told]:
        """Give the facts about one thing among the first `size` entries, oldest first."""
        told = self._lines[kind].get(about, [])
        return told[:] if not told or told[-1].index < size else told[: bisect_left(told, size, key=lambda one: one.index)]

    def lines(self, kind: str, size: int) -> dict[str, Sequence[Told]]:
        """Give the facts about each thing, as `line` does."""
        found = ((about, self.line(kind, about, size)) for about in list(self._lines[kind]))
        return {about: line for about, line in found if line}


class StateAt:
    """
    What held at one moment.

    :param at: the moment
    :param size: how many entries the log had then
    :param subject_key: gives the key under which a subject's tags are recognised
    """

    def __init__(self, history: History, size: int, at: datetime, subject_key: Callable[[UUID], bytes]) -> None:
        self.history, self.size, self.at, self.subject_key = history, size, at, subject_key

    @cached_property
    def organisations(self) -> dict[str, dict[str, JSON]]:
        """By name; the detail of the latest entry about each, with its `index`."""
        return self._latest("organisation")

    @cached_property
    def actors(self) -> dict[str, dict[str, JSON]]:
        """By name; the detail of the latest entry about each, with its `index`."""
        return self._latest("actor")

    @cached_property
    def stopped(self) -> set[tuple[str, str]]:
        """Scope and target of every kill."""
        return {(str(kill["scope"]), str(kill["target"])) for kill in self.kills}

    @cached_property
    def policy(self) -> dict[str, JSON] | None:
        """Version, digest and text in force, with the `time` since when, or None."""
        return self._last("policy")

    @cached_property
    def exposure(self) -> dict[str, JSON] | None:
        """The detail of the latest exposure scan with its `time`, or None."""
        return self._last("exposure")

    @cached_property
    def grants(self) -> dict[str, GrantAt]:
        """By id, each as its entries have left it; who needs a few asks for `grant`."""
        return {name: held for name in self.history.lines("grant", self.size) if (held := self.grant(name))}

    @cached_property
    def kills(self) -> list[dict[str, JSON]]:
        """The details of all kills, oldest first, each with its `time`."""
        return [{**told.detail, "time": told.time} for told in self._all("kill")]

    @property
    def destroyed(self) -> list[str]:
        """The names of keys that were destroyed on schedule."""
        return [name for told in self._of_keys("destroyed") for name in told.detail["keys"]]

    @property
    def witnesses(self) -> list[str]:
        """The verifier keys of those who are asked to cosign."""
        said = self._of_keys("witnesses")
        return list(said[-1].detail["keys"]) if said else []

    @property
    def traffic_months(self) -> int | None:
        """How long a month's traffic keys are kept; None where nobody said."""
        said = self._of_keys("traffic_kept")
        return said[-1].detail["months"] if said else None

    @cached_property
    def links(self) -> dict[tuple[str, str], str]:
        """By issuer and subject, the actor to whom two officers linked whom an identity provider names so."""
        left = {name: line[-1].index for name, line in self.history.lines("actor", self.size).items() if line[-1].detail.get("status") == "ended"}
        links: dict[tuple[str, str], str] = {}
        lines = self.history.lines("key", self.size).values()
        for told in sorted((told for line in lines for told in line), key=lambda told: told.index):
            named = (str(told.detail.get("issuer")), str(told.detail.get("subject")))
            if told.detail["event"] == "linked" and told.index > left.get(str(told.detail["holder"]), -1):
                links[named] = str(told.detail["holder"])
            elif told.detail["event"] == "unlinked":
                links.pop(named, None)
        return links

    @property
    def generations_ended(self) -> bool:
        """Whether old generations of subjects' keys were ever destroyed."""
        return bool(self._of_keys("generations_destroyed"))

    @property
    def shreds(self) -> int:
        """How many shreds there were."""
        return len(self._all("shred"))

    def told(self, kind: str, about: str) -> Told | None:
        """Give the latest fact about one thing, or None."""
        line = self.history.line(kind, about, self.size)
        return line[-1] if line else None

    def keys_of(self, holder: str) -> dict[str, str]:
        """Give the keys that somebody holds: the public one, in base 64, by name, the oldest first."""
        held: dict[str, str] = {}
        for told in self.history.line("key", holder, self.size):
            if told.detail["event"] == "added":
                held[str(told.detail["key"])] = str(told.detail["public_key"])
            elif told.detail["event"] == "revoked":
                held.pop(str(told.detail["key"]), None)
        return held

    def grant(self, name: str) -> GrantAt | None:
        """Give one grant as its entries have left it, or None."""
        line = self.history.line("grant", name, self.size)
        return _grant_at(line, self.history.line("approval", name, self.size)) if line else None

    def asked_at(self, name: str) -> datetime:
        """Give when a grant of the log was asked for."""
        return self.history.line("grant", name, self.size)[0].time

    def open_grants(self) -> list[str]:
        """Name the grants of everybody that have not ended."""
        return [name for of_asker in list(self.history.open_grants.values()) for name in of_asker.copy()]

    def glass_of(self, asker: str) -> list[str]:
        """Name the grants that somebody took by breaking glass, the oldest first."""
        names = self.history.glass.get(asker, [])[:]
        return [name for name in names if self.history.line("grant", name, self.size)]

    def grant_lists(self, grant: str, subject: UUID) -> bool:
        """Say whether the grant's own list of subjects names this one; a grant for `any` subject has no list."""
        return self.grants[grant].tags.hold(self.subject_key(subject))

    def actor_is(self, actor: str, subject: UUID) -> bool:
        """Say whether the actor is the data subject."""
        tags = next((told.tags for told in reversed(self.history.line("actor", actor, self.size)) if len(told.tags)), None)
        return tags is not None and tags.hold(self.subject_key(subject))

    def shredded(self, subject: UUID) -> dict[str | None, datetime]:
        """Give the categories of a subject that were shredded, and when first; None stands for all of them."""
        key = self.subject_key(subject)
        return {told.detail.get("category"): told.time for told in reversed(self._all("shred")) if told.tags.hold(key)}

    def _all(self, kind: str) -> Sequence[Told]:
        return self.history.line(kind, "", self.size)

    def _of_keys(self, event: str) -> list[Told]:
        return [told for told in self._all("key") if told.detail["event"] == event]

    def _last(self, kind: str) -> dict[str, JSON] | None:
        told = self._all(kind)
        return {**told[-1].detail, "time": told[-1].time} if told else None

    def _latest(self, kind: str) -> dict[str, dict[str, JSON]]:
        return {about: {**line[-1].detail, "index": line[-1].index} for about, line in self.history.lines(kind, self.size).items()}


def _grant_at(line: Sequence[Told], approvals: Sequence[Told]) -> GrantAt:
    """Put a grant together: all of it is settled by the request, but from when until when it runs."""
    grant: dict[str, JSON] = dict(line[0].detail["grant"])
    started = next((told.detail["grant"] for told in line if told.detail["event"] == "running"), None)
    if started:
        grant |= {name: started[name] for name in ("valid_from", "valid_to") if name in started}
    known = [told for told in approvals if told.index > line[0].index]
    indexes = tuple(sorted(told.index for told in (*line, *known)))
    return GrantAt(grant, line[-1].detail["event"], line[0].tags, tuple(told.detail for told in known), indexes)


def state_at(log: "Log | EarlierLog", at: datetime | None) -> StateAt:
    """
    Give what held at a moment, its last entry included; None stands for now.

    :raises EvidenceCorrupt: when an entry is not what the database says of it
    """
    with _store.connected(log.pool) as tx:
        size = _store.head_size(tx)
        if at is not None and (later := _store.first_at(tx, at, after=True)) is not None:
            size = later
        with log.history_lock:
            for row in _store.facts(tx, log.history.size, size):
                entry = read_entry(row.index, row.leaf, row.body, row.chunk)
                if entry.event.kind != row.kind or row.seal != log.scribe.seal(row.index, row.kind, row.leaf):
                    raise EvidenceCorrupt("fact_planted", f"Entry {row.index} is no {row.kind} that the keeper entered.")
                log.history.apply(entry)
                log.history.size = row.index + 1
            log.history.size = max(log.history.size, size)
    return StateAt(log.history, size, at or datetime.max.replace(tzinfo=UTC), log.scribe.subject_key)


def standing(log: "Log | EarlierLog", latest: int | None = None) -> StateAt:
    """
    Give what holds now: the same view again for as long as no fact is entered, so that asking often costs little.

    :param latest: the index of the latest fact, for whoever has just read it together with something else (`LATEST_FACT`)
    :raises EvidenceCorrupt: as `state_at`; and `entry_outside`, when somebody planted an entry that is none of the log's
    """
    if latest is None:
        with _store.connected(log.pool) as tx:
            latest = _store.latest_fact(tx)
    held = log.standing
    if held is None or held.size <= latest:
        held = log.standing = state_at(log, None)
        if held.size <= latest:
            raise EvidenceCorrupt("entry_outside", f"The database holds an entry {latest} that lies outside the log.")
    return held
