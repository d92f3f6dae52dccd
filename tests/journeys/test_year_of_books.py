"""A year of books: its last second, its leap day, and fourteen months of a whole operator, each audited and closed."""

import random
from datetime import date, datetime
from decimal import Decimal

import pytest
from lxml import etree

from factories.billed_operator import BilledOperator, terminate
from fixtures.xaf import NAMESPACE, faults
from hoeksteen.journeys.audit_file import audit_file
from hoeksteen.journeys.balance import audit_month
from hoeksteen.journeys.closing import close_books
from hoeksteen.kernel.errors import InvalidInput, WrongState
from hoeksteen.kernel.time_period import OPERATOR_ZONE, BillPeriod, add_months, bill_period, start_of_day
from hoeksteen.receivables.operations import register_payment
from simulation.operator_year import Simulation

_LAST_SECOND = datetime(2026, 12, 31, 23, 59, 59, tzinfo=OPERATOR_ZONE)
_NEW_YEAR = datetime(2027, 1, 1, tzinfo=OPERATOR_ZONE)


def _close(operator: BilledOperator, month: date, now: datetime) -> None:
    with operator.database.transaction() as tx:
        close_books(tx=tx, period=bill_period(month), by="h.jansen", now=now)


def _audit_file(operator: BilledOperator, period: BillPeriod) -> bytes:
    with operator.database.transaction() as tx:
        tx.see_one_moment()
        return b"".join(audit_file(tx=tx, period=period, today=period.end_day))


def test_the_last_second_of_a_year(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m")
    operator.run(date(2026, 10, 1))
    operator.run(date(2026, 11, 1), bill_date=date(2026, 12, 31), now=_LAST_SECOND)
    with pytest.raises(WrongState):
        operator.run(date(2026, 12, 1), bill_date=date(2026, 12, 31), now=_LAST_SECOND)  # December is not over
    _close(operator, date(2026, 11, 1), _LAST_SECOND)
    with pytest.raises(WrongState, match="The month 2026-12 is not over"):
        _close(operator, date(2026, 12, 1), _LAST_SECOND)
    with operator.database.transaction() as tx, pytest.raises(InvalidInput, match="lies in the future"):
        register_payment(
            tx=tx, customer_id=one.customer_id, billing_account_id=one.billing_account_id, amount=Decimal("20.00"), received_on=date(2027, 1, 1),
            reference="", now=_LAST_SECOND, identifiers=operator.identifiers,
        )  # fmt: skip
    operator.run(date(2026, 12, 1), bill_date=date(2027, 1, 1), now=_NEW_YEAR)
    _close(operator, date(2026, 12, 1), _NEW_YEAR)
    assert [bill.bill_number for bill in operator.bills(one)] == ["LLT-2026-00000001", "LLT-2026-00000002", "LLT-2027-00000001"]
    for month in (date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)):
        assert audit_month(database=operator.database, lake=operator.lake, period=bill_period(month)).differences == ()
    year = _audit_file(operator, BillPeriod(date(2026, 1, 1), date(2027, 1, 1)))
    assert faults(year) == [] and year.count(b"<transaction>") == 2, "the bill of the new year is not in the old one's books"


def test_a_leap_day(operator: BilledOperator) -> None:
    (short,) = operator.add("mobile-m", start=date(2028, 2, 29), billed_to=date(2028, 2, 29))
    (ended,) = operator.add("mobile-m", start=date(2027, 3, 1), billed_to=date(2028, 2, 1))
    terminate(operator, ended, from_day=date(2028, 2, 29))
    operator.charge([short], month=date(2028, 2, 29), bill_month=date(2028, 2, 1), records=2)
    operator.run(date(2028, 2, 1))
    day = date(2028, 2, 29)
    (leap,) = [rate for bill in operator.bills(short) for rate in bill.rates if rate.kind == "recurring" and rate.detail["days"] == 1]
    assert leap.detail == {"days": 1, "days_in_period": 29}
    assert leap.period is not None and (leap.period.first_day, leap.period.end_day) == (day, date(2028, 3, 1))
    (most,) = operator.bills(ended)[0].rates
    assert (most.detail["days"], most.detail["days_in_period"]) == (28, 29)
    with operator.database.transaction() as tx:
        register_payment(
            tx=tx, customer_id=ended.customer_id, billing_account_id=ended.billing_account_id, amount=Decimal("5.00"), received_on=day, reference="",
            now=start_of_day(date(2028, 3, 1)), identifiers=operator.identifiers,
        )  # fmt: skip
    with pytest.raises(WrongState, match="not over"):
        _close(operator, date(2028, 2, 1), datetime(2028, 2, 29, 23, 59, 59, tzinfo=OPERATOR_ZONE))
    _close(operator, date(2028, 2, 1), datetime(2028, 3, 1, tzinfo=OPERATOR_ZONE))
    for month in (date(2028, 2, 1), date(2028, 3, 1)):
        assert audit_month(database=operator.database, lake=operator.lake, period=bill_period(month)).differences == ()
    february = etree.fromstring(_audit_file(operator, bill_period(date(2028, 2, 1))))
    assert [one.text for one in february.iter(f"{{{NAMESPACE}}}endDate", f"{{{NAMESPACE}}}trDt")] == ["2028-02-29", "2028-02-29"]


@pytest.mark.slow
def test_fourteen_months(operator: BilledOperator) -> None:
    """From January 2027 over the end of a year to the leap day of the next: each month audited to zero and closed, and at the end still as it was."""
    world, first = Simulation(operator, random.Random(14)), date(2027, 1, 1)
    for months in range(14):
        month = add_months(first, months)
        world.month(month)
        found = audit_month(database=operator.database, lake=operator.lake, period=bill_period(month))
        assert found.differences == () and found.open_items == found.debtors
        _close(operator, month, start_of_day(add_months(month, 2)))
    for year in (2027, 2028):
        assert faults(_audit_file(operator, BillPeriod(date(year, 1, 1), date(year + 1, 1, 1)))) == []
    assert audit_month(database=operator.database, lake=operator.lake, period=bill_period(first)).differences == ()
