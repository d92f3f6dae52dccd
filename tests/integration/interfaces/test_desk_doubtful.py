"""The desk's pages of doubtful pairs: the queue, two records side by side, the decision, and who is told what."""

import re
from pathlib import Path

import pytest

from factories.doubts import bring_in_doubts, let_look
from factories.exports import NOW, key_of
from fixtures.sites import Browser, World
from hoeksteen.consolidation import _record_store, reviewing
from hoeksteen.consolidation.reviewing import Review
from hoeksteen.storage.postgres import as_json


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


@pytest.fixture
def pairs(world: World, tmp_path: Path, request: pytest.FixtureRequest) -> list[Review]:
    bring_in_doubts(world.database, world.keeper, tmp_path, request.node.name)
    with world.database.transaction() as tx:
        tx.execute("UPDATE consolidation.review SET steps = %s", (as_json([["surname", "the same", 7.5], ["address", "another", -3.2]]),))
        return reviewing.queue(tx=tx, limit=10)


def where(pair: Review) -> str:
    return f"/doubtful/{pair.left}/{pair.right}"


def engineer(world: World) -> Browser:
    return world.staff("emma.bakker")


def test_the_queue_names_nobody_and_counts(world: World, pairs: list[Review]) -> None:
    assert len(pairs) == 2
    text = engineer(world).get("/doubtful").text
    page = plain(text)
    assert "Wait 2" in page and "0 of 2 decided" in page and "a birth date is missing" in page
    for pair in pairs:
        assert pair.name in page and where(pair) in text
    assert "Berg" not in page and "Visser" not in page
    assert "€25.00" in page, "what both cost a month"
    assert "No pair is here" in plain(engineer(world).get("/doubtful?show=same").text)


@pytest.mark.parametrize("actor", ["anna.dekker", "bram.visser", "dewi.hoekstra", "chris.smit"])
def test_only_the_migration_engineer_decides(world: World, pairs: list[Review], actor: str) -> None:
    somebody = world.staff(actor)
    assert somebody.get("/doubtful").status_code == 403
    assert somebody.get(where(pairs[0])).status_code == 403
    assert somebody.post(where(pairs[0]), {"decision": "same", "why_same": "same_person"}).status_code == 403
    assert "/doubtful" not in somebody.get("/").text
    assert "/doubtful" in engineer(world).get("/").text


def test_a_look_at_a_pair_is_two_people_in_the_log_and_needs_a_grant(world: World, pairs: list[Review], own_people: Browser) -> None:
    page = plain(own_people.get(where(pairs[0])).text)
    assert "you have none that runs" in page and "Berg" not in page and "Visser" not in page
    assert own_people.post(where(pairs[0]), {"decision": "same", "why_same": "moved"}).status_code == 403, "who may not look decides nothing"
    with world.database.transaction() as tx:
        assert reviewing.pair(tx=tx, left=pairs[0].left, right=pairs[0].right).state == "open"
    let_look(world.keeper)
    pair = pairs[0]
    page = plain(own_people.get(where(pair)).text)
    assert "Side by side" in page and "= the same" in page and "· one side only" in page and "+7.5" in page and "-3.2" in page
    assert page.count("Telefonie Basis") == 2 or page.count("active") == 2
    with world.database.transaction() as tx:
        subjects = [row["party_id"] for row in tx.rows("SELECT party_id FROM party.customer WHERE customer_id = ANY(%s)", (list(pair.customers),))]
    for subject in subjects:
        seen = [entry for entry in world.keeper.client("dewi.hoekstra").did_see(subject=subject) if entry["actor"] == "emma.bakker"]
        allowed = [entry for entry in seen if entry["outcome"] != "refused"]
        assert {entry["category"] for entry in allowed} == {"identity", "contact"}
        assert {entry["purpose"] for entry in seen} == {"migration"}


@pytest.fixture
def own_people(world: World) -> Browser:
    """The engineer, whose earlier grants have ended."""
    for grant in world.keeper.client("emma.bakker").grants():
        if grant["state"] == "running":
            world.keeper.client("chris.smit").revoke_grant(grant=grant["id"])
    return engineer(world)


