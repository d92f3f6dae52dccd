"""Could-see over many actors: decided per class of equal actors, the same as asking one by one."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import pytest

from factories.told_log import ANNA, BEN, actor, grant, told
from hoeksteen_keeper.access.decisions import Who
from hoeksteen_keeper.access.over_time import permissions
from hoeksteen_keeper.access.policies import Policies
from hoeksteen_keeper.evidence.replay import StateAt


def state(
    actors: list[dict[str, Any]], grants: Sequence[dict[str, Any]] = (), *, kills: Sequence[dict[str, str]] = (), policy: bool = True,
    own: Mapping[str, UUID] | None = None, shreds: Sequence[tuple[str | None, UUID]] = (),
) -> StateAt:  # fmt: skip
    log = told(policy=policy)
    for one in actors:
        log.tell("actor", one, *([own[one["actor"]]] if own else []))
    for one in grants:
        log.tell("grant", {"event": one["state"], "grant": one}, ANNA)
    for kill in kills:
        log.tell("kill", kill)
    for category, subject in shreds:
        log.tell("shred", {"category": category} if category else {}, subject)
    return log.at()


def who(answer: list[dict[str, Any]]) -> set[str]:
    return {row["actor"] for row in answer}


def test_grants_count_for_their_subjects_and_their_time() -> None:
    actors = [actor("tan", "technician", "meridian"), actor("lim", "technician", "meridian")]
    running = state(actors, [grant("tan")])
    assert who(permissions(running, ANNA)) == {"tan"} and permissions(running, BEN) == []
    (row,) = permissions(running, ANNA)
    assert (row["masked"], row["ceiling_per_hour"], row["ceiling_per_day"], row["grant"], row["country"]) == (True, 5, 7, "grant-tan", "SG")
    assert who(permissions(state(actors, [grant("tan", subjects="any")]), BEN)) == {"tan"}
    for over in (grant("tan", hours=0), grant("tan", state="revoked"), grant("tan", state="requested", valid_from=None, valid_to=None)):
        assert permissions(state(actors, [over]), ANNA) == []


def test_an_unmasked_grant_says_so() -> None:
    (row,) = permissions(state([actor("tan", "technician", "meridian")], [grant("tan", unmasked=True)]), ANNA)
    assert row["masked"] is False


def test_what_was_stopped_sees_nothing() -> None:
    actors = [
        actor("anna", "care_agent"),
        actor("ben", "care_agent"),
        actor("tan", "technician", "meridian"),
        actor("old", "care_agent", status="blocked"),
    ]
    kills = [{"scope": "actor", "target": "ben"}, {"scope": "organisation", "target": "meridian"}, {"scope": "session", "target": "x"}]
    assert who(permissions(state(actors, [grant("tan")], kills=kills), ANNA)) == {"anna"}


def test_a_data_subject_is_listed_for_their_own_data() -> None:
    customers = [actor("k1", "data_subject", kind="data_subject"), actor("k2", "data_subject", kind="data_subject")]
    answer = permissions(state(customers, own={"k1": ANNA, "k2": BEN}), ANNA)
    assert who(answer) == {"k1"} and {row["purpose"] for row in answer} == {"own_data"}


def test_what_was_shredded_is_seen_by_nobody() -> None:
    actors = [actor("anna", "care_agent")]
    answer = permissions(state(actors, shreds=[("identity", ANNA)]), ANNA)
    assert "identity" not in {category for row in answer for category in row["categories"]} and answer
    assert permissions(state(actors, shreds=[(None, ANNA)]), ANNA) == []
    assert permissions(state(actors, policy=False), ANNA) == []


def test_a_question_about_everybody_says_how_far_each_way_reaches() -> None:
    actors = [actor("anna", "care_agent"), actor("tan", "technician", "meridian"), actor("k1", "data_subject", kind="data_subject")]
    answer = permissions(state(actors, [grant("tan")], own={"anna": BEN, "tan": BEN, "k1": BEN}), None)
    assert {(row["actor"], row["reach"]) for row in answer} == {("anna", "anybody"), ("tan", 1), ("k1", "own")}
    listed = state(actors, [grant("tan", subjects="any")])
    assert {row["reach"] for row in permissions(listed, None, Who(organisation="meridian"))} == {"anybody"}


def test_a_question_about_some_actors_is_answered_about_them() -> None:
    actors = [actor("anna", "care_agent"), actor("tan", "technician", "meridian"), actor("lim", "technician", "meridian")]
    held = state(actors, [grant("tan"), grant("lim")])
    assert who(permissions(held, ANNA, Who(country="SG"))) == {"tan", "lim"}
    assert who(permissions(held, ANNA, Who(actor="tan"))) == {"tan"} and permissions(held, ANNA, Who(actor="tan", country="NL")) == []


def test_ten_thousand_actors_are_decided_as_a_few_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    roles = ["care_agent", "billing_manager", "security_officer", "privacy_officer", "migration_engineer"]
    asked: list[int] = []
    decide_many = Policies.decide_many
    monkeypatch.setattr(Policies, "decide_many", lambda policies, questions: asked.append(len(questions)) or decide_many(policies, questions))
    log = told()
    for number in range(6000):
        log.tell("actor", actor(f"a{number}", roles[number % 5]))
    for number in range(4000):
        log.tell("actor", actor(f"k{number}", "data_subject", kind="data_subject"), UUID(int=number))
    answer = permissions(log.at(), ANNA)
    assert who(answer) == {f"a{number}" for number in range(6000) if number % 5 in (0, 1, 4)} | {"k1"}  # the last may break glass
    assert sum(asked) < 1_000
