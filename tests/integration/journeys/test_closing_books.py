"""Closing a month with everything that books in it: bill runs and payments."""

from datetime import date
from decimal import Decimal

import pytest

from factories.billed_operator import BilledOperator, Held
from hoeksteen.billing._run import open_run
from hoeksteen.billing.queries import runs
from hoeksteen.journeys.balance import audit_month
from hoeksteen.journeys.closing import close_books
from hoeksteen.kernel.errors import WrongState
from hoeksteen.kernel.time_period import BillPeriod, bill_period, start_of_day
from hoeksteen.receivables.operations import register_payment

NOVEMBER = BillPeriod(date(2026, 11, 1), date(2026, 12, 1))
NOW = start_of_day(date(2026, 12, 2))


@pytest.fixture
def one(operator: BilledOperator) -> Held:
    (held,) = operator.add("mobile-m")
    return held


def _close(operator: BilledOperator) -> None:
    with operator.database.transaction() as tx:
        close_books(tx=tx, period=NOVEMBER, by="h.jansen", now=NOW)


def _pay(operator: BilledOperator, one: Held, day: date) -> None:
    with operator.database.transaction() as tx:
        register_payment(
            tx=tx, customer_id=one.customer_id, billing_account_id=one.billing_account_id, amount=Decimal("5.00"), received_on=day, reference="",
            now=NOW, identifiers=operator.identifiers,
        )  # fmt: skip


def test_a_bill_date_in_a_closed_month_is_refused_before_anything_is_done(operator: BilledOperator, one: Held) -> None:
    _close(operator)
    with pytest.raises(WrongState, match=r"books of 2026-11 are closed, and the bill date is 2026-11-01.*--bill-date"):
        operator.run(bill_date=date(2026, 11, 1), now=NOW)
    with operator.database.transaction() as tx:
        assert runs(tx=tx) == []
        assert tx.value("SELECT count(*) FROM usage.closed_period") == 0, "the usage of the period stays open too"
    assert operator.run(bill_date=date(2026, 12, 1), now=NOW).totals.count == 1, "as the remedy says"
    assert operator.bills(one)[0].bill_date == date(2026, 12, 1)


def test_a_run_that_is_done_gives_its_figures_when_its_month_is_closed(operator: BilledOperator, one: Held) -> None:
    first = operator.run()
    _close(operator)
    assert operator.run().totals == first.totals


def test_a_month_is_not_closed_while_a_run_books_in_it(operator: BilledOperator, one: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when so many runs came since that it is not listed any more."""
    monkeypatch.setattr("hoeksteen.billing.queries.RUNS_LISTED_MAX", 0)
    period = bill_period(date(2026, 10, 1))
    open_run(database=operator.database, period=period, bill_date=date(2026, 11, 1), kind="final", now=NOW, identifiers=operator.identifiers)
    with pytest.raises(
        WrongState, match=r"bill run of 2026-10 \(cycle day 1\), dated 2026-11-01, has not ended.*hoeksteen bill run --period 2026-10"
    ):
        _close(operator)
    operator.run()
    found = audit_month(database=operator.database, lake=operator.lake, period=period)
    assert (found.until, found.differences) == (date(2026, 11, 1), ()), "the audit goes up to the day on its bills"
    _close(operator)


def test_a_payment_of_a_closed_month_is_booked_in_an_open_one(operator: BilledOperator, one: Held) -> None:
    operator.run()
    _close(operator)
    with pytest.raises(WrongState, match=r"the field received_on is 2026-11-30.*hoeksteen ledger periods"):
        _pay(operator, one, date(2026, 11, 30))
    _pay(operator, one, date(2026, 12, 1))
