"""The drop folder: a file is taken once it is whole, archived or refused, and a crash at any point loses none."""

import os
import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from factories.invented_lines import Line, load_lines
from fixtures.keeper import RunningKeeper
from hoeksteen.kernel.errors import Unavailable
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database
from hoeksteen.usage import _reading, queries
from hoeksteen.usage._intake import Staged
from hoeksteen.usage.adapters.base import Adapter
from hoeksteen.usage.dropping import ARCHIVE, REFUSED, TAKING, Swept, sweep
from hoeksteen.usage.model import UsageState

OWN = "31699900001"
CALL = f"R;{{}};V;{OWN};31201234567;2026-10-03T12:00:00+02:00;60"
SESSION = f'{{"own_number":"{OWN}","start":"2026-10-03T12:00:00+02:00","uplink_bytes":1,"downlink_bytes":2,"visited_country":"NL"}}\n'
LATER = timedelta(minutes=1)


def clock() -> datetime:
    """Give the machine's time, which files have too."""
    return datetime.now(UTC)  # noqa: TID251 as said


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    folder = tmp_path / "drop"
    folder.mkdir()
    return folder


@pytest.fixture
def swept(database: Database, lake: Lake, keeper: RunningKeeper, tmp_path: Path, drop: Path) -> Callable[..., Swept]:
    load_lines(database=database, keeper=keeper.client("bss"), lines=[Line(OWN, "mobile-m", date(2026, 9, 1), None, None)], salt=str(tmp_path))
    identifiers = Identifiers(random.Random(1))

    def run(after: timedelta = LATER, **options: object) -> Swept:
        return sweep(
            database=database, keeper=keeper.client("bss"), lake=lake, folder=drop, now=clock() + after, identifiers=identifiers, **options  # type: ignore[arg-type]
        )  # fmt: skip

    return run


def calls(*numbers: int) -> str:
    return "\n".join([f"H;voice_sms;1;x;{len(numbers)}", *(CALL.format(number) for number in numbers), f"T;{len(numbers)}", ""])


