"""A process that merges and takes apart and is killed leaves one or the other, never something between; the next one goes on from there."""

import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from factories.doubts import bring_in_doubts
from factories.exports import rows_of
from fixtures.keeper import RunningKeeper
from hoeksteen.consolidation import merging, reviewing
from hoeksteen.disclosure.queries import reveal
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.sealed import Category
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database

WORKER = Path(__file__).with_name("merging_worker.py")
LIVES = 8
NOW = datetime(2026, 11, 1, 6, tzinfo=UTC)


def _state(database: Database, keeper: RunningKeeper) -> dict[str, Any]:
    """What is there, in tables and sealed, and whom a search for a telephone number finds."""
    bss, rows = keeper.client("bss"), rows_of(database)
    with database.transaction() as tx:
        parties = [row["party_id"] for row in tx.rows("SELECT party_id FROM party.party")]
        sealed = {
            category: {
                one: found.fields
                for one, found in reveal(tx=tx, keeper=bss, purpose="migration", category=category, subjects=parties).items()
            }
            for category in (Category.IDENTITY, Category.CONTACT)
        }  # fmt: skip
    return {"rows": rows, "sealed": sealed}


@pytest.mark.slow
def test_killed_at_random_instants(database: Database, business_dsn: str, keeper: RunningKeeper, lake: Lake, tmp_path: Path) -> None:
    bring_in_doubts(database, keeper, tmp_path, "merging killed")
    with database.transaction() as tx:
        one, other = reviewing.queue(tx=tx, limit=1)[0].customers
    apart = _state(database, keeper)
    how: dict[str, Any] = {
        "keeper": keeper.client("bss"), "lake": lake, "by": "x", "why": "y", "now": NOW, "identifiers": Identifiers(Random(1)),
    }  # fmt: skip
    with database.transaction() as tx:
        merging.merge(tx=tx, customer_ids=[one, other], **how)
    together, seen = _state(database, keeper), []
    words = [business_dsn, keeper.socket_path, keeper.key("bss"), lake.warehouse, one, other]
    chance = random.Random(2)
    for _ in range(LIVES):
        worker = subprocess.Popen(
            [sys.executable, str(WORKER), *map(str, words)], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(WORKER.parents[1])},
        )  # fmt: skip
        assert worker.stdout is not None
        assert worker.stdout.readline().strip() == "working"
        time.sleep(chance.uniform(0.1, 0.6))
        worker.send_signal(signal.SIGKILL)
        worker.communicate()
        now = _state(database, keeper)
        assert now in (apart, together), "one or the other"
        seen.append(now == together)
    assert len(set(seen)) == 2, "the kills came all at the same place"
    with database.transaction() as tx:
        into = merging.merged_into(tx=tx, customer_id=one) or merging.merged_into(tx=tx, customer_id=other)
        if into is not None:
            merging.unmerge(tx=tx, customer_id=into, source_keys=None, **how)
    assert _state(database, keeper) == apart
