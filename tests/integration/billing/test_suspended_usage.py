"""Usage that cannot be rated when its period is billed: counted by that run, kept, and on one bill as soon as it can be."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from factories.invented_lines import Line
from factories.usage_files import NOW, OWN, House, call
from fixtures.keeper import RunningKeeper
from hoeksteen.billing.audit import audit_bills
from hoeksteen.billing.model import AppliedCustomerBillingRate, BillRunResult, RateKind
from hoeksteen.billing.operations import run_bills
from hoeksteen.billing.queries import bill, bills_of
from hoeksteen.kernel.errors import WrongState
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database

NEW = "31699900003"
OCTOBER, NOVEMBER = BillPeriod(date(2026, 10, 1), date(2026, 11, 1)), BillPeriod(date(2026, 11, 1), date(2026, 12, 1))


@pytest.fixture
def house(database: Database, lake: Lake, keeper: RunningKeeper, tmp_path: Path) -> House:
    house = House(database, lake, keeper, tmp_path)
    house.hold(OWN)
    return house


def run(house: House, period: BillPeriod) -> BillRunResult:
    return run_bills(
        unapproved=True,
        database=house.database, keeper=house.keeper.client("bss"), lake=house.lake, period=period, bill_date=period.end_day, now=NOW,
        identifiers=house.identifiers,
    )  # fmt: skip


def usage_lines(house: House, number: str) -> list[AppliedCustomerBillingRate]:
    customer_id = Line(number, "", OCTOBER.first_day, None, None).customer_id
    with house.database.transaction() as tx:
        found = [bill(tx=tx, customer_id=customer_id, customer_bill_id=one.customer_bill_id) for one in bills_of(tx=tx, customer_id=customer_id)]
    return [rate for one in found for rate in one.rates if rate.kind is RateKind.USAGE]


def test_a_suspended_call_is_reported_and_billed_once_it_can_be_rated(house: House) -> None:
    house.take("october.csv", call(1), call(2, own=NEW, seconds=7_200), call(3, other="999999"))
    house.rate(OCTOBER.first_day)
    assert run(house, OCTOBER).suspended == 2
    house.hold(NEW)
    assert house.recycle() == 1
    with pytest.raises(WrongState, match="1 usage records for the bills of 2026-11-01 are not rated"):
        run(house, NOVEMBER)
    house.rate(NOVEMBER.first_day)
    assert run(house, NOVEMBER).suspended == 1, "nobody knows the number 999999 yet"
    [line] = usage_lines(house, NEW)
    assert (line.period, line.quantity, line.amount > 0) == (OCTOBER, Decimal(1), True)
    assert len(usage_lines(house, OWN)) == 1
    for period in (OCTOBER, NOVEMBER):
        assert audit_bills(database=house.database, lake=house.lake, period=period).differences == ()
