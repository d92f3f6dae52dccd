"""A clock on 31 December at 23:59:59, here: numbers, years, periods and the ledger's day, and the same a second later."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from factories.billed_operator import BilledOperator
from hoeksteen.billing.audit import audit_bills
from hoeksteen.billing.leaving import bill_who_leaves
from hoeksteen.billing.operations import run_bills
from hoeksteen.journeys.balance import audit_month
from hoeksteen.kernel.errors import InvalidInput, WrongState
from hoeksteen.kernel.time_period import bill_period, local_day, start_of_day
from hoeksteen.ledger.queries import trial_balance
from hoeksteen.product import operations as product
from hoeksteen.rating.operations import close_period
from hoeksteen.receivables.operations import register_payment

LAST_SECOND = datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC)  # 23:59:59 in Amsterdam; in UTC the year goes on for an hour
MIDNIGHT = LAST_SECOND + timedelta(seconds=1)
OLD, NEW = date(2026, 12, 31), date(2027, 1, 1)
NOVEMBER, DECEMBER = date(2026, 11, 1), date(2026, 12, 1)


def test_the_year_of_a_bill_is_the_one_here(operator: BilledOperator) -> None:
    one, other = operator.add("mobile-m")[0], operator.add("mobile-m")[0]
    operator.run(date(2026, 10, 1))
    assert (local_day(LAST_SECOND), local_day(MIDNIGHT), MIDNIGHT.date()) == (OLD, NEW, OLD)
    with operator.database.transaction() as tx:
        product.terminate(tx=tx, customer_id=other.customer_id, product_id=other.product_id, from_day=OLD, now=LAST_SECOND)

    operator.run(NOVEMBER, bill_date=OLD, now=LAST_SECOND)
    operator.charge([one, other], month=DECEMBER, records=1)
    with pytest.raises(WrongState, match="not over before 2027-01-01; today is 2026-12-31"):
        close_period(database=operator.database, lake=operator.lake, period=bill_period(DECEMBER), now=LAST_SECOND)
    operator.leave(other, OLD, now=LAST_SECOND)
    operator.run(DECEMBER, bill_date=NEW, now=MIDNIGHT)

    dated = {bill.bill_number: bill.bill_date for each in (one, other) for bill in operator.bills(each) if bill.bill_date > NOVEMBER}
    assert dated == {**{f"LLT-2026-0000000{number}": OLD for number in (3, 4, 5)}, "LLT-2027-00000001": NEW}
    assert [bill.bill_date for bill in operator.bills(one)][1:] == [OLD, NEW]
    with operator.database.transaction() as tx:
        days = {row["day"] for row in tx.rows("SELECT DISTINCT booked_on AS day FROM ledger.journal_entry")}
        assert days == {NOVEMBER, OLD, NEW}
        before = {row.ledger_account_code: row.balance for row in trial_balance(tx=tx, until=OLD)}
        after = {row.ledger_account_code: row.balance for row in trial_balance(tx=tx, until=NEW)}
    old_year = [bill.gross for each in (one, other) for bill in operator.bills(each) if bill.bill_date.year == 2026]
    assert (before["1300"], after["1300"] - before["1300"]) == (sum(old_year), operator.bills(one)[-1].gross)
    for month in (NOVEMBER, DECEMBER):
        assert audit_bills(database=operator.database, lake=operator.lake, period=bill_period(month)).differences == ()
        assert audit_month(database=operator.database, lake=operator.lake, period=bill_period(month)).differences == ()


def test_money_of_the_new_year_is_none_of_the_old_one(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m")
    paid = {"customer_id": one.customer_id, "billing_account_id": one.billing_account_id, "amount": Decimal("5.00"), "reference": ""}
    with operator.database.transaction() as tx, pytest.raises(InvalidInput, match="lies in the future: 2027-01-01"):
        register_payment(tx=tx, received_on=NEW, now=LAST_SECOND, identifiers=operator.identifiers, **paid)  # type: ignore[arg-type]
    with operator.database.transaction() as tx:
        register_payment(tx=tx, received_on=NEW, now=MIDNIGHT, identifiers=operator.identifiers, **paid)  # type: ignore[arg-type]
        assert [row.balance for row in trial_balance(tx=tx, until=OLD) if row.balance] == []


def test_a_call_of_the_last_second_is_of_december() -> None:
    december, january = bill_period(local_day(LAST_SECOND)), bill_period(local_day(MIDNIGHT))
    assert (december.first_day, january.first_day) == (DECEMBER, NEW)
    assert december.instants().contains(LAST_SECOND) and not december.instants().contains(MIDNIGHT)
    assert december.instants().valid_to == january.instants().valid_from == start_of_day(NEW) == MIDNIGHT
    middle = bill_period(local_day(LAST_SECOND), cycle_day=15)
    assert (middle.first_day, middle.end_day) == (date(2026, 12, 15), date(2027, 1, 15))


@pytest.mark.parametrize("day", [date(1990, 1, 1), date(2035, 1, 1)])
def test_no_bill_carries_a_day_that_is_far_away(operator: BilledOperator, day: date) -> None:
    (one,) = operator.add("mobile-m")
    with pytest.raises(InvalidInput, match="more than a year from today"):
        run_bills(
            database=operator.database, keeper=operator.keeper, lake=operator.lake, period=bill_period(DECEMBER), bill_date=day, kind="final",
            unapproved=True, now=MIDNIGHT, identifiers=operator.identifiers,
        )  # fmt: skip
    with pytest.raises(InvalidInput, match="more than a year from today"):
        bill_who_leaves(
            database=operator.database, keeper=operator.keeper, lake=operator.lake, billing_account_id=one.billing_account_id, bill_date=day,
            by="anna", now=MIDNIGHT, identifiers=operator.identifiers,
        )  # fmt: skip
    assert operator.bills(one) == []
