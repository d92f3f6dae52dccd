"""After deliveries the lake is kept in few files: nothing is lost, nothing counted twice, and a merge that is cut off changes nothing."""

from pathlib import Path
from typing import Any

import pytest

from factories.usage_files import NOW, OWN, House, call
from fixtures.keeper import RunningKeeper
from hoeksteen.storage.lake import Lake, LakeWrite
from hoeksteen.storage.lake.compaction import is_crowded
from hoeksteen.storage.postgres import Database
from hoeksteen.usage import operations
from hoeksteen.usage.tables import GUIDED, SET_ASIDE


@pytest.fixture
def house(database: Database, lake: Lake, keeper: RunningKeeper, tmp_path: Path) -> House:
    house = House(database, lake, keeper, tmp_path)
    house.hold(OWN)
    for number in range(1, 5):
        house.take(f"{number}.csv", call(number), call(number), "R;broken")
    return house


def merge(house: House, *, files_max: int = 3) -> int:
    return operations.merge_files(database=house.database, lake=house.lake, now=NOW, identifiers=house.identifiers, files_max=files_max)


def files(house: House) -> dict[str, int]:
    return {table.name: len(house.lake.files(table)) for table in (GUIDED, SET_ASIDE)}


def test_crowded_partitions_are_merged_and_every_record_stays(house: House) -> None:
    before, balances = house.rows(GUIDED), house.differences()
    assert files(house) == {"guided": 4, "set_aside": 8}
    assert merge(house, files_max=4) == 0, "few files are left alone"
    assert merge(house) == 3
    assert files(house) == {"guided": 1, "set_aside": 2}
    assert (house.rows(GUIDED), house.differences()) == (before, balances) and balances == []
    assert not is_crowded(lake=house.lake, table=GUIDED, files_max=3)
    assert house.take("again.csv", *(call(number) for number in range(1, 6))).records_in == 5
    assert house.states(4) == {"guided": 1, "duplicate": 4}


def test_it_is_bounded(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "_MERGED_MAX", 1)
    assert [merge(house) for _ in range(3)] == [2, 1, 0], "one partition of each table at a time"


def test_a_merge_that_is_cut_off_changes_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (house.rows(GUIDED), files(house))

    def cut(*_: Any) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(LakeWrite, "replace", cut)
        assert merge(house) == 0
    assert (house.rows(GUIDED), files(house)) == before
    assert merge(house) == 3


def test_somebody_else_who_writes_is_not_waited_for(house: House) -> None:
    with house.lake.locked(database=house.database):
        assert merge(house) == 0
    assert merge(house) == 3
