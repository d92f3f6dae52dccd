"""The lake on a real PostgreSQL: readers see a write whole or not at all, whatever happens in the middle of it."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from hoeksteen.kernel.errors import Unavailable
from hoeksteen.kernel.identifiers import derived
from hoeksteen.storage.lake import ColumnType, Lake, LakeTable, _store
from hoeksteen.storage.lake._iceberg import Iceberg
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database

TABLE = LakeTable(
    "sample",
    (("month", ColumnType.INTEGER), ("bucket", ColumnType.INTEGER), ("record_id", ColumnType.UUID), ("amount_micro", ColumnType.LONG)),
    partition=("month", "bucket"),
    sort=("record_id",),
)


@pytest.fixture
def lake(tmp_path: Path, business_dsn: str) -> Iterator[Lake]:
    with Lake(warehouse=tmp_path / "lake", catalogue_dsn=business_dsn) as opened:
        yield opened


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


def age(database: Database, *snapshots: int) -> None:
    """Let it be two days since these snapshots were replaced."""
    with database.transaction() as tx:
        tx.execute("UPDATE lake.replaced SET replaced_at = replaced_at - INTERVAL '2 days' WHERE snapshot_id = ANY(%s)", (list(snapshots),))


def replace(lake: Lake, database: Database, name: str, month: int, number: int) -> tuple[int, list[str]]:
    """Replace a month and give the new head and its files."""
    with lake.write(database=database, write_id=derived(name)) as change, Duck() as duck:
        change.replace(TABLE, {"month": [month]}, duck.write_parquet(TABLE, rows(month, number), change.folder(TABLE)))
    head = lake.head(TABLE)
    assert head is not None
    return head, lake.files(TABLE)


def there(files: list[str]) -> set[str]:
    return {file for file in files if Path(file).exists()}


def on_disk(lake: Lake) -> set[str]:
    return {str(file) for file in (lake.warehouse / "sample" / "data").rglob("*.parquet")}


def test_a_snapshot_that_was_replaced_long_ago_goes_with_its_files_and_younger_ones_stay(lake: Lake, database: Database) -> None:
    write(lake, database, "stays", 202611, 4)
    first, first_files = replace(lake, database, "first", 202610, 10)
    second, second_files = replace(lake, database, "second", 202610, 20)
    third, third_files = replace(lake, database, "third", 202610, 30)
    age(database, first)
    fourth, fourth_files = replace(lake, database, "fourth", 202610, 40)
    assert there(first_files) == set(first_files) & set(second_files), "only what every month shares"
    with Duck() as duck:
        for files, number in ((second_files, 24), (third_files, 34), (fourth_files, 44)):
            duck.view_of_files("sample", TABLE, files)
            assert duck.value("SELECT count(*) FROM sample") == number
    age(database, second, third)
    write(lake, database, "fifth", 202612, 1)
    assert count(lake) == 45
    assert on_disk(lake) == set(lake.files(TABLE)) | there(fourth_files)
    assert not list((lake.warehouse / "sample" / "data").glob(f"{derived('second')}"))
    with database.transaction() as tx:
        assert tx.value("SELECT count(*) FROM lake.doomed_file") == 0


def test_a_day_must_pass(lake: Lake, database: Database) -> None:
    _, files = replace(lake, database, "first", 202610, 10)
    for name in ("second", "third"):
        replace(lake, database, name, 202610, 20)
    assert there(files) == set(files)


@pytest.mark.parametrize("step", ["doom", "expire", "forget_replaced", "unlink", "forget_doomed"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_between_the_steps_of_expiry_loses_nothing_and_leaves_nothing(
    lake: Lake, database: Database, business_dsn: str, step: str, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(lake, database, "stays", 202611, 4)
    first, _ = replace(lake, database, "first", 202610, 10)
    replace(lake, database, "second", 202610, 20)
    age(database, first)
    owner, name = {"expire": (Iceberg, "expire"), "unlink": (Path, "unlink")}.get(step, (_store, step))
    real = getattr(owner, name)

    def crash(*arguments: object, **named: object) -> None:
        if moment == "after":
            real(*arguments, **named)
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(owner, name, crash)
        with pytest.raises(RuntimeError):
            replace(lake, database, "third", 202610, 30)
    assert count(lake) == 24
    with Lake(warehouse=lake.warehouse, catalogue_dsn=business_dsn) as other:
        replace(other, database, "fourth", 202610, 40)
        assert count(other) == 44
        with database.transaction() as tx:
            age(database, *(row["snapshot_id"] for row in tx.rows("SELECT snapshot_id FROM lake.replaced")))
        write(other, database, "fifth", 202612, 1)
        assert on_disk(other) == set(other.files(TABLE))


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


def test_a_column_that_was_added_is_null_in_older_files(lake: Lake, database: Database) -> None:
    write(lake, database, "before", 202610, 10)
    wider = LakeTable("sample", (*TABLE.columns, ("place", ColumnType.TEXT)), TABLE.partition, TABLE.sort, added=("place",))
    places = "SELECT coalesce(place, 'none') AS place, count(*)::BIGINT AS rows FROM sample GROUP BY place ORDER BY place"
    with Duck() as duck:
        duck.view_of_files("sample", wider, lake.files(wider))
        assert duck.rows(places) == [{"place": "none", "rows": 10}]
        with lake.write(database=database, write_id=derived("since")) as change:
            query = f"SELECT *, 'here' AS place FROM ({rows(202611, 4)})"
            change.append(wider, duck.write_parquet(wider, query, change.folder(wider)))
        duck.view_of_files("sample", wider, lake.files(wider))
        assert duck.rows(places) == [{"place": "here", "rows": 4}, {"place": "none", "rows": 10}]
    with lake.write(database=database, write_id=derived("again")) as change, Duck() as duck:
        change.replace(
            wider, {"month": [202610]}, duck.write_parquet(wider, f"SELECT *, 'late' AS place FROM ({rows(202610, 2)})", change.folder(wider))
        )
    assert (count(lake), count(lake, month=[202610])) == (6, 2)
