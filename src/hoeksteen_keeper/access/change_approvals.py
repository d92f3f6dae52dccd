"""What officers do with changes, on the keeper's pages and over its API alike: permission first, then the deed."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from hoeksteen_keeper.access.changes import Changes, Verify
from hoeksteen_keeper.access.gate import Gate
from hoeksteen_keeper.access.model import Caller
from hoeksteen_keeper.errors import KeeperRefused
from hoeksteen_keeper.evidence.log import Log

_ACTION = "change"


class ChangeApprovals:
    """Propose changes, read them, sign and refuse them, as somebody."""

    def __init__(self, *, gate: Gate, changes: Changes, log: Log) -> None:
        self._gate, self._changes, self._log = gate, changes, log

    def propose(self, caller: Caller, *, content: Mapping[str, Any], reason: str) -> dict[str, Any]:
        """Propose a change."""
        self._gate.admit_control(caller, _ACTION)
        return self._changes.described(self._changes.propose(caller.actor, content=content, reason=reason))

    def listing(self, caller: Caller) -> list[dict[str, Any]]:
        """Give the newest changes."""
        self._gate.admit_control(caller, _ACTION)
        return [self._changes.described(change) for change in self._changes.listing()]

    def show(self, caller: Caller, change_id: UUID) -> dict[str, Any]:
        """Give one change, with what it changes as that stands now."""
        self._gate.admit_control(caller, _ACTION)
        return self._changes.shown(self._changes.find(change_id))

    def signs(self, caller: Caller) -> bool:
        """Say whether the caller reads and signs changes."""
        return self._gate.may(caller, _ACTION)

    def approve(self, caller: Caller, change_id: UUID, *, digest: bytes, verify: Verify) -> dict[str, Any]:
        """
        Sign a change, by whichever kind of key `verify` checks; a refusal is logged.

        :raises KeeperRefused: with the reason
        """
        self._gate.admit_control(caller, _ACTION)
        try:
            return self._changes.described(self._changes.approve(caller.actor, change_id=change_id, digest=digest, verify=verify))
        except KeeperRefused as error:
            detail = {"change": str(change_id), "reason": error.reason, "digest": digest.hex()[:64]}
            self._log.append([self._gate.event("review", caller, action="approve", outcome="refused", detail=detail)])
            raise

    def refuse(self, caller: Caller, change_id: UUID, *, reason: str) -> dict[str, Any]:
        """Refuse a change that was proposed."""
        self._gate.admit_control(caller, _ACTION)
        return self._changes.described(self._changes.refuse(caller.actor, change_id=change_id, reason=reason))
