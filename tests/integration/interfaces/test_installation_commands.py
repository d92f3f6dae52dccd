"""An operator's own installation, from the command line: with its own people, one command at a time."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hoeksteen.host.installation import Installation, free_port
from hoeksteen.host.settings import read_settings
from hoeksteen_keeper.client import KeeperClient

HOEKSTEEN, KEEPER = (Path(sys.executable).parent / name for name in ("hoeksteen", "hoeksteen-keeper"))
PEOPLE = """
organisations:
  - {{organisation: veenpoort, name: Veenpoort Telecom B.V., country: NL, operator: true}}
people:
  - {{actor: j.wit, name: Johan Wit, organisation: veenpoort, roles: [security_officer], password: een lang wachtwoord dat niemand raadt,
     totp_secret: JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP, approval_key: {key}}}
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="hk"))
    made.chmod(0o755)
    try:
        yield made
    finally:
        if (made / "data" / "settings.toml").exists():
            Installation(read_settings(made / "data")).down()
        shutil.rmtree(made)


def command(folder: Path, *words: str | Path) -> list[str]:
    return [str(word) for word in (HOEKSTEEN, *words, "--data", folder / "data")]


def call(folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(folder, *words), capture_output=True, text=True, check=False)


def test_a_new_installation_has_its_own_people_and_is_started_by_one_command_at_a_time(folder: Path) -> None:
    alone = call(folder, "up")
    assert (alone.returncode, "--people FILE" in alone.stderr, (folder / "data").exists()) == (65, True, False)

    key, people = folder / "j.wit.key", folder / "people.yaml"
    printed = subprocess.run([KEEPER, "keygen", "--out", key], capture_output=True, text=True, check=True).stdout.strip()
    people.write_text(PEOPLE.format(key=printed))
    words = command(folder, "up", "--people", people, "--desk-port", str(free_port()), "--keeper-port", str(free_port()))
    both = [subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = {process.communicate()[1]: process.returncode for process in both}
    assert sorted(told.values()) == [0, 78], told
    assert "being started or stopped by another process" in next(text for text, status in told.items() if status)

    settings = read_settings(folder / "data")
    with KeeperClient(socket_path=settings.keeper_socket, service="j.wit", key_path=key) as keeper:
        assert keeper.grants() == []
    assert not list(settings.people.glob("*.key")), "nobody else was invented"
    again = call(folder, "up", "--people", people)
    assert (again.returncode, "has its first people already" in again.stderr) == (78, True)
    assert call(folder, "up").returncode == 0
