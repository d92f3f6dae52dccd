"""The border of the command line: what it says of an unforeseen error, and who may read what it writes."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

from hoeksteen.interfaces.cli import main as border
from hoeksteen.interfaces.cli.options import write_private
from hoeksteen.kernel.money import euros

SECRET = "123456782"


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
def trial(out: Path) -> None:
    out.write_text("something of somebody")
    euros(f"{SECRET} is no number")  # type: ignore[arg-type]  # the wrong type is what breaks


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A business command that writes a file and then meets an error that nobody foresaw."""
    module = ModuleType("hoeksteen.interfaces.cli.trial")
    module.commands = [trial]  # type: ignore[attr-defined]  # a module made here has no attributes yet
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(border.COMMANDS, "trial", border.Topic("trial", False, ""))
    monkeypatch.setattr(border, "become_application", lambda: None)  # for good, which a test's own process cannot do
    mask = os.umask(0o022)
    yield "trial"
    os.umask(mask)


def test_an_unforeseen_error_shows_its_kind_and_place_and_never_its_text(
    topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["hoeksteen", topic, str(tmp_path / "out")])
    with pytest.raises(SystemExit) as ended:
        border.main()
    told = "".join(capfd.readouterr())
    assert ended.value.code == 70
    assert SECRET not in told and "Traceback" not in told
    assert "in money.py, line" in told, "the place in our own code, whatever library it calls"
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o600


def test_a_file_with_personal_data_is_its_owners_whatever_stood_there(tmp_path: Path) -> None:
    file = tmp_path / "bill.pdf"
    file.write_bytes(b"an older and longer file")
    file.chmod(0o644)
    write_private(file, b"one")
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"one", 0o600)
