"""Payment plans on real parts: agreed, kept, broken, and what they hold back."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from factories.billed_operator import BilledOperator, Held
from hoeksteen.kernel.errors import InvalidInput, WrongState
from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.receivables import dunning, outlook, plans
from hoeksteen.receivables.operations import register_payment

NOW = start_of_day(date(2026, 12, 20)) + timedelta(hours=9)


@pytest.fixture
def late(operator: BilledOperator) -> Held:
    """A customer with two bills of 20.00, both late."""
    (one,) = operator.add("mobile-m")
    operator.run(date(2026, 10, 1))
    operator.run(date(2026, 11, 1))
    return one


def _agree(operator: BilledOperator, one: Held, parts: int = 3, first: date = date(2026, 12, 28), by: str = "anna") -> plans.Plan:
    with operator.database.transaction() as tx:
        return plans.agree(
            tx=tx, customer_id=one.customer_id, instalments=parts, first_due=first, by=by, now=NOW, identifiers=operator.identifiers
        )  # fmt: skip


def _pay(operator: BilledOperator, one: Held, amount: str, day: date) -> None:
    with operator.database.transaction() as tx:
        register_payment(
            tx=tx, customer_id=one.customer_id, billing_account_id=one.billing_account_id, amount=Decimal(amount), received_on=day,
            reference="", now=start_of_day(day) + timedelta(hours=9), identifiers=operator.identifiers,
        )  # fmt: skip


def _run(operator: BilledOperator, day: date) -> dunning.DunningRun:
    return dunning.run(database=operator.database, day=day, now=start_of_day(day) + timedelta(hours=8), identifiers=operator.identifiers)


def _state(operator: BilledOperator, one: Held) -> str:
    with operator.database.transaction() as tx:
        return plans.plans_of(tx=tx, customer_id=one.customer_id)[0].state


def test_a_plan_that_is_kept_holds_dunning_back(operator: BilledOperator, late: Held) -> None:
    plan = _agree(operator, late)
    assert [(one.due.isoformat(), str(one.amount)) for one in plan.instalments] == [
        ("2026-12-28", "13.33"), ("2027-01-28", "13.33"), ("2027-02-28", "13.34"),
    ]  # fmt: skip
    assert _run(operator, date(2026, 12, 29)).passed_by == {"in_a_plan": 1}
    _pay(operator, late, "13.33", date(2026, 12, 30))
    assert _run(operator, date(2027, 1, 20)).passed_by == {"in_a_plan": 1}
    with operator.database.transaction() as tx:
        found = outlook.forecast(tx=tx, as_of=date(2027, 1, 20), weeks=8)
        assert ([(one.first_day, one.instalments) for one in found.weeks if one.total], found.overdue) == (
            [(date(2027, 1, 25), Decimal("13.33")), (date(2027, 2, 22), Decimal("13.34"))], 0,
        )  # fmt: skip
    _pay(operator, late, "26.67", date(2027, 1, 28))
    assert (_run(operator, date(2027, 1, 29)).steps, _state(operator, late)) == ({}, "kept")


def test_a_plan_that_is_broken_is_over_after_some_days(operator: BilledOperator, late: Held) -> None:
    _agree(operator, late)
    assert _run(operator, date(2027, 1, 1)).passed_by == {"in_a_plan": 1}
    assert (_run(operator, date(2027, 1, 2)).steps, _state(operator, late)) == ({"reminder": 1}, "broken")
    _agree(operator, late)


@pytest.mark.parametrize(
    ("parts", "first", "by"),
    [
        (1, date(2026, 12, 28), "anna"), (25, date(2026, 12, 28), "anna"), (3, date(2026, 12, 31), "anna"), (3, date(2026, 12, 19), "anna"),
        (3, date(2027, 3, 1), "anna"), (3, date(2026, 12, 28), " "),
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_is_refused(operator: BilledOperator, late: Held, parts: int, first: date, by: str) -> None:
    with pytest.raises(InvalidInput):
        _agree(operator, late, parts, first, by)


def test_one_plan_at_a_time_and_of_something_owed(operator: BilledOperator, late: Held) -> None:
    (other,) = operator.add("mobile-m")
    with pytest.raises(WrongState, match="owes nothing"):
        _agree(operator, other)
    _agree(operator, late)
    with pytest.raises(WrongState, match="has a payment plan already"):
        _agree(operator, late)
