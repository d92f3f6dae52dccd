"""A log in memory: the facts that it is told, as the keeper's replay reads them."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hoeksteen_keeper.access.policies import shipped
from hoeksteen_keeper.evidence.model import FACTS, Entry, Event, Tags
from hoeksteen_keeper.evidence.replay import History, StateAt

AT = datetime(2026, 10, 1, 12, tzinfo=UTC)
ANNA, BEN = UUID(int=1), UUID(int=2)
ORGANISATIONS = {
    "lage-landen": {"organisation": "lage-landen", "name": "Lage Landen", "country": "NL", "operator": True},
    "meridian": {"organisation": "meridian", "name": "Meridian", "country": "SG", "operator": False},
}


def subject_key(subject: UUID) -> bytes:
    return hashlib.sha256(subject.bytes).digest()


def tags(*subjects: UUID) -> Tags:
    return Tags(b"n" * 16, b"".join(sorted(hmac.digest(subject_key(subject), b"n" * 16, hashlib.sha256) for subject in subjects)))


def actor(name: str, role: str, organisation: str = "lage-landen", kind: str = "person", status: str = "active") -> dict[str, Any]:
    return {"actor": name, "name": name.title(), "organisation": organisation, "roles": [role], "kind": kind, "status": status}


def grant(asker: str, *, state: str = "running", subjects: str = "listed", hours: int = 1, **more: object) -> dict[str, Any]:
    return {
        "id": f"grant-{asker}", "asker": asker, "organisation": "meridian", "purpose": "support", "categories": ["identity"], "ticket": "T",
        "subjects": subjects,
        "valid_from": (AT - timedelta(hours=1)).isoformat(), "valid_to": (AT + timedelta(hours=hours)).isoformat(), "unmasked": False,
        "subjects_max": 9,
        "per_hour": 5, "per_day": 7, "state": state, **more,
    }  # fmt: skip


class Told:
    """A log in memory: what it is told holds from then on."""

    def __init__(self) -> None:
        self.history = History()
        self.time = AT - timedelta(hours=2)

    def tell(self, kind: str, detail: dict[str, Any], *subjects: UUID) -> None:
        self.history.apply(Entry(self.history.size, self.time, Event(kind, detail=detail), tags(*subjects), len(subjects)))
        self.history.size += 1

    def at(self, time: datetime = AT) -> StateAt:
        size = sum(1 for at in self._times() if at <= time)
        return StateAt(self.history, size, time, subject_key)

    def _times(self) -> list[datetime]:
        lines = (line for kind in FACTS for line in self.history.lines(kind, self.history.size).values())
        return [told.time for line in lines for told in line]


def told(*, policy: bool = True) -> Told:
    log = Told()
    for organisation in ORGANISATIONS.values():
        log.tell("organisation", organisation)
    if policy:
        log.tell("policy", {"version": 1, "digest": "", "text": shipped().text})
    return log
