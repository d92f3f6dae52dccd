"""Merging small files changes no row, and where it would, nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hoeksteen.kernel.errors import Corrupt
from hoeksteen.kernel.identifiers import derived
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.compaction import compact
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database
from unit.storage.test_lake import TABLE, write


@pytest.fixture
def lake(tmp_path: Path, business_dsn: str, database: Database) -> Iterator[Lake]:
    with Lake(warehouse=tmp_path / "lake", catalogue_dsn=business_dsn) as opened:
        for number in range(4):
            write(opened, database, f"delivery {number}", 202610, 50)
        write(opened, database, "of november", 202611, 50)
        yield opened


def rows(lake: Lake) -> list[dict[str, object]]:
    with Duck() as duck:
        duck.view_of_files("sample", TABLE, lake.files(TABLE))
        return duck.rows("SELECT * FROM sample ORDER BY month, bucket, record_id")


def test_crowded_partitions_become_one_sorted_file_each(lake: Lake, database: Database) -> None:
    before = rows(lake)
    done = compact(database=database, lake=lake, table=TABLE, write_id=derived("compaction"), files_max=3)
    assert (done.partitions, done.files_before, done.files_after, done.rows) == (2, 8, 2, 200)
    assert rows(lake) == before and len(lake.files(TABLE)) == 2 + 2
    with Duck() as duck:
        duck.view_of_files("merged", TABLE, lake.files(TABLE, {"month": [202610], "bucket": [1]}))
        assert duck.rows("SELECT * FROM merged") == duck.rows("SELECT * FROM merged ORDER BY record_id")
    again = compact(database=database, lake=lake, table=TABLE, write_id=derived("again"), files_max=3)
    assert again.partitions == 0 and rows(lake) == before


def test_a_row_that_got_lost_stops_it(lake: Lake, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    before, head = rows(lake), lake.head(TABLE)
    real = Duck.write_parquet
    monkeypatch.setattr(Duck, "write_parquet", lambda duck, table, query, folder: real(duck, table, f"{query} LIMIT 99", folder))
    with pytest.raises(Corrupt):
        compact(database=database, lake=lake, table=TABLE, write_id=derived("broken"), files_max=3)
    assert (rows(lake), lake.head(TABLE)) == (before, head)
    assert not list(lake.warehouse.glob(f"*/data/{derived('broken')}"))
