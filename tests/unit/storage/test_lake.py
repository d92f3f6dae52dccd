"""The lake on a real PostgreSQL: readers see a write whole or not at all, whatever happens in the middle of it."""

from pathlib import Path
from uuid import UUID

import pytest

from hoeksteen.kernel.errors import Unavailable
from hoeksteen.kernel.identifiers import derived
from hoeksteen.storage.lake import ColumnType, Lake, LakeTable
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database

TABLE = LakeTable(
    "sample",
    (("month", ColumnType.INTEGER), ("bucket", ColumnType.INTEGER), ("record_id", ColumnType.UUID), ("amount_micro", ColumnType.LONG)),
    partition=("month", "bucket"),
    sort=("record_id",),
)


@pytest.fixture
def lake(tmp_path: Path, business_dsn: str) -> Lake:
    return Lake(warehouse=tmp_path / "lake", catalogue_dsn=business_dsn)


def rows(month: int, count: int) -> str:
    return f"SELECT {month} AS month, i % 2 AS bucket, uuid() AS record_id, i::BIGINT AS amount_micro FROM range({count}) t(i)"


def count(lake: Lake, **where: list[int]) -> int:
    with Duck() as duck:
        duck.view_of_files("sample", TABLE, lake.files(TABLE, where))
        return int(duck.value("SELECT count(*) FROM sample"))


def write(lake: Lake, database: Database, name: str, month: int, number: int, *, break_at: str = "") -> UUID:
    write_id = derived(name)
    with lake.write(database=database, write_id=write_id) as change, Duck() as duck:
        files = duck.write_parquet(TABLE, rows(month, number), change.folder(TABLE))
        if break_at == "before commit":
            raise RuntimeError
        change.append(TABLE, files)
        if break_at == "after commit":
            raise RuntimeError
    return write_id


def test_what_is_written_is_read_back_by_partition(lake: Lake, database: Database) -> None:
    write(lake, database, "one", 202610, 10)
    write(lake, database, "two", 202611, 4)
    assert (count(lake), count(lake, month=[202610]), count(lake, month=[202611], bucket=[1])) == (14, 10, 2)


def test_an_empty_lake_has_columns_and_no_rows(lake: Lake) -> None:
    assert count(lake) == 0


def test_partitions_are_replaced_and_older_readers_keep_their_files(lake: Lake, database: Database) -> None:
    write(lake, database, "one", 202610, 10)
    write(lake, database, "two", 202611, 4)
    before = lake.files(TABLE)
    with lake.write(database=database, write_id=derived("three")) as change, Duck() as duck:
        change.replace(TABLE, {"month": [202610]}, duck.write_parquet(TABLE, rows(202610, 3), change.folder(TABLE)))
    assert (count(lake), count(lake, month=[202611])) == (7, 4)
    assert all(Path(file).exists() for file in before)


@pytest.mark.parametrize("moment", ["before commit", "after commit"])
@pytest.mark.parametrize("first", [True, False])
def test_a_write_that_breaks_leaves_nothing(lake: Lake, database: Database, moment: str, first: bool) -> None:
    if not first:
        write(lake, database, "one", 202610, 10)
    with pytest.raises(RuntimeError):
        write(lake, database, "two", 202610, 5, break_at=moment)
    assert count(lake) == (0 if first else 10)
    assert not list(lake.warehouse.glob(f"*/data/{derived('two')}"))
    write(lake, database, "three", 202610, 1)
    assert count(lake) == (1 if first else 11)


def test_one_writer_at_a_time(lake: Lake, database: Database) -> None:
    with lake.write(database=database, write_id=derived("one")) as change, Duck() as duck:
        files = duck.write_parquet(TABLE, rows(202610, 4), change.folder(TABLE))
        with pytest.raises(Unavailable, match="Another process"), lake.write(database=database, write_id=derived("two")):
            pass
        change.append(TABLE, files)
    assert count(lake) == 4


def test_the_lake_has_no_type_in_which_money_could_be_a_float() -> None:
    assert not {"float", "double", "decimal"} & set(ColumnType)


def test_amounts_are_whole_numbers_on_disk(lake: Lake, database: Database) -> None:
    write(lake, database, "one", 202610, 10)
    with Duck() as duck:
        duck.view_of_files("sample", TABLE, lake.files(TABLE))
        types = {row["column_name"]: row["column_type"] for row in duck.rows("DESCRIBE sample")}
    assert types == {"month": "INTEGER", "bucket": "INTEGER", "record_id": "UUID", "amount_micro": "BIGINT"}
