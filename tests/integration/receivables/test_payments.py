"""Payments against bills, on real parts: what is settled, what is left, and that it is what the books say."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import pytest

from factories.billed_operator import BilledOperator, Held, terminate
from hoeksteen.billing.legal_entity import payment_reference
from hoeksteen.kernel.errors import Conflict, InvalidInput, NotFound
from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.receivables.model import RegisteredPayment
from hoeksteen.receivables.operations import register_payment
from hoeksteen.receivables.queries import balance, open_items

NOW = start_of_day(date(2026, 12, 20))


def _pay(
    operator: BilledOperator, one: Held, amount: str, reference: str = "", day: date = date(2026, 12, 10), bank: str | None = None
) -> RegisteredPayment:
    with operator.database.transaction() as tx:
        return register_payment(
            tx=tx, customer_id=one.customer_id, billing_account_id=one.billing_account_id, amount=Decimal(amount), received_on=day,
            reference=reference, bank_reference=bank, now=NOW, identifiers=operator.identifiers,
        )  # fmt: skip


def _open(operator: BilledOperator, one: Held) -> list[tuple[str, str]]:
    with operator.database.transaction() as tx:
        items = open_items(tx=tx, customer_id=one.customer_id)
        assert sum((item.open_amount for item in items), Decimal(0)) == balance(tx=tx, customer_id=one.customer_id)
    return [(item.kind, str(item.open_amount)) for item in items]


def _left(operator: BilledOperator, one: Held) -> list[str]:
    with operator.database.transaction() as tx:
        return [item.reference for item in open_items(tx=tx, customer_id=one.customer_id)]


@pytest.fixture
def billed(operator: BilledOperator) -> Held:
    """A customer with two bills of 20.00."""
    (one,) = operator.add("mobile-m")
    operator.run(date(2026, 10, 1))
    operator.run(date(2026, 11, 1))
    return one


def test_a_payment_without_a_reference_settles_the_oldest_bill(operator: BilledOperator, billed: Held) -> None:
    assert _open(operator, billed) == [("bill", "20.00"), ("bill", "20.00")]
    done = _pay(operator, billed, "25.00")
    assert ([str(one.amount) for one in done.allocations], done.left) == (["20.00", "5.00"], Decimal("0.00"))
    assert _open(operator, billed) == [("bill", "15.00")]


@pytest.mark.parametrize("reference", ["LLT-2026-00000002", "betreft llt 2026 00000002", payment_reference("LLT-2026-00000002")])
def test_the_bill_that_is_named_comes_first(operator: BilledOperator, billed: Held, reference: str) -> None:
    done = _pay(operator, billed, "20.00", reference)
    assert _left(operator, billed) == ["LLT-2026-00000001"]
    assert (done.payment.reference, done.left) == ("LLT-2026-00000002", 0)


@pytest.mark.parametrize("reference", ["RF", "voor Jan van den Berg", "LLT-2019-00000001"])
def test_a_reference_that_names_no_bill_settles_the_oldest_and_is_not_kept(operator: BilledOperator, billed: Held, reference: str) -> None:
    done = _pay(operator, billed, "20.00", reference)
    assert (_left(operator, billed), done.payment.reference, done.left) == (["LLT-2026-00000002"], "", 0)


def test_a_bill_that_is_settled_already_leaves_the_payment_to_the_others(operator: BilledOperator, billed: Held) -> None:
    _pay(operator, billed, "20.00", "LLT-2026-00000002")
    done = _pay(operator, billed, "20.00", "LLT-2026-00000002", day=date(2026, 12, 11))
    assert (_open(operator, billed), done.left) == ([], 0)


def test_a_payment_for_somebody_elses_bill_is_refused(operator: BilledOperator, billed: Held) -> None:
    (other,) = operator.add("mobile-s")
    with pytest.raises(InvalidInput, match="LLT-2026-00000001, a bill of another customer"):
        _pay(operator, other, "20.00", "LLT-2026-00000001")
    assert _open(operator, other) == []


def test_a_booking_of_the_bank_is_registered_once(operator: BilledOperator, billed: Held) -> None:
    first = _pay(operator, billed, "25.00", bank="NL-2026/12/10-77")
    again = _pay(operator, billed, "25.00", bank="NL-2026/12/10-77")
    assert (again.repeated, again.payment, again.left, again.settled) == (True, first.payment, first.left, first.settled)
    assert set(again.allocations) == set(first.allocations)
    assert _open(operator, billed) == [("bill", "15.00")]
    another = _pay(operator, billed, "25.00", bank="NL-2026/12/10-78")
    assert (another.repeated, another.left) == (False, Decimal("10.00"))


@pytest.mark.parametrize(("amount", "day"), [("24.00", date(2026, 12, 10)), ("25.00", date(2026, 12, 11))])
def test_a_bank_reference_of_another_payment_is_refused(operator: BilledOperator, billed: Held, amount: str, day: date) -> None:
    _pay(operator, billed, "25.00", bank="77")
    with pytest.raises(Conflict, match="The bank reference 77 belongs to a payment of 25.00 on 2026-12-10"):
        _pay(operator, billed, amount, day=day, bank="77")
    (other,) = operator.add("mobile-s")
    with pytest.raises(Conflict, match="belongs to a payment"):
        _pay(operator, other, "25.00", bank="77")
    assert _open(operator, billed) == [("bill", "15.00")]


def test_the_same_payment_twice_without_a_bank_reference_is_refused(operator: BilledOperator, billed: Held) -> None:
    _pay(operator, billed, "20.00")
    with pytest.raises(Conflict, match="A payment of 20.00 was registered for this account on 2026-12-10 already"):
        _pay(operator, billed, "20.00")
    _pay(operator, billed, "20.00", bank="78")
    assert _open(operator, billed) == []


def test_two_hands_at_once_register_a_booking_once(operator: BilledOperator, billed: Held) -> None:
    with ThreadPoolExecutor(4) as hands:
        done = list(hands.map(lambda _: _pay(operator, billed, "25.00", bank="79"), range(4)))
    assert sorted(one.repeated for one in done) == [False, True, True, True]
    assert _open(operator, billed) == [("bill", "15.00")]


def test_what_is_too_much_stays_to_the_customers_credit_and_settles_the_next_bill_first(operator: BilledOperator, billed: Held) -> None:
    done = _pay(operator, billed, "50.00", day=date(2026, 12, 11))
    assert done.left == Decimal("10.00")
    assert _open(operator, billed) == [("payment", "-10.00")]
    operator.run(date(2026, 12, 1))
    assert _open(operator, billed) == [("payment", "-10.00"), ("bill", "20.00")]
    later = _pay(operator, billed, "15.00", day=date(2026, 12, 12))
    assert [(one.source_id, str(one.amount)) for one in later.allocations] == [
        (done.payment.payment_id, "10.00"), (later.payment.payment_id, "10.00"),
    ]  # fmt: skip
    assert _open(operator, billed) == [("payment", "-5.00")]


def test_a_credit_note_settles_what_is_owed_with_the_next_payment(operator: BilledOperator, billed: Held) -> None:
    terminate(operator, billed, from_day=date(2026, 12, 1))
    operator.run(date(2026, 12, 1))
    assert _open(operator, billed) == [("bill", "20.00"), ("bill", "20.00"), ("credit", "-20.00")]
    done = _pay(operator, billed, "25.00")
    assert (_open(operator, billed), done.left, done.settled) == ([("payment", "-5.00")], Decimal("5.00"), Decimal("20.00"))


def test_the_bill_that_is_named_is_settled_by_the_payment_and_the_oldest_by_the_credit(operator: BilledOperator, billed: Held) -> None:
    terminate(operator, billed, from_day=date(2026, 12, 1))
    operator.run(date(2026, 12, 1))
    done = _pay(operator, billed, "5.00", "LLT-2026-00000002")
    assert [str(one.amount) for one in done.allocations] == ["5.00", "20.00"]
    assert _open(operator, billed) == [("bill", "15.00")]


@pytest.mark.parametrize("amount", ["0", "-1.00", "1.001", "NaN", "Infinity"])
def test_what_is_no_money_is_refused(operator: BilledOperator, billed: Held, amount: str) -> None:
    with pytest.raises(InvalidInput, match="amount"):
        _pay(operator, billed, amount)


def test_the_future_and_somebody_elses_account_are_refused(operator: BilledOperator, billed: Held) -> None:
    (other,) = operator.add("mobile-s")
    with pytest.raises(InvalidInput, match="future"):
        _pay(operator, billed, "1.00", day=date(2027, 1, 1))
    with pytest.raises(InvalidInput, match="bank_reference"):
        _pay(operator, billed, "1.00", bank="voor Jan, van ons")
    with pytest.raises(NotFound):
        _pay(operator, Held(billed.customer_id, billed.party_id, other.billing_account_id, billed.product_id, ""), "1.00")
    assert _open(operator, billed) == [("bill", "20.00"), ("bill", "20.00")]
