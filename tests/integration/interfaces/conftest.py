"""The fixtures of this folder: the sites, and an installation that commands can be called on."""

from pathlib import Path

import pytest

from factories.billed_operator import BilledOperator
from fixtures.installed import installed
from fixtures.keeper import RunningKeeper
from fixtures.sites import world

__all__ = ["world"]


@pytest.fixture
def data(operator: BilledOperator, business_dsn: str, keeper: RunningKeeper, tmp_path: Path) -> Path:
    """An installation's directory whose settings point at the parts of the test."""
    return installed(tmp_path, operator, business_dsn, keeper)
