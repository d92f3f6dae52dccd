"""Suspended usage is tried again: what has become rateable is guided once, as late as it is by now, and its file's balance moves with it."""

import struct
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from factories.usage_files import NOW, House, call, session
from fixtures.keeper import RunningKeeper
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.product import numbering_plan
from hoeksteen.rating import queries as rated
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database
from hoeksteen.usage import operations
from hoeksteen.usage.tables import GUIDED, SUSPENDED

OWN, NEW = "31699900001", "31699900002"
OCTOBER = BillPeriod(date(2026, 10, 1), date(2026, 11, 1))


@pytest.fixture
def house(database: Database, lake: Lake, keeper: RunningKeeper, tmp_path: Path) -> House:
    house = House(database, lake, keeper, tmp_path)
    house.hold(OWN)
    return house


@pytest.fixture
def add_prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Add a line to the numbering plan, as an edit of its file would."""
    cached = (numbering_plan.prefixes, numbering_plan.countries, numbering_plan.prefixes_by_country, numbering_plan.edition)

    def add(line: str) -> None:
        folder = tmp_path / "numbering"
        folder.mkdir()
        for name in ("prefixes.csv", "countries.csv"):
            text = (numbering_plan._FOLDER / name).read_text("utf-8")
            (folder / name).write_text(text + (f"{line}\n" if name == "prefixes.csv" else ""), "utf-8")
        monkeypatch.setattr(numbering_plan, "_FOLDER", folder)
        for one in cached:
            one.cache_clear()

    yield add
    monkeypatch.undo()
    for one in cached:
        one.cache_clear()


def test_a_number_without_a_zone_is_rated_once_after_its_prefix_is_known(house: House, add_prefix: Callable[[str], None]) -> None:
    """Case 20 of docs/rating.md."""
    house.take("calls.csv", call(1, other="999999"), call(2))
    assert house.states() == {"guided": 1, "suspended:no_zone": 1}
    assert house.recycle() == 0
    add_prefix("*9999;NL-SERVICE;NL")
    assert house.recycle() == 1
    assert house.states() == {"guided": 2}
    assert house.recycle() == 0
    house.rate()
    house.rate()
    with house.database.transaction() as tx:
        [balance] = rated.balance(tx=tx)
    assert (balance.rated, balance.suspended, balance.closes) == (2, 0, True)
    assert [row["zone"] for row in house.rows(GUIDED)] == ["NL-SERVICE", "NL"]
    assert house.take("again.csv", call(1, other="999999")).states[0].state == "duplicate"


def test_a_number_that_was_nobodys_is_guided_when_it_is_somebodys_and_opened_for_nobody_else(house: House) -> None:
    house.take("calls.csv", call(1, own=NEW), call(2, own="31699900003"))
    [waiting, _] = house.rows(SUSPENDED)
    house.hold(NEW)
    assert house.recycle() == 1
    assert house.states() == {"guided": 1, "suspended:no_product": 1}
    [guided] = house.rows(GUIDED)
    assert (guided["record_id"], guided["line"], guided["product_id"]) == (waiting["record_id"], waiting["line"], derived("product", NEW))
    shared = {
        "purpose": "billing",
        "month": "2026-10",
        "column": "other_number",
        "records": guided["record_id"].bytes,
        "blocks": guided["other_number"],
    }
    bss = house.keeper.client("bss")
    assert struct.unpack("<Q", bss.traffic_open(**shared, subject=derived("party", str(house.folder), NEW))) == (31201234567,)
    with pytest.raises(Exception, match="block_invalid"):
        bss.traffic_open(**shared, subject=derived("party", str(house.folder), OWN))


def test_a_number_that_is_still_nobodys_discloses_nothing_of_the_other_party(house: House) -> None:
    house.take("calls.csv", call(1, own=NEW))
    auditor = house.keeper.client("dewi.hoekstra")

    def opened() -> int:
        return sum((entry["action"], entry["category"]) == ("reveal", "traffic") for entry in auditor.did_see(actor="bss"))

    before = opened()
    assert house.recycle() == 0
    assert opened() == before + 1, "one look at own numbers, none at the other party's"


def test_usage_of_a_product_that_was_not_suspended_after_all(house: House) -> None:
    house.hold(NEW, suspended=date(2026, 10, 1))
    house.take("calls.csv", call(1, own=NEW))
    assert house.states() == {"suspended:product_suspended": 1}
    assert house.recycle() == 0
    with house.database.transaction() as tx:
        tx.execute("UPDATE product.product_term SET status = 'active' WHERE product_id = %s", (derived("product", NEW),))
    assert house.recycle() == 1
    assert house.states() == {"guided": 1}


def test_what_was_delivered_again_meanwhile_is_a_duplicate_also_without_an_identifier_of_its_own(house: House) -> None:
    house.take("one.jsonl", session(NEW))
    house.hold(NEW)
    house.take("two.jsonl", session(NEW), session(OWN))
    assert (house.states(0), house.states(1)) == ({"suspended:no_product": 1}, {"guided": 2})
    assert house.recycle() == 0
    assert house.states(0) == {"duplicate": 1}
    assert not house.rows(SUSPENDED)


def test_a_session_that_was_guided_late_is_known_when_it_is_delivered_again(house: House) -> None:
    house.take("one.jsonl", session(NEW))
    house.hold(NEW)
    assert house.recycle() == 1
    house.take("two.jsonl", session(NEW), session(OWN))
    assert house.states(1) == {"guided": 1, "duplicate": 1}


def test_what_is_guided_after_the_close_appears_on_the_next_bill(house: House) -> None:
    house.take("calls.csv", call(1, own=NEW))
    with house.database.transaction() as tx:
        operations.close_period(tx=tx, period=OCTOBER, now=NOW)
    house.hold(NEW)
    assert house.recycle() == 1
    [guided] = house.rows(GUIDED)
    assert (guided["generation"], guided["period_day"], guided["bill_day"]) == (1, date(2026, 10, 1), date(2026, 11, 1))
    house.rate(date(2026, 11, 1))
    totals = rated.usage_totals(lake=house.lake, period=BillPeriod(date(2026, 11, 1), date(2026, 12, 1)), billing_account_ids=None)
    assert [(total.records, total.period_day) for total in totals] == [(1, date(2026, 10, 1))]


def test_what_nobody_can_open_any_more_stays_suspended_and_stops_nothing(house: House) -> None:
    old = call(1, own=NEW, start="2025-03-03T12:00:00+01:00")
    house.take("calls.csv", old, call(2, own=NEW))
    house.hold(NEW)
    house.keeper.client("dewi.hoekstra").destroy_month(month="2025-03")
    assert house.recycle() == 1
    assert house.states() == {"guided": 1, "suspended:no_product": 1}


def test_a_crash_in_the_middle_changes_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.take("calls.csv", call(1, own=NEW))
    house.hold(NEW)
    with monkeypatch.context() as broken:
        broken.setattr("hoeksteen.usage._store.move_balance", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            house.recycle()
    assert house.states() == {"suspended:no_product": 1}
    assert len(house.rows(SUSPENDED)) == 1 and not house.rows(GUIDED)
    assert house.recycle() == 1


def test_an_empty_lake_has_nothing_to_recycle(house: House) -> None:
    assert house.recycle() == 0
