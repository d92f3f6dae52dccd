"""A process that is killed while it writes to the lake: what it wrote does not count, and the next writer clears it away."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hoeksteen.kernel.identifiers import derived
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database
from unit.storage.test_lake import TABLE, count, rows, write

_VICTIM = """
import os, signal, sys
from pathlib import Path
from unit.storage.test_lake import TABLE, rows
from hoeksteen.kernel.identifiers import derived
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database
warehouse, dsn, moment = sys.argv[1:]
lake = Lake(warehouse=Path(warehouse), catalogue_dsn=dsn)
with lake.write(database=Database(dsn), write_id=derived("victim")) as change, Duck() as duck:
    files = duck.write_parquet(TABLE, rows(202610, 5), change.folder(TABLE))
    if moment == "after commit":
        change.append(TABLE, files)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("moment", ["before commit", "after commit"])
def test_a_killed_write_never_counts(tmp_path: Path, business_dsn: str, database: Database, moment: str) -> None:
    with Lake(warehouse=tmp_path / "lake", catalogue_dsn=business_dsn) as lake:
        _kill(lake, database, business_dsn, moment)


def _kill(lake: Lake, database: Database, business_dsn: str, moment: str) -> None:
    write(lake, database, "one", 202610, 10)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    killed = subprocess.run([sys.executable, "-c", _VICTIM, str(lake.warehouse), business_dsn, moment], env=environment, check=False)
    assert killed.returncode == -9
    assert count(lake) == 10
    with lake.write(database=database, write_id=derived("next")) as change, Duck() as duck:
        change.append(TABLE, duck.write_parquet(TABLE, rows(202610, 1), change.folder(TABLE)))
    assert count(lake) == 11
    assert not list(lake.warehouse.glob(f"*/data/{derived('victim')}"))
