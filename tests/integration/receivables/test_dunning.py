"""Dunning on real parts: step by step, and everything that stops it."""

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import pytest

from factories.billed_operator import BilledOperator, Held
from hoeksteen.care import disputes
from hoeksteen.journeys import blocking
from hoeksteen.kernel.errors import InvalidInput, WrongState
from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.ledger.queries import trial_balance
from hoeksteen.receivables import dunning, outlook
from hoeksteen.receivables.dunning import DunningRun
from hoeksteen.receivables.operations import register_payment
from hoeksteen.receivables.queries import balance, open_items

DUE = date(2026, 11, 16)
REMINDED, WARNED = DUE + timedelta(days=7), DUE + timedelta(days=17)
CHARGED = date(2026, 12, 22)  # the letter of 3 December is delivered on the 5th, and its term ends on the 21st, a Monday


@pytest.fixture
def late(operator: BilledOperator) -> Held:
    """A customer with a bill of 20.00 that was due on 16 November."""
    (one,) = operator.add("mobile-m")
    operator.run(date(2026, 10, 1))
    return one


def _run(operator: BilledOperator, day: date) -> DunningRun:
    return blocking.dun(database=operator.database, day=day, now=start_of_day(day) + timedelta(hours=8), identifiers=operator.identifiers).run


def _pay(operator: BilledOperator, one: Held, amount: str, day: date) -> None:
    with operator.database.transaction() as tx:
        register_payment(
            tx=tx, customer_id=one.customer_id, billing_account_id=one.billing_account_id, amount=Decimal(amount), received_on=day,
            reference="", now=start_of_day(day) + timedelta(hours=9), identifiers=operator.identifiers,
        )  # fmt: skip


def _told(operator: BilledOperator) -> dict[str, dict[str, str]]:
    with operator.database.transaction() as tx:
        return {row["kind"]: row["parameters"] for row in tx.rows("SELECT kind, parameters FROM messages.message WHERE kind <> 'bill_ready'")}


def test_from_a_reminder_to_costs_that_are_paid(operator: BilledOperator, late: Held) -> None:
    assert _run(operator, REMINDED - timedelta(days=1)).steps == {}
    assert _run(operator, REMINDED).steps == {"reminder": 1}
    assert _run(operator, REMINDED).steps == {}, "the same day again changes nothing"
    assert _run(operator, WARNED - timedelta(days=1)).steps == {}
    assert _run(operator, WARNED).steps == {"fourteen_day_letter": 1}
    letter = _told(operator)["fourteen_day_letter"]
    assert (letter["amount"], letter["costs"], letter["until"]) == ("20.00", "40.00", "2026-12-21")
    assert _run(operator, CHARGED - timedelta(days=1)).steps == {}, "the last day is still free of costs"
    charged = _run(operator, CHARGED)
    assert (charged.steps, charged.costs) == ({"collection_costs": 1}, Decimal("40.00"))
    with operator.database.transaction() as tx:
        assert [(one.kind, one.open_amount) for one in open_items(tx=tx, customer_id=late.customer_id)] == [
            ("bill", Decimal("20.00")), ("fee", Decimal("40.00")),
        ]  # fmt: skip
        assert balance(tx=tx, customer_id=late.customer_id) == Decimal("60.00")
        books = {row.ledger_account_code: row.balance for row in trial_balance(tx=tx)}
        assert (books["8100"], sum(books.values())) == (Decimal("-40.00"), 0)
        assert outlook.ageing(tx=tx, as_of=CHARGED).difference == 0
    assert _run(operator, CHARGED + timedelta(days=7)).steps == {"block_notice": 1}
    assert _run(operator, CHARGED + timedelta(days=22)).steps == {"block": 1}
    assert _run(operator, CHARGED + timedelta(days=52)).steps == {"hand_over": 1}
    assert _run(operator, CHARGED + timedelta(days=60)).passed_by == {"with_a_person": 1}
    _pay(operator, late, "60.00", CHARGED + timedelta(days=61))
    assert _run(operator, CHARGED + timedelta(days=62)).closed == 1
    with operator.database.transaction() as tx:
        assert open_items(tx=tx, customer_id=late.customer_id) == []
        [case] = dunning.cases_of(tx=tx, customer_id=late.customer_id)
        assert ([step.kind for step in case.steps], case.closed_on) == (
            ["reminder", "fourteen_day_letter", "collection_costs", "block_notice", "block", "hand_over"], CHARGED + timedelta(days=62),
        )  # fmt: skip


