"""
Changes of who may do what: the policies, organisations, people, services, and the keys that they hold.

A change is proposed by one officer and holds once two have signed it: the SHA-256 of its canonical form, which the keeper makes, keeps as bytes and
never makes again from its parts (docs/formats.md, section 4). Each step is an entry; what comes into force is the same entry that the bootstrap
would have made.
"""

import difflib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar
from uuid import UUID

import msgspec

from hoeksteen_keeper.access.actors import Actors
from hoeksteen_keeper.access.change_kinds import KINDS, SIGNATURES_NEEDED, Content, Reach
from hoeksteen_keeper.access.grants import Grants, signature_of
from hoeksteen_keeper.access.grants import canonical_grant as canonical_form
from hoeksteen_keeper.access.model import Actor
from hoeksteen_keeper.access.policies import Shelf
from hoeksteen_keeper.errors import KeeperCorrupt, KeeperInvalid, KeeperRefused
from hoeksteen_keeper.evidence.log import Log
from hoeksteen_keeper.evidence.model import Event
from hoeksteen_keeper.evidence.replay import Told, standing
from hoeksteen_keeper.store.database import Connection, Store

PROPOSAL_LASTS = timedelta(days=7)
LISTED_MAX = 200
_ENDS = {"change_refused": "refused", "change_in_force": "in_force"}
_ONE_AT_A_TIME = 0x4348414E4745  # the lock's name: the bytes of "CHANGE"
Verify = Callable[[], tuple[str, Mapping[str, str]]]


@dataclass(frozen=True, slots=True)
class Change:
    """A change as it stands."""

    change: UUID
    kind: str
    canonical: bytes
    digest: bytes
    state: str
    proposed_by: str
    proposed_at: datetime

    COLUMNS: ClassVar[str] = "change_id, kind, canonical, digest, state, proposed_by, proposed_at"


