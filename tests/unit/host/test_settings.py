"""Settings: written whole, read with an error that says what to mend, ports that stay."""

import os
import socket
from pathlib import Path

import pytest

from hoeksteen.host.installation import Installation, embedded_settings, free_port, require_free_directory
from hoeksteen.host.settings import read_settings, replace_file
from hoeksteen.interfaces.cli.installation import settings_for
from hoeksteen.kernel.errors import InvalidInput, NotFound, WrongState


def written(folder: Path) -> Path:
    embedded_settings(folder, desk_port=8420, keeper_port=8421).write()
    return folder / "settings.toml"


def test_what_was_written_is_read_and_nothing_else_stays(tmp_path: Path) -> None:
    written(tmp_path)
    assert read_settings(tmp_path) == embedded_settings(tmp_path, desk_port=8420, keeper_port=8421)
    assert [path.name for path in tmp_path.iterdir()] == ["settings.toml"]


def test_every_part_can_read_the_settings_whatever_the_umask_is(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        assert written(tmp_path).stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(before)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [(b"desk_port", b"desk port", "is damaged"), (b"8420", b"'many'", "is damaged"), (b"keeper_dsn", b"keeper", "lacks the field keeper_dsn"),
     (b"host", b"\xff\xfe", "is damaged"),
     (b"8420", b"false", "desk_port is no number"), (b"keeper_dsn = ", b"keeper_dsn = 3 # ", "keeper_dsn is no text"),
     (b"8420", b"8420 8420", "line 5")],
    ids=["no TOML", "no number", "no field", "no text", "yes or no", "a number for a text", "a line"],
)  # fmt: skip
def test_a_damaged_file_is_named(tmp_path: Path, old: bytes, new: bytes, what: str) -> None:
    file = written(tmp_path)
    file.write_bytes(file.read_bytes().replace(old, new))
    with pytest.raises(InvalidInput, match=what) as caught:
        read_settings(tmp_path)
    assert str(file) in caught.value.message and caught.value.remedy


def test_no_installation(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="No installation") as caught:
        read_settings(tmp_path)
    assert "hoeksteen up" in str(caught.value.remedy)


def test_a_demonstration_beside_the_place_that_is_empty_is_named(tmp_path: Path) -> None:
    demonstration = tmp_path / "hoeksteen-demo"
    demonstration.mkdir()
    written(demonstration)
    with pytest.raises(NotFound) as caught:
        read_settings(tmp_path / "hoeksteen")
    assert f"--data {demonstration}" in str(caught.value.remedy)


def test_a_file_is_replaced_or_left(tmp_path: Path) -> None:
    file = tmp_path / "file"
    replace_file(file, "one", mode=0o600)
    with pytest.raises(AttributeError):
        replace_file(file, None, mode=0o600)  # type: ignore[arg-type]  # the wrong type is what fails half-way
    assert file.read_text() == "one"


def test_the_ports_of_an_installation_stay(tmp_path: Path) -> None:
    written(tmp_path)
    assert settings_for(tmp_path, 8420, None).desk_port == 8420
    with pytest.raises(InvalidInput, match="for good"):
        settings_for(tmp_path, 9000, None)
    assert settings_for(tmp_path, None, None, business_dsn="host=elsewhere").owner_dsn == "host=elsewhere"


def test_one_port_for_two_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with pytest.raises(InvalidInput, match="cannot both have port 8420"):
        Installation(embedded_settings(data, desk_port=8420, keeper_port=8420)).up()
    assert not (data / "settings.toml").exists()


def test_two_processes_do_not_start_one_installation_at_once(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    one, other = (Installation(embedded_settings(data, desk_port=8420, keeper_port=8421)) for _ in range(2))
    with one.alone(), one.alone(), pytest.raises(WrongState, match="being started or stopped"):
        other.down()


def test_a_directory_whose_first_start_was_refused_can_be_started_afterwards(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(InvalidInput, match=f"Port {taken} on"):
            Installation(embedded_settings(data, desk_port=taken, keeper_port=free_port())).up()
    (data / "settings.toml.new").touch()
    require_free_directory(data)
    (data / "novel.txt").touch()
    with pytest.raises(WrongState, match="holds other files"):
        require_free_directory(data)


def test_a_start_that_is_cut_off_half_way_leaves_a_directory_of_ours(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "run").touch()  # where a directory should be made
    with pytest.raises(WrongState, match="no directory"):
        Installation(embedded_settings(data, desk_port=free_port(), keeper_port=free_port())).up()
    require_free_directory(data)
