"""The desk's pages of suspended usage: the queue, the records of one reason, corrections, another try, writing off, and who did what."""

import re
from pathlib import Path
from urllib.parse import urlencode
from uuid import UUID

import pytest

from factories.usage_files import OWN, House, call, session
from fixtures.sites import NOW, Browser, World
from hoeksteen.kernel.identifiers import derived
from hoeksteen.usage import retrying, suspense

ZONES = {"reason": "no_zone", "source": "voice_sms"}
COUNTRIES = {"reason": "no_country", "source": "sessions"}


@pytest.fixture
def house(world: World, tmp_path: Path) -> House:
    house = House(world.database, world.lake, world.keeper, tmp_path)
    house.hold(OWN)
    house.take(
        "calls.csv",
        call(1, other="999999", seconds=70, start="2026-11-24T12:00:00+01:00"),
        call(2, other="999998", seconds=30, start="2026-11-02T12:00:00+01:00"),
        call(3, other="999997", seconds=5),
        "R;broken",
    )
    house.take("data.jsonl", session(OWN, volume_bytes=2_000, country="ZZ"), session(OWN, volume_bytes=3_000, country="XX"))
    return house


def where(**asked: str) -> str:
    return f"/suspended/records?{urlencode(asked)}"


def ids(house: House, reason: str = "no_zone") -> list[UUID]:
    return [one.record_id for one in suspense.records(lake=house.lake, reason=reason)]


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def manager(world: World) -> Browser:
    return world.staff("bram.visser")


def test_the_queue_shows_what_waits_with_counts_amounts_and_age(world: World, house: House) -> None:
    page = plain(manager(world).get("/suspended").text)
    assert "Unknown destination voice_sms 3 1:45 min 1 1 1 3 Oct 2026 nobody" in page
    assert "Unknown country sessions 2 5 kB — — 2 3 Oct 2026 nobody" in page
    assert "Records that wait 5" in page and "Nobody works on 5" in page and "Oldest 52 days" in page
    assert "calls.csv voice_sms cut line 1 5 " in page, "the rejected line by its number"
    assert OWN not in page and "99999" not in page


def test_an_empty_queue_says_so(world: World) -> None:
    page = plain(manager(world).get("/suspended").text)
    assert "Nothing waits" in page and "No line was rejected" in page and "Nothing yet." in page
    assert "Nothing waits for this any more" in manager(world).get(where(**ZONES)).text


@pytest.mark.parametrize("actor", ["anna.dekker", "dewi.hoekstra", "chris.smit"])
def test_only_the_billing_manager_works_on_it(world: World, house: House, actor: str) -> None:
    somebody = world.staff(actor)
    [first, *_] = ids(house)
    for path in ("/suspended", where(**ZONES)):
        assert somebody.get(path).status_code == 403
    for path in ("assign", "correct", "write-off", "retry"):
        form = {**ZONES, "to": "me", "value": "NL", "why": "x", "confirmed": "1", f"record-{first}": "1"}
        assert somebody.post(f"/suspended/{path}", form).status_code == 403
    assert len(ids(house)) == 3
    assert "/suspended" not in somebody.get("/").text
    assert "/suspended" in manager(world).get("/").text


def test_a_change_that_no_page_of_ours_made_is_refused(world: World, house: House) -> None:
    assert manager(world).post("/suspended/retry", {}, csrf="0" * 64).status_code == 403


