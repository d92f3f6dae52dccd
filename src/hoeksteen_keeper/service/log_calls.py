"""The calls that ask the log: who did see, who could see, bundles, checkpoints, and whether it all agrees."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from hoeksteen_keeper.access.decisions import Who
from hoeksteen_keeper.access.model import Caller
from hoeksteen_keeper.access.over_time import permissions, permissions_between
from hoeksteen_keeper.errors import KeeperInvalid
from hoeksteen_keeper.evidence import queries
from hoeksteen_keeper.evidence.errors import TooMuch
from hoeksteen_keeper.service.exposure import attest_exposure
from hoeksteen_keeper.service.keeper import Keeper
from hoeksteen_keeper.service.shapes import Calls, Instant, Name, Nothing, subject_of


class DidSee(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    subject: bytes | None = None
    actor: Name | None = None
    organisation: Name | None = None
    country: Name | None = None
    since: Instant | None = None
    until: Instant | None = None
    after: int | None = None
    limit: int | None = None


class CouldSee(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At one moment, or ever `since` one up to and including `until`."""

    subject: bytes | None = None
    actor: Name | None = None
    organisation: Name | None = None
    country: Name | None = None
    at: Instant | None = None
    since: Instant | None = None
    until: Instant | None = None


class Export(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    subject: bytes
    since: Instant | None = None
    until: Instant | None = None


def did_see(keeper: Keeper, caller: Caller, body: DidSee) -> list[dict[str, Any]]:
    """Give who saw; the question is an entry itself."""
    subject = _asked_about(body)
    keeper.gate.admit_control(caller, "did_see_subject" if subject else "did_see_actor", subject=subject)
    found = queries.did_see(
        keeper.log, subject=subject, actor=body.actor, organisation=body.organisation, country=body.country, since=body.since, until=body.until,
        after=body.after, limit=body.limit,
    )  # fmt: skip
    _enter_question(keeper, caller, "did_see", body.subject, _named(body))
    return found


def could_see(keeper: Keeper, caller: Caller, body: CouldSee) -> dict[str, Any]:
    """Give who could have seen, and the back doors of the machine."""
    subject, now = _asked_about(body), keeper.now()
    keeper.gate.admit_control(caller, "could_see", subject=subject)
    until = min(body.until or body.at or now, now)
    if (body.since and (body.at or body.since > until)) or (body.until and not body.since):
        raise KeeperInvalid("question_invalid", "Ask about one moment (`at`), or about a period that has begun (`since`, and `until` after it).")
    state, who = queries.state_at(keeper.log, until), Who(body.actor, body.organisation, body.country)
    actors = permissions_between(state, subject, who, since=body.since) if body.since else permissions(state, subject, who)
    if len(actors) > queries.ANSWER_MAX:
        raise TooMuch("too_much", f"More than {queries.ANSWER_MAX} ways; ask about an actor, an organisation or a country, or for a shorter period.")
    findings = [*_not_known(keeper, body.since or until), *(state.exposure or {}).get("findings", [])]
    answer = {"at": until, "since": body.since, "actors": actors, "findings": findings}
    _enter_question(keeper, caller, "could_see", body.subject, _named(body))
    return answer


def _not_known(keeper: Keeper, since: datetime) -> list[str]:
    """Say where a question reaches back before the log began: of that time it knows nothing."""
    first = next(iter(queries.entries(keeper.log, first=0, last=1)), None)
    if first is None or since >= first.time:
        return []
    said = "an earlier log, which ended" if first.event.kind == "break" else "no log"
    return [f"before-the-log: this log begins at {first.time:%Y-%m-%d %H:%M} UTC; what was before is in {said}, and not in this answer"]


def exposure(keeper: Keeper, caller: Caller, _: Nothing) -> list[str]:
    """Scan the machine now, and attest what was found."""
    keeper.gate.admit_control(caller, "check")
    return attest_exposure(keeper)


def export(keeper: Keeper, caller: Caller, body: Export) -> bytes:
    """Give an evidence bundle; its own entry is made first, so that the bundle holds it."""
    subject = subject_of(body.subject)
    keeper.gate.admit_control(caller, "export_log", subject=subject)
    _enter_question(keeper, caller, "export", body.subject, {})
    return queries.export_bundle(keeper.log, subject=subject, since=body.since, until=body.until)


def checkpoint(keeper: Keeper, caller: Caller, _: Nothing) -> bytes:
    """Give a signed checkpoint over all entries; it is public, and anybody whom the keeper knows may have it."""
    return keeper.log.checkpoint()


def fsck(keeper: Keeper, caller: Caller, _: Nothing) -> dict[str, Any]:
    """Recompute the log."""
    keeper.gate.admit_control(caller, "check")
    report = queries.fsck(keeper.log)
    return {**asdict(report), "ok": report.ok}


def _asked_about(body: DidSee | CouldSee) -> UUID | None:
    if not (body.subject or body.actor or body.organisation or body.country):
        raise KeeperInvalid("question_invalid", "Ask about a subject, an actor, an organisation or a country.")
    return subject_of(body.subject) if body.subject else None


def _named(body: DidSee | CouldSee) -> dict[str, Any]:
    return {"of_actor": body.actor or "", "of_organisation": body.organisation or "", "of_country": body.country or ""}


def _enter_question(keeper: Keeper, caller: Caller, action: str, subject: bytes | None, more: dict[str, Any]) -> None:
    subjects = (subject_of(subject),) if subject else ()
    detail = {"medium": caller.medium, "count": len(subjects), **more}
    keeper.log.append([keeper.gate.event("export", caller, action=action, subjects=subjects, detail=detail)])


CALLS: Calls = {
    "did-see": (DidSee, did_see),
    "could-see": (CouldSee, could_see),
    "exposure": (Nothing, exposure),
    "export": (Export, export),
    "checkpoint": (Nothing, checkpoint),
    "fsck": (Nothing, fsck),
}
LONG = frozenset({"did-see", "could-see", "exposure", "export", "fsck"})
"""The calls that may take seconds."""
