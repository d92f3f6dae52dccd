"""Folding the log's facts into what held at a moment."""

from collections.abc import Callable
from copy import copy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from hoeksteen_keeper.evidence import _store
from hoeksteen_keeper.evidence.entries import read_entry
from hoeksteen_keeper.evidence.model import JSON, Entry, GrantAt, StateAt, Tags

if TYPE_CHECKING:
    from hoeksteen_keeper.evidence.log import Log

Detail = dict[str, JSON]


class Fold:
    """
    A state under construction: apply the facts in order, then take a picture.

    :param size: how many entries of the log it has seen
    """

    def __init__(self) -> None:
        self.size = 0
        self.organisations: dict[str, Detail] = {}
        self.actors: dict[str, Detail] = {}
        self.actor_tags: dict[str, Tags] = {}
        self.policy: Detail | None = None
        self.grants: dict[str, GrantAt] = {}
        self.kills: list[Detail] = []
        self.shred_tags: list[tuple[str | None, Tags]] = []
        self.exposure: Detail | None = None
        self.destroyed: list[str] = []
        self.witnesses: list[str] = []
        self.policies: list[str] = []
        self.traffic_months: int | None = None
        self.generations_ended = False
        self.links: dict[tuple[str, str], str] = {}

    def apply(self, entry: Entry) -> None:
        """Take one fact in; what was refused changed nothing, except that a refused grant has ended."""
        ended = entry.event.kind == "grant" and entry.event.detail.get("event") in ("refused", "revoked", "expired")
        if entry.event.outcome == "allowed" or ended:
            fact: Callable[[Entry, Any], None] = getattr(self, f"_{entry.event.kind}")
            fact(entry, entry.event.detail)

    def picture(self, at: datetime, subject_key: Callable[[UUID], bytes]) -> StateAt:
        """Give what holds now, unaffected by what is applied later."""
        names = (
            "size",
            "organisations",
            "actors",
            "policy",
            "grants",
            "kills",
            "exposure",
            "actor_tags",
            "shred_tags",
            "destroyed",
            "witnesses",
            "policies",
            "traffic_months",
            "generations_ended",
            "links",
        )
        return StateAt(at=at, subject_key=subject_key, **{name: copy(getattr(self, name)) for name in names})

    def _organisation(self, entry: Entry, detail: Detail) -> None:
        self.organisations[detail["organisation"]] = {**detail, "index": entry.index}

    def _actor(self, entry: Entry, detail: Detail) -> None:
        self.actors[detail["actor"]] = {**detail, "index": entry.index}
        if detail.get("status") == "ended":
            self.links = {named: actor for named, actor in self.links.items() if actor != detail["actor"]}
        if entry.count:
            self.actor_tags[detail["actor"]] = entry.tags

    def _policy(self, entry: Entry, detail: Detail) -> None:
        self.policy = {**detail, "time": entry.time}
        self.policies.append(str(detail.get("digest", "")))

    def _grant(self, entry: Entry, detail: Detail) -> None:
        grant, known = detail["grant"], self.grants.get(detail["grant"]["id"])
        if known is None:
            self.grants[grant["id"]] = GrantAt(grant, detail["event"], entry.tags, indexes=(entry.index,))
        else:  # what was asked for, and for whom, is settled by the request
            self.grants[grant["id"]] = GrantAt(
                {**known.grant, **grant},
                detail["event"],
                known.tags if len(known.tags) else entry.tags,
                known.approvals,
                (*known.indexes, entry.index),
            )

    def _approval(self, entry: Entry, detail: Detail) -> None:
        if known := self.grants.get(detail["grant"]):
            self.grants[detail["grant"]] = GrantAt(known.grant, known.state, known.tags, (*known.approvals, detail), (*known.indexes, entry.index))

    def _key(self, entry: Entry, detail: Detail) -> None:
        if detail["event"] == "destroyed":
            self.destroyed += detail["keys"]
        elif detail["event"] == "witnesses":
            self.witnesses = list(detail["keys"])
        elif detail["event"] == "traffic_kept":
            self.traffic_months = detail["months"]
        elif detail["event"] == "generations_destroyed":
            self.generations_ended = True
        elif detail["event"] == "linked":
            self.links[str(detail["issuer"]), str(detail["subject"])] = str(detail["holder"])
        elif detail["event"] == "unlinked":
            self.links.pop((str(detail["issuer"]), str(detail["subject"])), None)

    def _kill(self, entry: Entry, detail: Detail) -> None:
        self.kills.append({**detail, "time": entry.time})

    def _shred(self, entry: Entry, detail: Detail) -> None:
        self.shred_tags.append((detail.get("category"), entry.tags))

    def _exposure(self, entry: Entry, detail: Detail) -> None:
        self.exposure = {**detail, "time": entry.time}


def state_at(log: "Log", at: datetime | None) -> StateAt:
    """Give what held at a moment, its last entry included; None stands for now."""
    with _store.connected(log.pool) as tx:
        size = _store.head_size(tx)
        if at is not None and (later := _store.first_at(tx, at, after=True)) is not None:
            size = later
        with log.latest_lock:
            fold = log.latest if size >= log.latest.size else Fold()
            for row in _store.facts(tx, fold.size, size):
                fold.apply(read_entry(row.index, row.leaf, row.body, row.chunk))
            fold.size = size
            return fold.picture(at or datetime.max.replace(tzinfo=UTC), log.scribe.subject_key)