def test_somebody_takes_it_up_notes_gives_it_to_others_and_back(world: World, house: House) -> None:
    browser = manager(world)
    done = browser.post("/suspended/assign", {**ZONES, "to": "me", "note": "asked the carrier <b>"})
    assert (done.status_code, done.headers["location"]) == (303, f"{where(**ZONES)}&done=assigned")
    page = browser.get(done.headers["location"]).text
    assert "It is noted who works on it." in page and "asked the carrier &lt;b&gt;" in page
    assert "bram.visser asked the carrier" in plain(browser.get("/suspended").text)
    browser.post("/suspended/assign", {**ZONES, "to": "other", "assignee": "p.smit", "note": ""})
    browser.post("/suspended/assign", {**ZONES, "to": "nobody", "note": ""})
    page = plain(browser.get(where(**ZONES)).text)
    for said in (
        "p.smit works on it",
        "bram.visser works on it · asked the carrier",
        "Nobody works on it any more",
        "25 Nov 2026 10:00 · bram.visser",
    ):
        assert said in page
    unknown = browser.post("/suspended/assign", {"reason": "no_zone", "source": "elsewhere", "to": "me"})
    assert unknown.status_code == 404 and "nothing was changed" in unknown.text


def test_ticked_records_are_corrected_and_tried_again_by_the_collector(world: World, house: House) -> None:
    browser = manager(world)
    first, second, third = ids(house)
    form = {**ZONES, "value": "NL-SERVICE", "why": "a service number", f"record-{second}": "1", "which": "ticked"}
    done = browser.post("/suspended/correct", form)
    assert done.status_code == 303
    page = plain(browser.get(done.headers["location"]).text)
    assert "1 record is corrected." in page and "→ service numbers" in page
    assert "asked for by bram.visser" in page, "the desk opens no numbers; it asks"
    keeper = world.keeper.client("bss")
    assert retrying.carry_out(database=world.database, keeper=keeper, lake=world.lake, now=NOW, identifiers=house.identifiers) == 1
    assert ids(house) == [first, third]
    page = plain(browser.get(where(**ZONES)).text)
    assert "tried 25 Nov 2026 10:00 · 1 record could be rated then" in page
    assert "1 record: — → service numbers · a service number" in page
    assert house.differences() == []


def test_all_that_fit_are_corrected_at_once(world: World, house: House) -> None:
    browser = manager(world)
    page = browser.get(where(**COUNTRIES, country="ZZ")).text
    assert 'value="ZZ" selected' in page and "2 kB" in page and "3 kB" not in page
    form = {**COUNTRIES, "country": "ZZ", "which": "all", "fitting": "1", "value": "FR", "why": "said by the network"}
    assert "1 record is corrected." in browser.get(browser.post("/suspended/correct", form).headers["location"]).text
    assert house.recycle() == 1
    assert [one.country for one in suspense.records(lake=house.lake, reason="no_country")] == ["XX"]
    moved = browser.post("/suspended/correct", form)
    assert moved.status_code == 409 and "Somebody else worked on these records meanwhile" in moved.text


def test_writing_off_is_asked_twice(world: World, house: House) -> None:
    browser = manager(world)
    first, second, third = ids(house)
    form = {**ZONES, "why": "too old", "which": "ticked", f"record-{first}": "1", f"record-{third}": "1"}
    asked = browser.post("/suspended/write-off", form)
    assert asked.status_code == 200 and len(ids(house)) == 3
    assert "Write off 2 records?" in asked.text and "1:15 min" in asked.text and "too old" in asked.text
    assert f'name="record-{first}"' in asked.text
    done = browser.post("/suspended/write-off", {**form, "confirmed": "2"})
    page = plain(browser.get(done.headers["location"]).text)
    assert "2 records are written off." in page and "2 records written off · too old" in page
    assert ids(house) == [second]
    assert "written off 2 " in plain(browser.get("/suspended").text)
    assert house.differences() == []
    again = browser.post("/suspended/write-off", {**form, "confirmed": "2"})
    assert again.status_code == 404 and len(ids(house)) == 1


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"value": "NL", "why": "x"}, "No record is chosen."),
        ({"value": "", "why": "x", "which": "all", "fitting": "3"}, "Choose what it is."),
        ({"value": "NL", "which": "all", "fitting": "3"}, "A reason is missing."),
        ({"value": "NL", "why": "x", "record-1": "1"}, "That is no record."),
        ({"value": "MARS", "why": "x", "which": "all", "fitting": "3"}, "This cannot be done so."),
    ],
)
def test_what_cannot_be_is_said_on_the_page_and_what_was_typed_stays(world: World, house: House, form: dict[str, str], said: str) -> None:
    [first, *_] = ids(house)
    refused = manager(world).post("/suspended/correct", {**ZONES, **form})
    assert refused.status_code == 422 and said in refused.text
    assert f'value="{form.get("why", "")}"' in refused.text and f'id="record-{first}"' in refused.text
    assert len(ids(house)) == 3 and "Nothing yet." in refused.text


