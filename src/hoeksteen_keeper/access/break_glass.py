"""
Break-glass: access at once, for an hour at most, to few people, by staff whom the policies let; loud, and reviewed afterwards.

It is a grant like any other, but nobody approved it: it says so in its canonical form, in the log and wherever grants are listed. Whoever does not
have theirs reviewed in time cannot break glass again.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hoeksteen_keeper.access.actors import Actors
from hoeksteen_keeper.access.grants import Grants
from hoeksteen_keeper.access.model import Actor, Caller, Grant
from hoeksteen_keeper.errors import KeeperInvalid, KeeperRefused
from hoeksteen_keeper.evidence.log import Log
from hoeksteen_keeper.evidence.model import Event
from hoeksteen_keeper.evidence.replay import standing
from hoeksteen_keeper.store.database import Store

MINUTES_MAX = 60
OPENINGS_MAX = 50
REVIEW_WITHIN = timedelta(hours=72)
VERDICTS = ("ok", "misuse")


class BreakGlass:
    """Take access at once, and review it."""

    def __init__(self, *, store: Store, grants: Grants, actors: Actors, log: Log, now: Callable[[], datetime]) -> None:
        self._store, self._grants, self._actors, self._log, self._now = store, grants, actors, log, now

    def take(
        self, asker: Actor, *, purpose: str, categories: Sequence[str], subjects: Sequence[UUID], reason: str, minutes: int, unmasked: bool
    ) -> Grant:  # fmt: skip
        """
        Give somebody a running grant for listed people, at once.

        :raises KeeperInvalid: when it asks for more than breaking glass may give
        :raises KeeperRefused: `review_overdue`, while an earlier one of theirs waits for its review for too long; `limit_reached`, when it would
            be for more people within an hour than one may give
        """
        if not 1 <= minutes <= MINUTES_MAX or not 1 <= len(set(subjects)) <= OPENINGS_MAX:
            raise KeeperInvalid("grant_invalid", f"Breaking glass opens 1 to {OPENINGS_MAX} people for 1 to {MINUTES_MAX} minutes.")
        with self._store.transaction() as tx:  # one after the other, or each of several would find the same room
            tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('break glass of ' || %s, 0))", [asker.actor])
            return self._take(asker, purpose, categories, subjects, reason, minutes, unmasked)

    def _take(
        self, asker: Actor, purpose: str, categories: Sequence[str], subjects: Sequence[UUID], reason: str, minutes: int, unmasked: bool
    ) -> Grant:  # fmt: skip
        state, now = standing(self._log), self._now()
        held = {name: grant for name in state.glass_of(asker.actor) if (grant := state.grant(name))}
        if any(state.asked_at(name) + REVIEW_WITHIN <= now and not state.told("review", name) for name in held):
            raise KeeperRefused("review_overdue", "Your last break-glass waits for its review for too long. Ask the privacy officer for it first.")
        taken = sum(len(grant.tags) for name, grant in held.items() if state.asked_at(name) > now - timedelta(hours=1))
        if taken + len(set(subjects)) > OPENINGS_MAX:
            raise KeeperRefused("limit_reached", f"You broke glass for {taken} people within an hour; {OPENINGS_MAX} are the most.")
        return self._grants.request(
            asker, purpose=purpose, categories=categories, subjects=subjects, ticket=reason, minutes=minutes, unmasked=unmasked,
            subjects_max=OPENINGS_MAX, per_hour=OPENINGS_MAX, per_day=OPENINGS_MAX, break_glass=True,
        )  # fmt: skip

    def review(self, caller: Caller, *, grant_id: UUID, verdict: str, reason: str) -> None:
        """
        Say whether glass was broken for good reason; `misuse` stops the asker.

        :raises KeeperRefused: `reviewer_is_asker`, or `review_done`
        """
        grant = self._grants.find(grant_id)
        if verdict not in VERDICTS or not 1 <= len(reason.strip()) <= 200 or not grant.break_glass:
            raise KeeperInvalid("review_invalid", f"A break-glass is reviewed as {' or '.join(VERDICTS)}, with a reason of at most 200 characters.")
        if grant.asker == caller.actor.actor:
            raise KeeperRefused("reviewer_is_asker", "Nobody reviews what they took themselves.")
        of = caller.actor.organisation.organisation
        with self._store.transaction() as tx:
            tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('review of ' || %s, 0))", [str(grant_id)])
            if standing(self._log).told("review", str(grant_id)):
                raise KeeperRefused("review_done", "This break-glass was reviewed already.")
            detail = {"grant": str(grant_id), "verdict": verdict, "reason": reason.strip(), "asker": grant.asker}
            self._log.append(
                [Event(kind="review", actor=caller.actor.actor, organisation=of, action="break_glass", grant=str(grant_id), detail=detail)]
            )
            if verdict == "misuse":
                self._actors.kill(
                    scope="actor", target=grant.asker, by=caller.actor.actor, organisation=of, reason=f"misuse of break-glass {grant_id}"
                )

    def story(self, grant: Grant) -> dict[str, Any]:
        """Give what there is to say of a grant in this respect: whether it is one, by when it is to be reviewed, and how it was."""
        told = standing(self._log).told("review", str(grant.grant))
        review = {"reviewer": told.by, "verdict": told.detail["verdict"], "reason": told.detail["reason"], "reviewed_at": told.time} if told else None
        due = grant.valid_from + REVIEW_WITHIN if grant.break_glass and grant.valid_from and not review else None
        return {"break_glass": grant.break_glass, "review": review, "review_due": due}

    def waiting(self) -> list[tuple[str, str, bool]]:
        """Give asker, reason and whether it is overdue of each break-glass that waits for its review, for the exposure scan."""
        state, limit = standing(self._log), self._now() - REVIEW_WITHIN
        names = [name for asker in list(state.history.glass) for name in state.glass_of(asker) if not state.told("review", name)]
        waiting = [(state.asked_at(name), grant.grant) for name in names if (grant := state.grant(name))]
        return [(str(said["asker"]), str(said["ticket"]), at <= limit) for at, said in sorted(waiting, key=lambda one: one[0])]
