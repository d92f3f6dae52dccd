"""Final bills of accounts that leave: made at once, to the last day; late usage, a change of mind and the cycle's own run afterwards."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from factories.billed_operator import NOW, BilledOperator, Held, terminate
from hoeksteen.billing import _run, approving
from hoeksteen.billing.audit import audit_bills
from hoeksteen.billing.explaining import explain_line
from hoeksteen.billing.leaving import last_bills
from hoeksteen.billing.model import BillRunResult, CustomerBill, RateKind
from hoeksteen.billing.queries import next_bill
from hoeksteen.kernel.errors import Conflict, WrongState
from hoeksteen.kernel.time_period import bill_period, start_of_day
from hoeksteen.product import operations as product
from hoeksteen.rating.tables import CHARGE
from hoeksteen.usage.tables import GUIDED

OCTOBER, NOVEMBER, DECEMBER = date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1)
LAST = date(2026, 11, 21)  # the first day without anything
USAGE = (20_000, 350_000, 95_000, 100_000, 1_501, 333)  # micro-euros of the first record of each kind that the factory charges; each next is 7 more


def at(day: date) -> datetime:
    return start_of_day(day) + timedelta(hours=9)


def end(operator: BilledOperator, *held: Held, on: date = LAST) -> None:
    terminate(operator, *held, from_day=on, now=at(min(on, LAST)))


def take_back(operator: BilledOperator, one: Held, on: date) -> None:
    with operator.database.transaction() as tx:
        product.take_back_termination(tx=tx, customer_id=one.customer_id, product_id=one.product_id, now=at(on))


def final(operator: BilledOperator, one: Held, on: date = LAST) -> list[BillRunResult]:
    return operator.leave(one, on, now=at(on))


def replace_usage(operator: BilledOperator, one: Held, *, records: int) -> None:
    """Let November's charges be others, as when it is rated again with usage that came since."""
    with operator.lake.write(database=operator.database, write_id=operator.identifiers.new(NOW)) as write:
        for table in (CHARGE, GUIDED):
            write.replace(table, {"month": [202611]}, [])
    operator.charge([one], month=NOVEMBER, records=records)


def differences(operator: BilledOperator, month: date) -> tuple[object, ...]:
    return audit_bills(database=operator.database, lake=operator.lake, period=bill_period(month)).differences


def micro(bill: CustomerBill) -> int:
    return sum(rate.detail["amount_micro"] for rate in bill.rates if rate.kind is RateKind.USAGE)


def recurring(bill: CustomerBill) -> Decimal:
    return sum((rate.amount for rate in bill.rates if rate.kind is not RateKind.USAGE), Decimal(0))


def awaiting(operator: BilledOperator) -> set[object]:
    with operator.database.transaction() as tx:
        return {one for (one,) in tx.tuples("SELECT billing_account_id FROM billing.leaving_bill WHERE settled_by IS NULL")}


