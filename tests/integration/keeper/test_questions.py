"""The two questions over the socket: who could see, and who did, about a subject, an actor, an organisation or a country."""

import json
from datetime import timedelta

import pytest

from fixtures.keeper import RunningKeeper, new_subject
from hoeksteen_keeper.client import KeeperInvalid, KeeperRefused, SealItem
from hoeksteen_keeper.service.clock import now


def test_whom_an_organisation_and_a_country_could_see_and_did(keeper: RunningKeeper) -> None:
    before, subject = now(), new_subject()
    [blob] = keeper.client("bss").seal(purpose="migration", category="identity", items=[SealItem(subject, {"family_name": "Berg"})])
    tan, dewi = keeper.client("m.tan"), keeper.client("dewi.hoekstra")
    grant = tan.request_grant(purpose="support", categories=["identity"], subjects=[subject, new_subject()], ticket="T-7", minutes=30)["id"]
    keeper.approve(grant)
    for _ in range(3):
        tan.reveal(purpose="support", category="identity", items=[(subject, blob)])

    (held,) = [row for row in dewi.could_see(country="SG", actor="m.tan")["actors"] if row["grant"] == grant]
    assert (held["reach"], held["masked"], held["organisation"], held["categories"]) == (2, True, "meridian", ["identity"])
    keeper.client("chris.smit").revoke_grant(grant=grant, reason="done")
    assert grant not in {row["grant"] for row in dewi.could_see(organisation="meridian")["actors"]}
    answer = dewi.could_see(subject=subject, organisation="meridian", since=before)
    (ever,) = [row for row in answer["actors"] if row["grant"] == grant]
    assert before < ever["from"] < ever["until"] < now() and answer["since"] == before
    assert dewi.could_see(subject=subject, country="NL", organisation="meridian", since=before)["actors"] == []
    assert {row["country"] for row in dewi.could_see(subject=subject, since=before)["actors"]} >= {"NL", "SG"}

    seen = dewi.did_see(country="SG", since=before)
    assert [row["action"] for row in seen if row["grant"] == grant] == ["reveal"] * 3
    assert {row["country"] for row in seen} == {"SG"}
    pages, after = [], None
    while page := dewi.did_see(country="SG", since=before, after=after, limit=2):
        assert len(page) <= 2
        pages, after = [*pages, *page], page[-1]["index"]
    assert pages == seen
    assert dewi.did_see(subject=subject, actor="m.tan", limit=2) == dewi.did_see(subject=subject, actor="m.tan")[:2]


@pytest.mark.parametrize(
    ("call", "asked"),
    [
        ("could_see", {}),
        ("did_see", {}),
        ("did_see", {"actor": "m.tan", "limit": 0}),
        *((call, asked) for call in ("did_see", "could_see") for asked in ({"country": "XX"}, {"actor": "m.tam"}, {"subject": new_subject()})),
        ("could_see", {"actor": "m.tan", "at": now(), "since": now()}),
        ("could_see", {"actor": "m.tan", "until": now()}),
        ("could_see", {"actor": "m.tan", "since": now() + timedelta(days=1)}),
    ],
)
def test_what_is_no_question(keeper: RunningKeeper, call: str, asked: dict[str, object]) -> None:
    with pytest.raises(KeeperInvalid, match="question_invalid"):
        getattr(keeper.client("dewi.hoekstra"), call)(**asked)


def test_only_those_who_watch_ask_about_others(keeper: RunningKeeper) -> None:
    for person in ("m.tan", "anna.dekker", "emma.bakker"):
        with pytest.raises(KeeperRefused, match="no_permission"):
            keeper.client(person).could_see(organisation="lage-landen")
        with pytest.raises(KeeperRefused, match="no_permission"):
            keeper.client(person).did_see(country="NL")
        with pytest.raises(KeeperRefused, match="no_permission"):
            keeper.client(person).exposure()


def test_the_questions_on_the_command_line(keeper: RunningKeeper) -> None:
    as_dewi = ("--as", "dewi.hoekstra", "--key", keeper.key("dewi.hoekstra"), "--socket", keeper.socket_path)
    found = keeper.run("exposure", *as_dewi).stdout.splitlines()
    assert any(line.startswith("- root: ") for line in found)
    early = json.loads(keeper.run("could-see", "--json", "--actor", "anna.dekker", "--at", "2020-01-01", *as_dewi).stdout)
    assert early["actors"] == [] and early["findings"][0].startswith("before-the-log: the log begins at 20")
    told = json.loads(keeper.run("could-see", "--json", "--organisation", "lage-landen", *as_dewi).stdout)
    assert [f"- {finding}" for finding in told["findings"]] == found
    ever = json.loads(keeper.run("could-see", "--json", "--actor", "anna.dekker", "--since", "2026-01-01", *as_dewi).stdout)
    assert {row["actor"] for row in ever["actors"]} == {"anna.dekker"} and {row["until"] for row in ever["actors"]} == {None}
    asked = [json.loads(line) for line in keeper.run("did-see", "--json", "--actor", "dewi.hoekstra", *as_dewi).stdout.splitlines()]
    assert {"could_see"} <= {entry["action"] for entry in asked}
    lines = keeper.run("could-see", "--actor", "anna.dekker", *as_dewi).stdout.splitlines()
    assert lines[0].startswith("anna.dekker  Anna Dekker, lage-landen (NL)") and any("identity" in line and " for care; " in line for line in lines)
    assert lines[-len(found) - 1].startswith("Actors: 1. Ways: ") and lines[-len(found) :] == found
    told = keeper.run("did-see", "--actor", "dewi.hoekstra", *as_dewi).stdout.splitlines()
    assert "could_see" in told[-2] and " UTC  dewi.hoekstra of " in told[-2] and told[-1] == f"{len(told) - 1} entries"
    assert keeper.run("did-see", "--country", "nl", "--until", "2020-01-01", *as_dewi).stdout == "0 entries\n"
    assert "two letters" in keeper.run("did-see", "--country", "Narnia", *as_dewi, check=False).stderr
    assert "question_invalid" in keeper.run("did-see", "--actor", "dewi.hoekstr", *as_dewi, check=False).stderr
