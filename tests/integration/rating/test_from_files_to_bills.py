"""Two months of files on real parts: collected, rated, closed, late and suspended usage after them; each record on one bill, and explained."""

from datetime import date
from pathlib import Path

import pytest

from factories.usage_files import NOW, OWN, House, call, session
from fixtures.keeper import RunningKeeper
from hoeksteen.kernel.errors import WrongState
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.rating import queries
from hoeksteen.rating.model import RatedBalance, UsageTotal
from hoeksteen.rating.operations import close_period
from hoeksteen.rating.tables import CHARGE
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database
from hoeksteen.usage.tables import GUIDED, SET_ASIDE, SUSPENDED

LARGE, NEW = "31699900002", "31699900003"
GB = 10**9
OCTOBER, NOVEMBER = BillPeriod(date(2026, 10, 1), date(2026, 11, 1)), BillPeriod(date(2026, 11, 1), date(2026, 12, 1))
OCTOBER_CALLS = [
    call(1, seconds=5_990),
    call(2, start="2026-10-04T12:00:00+02:00", seconds=30),
    call(3, seconds=0),
    call(4, other="999999"),
    call(5, own=NEW),
]
OCTOBER_DATA = [session(LARGE, volume_bytes=15 * GB), session(OWN, country="FR", volume_bytes=10**6), "{"]
NOVEMBER_DATA = [session(LARGE, start="2026-11-05T12:00:00+01:00", volume_bytes=30 * GB)]
LATE_CALLS = [call(6, start="2026-10-31T23:59:00+01:00", seconds=600), call(1, seconds=5_990)]


@pytest.fixture
def house(database: Database, lake: Lake, keeper: RunningKeeper, tmp_path: Path) -> House:
    house = House(database, lake, keeper, tmp_path)
    house.hold(OWN)
    house.hold(LARGE, offering="mobile-l")
    return house


def close(house: House, period: BillPeriod) -> None:
    close_period(database=house.database, lake=house.lake, period=period, now=NOW)


def balances(house: House) -> list[RatedBalance]:
    with house.database.transaction() as tx:
        return queries.balance(tx=tx)


def totals(house: House, period: BillPeriod) -> list[UsageTotal]:
    return queries.usage_totals(lake=house.lake, period=period, billing_account_ids=None)


def two_months(house: House) -> None:
    house.take("october.csv", *OCTOBER_CALLS)
    house.take("october.jsonl", *OCTOBER_DATA)
    house.rate(OCTOBER.first_day)
    close(house, OCTOBER)
    house.take("late.csv", *LATE_CALLS)
    house.take("november.jsonl", *NOVEMBER_DATA)
    house.hold(NEW)
    assert house.recycle() == 1
    house.rate(NOVEMBER.first_day)


def test_every_record_of_every_file_is_accounted_for(house: House) -> None:
    house.take("october.csv", *OCTOBER_CALLS)
    house.take("october.jsonl", *OCTOBER_DATA)
    before = balances(house)
    assert [(entry.unrated, entry.closes, entry.accounted_for) for entry in before] == [(3, False, True), (2, False, True)]
    assert before[0].units["unrated"] == 6_020
    house.rate(OCTOBER.first_day)
    calls, data = balances(house)
    assert (calls.records_in, calls.rated, calls.zero_rated, calls.suspended, calls.closes) == (5, 2, 1, 2, True)
    assert (data.records_in, data.rated, data.rejected, data.closes) == (3, 2, 1, True)
    assert (calls.units_in, calls.units) == (
        6_140, {"rated": 6_020, "zero_rated": 0, "duplicate": 0, "suspended": 120, "rejected": 0, "unrated": 0},
    )  # fmt: skip
    assert (data.units_in, data.units["rated"]) == (15 * GB + 10**6, 15 * GB + 10**6)
    assert calls.amount_micro == sum(total.amount_micro for total in totals(house, OCTOBER) if total.service == "voice")


def test_each_record_appears_on_one_bill_and_what_was_closed_stays(house: House) -> None:
    house.take("october.csv", *OCTOBER_CALLS)
    house.take("october.jsonl", *OCTOBER_DATA)
    house.rate(OCTOBER.first_day)
    october = totals(house, OCTOBER)
    close(house, OCTOBER)
    house.take("late.csv", *LATE_CALLS)
    house.take("november.jsonl", *NOVEMBER_DATA)
    house.hold(NEW)
    house.recycle()
    with pytest.raises(WrongState, match="3 usage records for the bills of 2026-11-01 are not rated"):
        close(house, NOVEMBER)
    house.rate(NOVEMBER.first_day)
    close(house, NOVEMBER)
    assert totals(house, OCTOBER) == october
    november = totals(house, NOVEMBER)
    assert sum(total.records for total in november) == 3
    assert {total.period_day for total in november} == {OCTOBER.first_day, NOVEMBER.first_day}
    charges = [row for row in house.rows(CHARGE) if row["state"] != "suspended"]
    assert sum(total.records for total in (*october, *november)) == len(charges) == len(house.rows(GUIDED))
    assert sum(total.amount_micro for total in (*october, *november)) == sum(row["amount_micro"] for row in charges)
    assert all(entry.closes for entry in balances(house))
    assert (len(house.rows(SUSPENDED)), len(house.rows(SET_ASIDE))) == (1, 2)


def test_what_october_left_is_used_first_in_november(house: House) -> None:
    two_months(house)
    [large] = [row for row in house.rows(CHARGE) if row["units"] == 30 * GB]
    assert (large["free_units"], large["month"]) == (25 * GB, 202611)  # 5 GB of October's 20, and 20 of its own
    with house.database.transaction() as tx:
        told = queries.explain(tx=tx, lake=house.lake, record_id=large["record_id"])
    assert [step.units_taken for step in told.allowances] == [5 * GB, 20 * GB]


def test_every_charge_is_explained_by_the_amount_that_was_charged(house: House) -> None:
    two_months(house)
    charges = house.rows(CHARGE)
    assert len(charges) == 8
    for charge in charges:
        with house.database.transaction() as tx:
            told = queries.explain(tx=tx, lake=house.lake, record_id=charge["record_id"])
        assert (told.units, told.free_units, told.amount_micro) == (charge["units"], charge["free_units"], charge["amount_micro"])
        assert sum(step.units_taken for step in told.allowances) == told.free_units
        assert told.sentence_en.endswith(".") and told.sentence_nl.endswith(".")


def test_rating_again_changes_nothing_and_neither_does_a_file_delivered_twice(house: House) -> None:
    two_months(house)
    first, charges = house.rate(NOVEMBER.first_day), house.rows(CHARGE)
    assert house.take("twice.csv", *OCTOBER_CALLS[:4], "R;9;V;x;y;z;1").records_in == 5
    assert house.states(4) == {"duplicate": 4, "rejected:bad_number": 1}
    second = house.rate(NOVEMBER.first_day)
    assert (second.digest, house.rows(CHARGE)) == (first.digest, charges)


def test_a_unit_that_rating_lost_would_be_noticed(house: House) -> None:
    house.take("october.csv", *OCTOBER_CALLS)
    house.rate(OCTOBER.first_day)
    with house.database.transaction() as tx:
        tx.execute("UPDATE rating.file_balance SET units = units - 1 WHERE state = 'rated' AND units > 0")
    [calls] = balances(house)
    assert (calls.unrated, calls.closes, calls.accounted_for) == (0, False, False)
