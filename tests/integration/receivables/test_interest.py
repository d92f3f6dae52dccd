"""Interest on late bills: shown, charged by a policy or by hand, once for each day, and taken back; the books say the same."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from factories.billed_operator import BilledOperator, Held
from hoeksteen.journeys.balance import audit_month
from hoeksteen.kernel.errors import InvalidInput, NotFound, WrongState
from hoeksteen.kernel.time_period import bill_period, start_of_day
from hoeksteen.ledger.queries import trial_balance
from hoeksteen.receivables import _interest_store, dunning, interest, outlook
from hoeksteen.receivables.operations import register_payment
from hoeksteen.receivables.queries import open_items

DUE = date(2026, 11, 16)
POLICY = dunning.read_policy("{minimum: 5, steps: [{kind: reminder, after_days: 7}, {kind: interest, after_days: 30}]}")


def _now(day: date) -> datetime:
    return start_of_day(day) + timedelta(hours=9)


def _dun(operator: BilledOperator, day: date) -> dunning.DunningRun:
    return dunning.run(database=operator.database, day=day, now=_now(day), identifiers=operator.identifiers, policy=POLICY)


def _accrued(operator: BilledOperator, one: Held, until: date) -> list[str]:
    with operator.database.transaction() as tx:
        return [str(each.amount) for each in interest.of_customer(tx=tx, customer_id=one.customer_id, until=until)]


def test_interest_is_shown_charged_once_a_day_and_taken_back(operator: BilledOperator) -> None:
    [one], [business] = operator.add("mobile-m"), operator.add("business-mobile", segment="business")
    operator.run(date(2026, 10, 1))
    gross = operator.bills(business)[0].gross
    first = DUE + timedelta(days=1)
    assert (_accrued(operator, one, first), _accrued(operator, one, first + timedelta(days=37))) == ([], ["0.08"])
    with operator.database.transaction() as tx:
        register_payment(
            tx=tx, customer_id=one.customer_id, billing_account_id=one.billing_account_id, amount=Decimal("10.00"), received_on=date(2026, 12, 17),
            reference="", now=_now(date(2026, 12, 17)), identifiers=operator.identifiers,
        )  # fmt: skip
        shown = outlook.ageing(tx=tx, as_of=date(2027, 2, 15))
    # 30 days on 20.00 (17 November to 16 December), 60 days on 10.00: 4 % of it; and of the business 90 days at 10.15 %
    days = (30 * 20 + 60 * 10) * Decimal("0.04") / 365
    both = days.quantize(Decimal("0.01")) + (90 * gross * Decimal("0.1015") / 365).quantize(Decimal("0.01"))
    assert (shown.interest, shown.difference) == (both, 0), "it is shown beside what the books say"
    _dun(operator, DUE + timedelta(days=7))
    charged = _dun(operator, date(2027, 2, 15))
    assert (charged.steps, charged.costs) == ({"interest": 2}, both)
    assert _accrued(operator, one, date(2027, 2, 15)) == [], "no day is charged twice"
    with operator.database.transaction() as tx:
        [_, fee] = open_items(tx=tx, customer_id=one.customer_id)
        assert (fee.kind, fee.reference, fee.open_amount) == ("interest", "statutory interest", days.quantize(Decimal("0.01")))
        books = {row.ledger_account_code: row.balance for row in trial_balance(tx=tx)}
        assert (books["8110"], books["8100"], sum(books.values())) == (-both, 0, 0)
        told = tx.rows("SELECT parameters FROM messages.message WHERE kind = 'interest_charged' AND customer_id = %s", (one.customer_id,))
        assert told[0]["parameters"] == {
            "bill_number": operator.bills(one)[0].bill_number, "amount": "10.00", "interest": "0.13", "since": "2026-11-17", "until": "2027-02-14",
            "rate": "4",
        }  # fmt: skip
    assert fee.customer_bill_id is not None
    later = {"tx": None, "by": "bram", "now": _now(date(2027, 2, 15)), "identifiers": operator.identifiers}
    with operator.database.transaction() as tx:
        later |= {"tx": tx}
        for attempt, error in (
            (lambda: interest.charge(customer_id=one.customer_id, **later), WrongState),
            (lambda: interest.waive(customer_id=business.customer_id, fee_id=fee.customer_bill_id, why="x", **later), NotFound),
            (lambda: interest.waive(customer_id=one.customer_id, fee_id=fee.customer_bill_id, why=" ", **later), InvalidInput),
            (lambda: interest.waive(customer_id=one.customer_id, fee_id=fee.customer_bill_id, why="NL91ABNA0417164300", **later), InvalidInput),
        ):
            with pytest.raises(error):
                attempt()
        waived = interest.waive(customer_id=one.customer_id, fee_id=fee.customer_bill_id, why="goodwill", **later)
        assert (waived.kind, waived.amount) == ("interest", Decimal("0.13"))
        with pytest.raises(WrongState, match="Nothing is open"):
            interest.waive(customer_id=one.customer_id, fee_id=fee.customer_bill_id, why="again", **later)
        assert [item.kind for item in open_items(tx=tx, customer_id=one.customer_id)] == ["bill"]
    assert _accrued(operator, one, date(2027, 2, 15)) == ["0.13"], "days that were taken back count as not charged"
    with operator.database.transaction() as tx:
        done = interest.charge(tx=tx, customer_id=one.customer_id, by="bram", now=_now(date(2027, 2, 16)), identifiers=operator.identifiers)
        assert [(each.since, each.until, str(each.amount)) for each in done] == [(date(2026, 11, 17), date(2027, 2, 16), "0.13")]
    assert not audit_month(database=operator.database, lake=operator.lake, period=bill_period(date(2027, 2, 1))).differences


def test_interest_that_was_paid_in_part_is_not_charged_again(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m")
    operator.run(date(2026, 10, 1))
    day = date(2027, 2, 15)
    common = {"by": "bram", "now": _now(day), "identifiers": operator.identifiers}
    with operator.database.transaction() as tx:
        [charged] = interest.charge(tx=tx, customer_id=one.customer_id, **common)
        bill, fee = open_items(tx=tx, customer_id=one.customer_id)
        register_payment(
            tx=tx, customer_id=one.customer_id, billing_account_id=one.billing_account_id, amount=bill.open_amount + Decimal("0.01"),
            received_on=day, reference="", now=_now(day), identifiers=operator.identifiers,
        )  # fmt: skip
        assert fee.customer_bill_id is not None
        waived = interest.waive(tx=tx, customer_id=one.customer_id, fee_id=fee.customer_bill_id, why="goodwill", **common)
        assert waived.amount == charged.amount - Decimal("0.01")
        assert _interest_store.charged_until(tx, [one.customer_id]) == {charged.customer_bill_id: day}
