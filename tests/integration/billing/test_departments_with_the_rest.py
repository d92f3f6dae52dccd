"""Departments with charges, sales in parts, a minimum spend, holds, an approved trial and a run in two parts: one invoice, and a clean audit."""

from datetime import date
from decimal import Decimal

import psycopg

from factories.billed_operator import NOW, BilledOperator, Held
from factories.companies import company, move
from hoeksteen.billing import charges, instalments
from hoeksteen.billing.approving import approve_run, hold, release
from hoeksteen.billing.audit import audit_bills
from hoeksteen.billing.model import CustomerBill, RateKind
from hoeksteen.billing.operations import bill_off_cycle
from hoeksteen.journeys.balance import audit_month
from hoeksteen.kernel.time_period import bill_period, start_of_day
from hoeksteen.product import operations as product

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
AGREED = start_of_day(date(2026, 10, 20))
_PRICE = {"kind": "usage", "service": "voice", "versions": [{"valid_from": "2015-01-01", "amount": "0.10"}]}
CALLS = {
    "offerings": [
        {
            "id": "team-30", "family": "mobile", "name": {"nl": "Team", "en": "Team"}, "segment": "business", "tax_included": False,
            "minimum_spend": {"amount": "30.00", "of": "usage"},
            "prices": [{**_PRICE, "id": "voice", "zones": ["NL", "EU", "WORLD", "NL-SERVICE", "NL-FREE"]}],
        }
    ]
}  # fmt: skip


def _grant(operator: BilledOperator, one: Held, amount: str) -> None:
    with operator.database.transaction() as tx:
        charges.grant(
            tx=tx, billing_account_id=one.billing_account_id, amount=Decimal(amount), text="Storing", why="w", by="anna", now=AGREED,
            identifiers=operator.identifiers,
        )  # fmt: skip


def _sell(operator: BilledOperator, one: Held) -> None:
    with operator.database.transaction() as tx:
        instalments.agree(
            tx=tx, billing_account_id=one.billing_account_id, amount=Decimal("300.00"), parts=3, kind="device", why="order 12", by="anna",
            now=AGREED, identifiers=operator.identifiers,
        )  # fmt: skip


def _of(bill: CustomerBill, one: Held | None) -> list[tuple[str, Decimal]]:
    """Give what of a department, or of the account on top, people decided, and what its usage lacks."""
    return [
        (rate.detail["instalment"]["role"] if "instalment" in rate.detail else str(rate.kind), rate.amount)
        for rate in bill.rates
        if rate.department == (None if one is None else one.billing_account_id)
        and ("instalment" in rate.detail or "charge" in rate.detail or rate.kind is RateKind.MINIMUM)
    ]


def _clean(operator: BilledOperator, *months: date) -> None:
    for month in months:
        assert audit_month(database=operator.database, lake=operator.lake, period=bill_period(month)).differences == ()


def _family(operator: BilledOperator) -> tuple[Held, list[Held]]:
    """A company with a department in the other part of a run, and one below it in its own part; each with something that people decided."""
    with operator.database.transaction() as tx:
        product.load_catalogue(tx=tx, mapping=CALLS, now=NOW)
    own, (one, below) = company(operator, 2, records=0, offering="team-30", parts=2)
    move(operator, one, own)
    move(operator, below, one)
    operator.charge([one], month=OCTOBER, records=1, micro=1_000_000)
    operator.charge([below], month=OCTOBER, records=1, micro=2_000_000)
    _grant(operator, own, "5.00")
    _grant(operator, one, "7.00")
    _grant(operator, below, "-2.00")
    _sell(operator, below)
    return own, [one, below]


def _october(bill: CustomerBill, one: Held, below: Held) -> None:
    assert _of(bill, None) == [("one_time", Decimal("5.00"))]
    assert _of(bill, one) == [("minimum", Decimal("24.00")), ("one_time", Decimal("7.00"))]
    assert _of(bill, below) == [
        ("minimum", Decimal("18.00")), ("credit", Decimal("-2.00")), ("sale", Decimal("300.00")), ("deferred", Decimal("-363.00")),
        ("part", Decimal("121.00")),
    ]  # fmt: skip


