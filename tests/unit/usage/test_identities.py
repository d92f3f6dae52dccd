"""What was taken before is found in sorted runs of identities, whoever wrote the lake's files, and without reading those that cannot matter."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from factories.usage_files import OWN, House, call, session
from fixtures.keeper import RunningKeeper
from hoeksteen.kernel.identifiers import derived
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.compaction import compact
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database
from hoeksteen.usage import _identities, _store
from hoeksteen.usage.model import UsageState
from hoeksteen.usage.tables import GUIDED

SEPTEMBER, OCTOBER = "2026-09-03T12:00:00+02:00", "2026-10-03T12:00:00+02:00"


@pytest.fixture
def house(database: Database, lake: Lake, keeper: RunningKeeper, tmp_path: Path) -> House:
    house = House(database, lake, keeper, tmp_path)
    house.hold(OWN)
    return house


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many of the lake's files each collection read to confirm identities."""
    counts: list[int] = []
    real = Duck.view_of_files

    def view(duck: Duck, name: str, table: Any, files: Sequence[str]) -> None:
        if name == "maybe_guided":
            counts.append(len(files))
        real(duck, name, table, files)

    monkeypatch.setattr(Duck, "view_of_files", view)
    return counts


def runs(house: House) -> list[dict[str, Any]]:
    with house.database.transaction() as tx:
        return _store.identity_runs(tx)


def again(house: House, name: str, *numbers: int, start: str = OCTOBER) -> dict[str, int]:
    """Take a file with calls and give the states of its records."""
    balance = house.take(name, *(call(number, start=start) for number in numbers))
    return {str(count.state): count.records for count in balance.states}


def test_duplicates_are_found_across_months_and_nothing_else_is_read(house: House, read: list[int]) -> None:
    assert again(house, "a.csv", 1, 2, start=SEPTEMBER) == {"guided": 2}
    assert again(house, "b.csv", 3, 4) == {"guided": 2}
    assert again(house, "c.csv", 5, 6) == {"guided": 2}
    assert read == [0, 0, 0], "what no run knows is new, and the lake is not asked"
    assert again(house, "d.csv", 1, 7) == {"guided": 1, "duplicate": 1}
    assert read[-1] == 1, "only the files of the run that may hold it"
    assert {row["month"] for row in runs(house)} == {202609, 202610}


def test_what_waits_is_known_too_with_and_without_an_identifier_of_its_own(house: House) -> None:
    stranger = "31699900009"
    house.take("a.csv", call(1, own=stranger))
    house.take("a.jsonl", session(stranger))
    assert house.take("b.csv", call(1, own=stranger), call(2)).records(UsageState.DUPLICATE) == 1
    assert house.take("b.jsonl", session(stranger), session(OWN)).records(UsageState.DUPLICATE) == 1


def test_whoever_merges_the_lakes_files_takes_no_identity_along(house: House) -> None:
    for name, number in (("a.csv", 1), ("b.csv", 2), ("c.csv", 3)):
        again(house, name, number)
    compact(database=house.database, lake=house.lake, table=GUIDED, write_id=derived("merged"), files_max=1)
    assert again(house, "d.csv", 1, 2, 3, 4) == {"guided": 1, "duplicate": 3}


@pytest.mark.parametrize("harm", ["missing", "cut"])
def test_a_run_that_is_lost_or_cut_is_made_anew(house: House, harm: str) -> None:
    again(house, "a.csv", 1, 2)
    again(house, "b.csv", 3)
    [file] = (house.lake.warehouse / "identity").iterdir()
    file.unlink() if harm == "missing" else file.write_bytes(file.read_bytes()[:-8])
    assert again(house, "c.csv", 1, 2, 3, 4) == {"guided": 1, "duplicate": 3}


def test_runs_of_a_month_are_merged_and_the_others_go(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_identities, "RUNS_MAX", 2)
    for number in range(1, 8):
        again(house, f"{number}.csv", number)
    assert len(runs(house)) <= 3
    assert sum(row["identities"] for row in runs(house)) == 6, "all but the last file's, which the next collection reads"
    assert again(house, "all.csv", *range(1, 9)) == {"guided": 1, "duplicate": 7}
    again(house, "last.csv", 9)
    assert {file.name for file in (house.lake.warehouse / "identity").iterdir()} <= {str(row["run_id"]) for row in runs(house)}


def test_equal_beginnings_do_not_make_equal_identities(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_identities, "_heads", lambda identities: np.zeros(identities.num_rows, np.uint64))
    again(house, "a.csv", 1, 2)
    assert again(house, "b.csv", 2, 3) == {"guided": 1, "duplicate": 1}


def test_a_collection_that_fails_leaves_no_run_that_counts(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    again(house, "a.csv", 1)
    with monkeypatch.context() as broken:
        broken.setattr(_store, "insert_file", lambda *_: (_ for _ in ()).throw(RuntimeError("cut off")))
        with pytest.raises(RuntimeError):
            again(house, "b.csv", 2)
    assert runs(house) == []
    assert again(house, "c.csv", 1, 2) == {"guided": 1, "duplicate": 1}
