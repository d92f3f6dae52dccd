"""An empty operator on a real PostgreSQL, a real keeper and a lake."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from factories.billed_operator import BilledOperator, new_operator
from fixtures.keeper import RunningKeeper
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database

_SEEDS = itertools.count(7_000)


@pytest.fixture
def operator(database: Database, business_dsn: str, keeper: RunningKeeper, tmp_path: Path) -> Iterator[BilledOperator]:
    with Lake(warehouse=tmp_path / "lake", catalogue_dsn=business_dsn) as lake:
        yield new_operator(database, keeper.client("bss"), lake, seed=next(_SEEDS))
