"""What people do with grants, on the keeper's pages and over its API alike: permission first, then the deed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from hoeksteen_keeper.access.break_glass import BreakGlass
from hoeksteen_keeper.access.gate import Gate
from hoeksteen_keeper.access.grants import Grants
from hoeksteen_keeper.access.model import Actor, Caller, Grant
from hoeksteen_keeper.errors import KeeperInvalid, KeeperRefused
from hoeksteen_keeper.evidence.log import Log

Verify = Callable[[], tuple[str, Mapping[str, str]]]


class Approvals:
    """Ask for grants, read them and decide on them, as somebody. Answers are what that person may read."""

    def __init__(self, *, gate: Gate, grants: Grants, glass: BreakGlass, log: Log) -> None:
        self._gate, self._grants, self._glass, self._log = gate, grants, glass, log

    def request(
        self, caller: Caller, *, purpose: str, categories: Sequence[str], subjects: Sequence[UUID] | None, ticket: str, minutes: int, unmasked: bool,
        subjects_max: int | None, per_hour: int | None, per_day: int | None,
    ) -> dict[str, Any]:  # fmt: skip
        """Ask for a grant."""
        self._gate.admit_control(caller, "request_grant")
        self._gate.require_openable(caller, purpose, categories)
        return self._described(self._grants.request(
            caller.actor, purpose=purpose, categories=categories, subjects=subjects, ticket=ticket, minutes=minutes, unmasked=unmasked,
            subjects_max=subjects_max, per_hour=per_hour, per_day=per_day,
        ))  # fmt: skip

    def break_glass(
        self, caller: Caller, *, purpose: str, categories: Sequence[str], subjects: Sequence[UUID], reason: str, minutes: int, unmasked: bool
    ) -> dict[str, Any]:  # fmt: skip
        """Take access at once."""
        self._gate.admit_control(caller, "break_glass")
        self._gate.require_openable(caller, purpose, categories)
        return self._described(self._glass.take(
            caller.actor, purpose=purpose, categories=categories, subjects=subjects, reason=reason, minutes=minutes, unmasked=unmasked
        ))  # fmt: skip

    def review(self, caller: Caller, grant_id: UUID, *, verdict: str, reason: str) -> dict[str, Any]:
        """Review a break-glass."""
        self._gate.admit_control(caller, "review")
        self._glass.review(caller, grant_id=grant_id, verdict=verdict, reason=reason)
        return self._described(self._grants.find(grant_id))

    def listing(self, caller: Caller, state: str | None = None) -> list[dict[str, Any]]:
        """Give the grants of the asker, or all of them to those who decide."""
        asker = None if self.decides(caller) else caller.actor.actor
        return [self._described(grant) for grant in self._grants.listing(asker=asker, state=state)]

    def show(self, caller: Caller, grant_id: UUID) -> dict[str, Any]:
        """
        Give one grant to its asker or to those who decide.

        :raises KeeperInvalid: to anybody else as well: whose grants exist is not their business
        """
        grant = self._grants.find(grant_id)
        if grant.asker != caller.actor.actor and not self.decides(caller):
            raise KeeperInvalid("unknown_grant", "There is no such grant.")
        return self._described(grant)

    def masked(self, asker: Actor, grant: Mapping[str, Any]) -> bool:
        """Say whether a grant, as `show` gives it, opens some of it to its asker in a masked form only."""
        return not grant["unmasked"] and self._gate.masks(asker, grant["purpose"], grant["categories"])

    def decides(self, caller: Caller) -> bool:
        """Say whether the caller sees and decides on the grants of others."""
        return self._gate.may(caller, "decide_grant")

    def approve(self, caller: Caller, grant_id: UUID, *, digest: bytes, verify: Verify) -> dict[str, Any]:
        """
        Approve a grant, by whichever kind of key `verify` checks; a refusal is logged.

        :raises KeeperRefused: with the reason
        """
        self._gate.admit_control(caller, "decide_grant")
        try:
            return self._described(self._grants.approve(caller.actor, grant_id=grant_id, digest=digest, verify=verify, decides=self._gate.decides))
        except KeeperRefused as error:
            detail = {"grant": str(grant_id), "reason": error.reason, "digest": digest.hex()[:64]}
            self._log.append([self._gate.event("review", caller, action="approve", grant=str(grant_id), outcome="refused", detail=detail)])
            raise

    def refuse(self, caller: Caller, grant_id: UUID, *, reason: str) -> dict[str, Any]:
        """Refuse a grant that was asked for."""
        self._gate.admit_control(caller, "decide_grant")
        return self._described(self._grants.end(grant_id=grant_id, state="refused", by=caller.actor.actor, reason=reason))

    def revoke(self, caller: Caller, grant_id: UUID, *, reason: str) -> dict[str, Any]:
        """End a grant at once; its asker may as well."""
        if self._grants.find(grant_id).asker != caller.actor.actor:
            self._gate.admit_control(caller, "decide_grant")
        return self._described(self._grants.end(grant_id=grant_id, state="revoked", by=caller.actor.actor, reason=reason))

    def waiting(self) -> list[tuple[str, str, bool]]:
        """Give asker, reason and whether it is overdue of each break-glass that waits for its review."""
        return self._glass.waiting()

    def _described(self, grant: Grant) -> dict[str, Any]:
        return {**self._grants.described(grant), **self._glass.story(grant)}
