"""The fixtures of this folder: the sites, and an installation that commands can be called on."""

import shutil
from pathlib import Path

import pytest

from factories.billed_operator import BilledOperator
from fixtures.keeper import RunningKeeper
from fixtures.sites import world
from hoeksteen.host.settings import Settings

__all__ = ["world"]


@pytest.fixture
def data(operator: BilledOperator, business_dsn: str, keeper: RunningKeeper, tmp_path: Path) -> Path:
    """An installation's directory whose settings point at the parts of the test."""
    folder = tmp_path / "installation"
    (folder / "app" / "keys").mkdir(parents=True)
    shutil.copy(keeper.key("bss"), folder / "app" / "keys" / "bss.key")
    (folder / "app" / "lake").symlink_to(operator.lake.warehouse)
    operator.lake.warehouse.mkdir(exist_ok=True)
    Settings(folder, business_dsn, business_dsn, "", keeper.socket_path, 0, 0).write()
    return folder