def test_all_of_it_on_one_invoice_of_a_run_in_two_parts(operator: BilledOperator) -> None:
    own, (one, below) = _family(operator)
    alone = operator.add("mobile-m")[0]
    assert {held.billing_account_id.int % 2 for held in (own, one)} == {0, 1}
    trial = operator.run(kind="trial", by="bram.visser")
    with operator.database.transaction() as tx:
        approve_run(tx=tx, bill_run_id=trial.bill_run_id, by="fenna.prins", now=NOW)
    run = operator.run(unapproved=False, parts=2)
    assert (run.totals.count, run.held) == (2, 0), "what was approved in one part is what two make"
    (bill,) = operator.bills(own)
    _october(bill, one, below)
    operator.charge([one], month=OCTOBER, records=1, micro=500_000, bill_month=NOVEMBER)
    _grant(operator, one, "1.00")
    operator.run(NOVEMBER, parts=2)
    newest = operator.bills(own)[-1]
    assert _of(newest, one) == [("minimum", Decimal("-3.00")), ("minimum", Decimal("30.00")), ("one_time", Decimal("1.00"))]
    assert _of(newest, below) == [("minimum", Decimal("30.00")), ("part", Decimal("121.00"))]
    assert (len(operator.bills(own)), len(operator.bills(alone))) == (2, 2)
    _clean(operator, OCTOBER, NOVEMBER)


def test_a_hold_keeps_all_of_it_for_the_bill_that_comes_later(operator: BilledOperator) -> None:
    own, (one, below) = _family(operator)
    with operator.database.transaction() as tx:
        hold(tx=tx, billing_account_id=below.billing_account_id, by="bram.visser", why="contested", now=NOW)
    run = operator.run()
    assert (run.totals.count, run.held) == (0, 3)
    _clean(operator, OCTOBER)
    with operator.database.transaction() as tx:
        release(tx=tx, billing_account_id=below.billing_account_id, by="bram.visser", now=NOW)
    bill_off_cycle(
        database=operator.database, keeper=operator.keeper, lake=operator.lake, period=bill_period(OCTOBER),
        billing_account_ids=[own.billing_account_id], bill_date=date(2026, 11, 3), by="bram.visser", now=start_of_day(date(2026, 11, 3)),
        identifiers=operator.identifiers,
    )  # fmt: skip
    _october(operator.bills(own)[0], one, below)
    operator.run(NOVEMBER)
    assert _of(operator.bills(own)[-1], below) == [("minimum", Decimal("30.00")), ("part", Decimal("121.00"))]
    _clean(operator, OCTOBER, NOVEMBER)


def test_what_was_granted_after_the_trial_holds_the_family(operator: BilledOperator) -> None:
    own, (one, _) = _family(operator)
    trial = operator.run(kind="trial", by="bram.visser")
    with operator.database.transaction() as tx:
        approve_run(tx=tx, bill_run_id=trial.bill_run_id, by="fenna.prins", now=NOW)
    _grant(operator, one, "1.00")
    assert operator.run(unapproved=False, parts=2).held == 3
    assert operator.bills(own) == []
    operator.run(NOVEMBER)
    (bill,) = operator.bills(own)
    assert sorted(amount for kind, amount in _of(bill, one) if kind == "one_time") == [Decimal("1.00"), Decimal("7.00")]
    _clean(operator, OCTOBER, NOVEMBER)


def test_an_audit_finds_what_a_department_lacks(operator: BilledOperator, owner_dsn: str) -> None:
    _, (one, below) = _family(operator)
    operator.run()
    damage = (
        "UPDATE billing.account_charge SET customer_bill_id = NULL, billed = NULL WHERE amount = 7",
        "UPDATE billing.applied_customer_billing_rate SET kind = 'recurring' WHERE kind = 'minimum' AND net = 24",
        "DELETE FROM billing.instalment_billed WHERE role = 'part'",
    )
    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        for text in damage:
            assert owner.execute(text).rowcount == 1
        lines = "DELETE FROM billing.applied_customer_billing_rate WHERE detail ->> 'charge' IS NOT NULL AND net = 7"
        assert owner.execute(lines).rowcount == 1
    audit = audit_bills(database=operator.database, lake=operator.lake, period=bill_period(OCTOBER))
    found = {(each.check, each.billing_account_id, each.expected, each.found) for each in audit.differences}
    assert any(check == "charges = lines" and wanted == Decimal("7.00") for check, _, wanted, _ in found)
    assert ("minimum spend = lines", one.billing_account_id, Decimal("24.00"), Decimal("0.00")) in found
    assert ("instalments = lines", below.billing_account_id, Decimal("121.00"), Decimal("0.00")) in found