def test_a_decision_leads_to_the_next_pair_and_stands(world: World, pairs: list[Review]) -> None:
    let_look(world.keeper)
    browser, (first, second) = engineer(world), pairs
    done = browser.post(where(first), {"decision": "same", "why_same": "moved"})
    assert (done.status_code, done.headers["location"]) == (303, f"{where(second)}?done=same")
    assert "Decided: the same" in plain(browser.get(done.headers["location"]).text)
    last = browser.post(where(second), {"decision": "different", "why_different": "relatives"})
    assert last.headers["location"] == "/doubtful"
    page = plain(browser.get("/doubtful?show=different").text)
    assert "2 of 2 decided" in page and "emma.bakker" in page and "relatives in one house" in page
    again = browser.post(where(second), {"decision": "same", "why_same": "customer_said"})
    assert again.status_code == 303, "who decided may think again"
    page = plain(browser.get(where(second)).text)
    assert "different · relatives in one house" in page and "the same · the customer said so" in page


def test_two_people_who_disagree(world: World, pairs: list[Review]) -> None:
    let_look(world.keeper)
    with world.database.transaction() as tx:
        reviewing.decide(tx=tx, left=pairs[0].left, right=pairs[0].right, decision="same", why="moved", by="fenna.prins", now=world.clock.now())
    refused = engineer(world).post(where(pairs[0]), {"decision": "different", "why_different": "twins"})
    assert refused.status_code == 409
    assert "fenna.prins decided otherwise; nothing was changed." in plain(refused.text)
    with world.database.transaction() as tx:
        assert reviewing.pair(tx=tx, left=pairs[0].left, right=pairs[0].right).state == "same"


@pytest.mark.parametrize("form", [{"decision": "maybe"}, {"decision": "same", "why_same": "twins"}, {"decision": "same"}])
def test_what_is_no_decision_is_refused(world: World, pairs: list[Review], form: dict[str, str]) -> None:
    refused = engineer(world).post(where(pairs[0]), form)
    assert refused.status_code == 422 and "This cannot be decided so." in refused.text
    assert engineer(world).get(f"/doubtful/{pairs[0].right}/{pairs[0].left}").status_code == 404
    assert engineer(world).post(where(pairs[0]), {"decision": "same", "why_same": "moved"}, csrf="0" * 64).status_code == 403


def test_the_statements_of_each_page(world: World, pairs: list[Review]) -> None:
    let_look(world.keeper)
    browser = engineer(world)
    for path, statements in (("/doubtful", 4), (where(pairs[0]), 15)):
        with world.counting() as counted:
            assert browser.get(path).status_code == 200
        assert len(counted) == statements, counted


def test_why_a_guard_forbids_what_was_decided_stands_with_the_pair(world: World, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    bring_in_doubts(world.database, world.keeper, tmp_path, request.node.name)
    pseudonyms = key_of(request.node.name)
    with world.database.transaction() as tx:
        a_man, a_woman = (pseudonyms.record_id("fixed", number) for number in ("10000001", "10000003"))
        named = reviewing.name_pair(tx=tx, one=a_man, other=a_woman)
        reviewing.decide(tx=tx, left=named.left, right=named.right, decision="same", why="same_person", by="emma.bakker", now=NOW)
    bring_in_doubts(world.database, world.keeper, tmp_path, request.node.name)
    with world.database.transaction() as tx:
        pair = reviewing.pair(tx=tx, left=named.left, right=named.right)
    assert (pair.reason, pair.state) == ("decided_but_other_gender", "same")
    assert "decided, but the gender differs" in plain(engineer(world).get("/doubtful?show=same").text)


def test_the_page_of_a_customer_says_into_whom_it_was_merged(world: World, pairs: list[Review]) -> None:
    gone, goes_on = pairs[0].customers
    with world.database.transaction() as tx:
        party = tx.value("SELECT party_id FROM party.customer WHERE customer_id = %s", (gone,))
        number = tx.value("SELECT customer_number FROM party.customer WHERE customer_id = %s", (goes_on,))
        _record_store.add_former(tx, (gone, party, goes_on, [pairs[0].left], [], "loaded", "emma.bakker", NOW))
        own = tx.value("SELECT customer_number FROM party.customer WHERE customer_id = %s", (gone,))
    anna = world.staff("anna.dekker")
    where = anna.post("/search", {"q": own, "channel": "phone"}).headers["location"]
    assert f'<a href="/customers/{goes_on}">merged into customer {number}</a>' in anna.get(where).text
    assert f"samengevoegd met klant {number}" in anna.get(where, accept_language="nl").text
