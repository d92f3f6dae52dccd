"""A process that makes or restores a backup; a test kills it."""

import random
import sys
from datetime import UTC, datetime
from pathlib import Path

from hoeksteen.journeys import safekeeping
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database

NOW = datetime(2026, 12, 1, 6, tzinfo=UTC)


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(mode: str, dsn: str, warehouse: str, folder: str) -> None:
    with Database(dsn) as database, Lake(warehouse=Path(warehouse), catalogue_dsn=dsn) as lake:
        _tell("working")
        if mode == "backup":
            safekeeping.back_up(database=database, lake=lake, folder=Path(folder), now=NOW, tell=_tell)
        else:
            write_id = Identifiers(random.SystemRandom()).new(NOW)
            safekeeping.restore(database=database, lake=lake, folder=Path(folder), write_id=write_id, tell=_tell)


if __name__ == "__main__":
    main(*sys.argv[1:])
