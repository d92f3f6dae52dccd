"""Could ever see, over any story: at each moment it says what could-see says of that moment, and its times touch nowhere."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from factories.told_log import ANNA, AT, BEN, Told, actor, grant, told
from fixtures.thoroughness import THOROUGHNESS
from hoeksteen_keeper.access.decisions import Who
from hoeksteen_keeper.access.over_time import permissions_between
from hoeksteen_keeper.access.policies import shipped
from properties.plain_could_see import permissions as plainly

HOUR = timedelta(hours=1)
PEOPLE = {
    "anna": ("care_agent", "lage-landen"),
    "bram": ("billing_manager", "lage-landen"),
    "tan": ("technician", "meridian"),
    "k1": ("data_subject", "lage-landen"),
}
LATER_POLICIES = shipped().text.replace('@id("care: search for a caller")', '@id("care: search")').replace('@per_hour("120")', '@per_hour("60")')

name, hour = st.sampled_from(sorted(PEOPLE)), st.integers(0, 12)
step = st.one_of(
    st.tuples(st.just("actor"), name, st.sampled_from(["active", "blocked"]), st.sampled_from(["lage-landen", "meridian"])),
    st.tuples(st.just("grant"), name, st.sampled_from(["any", "listed"]), st.integers(0, 6)),
    st.tuples(st.just("end"), name, st.sampled_from(["revoked", "expired"])),
    st.tuples(st.just("kill"), st.sampled_from([("actor", "anna"), ("actor", "tan"), ("organisation", "meridian"), ("session", "x")])),
    st.tuples(st.just("shred"), st.sampled_from(["identity", "note", None]), st.sampled_from([ANNA, BEN])),
    st.tuples(st.just("country"), st.sampled_from(["SG", "DE"])),
    st.tuples(st.just("policy"), st.sampled_from([shipped().text, LATER_POLICIES])),
)


def happen(log: Told, what: tuple) -> None:  # type: ignore[type-arg]
    kind, *rest = what
    if kind == "actor":
        role = PEOPLE[rest[0]][0]
        one = actor(rest[0], role, rest[2], "data_subject" if role == "data_subject" else "person", rest[1])
        log.tell("actor", one, *([ANNA] if role == "data_subject" else []))
    elif kind == "grant":
        begins = log.time.isoformat()
        asked = grant(rest[0], subjects=rest[1], valid_from=begins, valid_to=(log.time + rest[2] * HOUR).isoformat(), id=f"g{log.history.size}")
        log.tell("grant", {"event": "requested", "grant": {**asked, "valid_from": None, "valid_to": None}}, ANNA)
        log.tell("grant", {"event": "running", "grant": asked}, ANNA)
    elif kind == "end":
        for held in log.at(log.time).grants.values():
            if held.state == "running" and held.grant["asker"] == rest[0]:
                log.tell("grant", {"event": rest[1], "grant": {"id": held.grant["id"]}}, ANNA)
    elif kind == "kill":
        log.tell("kill", {"scope": rest[0][0], "target": rest[0][1]})
    elif kind == "shred":
        log.tell("shred", {"category": rest[0]} if rest[0] else {}, rest[1])
    elif kind == "country":
        log.tell("organisation", {"organisation": "meridian", "name": "Meridian", "country": rest[0], "operator": False})
    else:
        log.tell("policy", {"version": 2, "digest": "", "text": rest[0]})


def plain(row: dict) -> tuple:  # type: ignore[type-arg]
    return tuple(sorted((key, str(value)) for key, value in row.items() if key not in ("from", "until")))


@settings(max_examples=40 * THOROUGHNESS, deadline=None)
@given(
    st.lists(st.tuples(hour, step), max_size=14), st.sampled_from([ANNA, BEN, None]),
    st.sampled_from([Who(), Who(actor="tan"), Who(organisation="meridian"), Who(country="DE")]), hour, hour,
)  # fmt: skip
def test_it_says_at_each_moment_what_could_see_says_of_it(story, subject, who, first, last) -> None:  # type: ignore[no-untyped-def]
    log = told()
    for person, (role, organisation) in PEOPLE.items():
        kind = "data_subject" if role == "data_subject" else "person"
        log.tell("actor", actor(person, role, organisation, kind), *([ANNA] if kind == "data_subject" else []))
    for at, what in sorted(story, key=lambda one: one[0]):
        log.time = AT + at * HOUR
        happen(log, what)
    since, until = AT + min(first, last) * HOUR, AT + max(first, last) * HOUR
    ever = permissions_between(log.at(until), subject, who, since=since)
    for half_hours in range(2 * (max(first, last) - min(first, last)) + 1):
        moment = since + half_hours * HOUR / 2
        told_then = sorted(plain(row) for row in ever if row["from"] <= moment and (row["until"] is None or moment < row["until"]))
        assert told_then == sorted(plain(row) for row in plainly(log.at(moment), subject, who))
    for one in ever:
        assert since <= one["from"] <= until and (one["until"] is None or one["from"] < one["until"] <= until)
        assert not any(plain(one) == plain(other) and one["until"] == other["from"] for other in ever)
