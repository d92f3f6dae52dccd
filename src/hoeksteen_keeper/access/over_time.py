"""
Could see, at a moment or ever: who could have seen, and from when until when, in a period.

What an actor could see changes only where the log says that something did (policies, people, organisations, kills, shreds, grants) and where a
grant begins or ends. So the period is cut there, each piece is decided once per class of equal actors, and pieces that say the same are joined.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise, zip_longest
from typing import Any
from uuid import UUID

from hoeksteen_keeper.access.decisions import (
    Opening,
    Question,
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
from hoeksteen_keeper.access.model import Verdict
from hoeksteen_keeper.access.policies import Asker, Policies, policies_of
from hoeksteen_keeper.evidence.model import GrantAt
from hoeksteen_keeper.evidence.replay import StateAt, Told
from hoeksteen_keeper.vault.categories import CATEGORIES

_INSTANT = timedelta(microseconds=1)
Span = tuple[datetime, datetime]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Era:
    """A time under the same policies, with the same categories left."""

    span: Span
    policies: Policies
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Stay:
    """A time in which the policies know the same of an actor."""

    span: Span
    organisation: str
    asker: Asker
    own: bool


@dataclass(frozen=True, slots=True)
class _Lent:
    """A grant, and the time in which it ran."""

    span: Span
    held: GrantAt


def permissions(state: StateAt, subject: UUID | None, who: Who | None = None) -> list[Row]:
    """
    List every actor who could have seen this subject at one moment, with what, why and up to which ceiling.

    :param subject: None asks for everything that the actors could have seen
    :returns: dictionaries of actor, name, organisation, country, categories, purpose, because, masked, ceiling_per_hour, ceiling_per_day, grant,
        reach
    """
    rows = permissions_between(state, subject, who or Who(), since=state.at)
    return [{name: value for name, value in row.items() if name not in ("from", "until")} for row in rows]


def permissions_between(until: StateAt, subject: UUID | None, who: Who, *, since: datetime) -> list[Row]:
    """
    List every actor who could have seen this subject at some moment from `since` up to and including the moment of `until`.

    :param until: the state at the end of the period, at a real moment
    :param subject: None asks for everything that the actors could have seen
    :returns: what `permissions` gives, each with the time `from` which it held, and `until` which, or None where it still did at the end
    """
    period = (since, until.at + _INSTANT)
    eras, lent = _eras(until, subject, period), _lent_to(until, subject, period)
    stops = {(str(kill["scope"]), str(kill["target"])): kill["time"] for kill in reversed(until.kills)}
    stays: dict[tuple[_Stay, ...], list[str]] = {}
    for name, line in until.history.lines("actor", until.size).items():
        if found := tuple(_stays(until, stops, name, line, subject, who, period)):
            stays.setdefault(found, []).append(name)
    opened = _openings(eras, {(stay.asker, stay.own) for found in stays for stay in found}, lent)
    rows: list[Row] = []
    for found, names in stays.items():
        pieces = [(span, stay, era) for stay in found for era in eras if (span := _both(stay.span, era.span))]
        always = _joined((span, stay, opening) for span, stay, era in pieces for opening in opened(stay.asker, stay.own, era, None))
        for name in names:
            granted = _joined(
                (within, stay, opening)
                for one in lent.get(name, ()) for span, stay, era in pieces if (within := _both(span, one.span))
                for opening in opened(stay.asker, stay.own, era, one)
            ) if name in lent else []  # fmt: skip
            rows += [
                {
                    "actor": name, "name": until.actors[name]["name"], "organisation": where, "country": country, **opening._asdict(),
                    "from": begin, "until": end if end <= until.at else None,
                }
                for (where, country, opening), (begin, end) in (*always, *granted)
            ]  # fmt: skip
    return sorted(rows, key=lambda row: (row["actor"], row["from"]))


def _eras(state: StateAt, subject: UUID | None, period: Span) -> list[_Era]:
    policies = state.history.line("policy", "", state.size)
    gone = state.shredded(subject) if subject else {}
    found = []
    for span in _cut(period, [told.time for told in policies], gone.values()):
        told, left = _last(policies, span[0]), {category for category, time in gone.items() if time <= span[0]}
        if told and None not in left:
            categories = tuple(category for category in CATEGORIES if category not in left)
            found.append(_Era(span, policies_of(str(told.detail["text"])), categories))
    return found


def _stays(
    state: StateAt, stops: Mapping[tuple[str, str], datetime], name: str, line: Sequence[Told], subject: UUID | None, who: Who, period: Span
) -> Iterator[_Stay]:  # fmt: skip
    organisations = {where: state.history.line("organisation", where, state.size) for where in {str(told.detail["organisation"]) for told in line}}
    ends = [stops[key] for key in (("actor", name), *(("organisation", where) for where in organisations)) if key in stops]
    changes = [told.time for facts in (line, *organisations.values()) for told in facts]
    for span in _cut(period, changes, ends):
        actor = _last(line, span[0])
        if actor is None or actor.detail.get("status") != "active":
            continue
        where = str(actor.detail["organisation"])
        organisation = _last(organisations[where], span[0])
        asker = asker_of(actor.detail, organisation.detail if organisation else {})
        stopped = any(stops.get(key, period[1]) <= span[0] for key in (("actor", name), ("organisation", where)))
        if not stopped and who.admits(name, where, asker[2]):
            yield _Stay(span, where, asker, is_own(state, name, actor.detail, subject))


def _lent_to(state: StateAt, subject: UUID | None, period: Span) -> dict[str, list[_Lent]]:
    """Give each asker's grants that ran in the period, and that cover the subject."""
    found: dict[str, list[_Lent]] = {}
    for name, held in state.grants.items():
        line = state.history.line("grant", name, state.size)
        if not (subject is None or held.grant["subjects"] == "any" or state.grant_lists(name, subject)):
            continue
        for told, following in zip_longest(line, line[1:]):  # more than once, where the keeper died between the entry and its deed
            if told.detail["event"] != "running":
                continue
            terms, over = told.detail["grant"], following.time if following else period[1]
            if span := _both((max(instant(terms["valid_from"]), told.time), min(instant(terms["valid_to"]), over)), period):
                found.setdefault(str(held.grant["asker"]), []).append(_Lent(span, held))
    return found


