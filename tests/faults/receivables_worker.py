"""A process that does one thing with collections or dunning, for `test_receivables_killed` to kill."""

import random
import sys
from datetime import date, datetime
from pathlib import Path
from uuid import UUID

from hoeksteen.disclosure import KeeperClient
from hoeksteen.journeys.blocking import dun
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.receivables import collecting
from hoeksteen.receivables.bank import take
from hoeksteen.receivables.dunning import read_policy
from hoeksteen.storage.postgres import Database

dsn, socket_path, key, seed, instant, task, *rest = sys.argv[1:]
now, identifiers = datetime.fromisoformat(instant), Identifiers(random.Random(int(seed)))
with Database(dsn) as database, KeeperClient(socket_path=Path(socket_path), service="bss", key_path=Path(key)) as keeper:
    print("working", flush=True)  # noqa: T201 read by the test
    if task == "prepare":
        with database.transaction() as tx:
            collecting.prepare(tx=tx, collection_day=date.fromisoformat(rest[0]), by="bram", now=now, identifiers=identifiers)
    elif task == "file":
        with database.transaction() as tx:
            collecting.file(tx=tx, keeper=keeper, collection_run_id=UUID(rest[0]), path=Path(rest[1]), now=now, identifiers=identifiers)
    elif task == "take":
        take(database=database, keeper=keeper, path=Path(rest[0]), now=now, identifiers=identifiers)
    else:
        dun(database=database, day=date.fromisoformat(rest[0]), now=now, identifiers=identifiers, policy=read_policy(rest[1]))
    print("done", flush=True)  # noqa: T201 read by the test
