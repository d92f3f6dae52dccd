"""A service's OS user plants links where root will act next. Root must not be led astray by any."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from fixtures.not_run import not_run
from hoeksteen.host.cluster import Cluster
from hoeksteen.host.installation import Installation, embedded_settings, free_port
from hoeksteen.host.os_users import OsUsers, os_users, own
from hoeksteen.host.processes import copy_as, run_as
from hoeksteen.kernel.errors import Unavailable, WrongState


@pytest.fixture
def users() -> OsUsers:
    if os.geteuid() != 0:
        not_run("links planted for root", install="nothing, but run the suite as root")
    return os_users()


@pytest.fixture
def folder(users: OsUsers) -> Iterator[Path]:
    made = Path(mkdtemp(prefix="hk"))
    made.chmod(0o755)
    yield made
    run_as("root", ["rm", "-rf", made])


@pytest.fixture
def treasure(folder: Path) -> Path:
    """A directory and a file of root's, which nobody else may change."""
    target = folder / "treasure"
    target.mkdir(mode=0o700)
    (target / "secret").write_text("root's own\n")
    return target


def untouched(treasure: Path) -> bool:
    inside = treasure / "secret"
    return (
        (treasure.stat().st_uid, treasure.stat().st_mode & 0o777, inside.stat().st_uid) == (0, 0o700, 0)
        and inside.read_text() == "root's own\n"
        and list(treasure.iterdir()) == [inside]
    )


def test_a_link_in_a_services_directory_is_not_handed_over(users: OsUsers, folder: Path, treasure: Path) -> None:
    app = own(folder / "app", users.application, mode=0o700)
    run_as(users.application, ["ln", "-s", treasure, app / "lake"], check=True)
    own(app / "lake", users.application, mode=0o700)  # made by the service itself, whose rights end at the treasure
    assert untouched(treasure)


def test_a_link_in_roots_directory_is_refused(users: OsUsers, folder: Path, treasure: Path) -> None:
    (folder / "app").symlink_to(treasure)
    with pytest.raises(WrongState, match="link"):
        own(folder / "app", users.application, mode=0o700)
    assert untouched(treasure)


def test_a_link_where_root_makes_its_own_directory_in_a_services_is_refused(users: OsUsers, folder: Path, treasure: Path) -> None:
    app = own(folder / "app", users.application, mode=0o700)
    for target in (treasure, treasure / "secret", treasure / "nothing"):
        run_as(users.application, ["ln", "-sfn", target, app / "data"], check=True)
        with pytest.raises(WrongState, match="link"):
            own(app / "data", users.people, mode=0o755)
    assert untouched(treasure)


def test_a_directory_of_somebody_elses_is_refused(users: OsUsers, folder: Path) -> None:
    own(folder / "data", users.business_database, mode=0o777)
    with pytest.raises(WrongState, match="belongs to another user"):
        own(folder / "data", users.application, mode=0o700)


def test_a_cluster_is_not_made_through_a_link(users: OsUsers, folder: Path, treasure: Path) -> None:
    business = own(folder / "business", users.business_database, mode=0o700)
    run_as(users.business_database, ["ln", "-s", treasure, business / "pg"], check=True)
    with pytest.raises((WrongState, Unavailable)):
        Cluster(business / "pg", folder / "run", users.business_database, {}).start()
    assert untouched(treasure)


def test_a_copied_file_does_not_overwrite_what_a_link_names(users: OsUsers, folder: Path, treasure: Path) -> None:
    app, source = own(folder / "app", users.application, mode=0o700), folder / "sample.csv"
    source.write_text("a,b\n")
    run_as(users.application, ["ln", "-s", treasure / "secret", app / "sample.csv"], check=True)
    with pytest.raises(WrongState, match=r"sample\.csv"):
        copy_as(users.application, source, app / "sample.csv")
    assert untouched(treasure)
    copy_as(users.application, source, app / "other.csv")
    assert ((app / "other.csv").stat().st_mode & 0o777, (app / "other.csv").owner()) == (0o600, users.application)


def test_nobody_but_root_writes_where_root_opens_logs(users: OsUsers, folder: Path, treasure: Path) -> None:
    installation = Installation(embedded_settings(folder / "data", desk_port=free_port(), keeper_port=free_port()))
    try:
        installation.up()
        for user in (users.application, users.keeper, users.business_database):
            planted = run_as(user, ["ln", "-sf", treasure / "secret", installation.settings.logs / "web.log"])
            assert planted.returncode != 0
        assert (installation.settings.logs / "keeper.log").owner() == "root"
    finally:
        installation.down()
    assert untouched(treasure)
