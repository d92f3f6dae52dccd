"""Fixtures that every suite shares: a real PostgreSQL, and one fresh database per test."""

import getpass
import itertools
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from fixtures.clusters import discard, spare_the_disk
from hoeksteen.host.cluster import Cluster
from hoeksteen.host.os_users import OsUsers, os_users
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.migrations import migrate
from hoeksteen.storage.postgres import Database

_FIXTURES = ("not_run", "demonstration", "evidence", "keeper", "issuer", "softhsm", "mariadb", "billed", "mailbox", "s3", "spark")
pytest_plugins: list[str] = [f"fixtures.{name}" for name in _FIXTURES]

_TEMPLATE = "template_hoeksteen"

settings.register_profile("house", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("house")


@dataclass(frozen=True)
class BusinessCluster:
    cluster: Cluster
    users: OsUsers
    names: Iterator[int]


@pytest.fixture(scope="session")
def business_cluster() -> Iterator[BusinessCluster]:
    """A running PostgreSQL with the migrated schema as a template."""
    users, me = os_users(), getpass.getuser()
    with tempfile.TemporaryDirectory(prefix="hk") as folder:
        Path(folder).chmod(0o755)
        roles = {users.application: ["hoeksteen_app"], users.business_database: ["hoeksteen_owner"], me: ["hoeksteen_app", "hoeksteen_owner"]}
        cluster = Cluster(Path(folder) / "pg", Path(folder) / "run", users.business_database, roles)
        cluster.start()
        try:
            spare_the_disk(cluster)
            for role in ("hoeksteen_app", "hoeksteen_owner", "hoeksteen_bastion"):
                cluster.ensure_role(role)
            cluster.ensure_database(_TEMPLATE, owner="hoeksteen_owner")
            with Database(cluster.dsn(role="hoeksteen_owner", database=_TEMPLATE)) as owner:
                migrate(owner=owner)
            yield BusinessCluster(cluster, users, itertools.count())
        finally:
            discard(cluster)


@pytest.fixture
def business_dsn(business_cluster: BusinessCluster) -> str:
    """A fresh, migrated database; the connection string of the application's role."""
    return _new_database(business_cluster)


@pytest.fixture
def another_database(business_cluster: BusinessCluster) -> Iterator[Database]:
    """A second fresh database, to hold against the first."""
    with Database(_new_database(business_cluster)) as opened:
        yield opened


def _new_database(business_cluster: BusinessCluster) -> str:
    name = f"t{next(business_cluster.names)}"
    business_cluster.cluster.as_superuser(
        f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} OWNER hoeksteen_owner; REVOKE ALL ON DATABASE {name} FROM PUBLIC;"
        f"GRANT CONNECT ON DATABASE {name} TO hoeksteen_app, hoeksteen_bastion;"
    )
    return business_cluster.cluster.dsn(role="hoeksteen_app", database=name)


@pytest.fixture
def owner_dsn(business_dsn: str) -> str:
    """The connection string of who owns the tables of that database, to damage what the application may not change."""
    return business_dsn.replace("user=hoeksteen_app", "user=hoeksteen_owner")


@pytest.fixture
def database(business_dsn: str) -> Iterator[Database]:
    """The business database as the application sees it."""
    with Database(business_dsn) as opened:
        yield opened


@pytest.fixture
def lake(business_dsn: str, tmp_path: Path) -> Iterator[Lake]:
    """An empty lake, whose catalogue lies in the test's own database."""
    with Lake(warehouse=tmp_path / "lake", catalogue_dsn=business_dsn) as opened:
        yield opened


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the browser last: while it is open its event loop runs, and other suites need one of their own."""
    items.sort(key=lambda item: "tests/browser/" in item.nodeid)
