"""A process that merges a customer pair and takes it apart, again and again, until it is killed."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from uuid import UUID

from hoeksteen.consolidation import merging
from hoeksteen.disclosure import KeeperClient
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database


def main(dsn: str, socket: str, key: str, warehouse: str, one: str, other: str) -> None:
    now, identifiers = datetime(2026, 11, 1, 6, tzinfo=UTC), Identifiers(SystemRandom())
    with (
        Database(dsn) as database, KeeperClient(socket_path=Path(socket), service="bss", key_path=Path(key)) as keeper,
        Lake(warehouse=Path(warehouse), catalogue_dsn=dsn) as lake,
    ):  # fmt: skip
        how = {"keeper": keeper, "lake": lake, "by": "x", "why": "y", "now": now, "identifiers": identifiers}
        sys.stdout.write("working\n")
        sys.stdout.flush()
        while True:
            with database.transaction() as tx:
                into = merging.merged_into(tx=tx, customer_id=UUID(one)) or merging.merged_into(tx=tx, customer_id=UUID(other))
            with database.transaction() as tx:
                if into is None:
                    merging.merge(tx=tx, customer_ids=[UUID(one), UUID(other)], **how)  # type: ignore[arg-type]
                else:
                    merging.unmerge(tx=tx, customer_id=into, source_keys=None, **how)  # type: ignore[arg-type]


main(*sys.argv[1:])
