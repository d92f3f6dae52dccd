"""The call about decisions on the business that a person signed: the keeper says whose signature it is, and keeps it in the log."""

import hashlib
from typing import Annotated, Any

import msgspec

from hoeksteen_keeper.access.grants import verified_by_ed25519
from hoeksteen_keeper.access.model import Caller
from hoeksteen_keeper.errors import KeeperInvalid, KeeperRefused
from hoeksteen_keeper.evidence.model import Event
from hoeksteen_keeper.service.keeper import Keeper
from hoeksteen_keeper.service.shapes import Calls, Name


class Decision(msgspec.Struct, tag_field="type", tag="hoeksteen decision"):
    """So that no signature over a grant or a change passes for one; what else a decision says is the business's own matter."""

    by: Name


class SignedDecision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: Annotated[bytes, msgspec.Meta(max_length=4_096)]
    signature: bytes


def enter(keeper: Keeper, caller: Caller, body: SignedDecision) -> dict[str, Any]:
    """Say who signed a decision, and enter it with its signature; a refusal is an entry too."""
    try:
        by, text = msgspec.json.decode(body.text, type=Decision).by, body.text.decode()
    except ValueError as error:
        raise KeeperInvalid("decision_invalid", "What was signed is no decision that names who decides.") from error
    person, digest = keeper.actors.find(by), hashlib.sha256(body.text).digest()
    of, told = person.organisation, {"by": by, "digest": digest.hex()}
    try:
        if caller.actor.kind != "service" or person.kind != "person" or not of.operator:
            raise KeeperRefused("approver_not_operator", "People of the operator decide, through a service of it.")
        key, made = verified_by_ed25519(keeper.actors, keeper.actors.require_open(person).actor, digest=digest, signature=body.signature)
    except KeeperRefused as error:
        keeper.log.append([keeper.gate.event("decision", caller, action="decide", outcome="refused", detail={**told, "reason": error.reason})])
        raise
    keeper.log.append([Event(kind="decision", actor=by, organisation=of.organisation, action="decide", detail={**made, "key": key, "text": text})])
    return {"actor": by, "roles": list(person.roles), "digest": digest.hex()}


CALLS: Calls = {"decisions/enter": (SignedDecision, enter)}
