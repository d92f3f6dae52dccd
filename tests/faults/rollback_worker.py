"""A process that rolls a wave back in small batches; a test kills it."""

import random
import sys
from datetime import UTC, datetime
from pathlib import Path

from hoeksteen.consolidation.rollback import roll_back
from hoeksteen.disclosure import KeeperClient
from hoeksteen.kernel.clock import FixedClock
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.storage.postgres import Database


def main(dsn: str, socket_path: str, key_path: str, seed: str) -> None:
    clock = FixedClock(datetime(2026, 11, 1, 7, tzinfo=UTC))
    with Database(dsn) as database:
        keeper = KeeperClient(socket_path=Path(socket_path), service="bss", key_path=Path(key_path))
        sys.stdout.write("rolling\n")
        sys.stdout.flush()
        roll_back(
            database=database, keeper=keeper, wave="all", by="emma.bakker", force=False, clock=clock,
            identifiers=Identifiers(random.Random(seed)), customers_per_batch=5,
        )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
