"""A process that consolidates three exports in small batches; a test kills it."""

import sys
from pathlib import Path

from factories.exports import bring_in
from hoeksteen.disclosure import KeeperClient
from hoeksteen.storage.postgres import Database


def _tell(stage: str, done: int, total: int) -> None:
    sys.stdout.write(f"{stage} {done} {total}\n")
    sys.stdout.flush()


def main(dsn: str, socket_path: str, key_path: str, folder: str, key: str, processes: str) -> None:
    with Database(dsn) as database:
        keeper = KeeperClient(socket_path=Path(socket_path), service="bss", key_path=Path(key_path))
        bring_in(database, keeper, Path(folder), key, progress=_tell, batch=20, processes=int(processes))


if __name__ == "__main__":
    main(*sys.argv[1:])