class Changes:
    """Propose, sign, refuse and read changes. Who may is decided by the caller of these methods, except the rule of two people."""

    def __init__(
        self, *, store: Store, actors: Actors, shelf: Shelf, grants: Grants, log: Log, now: Callable[[], datetime],
        random_bytes: Callable[[int], bytes],
    ) -> None:  # fmt: skip
        self._store, self.shelf, self._log, self._now, self._random_bytes = store, shelf, log, now, random_bytes
        self._reach = Reach(actors, shelf, grants)

    def propose(self, by: Actor, *, content: Mapping[str, Any], reason: str) -> Change:
        """
        Propose a change.

        :param content: its `kind` and what belongs to that kind
        :raises KeeperInvalid: when it could not come into force as things stand
        """
        read = self._read(content).completed(self._reach)
        read.check(self._reach)
        _require_reason(reason)
        change_id, now = UUID(bytes=self._random_bytes(16), version=4), self._now()
        canonical = canonical_form({
            "type": "hoeksteen change", "version": 1, "id": str(change_id), "content": msgspec.to_builtins(read), "reason": reason.strip(),
            "proposed_by": by.actor, "proposed_at": now.isoformat(timespec="seconds"),
        })  # fmt: skip
        change = Change(change_id, str(content["kind"]), canonical, sha256(canonical).digest(), "proposed", by.actor, now)
        with self._store.transaction() as tx:
            tx.execute(_INSERT, [getattr(change, name) for name in Change.__slots__])
            self._enter("change_proposed", change, by.actor, canonical=canonical.decode())
        return change

    def approve(self, approver: Actor, *, change_id: UUID, digest: bytes, verify: Verify) -> Change:
        """
        Add one signature; with the second one the change comes into force.

        :param verify: checks the signature, and gives the name of the approver's key and what of the signature goes into the log
        :raises KeeperRefused: `change_over`, `approver_not_operator`, `digest_differs`, `own_change`, `already_approved`, `last_officers` or
            `signature_invalid`
        """
        with self._store.transaction() as tx:
            tx.execute("SELECT pg_advisory_xact_lock(%s)", [_ONE_AT_A_TIME])  # or two changes could each leave two officers, and both of them one
            change = self._locked(tx, change_id)
            self._require_open(change)
            if approver.kind != "person" or not approver.organisation.operator:
                raise KeeperRefused("approver_not_operator", "Two people of the operator sign a change.")
            if digest != change.digest:
                raise KeeperRefused(
                    "digest_differs", "What was signed is not this change. Read it again on the keeper's page, or with `change show`."
                )
            content = self._read(json.loads(change.canonical)["content"])
            if content.concerns() == approver.actor:
                raise KeeperRefused("own_change", "Nobody signs the change that ends them, gives them other roles or links them; two others must.")
            if approver.actor in {told.by for told in self._signed(change)}:
                raise KeeperRefused("already_approved", "You signed this change already; a second person must.")
            key, signed = verify()
            content.check(self._reach)  # what could not come into force is not signed for
            self._enter("change_signed", change, approver.actor, key=key, **signed)
            if len({told.by for told in self._signed(change)} & self._reach.officers()) >= SIGNATURES_NEEDED:  # who was stopped since does not count
                content.put_in_force(self._reach)
                self._enter("change_in_force", change, "")
                tx.execute("UPDATE access.change SET state = 'in_force' WHERE change_id = %s", [change_id])
        return self.find(change_id)

    def refuse(self, by: Actor, *, change_id: UUID, reason: str) -> Change:
        """
        Refuse a change that was proposed.

        :raises KeeperInvalid: when it is not said why
        :raises KeeperRefused: `change_over`
        """
        _require_reason(reason)
        with self._store.transaction() as tx:
            change = self._locked(tx, change_id)
            self._require_open(change)
            if self._read(json.loads(change.canonical)["content"]).concerns() == by.actor:
                raise KeeperRefused("own_change", "Nobody decides on the change that ends them, gives them other roles or links them.")
            self._enter("change_refused", change, by.actor, reason=reason.strip())
            tx.execute("UPDATE access.change SET state = 'refused' WHERE change_id = %s", [change_id])
        return self.find(change_id)

    def officers_without(self, actor: str) -> set[str]:
        """Name those who could still sign changes if somebody were stopped."""
        return self._reach.officers() - {actor}

    def find(self, change_id: UUID) -> Change:
        """:raises KeeperInvalid: when there is no such change"""
        rows = self._store.rows(f"SELECT {Change.COLUMNS} FROM access.change WHERE change_id = %s", [change_id])
        return self._as_told(_only(rows))

    def listing(self) -> list[Change]:
        """Give the newest changes."""
        rows = self._store.rows(
            f"SELECT {Change.COLUMNS} FROM access.change ORDER BY state = 'proposed' DESC, proposed_at DESC LIMIT %s", [LISTED_MAX]
        )
        return [self._as_told(Change(*row)) for row in rows]

    def described(self, change: Change) -> dict[str, Any]:
        """Give everything about a change that those who decide may read."""
        facts = json.loads(change.canonical)
        return {
            "id": str(change.change), "kind": change.kind, "state": change.state, "reason": facts["reason"], "content": facts["content"],
            "proposed_by": change.proposed_by, "proposed_at": change.proposed_at, "canonical": change.canonical.decode(),
            "digest": change.digest.hex(), "approvals": [signature_of(told) for told in self._signed(change)],
            "approvals_needed": SIGNATURES_NEEDED, "lapsed": self._lapsed(change),
        }  # fmt: skip

    def shown(self, change: Change) -> dict[str, Any]:
        """Give the same with what one compares it to: the policies that it replaces, and of people and keys what the keeper knows besides."""
        described = self.described(change)
        content = self._read(described["content"])
        facts = content.facts(self._reach) if change.state == "proposed" or change.kind == "policy" else {}
        return {**described, "in_force": facts.get("in_force", ""), "facts": facts, "concerns": content.concerns()}

    def _read(self, content: Mapping[str, Any]) -> Content:
        try:
            read: Content = msgspec.convert(content, KINDS)
        except msgspec.ValidationError as error:
            raise KeeperInvalid("change_invalid", f"The change is not of its form: {error}") from error
        return read

    def _require_open(self, change: Change) -> None:
        line = self._line(change)
        if not line or line[0].detail["digest"] != change.digest.hex() or sha256(change.canonical).digest() != change.digest:
            raise KeeperCorrupt("change_changed", "The keeper's database holds another change than was proposed. Find out who writes there.")
        if change.state != "proposed" or self._lapsed(change):
            raise KeeperRefused("change_over", f"The change is {change.state if change.state != 'proposed' else 'overtaken'}; propose it anew.")

    def _lapsed(self, change: Change) -> bool:
        """Say whether it can come into force no more: it is too old, or other policies did since."""
        if change.state != "proposed":
            return False
        replaces = json.loads(change.canonical)["content"].get("replaces")
        return change.proposed_at + PROPOSAL_LASTS <= self._now() or (replaces is not None and replaces != self.shelf.latest().digest)

    def _signed(self, change: Change) -> list[Told]:
        """Give the signatures over this change, as the log holds them."""
        return [told for told in self._line(change) if told.detail["event"] == "change_signed" and told.detail["digest"] == change.digest.hex()]

    def _line(self, change: Change) -> Sequence[Told]:
        state = standing(self._log)
        return state.history.line("change", str(change.change), state.size)

    def _locked(self, tx: Connection, change_id: UUID) -> Change:
        rows = tx.execute(f"SELECT {Change.COLUMNS} FROM access.change WHERE change_id = %s FOR UPDATE", [change_id]).fetchall()
        return self._as_told(_only(rows))

    def _as_told(self, change: Change) -> Change:
        """Give a change as the log says that it stands, whatever its row says."""
        line = self._line(change)
        ended = next((_ENDS[told.detail["event"]] for told in line if told.detail["event"] in _ENDS), "proposed")
        return replace(change, state=ended, proposed_at=line[0].time) if line else change

    def _enter(self, action: str, change: Change, by: str, **more: str) -> None:
        of = self._reach.actors.find(change.proposed_by).organisation.organisation
        detail = {"event": action, "change": str(change.change), "kind": change.kind, "digest": change.digest.hex(), **more}
        self._log.append([Event(kind="change", actor=by, organisation=of, action=action, detail=detail)])


def difference(before: str, after: str) -> list[str]:
    """Give the lines that differ, with three around them, as `diff -u` marks them; none where nothing differs."""
    return list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm=""))[2:]


def _require_reason(reason: str) -> None:
    if not 1 <= len(reason.strip()) <= 200 or not reason.strip().isprintable():
        raise KeeperInvalid("change_invalid", "Say why, in one line of at most 200 characters that can be seen.")


def _only(rows: Sequence[Sequence[Any]]) -> Change:
    if not rows:
        raise KeeperInvalid("unknown_change", "There is no such change.")
    return Change(*rows[0])


_INSERT = f"INSERT INTO access.change ({Change.COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s)"
