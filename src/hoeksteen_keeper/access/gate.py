"""
The gate: whether this caller may have these data now, how masked, under which grant and within which ceiling.

The decision reads things as they stand: grants and blocks off the log, as it was when the caller's session was looked up, and meters from the
store; only what the policies say about equal facts is remembered. Every refusal is an entry in the log, with its reason.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NoReturn
from uuid import UUID

from hoeksteen_keeper.access import limits
from hoeksteen_keeper.access.grants import Grants
from hoeksteen_keeper.access.limits import Ceilings
from hoeksteen_keeper.access.model import Actor, Ask, Caller, Facts, Permission, RunningGrant, Verdict
from hoeksteen_keeper.access.policies import Shelf
from hoeksteen_keeper.errors import KeeperRefused
from hoeksteen_keeper.evidence.log import Log
from hoeksteen_keeper.evidence.model import Event
from hoeksteen_keeper.store.database import Store
from hoeksteen_keeper.vault.categories import category_number, require_purpose

KINDS = {"reveal": "disclosure", "search": "search", "seal": "seal"}
_DETAILS = {
    "no_permission": "The policies give this actor no such permission.",
    "step_up_needed": "This asks for a fresh proof: log in with a passkey again, or use your own key.",
    "no_reason": "Say that the customer is on the line, or name the ticket.",
    "no_grant": "This needs a grant: ask for one, and have two people of the operator approve it.",
    "not_own_data": "A data subject sees their own data only.",
    "grant_covers_others": "A grant runs, but not for all of these subjects.",
    "grant_expired": "The grant's time is over; ask for a new one.",
    "grant_not_approved": "The grant is not approved yet; two people of the operator must.",
    "grant_revoked": "The grant was revoked.",
    "grant_refused": "The grant was refused.",
}


class Gate:
    """Decide on requests, count what is let through, and log what is not."""

    def __init__(self, *, store: Store, shelf: Shelf, grants: Grants, log: Log, now: Callable[[], datetime]) -> None:
        self._store, self._shelf, self._grants, self._log, self._now = store, shelf, grants, log, now

    def admit(self, caller: Caller, ask: Ask) -> Permission:
        """
        Allow a request for data and count it, or refuse it.

        :raises KeeperRefused: with a machine-readable reason; the refusal is logged first
        """
        (answer,) = self.admit_many([(caller, ask)])
        if isinstance(answer, KeeperRefused):
            raise answer
        return answer

    def admit_many(self, asked: Sequence[tuple[Caller, Ask]]) -> list[Permission | KeeperRefused]:
        """Allow requests that came together and count them, or refuse them, each by itself."""
        allowed: dict[int, tuple[Permission, Ceilings, Sequence[UUID] | None]] = {}
        answers: list[Permission | KeeperRefused | None] = [None] * len(asked)
        for place, (caller, ask) in enumerate(asked):
            try:
                allowed[place] = self._allow(caller, ask)
            except KeeperRefused as refused:
                answers[place] = refused
        for places in _alike(allowed):
            self._count(asked, allowed, places, answers)
        return [answer if answer is not None else allowed[place][0] for place, answer in enumerate(answers)]

    def _allow(self, caller: Caller, ask: Ask) -> tuple[Permission, Ceilings, Sequence[UUID] | None]:
        """Decide, and say which ceilings it uses up and, where each subject counts once, whose places."""
        grant, facts = None, self._facts(caller, ask, None)
        verdict, masked = self._decide(caller, ask, facts)
        if not verdict.allowed or masked or ask.grant:  # a grant may open more than the standing permission
            grant = self._grants.usable(
                caller.state, asker=caller.actor.actor, purpose=ask.purpose, categories=ask.categories, grant_id=ask.grant, subjects=ask.subjects
            )
            facts = self._facts(caller, ask, grant)
            verdict, masked = self._decide(caller, ask, facts)
        if not verdict.allowed:
            self._refuse(caller, ask, self._reason(caller, ask, facts))
        if verdict.per_hour is None and grant is None:  # whatever the policies say, nothing goes out without a ceiling
            self._refuse(caller, ask, "no_grant")
        used = grant if grant and verdict.per_hour is None else None  # a standing permission needs, and uses up, no grant
        permission = Permission(masked, verdict.because, used, ask.ticket or (used.ticket if used else ""))
        if verdict.per_hour is not None and verdict.per_day is not None:
            what, subjects = ("see", ask.subjects) if ask.action == "reveal" else (ask.action, None)
            name = caller.actor.actor
            return permission, limits.ceilings_of_actor(name, what, per_hour=verdict.per_hour, per_day=verdict.per_day, now=self._now()), subjects
        return permission, limits.ceilings_of_grant(used, sealing=ask.action == "seal", now=self._now()) if used else {}, None

    def admit_control(self, caller: Caller, action: str, *, subject: UUID | None = None) -> None:
        """
        Allow something that is done to the keeper itself.

        :param subject: whom a question to the log is about
        :raises KeeperRefused: `no_permission`, or `step_up_needed` where a fresh proof would do; the refusal is logged first
        """
        facts = Facts(own=subject is not None and subject == caller.actor.subject, strong=caller.strong)
        if not self._shelf.of(caller.state).decide(caller.actor, action, "keeper", facts).allowed:
            subjects = (subject,) if subject else ()
            proven = self._shelf.of(caller.state).decide(caller.actor, action, "keeper", replace(facts, strong=True)).allowed
            reason = "step_up_needed" if proven else "no_permission"
            self._log.append([self.event("export", caller, action=action, outcome="refused", subjects=subjects, detail={"reason": reason})])
            raise KeeperRefused(reason, _DETAILS[reason])

    def may(self, caller: Caller, action: str) -> bool:
        """Say whether the policies let the caller do something to the keeper itself, without a fresh proof."""
        return self._shelf.of(caller.state).decide(caller.actor, action, "keeper", Facts()).allowed

    def decides(self, actor: Actor) -> bool:
        """Say whether somebody may decide on grants, under the policies in force."""
        return self._shelf.in_force().decide(actor, "decide_grant", "keeper", Facts(strong=True)).allowed

    def masks(self, actor: Actor, purpose: str, categories: Sequence[str]) -> bool:
        """Say whether a grant that does not ask for unmasked data shows somebody one of these categories in a masked form only."""
        facts, policies = Facts(purpose, True, True, grant=True, strong=True), self._shelf.in_force()
        return not all(policies.decide(actor, "reveal", category, facts).allowed for category in categories)

    def require_openable(self, caller: Caller, purpose: str, categories: Sequence[str]) -> None:
        """
        Refuse to have a grant approved that could open nothing.

        :raises KeeperInvalid: when there is no such category or purpose
        :raises KeeperRefused: `purpose_opens_not`, naming the category
        """
        facts = Facts(require_purpose(purpose), grant=True, unmasked=True)
        policies = self._shelf.of(caller.state)
        for category in categories:
            category_number(category)
            if not any(policies.decide(caller.actor, action, category, facts).allowed for action in (*KINDS, "reveal_masked")):
                raise KeeperRefused("purpose_opens_not", f"The policies do not open {category} to you for {purpose}, whoever approves it.")

    def refuse(self, caller: Caller, ask: Ask, error: KeeperRefused) -> NoReturn:
        """Log the refusal of a request that was allowed but cannot be, and raise it."""
        self._refuse(caller, ask, error.reason, error.detail)

    def event(self, kind: str, caller: Caller, **fields: Any) -> Event:
        """Give an event with the caller as its actor."""
        return Event(kind=kind, actor=caller.actor.actor, organisation=caller.actor.organisation.organisation, **fields)

    def _facts(self, caller: Caller, ask: Ask, grant: RunningGrant | None) -> Facts:
        own = caller.actor.subject is not None and bool(ask.subjects) and all(subject == caller.actor.subject for subject in ask.subjects)
        return Facts(
            ask.purpose,
            ask.customer_on_the_line,
            bool(ask.ticket.strip()),
            own,
            grant is not None,
            grant is not None and grant.unmasked,
            caller.strong,
        )

    def _decide(self, caller: Caller, ask: Ask, facts: Facts) -> tuple[Verdict, bool]:
        verdicts = [self._shelf.of(caller.state).decide(caller.actor, ask.action, category, facts) for category in ask.categories]
        allowed = next((verdict for verdict in verdicts if verdict.allowed), verdicts[0])
        if allowed.allowed or ask.action != "reveal":
            return allowed, False
        return self._shelf.of(caller.state).decide(caller.actor, "reveal_masked", ask.categories[0], facts), True

    def _reason(self, caller: Caller, ask: Ask, facts: Facts) -> str:
        """Find the one fact that was missing; a caller learns no more than how to ask properly."""
        if caller.actor.subject is not None and not facts.own:
            return "not_own_data"
        if self._decide(caller, ask, Facts(ask.purpose, True, True, facts.own, facts.grant, facts.unmasked, True))[0].allowed:
            return "no_reason"
        if not facts.grant and self._decide(caller, ask, Facts(ask.purpose, True, True, facts.own, True, True, True))[0].allowed:
            return self._grants.why_not(asker=caller.actor.actor, purpose=ask.purpose, categories=ask.categories, grant_id=ask.grant)
        return "no_permission"

    def _count(
        self, asked: Sequence[tuple[Caller, Ask]], allowed: Mapping[int, tuple[Permission, Ceilings, Sequence[UUID] | None]], places: Sequence[int],
        answers: list[Permission | KeeperRefused | None],
    ) -> None:  # fmt: skip
        """Use up one set of ceilings for all who share it; where there is no room for all of them, for one after the other."""
        _, ceilings, subjects = allowed[places[0]]
        count = sum(asked[place][1].count for place in places)
        if not count or not ceilings:
            return
        together = None if subjects is None else [subject for place in places for subject in allowed[place][2] or ()]
        try:
            limits.consume(self._store, ceilings, count, subjects=together)
        except KeeperRefused as error:
            if len(places) > 1:
                for place in places:
                    self._count(asked, allowed, [place], answers)
                return
            try:
                self._refuse(*asked[places[0]], error.reason, error.detail)
            except KeeperRefused as refused:
                answers[places[0]] = refused

    def _refuse(self, caller: Caller, ask: Ask, reason: str, detail: str = "") -> NoReturn:
        facts = {"reason": reason, "medium": caller.medium, "count": ask.count, "ticket": ask.ticket[:200]}
        self._log.append([self.event(
            KINDS[ask.action], caller, action=ask.action, category=ask.categories[0], purpose=ask.purpose, grant=str(ask.grant or ""),
            outcome="refused",
            subjects=tuple(ask.subjects), detail=facts,
        )])  # fmt: skip
        raise KeeperRefused(reason, detail or _DETAILS.get(reason, ""))


def _alike(allowed: Mapping[int, tuple[Permission, Ceilings, Sequence[UUID] | None]]) -> Iterable[list[int]]:
    """Give the places of those who use up the same ceilings."""
    alike: dict[tuple[object, ...], list[int]] = {}
    for place, (_, ceilings, subjects) in allowed.items():
        alike.setdefault((subjects is None, *ceilings.items()), []).append(place)
    return alike.values()
