"""Collections and dunning that are killed at any instant and done again: nothing is lost, nothing is there twice, and the month balances."""

import hashlib
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from factories.bank_files import Booking, Part, Statement, camt
from factories.billed_operator import BilledOperator
from fixtures.keeper import RunningKeeper
from hoeksteen.disclosure import SealItem
from hoeksteen.disclosure.operations import store
from hoeksteen.journeys.balance import audit_month
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.sealed import Category
from hoeksteen.kernel.time_period import bill_period, start_of_day
from hoeksteen.receivables import _collection_store, dunning
from hoeksteen.storage.postgres import Database

WORKER = Path(__file__).with_name("receivables_worker.py")
CUSTOMERS, LIVES = 150, 4
PREPARED, FILED, DAY = date(2026, 12, 2), date(2026, 12, 14), date(2026, 12, 17)
POLICY = (
    "{minimum: 5, steps: [{kind: reminder, after_days: 7}, {kind: interest, after_days: 0}, {kind: block_notice, after_days: 0},"
    " {kind: block, after_days: 0}]}"
)
Row = dict[str, Any]
pytestmark = pytest.mark.slow


def _now(day: date) -> datetime:
    return start_of_day(day) + timedelta(hours=9)


class _Killer:
    """Starts a task in a process of its own, kills it at random instants, and lets it end at last."""

    def __init__(self, database: Database, dsn: str, keeper: RunningKeeper, seed: int) -> None:
        self._database, self._dsn, self._keeper, self._chance = database, dsn, keeper, random.Random(seed)
        self._seed = 0

    def _start(self, day: date, *task: object) -> subprocess.Popen[str]:
        self._seed += 1
        known = (self._dsn, self._keeper.socket_path, self._keeper.key("bss"), 70_000 + self._seed, _now(day).isoformat())
        command = [sys.executable, str(WORKER), *map(str, (*known, *task))]
        worker = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert worker.stdout is not None
        assert worker.stdout.readline().strip() == "working"
        return worker

    def until_done(self, day: date, *task: object, seen: Callable[[], object], longest: float) -> list[object]:
        """Give what `seen` tells after each life; the last one was left alone."""
        told = []
        for _ in range(LIVES):
            worker = self._start(day, *task)
            time.sleep(self._chance.uniform(0.0, longest))
            worker.send_signal(signal.SIGKILL)
            worker.communicate()
            told.append(seen())
        worker = self._start(day, *task)
        out, error = worker.communicate()
        assert worker.returncode == 0 or "WrongState" in error, error
        return [*told, seen()]


def _counts(database: Database, *tables: str) -> dict[str, int]:
    with database.transaction() as tx:
        return {table: int(tx.value(f"SELECT count(*) FROM {table}")) for table in tables}


def _sign_all(operator: BilledOperator) -> None:
    """Give everybody a mandate, many at a time."""
    items = []
    with operator.database.transaction() as tx:
        for number, one in enumerate(operator.held):
            mandate = derived("mandate of a test", str(one.customer_id))
            reference = f"LLT-{number:020d}"
            _collection_store.insert_mandate(
                tx,
                (one.customer_id, mandate, one.billing_account_id, reference, "core", "recurring", date(2026, 11, 1), "active", "x", _now(PREPARED)),
            )
            account = f"ABNA{number:010d}"
            digits = "".join(str(int(character, 36)) for character in f"{account}NL00")
            fields = {
                "iban": f"NL{98 - int(digits) % 97:02d}{account}", "account_holder": "J. de Wit", "mandate_reference": reference,
                "mandate_date": "2026-11-01",
            }  # fmt: skip
            items.append(SealItem(one.party_id, fields))
        store(tx=tx, keeper=operator.keeper, purpose="migration", category=Category.PAYMENT, items=items)