def _openings(
    eras: Sequence[_Era], askers: set[tuple[Asker, bool]], lent: Mapping[str, Sequence[_Lent]]
) -> Callable[[Asker, bool, _Era, _Lent | None], Sequence[Opening]]:  # fmt: skip
    """Give what says what opened to such actors in an era: by themselves, or (given one) through a grant."""
    every = tuple(CATEGORIES)
    kinds = {(str(one.held.grant["purpose"]), bool(one.held.grant["unmasked"])) for of in lent.values() for one in of}
    verdicts: dict[str, dict[Question, Verdict]] = {}
    for era in eras:
        if era.policies.digest not in verdicts:
            ways = [(asker, way) for asker, own in askers for way in standing(every, own=own)]
            ways += [(asker, Way(purpose, own, every, "any", unmasked)) for asker, own in askers for purpose, unmasked in kinds]
            verdicts[era.policies.digest] = decided(era.policies, (question for asker, way in ways for question in questions(asker, way)))
    glass = cache(lambda policies, categories: glass_broken(policies, {asker for asker, _ in askers}, categories))

    @cache
    def alone(asker: Asker, own: bool, policies: Policies, categories: tuple[str, ...]) -> list[Opening]:
        by_themselves = [opening for way in standing(categories, own=own) for opening in openings(asker, way, verdicts[policies.digest])]
        by_glass = glass(policies, categories).get(asker)
        return [*by_themselves, *([by_glass] if by_glass else [])]

    def opened(asker: Asker, own: bool, era: _Era, through: _Lent | None) -> Sequence[Opening]:
        if through:
            return openings(asker, under(through.held, era.categories, own=own), verdicts[era.policies.digest])
        return alone(asker, own, era.policies, era.categories)

    return opened


def _joined(pieces: Iterable[tuple[Span, _Stay, Opening]]) -> list[tuple[tuple[str, str, Opening], Span]]:
    """Join the times of what is the same where one begins when another ends: organisation, country and opening."""
    found: dict[tuple[str, str, Opening], list[Span]] = {}
    for span, stay, opening in pieces:
        spans = found.setdefault((stay.organisation, stay.asker[2], opening), [])
        if spans and spans[-1][1] == span[0]:
            spans[-1] = (spans[-1][0], span[1])
        else:
            spans.append(span)
    return [(same, span) for same, spans in found.items() for span in spans]


def _cut(period: Span, *times: Iterable[datetime]) -> list[Span]:
    """Cut a period wherever something changed within it."""
    inside = {time for some in times for time in some if period[0] < time < period[1]}
    return list(pairwise(sorted({*period, *inside})))


def _both(one: Span, other: Span) -> Span | None:
    """Give the time that two have in common."""
    span = (max(one[0], other[0]), min(one[1], other[1]))
    return span if span[0] < span[1] else None


def _last(line: Sequence[Told], at: datetime) -> Told | None:
    return next((told for told in reversed(line) if told.time <= at), None)
