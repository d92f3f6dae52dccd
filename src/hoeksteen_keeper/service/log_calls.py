"""The calls that ask the log: who did see, who could see, bundles, checkpoints, and whether it all agrees."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from hoeksteen_keeper.access.decisions import Who
from hoeksteen_keeper.access.model import Caller
from hoeksteen_keeper.access.over_time import permissions, permissions_between
from hoeksteen_keeper.errors import KeeperInvalid
from hoeksteen_keeper.evidence import queries
from hoeksteen_keeper.evidence.earlier import EarlierLog
from hoeksteen_keeper.evidence.errors import TooMuch
from hoeksteen_keeper.evidence.log import Log
from hoeksteen_keeper.evidence.replay import standing
from hoeksteen_keeper.service.exposure import attest_exposure
from hoeksteen_keeper.service.keeper import Keeper
from hoeksteen_keeper.service.shapes import Calls, Instant, Name, Nothing, subject_of

_INSTANT = timedelta(microseconds=1)


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
    _require_known(keeper, body)
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
    _require_known(keeper, body)
    until = min(body.until or body.at or now, now)
    if (body.since and (body.at or body.since > until)) or (body.until and not body.since):
        raise KeeperInvalid("question_invalid", "Ask about one moment (`at`), or about a period that has begun (`since`, and `until` after it).")
    actors, findings = _who_could(keeper, subject, Who(body.actor, body.organisation, body.country), body.since, until)
    if len(actors) > queries.ANSWER_MAX:
        raise TooMuch("too_much", f"More than {queries.ANSWER_MAX} ways; ask about an actor, an organisation or a country, or for a shorter period.")
    answer = {"at": until, "since": body.since, "actors": actors, "findings": findings}
    _enter_question(keeper, caller, "could_see", body.subject, _named(body))
    return answer


def _who_could(keeper: Keeper, subject: UUID | None, who: Who, since: datetime | None, until: datetime) -> tuple[list[dict[str, Any]], list[str]]:
    """Ask each log for the time that it tells of, and say what none of them knows."""
    rows: list[dict[str, Any]] = []
    findings, begin = _not_known(keeper, since or until), _began(keeper.log)
    for ended in keeper.log.earlier:
        if begin <= until and (since or until) < ended.until:
            rows += _asked(ended, subject, who, since and max(since, begin), min(until, ended.until - _INSTANT), ended.until)
            findings.append(
                f"log-ended: {ended.origin} ended, and another began at {ended.until:%Y-%m-%d %H:%M} UTC; what it held beyond {ended.size} entries "
                "is not in this answer"
            )
        begin = ended.until
    if begin <= until:
        rows += _asked(keeper.log, subject, who, since and max(since, begin), until, None)
    return rows, [*findings, *(queries.state_at(keeper.log, until).exposure or {}).get("findings", [])]


def _asked(
    log: Log | EarlierLog, subject: UUID | None, who: Who, since: datetime | None, until: datetime, ended: datetime | None
) -> list[dict[str, Any]]:  # fmt: skip
    state = queries.state_at(log, until)
    if since is None:
        return permissions(state, subject, who)
    return [{**row, "until": row["until"] or ended} for row in permissions_between(state, subject, who, since=since)]


def _not_known(keeper: Keeper, since: datetime) -> list[str]:
    """Say where a question reaches back before the first log began."""
    began = _began(keeper.log)
    if since >= began:
        return []
    return [f"before-the-log: the log begins at {began:%Y-%m-%d %H:%M} UTC; what was before is not in this answer"]


def _began(log: Log) -> datetime:
    oldest = log.earlier[0] if log.earlier else log
    return next(iter(queries.entries(oldest, first=0, last=1))).time


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


def _require_known(keeper: Keeper, body: DidSee | CouldSee) -> None:
    """Refuse a question about a name that no log knows, or a slip of the pen would be answered with `nobody`."""
    logs: list[Log | EarlierLog] = [*keeper.log.earlier, keeper.log]
    for kind, name in (("actor", body.actor), ("organisation", body.organisation)):
        if name is not None and not any(standing(log).told(kind, name) for log in logs):
            raise KeeperInvalid("question_invalid", f"The log knows no {kind} of that name.")
    if body.country is not None and not any(queries.organisations(standing(log), None, body.country) for log in logs):
        raise KeeperInvalid("question_invalid", "The log knows no organisation in that country. A country is two letters, such as NL.")
    if body.subject:
        _require_subject(keeper, subject_of(body.subject))


def _require_subject(keeper: Keeper, subject: UUID) -> None:
    logs: list[Log | EarlierLog] = [*keeper.log.earlier, keeper.log]
    if not keeper.keys.knows(subject) and not any(queries.names(log, subject) for log in logs):
        raise KeeperInvalid("question_invalid", "The keeper holds nothing of that subject, and the log names them nowhere. Check the identifier.")


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
