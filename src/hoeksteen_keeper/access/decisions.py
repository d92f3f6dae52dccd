"""
Could see: which ways to a subject's data there are, and what each opens to actors of one class.

What a caller or the application asserts (purpose, ticket, customer on the line) counts as true; what the keeper holds (grants, policies)
stands as it stood. Actors of whom the policies can know only the same things are decided as one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from hoeksteen_keeper.access.break_glass import OPENINGS_MAX
from hoeksteen_keeper.access.model import Facts, Verdict
from hoeksteen_keeper.access.policies import Asker, Policies
from hoeksteen_keeper.evidence.model import JSON, GrantAt
from hoeksteen_keeper.evidence.replay import StateAt
from hoeksteen_keeper.vault.categories import PURPOSES

BREAK_GLASS = "break_glass"
ANYBODY, OWN = "anybody", "own"
Question = tuple[Asker, str, str, Facts]


@dataclass(frozen=True, slots=True)
class Who:
    """Of which actors a question asks; what is given must hold."""

    actor: str | None = None
    organisation: str | None = None
    country: str | None = None

    def admits(self, actor: str, organisation: str, country: str) -> bool:
        """Say whether an actor is meant."""
        return self.actor in (None, actor) and self.organisation in (None, organisation) and self.country in (None, country)


@dataclass(frozen=True, slots=True)
class Way:
    """
    One way in: a purpose, perhaps a grant, and what it opens.

    :param reach: whose data: `anybody`, `own`, or how many are listed
    :param ceilings: of the grant, per hour and per day
    """

    purpose: str
    own: bool
    categories: tuple[str, ...]
    grant: str = ""
    unmasked: bool = False
    reach: str | int = ANYBODY
    ceilings: tuple[int, int] | None = None


class Opening(NamedTuple):
    """What a way opens: the categories, why, masked or not, and up to which ceiling; `reach` as in `Way`."""

    categories: tuple[str, ...]
    purpose: str
    because: str
    masked: bool
    ceiling_per_hour: int | None
    ceiling_per_day: int | None
    grant: str | None
    reach: str | int


def asker_of(actor: Mapping[str, JSON], organisation: Mapping[str, JSON]) -> Asker:
    """Give what policies may know of an actor, from what the log says of them and of their organisation."""
    return str(actor["kind"]), tuple(sorted(actor["roles"])), str(organisation.get("country", "")), bool(organisation.get("operator"))


def is_own(state: StateAt, name: str, actor: Mapping[str, JSON], subject: UUID | None) -> bool:
    """Say whether the data asked about are the actor's own; whoever asks for everything means those too."""
    return actor["kind"] == "data_subject" and (subject is None or state.actor_is(name, subject))


def standing(categories: tuple[str, ...], *, own: bool) -> list[Way]:
    """Give the ways that need no grant."""
    return [Way(purpose, own, categories, reach=OWN if own else ANYBODY) for purpose in PURPOSES]


def under(held: GrantAt, categories: tuple[str, ...], *, own: bool) -> Way:
    """Give the way that a grant opens."""
    grant = held.grant
    return Way(
        str(grant["purpose"]), own, tuple(category for category in grant["categories"] if category in categories), str(grant["id"]),
        bool(grant["unmasked"]), ANYBODY if grant["subjects"] == "any" else len(held.tags), (grant["per_hour"], grant["per_day"]),
    )  # fmt: skip


def questions(asker: Asker, way: Way) -> list[Question]:
    """Give what must be decided to know what a way opens."""
    return [_question(asker, way, action, category) for action in ("reveal", "reveal_masked") for category in way.categories]


def decided(policies: Policies, asked: Iterable[Question]) -> dict[Question, Verdict]:
    """Decide each question once."""
    distinct = list(dict.fromkeys(asked))
    return dict(zip(distinct, policies.decide_many(distinct), strict=True))


def openings(asker: Asker, way: Way, verdicts: Mapping[Question, Verdict]) -> list[Opening]:
    """Give what a way opens to such actors, together where why and how are the same."""
    found: dict[tuple[Any, ...], list[str]] = {}
    alone = replace(way, grant="", unmasked=False)
    for category in way.categories:
        for action in ("reveal", "reveal_masked"):
            verdict, standing = verdicts[_question(asker, way, action, category)], verdicts[_question(asker, alone, action, category)]
            by_itself = standing.allowed and standing.per_hour is not None  # the gate lets nothing out without a ceiling
            if verdict.allowed and by_itself != bool(way.grant):  # what opens without the grant is listed once, without it
                limits = way.ceilings if verdict.per_hour is None and way.ceilings else (verdict.per_hour, verdict.per_day)
                found.setdefault((action == "reveal_masked", verdict.because, *limits), []).append(category)
            if verdict.allowed:
                break
    return [
        Opening(tuple(categories), way.purpose, "; ".join(because), masked, per_hour, per_day, way.grant or None, way.reach)
        for (masked, because, per_hour, per_day), categories in found.items()
    ]


def glass_broken(policies: Policies, askers: Iterable[Asker], categories: tuple[str, ...]) -> dict[Asker, Opening]:
    """Give what each class of actors could have taken at once: every category that some purpose opens under a grant."""
    asked = list(askers)
    allowed = policies.decide_many([(asker, "break_glass", "keeper", Facts(strong=True)) for asker in asked])
    because = {asker: "; ".join(verdict.because) for asker, verdict in zip(asked, allowed, strict=True) if verdict.allowed}
    ways = [
        (asker, category, (asker, action, category, Facts(purpose, True, True, False, True, True, strong=True)))
        for asker in because for category in categories for purpose in PURPOSES for action in ("reveal", "reveal_masked")
    ]  # fmt: skip
    verdicts = decided(policies, (question for _, _, question in ways))
    opened: dict[Asker, dict[str, None]] = {}
    for asker, category, question in ways:
        if verdicts[question].allowed:
            opened.setdefault(asker, {})[category] = None
    return {
        asker: Opening(tuple(found), BREAK_GLASS, because[asker], False, OPENINGS_MAX, OPENINGS_MAX, None, ANYBODY) for asker, found in opened.items()
    }


def instant(text: object) -> datetime:
    """Read an instant as a grant holds it."""
    return datetime.fromisoformat(str(text))


def _question(asker: Asker, way: Way, action: str, category: str) -> Question:
    return asker, action, category, Facts(way.purpose, True, True, way.own, bool(way.grant), way.unmasked, strong=True)
