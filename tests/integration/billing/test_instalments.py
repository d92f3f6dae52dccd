"""Sales in monthly parts: VAT on the first bill, every part once, the books to the cent, whatever ends the plan."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from factories.billed_operator import NOW, BilledOperator, Held, terminate
from fixtures.en16931 import faults
from fixtures.four_faces import of_ledger, of_pdf, of_ubl
from hoeksteen.billing import instalments
from hoeksteen.billing.audit import audit_bills
from hoeksteen.billing.documents import invoice_views, render_pdf, render_ubl
from hoeksteen.billing.explaining import explain_line
from hoeksteen.billing.instalments import InstalmentPlan
from hoeksteen.billing.model import CustomerBill
from hoeksteen.billing.wording import line_text
from hoeksteen.journeys.balance import audit_month
from hoeksteen.kernel.errors import InvalidInput, NotFound, WrongState
from hoeksteen.kernel.time_period import add_months, bill_period
from hoeksteen.ledger.queries import sums_by_reference, trial_balance
from hoeksteen.receivables.crediting import credit_and_settle

OCTOBER, NOVEMBER, DECEMBER = (date(2026, month, 1) for month in (10, 11, 12))
EARLY = datetime(2026, 10, 20, 9, tzinfo=UTC)


def _agree(operator: BilledOperator, one: Held, amount: str = "100.00", **more: Any) -> InstalmentPlan:
    said = {"kind": "device", "parts": 3, "why": "order 12", **more}
    with operator.database.transaction() as tx:
        return instalments.agree(
            tx=tx, billing_account_id=one.billing_account_id, amount=Decimal(amount), by="anna", now=EARLY, identifiers=operator.identifiers, **said
        )  # fmt: skip


def _sold(bill: CustomerBill) -> list[tuple[str, Decimal, str]]:
    return [
        (line_text(rate=rate, offerings={}, language="en").description, rate.amount, rate.tax_category)
        for rate in bill.rates
        if rate.detail.get("instalment")
    ]


def _asset(operator: BilledOperator, until: date = date(2030, 1, 1)) -> Decimal:
    with operator.database.transaction() as tx:
        return next((one.balance for one in trial_balance(tx=tx, until=until) if one.ledger_account_code == "1320"), Decimal(0))


def _differences(operator: BilledOperator, month: date) -> list[tuple[str, Decimal, Decimal]]:
    found = audit_month(database=operator.database, lake=operator.lake, period=bill_period(month)).differences
    return [(one.check, one.expected, one.found) for one in found]


def _faces_agree(operator: BilledOperator, bill: CustomerBill) -> None:

    with operator.database.transaction() as tx:
        (view,) = invoice_views(tx=tx, keeper=operator.keeper, bills=[(bill.customer_id, bill.customer_bill_id)], purpose="billing")
        booked = sums_by_reference(tx=tx, source="bill", references=[bill.customer_bill_id])[bill.customer_bill_id]
    ubl, number = render_ubl(view), str(bill.bill_number)
    assert faults(ubl) == []
    assert of_ubl(ubl).gross == of_pdf(render_pdf(view)).gross == of_ledger(number, booked).gross == bill.gross


def test_a_handset_in_three_parts(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m")
    plan = _agree(operator, one, product_id=one.product_id, on_end="falls_due")
    operator.run(kind="trial")
    operator.run()
    (first,) = operator.bills(one)
    assert _sold(first) == [
        ("Device", Decimal("100.00"), "S"), ("Device, to be paid in 3 instalments", Decimal("-100.00"), "O"),
        ("Device, instalment 1 of 3", Decimal("33.33"), "O"),
    ]  # fmt: skip
    assert first.gross == Decimal("53.33") and {tax.tax_category: tax.tax for tax in first.taxes} == {"S": Decimal("20.83"), "O": Decimal("0.00")}
    _faces_agree(operator, first)
    assert _asset(operator) == Decimal("66.67")
    with operator.database.transaction() as tx:
        facts = dict(explain_line(tx=tx, lake=operator.lake, bill_number=str(first.bill_number), line=first.rates[-1].line).facts)
        assert (facts["of plan"], facts["part"], facts["agreed by"]) == (str(plan.instalment_plan_id), "1 to 1 of 3", "anna")
        for lines in (None, {first.rates[-3].line: None}):
            with pytest.raises(WrongState, match="paid in parts"):
                credit_and_settle(tx=tx, number=str(first.bill_number), lines=lines, why="x", by="bas", now=NOW, identifiers=operator.identifiers)
    operator.run(NOVEMBER)
    second = operator.bills(one)[1]
    assert _sold(second) == [("Device, instalment 2 of 3", Decimal("33.33"), "O")]
    with operator.database.transaction() as tx:
        credited = credit_and_settle(
            tx=tx, number=str(second.bill_number), lines={second.rates[-1].line: Decimal("5.00")}, why="scratched", by="bas", now=NOW,
            identifiers=operator.identifiers,
        )  # fmt: skip
        with pytest.raises(WrongState, match="credit note"):
            instalments.take_back(tx=tx, instalment_plan_id=plan.instalment_plan_id, by="bas", now=NOW)
    assert credited.note.gross == Decimal("-5.00") and _asset(operator) == Decimal("33.34")
    operator.run(DECEMBER)
    assert _sold(operator.bills(one)[-1]) == [("Device, instalment 3 of 3", Decimal("33.34"), "O")]
    operator.run(date(2027, 1, 1))
    assert _sold(operator.bills(one)[-1]) == [] and _asset(operator) == 0
    with operator.database.transaction() as tx:
        (done,) = instalments.plans_of(tx=tx, customer_id=one.customer_id)
    assert (done.standing, done.left, done.billed, done.parts_billed) == ("done", Decimal("0.00"), Decimal("100.00"), 3)
    assert [found for months in range(4) for found in _differences(operator, add_months(OCTOBER, months))] == []


def test_what_ends_a_plan(operator: BilledOperator) -> None:
    held = [operator.add("mobile-m")[0] for _ in range(5)]
    falls_due, stops, settled, returned, business = (*held[:4], operator.add("business-mobile", segment="business")[0])
    _agree(operator, falls_due, product_id=falls_due.product_id, on_end="falls_due")
    _agree(operator, stops, product_id=stops.product_id, on_end="stops")
    early, back = _agree(operator, settled), _agree(operator, returned)
    net = _agree(operator, business)
    gone = _agree(operator, held[4])
    with operator.database.transaction() as tx:
        assert instalments.take_back(tx=tx, instalment_plan_id=gone.instalment_plan_id, by="bas", now=EARLY).standing == "withdrawn"
    assert (net.amount, net.total) == (Decimal("100.00"), Decimal("121.00"))
    operator.run()
    assert _sold(operator.bills(held[4])[0]) == []
    (first,) = operator.bills(business)
    assert [amount for _, amount, _ in _sold(first)] == [Decimal("100.00"), Decimal("-121.00"), Decimal("40.33")]
    _faces_agree(operator, first)
    terminate(operator, falls_due, from_day=date(2026, 11, 20))
    terminate(operator, stops, from_day=date(2026, 11, 20))
    with operator.database.transaction() as tx:
        instalments.settle(tx=tx, instalment_plan_id=early.instalment_plan_id, by="bas", now=NOW)
        with pytest.raises(WrongState, match="settled"):
            instalments.settle(tx=tx, instalment_plan_id=early.instalment_plan_id, by="bas", now=NOW)
        instalments.take_back(tx=tx, instalment_plan_id=back.instalment_plan_id, by="bas", now=NOW)
        assert instalments.settle(tx=tx, instalment_plan_id=net.instalment_plan_id, by="bas", now=NOW).standing == "settled"
    operator.run(NOVEMBER)
    rest = Decimal("66.67")
    assert _sold(operator.bills(falls_due)[1]) == [("Device, instalments 2 to 3 of 3", rest, "O")]
    assert _sold(operator.bills(settled)[1]) == [("Device, instalments 2 to 3 of 3", rest, "O")]
    assert _sold(operator.bills(business)[1]) == [("Device, instalments 2 to 3 of 3", Decimal("80.67"), "O")]
    assert _sold(operator.bills(stops)[1]) == [("Device, waived", -rest, "S"), ("Device, remaining instalments cancelled", rest, "O")]
    assert _sold(operator.bills(returned)[1]) == [
        ("Device, taken back", Decimal("-100.00"), "S"),
        ("Device, remaining instalments cancelled", rest, "O"),
    ]
    assert _asset(operator) == 0, "nothing is asked for later any more"
    _faces_agree(operator, operator.bills(stops)[1])
    operator.run(DECEMBER)
    assert all(_sold(operator.bills(one)[-1]) == [] for one in (settled, returned, business))
    assert [found for month in (OCTOBER, NOVEMBER, DECEMBER) for found in _differences(operator, month)] == []


_DAMAGE = (
    ("UPDATE billing.instalment_billed SET amount = 1 WHERE role = 'part'", ("33.33", "1.00")),
    ("UPDATE billing.instalment_plan SET total = 110", ("36.66", "33.33")),
    ("DELETE FROM billing.instalment_billed WHERE role = 'part'", ("0.00", "33.33")),
)


def test_an_audit_finds_what_is_billed_otherwise_than_the_plan_says(operator: BilledOperator, owner_dsn: str) -> None:
    (one,) = operator.add("mobile-m")
    _agree(operator, one)
    operator.run(now=datetime(2026, 11, 1, 12, tzinfo=UTC))
    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        for damage, (wanted, found) in _DAMAGE:
            assert owner.execute(damage).rowcount == 1
            differences = [
                (each.check, each.expected, each.found)
                for each in audit_bills(database=operator.database, lake=operator.lake, period=bill_period(OCTOBER)).differences
            ]
            assert ("instalments = lines", Decimal(wanted), Decimal(found)) in differences, damage
    assert ("instalments = lines", Decimal("36.66"), Decimal("0.00")) in differences, "a part that fell due and is on no bill"
    assert "bills = instalments to be billed" in {check for check, *_ in _differences(operator, OCTOBER)}


def test_what_is_no_plan_is_refused_whole(operator: BilledOperator) -> None:
    (one,), (other,) = operator.add("mobile-m"), operator.add("mobile-m")
    bad: list[tuple[dict[str, Any], str]] = [
        ({"amount": "0"}, "amount"), ({"amount": "0.001"}, "amount"), ({"parts": 1}, "parts"), ({"parts": 61}, "parts"),
        ({"amount": "2.99"}, "parts"), ({"first_day": date(2026, 10, 19)}, "first_day"), ({"first_day": date(2027, 3, 1)}, "first_day"),
        ({"on_end": "stops"}, "product"), ({"why": "of j@voorbeeld.nl"}, "e-mail"), ({"kind": None}, "kind and text"),
    ]  # fmt: skip
    for more, says in bad:
        with pytest.raises(InvalidInput, match=says):
            _agree(operator, one, **{"amount": "100.00", **more})
    with pytest.raises(NotFound, match="no such product"):
        _agree(operator, one, product_id=other.product_id)
    with operator.database.transaction() as tx:
        assert instalments.plans_of(tx=tx) == []
        with pytest.raises(NotFound):
            instalments.settle(tx=tx, instalment_plan_id=one.product_id, by="bas", now=NOW)
        tx.execute(
            "UPDATE party.billing_account SET tax_treatment = 'reverse_charge', tax_included = false WHERE billing_account_id = %s",
            (one.billing_account_id,),
        )
    with pytest.raises(WrongState, match="accounts for VAT"):
        _agree(operator, one)