def test_who_leaves_is_billed_at_once_and_the_cycle_bills_nothing_twice(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m")
    (stays,) = operator.add("mobile-m")
    operator.charge([one, stays], month=OCTOBER, records=2)
    operator.run(OCTOBER)
    end(operator, one)
    operator.charge([one, stays], month=NOVEMBER, records=3)

    (result,) = final(operator, one)
    assert (result.kind, result.totals.count, result.held) == ("leaving", 1, 0)
    october, leaving = operator.bills(one)
    price = recurring(october)
    assert recurring(leaving) == -(price * 10 / 30).quantize(Decimal("0.01"))  # the 21st to the 30th of November, which October's bill charged
    assert micro(leaving) == sum(amount + record * 7 for amount in USAGE for record in range(3))
    assert awaiting(operator) == {one.billing_account_id}
    assert final(operator, one)[0].totals.count == 0, "asked again, nothing is left to bill"
    assert next_bill(database=operator.database, lake=operator.lake, customer_id=one.customer_id, now=at(LAST)).rates == ()
    assert differences(operator, NOVEMBER) == ()

    operator.run(NOVEMBER)
    assert [bill.customer_bill_id for bill in operator.bills(one)] == [october.customer_bill_id, leaving.customer_bill_id]
    assert len(operator.bills(stays)) == 2
    assert awaiting(operator) == set()
    assert differences(operator, NOVEMBER) == ()


def test_late_usage_comes_on_the_bill_of_the_cycle(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m")
    operator.run(OCTOBER)
    end(operator, one)
    operator.charge([one], month=NOVEMBER, records=2)
    final(operator, one)
    leaving = operator.bills(one)[-1]
    replace_usage(operator, one, records=5)
    preview = next_bill(database=operator.database, lake=operator.lake, customer_id=one.customer_id, now=at(LAST))

    operator.run(NOVEMBER)
    late = operator.bills(one)[-1]
    assert late.gross == preview.gross > 0
    assert micro(leaving) + micro(late) == sum(amount + record * 7 for amount in USAGE for record in range(5))
    assert {rate.kind for rate in late.rates} == {RateKind.USAGE}
    assert sum(int(rate.quantity) for rate in late.rates) == 3 * 6
    assert differences(operator, NOVEMBER) == ()
    with operator.database.transaction() as tx:
        told = explain_line(tx=tx, lake=operator.lake, bill_number=late.bill_number or "", line=1)
        first = explain_line(tx=tx, lake=operator.lake, bill_number=leaving.bill_number or "", line=2)
    assert ("billed before", f"{told.before:f} on {leaving.bill_number}") in told.facts
    assert told.flat == first.flat == 0 and len(told.records) == 5
    assert ("rated since", f"{first.since:f}") in first.facts


def test_usage_that_is_worth_less_by_then_is_given_back(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m")
    operator.run(OCTOBER)
    end(operator, one)
    operator.charge([one], month=NOVEMBER, records=4)
    final(operator, one)
    replace_usage(operator, one, records=1)
    operator.run(NOVEMBER)
    leaving, late = operator.bills(one)[-2:]
    assert late.gross < 0
    assert micro(leaving) + micro(late) == sum(USAGE)
    assert differences(operator, NOVEMBER) == ()


def test_a_termination_that_is_taken_back_is_charged_on(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m")
    (stays,) = operator.add("mobile-m")
    operator.run(OCTOBER)
    end(operator, one)
    final(operator, one)
    take_back(operator, one, LAST + timedelta(days=3))
    with operator.database.transaction() as tx:
        assert not last_bills(tx=tx, today=LAST + timedelta(days=3))
    end(operator, one, on=LAST + timedelta(days=60))
    with operator.database.transaction() as tx:
        assert not last_bills(tx=tx, today=LAST + timedelta(days=3)), "an end that is planned anew is to come"
        assert set(last_bills(tx=tx, today=LAST + timedelta(days=60), customer_ids=[one.customer_id])) == {one.billing_account_id}
        assert not last_bills(tx=tx, today=LAST + timedelta(days=60), customer_ids=[stays.customer_id])
    take_back(operator, one, LAST + timedelta(days=3))
    with pytest.raises(WrongState, match="no end"):
        final(operator, one, LAST + timedelta(days=3))
    operator.run(NOVEMBER)
    operator.run(DECEMBER)
    assert sum(bill.gross for bill in operator.bills(one)) == sum(bill.gross for bill in operator.bills(stays))
    assert len(operator.bills(one)) == 4


def test_who_leaves_after_the_cycle_ran_and_thinks_again_is_charged_on(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m")
    (stays,) = operator.add("mobile-m")
    operator.run(OCTOBER)
    end(operator, one)
    final(operator, one)
    operator.run(NOVEMBER)
    take_back(operator, one, DECEMBER)
    operator.run(DECEMBER)
    assert sum(bill.gross for bill in operator.bills(one)) == sum(bill.gross for bill in operator.bills(stays))


@pytest.mark.parametrize("again", [False, True])
def test_a_cycle_that_is_behind_gives_a_bill_per_open_period(operator: BilledOperator, again: bool) -> None:
    on = date(2026, 12, 11)
    (one,) = operator.add("mobile-m")
    (stays,) = operator.add("mobile-m")
    operator.run(OCTOBER)
    operator.charge([one], month=NOVEMBER, records=2)
    with operator.database.transaction() as tx:
        product.terminate(tx=tx, customer_id=one.customer_id, product_id=one.product_id, from_day=on, now=at(on))
    operator.charge([one], month=DECEMBER, records=1)
    november, december = final(operator, one, on)
    assert (november.period, december.period) == (bill_period(NOVEMBER), bill_period(DECEMBER))
    bills = operator.bills(one)[1:]
    price = recurring(operator.bills(one)[0])
    assert [recurring(bill) for bill in bills] == [(price * 10 / 31).quantize(Decimal("0.01")), 0]
    if again:
        take_back(operator, one, on + timedelta(days=2))
    operator.run(NOVEMBER)
    operator.run(DECEMBER)
    operator.run(date(2027, 1, 1))
    charged, whole = sum(recurring(bill) for bill in operator.bills(one)), sum(recurring(bill) for bill in operator.bills(stays))
    assert charged == (whole if again else price + (price * 10 / 31).quantize(Decimal("0.01")))
    assert sum(micro(bill) for bill in operator.bills(one)) == 3 * sum(USAGE) + 6 * 7
    assert differences(operator, NOVEMBER) == differences(operator, DECEMBER) == ()


def test_who_left_since_the_trial_is_not_held_by_the_run(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m")
    operator.add("mobile-m")
    operator.run(OCTOBER)
    operator.charge([one], month=NOVEMBER, records=1)
    trial = operator.run(NOVEMBER, kind="trial", by="anna")
    with operator.database.transaction() as tx:
        approving.approve_run(tx=tx, bill_run_id=trial.bill_run_id, by="bas", now=at(LAST))
    end(operator, one)
    final(operator, one)
    result = operator.run(NOVEMBER, unapproved=False)
    assert (result.totals.count, result.held) == (1, 0)
    assert differences(operator, NOVEMBER) == ()


def test_a_held_account_is_billed_for_the_period_that_held_it_first(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m")
    operator.charge([one], month=OCTOBER, records=1)
    with operator.database.transaction() as tx:
        approving.hold(tx=tx, billing_account_id=one.billing_account_id, by="bas", why="disputed address", now=NOW)
    operator.run(OCTOBER)
    end(operator, one)
    operator.charge([one], month=NOVEMBER, records=1)
    (still_held,) = final(operator, one)
    assert (still_held.kind, still_held.held) == ("off_cycle", 1), "nothing is billed while somebody holds the account"
    with operator.database.transaction() as tx:
        approving.release(tx=tx, billing_account_id=one.billing_account_id, by="bas", now=NOW)
    assert [result.kind for result in final(operator, one)] == ["off_cycle", "leaving"]
    assert [micro(bill) for bill in operator.bills(one)] == [sum(USAGE), sum(USAGE)]
    operator.run(NOVEMBER)
    assert len(operator.bills(one)) == 2
    assert differences(operator, OCTOBER) == differences(operator, NOVEMBER) == ()


def test_a_run_that_holds_who_left_leaves_the_rest_to_the_next(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m")
    operator.run(OCTOBER)
    end(operator, one)
    operator.charge([one], month=NOVEMBER, records=2)
    final(operator, one)
    replace_usage(operator, one, records=3)
    with operator.database.transaction() as tx:
        approving.hold(tx=tx, billing_account_id=one.billing_account_id, by="bas", why="disputed address", now=NOW)
    operator.run(NOVEMBER)
    assert awaiting(operator) == {one.billing_account_id} and len(operator.bills(one)) == 2
    assert differences(operator, NOVEMBER) == ()
    with operator.database.transaction() as tx:
        approving.release(tx=tx, billing_account_id=one.billing_account_id, by="bas", now=NOW)
    operator.run(DECEMBER)
    assert sum(micro(bill) for bill in operator.bills(one)) == sum(amount + record * 7 for amount in USAGE for record in range(3))
    assert awaiting(operator) == set()
    assert differences(operator, DECEMBER) == ()


def test_nobody_is_billed_as_leaving_who_holds_something_or_whose_cycle_is_being_billed(operator: BilledOperator) -> None:
    one, other = operator.add("mobile-m", "tv-basic")
    end(operator, one)
    with pytest.raises(WrongState, match="no product, or one that has no end"):
        final(operator, one)
    end(operator, other, on=LAST + timedelta(days=4))
    with pytest.raises(WrongState, match="has a product until 2026-11-25"):
        final(operator, one)
    with operator.database.transaction() as tx:
        tx.execute(
            "INSERT INTO billing.bill_run (bill_run_id, kind, cycle_day, period_from, period_to, bill_date, state, started_at)"
            " VALUES (gen_random_uuid(), 'final', 1, '2026-10-01', '2026-11-01', '2026-11-01', 'running', now())"
        )
    with pytest.raises(WrongState, match="are being made final"):
        final(operator, one, LAST + timedelta(days=4))


def test_a_run_of_the_cycle_that_begins_meanwhile_wins(operator: BilledOperator, monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = operator.add("mobile-m")
    operator.run(OCTOBER)
    end(operator, one)
    operator.charge([one], month=NOVEMBER, records=1)
    write = _run.write_batch

    def late(**given: Any) -> bool:
        monkeypatch.setattr(_run, "write_batch", write)
        operator.run(NOVEMBER)
        return write(**given)

    monkeypatch.setattr(_run, "write_batch", late)
    with pytest.raises(Conflict, match="are being made final"):
        final(operator, one)
    assert micro(operator.bills(one)[-1]) == sum(USAGE)
    assert len(operator.bills(one)) == 2
    assert differences(operator, NOVEMBER) == ()


def test_one_final_bill_leaves_another_that_is_being_made_alone(operator: BilledOperator, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = operator.add("mobile-m")[0], operator.add("mobile-s")[0]
    operator.run(OCTOBER)
    end(operator, one, other)
    write = _run.write_batch

    def meanwhile(**given: Any) -> bool:
        monkeypatch.setattr(_run, "write_batch", write)
        final(operator, other)
        return write(**given)

    monkeypatch.setattr(_run, "write_batch", meanwhile)
    final(operator, one)
    assert [len(operator.bills(each)) for each in (one, other)] == [2, 2]
