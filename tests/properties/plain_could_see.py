"""Could see, the plain way: everything as it stood at one moment, actor by actor. What `over_time` is compared with."""

from typing import Any
from uuid import UUID

from hoeksteen_keeper.access.decisions import (
    Way,
    Who,
    asker_of,
    decided,
    glass_broken,
    instant,
    is_own,
    openings,
    questions,
    standing,
    under,
)
from hoeksteen_keeper.access.policies import Asker, policies_of
from hoeksteen_keeper.evidence.model import GrantAt
from hoeksteen_keeper.evidence.replay import StateAt
from hoeksteen_keeper.vault.categories import CATEGORIES


def permissions(state: StateAt, subject: UUID | None, who: Who | None = None) -> list[dict[str, Any]]:
    """
    List every actor who could have seen this subject, with what, why and up to which ceiling.

    :param subject: None asks for everything that the actors could have seen
    :returns: dictionaries of actor, name, organisation, country, categories, purpose, because, masked, ceiling_per_hour, ceiling_per_day, grant,
        reach
    """
    gone = state.shredded(subject) if subject else {}
    if state.policy is None or None in gone:
        return []
    policies = policies_of(str(state.policy["text"]))
    categories = tuple(category for category in CATEGORIES if category not in gone)
    grants = _grants_by_asker(state, subject)
    stopped = {(str(kill["scope"]), str(kill["target"])) for kill in state.kills}
    classes: dict[tuple[Asker, tuple[Way, ...]], list[str]] = {}
    for name, actor in state.actors.items():
        where = str(actor["organisation"])
        asker = asker_of(actor, state.organisations.get(where, {}))
        if (
            actor.get("status") != "active"
            or {("actor", name), ("organisation", where)} & stopped
            or not (who or Who()).admits(name, where, asker[2])
        ):
            continue
        own = is_own(state, name, actor, subject)
        ways = (*standing(categories, own=own), *(under(held, categories, own=own) for held in grants.get(name, ())))
        classes.setdefault((asker, ways), []).append(name)
    verdicts = decided(policies, (question for asker, ways in classes for way in ways for question in questions(asker, way)))
    glass = glass_broken(policies, {asker for asker, _ in classes}, categories)
    opened = {
        (asker, ways): [opening for way in ways for opening in openings(asker, way, verdicts)] + ([glass[asker]] if asker in glass else [])
        for asker, ways in classes
    }
    found = [
        {
            "actor": name, "name": state.actors[name]["name"], "organisation": state.actors[name]["organisation"], "country": same[0][2],
            **opening._asdict(),
        }
        for same, names in classes.items() for opening in opened[same] for name in names
    ]  # fmt: skip
    return sorted(found, key=lambda row: str(row["actor"]))


def _grants_by_asker(state: StateAt, subject: UUID | None) -> dict[str, list[GrantAt]]:
    found: dict[str, list[GrantAt]] = {}
    for name, held in state.grants.items():
        grant = held.grant
        if held.state != "running" or not instant(grant["valid_from"]) <= state.at < instant(grant["valid_to"]):
            continue
        if subject is None or grant["subjects"] == "any" or state.grant_lists(name, subject):
            found.setdefault(str(grant["asker"]), []).append(held)
    return found
