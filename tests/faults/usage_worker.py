"""A process that takes the files of a drop folder and tries suspended usage again; a test kills it."""

import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hoeksteen.disclosure import KeeperClient
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database
from hoeksteen.usage.dropping import sweep
from hoeksteen.usage.operations import recycle

NOW = datetime(2030, 1, 1, tzinfo=UTC)  # after the files were written


def main(dsn: str, socket_path: str, key_path: str, warehouse: str, folder: str) -> None:
    identifiers = Identifiers(random.SystemRandom())
    with Database(dsn) as database, Lake(warehouse=Path(warehouse), catalogue_dsn=dsn) as lake:
        keeper = KeeperClient(socket_path=Path(socket_path), service="bss", key_path=Path(key_path))
        sys.stdout.write("working\n")
        sys.stdout.flush()
        sweep(
            database=database, keeper=keeper, lake=lake, folder=Path(folder), now=NOW, identifiers=identifiers, settled=timedelta(0),
            kept=timedelta(days=3650),
        )  # fmt: skip
        recycle(database=database, keeper=keeper, lake=lake, now=NOW, identifiers=identifiers)
        sys.stdout.write("done\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
