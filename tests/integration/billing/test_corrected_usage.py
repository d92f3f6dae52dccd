"""A call that was billed too long: the next bill takes its charge back, naming record and bill, and shows the right one under its own date."""

from datetime import date
from pathlib import Path

import pytest

from factories.usage_files import NOW, OWN, House, call
from fixtures.keeper import RunningKeeper
from hoeksteen.billing.audit import audit_bills
from hoeksteen.billing.model import CustomerBill, RateKind
from hoeksteen.billing.operations import run_bills
from hoeksteen.billing.queries import bill, bills_of
from hoeksteen.billing.wording import line_text
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.rating.correcting import Right, correct_record
from hoeksteen.rating.queries import balance
from hoeksteen.rating.tables import CHARGE
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database

OCTOBER, NOVEMBER = BillPeriod(date(2026, 10, 1), date(2026, 11, 1)), BillPeriod(date(2026, 11, 1), date(2026, 12, 1))
EU = "33123456789"


@pytest.fixture
def house(database: Database, lake: Lake, keeper: RunningKeeper, tmp_path: Path) -> House:
    house = House(database, lake, keeper, tmp_path)
    house.hold(OWN)
    return house


def run(house: House, period: BillPeriod) -> CustomerBill:
    house.rate(period.first_day)
    run_bills(
        unapproved=True,
        database=house.database, keeper=house.keeper.client("bss"), lake=house.lake, period=period, bill_date=period.end_day, now=NOW,
        identifiers=house.identifiers,
    )  # fmt: skip
    [charge, *_] = house.rows(CHARGE)
    with house.database.transaction() as tx:
        newest = bills_of(tx=tx, customer_id=charge["customer_id"])[0]
        return bill(tx=tx, customer_id=charge["customer_id"], customer_bill_id=newest.customer_bill_id)


def test_the_next_bill_takes_the_charge_back_and_names_record_and_bill(house: House) -> None:
    house.take("october.csv", call(1, other=EU, seconds=3_600), call(2, other=EU, seconds=60))
    first = run(house, OCTOBER)
    [wrong] = [row for row in house.rows(CHARGE) if row["delivered_units"] == 3_600]
    correct_record(
        database=house.database, lake=house.lake, record_id=wrong["record_id"], right=Right(units=600), made_by="h.jansen", why="hung up",
        now=NOW, identifiers=house.identifiers,
    )  # fmt: skip
    second = run(house, NOVEMBER)
    usage = [rate for rate in second.rates if rate.kind is RateKind.USAGE]
    back, right = sorted(usage, key=lambda rate: rate.amount)
    assert back.detail["amount_micro"] == -wrong["amount_micro"] < 0
    assert (back.detail["corrects"], back.detail["bill_number"]) == (str(wrong["record_id"]), first.bill_number)
    assert (back.period, back.quantity, right.period, right.quantity) == (OCTOBER, -1, OCTOBER, 1)
    for language, said in (("en", f"taken back from bill {first.bill_number} (record"), ("nl", f"teruggenomen van factuur {first.bill_number}")):
        assert said in line_text(rate=back, offerings={}, language=language).description
    assert line_text(rate=back, offerings={}, language="en").quantity == "−1:00:00 h"
    for period in (OCTOBER, NOVEMBER):
        assert audit_bills(database=house.database, lake=house.lake, period=period).differences == ()
    with house.database.transaction() as tx:
        files = {file.source: file for file in balance(tx=tx)}
    assert (files["voice_sms"].rated, files["voice_sms"].reversed, files["voice_sms"].closes) == (2, 1, True)
    assert (files["correction"].records_in, files["correction"].rated, files["correction"].closes) == (1, 1, True)
    assert house.differences() == []
