"""One-off charges and credits that people grant: billed once, as they were granted, on the right bill; and found by an audit where they are not."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest

from factories.billed_operator import NOW, BilledOperator, Held
from fixtures.en16931 import faults
from fixtures.four_faces import of_ledger, of_pdf, of_ubl
from hoeksteen.billing import _run, approving, charges
from hoeksteen.billing._granted_reading import accounts_with_granted
from hoeksteen.billing.audit import audit_bills
from hoeksteen.billing.charges import AccountCharge
from hoeksteen.billing.comparing import compare_runs
from hoeksteen.billing.documents import invoice_views, render_pdf, render_ubl
from hoeksteen.billing.explaining import explain_line
from hoeksteen.billing.model import CustomerBill, RateKind
from hoeksteen.billing.queries import held as held_of_run
from hoeksteen.billing.queries import next_bill
from hoeksteen.billing.wording import line_text
from hoeksteen.kernel.errors import AccessDenied, Conflict, InvalidInput, NotFound, WrongState
from hoeksteen.kernel.time_period import bill_period, start_of_day
from hoeksteen.ledger.model import LedgerAccountCode
from hoeksteen.ledger.queries import sums_by_reference
from hoeksteen.receivables.crediting import credit_and_settle
from hoeksteen.receivables.queries import open_items

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
EARLY = datetime(2026, 10, 20, 9, tzinfo=UTC)


def _grant(operator: BilledOperator, one: Held, amount: str | None, *, now: datetime = EARLY, by: str = "anna", **more: Any) -> AccountCharge:
    said = {"why": "agreed", **({} if {"kind", "text"} & set(more) else {"text": "Something"}), **more}
    value = None if amount is None else Decimal(amount)
    with operator.database.transaction() as tx:
        return charges.grant(
            tx=tx, billing_account_id=one.billing_account_id, amount=value, by=by, now=now, identifiers=operator.identifiers, **said
        )  # fmt: skip


def _lines(bill: CustomerBill) -> list[tuple[str, Decimal, str, Decimal]]:
    return [(str(rate.detail["charge"]["nl"]), rate.amount, rate.tax_category, rate.tax_rate) for rate in bill.rates if "charge" in rate.detail]


def _differences(operator: BilledOperator, month: date = OCTOBER) -> list[tuple[str, Decimal, Decimal]]:
    found = audit_bills(database=operator.database, lake=operator.lake, period=bill_period(month)).differences
    return [(one.check, one.expected, one.found) for one in found]


def test_a_charge_stands_once_on_the_next_bill(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m")
    made = _grant(operator, one, None, kind="sim-replacement", why="lost")
    assert (made.state, made.amount, made.text_nl) == ("granted", Decimal("9.95"), "Vervanging simkaart")
    with operator.database.transaction() as tx:
        assert accounts_with_granted(tx=tx, billing_account_ids=[one.billing_account_id]) == {one.billing_account_id}
    seen = next_bill(database=operator.database, lake=operator.lake, customer_id=one.customer_id, now=EARLY)
    operator.run(kind="trial")
    operator.run()
    (first,) = operator.bills(one)
    assert _lines(first) == _lines(seen) == [("Vervanging simkaart", Decimal("9.95"), "S", Decimal("21.00"))]
    line = first.rates[-1]
    assert (line.kind, line.product_id, line.product_offering_id) == (RateKind.ONE_TIME, None, None)
    assert [line_text(rate=line, offerings={}, language=language).description for language in ("nl", "en")] == [
        "Vervanging simkaart", "SIM replacement",
    ]  # fmt: skip
    operator.run(NOVEMBER)
    assert _lines(operator.bills(one)[-1]) == []
    with operator.database.transaction() as tx:
        (told,) = charges.charges_of(tx=tx, customer_id=one.customer_id)
        explained = explain_line(tx=tx, lake=operator.lake, bill_number=str(first.bill_number), line=line.line)
        assert accounts_with_granted(tx=tx, billing_account_ids=[one.billing_account_id]) == set()
    assert (told.standing, told.bill_number, told.billed) == ("billed", first.bill_number, Decimal("9.95"))
    facts = dict(explained.facts)
    assert (facts["granted as"], facts["granted by"], facts["why"]) == (str(made.account_charge_id), "anna", "lost")
    assert _differences(operator) == _differences(operator, NOVEMBER) == []


@pytest.mark.parametrize(("segment", "category", "rate"), [("consumer", "S", "9"), ("business", "S", "21"), ("consumer", "O", "0")])
def test_document_ledger_and_bill_agree(operator: BilledOperator, segment: str, category: str, rate: str) -> None:
    (one, *_) = operator.add("mobile-m" if segment == "consumer" else "business-mobile", segment=segment)
    _grant(operator, one, "12.10", text="Bezoek & advies", tax_category=category, tax_rate=Decimal(rate))
    operator.run()
    (bill,) = operator.bills(one)
    assert _lines(bill) == [("Bezoek & advies", Decimal("12.10"), category, Decimal(rate))]
    with operator.database.transaction() as tx:
        (view,) = invoice_views(tx=tx, keeper=operator.keeper, bills=[(bill.customer_id, bill.customer_bill_id)], purpose="billing")
        booked = sums_by_reference(tx=tx, source="bill", references=[bill.customer_bill_id])[bill.customer_bill_id]
    ubl, number = render_ubl(view), str(bill.bill_number)
    assert faults(ubl) == []
    assert of_ubl(ubl).gross == of_pdf(render_pdf(view)).gross == of_ledger(number, booked).gross == bill.gross
    assert -booked[LedgerAccountCode.REVENUE_OTHER] == bill.rates[-1].net


def test_a_charge_waits_for_its_period_and_a_withdrawn_one_is_never_billed(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m")
    _grant(operator, one, "5.00", text="Later", from_day=date(2026, 11, 15))
    gone = _grant(operator, one, "6.00", text="Gone")
    with operator.database.transaction() as tx:
        assert charges.withdraw(tx=tx, account_charge_id=gone.account_charge_id, by="bas", now=EARLY).withdrawn_by == "bas"
        with pytest.raises(WrongState, match="withdrawn"):
            charges.withdraw(tx=tx, account_charge_id=gone.account_charge_id, by="bas", now=EARLY)
    operator.run()
    assert _lines(operator.bills(one)[0]) == []
    operator.run(NOVEMBER)
    bill = operator.bills(one)[1]
    assert [line[0] for line in _lines(bill)] == ["Later"]
    with operator.database.transaction() as tx, pytest.raises(WrongState, match=str(bill.bill_number)):
        later = charges.charges_of(tx=tx, customer_id=one.customer_id, state="granted")[0]
        charges.withdraw(tx=tx, account_charge_id=later.account_charge_id, by="bas", now=NOW)
    assert _differences(operator, NOVEMBER) == []


def test_what_goes_beyond_a_limit_needs_a_second_person_also_in_small_parts(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m")
    assert [_grant(operator, one, "-25.00").state for _ in range(3)] == ["granted", "granted", "asked"]
    assert _grant(operator, one, "250.00").state == "granted", "credits and charges are weighed apart"
    late = EARLY + timedelta(days=charges.ALONE_DAYS)
    assert _grant(operator, one, "-50.00", now=late).state == "granted", "what was granted long ago counts no more"
    with operator.database.transaction() as tx:
        (asked,) = charges.charges_of(tx=tx, state="asked")
        with pytest.raises(AccessDenied) as refused:
            charges.decide(tx=tx, account_charge_id=asked.account_charge_id, approve=True, by="anna", now=EARLY)
        assert refused.value.reason == "second_person"
        assert charges.decide(tx=tx, account_charge_id=asked.account_charge_id, approve=True, by="bas", now=EARLY).state == "granted"
    declined = _grant(operator, one, "-60.00")
    with operator.database.transaction() as tx:
        charges.decide(tx=tx, account_charge_id=declined.account_charge_id, approve=False, by="bas", now=EARLY)
    waits = _grant(operator, one, "-70.00")
    operator.run()
    amounts = [amount for _, amount, *_ in _lines(operator.bills(one)[0])]
    assert sorted(amounts) == [Decimal(text) for text in ("-50.00", "-25.00", "-25.00", "-25.00", "250.00")]
    with operator.database.transaction() as tx:
        assert [one.account_charge_id for one in charges.charges_of(tx=tx, state="asked")] == [waits.account_charge_id]
    assert _differences(operator) == []


def test_a_credit_beyond_the_bill_makes_a_credit_bill_that_carries_on(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-s")
    asked = _grant(operator, one, "-500.00", kind="compensation")
    with operator.database.transaction() as tx:
        charges.decide(tx=tx, account_charge_id=asked.account_charge_id, approve=True, by="bas", now=EARLY)
    operator.run()
    (bill,) = operator.bills(one)
    assert bill.gross < 0 and bill.rates[-1].kind is RateKind.CREDIT
    with operator.database.transaction() as tx:
        (view,) = invoice_views(tx=tx, keeper=operator.keeper, bills=[(bill.customer_id, bill.customer_bill_id)], purpose="billing")
        (item,) = open_items(tx=tx, customer_id=one.customer_id)
    assert item.open_amount == bill.gross, "it settles what is owed, and later bills"
    assert faults(render_ubl(view)) == [] and _differences(operator) == []


def test_a_charge_between_trial_and_final_run_holds_its_account_alone(operator: BilledOperator) -> None:
    (one,), (other,) = operator.add("mobile-m"), operator.add("mobile-m")
    _grant(operator, other, "3.00")
    trial = operator.run(kind="trial", by="anna")
    with operator.database.transaction() as tx:
        approving.approve_run(tx=tx, bill_run_id=trial.bill_run_id, by="bas", now=NOW)
    _grant(operator, one, "4.00")
    final = operator.run(unapproved=False)
    with operator.database.transaction() as tx:
        assert [(found.billing_account_id, found.reason) for found in held_of_run(tx=tx, bill_run_id=final.bill_run_id)] == [
            (one.billing_account_id, "changed")
        ]
    assert [amount for _, amount, *_ in _lines(operator.bills(other)[0])] == [Decimal("3.00")]
    assert operator.bills(one) == [] and _differences(operator) == []
    operator.run(NOVEMBER)
    assert [amount for _, amount, *_ in _lines(operator.bills(one)[0])] == [Decimal("4.00")]


def test_trials_that_are_compared_tell_of_a_charge(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m")
    before = operator.run(kind="trial")
    _grant(operator, one, "4.00")
    after = operator.run(kind="trial")
    with operator.database.transaction() as tx:
        found = compare_runs(tx=tx, before=before.bill_run_id, after=after.bill_run_id)
    assert (found.changed, found.gross_after - found.gross_before) == (1, Decimal("4.00"))
    assert ("one_time", Decimal("0.00"), Decimal("3.30")) in found.by_kind


def test_a_charge_is_credited_by_its_line(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m")
    _grant(operator, one, "12.10")
    operator.run()
    (bill,) = operator.bills(one)
    line = bill.rates[-1].line
    with operator.database.transaction() as tx:
        done = credit_and_settle(
            tx=tx, number=str(bill.bill_number), lines={line: Decimal("6.05")}, why="half of it", by="bas", now=NOW, identifiers=operator.identifiers
        )
        booked = sums_by_reference(tx=tx, source="bill", references=[done.note.customer_bill_id])[done.note.customer_bill_id]
    assert (done.note.gross, booked[LedgerAccountCode.REVENUE_OTHER]) == (Decimal("-6.05"), Decimal("5.00"))
    operator.run(NOVEMBER)
    assert _lines(operator.bills(one)[-1]) == [] and _differences(operator) == []


def test_a_charge_of_an_account_that_accounts_for_vat_itself(operator: BilledOperator) -> None:
    (one, *_) = operator.add("business-mobile", segment="business")
    with operator.database.transaction() as tx:
        tx.execute("UPDATE party.billing_account SET tax_treatment = 'reverse_charge' WHERE billing_account_id = %s", (one.billing_account_id,))
    _grant(operator, one, "10.00")
    _grant(operator, one, "-20.00", kind="compensation")
    seen = next_bill(database=operator.database, lake=operator.lake, customer_id=one.customer_id, now=EARLY)
    assert {(amount, category) for _, amount, category, _ in _lines(seen)} == {(Decimal("10.00"), "AE"), (Decimal("-20.00"), "O")}


_BAD: list[tuple[dict[str, Any], str]] = [
    ({"amount": "0"}, "amount"), ({"amount": "1.001"}, "amount"), ({"amount": "100000.01"}, "amount"), ({"amount": "NaN"}, "amount"),
    ({"amount": None}, "amount"), ({"text": " "}, "text"), ({"text": "x" * 81}, "80"), ({"text": "two\nlines"}, "one line"),
    ({"text": "for j@voorbeeld.nl"}, "e-mail"), ({"why": "see NL91ABNA0417164300"}, "IBAN"), ({"why": ""}, "why"), ({"by": " "}, "by"),
    ({"text": "x", "tax_category": "S", "tax_rate": Decimal(0)}, "tax"), ({"text": "x", "tax_rate": Decimal(20)}, "no rate of Dutch VAT"),
    ({"text": "x", "tax_category": "AE"}, "tax"),
    ({"kind": "device", "tax_category": "S"}, "catalogue"), ({"from_day": date(2028, 1, 1)}, "from_day"), ({"kind": None}, "kind and text"),
]  # fmt: skip


def test_what_is_no_charge_is_refused_whole(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m")
    for more, says in _BAD:
        with pytest.raises(InvalidInput, match=says):
            _grant(operator, one, **{"amount": "1.00", **more})
    with operator.database.transaction() as tx:
        assert charges.charges_of(tx=tx) == []


def test_what_is_not_there_is_said(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m")
    with pytest.raises(NotFound, match="no charge sim-x"):
        _grant(operator, one, "1.00", kind="sim-x")
    nobody = operator.identifiers.new(NOW)
    with operator.database.transaction() as tx:
        for act in (
            lambda: charges.withdraw(tx=tx, account_charge_id=nobody, by="bas", now=NOW),
            lambda: charges.decide(tx=tx, account_charge_id=nobody, approve=True, by="bas", now=NOW),
            lambda: charges.active_account(tx=tx, billing_account_id=nobody),
        ):
            with pytest.raises(NotFound):
                act()
        tx.execute("UPDATE party.billing_account SET status = 'closed' WHERE billing_account_id = %s", (one.billing_account_id,))
    with pytest.raises(WrongState, match="closed"):
        _grant(operator, one, "1.00")


_DAMAGE = (
    ("UPDATE billing.account_charge SET amount = 5", ("5.00", "4.00")),
    ("UPDATE billing.account_charge SET amount = 4, billed = 3", ("4.00", "3.00")),
    ("UPDATE billing.account_charge SET customer_bill_id = NULL, billed = NULL, asked_at = '2026-10-02'", ("4.00", "0.00")),
    ("UPDATE billing.applied_customer_billing_rate SET detail = '{}' WHERE product_id IS NULL", ("4.00", "0.00")),
)


def test_an_audit_finds_a_charge_that_is_billed_otherwise(operator: BilledOperator, owner_dsn: str) -> None:
    (one,) = operator.add("mobile-m")
    _grant(operator, one, "4.00")
    operator.run()
    assert _differences(operator) == []
    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        for damage, (wanted, found) in _DAMAGE:
            assert owner.execute(damage).rowcount == 1
            assert ("charges = lines", Decimal(wanted), Decimal(found)) in _differences(operator), damage


def test_what_is_withdrawn_while_its_bill_is_made_stops_the_run_which_goes_on_without_it(
    operator: BilledOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one,) = operator.add("mobile-m")
    made = _grant(operator, one, "4.00")
    write: Callable[..., bool] = _run.write_batch

    def withdrawn_first(**given: Any) -> bool:
        _withdraw_beside(operator, made.account_charge_id)
        return write(**given)

    monkeypatch.setattr(_run, "write_batch", withdrawn_first)
    with pytest.raises(Conflict, match="withdrawn"):
        operator.run()
    monkeypatch.undo()
    with operator.database.transaction() as tx, pytest.raises(WrongState, match="just being made"):
        charges.require_no_run(tx=tx, billing_account_id=one.billing_account_id)
    operator.run()
    assert _lines(operator.bills(one)[0]) == [] and _differences(operator) == []


def _withdraw_beside(operator: BilledOperator, account_charge_id: UUID) -> None:
    with operator.database.transaction() as tx:
        tx.execute(
            "UPDATE billing.account_charge SET state = 'withdrawn', withdrawn_by = 'x', withdrawn_at = %s WHERE account_charge_id = %s",
            (start_of_day(NOVEMBER), account_charge_id),
        )