def test_who_pays_within_the_term_of_the_letter_pays_no_costs(operator: BilledOperator, late: Held) -> None:
    for day in (REMINDED, WARNED):
        _run(operator, day)
    operator.run(date(2026, 11, 1), now=start_of_day(WARNED))
    _pay(operator, late, "20.00", CHARGED - timedelta(days=1))
    done = _run(operator, CHARGED)
    assert (done.closed, done.costs, done.steps) == (1, 0, {}), "the new bill is late too, and was in no letter"
    assert _run(operator, CHARGED + timedelta(days=1)).steps == {"reminder": 1}


def test_what_is_contested_is_never_asked_for(operator: BilledOperator, late: Held) -> None:
    _run(operator, REMINDED)
    bill = operator.bills(late)[0]
    now = start_of_day(REMINDED)
    with operator.database.transaction() as tx:
        arguments = {"tx": tx, "customer_id": late.customer_id, "customer_bill_id": bill.customer_bill_id, "by": "anna.dekker", "now": now}
        disputes.open_dispute(about="amount", identifiers=operator.identifiers, **arguments)  # type: ignore[arg-type]
        with pytest.raises(WrongState, match="contested already"):
            disputes.open_dispute(about="amount", identifiers=operator.identifiers, **arguments)  # type: ignore[arg-type]
        with pytest.raises(InvalidInput, match="about is one of"):
            disputes.open_dispute(about="Jan is boos", identifiers=operator.identifiers, **arguments)  # type: ignore[arg-type]
    for days in (0, 10, 100):
        done = _run(operator, WARNED + timedelta(days=days))
        assert (done.steps, done.passed_by, done.closed) == ({}, {"disputed_or_collected": 1}, 0)
    with operator.database.transaction() as tx:
        settled = disputes.settle_dispute(
            tx=tx, customer_id=late.customer_id, customer_bill_id=bill.customer_bill_id, outcome="rejected", by="anna.dekker", now=now
        )
        assert settled.outcome == "rejected"
        with pytest.raises(WrongState, match="not contested"):
            disputes.settle_dispute(
                tx=tx, customer_id=late.customer_id, customer_bill_id=bill.customer_bill_id, outcome="upheld", by="anna.dekker", now=now
            )
    assert _run(operator, WARNED + timedelta(days=101)).steps == {"fourteen_day_letter": 1}


def test_an_exception_holds_up_to_its_last_day(operator: BilledOperator, late: Held) -> None:
    with operator.database.transaction() as tx:
        arguments = {
            "tx": tx,
            "customer_id": late.customer_id,
            "from_day": DUE,
            "by": "anna",
            "now": start_of_day(DUE),
            "identifiers": operator.identifiers,
        }
        dunning.except_customer(kind="debt_counselling", until_day=REMINDED + timedelta(days=3), **arguments)  # type: ignore[arg-type]
        with pytest.raises(InvalidInput, match="An exception needs"):
            dunning.except_customer(kind="other", until_day=DUE, **arguments)  # type: ignore[arg-type]
    assert _run(operator, REMINDED + timedelta(days=2)).passed_by == {"excepted": 1}
    assert _run(operator, REMINDED + timedelta(days=3)).steps == {"reminder": 1}


def test_little_and_what_credit_covers_is_not_asked_for(operator: BilledOperator, late: Held) -> None:
    _pay(operator, late, "15.01", DUE)
    assert _run(operator, REMINDED).passed_by == {"below_minimum": 1}
    assert Counter(_told(operator)) == Counter()
