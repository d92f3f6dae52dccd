"""An account that moves to another bill day: its shorter period, its bills in both cycles, and what is refused."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from factories.billed_operator import NOW, BilledOperator, Held
from hoeksteen.billing import approving
from hoeksteen.billing.audit import audit_bills
from hoeksteen.billing.moving import move_cycle, stay
from hoeksteen.billing.queries import next_bill
from hoeksteen.journeys.balance import audit_month
from hoeksteen.kernel.errors import Conflict, InvalidInput, NotFound, WrongState
from hoeksteen.kernel.time_period import add_months, bill_period, start_of_day
from hoeksteen.party import operations as party
from hoeksteen.party.queries import billing_accounts
from hoeksteen.product import operations as product
from hoeksteen.product.model import NewProduct, NewTerm
from hoeksteen.usage.operations import close_period

OCTOBER, NOVEMBER, DECEMBER = date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1)
MIDDLE = date(2026, 11, 15)  # first day of the new cycle's period around the first of December


def move(operator: BilledOperator, one: Held, day: int = 15, from_day: date = DECEMBER, now: datetime = NOW) -> None:
    with operator.database.transaction() as tx:
        move_cycle(tx=tx, billing_account_id=one.billing_account_id, cycle_day=day, from_day=from_day, by="anna", now=now)


def cycle_day(operator: BilledOperator, one: Held) -> int:
    with operator.database.transaction() as tx:
        return billing_accounts(tx=tx, customer_id=one.customer_id)[0].cycle_day


def test_a_shorter_period_bridges_the_cycles_and_each_day_is_charged_once(operator: BilledOperator) -> None:
    (one,) = operator.add("internet-100")
    (stays,) = operator.add("internet-100")
    operator.run(OCTOBER)
    price = operator.charged(stays)[0][2]
    move(operator, one)
    assert cycle_day(operator, one) == 1
    assert operator.run(NOVEMBER, kind="trial").totals.count == 2
    preview = next_bill(database=operator.database, lake=operator.lake, customer_id=one.customer_id, now=NOW)
    operator.run(NOVEMBER)
    assert cycle_day(operator, one) == 15
    bridge = (price * 14 / 30).quantize(Decimal("0.01"))
    assert operator.bills(one)[-1].gross == preview.gross == bridge
    assert operator.run(DECEMBER, kind="trial").billing_accounts == 1, "the old cycle knows it no more"
    following = next_bill(database=operator.database, lake=operator.lake, customer_id=one.customer_id, now=NOW)
    assert (following.period, following.gross) == (bill_period(MIDDLE, cycle_day=15), price)
    operator.run(MIDDLE)
    operator.run(date(2026, 12, 15))
    assert operator.charged(one) == [
        (NOVEMBER, DECEMBER, price), (DECEMBER, date(2026, 12, 15), bridge), (date(2026, 12, 15), date(2027, 1, 15), price),
        (date(2027, 1, 15), date(2027, 2, 15), price),
    ]  # fmt: skip
    for month in (OCTOBER, NOVEMBER, DECEMBER):
        assert audit_bills(database=operator.database, lake=operator.lake, period=bill_period(month)).differences == ()
        assert audit_month(database=operator.database, lake=operator.lake, period=bill_period(month)).differences == ()


def test_an_end_in_the_shorter_period_gives_back_its_days(operator: BilledOperator) -> None:
    (one,) = operator.add("internet-100")
    operator.run(OCTOBER)
    price = operator.charged(one)[0][2]
    move(operator, one)
    operator.run(NOVEMBER)
    on = date(2026, 12, 8)
    with operator.database.transaction() as tx:
        product.terminate(tx=tx, customer_id=one.customer_id, product_id=one.product_id, from_day=on, now=start_of_day(on))
    operator.leave(one, on)
    cents = Decimal("0.01")
    assert sum(bill.gross for bill in operator.bills(one)) == price + (price * 7 / 30).quantize(cents)
    operator.run(MIDDLE)
    assert len(operator.bills(one)) == 3


def test_who_leaves_before_the_move_takes_it_back_first(operator: BilledOperator) -> None:
    (one,) = operator.add("internet-100")
    operator.run(OCTOBER)
    move(operator, one)
    on = date(2026, 11, 8)
    with operator.database.transaction() as tx:
        product.terminate(tx=tx, customer_id=one.customer_id, product_id=one.product_id, from_day=on, now=start_of_day(on))
    with pytest.raises(WrongState, match="is to move to another bill day"):
        operator.leave(one, on)
    with operator.database.transaction() as tx:
        party.take_back_cycle_move(tx=tx, billing_account_id=one.billing_account_id)
    operator.run(NOVEMBER)
    assert cycle_day(operator, one) == 1


def test_a_held_account_moves_and_is_billed_for_both_later(operator: BilledOperator) -> None:
    (one,) = operator.add("internet-100")
    operator.run(OCTOBER)
    price = operator.charged(one)[0][2]
    move(operator, one)
    with operator.database.transaction() as tx:
        approving.hold(tx=tx, billing_account_id=one.billing_account_id, by="bas", why="disputed address", now=NOW)
    assert operator.run(NOVEMBER).held == 1
    assert cycle_day(operator, one) == 15
    with operator.database.transaction() as tx:
        approving.release(tx=tx, billing_account_id=one.billing_account_id, by="bas", now=NOW)
    operator.run(MIDDLE)
    assert [bill.gross for bill in operator.bills(one)] == [price, price + (price * 14 / 30).quantize(Decimal("0.01"))]


def test_who_gets_usage_before_the_move_stays(operator: BilledOperator) -> None:
    (one,) = operator.add("internet-100")
    operator.run(OCTOBER)
    move(operator, one)
    term = NewTerm(start_of_day(date(2026, 11, 20)), None, "mobile-m")
    with operator.database.transaction() as tx:
        added = NewProduct(
            one.customer_id, operator.identifiers.new(NOW), one.billing_account_id, date(2026, 11, 20), date(2026, 11, 20), (term,), (), ()
        )
        product.add_products(tx=tx, products=[added])
    assert operator.run(NOVEMBER).held == 1
    assert cycle_day(operator, one) == 1
    assert operator.run(DECEMBER).totals.count == 1


def test_what_cannot_move_is_refused(operator: BilledOperator) -> None:
    one, other, metered = operator.add("internet-100")[0], operator.add("internet-100")[0], operator.add("mobile-m")[0]
    with pytest.raises(WrongState, match="has usage of mobile-m"):
        move(operator, metered)
    with pytest.raises(InvalidInput, match="cycle_day is 1"):
        move(operator, one, day=1)
    with pytest.raises(InvalidInput, match="no bill period of the account begins"):
        move(operator, one, from_day=date(2026, 12, 2))
    with pytest.raises(InvalidInput, match="more than a year ahead"):
        move(operator, one, from_day=date(2028, 1, 1))
    with operator.database.transaction() as tx, pytest.raises(NotFound):
        party.take_back_cycle_move(tx=tx, billing_account_id=one.billing_account_id)
    operator.run(OCTOBER)
    with pytest.raises(WrongState, match="is closed or billed already"):
        move(operator, one, from_day=NOVEMBER)
    with operator.database.transaction() as tx:
        close_period(tx=tx, period=bill_period(MIDDLE, cycle_day=15), now=NOW)
    with pytest.raises(WrongState, match="is closed or billed already"):
        move(operator, one)
    move(operator, one, day=20)
    with pytest.raises(Conflict, match="is to move already"):
        move(operator, one, day=25)
    with operator.database.transaction() as tx:
        tx.execute(
            "INSERT INTO billing.bill_run (bill_run_id, kind, cycle_day, period_from, period_to, bill_date, state, started_at)"
            " VALUES (gen_random_uuid(), 'trial', 1, '2026-11-01', '2026-12-01', '2026-12-01', 'running', now())"
        )
    with pytest.raises(WrongState, match="is under way"):
        move(operator, other, from_day=add_months(DECEMBER, 1))


def test_nobody_changes_a_move_while_the_run_that_makes_it_is_under_way(operator: BilledOperator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shorter period may be charged already: staying would charge its days a second time."""
    other, one = sorted((operator.add("internet-100")[0] for _ in range(2)), key=lambda each: each.customer_id)  # as a run goes through them
    operator.run(OCTOBER)
    move(operator, one)
    refused: list[str] = []

    def meanwhile(_: object) -> None:
        if refused:
            return
        with operator.database.transaction() as tx, pytest.raises(WrongState, match="under way") as error:
            stay(tx=tx, billing_account=billing_accounts(tx=tx, customer_id=one.customer_id)[0])
        refused.append(str(error.value))

    operator.run(NOVEMBER, batch=1, progress=meanwhile)
    assert (len(refused), cycle_day(operator, one), cycle_day(operator, other)) == (1, 15, 1)
    move(operator, other, from_day=date(2027, 1, 1))
    with operator.database.transaction() as tx:
        stay(tx=tx, billing_account=billing_accounts(tx=tx, customer_id=other.customer_id)[0])
        tx.execute("UPDATE party.cycle_move SET done = false WHERE billing_account_id = %s", (one.billing_account_id,))
    with operator.database.transaction() as tx:
        tx.execute("UPDATE party.billing_account SET cycle_day = 1 WHERE billing_account_id = %s", (one.billing_account_id,))
        tx.execute("UPDATE party.cycle_move SET from_day = '2027-01-01' WHERE billing_account_id = %s", (one.billing_account_id,))
    monkeypatch.setattr("hoeksteen.billing._writing.finish_cycle_moves", lambda *, tx, billing_account_ids: 0)
    with pytest.raises(Conflict, match="was to move to another bill day, and stays"):
        operator.run(DECEMBER)
