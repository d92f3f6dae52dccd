"""The calls about grants: ask, read, approve, refuse, revoke."""

from typing import Any

import msgspec

from hoeksteen_keeper.access.grants import verified_by_ed25519
from hoeksteen_keeper.access.model import Caller
from hoeksteen_keeper.errors import KeeperInvalid
from hoeksteen_keeper.service.keeper import Keeper
from hoeksteen_keeper.service.shapes import Calls, required_grant, subject_of

_STATES = ("requested", "running", "refused", "revoked", "expired")


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


class BreakGlass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    purpose: str
    categories: list[str]
    subjects: list[bytes]
    reason: str
    minutes: int
    unmasked: bool = False


class Review(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    grant: str
    verdict: str
    reason: str


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


def request_grant(keeper: Keeper, caller: Caller, body: GrantRequest) -> dict[str, Any]:
    """Ask for a grant."""
    subjects = None if body.subjects is None else [subject_of(run) for run in body.subjects]
    return keeper.approvals.request(
        caller, purpose=body.purpose, categories=body.categories, subjects=subjects, ticket=body.ticket, minutes=body.minutes, unmasked=body.unmasked,
        subjects_max=body.subjects_max, per_hour=body.per_hour, per_day=body.per_day,
    )  # fmt: skip


def break_glass(keeper: Keeper, caller: Caller, body: BreakGlass) -> dict[str, Any]:
    """Take access at once."""
    return keeper.approvals.break_glass(
        caller, purpose=body.purpose, categories=body.categories, subjects=[subject_of(run) for run in body.subjects], reason=body.reason,
        minutes=body.minutes, unmasked=body.unmasked,
    )  # fmt: skip


def review(keeper: Keeper, caller: Caller, body: Review) -> dict[str, Any]:
    """Review a break-glass."""
    return keeper.approvals.review(caller, required_grant(body.grant), verdict=body.verdict, reason=body.reason)


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


CALLS: Calls = {
    "grants/request": (GrantRequest, request_grant),
    "grants/break-glass": (BreakGlass, break_glass),
    "grants/review": (Review, review),
    "grants/list": (GrantList, list_grants),
    "grants/show": (GrantName, show_grant),
    "grants/approve": (Approval, approve_grant),
    "grants/refuse": (GrantEnd, refuse_grant),
    "grants/revoke": (GrantEnd, revoke_grant),
}
