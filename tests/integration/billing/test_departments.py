"""A company with departments: one invoice of the parent with one number and one tax, each line naming its department."""

import io
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from pypdf import PdfReader

from factories.billed_operator import NOW, BilledOperator, Held, populate
from factories.companies import company, move
from fixtures.en16931 import faults
from hoeksteen.billing import _run
from hoeksteen.billing.approving import approve_run, hold, release
from hoeksteen.billing.audit import audit_bills
from hoeksteen.billing.comparing import compare_runs
from hoeksteen.billing.credit_notes import credit_bill
from hoeksteen.billing.documents import invoice_pdf, invoice_ubl, invoice_views, render_pdf
from hoeksteen.billing.model import CustomerBill
from hoeksteen.billing.operations import bill_off_cycle
from hoeksteen.billing.queries import held as held_accounts
from hoeksteen.billing.queries import next_bill
from hoeksteen.billing.wording import money
from hoeksteen.kernel.errors import InvalidInput, NotFound, WrongState
from hoeksteen.kernel.time_period import bill_period
from hoeksteen.ledger.queries import balance_of_customer
from hoeksteen.party.operations import set_terms
from hoeksteen.party.queries import billing_accounts_by_id

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)


def _made_by(bill: CustomerBill) -> set[UUID | None]:
    return {rate.department for rate in bill.rates}


def _ids(some: Sequence[Held]) -> set[UUID]:
    return {one.billing_account_id for one in some}


def _clean(operator: BilledOperator, month: date = OCTOBER) -> None:
    audit = audit_bills(database=operator.database, lake=operator.lake, period=bill_period(month))
    assert audit.differences == () and audit.ledger_difference == 0 and audit.usage == audit.usage_lines


def test_one_invoice_with_one_tax(operator: BilledOperator) -> None:
    own, departments = company(operator, 3)
    for one in departments[:2]:
        move(operator, one, own)
    move(operator, departments[2], departments[1])  # a level below
    populate(operator, customers=5, seed=3, records=2)
    run = operator.run()
    (bill,) = operator.bills(own)
    assert bill.billing_account_id == own.billing_account_id and _made_by(bill) == {None, *_ids(departments)}
    assert (run.totals.count, run.billing_accounts) == (6, 9), "departments are looked at and have no bill"
    assert bill.vat == (bill.net * Decimal("0.21")).quantize(Decimal("0.01"))
    assert len(bill.taxes) == 1 and sum(rate.net for rate in bill.rates) == bill.net
    of_departments = {one.billing_account_id: [rate for rate in bill.rates if rate.department == one.billing_account_id] for one in departments}
    assert len({sum((rate.net for rate in some), Decimal(0)) for some in of_departments.values()}) == 1, "three alike cost the same"
    with operator.database.transaction() as tx:
        assert balance_of_customer(tx=tx, customer_id=own.customer_id) == bill.gross
        ubl = invoice_ubl(tx=tx, keeper=operator.keeper, customer_id=bill.customer_id, customer_bill_id=bill.customer_bill_id, purpose="billing")
        accounts = {one.billing_account_id: one for one in billing_accounts_by_id(tx=tx, billing_account_ids=list(_ids(departments)))}
    assert faults(ubl) == []
    for one in accounts.values():
        named = ubl.decode().count(f"<cbc:AccountingCost>{one.billing_account_number}</cbc:AccountingCost>")
        assert named == len(of_departments[one.billing_account_id])
    _clean(operator)


def _text(pdf: bytes) -> str:
    return " ".join(re.sub(r"\s+", " ", page.extract_text().replace("\u202f", " ")) for page in PdfReader(io.BytesIO(pdf)).pages)


