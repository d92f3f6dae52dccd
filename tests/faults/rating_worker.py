"""A process that rates October 2026 in small batches and says when each is done; a test kills it."""

import random
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.rating import _engine
from hoeksteen.rating.operations import rate_month
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database

NOW = datetime(2026, 12, 1, 3, tzinfo=UTC)


def main(dsn: str, warehouse: str, records_per_batch: str) -> None:
    _engine.RECORDS_PER_BATCH_MAX = int(records_per_batch)

    def tell(step: str, records: int) -> None:
        sys.stdout.write(f"{step}: {records}\n")
        sys.stdout.flush()

    with Database(dsn) as database, Lake(warehouse=Path(warehouse), catalogue_dsn=dsn) as lake:
        sys.stdout.write("working\n")
        sys.stdout.flush()
        identifiers = Identifiers(random.SystemRandom())
        run = rate_month(database=database, lake=lake, month=date(2026, 10, 1), now=NOW, identifiers=identifiers, progress=tell)
        sys.stdout.write(f"digest {run.digest.hex()}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
