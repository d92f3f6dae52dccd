"""Final bills of accounts that leave, killed at any instant and asked for again: each account is billed once, and announced once."""

import random
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from factories.billed_operator import BilledOperator, new_operator
from faults.leaving_worker import LAST
from fixtures.keeper import RunningKeeper
from hoeksteen.billing.audit import audit_bills
from hoeksteen.billing.leaving import bill_who_leaves
from hoeksteen.kernel.time_period import bill_period, start_of_day
from hoeksteen.product import operations as product
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database

WORKER = Path(__file__).with_name("leaving_worker.py")
OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
CUSTOMERS, LIVES = 16, 8


@pytest.mark.slow
def test_final_bills_killed_at_random_instants(database: Database, business_dsn: str, keeper: RunningKeeper, tmp_path: Path) -> None:
    chance = random.Random(6)
    with Lake(warehouse=tmp_path / "lake", catalogue_dsn=business_dsn) as lake:
        operator = new_operator(database, keeper.client("bss"), lake, seed=9_600)
        held = [operator.add("mobile-m")[0] for _ in range(CUSTOMERS)]
        operator.run(OCTOBER)
        with database.transaction() as tx:
            for one in held:
                product.terminate(tx=tx, customer_id=one.customer_id, product_id=one.product_id, from_day=LAST, now=start_of_day(LAST))
        operator.charge(held, month=NOVEMBER, records=40)
        accounts = [str(one.billing_account_id) for one in held]
        seen = set()
        for _ in range(LIVES):
            chance.shuffle(accounts)
            arguments = [business_dsn, str(keeper.socket_path), str(keeper.key("bss")), str(lake.warehouse), *accounts]
            worker = subprocess.Popen([sys.executable, str(WORKER), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            assert worker.stdout is not None
            for _ in range(chance.randrange(1, 4)):
                worker.stdout.readline()
            time.sleep(chance.uniform(0.0, 0.1))
            worker.send_signal(signal.SIGKILL)
            worker.communicate()
            seen.add(_bills(operator))
        assert len(seen) > 1, "the kills came too early or too late to mean anything"
        for one in held:
            bill_who_leaves(
                database=database, keeper=operator.keeper, lake=lake, billing_account_id=one.billing_account_id, bill_date=LAST, by="anna",
                now=start_of_day(LAST), identifiers=operator.identifiers,
            )  # fmt: skip
        operator.run(NOVEMBER)
        assert _bills(operator) == 2 * CUSTOMERS
        assert audit_bills(database=database, lake=lake, period=bill_period(NOVEMBER)).differences == ()
        with database.transaction() as tx:
            assert tx.value("SELECT count(*) FROM messages.message") == 2 * CUSTOMERS
            assert tx.value("SELECT count(*) FROM ledger.journal_entry") == 2 * CUSTOMERS
            assert tx.value("SELECT count(*) FROM billing.leaving_bill WHERE settled_by IS NOT NULL") == CUSTOMERS
            assert not tx.value("SELECT count(*) FROM billing.bill_run WHERE state = 'running' OR sent_at IS NULL")


def _bills(operator: BilledOperator) -> int:
    with operator.database.transaction() as tx:
        return int(tx.value("SELECT count(*) FROM billing.customer_bill"))
