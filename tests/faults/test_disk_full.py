"""A disk that takes no more, at whatever file: nothing of the usage file counts, and it is taken whole when there is room again."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from factories.usage_files import OWN, House, call
from fixtures.keeper import RunningKeeper
from hoeksteen.kernel.errors import Unavailable
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database
from hoeksteen.usage import queries
from hoeksteen.usage.tables import GUIDED

RECORDS = 400


@contextmanager
def room_for(bytes_max: int) -> Iterator[None]:
    """Let no file of this process grow beyond some bytes; the databases and the keeper are other processes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_what_was_there_and_nothing_else(database: Database, lake: Lake, keeper: RunningKeeper, tmp_path: Path) -> None:
    house = House(database, lake, keeper, tmp_path)
    house.hold(OWN)
    house.take("before.csv", call(0))
    lines = [call(number + 1, other="999999" if number % 7 == 0 else "31201234567", seconds=number) for number in range(RECORDS)] + ["R;broken"]
    refused = []
    for bytes_max in (0, 500, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 10**9):
        try:
            with room_for(10**9):
                path = house.folder / "calls.csv"
                path.write_text("\n".join([f"H;v;1;x;{len(lines)}", *lines, f"T;{len(lines)}", ""]), "utf-8")
            with room_for(bytes_max):
                balance = house.take_file(path, "voice_sms_csv")
        except Unavailable as error:
            refused.append(bytes_max)
            assert "isk" in error.message + error.remedy
            with database.transaction() as tx:
                assert [one.name for one in queries.balances(tx=tx)] == ["before.csv"]
            assert house.differences() == []
            assert len(house.rows(GUIDED)) == 1
        else:
            assert balance.records_in == RECORDS + 1 and not balance.already_taken
            break
    assert len(refused) >= 4, "it was full at the copy, at the lake's files and at their lists"
    assert house.differences() == []
    assert not list((lake.warehouse / "stage").iterdir())
    again = house.take_file(house.folder / "calls.csv", "voice_sms_csv")
    assert again.already_taken
