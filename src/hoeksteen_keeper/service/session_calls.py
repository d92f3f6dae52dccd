"""The calls about people: proving who one is, sessions, log-ins of customers, and the kill switch."""

from typing import Any

import msgspec

from hoeksteen_keeper.access.model import Actor, Caller
from hoeksteen_keeper.access.passwords import hash_password, totp_secret
from hoeksteen_keeper.access.sessions import PAGES, PASSKEY_TICKET, Opened
from hoeksteen_keeper.errors import KeeperRefused
from hoeksteen_keeper.service.keeper import Keeper
from hoeksteen_keeper.service.shapes import Calls, Name, Nothing, subject_of


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


class Kill(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    scope: str
    target: Name
    reason: str


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
    return _own_code(keeper, caller, "passkey_ticket", PASSKEY_TICKET)


def log_in_code(keeper: Keeper, caller: Caller, _: Nothing) -> str:
    """Give a person who has just proven a key of their own the one-time code that logs them in on the keeper's pages."""
    return _own_code(keeper, caller, "log_in_code", PAGES)


def _own_code(keeper: Keeper, caller: Caller, action: str, service: str) -> str:
    if caller.actor.kind != "person" or caller.medium != caller.actor.actor:
        refused = KeeperRefused("no_permission", "Such a code is for a person who proves a key that they hold already.")
        raise keeper.sessions.note_refusal(caller.actor.actor, action, caller.medium, refused)
    return keeper.sessions.issue_code(actor=caller.actor.actor, service=service, proof="key")


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


def kill(keeper: Keeper, caller: Caller, body: Kill) -> None:
    """Stop a session, an actor or an organisation."""
    keeper.gate.admit_control(caller, "kill")
    if body.scope == "actor" and not keeper.changes.officers_without(body.target):
        raise KeeperRefused("operator_kept", "Nobody could stop anybody or change anything any more then; stop the keeper instead.")
    of = caller.actor.organisation.organisation
    keeper.actors.kill(scope=body.scope, target=body.target, by=caller.actor.actor, organisation=of, reason=body.reason)


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


CALLS: Calls = {
    "sessions/exchange": (Code, exchange),
    "sessions/show": (Token, show_session),
    "sessions/close": (Token, close_session),
    "passkey-ticket": (Nothing, passkey_ticket),
    "log-in-code": (Nothing, log_in_code),
    "actors/data-subject": (DataSubject, add_data_subject),
    "actors/confirm": (ActorName, confirm_actor),
    "kill": (Kill, kill),
}
