"""A large file of the bank is read by another process: the same entries, the same refusals, and never half of it for the whole."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from factories.bank_files import Statement, camt, receipt
from hoeksteen.kernel.errors import InvalidInput, Unavailable
from hoeksteen.receivables import _ahead
from hoeksteen.receivables.camt import read


def _file(path: Path, count: int = 1_200) -> Path:
    bookings = [receipt(f"{n + 1}.00", f"A{n}", text=f"LLT-2026-{n:08d}") for n in range(count)]
    return camt(path, Statement(tuple(bookings), "S-1"), Statement(tuple(bookings[:1]), "S-2"))


def test_it_gives_what_reading_here_gives(tmp_path: Path) -> None:
    path = _file(tmp_path / "f.xml")
    with _ahead.reading(path, small_bytes_max=0) as parts:
        assert list(parts) == list(read(path))


def test_it_refuses_in_the_same_words(tmp_path: Path) -> None:
    path = _file(tmp_path / "f.xml", 3)
    path.write_text(path.read_text().replace('<Amt Ccy="EUR">2', '<Amt Ccy="EUR">x'))
    with pytest.raises(InvalidInput) as here:
        list(read(path))
    with _ahead.reading(path, small_bytes_max=0) as parts, pytest.raises(InvalidInput) as there:
        list(parts)
    assert (there.value.message, there.value.remedy, there.value.fields) == (here.value.message, here.value.remedy, here.value.fields)


def test_whatever_else_the_reader_meets_is_raised_here(tmp_path: Path) -> None:
    """A folder cannot be read; where that was seen stands with it."""
    with _ahead.reading(tmp_path, small_bytes_max=0) as parts, pytest.raises(IsADirectoryError) as met:
        list(parts)
    assert "in main" in met.value.__notes__[0] and "camt.py" in met.value.__notes__[0]


def test_a_reader_that_is_killed_is_no_end_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    popen = subprocess.Popen

    def killed(*given: Any, **named: Any) -> Any:
        process = popen(*given, **named)
        process.kill()
        return process

    monkeypatch.setattr(subprocess, "Popen", killed)
    with _ahead.reading(_file(tmp_path / "f.xml"), small_bytes_max=0) as parts, pytest.raises(Unavailable, match="not read to its end"):
        list(parts)


def test_whoever_stops_early_leaves_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []
    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *given, **named: started.append(popen(*given, **named)) or started[-1])
    with _ahead.reading(_file(tmp_path / "f.xml"), small_bytes_max=0) as parts:
        next(iter(parts))
    assert [one.returncode is None for one in started] == [False], "it was ended and waited for"
