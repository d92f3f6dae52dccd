"""The measurement of ingest takes every record that it wrote, and the same file is the same bytes."""

import random
from datetime import UTC, datetime
from pathlib import Path

from fixtures.keeper import RunningKeeper
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database
from hoeksteen.usage import bench, queries

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def test_a_measured_file_is_taken_whole(database: Database, lake: Lake, keeper: RunningKeeper, tmp_path: Path) -> None:
    bench.hold(database=database, keeper=keeper.client("bss"), numbers=50, now=NOW)
    identifiers = Identifiers(random.Random(1))
    for seed in (1, 2):
        path = tmp_path / f"{seed}.csv"
        bench.write_file(path=path, records=2_000, numbers=50, seed=seed)
        before = path.read_bytes()
        measured = bench.ingest(database=database, keeper=keeper.client("bss"), lake=lake, path=path, records=2_000, identifiers=identifiers)
        assert (measured.records, measured.bytes_read) == (2_000, len(before)) and measured.records_per_second > 0
        bench.write_file(path=path, records=2_000, numbers=50, seed=seed)
        assert path.read_bytes() == before
    with database.transaction() as tx:
        assert [balance.records_in for balance in queries.balances(tx=tx)] == [2_000, 2_000]
        assert queries.differences(tx=tx, lake=lake) == []
