"""A process that finalises October 2026 in small batches; a test kills it."""

import random
import sys
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from hoeksteen.billing._reading import usage_of
from hoeksteen.billing._run import Engine, execute, open_run
from hoeksteen.billing.prices import PriceBook
from hoeksteen.billing.recurring import Calendar
from hoeksteen.billing.sending import send_bills
from hoeksteen.disclosure import KeeperClient
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.time_period import bill_period
from hoeksteen.product.queries import offerings
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database

NOW = datetime(2026, 11, 1, 6, tzinfo=UTC)


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(dsn: str, socket_path: str, key_path: str, warehouse: str) -> None:
    period, identifiers = bill_period(date(2026, 10, 1)), Identifiers(random.SystemRandom())
    with Database(dsn) as database, Lake(warehouse=Path(warehouse), catalogue_dsn=dsn) as lake:
        keeper = KeeperClient(socket_path=Path(socket_path), service="bss", key_path=Path(key_path))
        run = open_run(database=database, period=period, bill_date=period.end_day, kind="final", now=NOW, identifiers=identifiers)
        with database.transaction() as tx:
            book = PriceBook(offerings(tx=tx))
        engine = Engine(database, keeper, run, book, Calendar(period), NOW, identifiers, partial(usage_of, lake=lake), batch=5)
        _tell("working")
        execute(engine=engine, progress=lambda done: _tell(str(done.bills)))
        send_bills(database=database, bill_run_id=run.bill_run_id, now=NOW)


if __name__ == "__main__":
    main(*sys.argv[1:])
