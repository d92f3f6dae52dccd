"""An account that moves its bill day with a sale in parts, charges for a day, and an approved trial; and what departments may not do then."""

from datetime import date
from decimal import Decimal

import pytest

from factories.billed_operator import NOW, BilledOperator, Held
from factories.companies import company
from factories.companies import move as join
from fixtures.en16931 import faults
from hoeksteen.billing import approving, charges, instalments
from hoeksteen.billing.documents import invoice_views, render_ubl
from hoeksteen.billing.model import CustomerBill
from hoeksteen.billing.moving import move_cycle
from hoeksteen.journeys.balance import audit_month
from hoeksteen.kernel.errors import InvalidInput, WrongState
from hoeksteen.kernel.time_period import bill_period, start_of_day
from hoeksteen.party import operations as party

OCTOBER, NOVEMBER, DECEMBER = date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1)
MIDDLE = date(2026, 11, 15)  # first day of the new cycle's period around the first of December


def _move(operator: BilledOperator, one: Held, from_day: date = DECEMBER) -> None:
    with operator.database.transaction() as tx:
        move_cycle(tx=tx, billing_account_id=one.billing_account_id, cycle_day=15, from_day=from_day, by="anna", now=NOW)


def _decided(operator: BilledOperator, one: Held) -> None:
    """A handset in three parts, and a charge for a day of the shorter period between the two cycles."""
    agreed = start_of_day(date(2026, 10, 20))
    with operator.database.transaction() as tx:
        instalments.agree(
            tx=tx, billing_account_id=one.billing_account_id, amount=Decimal("100.00"), parts=3, kind="device", why="order 12", by="anna",
            now=agreed, identifiers=operator.identifiers,
        )  # fmt: skip
        for day, amount in ((None, "3.00"), (date(2026, 12, 10), "5.00"), (date(2026, 12, 15), "7.00")):
            charges.grant(
                tx=tx, billing_account_id=one.billing_account_id, amount=Decimal(amount), text="Storing", from_day=day, why="w", by="anna",
                now=agreed, identifiers=operator.identifiers,
            )  # fmt: skip


def _of(bill: CustomerBill) -> list[Decimal]:
    return [rate.amount for rate in bill.rates if "charge" in rate.detail or rate.detail.get("instalment", {}).get("role") == "part"]


def _approve(operator: BilledOperator, first_day: date) -> None:
    trial = operator.run(first_day, kind="trial", by="bram.visser")
    with operator.database.transaction() as tx:
        approving.approve_run(tx=tx, bill_run_id=trial.bill_run_id, by="fenna.prins", now=NOW)


def _clean(operator: BilledOperator, *months: date) -> None:
    for month in months:
        assert audit_month(database=operator.database, lake=operator.lake, period=bill_period(month)).differences == ()


def test_what_people_decided_comes_once_over_both_cycles(operator: BilledOperator) -> None:
    (one,) = operator.add("internet-100")
    operator.add("internet-100")
    _decided(operator, one)
    operator.run(OCTOBER)
    _move(operator, one)
    _approve(operator, NOVEMBER)
    assert operator.run(NOVEMBER, unapproved=False).held == 0, "a move that the trial knew changes nothing"
    _approve(operator, MIDDLE)
    assert operator.run(MIDDLE, unapproved=False).held == 0
    operator.run(DECEMBER)
    operator.run(date(2026, 12, 15))
    assert [_of(bill) for bill in operator.bills(one)] == [
        [Decimal("3.00"), Decimal("33.33")], [Decimal("33.33")], [Decimal("5.00")], [Decimal("7.00"), Decimal("33.34")],
    ]  # fmt: skip
    with operator.database.transaction() as tx:
        keys = [(bill.customer_id, bill.customer_bill_id) for bill in operator.bills(one)]
        assert [faults(render_ubl(view)) for view in invoice_views(tx=tx, keeper=operator.keeper, bills=keys, purpose="billing")] == [[]] * 4
    _clean(operator, OCTOBER, NOVEMBER, DECEMBER)


def test_a_move_after_the_approval_holds_the_account_and_bills_it_in_its_new_cycle(operator: BilledOperator) -> None:
    (one,) = operator.add("internet-100")
    operator.add("internet-100")
    _decided(operator, one)
    operator.run(OCTOBER)
    _approve(operator, NOVEMBER)
    _move(operator, one)
    assert operator.run(NOVEMBER, unapproved=False).held == 1, "its bill has a shorter period than was approved"
    operator.run(MIDDLE)
    assert [_of(bill) for bill in operator.bills(one)][1:] == [[Decimal("5.00"), Decimal("33.33")]]
    operator.run(date(2026, 12, 15))
    assert _of(operator.bills(one)[-1]) == [Decimal("7.00"), Decimal("33.34")]
    _clean(operator, OCTOBER, NOVEMBER, DECEMBER)


def test_departments_do_not_move_and_who_moves_is_no_department(operator: BilledOperator) -> None:
    own, (one, other) = company(operator, 2, records=0, offering="business-internet")
    join(operator, one, own)
    for each in (own, one):
        with pytest.raises(WrongState, match="is a department, or has departments"):
            _move(operator, each)
    _move(operator, other)
    with pytest.raises(WrongState, match="is to move to another bill day"):
        join(operator, other, own)
    with operator.database.transaction() as tx:
        party.take_back_cycle_move(tx=tx, billing_account_id=other.billing_account_id)
    join(operator, other, own, NOVEMBER)
    with pytest.raises(WrongState, match="is a department, or has departments"):
        _move(operator, other)  # it is to be one
    join(operator, other, None, NOVEMBER)
    _move(operator, other)
    operator.run(OCTOBER)
    operator.run(NOVEMBER)
    with pytest.raises(InvalidInput, match="differ in the field cycle_day"):
        join(operator, other, own, DECEMBER)
    assert {bill.billing_account_id for bill in operator.bills(own)} == {own.billing_account_id, other.billing_account_id}
    _clean(operator, OCTOBER, NOVEMBER)
