"""The calls about changes that two people sign: propose, read, sign, refuse."""

from typing import Any

import msgspec

from hoeksteen_keeper.access.grants import verified_by_ed25519
from hoeksteen_keeper.access.model import Caller
from hoeksteen_keeper.service.keeper import Keeper
from hoeksteen_keeper.service.shapes import Calls, Nothing, required_change


class Proposal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    content: dict[str, Any]
    reason: str


class ChangeName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    change: str


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    change: str
    digest: bytes
    signature: bytes


class Refusal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    change: str
    reason: str


def propose(keeper: Keeper, caller: Caller, body: Proposal) -> dict[str, Any]:
    """Propose a change."""
    return keeper.change_approvals.propose(caller, content=body.content, reason=body.reason)


def list_changes(keeper: Keeper, caller: Caller, _: Nothing) -> list[dict[str, Any]]:
    """Give the newest changes."""
    return keeper.change_approvals.listing(caller)


def show_change(keeper: Keeper, caller: Caller, body: ChangeName) -> dict[str, Any]:
    """Give one change."""
    return keeper.change_approvals.show(caller, required_change(body.change))


def approve_change(keeper: Keeper, caller: Caller, body: Signature) -> dict[str, Any]:
    """Sign a change with an Ed25519 signature over its digest."""
    return keeper.change_approvals.approve(caller, required_change(body.change), digest=body.digest, verify=lambda: verified_by_ed25519(
        keeper.actors, caller.actor.actor, digest=body.digest, signature=body.signature
    ))  # fmt: skip


def refuse_change(keeper: Keeper, caller: Caller, body: Refusal) -> dict[str, Any]:
    """Refuse a change."""
    return keeper.change_approvals.refuse(caller, required_change(body.change), reason=body.reason)


CALLS: Calls = {
    "changes/propose": (Proposal, propose),
    "changes/list": (Nothing, list_changes),
    "changes/show": (ChangeName, show_change),
    "changes/approve": (Signature, approve_change),
    "changes/refuse": (Refusal, refuse_change),
}
