"""A process that finalises October 2026 in small batches; a test kills it."""

import random
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from hoeksteen.billing.operations import run_bills
from hoeksteen.disclosure import KeeperClient
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.time_period import bill_period
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database

NOW = datetime(2026, 11, 1, 6, tzinfo=UTC)


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(dsn: str, socket_path: str, key_path: str, warehouse: str, parts: str) -> None:
    period = bill_period(date(2026, 10, 1))
    with Database(dsn) as database, Lake(warehouse=Path(warehouse), catalogue_dsn=dsn) as lake:
        keeper = KeeperClient(socket_path=Path(socket_path), service="bss", key_path=Path(key_path))
        _tell("working")
        run_bills(
            database=database, keeper=keeper, lake=lake, period=period, bill_date=period.end_day, unapproved=True, parts=int(parts), batch=5, now=NOW,
            identifiers=Identifiers(random.SystemRandom()), progress=lambda done: _tell(str(done.bills)),
        )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