def test_collections_from_preparing_to_the_bank(operator: BilledOperator, business_dsn: str, keeper: RunningKeeper, tmp_path: Path) -> None:
    operator.add_many([(("mobile-m",), date(2024, 5, 1), ())] * CUSTOMERS, payment_method="direct_debit")
    operator.run(date(2026, 10, 1))
    _sign_all(operator)
    killer, database, path = _Killer(operator.database, business_dsn, keeper, 5), operator.database, tmp_path / "c.xml"

    def prepared() -> tuple[int, int]:
        found = _counts(database, "receivables.collection_run", "receivables.collection")
        return found["receivables.collection_run"], found["receivables.collection"]

    told = killer.until_done(PREPARED, "prepare", DAY, seen=prepared, longest=0.5)
    assert set(told) <= {(0, 0), (1, CUSTOMERS)} and told[-1] == (1, CUSTOMERS), told  # nobody is collected of twice, also when prepared again
    with database.transaction() as tx:
        run_id = tx.value("SELECT collection_run_id FROM receivables.collection_run")

    def filed() -> tuple[int, int, bool]:
        found = _counts(database, "receivables.payment", "receivables.allocation")
        with database.transaction() as tx:
            digest = tx.value("SELECT sha256 FROM receivables.collection_run")
        is_whole = digest is None or path.exists() and hashlib.sha256(path.read_bytes()).digest() == bytes(digest)
        return found["receivables.payment"], found["receivables.allocation"], bool(is_whole)

    told = killer.until_done(FILED, "file", run_id, path, seen=filed, longest=0.6)
    assert set(told) <= {(0, 0, True), (CUSTOMERS, CUSTOMERS, True)} and told[-1] == (CUSTOMERS, CUSTOMERS, True), told

    with database.transaction() as tx:
        rows = tx.rows("SELECT end_to_end_id, amount, batch FROM receivables.collection ORDER BY collection_id")
    whole = sum((row["amount"] for row in rows), Decimal(0))
    back = [
        Booking(f"-{row['amount']}", f"R{n}", "PMNT/IDDT/UPDD", (Part(str(row["amount"]), end_to_end_id=row["end_to_end_id"], return_reason="AM04"),))
        for n, row in enumerate(rows[:40])
    ]  # fmt: skip
    bookings = (Booking(str(whole), "B1", "PMNT/IDDT/ESDD", batch_id=rows[0]["batch"]), *back)
    statement = camt(tmp_path / "s.xml", Statement(bookings, "S-1", 1, "0.00"))

    def taken() -> tuple[int, int, int]:
        found = _counts(database, "receivables.bank_entry", "receivables.payment_reversal")
        with database.transaction() as tx:
            settled = tx.value("SELECT count(*) FROM receivables.collection WHERE state = 'settled'")
        return found["receivables.bank_entry"], found["receivables.payment_reversal"], int(settled)

    told = killer.until_done(DAY, "take", statement, seen=taken, longest=0.6)
    assert set(told) <= {(0, 0, 0), (41, 40, CUSTOMERS - 40)} and told[-1] == (41, 40, CUSTOMERS - 40), told
    assert not audit_month(database=database, lake=operator.lake, period=bill_period(date(2026, 12, 1))).differences


def test_dunning_over_many_pages(
    operator: BilledOperator, business_dsn: str, keeper: RunningKeeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator.add_many([(("mobile-m",), date(2024, 5, 1), ())] * CUSTOMERS)
    operator.run(date(2026, 10, 1))
    killer, database = _Killer(operator.database, business_dsn, keeper, 6), operator.database
    names = ("dunning_step", "fee", "interest_charge")

    def steps() -> tuple[int, ...]:
        return tuple(_counts(database, *(f"receivables.{name}" for name in names), "product.block").values())

    whole = {
        date(2026, 12, 1): (CUSTOMERS, 0, 0, 0), date(2026, 12, 2): (2 * CUSTOMERS, CUSTOMERS, CUSTOMERS, 0),
        date(2026, 12, 3): (3 * CUSTOMERS, CUSTOMERS, CUSTOMERS, 0), date(2026, 12, 18): (4 * CUSTOMERS, CUSTOMERS, CUSTOMERS, CUSTOMERS),
    }  # fmt: skip
    for day, wanted in whole.items():
        told = killer.until_done(day, "dun", day, POLICY, seen=steps, longest=0.5)
        assert told == sorted(told), "what was committed is never lost"
        assert told[-1] == wanted, (day, told)
    with database.transaction() as tx:
        messages = {row["kind"]: row["count"] for row in tx.rows("SELECT kind, count(*) AS count FROM messages.message GROUP BY kind")}
        assert messages == dict.fromkeys(("bill_ready", "reminder", "interest_charged", "block_notice", "services_blocked"), CUSTOMERS)
        assert tx.value("SELECT count(*) FROM product.product_term WHERE status = 'suspended'") == CUSTOMERS
        assert all(len(dunning.cases_of(tx=tx, customer_id=one.customer_id)) == 1 for one in operator.held)
    assert not audit_month(database=database, lake=operator.lake, period=bill_period(date(2026, 12, 1))).differences
