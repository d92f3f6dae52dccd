"""A bill run that a worker does, whose worker is killed at random instants: another one takes it over, and the books are those of one run."""

import random
import signal
import time
from datetime import date
from pathlib import Path

import pytest

from factories.billed_operator import NOW, BilledOperator, populate
from fixtures.installed import installed
from fixtures.keeper import RunningKeeper
from fixtures.waiting import wait_until
from fixtures.worker import PROGRAM, start_worker
from hoeksteen.billing import queries as billing
from hoeksteen.billing.audit import audit_bills
from hoeksteen.journeys import work
from hoeksteen.kernel.time_period import bill_period
from hoeksteen.storage.jobs import latest_jobs

CUSTOMERS = 60
LIVES = 3
IN_SMALL_BATCHES = (
    f"from functools import partial; from hoeksteen.interfaces.cli import work as w; w.carry_on_run = partial(w.carry_on_run, batch=3); {PROGRAM}"
)


@pytest.mark.slow
def test_killed_at_random_instants(operator: BilledOperator, business_dsn: str, keeper: RunningKeeper, tmp_path: Path) -> None:
    data = installed(tmp_path, operator, business_dsn, keeper)
    chance = random.Random(5)
    populate(operator, customers=CUSTOMERS, seed=3, records=2)
    period = bill_period(date(2026, 10, 1))
    run = work.start_run(
        database=operator.database, lake=operator.lake, period=period, bill_date=period.end_day, kind="final", by="bram.visser", unapproved=True,
        now=NOW, identifiers=operator.identifiers,
    )  # fmt: skip

    def bills() -> int:
        with operator.database.transaction() as tx:
            return billing.run(tx=tx, bill_run_id=run.bill_run_id).bills

    seen = [0]
    for _ in range(LIVES):
        before, process = bills(), start_worker(data, program=IN_SMALL_BATCHES)
        wait_until(lambda before=before: bills() > before, seconds=60)  # type: ignore[misc]
        time.sleep(chance.uniform(0.0, 0.1))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        seen.append(bills())
    assert seen == sorted(set(seen)) and seen[-1] < CUSTOMERS, f"the kills came too early or too late to mean anything: {seen}"
    last = start_worker(data)
    try:
        wait_until(lambda: _state(operator) == ["done"], seconds=60)
    finally:
        last.terminate()
        last.communicate(timeout=30)
    assert bills() == CUSTOMERS
    audit = audit_bills(database=operator.database, lake=operator.lake, period=period)
    assert (audit.differences, audit.bills, audit.ledger_difference) == ((), CUSTOMERS, 0)


def _state(operator: BilledOperator) -> list[str]:
    with operator.database.transaction() as tx:
        return [one.state for one in latest_jobs(tx=tx)]
