"""Could-see over many actors: decided per class of equal actors, the same as asking one by one."""

import hashlib
import hmac
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hoeksteen_keeper.access.decisions import permissions
from hoeksteen_keeper.access.policies import shipped
from hoeksteen_keeper.evidence.model import GrantAt, StateAt, Tags

AT = datetime(2026, 10, 1, 12, tzinfo=UTC)
ANNA, BEN = UUID(int=1), UUID(int=2)
ORGANISATIONS = {
    "lage-landen": {"organisation": "lage-landen", "name": "Lage Landen", "country": "NL", "operator": True},
    "meridian": {"organisation": "meridian", "name": "Meridian", "country": "SG", "operator": False},
}


def subject_key(subject: UUID) -> bytes:
    return hashlib.sha256(subject.bytes).digest()


def tags(*subjects: UUID) -> Tags:
    return Tags(b"n" * 16, b"".join(sorted(hmac.digest(subject_key(subject), b"n" * 16, hashlib.sha256) for subject in subjects)))


def actor(name: str, role: str, organisation: str = "lage-landen", kind: str = "person", status: str = "active") -> dict[str, Any]:
    return {"actor": name, "name": name.title(), "organisation": organisation, "roles": [role], "kind": kind, "status": status}


def grant(asker: str, *, state: str = "running", subjects: str = "listed", hours: int = 1, **more: object) -> dict[str, Any]:
    return {
        "id": f"grant-{asker}", "asker": asker, "organisation": "meridian", "purpose": "support", "categories": ["identity"], "ticket": "T",
        "subjects": subjects,
        "valid_from": (AT - timedelta(hours=1)).isoformat(), "valid_to": (AT + timedelta(hours=hours)).isoformat(), "unmasked": False,
        "subjects_max": 9,
        "per_hour": 5, "per_day": 7, "state": state, **more,
    }  # fmt: skip


def state(actors: list[dict[str, Any]], grants: Sequence[dict[str, Any]] = (), **more: Any) -> StateAt:
    facts: dict[str, Any] = {
        "at": AT, "size": 1, "subject_key": subject_key, "organisations": ORGANISATIONS, "actors": {a["actor"]: a for a in actors},
        "policy": {"version": 1, "digest": "", "text": shipped().text}, "kills": [], "exposure": None, "actor_tags": {}, "shred_tags": [],
            "destroyed": [],
        "grants": {g["id"]: GrantAt(g, g["state"], tags(ANNA)) for g in grants},
    }  # fmt: skip
    return StateAt(**{**facts, **more})


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
    answer = permissions(state(customers, actor_tags={"k1": tags(ANNA), "k2": tags(BEN)}), ANNA)
    assert who(answer) == {"k1"} and {row["purpose"] for row in answer} == {"own_data"}


def test_what_was_shredded_is_seen_by_nobody() -> None:
    actors = [actor("anna", "care_agent")]
    answer = permissions(state(actors, shred_tags=[("identity", tags(ANNA))]), ANNA)
    assert "identity" not in {category for row in answer for category in row["categories"]} and answer
    assert permissions(state(actors, shred_tags=[(None, tags(ANNA))]), ANNA) == []
    assert permissions(state(actors, policy=None), ANNA) == []


def test_ten_thousand_actors_take_less_than_a_second() -> None:
    roles = ["care_agent", "billing_manager", "security_officer", "privacy_officer", "migration_engineer"]
    actors = [actor(f"a{number}", roles[number % 5]) for number in range(6000)] + [
        actor(f"k{number}", "data_subject", kind="data_subject") for number in range(4000)
    ]  # fmt: skip
    many = state(actors, actor_tags={f"k{number}": tags(UUID(int=number)) for number in range(4000)})
    began = time.perf_counter()
    answer = permissions(many, ANNA)
    took = time.perf_counter() - began
    assert who(answer) == {f"a{number}" for number in range(6000) if number % 5 in (0, 1, 4)} | {"k1"}  # the last may break glass
    assert took < 1.0
