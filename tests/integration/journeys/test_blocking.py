"""Services that are blocked because of late bills: after a warning, those on the bills alone, never of what is contested, and until it is paid."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from factories.billed_operator import BilledOperator, Held, change
from hoeksteen.care import disputes
from hoeksteen.journeys import blocking
from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.product import blocking as blocks
from hoeksteen.product import operations as product
from hoeksteen.product import queries
from hoeksteen.product.model import NewProduct, NewTerm, ProductTerm
from hoeksteen.receivables import dunning, plans
from hoeksteen.receivables.operations import register_payment

POLICY = dunning.read_policy(
    "{minimum: 5, steps: [{kind: reminder, after_days: 7}, {kind: block_notice, after_days: 5}, {kind: block, after_days: 2, incoming_days: 10}]}"
)
WARNED, BLOCKED = date(2026, 11, 28), date(2026, 12, 13)  # bills of October are due on 16 November


def _now(day: date) -> datetime:
    return start_of_day(day) + timedelta(hours=8)


def _dun(operator: BilledOperator, day: date) -> blocking.Dunned:
    return blocking.dun(database=operator.database, day=day, now=_now(day), identifiers=operator.identifiers, policy=POLICY)


def _history(operator: BilledOperator, one: Held) -> list[tuple[date, str]]:
    with operator.database.transaction() as tx:
        terms: list[ProductTerm] = [term for term in queries.terms(tx=tx, customer_ids=[one.customer_id]) if term.product_id == one.product_id]
    return [(term.valid_from.date() + timedelta(days=1), term.status.value) for term in terms][1:]  # local days begin the evening before in UTC


def _messages(operator: BilledOperator, one: Held) -> list[tuple[str, dict[str, str]]]:
    with operator.database.transaction() as tx:
        sql = "SELECT kind, parameters FROM messages.message WHERE customer_id = %s AND kind LIKE 'services_%%' ORDER BY created_at, message_id"
        return [(row["kind"], row["parameters"]) for row in tx.rows(sql, (one.customer_id,))]


def _pay(operator: BilledOperator, one: Held, day: date) -> int:
    """Pay the bill, as the command line does, and say how many products work again."""
    with operator.database.transaction() as tx:
        register_payment(
            tx=tx, customer_id=one.customer_id, billing_account_id=one.billing_account_id, amount=Decimal("20.00"), received_on=day,
            reference=str(operator.bills(one)[0].bill_number), now=_now(day), identifiers=operator.identifiers,
        )  # fmt: skip
        return blocking.lift(tx=tx, customer_ids=[one.customer_id], day=day, now=_now(day), identifiers=operator.identifiers)


@pytest.fixture
def six(operator: BilledOperator) -> list[Held]:
    """Customers with a bill of 20.00 that was due on 16 November, reminded and warned."""
    found = [operator.add("mobile-m")[0] for _ in range(6)]
    operator.run(date(2026, 10, 1))
    _dun(operator, date(2026, 11, 23))
    assert _dun(operator, WARNED).run.steps == {"block_notice": 6}
    return found


def test_blocks_after_a_warning_what_is_not_paid_and_nothing_else(operator: BilledOperator, six: list[Held]) -> None:
    plain, contested, planned, excepted, changing, later = six
    newer = operator.identifiers.new(_now(WARNED))
    with operator.database.transaction() as tx:
        disputes.open_dispute(
            tx=tx, customer_id=contested.customer_id, customer_bill_id=operator.bills(contested)[0].customer_bill_id, about="amount", by="bram",
            now=_now(WARNED), identifiers=operator.identifiers,
        )  # fmt: skip
        plans.agree(
            tx=tx, customer_id=planned.customer_id, instalments=2, first_due=date(2026, 12, 20), by="bram", now=_now(WARNED),
            identifiers=operator.identifiers,
        )  # fmt: skip
        dunning.except_customer(
            tx=tx, customer_id=excepted.customer_id, kind="debt_counselling", from_day=WARNED, until_day=None, by="bram", now=_now(WARNED),
            identifiers=operator.identifiers,
        )  # fmt: skip
        term = NewTerm(start_of_day(date(2026, 12, 1)), None, "internet-100")
        product.add_products(
            tx=tx, products=[NewProduct(plain.customer_id, newer, plain.billing_account_id, date(2026, 12, 1), date(2026, 12, 1), (term,), (), ())]
        )  # fmt: skip
    change(operator, changing, "mobile-l", from_day=date(2027, 1, 1))
    assert _dun(operator, BLOCKED - timedelta(days=1)).run.steps == {}, "never within two weeks of the notice, whatever the policy says"
    done = _dun(operator, BLOCKED)
    assert (done.run.steps, done.blocked, done.left_open) == ({"block": 3}, 2, 1), "a plan that changes waits for a person"
    assert done.run.passed_by == {"disputed_or_collected": 1, "in_a_plan": 1, "excepted": 1}
    assert [_history(operator, one) for one in six] == [[(date(2026, 12, 14), "suspended")], [], [], [], [(date(2027, 1, 1), "active")],
                                                       [(date(2026, 12, 14), "suspended")]]  # fmt: skip
    with operator.database.transaction() as tx:
        [block] = blocks.blocks_of(tx=tx, customer_id=plain.customer_id)
        assert (block.product_id, block.emergency_calls, block.incoming_until) == (plain.product_id, True, date(2026, 12, 24)), "not the newer one"
    assert _messages(operator, plain) == [("services_blocked", {
        "bill_number": str(operator.bills(plain)[0].bill_number), "amount": "20.00", "from_day": "2026-12-14", "incoming_until": "2026-12-24",
    })]  # fmt: skip
    assert _messages(operator, changing) == [], "who keeps every service hears of none"
    again = _dun(operator, BLOCKED)
    assert (again.run.steps, again.blocked, again.lifted) == ({}, 0, 0), "the same day again changes nothing"
    _lifted(operator, plain, later)


def _lifted(operator: BilledOperator, paid: Held, planned: Held) -> None:
    """A payment and a payment plan lift a block; the days of it are not charged for."""
    assert _pay(operator, paid, date(2026, 12, 20)) == 1
    assert _history(operator, paid) == [(date(2026, 12, 14), "suspended"), (date(2026, 12, 20), "active")]
    assert [kind for kind, _ in _messages(operator, paid)] == ["services_blocked", "services_unblocked"]
    with operator.database.transaction() as tx:
        plans.agree(
            tx=tx, customer_id=planned.customer_id, instalments=2, first_due=date(2027, 1, 20), by="bram", now=_now(date(2026, 12, 21)),
            identifiers=operator.identifiers,
        )  # fmt: skip
    done = _dun(operator, date(2026, 12, 22))
    assert (done.lifted, done.blocked) == (1, 0)
    assert _history(operator, planned)[-1] == (date(2026, 12, 22), "active")
    operator.run(date(2026, 11, 1))
    operator.run(date(2026, 12, 1))
    days = [line for line in operator.bills(paid)[-1].rates if line.product_id == paid.product_id and line.kind == "recurring"]
    assert sum(((line.gross or line.net) for line in days), Decimal(0)) < 2 * Decimal("20.00"), [(line.period_from, line.gross) for line in days]


def test_a_payment_before_the_block_begins_leaves_no_trace_in_the_product(operator: BilledOperator, six: list[Held]) -> None:
    _dun(operator, BLOCKED)
    one = six[0]
    assert _pay(operator, one, BLOCKED) == 1
    assert _history(operator, one) == []
    with operator.database.transaction() as tx:
        product.terminate(tx=tx, customer_id=six[1].customer_id, product_id=six[1].product_id, from_day=date(2026, 12, 15), now=_now(BLOCKED))
        assert [one.lifted_from for one in blocks.blocks_of(tx=tx, customer_id=six[1].customer_id)] == [date(2026, 12, 15)], (
            "what ended is not blocked"
        )


def test_a_blocked_product_that_is_to_end_works_again_when_it_is_paid(operator: BilledOperator, six: list[Held]) -> None:
    """An end that is planned neither keeps a block nor takes it away; taken back, the block is as before."""
    _dun(operator, BLOCKED)
    paid, ended, back = six[:3]
    ends, begins = date(2026, 12, 31), BLOCKED + timedelta(days=1)
    with operator.database.transaction() as tx:
        for one, day in ((paid, ends), (ended, date(2026, 12, 18)), (back, ends)):
            product.terminate(tx=tx, customer_id=one.customer_id, product_id=one.product_id, from_day=day, now=_now(begins))
        product.take_back_termination(tx=tx, customer_id=back.customer_id, product_id=back.product_id, now=_now(begins))
        assert [one.lifted_from for one in blocks.blocks_of(tx=tx, customer_id=back.customer_id)] == [None]
    day = date(2026, 12, 20)
    assert [_pay(operator, one, day) for one in (paid, ended, back)] == [1, 0, 1]
    assert _history(operator, paid) == [(begins, "suspended"), (day, "active"), (ends, "terminated")]
    assert _history(operator, ended) == [(begins, "suspended"), (date(2026, 12, 18), "terminated")]
    assert _history(operator, back) == [(begins, "suspended"), (day, "active")]
    assert [len(_messages(operator, one)) for one in (paid, ended, back)] == [2, 1, 2], "nobody hears of what has ended"
    with operator.database.transaction() as tx:
        assert blocks.open_blocks(tx=tx, customer_ids=[one.customer_id for one in (paid, ended, back)]) == []
        [block] = blocks.blocks_of(tx=tx, customer_id=ended.customer_id)
        assert block.lifted_from == date(2026, 12, 18)


def test_a_blocked_product_that_ended_and_goes_on_after_all_works_again(operator: BilledOperator, six: list[Held]) -> None:
    """The block that a payment closed at the end holds again when the end is taken back, so that the next lift ends it."""
    _dun(operator, BLOCKED)
    begins, ends, back = BLOCKED + timedelta(days=1), date(2026, 12, 18), date(2026, 12, 22)
    one = six[0]
    with operator.database.transaction() as tx:
        product.terminate(tx=tx, customer_id=one.customer_id, product_id=one.product_id, from_day=ends, now=_now(begins))
    assert _pay(operator, one, date(2026, 12, 20)) == 0
    with operator.database.transaction() as tx:
        product.take_back_termination(tx=tx, customer_id=one.customer_id, product_id=one.product_id, now=_now(back))
        assert [block.lifted_from for block in blocks.blocks_of(tx=tx, customer_id=one.customer_id)] == [None]
        assert blocking.lift(tx=tx, customer_ids=[one.customer_id], day=back, now=_now(back), identifiers=operator.identifiers) == 1
        assert blocks.open_blocks(tx=tx, customer_ids=[one.customer_id]) == []
    assert _history(operator, one) == [(begins, "suspended"), (back, "active")]
    assert [kind for kind, _ in _messages(operator, one)] == ["services_blocked", "services_unblocked"]
