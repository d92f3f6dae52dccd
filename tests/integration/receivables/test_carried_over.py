"""What customers owed in a system before this one: an open item like any other, from the conversion account to the last cent paid."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from factories.bank_files import Statement, camt, receipt
from factories.billed_operator import BilledOperator, Held
from hoeksteen.care import disputes
from hoeksteen.journeys import blocking
from hoeksteen.journeys.balance import audit_month
from hoeksteen.kernel.errors import Conflict, InvalidInput, WrongState
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.time_period import bill_period, start_of_day
from hoeksteen.ledger.operations import close_period
from hoeksteen.ledger.queries import trial_balance
from hoeksteen.receivables import bank, collecting, interest, outlook, settling
from hoeksteen.receivables.carried_over import (
    CarriedItem,
    CarriedMandate,
    carried_sums,
    carry_items,
    carry_mandates,
    claim_named,
    customers_with_settled_items,
    move_items,
    take_back,
)
from hoeksteen.receivables.mandates import active_mandate
from hoeksteen.receivables.model import OpenItem
from hoeksteen.receivables.operations import register_payment
from hoeksteen.receivables.queries import balance, open_items

CUTOVER = date(2026, 11, 1)
NOW = start_of_day(date(2026, 11, 2))
LATER = start_of_day(date(2026, 12, 20))


def _item(one: Held, number: str = "2026-100017", amount: str = "31.50", **changes: object) -> CarriedItem:
    given: dict[str, object] = {
        "customer_id": one.customer_id, "carried_item_id": derived("carried item", str(one.customer_id), number), "source": "fixed",
        "billing_account_id": one.billing_account_id, "source_key": derived("record", str(one.customer_id)), "origin": "Fixed line",
        "kind": "invoice", "reference": number, "bill_date": date(2026, 9, 20), "due_date": date(2026, 10, 4), "total": Decimal("40.00"),
        "amount": Decimal(amount),
    }  # fmt: skip
    return CarriedItem(**{**given, **changes})  # type: ignore[arg-type]


def _carry(operator: BilledOperator, *items: CarriedItem) -> date:
    with operator.database.transaction() as tx:
        return carry_items(tx=tx, items=items, cutover=CUTOVER, now=NOW)


def _open(operator: BilledOperator, one: Held) -> list[OpenItem]:
    with operator.database.transaction() as tx:
        items = open_items(tx=tx, customer_id=one.customer_id)
        assert sum((item.open_amount for item in items), Decimal(0)) == balance(tx=tx, customer_id=one.customer_id)
        rows = trial_balance(tx=tx)
    assert sum(row.balance for row in rows) == 0
    return items


def _amounts(items: Sequence[OpenItem]) -> list[tuple[str, str, str]]:
    return [(item.kind, item.reference, str(item.open_amount)) for item in items]


def _conversion(operator: BilledOperator) -> Decimal:
    with operator.database.transaction() as tx:
        return next((row.balance for row in trial_balance(tx=tx) if row.ledger_account_code == "0990"), Decimal(0))


def test_items_and_credit_are_owed_booked_and_audited(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m")
    (other,) = operator.add("mobile-s")
    credit = _item(other, "balance fixed", "-12.25", kind="balance", total=Decimal("-12.25"))
    assert _carry(operator, _item(one), credit) == CUTOVER
    (item,) = _open(operator, one)
    assert (item.kind, item.origin, item.carried_on, item.due_date) == ("bill", "Fixed line", CUTOVER, date(2026, 10, 4))
    assert _amounts(_open(operator, other)) == [("credit", "balance fixed", "-12.25")]
    assert _conversion(operator) == Decimal("-19.25")
    operator.run(date(2026, 11, 1))
    with operator.database.transaction() as tx:
        tx.see_one_moment()
        aged = outlook.ageing(tx=tx, as_of=date(2026, 11, 10))
        assert carried_sums(tx=tx, sources=["fixed"])["fixed"].net == Decimal("19.25")
        assert carried_sums(tx=tx, sources=["fixed"], without=[credit.source_key])["fixed"].credit_count == 0
    assert (aged.amounts["31_60"], aged.credit, aged.difference) == (Decimal("31.50"), Decimal("-12.25"), 0)
    assert audit_month(database=operator.database, lake=operator.lake, period=bill_period(date(2026, 11, 1))).differences == ()


def test_a_carried_item_is_carried_once(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m")
    _carry(operator, _item(one))
    with pytest.raises(Conflict):
        _carry(operator, _item(one))
    assert len(_open(operator, one)) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": Decimal(0)}, "amount"),
        ({"amount": Decimal("1.005")}, "amount"),
        ({"due_date": date(2026, 9, 19)}, "due before"),
        ({"reference": "nota van Jan; 12"}, "reference"),
    ],
)
def test_what_is_no_open_item_is_refused_whole(operator: BilledOperator, changes: dict[str, object], field: str) -> None:
    (one,) = operator.add("mobile-m")
    with pytest.raises(InvalidInput, match=field):
        _carry(operator, _item(one), _item(one, "2026-100018", **{"amount": "5.00", **changes}))  # type: ignore[arg-type]
    assert _open(operator, one) == []


def test_books_of_the_cutover_that_are_closed_take_it_on_the_first_open_day(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m")
    with operator.database.transaction() as tx:
        close_period(tx=tx, period=bill_period(date(2026, 11, 1)), by="Bram Visser", now=LATER)
    assert _carry(operator, _item(one)) == date(2026, 12, 1)
    assert _open(operator, one)[0].carried_on == date(2026, 12, 1)


def test_payers_name_the_former_number_by_hand_and_by_bank(operator: BilledOperator, tmp_path: Path) -> None:
    (one,) = operator.add("mobile-m")
    (other,) = operator.add("mobile-s")
    _carry(operator, _item(one), _item(one, "F/2026/900200", "10.00", bill_date=date(2026, 8, 1)), _item(other, "2026.100019", "7.00"))
    operator.run(date(2026, 10, 1))
    with operator.database.transaction() as tx:
        done = register_payment(
            tx=tx, customer_id=one.customer_id, billing_account_id=one.billing_account_id, amount=Decimal("31.50"), received_on=date(2026, 12, 1),
            reference="nota 2026100017, bedankt", now=LATER, identifiers=operator.identifiers,
        )  # fmt: skip
    assert (done.payment.reference, done.left) == ("2026-100017", 0)
    assert [item.reference for item in _open(operator, one)][0] == "F/2026/900200", "the one that was named came before the oldest"
    file = camt(
        tmp_path / "f.xml", Statement((receipt("10.00", "B-1", text="Fact. F/2026/900200 van Berg"), receipt("7.00", "B-2", text="2026-100019")))
    )
    taken = bank.take(database=operator.database, keeper=operator.keeper, path=file, now=LATER, identifiers=operator.identifiers)
    assert taken.count["payment: bill_named"] == 2
    assert [item.kind for item in _open(operator, one) if item.origin] == []
    assert [item.kind for item in _open(operator, other) if item.origin] == []


def test_a_number_of_two_customers_waits_for_a_person(operator: BilledOperator, tmp_path: Path) -> None:
    (one,) = operator.add("mobile-m")
    (other,) = operator.add("mobile-s")
    _carry(operator, _item(one, "1000017"), _item(other, "1000017", source="mobile", origin="Mobile"))
    file = camt(tmp_path / "f.xml", Statement((receipt("31.50", "B-1", text="1000017"),)))
    taken = bank.take(database=operator.database, keeper=operator.keeper, path=file, now=LATER, identifiers=operator.identifiers)
    assert taken.count["unmatched: bills_of_several_customers"] == 1
    with operator.database.transaction() as tx:
        with pytest.raises(Conflict, match="fixed/1000017, mobile/1000017|mobile/1000017, fixed/1000017"):
            claim_named(tx=tx, number="1000017")
        assert claim_named(tx=tx, number="mobile/1000017")[0] == other.customer_id


def _dun(operator: BilledOperator, day: date) -> dict[str, int]:
    found = blocking.dun(database=operator.database, day=day, now=start_of_day(day) + timedelta(hours=8), identifiers=operator.identifiers).run
    return dict(found.steps)


def test_dunning_knows_its_due_date_and_keeps_still_while_it_is_contested(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m")
    item = _item(one)
    _carry(operator, item)
    with operator.database.transaction() as tx:
        disputes.open_dispute(
            tx=tx, customer_id=one.customer_id, customer_bill_id=item.carried_item_id, about="amount", by="desk", now=NOW,
            identifiers=operator.identifiers,
        )  # fmt: skip
    assert _dun(operator, date(2026, 11, 20)) == {}
    with operator.database.transaction() as tx:
        whose, claim_id = claim_named(tx=tx, number="2026-100017")
        disputes.settle_dispute(tx=tx, customer_id=whose, customer_bill_id=claim_id, outcome="rejected", by="desk", now=NOW)
    assert _dun(operator, date(2026, 11, 20)) == {"reminder": 1}
    with operator.database.transaction() as tx:
        (accrued,) = interest.of_customer(tx=tx, customer_id=one.customer_id, until=date(2026, 11, 20))
    assert accrued.since == CUTOVER, "what the former system charged before is not known"


def test_what_is_given_up_of_it_has_no_vat_here(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m")
    _carry(operator, _item(one))
    with operator.database.transaction() as tx:
        done = settling.write_off(tx=tx, bill_number="2026-100017", why="bankrupt", by="Bram Visser", now=LATER, identifiers=operator.identifiers)
    assert (done.amount, done.vat) == (Decimal("31.50"), 0)
    assert _open(operator, one) == []
    assert audit_month(database=operator.database, lake=operator.lake, period=bill_period(date(2026, 12, 1))).differences == ()


def test_a_used_mandate_collects_a_carried_item_as_one_of_many(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m", payment_method="direct_debit")
    (fresh,) = operator.add("mobile-m", payment_method="direct_debit")
    _carry(operator, _item(one), _item(fresh, "2026-100018", "5.00"))
    given = [
        CarriedMandate(whose.customer_id, derived("mandate", str(whose.customer_id)), whose.billing_account_id, date(2019, 3, 1), used)
        for whose, used in ((one, True), (fresh, False))
    ]
    with operator.database.transaction() as tx:
        carry_mandates(tx=tx, mandates=given, by="consolidation", now=NOW)
        carry_mandates(tx=tx, mandates=given, by="consolidation", now=NOW)
        found = [active_mandate(tx=tx, customer_id=whose.customer_id, billing_account_id=whose.billing_account_id) for whose in (one, fresh)]
        assert [(mandate.is_first, mandate.reference) for mandate in found] == [(False, None), (True, None)]
        prepared = collecting.prepare(tx=tx, collection_day=date(2026, 11, 20), by="Bram Visser", now=NOW, identifiers=operator.identifiers)
    assert (prepared.run.count, prepared.run.amount) == (1, Decimal("31.50"))
    assert prepared.passed_by["mandate_lapsed"] == 1, "signed in 2019 and never used"


def _move(operator: BilledOperator, item_id: UUID, to: Held) -> list[UUID]:
    with operator.database.transaction() as tx:
        return move_items(
            tx=tx, carried_item_ids=[item_id], customer_id=to.customer_id, billing_account_id=to.billing_account_id, now=LATER
        )  # fmt: skip


def test_an_item_moves_with_its_money_and_back(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m")
    (other,) = operator.add("mobile-s")
    item = _item(one)
    _carry(operator, item)
    assert _move(operator, item.carried_item_id, other) == []
    assert (_open(operator, one), _amounts(_open(operator, other))) == ([], [("bill", "2026-100017", "31.50")])
    with operator.database.transaction() as tx:
        register_payment(
            tx=tx, customer_id=other.customer_id, billing_account_id=other.billing_account_id, amount=Decimal("1.50"), received_on=date(2026, 12, 1),
            reference="", now=LATER, identifiers=operator.identifiers,
        )  # fmt: skip
    assert _move(operator, item.carried_item_id, one) == [item.carried_item_id], "what was paid stays where it was paid"
    assert _amounts(_open(operator, other)) == [("bill", "2026-100017", "30.00")]
    with operator.database.transaction() as tx:
        assert customers_with_settled_items(tx=tx, customer_ids=[one.customer_id, other.customer_id]) == {other.customer_id}
        with pytest.raises(WrongState, match="settled"):
            take_back(tx=tx, customer_ids=[other.customer_id], mandate_ids=(), now=LATER)
    assert audit_month(database=operator.database, lake=operator.lake, period=bill_period(date(2026, 12, 1))).differences == ()
