"""Opening an installation: time and chance come from outside, and nothing stays open."""

import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from conftest import BusinessCluster
from factories.billed_operator import BilledOperator
from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.kernel.clock import FixedClock
from hoeksteen.rating.tables import CHARGE

NOW = datetime(2026, 11, 1, 8, tzinfo=UTC)


def test_a_clock_and_a_seed_make_a_run_repeatable(data: Path) -> None:
    def identifiers() -> list[UUID]:
        with open_runtime(read_settings(data), service="bss", seed=7, clock=FixedClock(NOW)) as runtime:
            assert runtime.clock.now() == NOW
            return [runtime.identifiers.new(runtime.clock.now()) for _ in range(3)]

    assert identifiers() == identifiers()


def test_nothing_stays_open_when_a_runtime_ends(data: Path, operator: BilledOperator, business_cluster: BusinessCluster) -> None:
    with operator.database.transaction() as tx:
        name = tx.value("SELECT current_database()")
    count = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND backend_type = 'client backend';"

    def connections() -> int:
        return int(business_cluster.cluster.as_superuser(count))

    before = connections()
    with open_runtime(read_settings(data), service="bss") as runtime:
        runtime.lake.head(CHARGE)
        assert connections() > before
    deadline = time.monotonic() + 5
    while connections() > before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert connections() <= before  # the test's own may have ended meanwhile
