"""The border of the command line: what it says of an unforeseen error, and who may read what it writes."""

import os
import pwd
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

from hoeksteen.host.settings import default_data
from hoeksteen.interfaces.cli import main as border
from hoeksteen.kernel.money import euros
from hoeksteen.kernel.private_files import write_private

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


@pytest.mark.parametrize(("named", "meant"), [(None, "/var/lib/hoeksteen"), ("here", "{folder}/here")])
def test_root_and_the_application_that_it_becomes_mean_the_same_installation(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, named: str | None, meant: str
) -> None:
    """Business commands look where `up` and `status` look, though they give root's rights up first."""
    user = [0]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: user[0])
    monkeypatch.setattr(os, "setuid", lambda number: user.__setitem__(0, number))
    monkeypatch.setattr(os, "setgid", lambda _: None)
    monkeypatch.setattr(os, "setgroups", lambda _: None)
    monkeypatch.setattr(os, "access", lambda *_: False)  # the application cannot stay where root was
    monkeypatch.setattr(pwd, "getpwnam", lambda _: pwd.struct_passwd(("hoeksteen-app", "x", 999, 999, "", "/nonexistent", "/bin/false")))
    monkeypatch.setenv("HOME", "/root")
    monkeypatch.delenv("HOEKSTEEN_DATA", raising=False)
    if named:
        monkeypatch.setenv("HOEKSTEEN_DATA", named)
    before = default_data()
    border.become_application()
    assert (user[0], os.getcwd(), os.environ["HOME"]) == (999, "/", "/nonexistent")
    assert default_data() == before == Path(meant.format(folder=tmp_path))