def test_sub_totals_and_a_specification_without_anything_to_pay(operator: BilledOperator) -> None:
    own, departments = company(operator, 2)
    for name, one in zip(("VERKOOP", None), departments, strict=True):
        move(operator, one, own)
        with operator.database.transaction() as tx:
            (account,) = billing_accounts_by_id(tx=tx, billing_account_ids=[one.billing_account_id])
            set_terms(tx=tx, billing_account=replace(account, buyer_reference=name, itemisation="full"))
    operator.run()
    (bill,) = operator.bills(own)
    key = {"customer_id": bill.customer_id, "customer_bill_id": bill.customer_bill_id}
    with operator.database.transaction() as tx:
        (view,) = invoice_views(
            tx=tx, keeper=operator.keeper, bills=[(bill.customer_id, bill.customer_bill_id)], purpose="billing", lake=operator.lake
        )
        whole, alone = _text(render_pdf(view)), _text(render_pdf(replace(view, only=view.departments[departments[0].billing_account_id])))
        with pytest.raises(NotFound, match="No line of this department"):
            invoice_pdf(tx=tx, keeper=operator.keeper, purpose="billing", department=own.billing_account_id, **key)
        ubl = invoice_ubl(tx=tx, keeper=operator.keeper, purpose="billing", **key)
    sums = {account: money(amount, language="nl") for account, amount in bill.sub_totals().items()}
    assert sum(bill.sub_totals().values()) == bill.net and len(sums) == 3
    unnamed = view.departments[departments[1].billing_account_id].billing_account_number
    for name, one in (("VERKOOP", departments[0]), (unnamed, departments[1]), (view.billing_account.billing_account_number, own)):
        assert f"Subtotaal {name} {sums[one.billing_account_id]}" in whole
    assert "Afdeling VERKOOP" in whole and whole.count("Gespecificeerd gebruik") == 1 and "06 1234 5678" in whole
    assert view.specification is not None
    assert {line.rate.department for line in view.specification.lines} == {one.billing_account_id for one in departments}, "as each of them chose"
    assert f"Deel van factuur {bill.bill_number}" in alone and sums[departments[0].billing_account_id] in alone
    assert "U hoeft niets te betalen" in alone and "IBAN" not in alone.split("KvK")[0] and money(bill.gross, language="nl") not in alone
    assert unnamed not in alone and "06 1234 5678" in alone
    assert faults(ubl) == [] and b"<cbc:AccountingCost>VERKOOP</cbc:AccountingCost>" in ubl


def test_the_preview_is_the_bill(operator: BilledOperator) -> None:
    own, (one,) = company(operator, 1)
    move(operator, one, own)
    seen = next_bill(
        database=operator.database, lake=operator.lake, customer_id=own.customer_id, now=NOW.replace(month=10),
        billing_account_id=own.billing_account_id,
    )  # fmt: skip
    operator.run()
    (bill,) = operator.bills(own)
    assert (seen.gross, [rate.detail for rate in seen.rates]) == (bill.gross, [rate.detail for rate in bill.rates])


def test_in_and_out_at_a_periods_start(operator: BilledOperator) -> None:
    own, (one,) = company(operator, 1)
    move(operator, one, own, NOVEMBER)
    operator.run()
    assert len(operator.bills(own)) == 2, "October is billed to each"
    with pytest.raises(WrongState, match="final"):
        move(operator, one, None, OCTOBER)
    operator.charge([one], month=NOVEMBER, records=2)
    operator.run(NOVEMBER)
    newest = operator.bills(own)[-1]
    assert len(operator.bills(own)) == 3 and _made_by(newest) == {None, one.billing_account_id}
    move(operator, one, None, date(2026, 12, 1))
    operator.run(date(2026, 12, 1))
    assert [_made_by(bill) for bill in operator.bills(own)[-2:]] == [{None}, {None}]
    for month in (OCTOBER, NOVEMBER, date(2026, 12, 1)):
        _clean(operator, month)


def test_what_cannot_share_an_invoice(operator: BilledOperator) -> None:
    own, (one, other) = company(operator, 2, records=0)
    stranger = operator.add("business-mobile", segment="business")[0]
    _, (elsewhere,) = company(operator, 1, records=0, cycle_day=15)
    move(operator, one, own)
    for child, parent, day, what in (
        (stranger, own, OCTOBER, "customer_id"), (other, own, date(2026, 10, 2), "no first day"), (elsewhere, own, OCTOBER, "customer_id"),
    ):  # fmt: skip
        with pytest.raises(InvalidInput, match=what):
            move(operator, child, parent, day)
    for child, parent in ((own, one), (own, own)):
        with pytest.raises(WrongState, match="is a department of"):
            move(operator, child, parent)
    with pytest.raises(WrongState, match="no department"):
        move(operator, other, None)
    move(operator, other, one)
    with pytest.raises(WrongState, match="is a department of"):
        move(operator, one, other)