def inside(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def test_files_are_taken_in_order_and_archived(swept: Callable[..., Swept], drop: Path) -> None:
    (drop / "calls-10.csv").write_text(calls(1), "utf-8")
    (drop / "calls-9.csv").write_text(calls(2), "utf-8")
    (drop / "sessions_jsonl").mkdir()
    (drop / "sessions_jsonl" / "any name").write_text(SESSION, "utf-8")
    done = swept()
    assert [balance.name for balance in done.taken] == ["any name", "calls-9.csv", "calls-10.csv"]
    assert all(balance.closes and balance.records_in == 1 for balance in done.taken)
    month = f"{clock() + LATER:%Y-%m}"
    assert inside(drop) == sorted(f"{ARCHIVE}/{month}/{balance.usage_file_id}/{balance.name}" for balance in done.taken)
    assert swept() == Swept((), (), 0)


def test_a_file_that_grows_is_waited_for(swept: Callable[..., Swept], drop: Path) -> None:
    file = drop / "calls.csv"
    file.write_text(calls(1)[:60], "utf-8")
    assert swept(timedelta(0)) == Swept((), (), 1)
    with file.open("a", encoding="utf-8") as source:
        source.write(calls(1)[60:])
        source.flush()
        assert swept() == Swept((), (), 1), "whoever has it open to write may go on"
    (drop / "other.csv.part").write_text(calls(2), "utf-8")
    assert [balance.records_in for balance in swept().taken] == [1]


def test_a_file_that_is_not_whole_is_refused_and_named(swept: Callable[..., Swept], drop: Path, database: Database) -> None:
    (drop / "cut.csv").write_text(calls(1, 2)[:-3], "utf-8")
    (drop / "image.png").write_bytes(b"\x89PNG")
    (drop / "whole.csv").write_text(calls(3), "utf-8")
    done = swept()
    assert [file.why for file in done.refused] == [
        "cut.csv: line 4: trailer: is missing: the file was cut.",
        "image.png: file: its ending tells no format.",
    ]
    assert [balance.name for balance in done.taken] == ["whole.csv"]
    assert inside(drop / REFUSED) == ["cut.csv", "image.png"]
    with database.transaction() as tx:
        assert [file.name for file in queries.refused_files(tx=tx)] == ["cut.csv", "image.png"]
    (drop / "cut.csv").write_text(calls(1, 2)[:-2], "utf-8")
    swept()
    assert inside(drop / REFUSED) == ["2-cut.csv", "cut.csv", "image.png"], "an older one is not written over"


def test_links_and_folders_lead_nowhere(swept: Callable[..., Swept], drop: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text(calls(1), "utf-8")
    (drop / "link.csv").symlink_to(secret)
    (drop / "usage_jsonl").symlink_to(tmp_path)
    os.mkfifo(drop / "pipe.csv")
    (drop / "folder.csv").mkdir()
    (drop / "asterisk_csv" / "deeper").mkdir(parents=True)
    assert swept() == Swept(
        (), (), 0,
        (
            "asterisk_csv/deeper: is no file of its own",
            "folder.csv: is a folder that no format is named after",
            "link.csv: is no file of its own",
            "pipe.csv: is no file of its own",
            "usage_jsonl: is no file of its own",
        ),
    )  # fmt: skip
    assert secret.exists()


def test_a_folder_that_cannot_be_read_keeps_no_other_waiting(swept: Callable[..., Swept], drop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (drop / "sessions_jsonl").mkdir()
    (drop / "calls.csv").write_text(calls(1), "utf-8")
    every = Path.iterdir

    def iterdir(path: Path) -> Iterator[Path]:
        if path.name == "sessions_jsonl":
            raise PermissionError(13, "Permission denied", str(path))
        return every(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    done = swept()
    assert [balance.name for balance in done.taken] == ["calls.csv"]
    assert done.passed_over == ("sessions_jsonl: cannot be read (Permission denied)",)


def test_names_as_long_as_a_file_system_takes(swept: Callable[..., Swept], drop: Path) -> None:
    name = "n" * 251 + ".csv"
    for number in (1, 2):  # neither is whole, so that both come to lie in one folder
        (drop / name).write_text(calls(number)[:-3], "utf-8")
        assert len(swept().refused) == 1
    assert inside(drop / REFUSED) == ["2-" + name[-240:], name]


def test_a_file_that_needs_more_memory_than_there_is_keeps_no_other_waiting(
    swept: Callable[..., Swept], drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = _reading.read

    def read(duck: Duck, file: Staged, adapter: Adapter, now: datetime) -> int:
        if file.name == "1.csv":
            duck.execute("SET memory_limit = '1MB'")
        return every(duck, file, adapter, now)

    monkeypatch.setattr(_reading, "read", read)
    (drop / "1.csv").write_text(calls(*range(50_000)), "utf-8")
    (drop / "2.csv").write_text(calls(50_001), "utf-8")
    done = swept()
    assert [file.why for file in done.refused] == ["1.csv: file: is more than the engine can hold at a time; nothing of it was taken."]
    assert [balance.records_in for balance in done.taken] == [1]


def test_a_source_whose_clock_is_ahead(swept: Callable[..., Swept], drop: Path) -> None:
    (drop / "calls.csv").write_text(calls(1), "utf-8")
    to_come = (clock() + timedelta(days=30_000)).timestamp()
    os.utime(drop / "calls.csv", (to_come, to_come))
    assert swept(timedelta(0)).waiting == 1
    assert [balance.records_in for balance in swept().taken] == [1]


@pytest.mark.parametrize("moment", ["before it was taken", "after it was taken"])
def test_what_a_crash_left_is_gone_on_with(swept: Callable[..., Swept], drop: Path, moment: str) -> None:
    (drop / "calls.csv").write_text(calls(1), "utf-8")
    if moment == "after it was taken":
        [balance] = swept().taken
        [file] = (drop / ARCHIVE).glob("*/*/*")
    else:
        file = drop / "calls.csv"
    (drop / TAKING / "-").mkdir(parents=True, exist_ok=True)
    file.rename(drop / TAKING / "-" / "calls.csv")
    [again] = swept().taken
    assert again.already_taken == (moment == "after it was taken")
    assert again.records_in == 1
    assert len(inside(drop / ARCHIVE)) == 1 and not inside(drop / TAKING)


def test_what_cannot_be_taken_now_stays(swept: Callable[..., Swept], drop: Path, lake: Lake, database: Database) -> None:
    (drop / "calls.csv").write_text(calls(1), "utf-8")
    with lake.locked(database=database), pytest.raises(Unavailable):
        swept()
    assert inside(drop) == [f"{TAKING}/-/calls.csv"]
    assert [balance.records_in for balance in swept().taken] == [1]


def test_each_machine_numbers_its_records_by_itself(swept: Callable[..., Swept], drop: Path) -> None:
    (drop / "usage_jsonl").mkdir()
    sent = f'{{"id":"1","service":"voice","own_number":"{OWN}","other_number":"0201234567","start":"2026-10-03T12:00:00Z","seconds":%d}}\n'
    for sender, seconds in (("pbx-a", 60), ("pbx-b", 90), ("pbx-b", 91)):
        (drop / "usage_jsonl" / f"batch-k-{seconds}@{sender}").write_text(sent % seconds)
    taken = swept().taken
    assert [(one.source, one.records(UsageState.GUIDED), one.records(UsageState.DUPLICATE)) for one in taken] == [
        ("usage@pbx-a", 1, 0), ("usage@pbx-b", 1, 0), ("usage@pbx-b", 0, 1),
    ]  # fmt: skip


def test_the_archive_is_emptied_after_its_days(swept: Callable[..., Swept], drop: Path) -> None:
    (drop / "calls.csv").write_text(calls(1), "utf-8")
    swept()
    assert inside(drop / ARCHIVE)
    swept(timedelta(days=31))
    assert not inside(drop / ARCHIVE)
