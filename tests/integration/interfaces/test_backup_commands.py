"""`hoeksteen backup`, `restore` and `fsck`, against real parts: from one installation into another."""

import random
from pathlib import Path

import pytest

from conftest import BusinessCluster
from factories.usage_files import House, call
from fixtures.commands import figures_of, result_of
from fixtures.keeper import RunningKeeper
from hoeksteen.host.settings import Settings, read_settings
from hoeksteen.interfaces.cli.audit import audit
from hoeksteen.interfaces.cli.backup import backup, fsck, restore
from hoeksteen.kernel.errors import Corrupt, InvalidInput, WrongState
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database


def _installation(folder: Path, dsn: str, keeper: RunningKeeper) -> Path:
    (folder / "app" / "keys").mkdir(parents=True)
    (folder / "app" / "keys" / "bss.key").write_bytes(keeper.key("bss").read_bytes())
    Settings(folder, dsn, dsn, "", keeper.socket_path, 0, 0).write()
    return folder


@pytest.fixture
def data(database: Database, business_dsn: str, keeper: RunningKeeper, tmp_path: Path) -> Path:
    """An installation that has taken a file of usage."""
    folder = _installation(tmp_path / "one", business_dsn, keeper)
    with Lake(warehouse=folder / "app" / "lake", catalogue_dsn=business_dsn) as lake:
        house = House(database, lake, keeper, tmp_path)
        house.hold("31612345678")
        house.take("calls.csv", *(call(number, own="31612345678") for number in range(1, 6)))
        house.take("again.csv", *(call(number, own="31612345678") for number in range(4, 9)))
    return folder


@pytest.fixture
def empty(business_cluster: BusinessCluster, keeper: RunningKeeper, tmp_path: Path) -> Path:
    number = next(business_cluster.names)
    business_cluster.cluster.as_superuser(
        f"CREATE DATABASE t{number} TEMPLATE template_hoeksteen OWNER hoeksteen_owner; GRANT CONNECT ON DATABASE t{number} TO hoeksteen_app;"
    )
    return _installation(tmp_path / "two", business_cluster.cluster.dsn(role="hoeksteen_app", database=f"t{number}"), keeper)


def test_from_one_installation_into_another(data: Path, empty: Path, tmp_path: Path, keeper: RunningKeeper) -> None:
    out = tmp_path / "kept" / "backup"
    done = figures_of(backup, data, "--out", str(out))
    assert done["lake_files"] > 0 and done["rows"] == sum(done["tables"].values()) > 0
    assert figures_of(fsck, data, "--backup", str(out))["rows"] == done["rows"]
    assert figures_of(restore, empty, str(out))["digest"] == done["digest"]
    assert figures_of(fsck, empty)["faults"] == []
    told = result_of(fsck, empty, as_json=False).stdout
    assert "0 faults" in told and "sealed blob" in told
    dsn = read_settings(empty).business_dsn
    with Database(dsn) as database, Lake(warehouse=empty / "app" / "lake", catalogue_dsn=dsn) as lake:
        house = House(database, lake, keeper, tmp_path)
        house.identifiers = Identifiers(random.Random(99))
        before = figures_of(fsck, empty)
        house.take("third.csv", *(call(number, own="31612345678") for number in range(1, 10)))
        with database.transaction() as tx:
            states = {row["state"]: row["records"] for row in tx.rows(
                "SELECT state, sum(records)::int AS records FROM usage.usage_file_balance JOIN usage.usage_file USING (usage_file_id)"
                " WHERE name = 'third.csv' AND records > 0 GROUP BY state"
            )}  # fmt: skip
        assert states == {"duplicate": 8, "guided": 1}, "what was taken before is known where it was restored"
        assert before["faults"] == figures_of(fsck, empty)["faults"] == []


def test_what_cannot_be_is_said(data: Path, empty: Path, tmp_path: Path) -> None:
    out = tmp_path / "backup"
    assert "Now back up the keeper" in result_of(backup, data, "--out", str(out), as_json=False).stdout
    for command, where, words, error, says in (
        (backup, data, ("--out", str(out)), InvalidInput, "never overwritten"),
        (restore, data, (str(out),), WrongState, "not empty"),
        (restore, empty, (str(tmp_path),), InvalidInput, "no whole backup"),
    ):
        done = result_of(command, where, *words)
        assert isinstance(done.exception, error) and says in done.exception.message, done.exception
    victim = next(out.glob("lake/*/*"))
    victim.write_bytes(victim.read_bytes()[:-1])
    for command, where, words in ((fsck, data, ("--backup", str(out))), (restore, empty, (str(out),))):
        done = result_of(command, where, *words)
        assert isinstance(done.exception, Corrupt) and victim.name in done.exception.message
    next((data / "app" / "lake").rglob("data/*/*.parquet")).unlink()
    done = result_of(fsck, data, as_json=False)
    assert isinstance(done.exception, Corrupt) and "is missing" in done.stdout
    assert result_of(audit, empty, "month", "--period", "2026-10").exception is not None, "nothing was restored"
