"""The calls that touch no personal data: sessions, grants, the kill switch, and questions to the log."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import msgspec

from hoeksteen_keeper.access.decisions import permissions
from hoeksteen_keeper.access.grants import verified_by_ed25519
from hoeksteen_keeper.access.model import Actor, Caller
from hoeksteen_keeper.access.passwords import hash_password, totp_secret
from hoeksteen_keeper.access.sessions import PASSKEY_TICKET, Opened
from hoeksteen_keeper.errors import KeeperInvalid, KeeperRefused
from hoeksteen_keeper.evidence import queries
from hoeksteen_keeper.service.data_calls import required_grant, subject_of
from hoeksteen_keeper.service.keeper import Keeper

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
_STATES = ("requested", "running", "refused", "revoked", "expired")


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call without a body."""


class Assertion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    actor: Name
    time: str
    nonce: str
    signature: bytes


class Code(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: str


class Token(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    token: str


class DataSubject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    actor: Name
    name: Name
    subject: bytes
    password: str
    totp_secret: str


class ActorName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    actor: Name


class GrantRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    purpose: str
    categories: list[str]
    subjects: list[bytes] | None
    ticket: str
    minutes: int
    unmasked: bool = False
    subjects_max: int | None = None
    per_hour: int | None = None
    per_day: int | None = None


class GrantName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    grant: str


class GrantList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    state: str | None = None


class Approval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    grant: str
    digest: bytes
    signature: bytes


class GrantEnd(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    grant: str
    reason: str


class Kill(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    scope: str
    target: Name
    reason: str


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


# --- sessions


def prove_key(keeper: Keeper, body: Assertion) -> dict[str, Any]:
    """Exchange a signed assertion for a short token."""
    opened = keeper.sessions.prove_key(actor=body.actor, time=body.time, nonce=body.nonce, signature=body.signature)
    return {"token": opened.token, "expires_at": opened.caller.expires_at, "origin": keeper.origin}


def exchange(keeper: Keeper, caller: Caller, body: Code) -> dict[str, Any]:
    """Exchange the one-time code of a log-in for a token that is bound to the calling service."""
    if caller.actor.kind != "service":
        refused = KeeperRefused("no_permission", "Services exchange log-in codes.")
        raise keeper.sessions.note_refusal(caller.actor.actor, "exchange", caller.medium, refused)
    return _session(keeper.sessions.exchange(body.code, service=caller.actor.actor))


def show_session(keeper: Keeper, caller: Caller, body: Token) -> dict[str, Any]:
    """Tell whose token it is, to the service it was issued to."""
    return _session(Opened(_of(keeper, caller, body.token), body.token))


def close_session(keeper: Keeper, caller: Caller, body: Token) -> None:
    """End a session of the calling service; one that is over already stays so."""
    try:
        _of(keeper, caller, body.token)
    except KeeperRefused as error:
        if error.reason == "token_not_yours":
            raise
        return
    keeper.sessions.close(body.token)


def passkey_ticket(keeper: Keeper, caller: Caller, _: Nothing) -> str:
    """Give a person who has just proven an approval key the one-time code that lets them register a passkey beside it."""
    if caller.actor.kind != "person" or caller.medium != caller.actor.actor:
        refused = KeeperRefused("no_permission", "A passkey is registered by a person who proves a key that they hold already.")
        raise keeper.sessions.note_refusal(caller.actor.actor, "passkey_ticket", caller.medium, refused)
    return keeper.sessions.issue_code(actor=caller.actor.actor, service=PASSKEY_TICKET)


def add_data_subject(keeper: Keeper, caller: Caller, body: DataSubject) -> None:
    """Prepare a customer's log-in that is bound to their own data; it works once a second person confirms it."""
    subject = subject_of(body.subject)
    keeper.gate.admit_control(caller, "administer", subject=subject)
    actor = Actor(body.actor, body.name, keeper.actors.operator(), "data_subject", ("data_subject",), subject)
    keeper.actors.add(
        actor, password_hash=hash_password(body.password), totp_secret=totp_secret(body.totp_secret), by=caller.actor.actor, confirmed=False
    )


def confirm_actor(keeper: Keeper, caller: Caller, body: ActorName) -> None:
    """Let a customer log in whom another person added; an older log-in of the same customer ends."""
    keeper.gate.admit_control(caller, "administer")
    keeper.actors.confirm(body.actor, by=caller.actor.actor)


# --- grants


def request_grant(keeper: Keeper, caller: Caller, body: GrantRequest) -> dict[str, Any]:
    """Ask for a grant."""
    subjects = None if body.subjects is None else [subject_of(run) for run in body.subjects]
    return keeper.approvals.request(
        caller, purpose=body.purpose, categories=body.categories, subjects=subjects, ticket=body.ticket, minutes=body.minutes, unmasked=body.unmasked,
        subjects_max=body.subjects_max, per_hour=body.per_hour, per_day=body.per_day,
    )  # fmt: skip


def list_grants(keeper: Keeper, caller: Caller, body: GrantList) -> list[dict[str, Any]]:
    """Give the grants of the asker, or all of them to those who decide."""
    if body.state is not None and body.state not in _STATES:
        raise KeeperInvalid("unknown_state", f"A grant is {', '.join(_STATES)}.")
    return keeper.approvals.listing(caller, body.state)


def show_grant(keeper: Keeper, caller: Caller, body: GrantName) -> dict[str, Any]:
    """Give one grant to its asker or to those who decide."""
    return keeper.approvals.show(caller, required_grant(body.grant))


def approve_grant(keeper: Keeper, caller: Caller, body: Approval) -> dict[str, Any]:
    """Approve a grant with an Ed25519 signature over its digest."""
    return keeper.approvals.approve(caller, required_grant(body.grant), digest=body.digest, verify=lambda: verified_by_ed25519(
        keeper.actors, caller.actor.actor, digest=body.digest, signature=body.signature
    ))  # fmt: skip


def refuse_grant(keeper: Keeper, caller: Caller, body: GrantEnd) -> dict[str, Any]:
    """Refuse a grant that was asked for."""
    return keeper.approvals.refuse(caller, required_grant(body.grant), reason=body.reason)


def revoke_grant(keeper: Keeper, caller: Caller, body: GrantEnd) -> dict[str, Any]:
    """End a grant at once."""
    return keeper.approvals.revoke(caller, required_grant(body.grant), reason=body.reason)


def kill(keeper: Keeper, caller: Caller, body: Kill) -> None:
    """Stop a session, an actor or an organisation."""
    keeper.gate.admit_control(caller, "kill")
    of = caller.actor.organisation.organisation
    keeper.actors.kill(scope=body.scope, target=body.target, by=caller.actor.actor, organisation=of, reason=body.reason)


# --- the log


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


def _of(keeper: Keeper, caller: Caller, token: str) -> Caller:
    found = keeper.sessions.caller(token)
    if found.medium != caller.actor.actor:
        refused = KeeperRefused("token_not_yours", "The token was issued to another service.")
        raise keeper.sessions.note_refusal(found.actor.actor, "use", caller.actor.actor, refused)
    return found


def _session(opened: Opened) -> dict[str, Any]:
    caller, actor = opened.caller, opened.caller.actor
    return {
        "actor": actor.actor, "name": actor.name, "organisation": actor.organisation.organisation, "roles": list(actor.roles), "token": opened.token,
        "expires_at": caller.expires_at, "subject": actor.subject.bytes if actor.subject else None,
    }  # fmt: skip
