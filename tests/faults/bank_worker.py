"""A process that takes one bank statement, for `test_bank_killed` to kill."""

import random
import sys
from datetime import UTC, datetime
from pathlib import Path

from hoeksteen.disclosure import KeeperClient
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.receivables.bank import take
from hoeksteen.storage.postgres import Database

dsn, socket_path, key, path = sys.argv[1:]
with Database(dsn) as database, KeeperClient(socket_path=Path(socket_path), service="bss", key_path=Path(key)) as keeper:
    print("working", flush=True)  # noqa: T201 read by the test
    done = take(
        database=database, keeper=keeper, path=Path(path), now=datetime(2026, 12, 1, 6, tzinfo=UTC), identifiers=Identifiers(random.Random(1)),
    )  # fmt: skip
    print(done.already_taken, flush=True)  # noqa: T201 read by the test
