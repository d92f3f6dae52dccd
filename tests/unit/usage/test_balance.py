"""Every record is in the balance of its file, of its day and of its source, to the record and the unit; and the lake holds what they say."""

from datetime import date
from pathlib import Path

import pytest

from factories.usage_files import OWN, House, call, session
from fixtures.keeper import RunningKeeper
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database
from hoeksteen.usage import queries
from hoeksteen.usage.model import Balance, UsageState

STATES = list(UsageState)


@pytest.fixture
def house(database: Database, lake: Lake, keeper: RunningKeeper, tmp_path: Path) -> House:
    house = House(database, lake, keeper, tmp_path)
    house.hold(OWN)
    house.take(
        "calls.csv",
        call(1, start="2026-10-03T23:59:59+02:00", seconds=10),
        call(2, start="2026-10-04T00:00:00+02:00", seconds=20),
        call(2, start="2026-10-04T00:00:00+02:00", seconds=20),
        call(3, start="2026-10-25T02:30:00+02:00", seconds=5),
        call(4, start="2026-10-25T02:30:00+01:00", seconds=6),
        call(5, start="2026-10-25T23:59:59+01:00", seconds=7),
        call(6, own="31699900007", start="2026-10-04T12:00:00+02:00", seconds=40),
        call(7, start="2026-10-04T12:00:00+02:00", seconds=99_999_999),
        call(8, start="no time", seconds=3),
        call(9, start="1970-01-01T00:00:00Z", seconds=4),
        "R;broken",
    )
    house.take("data.jsonl", session(OWN, start="2026-10-04T12:00:00+02:00", volume_bytes=1_000), "{")
    return house


def by_day(house: House, **bounds: date) -> list[Balance]:
    with house.database.transaction() as tx:
        return queries.balance_by_day(tx=tx, **bounds)


def counts(balance: Balance) -> list[int]:
    return [balance.records(state) for state in STATES]


def test_by_day_of_the_start_as_the_clock_on_the_wall_shows_it(house: House) -> None:
    found = {balance.of: (balance.records_in, balance.units_in, counts(balance)) for balance in by_day(house)}
    assert STATES == [UsageState.GUIDED, UsageState.DUPLICATE, UsageState.SUSPENDED, UsageState.REJECTED]
    assert found == {
        date(2026, 10, 3): (1, 10, [1, 0, 0, 0]),
        date(2026, 10, 4): (5, 20 + 20 + 40 + 99_999_999 + 1_000, [2, 1, 1, 1]),
        date(2026, 10, 25): (3, 18, [3, 0, 0, 0]),
        None: (4, 3 + 4, [0, 0, 0, 4]),
    }
    assert all(balance.closes for balance in by_day(house))
    assert [balance.of for balance in by_day(house, first_day=date(2026, 10, 4), end_day=date(2026, 10, 25))] == [date(2026, 10, 4)]


def test_by_source(house: House) -> None:
    with house.database.transaction() as tx:
        found = queries.balance_by_source(tx=tx)
    assert [(balance.of, balance.records_in, counts(balance), balance.closes) for balance in found] == [
        ("sessions", 2, [1, 0, 0, 1], True),
        ("voice_sms", 11, [5, 1, 1, 4], True),
    ]
    assert sum(balance.units_in for balance in found) == sum(balance.units_in for balance in by_day(house))
    with house.database.transaction() as tx:
        tx.execute("UPDATE usage.usage_file_balance SET units = units + 1 WHERE state = 'duplicate'")
        assert [balance.closes for balance in queries.balance_by_source(tx=tx)] == [True, False]


def test_what_comes_back_moves_in_its_own_day(house: House) -> None:
    house.hold("31699900007")
    assert house.recycle() == 1
    [day] = [balance for balance in by_day(house) if balance.of == date(2026, 10, 4)]
    assert counts(day) == [3, 1, 0, 1] and day.closes
    assert house.differences() == []


def test_the_lake_is_counted_and_compared(house: House) -> None:
    assert house.differences() == []
    with house.database.transaction() as tx:
        tx.execute("UPDATE usage.usage_file_balance SET records = records + 1 WHERE state = 'guided' AND day = '2026-10-03'")
        tx.execute("UPDATE usage.usage_file_balance SET units = units - 1 WHERE state = 'suspended'")
    found = {(one.state, one.reason, one.day): (one.counted, one.balance) for one in house.differences()}
    assert found == {
        (UsageState.GUIDED, "", date(2026, 10, 3)): ((1, 10), (2, 10)),
        (UsageState.SUSPENDED, "no_product", date(2026, 10, 4)): ((1, 40), (1, 39)),
    }
