"""A process that makes final bills of accounts that left, one after the other; a test kills it."""

import random
import sys
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

from hoeksteen.billing.leaving import bill_who_leaves
from hoeksteen.disclosure import KeeperClient
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database

LAST = date(2026, 11, 21)


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(dsn: str, socket_path: str, key_path: str, warehouse: str, *accounts: str) -> None:
    identifiers = Identifiers(random.SystemRandom())
    with Database(dsn) as database, Lake(warehouse=Path(warehouse), catalogue_dsn=dsn) as lake:
        keeper = KeeperClient(socket_path=Path(socket_path), service="bss", key_path=Path(key_path))
        for account in accounts:
            _tell(account)
            bill_who_leaves(
                database=database, keeper=keeper, lake=lake, billing_account_id=UUID(account), bill_date=LAST, by="anna",
                now=start_of_day(LAST) + timedelta(hours=9), identifiers=identifiers,
            )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
