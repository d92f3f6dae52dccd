"""Files that are their owner's alone: whole or not there, whoever else writes them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hoeksteen.kernel.private_files import private_file, write_private


def test_a_file_is_whole_or_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "new folder" / "bank.xml"
    write_private(file, b"one")
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    file.chmod(0o644)
    with pytest.raises(ValueError, match="half-way"), private_file(file) as opened:
        opened.write(b"tw")
        raise ValueError("half-way")
    assert (file.read_bytes(), [*file.parent.iterdir()]) == (b"one", [file])
    write_private(file, b"two")
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"two", 0o600)


def test_two_who_write_the_same_file_do_not_mix_it(tmp_path: Path) -> None:
    file = tmp_path / "out"
    program = "from pathlib import Path; from hoeksteen.kernel.private_files import write_private\n"
    program += f"write_private(Path({str(file)!r}), b'b' * 99)"
    with private_file(file) as opened:
        opened.write(b"a" * 50)
        subprocess.run([sys.executable, "-c", program], check=True)
        assert file.read_bytes() == b"b" * 99
        opened.write(b"a" * 50)
    assert (file.read_bytes(), [*tmp_path.iterdir()]) == (b"a" * 100, [file])


def test_what_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for process in (dead.pid, os.getppid()):
        (tmp_path / f".out.{process}.part").write_text("an IBAN")
    write_private(tmp_path / "out", b"one")
    assert sorted(one.name for one in tmp_path.iterdir()) == [f".out.{os.getppid()}.part", "out"]


def test_a_device_stays_a_device(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_private(pipe, b"one")
    assert (os.read(reader, 10), pipe.is_fifo()) == (b"one", True)
    os.close(reader)