def test_a_held_department_holds_the_whole_invoice(operator: BilledOperator) -> None:
    own, departments = company(operator, 2)
    for one in departments:
        move(operator, one, own)
    with operator.database.transaction() as tx:
        hold(tx=tx, billing_account_id=departments[0].billing_account_id, by="bram.visser", why="contested", now=NOW)
    run = operator.run()
    assert operator.bills(own) == []
    with operator.database.transaction() as tx:
        held = {one.billing_account_id: one for one in held_accounts(tx=tx, bill_run_id=run.bill_run_id)}
        assert held.keys() == {own.billing_account_id, *_ids(departments)}
        assert held[departments[0].billing_account_id].reason == "on_hold"
        assert held[own.billing_account_id].reason == "billed_together" and "contested" in held[own.billing_account_id].detail
        release(tx=tx, billing_account_id=departments[0].billing_account_id, by="bram.visser", now=NOW)
    _clean(operator)

    def again(one: Held) -> None:
        bill_off_cycle(
            database=operator.database, keeper=operator.keeper, lake=operator.lake, period=bill_period(OCTOBER),
            billing_account_ids=[one.billing_account_id], bill_date=date(2026, 11, 3), by="bram.visser",
            now=datetime(2026, 11, 3, 9, tzinfo=UTC), identifiers=operator.identifiers,
        )  # fmt: skip

    with pytest.raises(WrongState, match="is a department, on the bills of another account"):
        again(departments[1])
    again(own)
    (bill,) = operator.bills(own)
    assert _made_by(bill) == {None, *_ids(departments)}
    _clean(operator)
    operator.run(NOVEMBER)
    assert not [rate for rate in operator.bills(own)[-1].rates if rate.kind == "usage"], "nothing is billed twice"
    _clean(operator, NOVEMBER)


def test_what_was_approved_is_the_whole_invoice(operator: BilledOperator) -> None:
    own, departments = company(operator, 2)
    move(operator, departments[0], own)
    trial = operator.run(kind="trial", by="bram.visser")
    with operator.database.transaction() as tx:
        approve_run(tx=tx, bill_run_id=trial.bill_run_id, by="fenna.prins", now=NOW)
    move(operator, departments[1], own)
    newer = operator.run(kind="trial", by="bram.visser", now=NOW.replace(hour=9))
    with operator.database.transaction() as tx:
        compared = compare_runs(tx=tx, after=newer.bill_run_id, before=trial.bill_run_id)
        assert (compared.changed, compared.gone, compared.gross_after - compared.gross_before) == (1, 1, Decimal("-0.01")), "rounded once"
        approve_run(tx=tx, bill_run_id=newer.bill_run_id, by="fenna.prins", now=NOW)
    move(operator, departments[0], None)
    run = operator.run(unapproved=False)
    with operator.database.transaction() as tx:
        held = {one.billing_account_id: one.reason for one in held_accounts(tx=tx, bill_run_id=run.bill_run_id)}
    alone, together = departments
    assert held == {own.billing_account_id: "changed", together.billing_account_id: "billed_together", alone.billing_account_id: "changed"}
    assert operator.bills(own) == []


def test_a_credit_note_names_the_department(operator: BilledOperator) -> None:
    own, (one,) = company(operator, 1)
    move(operator, one, own)
    operator.run()
    (bill,) = operator.bills(own)
    line = next(rate for rate in bill.rates if rate.department == one.billing_account_id and rate.amount > 0)
    with operator.database.transaction() as tx:
        note = credit_bill(
            tx=tx, number=str(bill.bill_number), lines={line.line: None}, why="w", by="b", now=datetime(2026, 11, 12, tzinfo=UTC),
            identifiers=operator.identifiers,
        )  # fmt: skip
    assert note.billing_account_id == own.billing_account_id and _made_by(note) == {one.billing_account_id}
    operator.run(NOVEMBER)
    _clean(operator, NOVEMBER)


def test_a_family_is_one_transaction_however_small_the_batches(operator: BilledOperator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_run, "PAGE_MAX", 2)
    monkeypatch.setattr(_run, "WINDOW", 4)
    companies = [company(operator, 2, records=1) for _ in range(4)]
    for own, departments in companies:
        for one in departments:
            move(operator, one, own)
    operator.run()
    for own, departments in companies:
        (bill,) = operator.bills(own)
        assert _made_by(bill) == {None, *_ids(departments)}
    _clean(operator)
