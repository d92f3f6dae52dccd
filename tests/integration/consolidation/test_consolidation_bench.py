"""The benchmark of consolidation measures what it says."""

from pathlib import Path

from factories.exports import invent_exports
from fixtures.keeper import RunningKeeper
from hoeksteen.consolidation.bench import load, plain, take_apart
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database


def test_a_small_measurement(database: Database, keeper: RunningKeeper, lake: Lake, tmp_path: Path) -> None:
    exports = invent_exports(tmp_path / "exports", customers=300, seed=5)
    ours = load(database=database, keeper=keeper.client("bss"), folder=exports)
    assert ours["closes"]
    assert (ours["precision"], ours["household_merges"]) == (1.0, 0)
    assert ours["recall"] > 0.95
    assert 0 < ours["match_seconds"] < ours["seconds"]
    assert 0 <= ours["review_share"] < 0.05
    apart = take_apart(database=database, keeper=keeper.client("bss"), lake=lake)
    assert apart["unmerged"] == 5
    assert apart["unmerge_seconds"] > 0
    theirs = plain(folder=exports)
    assert theirs["household_merges"] > 0
    assert theirs["seconds"] > 0
