"""The application's OS user tries to get at the keeper and at rights that are not its own. Everything must fail."""

import getpass
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from fixtures.not_run import not_run
from hoeksteen.host.installation import Installation, embedded_settings, free_port
from hoeksteen.host.os_users import own
from hoeksteen.host.processes import run_as

CONNECT = "import psycopg, sys; print(psycopg.connect(sys.argv[1], connect_timeout=3).execute(sys.argv[2]).fetchone()[0])"


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    """An installation as root makes it: each part under its own OS user."""
    if os.geteuid() != 0:
        not_run("attacks across OS users", install="nothing, but run the suite as root")
    data = Path(mkdtemp(prefix="hk"))
    made = Installation(embedded_settings(data, desk_port=free_port(), keeper_port=free_port()))
    made.up()
    secret = own(made.settings.keeper / "keys", made.users.keeper, mode=0o700) / "planted.key"
    run_as(made.users.keeper, ["/bin/sh", "-c", 'umask 077; echo planted > "$0"', secret], check=True)
    yield made
    made.down()
    run_as(getpass.getuser(), ["rm", "-rf", data])


def connect(user: str, dsn: str, sql: str = "SELECT current_user") -> tuple[int, str]:
    done = run_as(user, [sys.executable, "-c", CONNECT, dsn, sql])
    return done.returncode, done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def test_the_application_gets_in_as_itself(installation: Installation) -> None:
    assert connect(installation.users.application, installation.settings.business_dsn) == (0, "hoeksteen_app")


@pytest.mark.parametrize("role", ["postgres", "hoeksteen_owner", "hoeksteen_bastion"])
def test_the_application_cannot_become_another_role(installation: Installation, role: str) -> None:
    status, said = connect(installation.users.application, installation.business.dsn(role=role, database="hoeksteen"))
    assert status != 0
    assert "authentication failed" in said


@pytest.mark.parametrize("role", ["keeper", "postgres", "hoeksteen_app"])
@pytest.mark.parametrize("who", ["application", "business_database", "bastion"])
def test_nobody_else_reaches_the_keepers_database(installation: Installation, who: str, role: str) -> None:
    status, said = connect(getattr(installation.users, who), installation.keeper_database.dsn(role=role, database="keeper"))
    assert status != 0
    assert "authentication failed" in said or "permission denied" in said.lower()


def test_the_keeper_reaches_its_own_database_and_not_the_business(installation: Installation) -> None:
    assert connect(installation.users.keeper, installation.settings.keeper_dsn) == (0, "keeper")
    status, _ = connect(installation.users.keeper, installation.settings.business_dsn)
    assert status != 0


@pytest.mark.parametrize("who", ["application", "business_database", "bastion"])
@pytest.mark.parametrize("path", ["keys/planted.key", "pg/PG_VERSION", "pg/pg_hba.conf", "pg/base", "tiles", ""])
def test_nobody_else_reads_the_keepers_files(installation: Installation, who: str, path: str) -> None:
    done = run_as(getattr(installation.users, who), ["/bin/sh", "-c", 'cat "$0" || ls "$0"', installation.settings.keeper / path])
    assert done.returncode != 0
    assert done.stdout == ""
    assert "Permission denied" in done.stderr


@pytest.mark.parametrize("sql", ["SELECT pg_read_file('{}')", "SELECT count(*) FROM pg_ls_dir('{}')"])
def test_a_superuser_of_the_business_cluster_cannot_read_the_keepers_files(installation: Installation, sql: str) -> None:
    target = installation.settings.keeper / ("keys/planted.key" if "read" in sql else "keys")
    status, said = connect(installation.users.business_database, installation.business.dsn(role="postgres", database="hoeksteen"), sql.format(target))
    assert status != 0
    assert "Permission denied" in said


def test_a_program_started_by_that_superuser_cannot_either(installation: Installation) -> None:
    sql = f"COPY (SELECT 1) TO PROGRAM 'cat {installation.settings.keeper}/keys/planted.key'"
    status, said = connect(installation.users.business_database, installation.business.dsn(role="postgres", database="hoeksteen"), sql)
    assert status != 0
    assert "planted" not in said.replace("planted.key", "")


def test_the_application_reads_neither_the_business_files_nor_the_peoples_keys(installation: Installation) -> None:
    for folder in (installation.business.data, installation.settings.people):
        done = run_as(installation.users.application, ["ls", folder])
        assert done.returncode != 0
        assert "Permission denied" in done.stderr


def test_the_application_can_neither_stop_nor_replace_the_keeper(installation: Installation) -> None:
    pid = (installation.settings.data / "run" / "keeper.pid").read_text("utf-8").strip()
    for command in (
        ["/bin/kill", "-9", pid],
        ["rm", "-f", installation.settings.keeper_socket],
        ["touch", installation.settings.data / "settings.toml"],
    ):
        done = run_as(installation.users.application, command)
        assert done.returncode != 0
        assert "permitted" in done.stderr or "denied" in done.stderr


def test_nothing_is_ever_trusted(installation: Installation) -> None:
    for cluster in (installation.business, installation.keeper_database):
        rules = run_as(cluster.server_user, ["cat", cluster.data / "pg_hba.conf"]).stdout
        assert "trust" not in rules
        assert rules.count("peer") == len(rules.strip().splitlines())
