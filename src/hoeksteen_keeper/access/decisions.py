"""
Could see: who, at one moment, could have had a request about a subject permitted, alone or with the application's help.

What a caller or the application asserts (purpose, ticket, customer on the line) counts as true; what the keeper holds (grants, blocks,
policies, shreds) stands as it stood. Actors of whom the policies can know only the same things are decided as one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from hoeksteen_keeper.access.break_glass import OPENINGS_MAX
from hoeksteen_keeper.access.model import Facts, Verdict
from hoeksteen_keeper.access.policies import Asker, Policies, schema
from hoeksteen_keeper.evidence.model import GrantAt, StateAt
from hoeksteen_keeper.vault.categories import CATEGORIES, PURPOSES

BREAK_GLASS = "break_glass"
_policies_of = lru_cache(maxsize=16)(lambda text: Policies(text, schema=schema()))


@dataclass(frozen=True, slots=True)
class _Way:
    """One way in: a purpose, perhaps a grant, and what it opens."""

    purpose: str
    own: bool
    grant: str
    unmasked: bool
    categories: tuple[str, ...]


def permissions(state: StateAt, subject: UUID) -> list[dict[str, Any]]:
    """
    List every actor who could have seen this subject, with what, why and up to which ceiling.

    :returns: dictionaries of actor, name, organisation, country, categories, purpose, because, masked, ceiling_per_hour, ceiling_per_day, grant
    """
    gone = state.shredded(subject)
    if state.policy is None or None in gone:
        return []
    policies = _policies_of(str(state.policy["text"]))
    categories = tuple(category for category in CATEGORIES if category not in gone)
    grants = _grants_by_asker(state, subject)
    stopped = {(str(kill["scope"]), str(kill["target"])) for kill in state.kills}
    classes: dict[tuple[Asker, tuple[_Way, ...]], list[str]] = {}
    for name, actor in state.actors.items():
        organisation = state.organisations.get(str(actor["organisation"]), {})
        if actor.get("status") != "active" or {("actor", name), ("organisation", str(actor["organisation"]))} & stopped:
            continue
        asker = (str(actor["kind"]), tuple(sorted(actor["roles"])), str(organisation.get("country", "")), bool(organisation.get("operator")))
        own = actor["kind"] == "data_subject" and state.actor_is(name, subject)
        classes.setdefault((asker, _ways(categories, own, grants.get(name, []))), []).append(name)
    verdicts = _verdicts(policies, classes)
    glass = _break_glass(policies, {asker for asker, _ in classes}, categories)
    found = [
        {"actor": name, "name": state.actors[name]["name"], "organisation": state.actors[name]["organisation"], "country": asker[2], **opening}
        for (asker, ways), names in classes.items()
        for opening in [*(opening for way in ways for opening in _openings(state, asker, way, verdicts)), *glass.get(asker, ())]
        for name in names
    ]
    return sorted(found, key=lambda row: str(row["actor"]))


def _grants_by_asker(state: StateAt, subject: UUID) -> dict[str, list[GrantAt]]:
    found: dict[str, list[GrantAt]] = {}
    for name, held in state.grants.items():
        grant = held.grant
        if held.state != "running" or not _instant(grant["valid_from"]) <= state.at < _instant(grant["valid_to"]):
            continue
        if grant["subjects"] == "any" or state.grant_lists(name, subject):
            found.setdefault(str(grant["asker"]), []).append(held)
    return found


def _ways(categories: tuple[str, ...], own: bool, grants: list[GrantAt]) -> tuple[_Way, ...]:
    standing = [_Way(purpose, own, "", False, categories) for purpose in PURPOSES]
    under = [
        _Way(str(g.grant["purpose"]), own, str(g.grant["id"]), bool(g.grant["unmasked"]), tuple(c for c in g.grant["categories"] if c in categories))
        for g in grants
    ]
    return (*standing, *under)


def _question(asker: Asker, way: _Way, action: str, category: str) -> tuple[Asker, str, str, Facts]:
    return asker, action, category, Facts(way.purpose, True, True, way.own, bool(way.grant), way.unmasked, strong=True)


def _verdicts(policies: Policies, classes: Iterable[tuple[Asker, tuple[_Way, ...]]]) -> dict[tuple[Asker, str, str, Facts], Verdict]:
    questions = {
        _question(asker, way, action, category): None
        for asker, ways in classes for way in ways for action in ("reveal", "reveal_masked") for category in way.categories
    }  # fmt: skip
    asked = list(questions)
    return dict(zip(asked, policies.decide_many(asked), strict=True))


def _openings(
    state: StateAt, asker: Asker, way: _Way, verdicts: Mapping[tuple[Asker, str, str, Facts], Verdict]
) -> list[dict[str, Any]]:  # fmt: skip
    found: dict[tuple[Any, ...], list[str]] = {}
    grant = state.grants[way.grant].grant if way.grant else None
    for category in way.categories:
        for action in ("reveal", "reveal_masked"):
            verdict = verdicts[_question(asker, way, action, category)]
            by_grant = verdict.per_hour is None
            if verdict.allowed and by_grant == (grant is not None):  # what a standing permission gives is listed once, without the grant
                ceilings = (grant["per_hour"], grant["per_day"]) if grant else (verdict.per_hour, verdict.per_day)
                found.setdefault((action == "reveal_masked", verdict.because, *ceilings), []).append(category)
            if verdict.allowed:
                break
    return [
        {
            "categories": categories, "purpose": way.purpose, "because": "; ".join(because), "masked": masked, "ceiling_per_hour": per_hour,
            "ceiling_per_day": per_day, "grant": way.grant or None,
        }
        for (masked, because, per_hour, per_day), categories in found.items()
    ]  # fmt: skip


def _break_glass(policies: Policies, askers: Iterable[Asker], categories: tuple[str, ...]) -> dict[Asker, list[dict[str, Any]]]:
    """Give what each class of actors could have taken at once: every category that some purpose opens under a grant."""
    asked = list(askers)
    verdicts = policies.decide_many([(asker, "break_glass", "keeper", Facts(strong=True)) for asker in asked])
    may = [asker for asker, verdict in zip(asked, verdicts, strict=True) if verdict.allowed]
    because = {asker: "; ".join(verdict.because) for asker, verdict in zip(asked, verdicts, strict=True)}
    questions = [
        (asker, "reveal", category, Facts(purpose, True, True, False, True, True, strong=True))
        for asker in may for category in categories for purpose in PURPOSES
    ]  # fmt: skip
    opened: dict[Asker, dict[str, None]] = {}
    for (asker, _, category, _), verdict in zip(questions, policies.decide_many(questions), strict=True):
        if verdict.allowed:
            opened.setdefault(asker, {})[category] = None
    return {
        asker: [{
            "categories": list(found), "purpose": BREAK_GLASS, "because": because[asker], "masked": False, "ceiling_per_hour": OPENINGS_MAX,
            "ceiling_per_day": OPENINGS_MAX, "grant": None,
        }]
        for asker, found in opened.items()
    }  # fmt: skip


def _instant(text: object) -> datetime:
    return datetime.fromisoformat(str(text))
