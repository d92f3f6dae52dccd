"""Payments against bills, on real parts: what is settled, what is left, and that it is what the books say."""

from datetime import date
from decimal import Decimal

import pytest

from factories.billed_operator import BilledOperator, Held, terminate
from hoeksteen.billing.legal_entity import payment_reference
from hoeksteen.kernel.errors import InvalidInput, NotFound
from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.receivables.model import RegisteredPayment
from hoeksteen.receivables.operations import register_payment
from hoeksteen.receivables.queries import balance, open_items, payments_of

NOW = start_of_day(date(2026, 12, 20))


def _pay(operator: BilledOperator, one: Held, amount: str, reference: str = "", day: date = date(2026, 12, 10)) -> RegisteredPayment:
    with operator.database.transaction() as tx:
        return register_payment(
            tx=tx, customer_id=one.customer_id, billing_account_id=one.billing_account_id, amount=Decimal(amount), received_on=day,
            reference=reference, now=NOW, identifiers=operator.identifiers,
        )  # fmt: skip


def _open(operator: BilledOperator, one: Held) -> list[tuple[str, str]]:
    with operator.database.transaction() as tx:
        items = open_items(tx=tx, customer_id=one.customer_id)
        assert sum((item.open_amount for item in items), Decimal(0)) == balance(tx=tx, customer_id=one.customer_id)
    return [(item.kind, str(item.open_amount)) for item in items]


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


@pytest.mark.parametrize("reference", ["LLT-2026-00000002", "betreft llt 2026 00000002", payment_reference("LLT-2026-00000002"), "RF"])
def test_the_bill_that_is_named_comes_first(operator: BilledOperator, billed: Held, reference: str) -> None:
    done = _pay(operator, billed, "20.00", reference)
    with operator.database.transaction() as tx:
        left = [item.reference for item in open_items(tx=tx, customer_id=billed.customer_id)]
    named = "2026" in reference and not reference.startswith("betreft")
    assert left == (["LLT-2026-00000001"] if named else ["LLT-2026-00000002"])
    assert done.left == 0


def test_what_is_too_much_stays_to_the_customers_credit(operator: BilledOperator, billed: Held) -> None:
    done = _pay(operator, billed, "50.00", day=date(2026, 12, 11))
    assert done.left == Decimal("10.00")
    assert _open(operator, billed) == [("payment", "-10.00")]
    with operator.database.transaction() as tx:
        assert [str(payment.amount) for payment in payments_of(tx=tx, customer_id=billed.customer_id)] == ["50.00"]


def test_a_credit_note_is_an_open_item_of_its_own(operator: BilledOperator, billed: Held) -> None:
    terminate(operator, billed, from_day=date(2026, 12, 1))
    operator.run(date(2026, 12, 1))
    assert _open(operator, billed) == [("bill", "20.00"), ("bill", "20.00"), ("credit", "-20.00")]
    _pay(operator, billed, "20.00")
    assert _open(operator, billed) == [("bill", "20.00"), ("credit", "-20.00")]


@pytest.mark.parametrize("amount", ["0", "-1.00", "1.001", "NaN", "Infinity"])
def test_what_is_no_money_is_refused(operator: BilledOperator, billed: Held, amount: str) -> None:
    with pytest.raises(InvalidInput, match="amount"):
        _pay(operator, billed, amount)


def test_the_future_and_somebody_elses_account_are_refused(operator: BilledOperator, billed: Held) -> None:
    (other,) = operator.add("mobile-s")
    with pytest.raises(InvalidInput, match="future"):
        _pay(operator, billed, "1.00", day=date(2027, 1, 1))
    with pytest.raises(NotFound):
        _pay(operator, Held(billed.customer_id, billed.party_id, other.billing_account_id, billed.product_id, ""), "1.00")
    assert _open(operator, billed) == [("bill", "20.00"), ("bill", "20.00")]
