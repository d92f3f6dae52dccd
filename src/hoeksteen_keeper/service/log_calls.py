"""The calls that ask the log: who did see, who could see, bundles, checkpoints, and whether it all agrees."""

from dataclasses import asdict
from typing import Any

import msgspec

from hoeksteen_keeper.access.decisions import permissions
from hoeksteen_keeper.access.model import Caller
from hoeksteen_keeper.errors import KeeperInvalid
from hoeksteen_keeper.evidence import queries
from hoeksteen_keeper.service.keeper import Keeper
from hoeksteen_keeper.service.shapes import Calls, Instant, Name, Nothing, subject_of


class DidSee(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    subject: bytes | None = None
    actor: Name | None = None
    organisation: Name | None = None
    since: Instant | None = None
    until: Instant | None = None


class CouldSee(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    subject: bytes
    at: Instant | None = None


class Export(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    subject: bytes
    since: Instant | None = None
    until: Instant | None = None


def did_see(keeper: Keeper, caller: Caller, body: DidSee) -> list[dict[str, Any]]:
    """Give who saw; the question is an entry itself."""
    subject = subject_of(body.subject) if body.subject else None
    if subject is None and body.actor is None and body.organisation is None:
        raise KeeperInvalid("question_invalid", "Ask about a subject, an actor or an organisation.")
    keeper.gate.admit_control(caller, "did_see_subject" if subject else "did_see_actor", subject=subject)
    found = queries.did_see(keeper.log, subject=subject, actor=body.actor, organisation=body.organisation, since=body.since, until=body.until)
    _enter_question(keeper, caller, "did_see", body.subject, {"of_actor": body.actor or "", "of_organisation": body.organisation or ""})
    return found


def could_see(keeper: Keeper, caller: Caller, body: CouldSee) -> dict[str, Any]:
    """Give who could have seen, and the back doors of the machine."""
    subject = subject_of(body.subject)
    keeper.gate.admit_control(caller, "could_see", subject=subject)
    state = queries.state_at(keeper.log, body.at or keeper.now())
    answer = {"at": state.at, "actors": permissions(state, subject), "findings": list((state.exposure or {}).get("findings", []))}
    _enter_question(keeper, caller, "could_see", body.subject, {})
    return answer


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


def _enter_question(keeper: Keeper, caller: Caller, action: str, subject: bytes | None, more: dict[str, Any]) -> None:
    subjects = (subject_of(subject),) if subject else ()
    detail = {"medium": caller.medium, "count": len(subjects), **more}
    keeper.log.append([keeper.gate.event("export", caller, action=action, subjects=subjects, detail=detail)])


CALLS: Calls = {
    "did-see": (DidSee, did_see),
    "could-see": (CouldSee, could_see),
    "export": (Export, export),
    "checkpoint": (Nothing, checkpoint),
    "fsck": (Nothing, fsck),
}
