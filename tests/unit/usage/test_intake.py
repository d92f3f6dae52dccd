"""A file is copied, hashed and read as one thing: what happens to it meanwhile, or what it is called, changes nothing."""

import os
from pathlib import Path

import pytest

from factories.usage_files import NOW, House, call
from fixtures.keeper import RunningKeeper
from hoeksteen.kernel.errors import InvalidInput, NotFound, Unavailable
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database
from hoeksteen.usage import _intake
from hoeksteen.usage._intake import LINE_BYTES_MAX, staged, text_frame
from hoeksteen.usage._reading import read
from hoeksteen.usage.adapters import named

OWN = "31699900001"


@pytest.fixture
def house(database: Database, lake: Lake, keeper: RunningKeeper, tmp_path: Path) -> House:
    house = House(database, lake, keeper, tmp_path)
    house.hold(OWN)
    return house


@pytest.mark.parametrize("name", ["a[1].csv", "b?.csv", "*.csv", "c'd.csv", "{x,y}.csv", "two\nlines.csv"])
def test_a_name_is_no_pattern(house: House, name: str) -> None:
    for other in ("a1.csv", "bx.csv", "x.csv"):
        (house.folder / other).write_text("H;1;1;1;1\nR;9;S;1;2;3;4\nT;1\n", "utf-8")
    assert [(count.state, count.records) for count in house.take(name, call(1), call(2)).states] == [("guided", 2)]


def test_a_name_that_is_no_text(house: House) -> None:
    path = Path(os.fsdecode(bytes(house.folder) + b"/\xff\xfe.csv"))
    path.write_text("H;1;1;1;1\n", "utf-8")
    with staged(path, house.folder / "stage") as file:
        assert file.name == "��.csv"


def test_what_is_hashed_is_what_is_read(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_bytes(b"one\ntwo\n")
    with staged(path, tmp_path / "stage") as file:
        path.write_bytes(b"other\n")
        assert text_frame(file).lines == 2
        assert Path(file.path).read_bytes() == b"one\ntwo\n"
    assert not list((tmp_path / "stage").iterdir()), "the copy has no name that a crash could leave"


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "calls.csv"
    path.write_bytes(b"x" * 100)
    write = _intake._write

    def growing(copy: object, chunk: bytes) -> None:
        with path.open("ab") as file:
            file.write(b"y")
        write(copy, chunk)  # type: ignore[arg-type]

    monkeypatch.setattr(_intake, "_write", growing)
    with pytest.raises(InvalidInput, match=r"calls.csv: file: changed while it was read"), staged(path, tmp_path / "stage"):
        pass


def test_a_full_disk_takes_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, _: bytes) -> None:
            raise OSError(28, "No space left on device")

    write = _intake._write
    monkeypatch.setattr(_intake, "_write", lambda copy, chunk: write(Full(), chunk))  # type: ignore[arg-type]
    with pytest.raises(Unavailable, match="refuses a copy"):
        house.take("calls.csv", call(1))
    monkeypatch.undo()
    assert house.take("calls.csv", call(1)).records_in == 1


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "none", tmp_path, tmp_path / "pipe"):
        with pytest.raises(NotFound), staged(path, tmp_path / "stage"):
            pass


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_text_is_framed_alike_in_pieces_of_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int, end: str) -> None:
    monkeypatch.setattr(_intake, "_CHUNK", chunk)
    for ended in (True, False):
        lines = ["\ufeffhead", "é€😀", "", "last ü"]
        path = tmp_path / "text"
        path.write_bytes((end.join(lines) + (end if ended else "")).encode())
        if end == "\r\n" and not ended:
            continue  # that file mixes its line ends as far as anybody can tell
        with staged(path, tmp_path / "stage") as file:
            frame = text_frame(file)
        assert (frame.lines, frame.first, frame.last) == (4, "head", "last ü")


def test_a_line_is_as_long_as_it_may_be(tmp_path: Path) -> None:
    path = tmp_path / "text"
    for length, good in ((LINE_BYTES_MAX - 1, True), (LINE_BYTES_MAX + 1, False)):
        path.write_bytes(b"a\n" + b"x" * length + b"\nb\n")
        with staged(path, tmp_path / "stage") as file:
            if good:
                assert text_frame(file).lines == 3
            else:
                with pytest.raises(InvalidInput, match=f"line 2: text: is longer than {LINE_BYTES_MAX} bytes"):
                    text_frame(file)


@pytest.mark.parametrize("count", ["²", "1" * 5000, "-1", "1_0", "", " 1"])
def test_a_count_that_is_none_is_refused(house: House, count: str) -> None:
    path = house.folder / "calls.csv"
    path.write_text(f"H;v;1;x;{count}\n{call(1)}\nT;{count}\n", "utf-8")
    with pytest.raises(InvalidInput, match=r"calls.csv: line \d: (header|trailer|records)"):
        house.take_file(path, "voice_sms_csv")


def test_many_lines_keep_their_numbers(tmp_path: Path) -> None:
    """The number of a line is what a reject is found by, also beyond the engine's first vectors and on several threads."""
    lines, broken = [call(number) for number in range(400_000)], [1, 271_182, 399_999]
    for number in broken:
        lines[number] = "R;broken"
    path = tmp_path / "calls.csv"
    path.write_text("\n".join([f"H;v;1;x;{len(lines)}", *lines, f"T;{len(lines)}", ""]), "utf-8")
    with staged(path, tmp_path / "stage") as file, Duck() as duck:
        assert read(duck, file, named("voice_sms_csv"), NOW) == len(lines)
        assert [row["line"] for row in duck.rows("SELECT line FROM checked WHERE reason = 'cut_line' ORDER BY line")] == [2 + one for one in broken]
        assert duck.value("SELECT count(*) FROM checked WHERE reason IS NULL AND source_record_id::BIGINT <> line - 2") == 0