def test_while_the_lake_is_busy_nothing_changes(world: World, house: House) -> None:
    form = {**ZONES, "which": "all", "fitting": "3", "value": "NL", "why": "x"}
    with world.lake.locked(database=world.database):
        refused = manager(world).post("/suspended/correct", form)
    assert refused.status_code == 503 and "being collected or rated just now" in refused.text


def test_another_try_is_asked_for(world: World, house: House) -> None:
    browser = manager(world)
    done = browser.post("/suspended/retry")
    page = plain(browser.get(done.headers["location"]).text)
    assert "All of it is tried again" in page and "asked for by bram.visser, 25 Nov 2026 10:00" in page
    browser.post("/suspended/correct", {**ZONES, "which": "all", "fitting": "3", "value": "NL", "why": "x"})  # so that a number must be opened
    keeper = world.keeper.client("desk")
    retrying.carry_out(database=world.database, keeper=keeper, lake=world.lake, now=NOW, identifiers=house.identifiers)
    assert "the keeper refuses" in browser.get("/suspended").text


def test_it_speaks_dutch(world: World, house: House) -> None:
    browser = manager(world)
    browser.post("/language", {"language": "nl", "next": "/"})
    page = plain(browser.get("/suspended").text)
    assert "Wachtend gebruik" in page and "Onbekende bestemming" in page and "afgebroken regel" in page
    assert "Frankrijk" in browser.get(where(**COUNTRIES)).text


@pytest.mark.parametrize(("path", "statements"), [("/suspended", 9), (where(**ZONES), 8)])
def test_the_pages_cost_this_many_statements(world: World, house: House, path: str, statements: int) -> None:
    browser = manager(world)
    with world.counting() as counted:
        assert browser.get(path).status_code == 200
    assert len(counted) == statements, counted


def test_records_of_nobody_are_guided_to_a_product(world: World, house: House) -> None:
    browser, nobodys = manager(world), {"reason": "no_product", "source": "voice_sms"}
    house.take("nobody.csv", call(11, own="31699900009"), call(12, own="31699900009", start="2026-08-03T12:00:00+02:00"))
    assert "They belong to product" in browser.get(where(**nobodys)).text
    early, waiting = ids(house, "no_product")
    mine = str(derived("product", OWN))
    form = {**nobodys, "which": "all", "fitting": "2", "value": mine, "why": "a swapped number"}
    refused = browser.post("/suspended/correct", form)
    assert refused.status_code == 409 and "The product does not fit these records" in refused.text
    assert "It was not active when one of them began." in refused.text and f'value="{mine}"' in refused.text
    for value in ("sim", str(early)):
        unknown = browser.post("/suspended/correct", {**form, "value": value})
        assert unknown.status_code == 422 and "No product has this identifier." in unknown.text
    done = browser.post("/suspended/correct", {**form, "which": "ticked", f"record-{waiting}": "1"})
    page = plain(browser.get(done.headers["location"]).text)
    assert "1 record is corrected." in page and f"→ {mine}" in page
    keeper = world.keeper.client("bss")
    assert retrying.carry_out(database=world.database, keeper=keeper, lake=world.lake, now=NOW, identifiers=house.identifiers) == 1
    assert ids(house, "no_product") == [early] and house.differences() == []
