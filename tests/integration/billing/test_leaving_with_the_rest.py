"""Who leaves with a sale in parts, with charges that wait, or with a minimum spend: all of it on the last bill, once and to the cent."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from factories.billed_operator import BilledOperator, Held, terminate
from hoeksteen.billing import charges, instalments
from hoeksteen.billing.audit import audit_bills
from hoeksteen.billing.instalment_lines import OnEnd
from hoeksteen.billing.model import CustomerBill, RateKind
from hoeksteen.journeys import leaving
from hoeksteen.journeys.balance import audit_month
from hoeksteen.kernel.errors import WrongState
from hoeksteen.kernel.time_period import bill_period, start_of_day
from hoeksteen.product import operations as product
from hoeksteen.rating.tables import CHARGE
from hoeksteen.receivables.operations import register_payment
from hoeksteen.usage.tables import GUIDED

OCTOBER, NOVEMBER, DECEMBER = date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1)
LAST = date(2026, 11, 21)
REST = Decimal("66.67")
_PRICE = {"kind": "usage", "service": "voice", "versions": [{"valid_from": "2015-01-01", "amount": "0.10"}]}
CALLS = {
    "offerings": [
        {
            "id": "calls-30", "family": "mobile", "name": {"nl": "Bellen", "en": "Calls"}, "segment": "consumer", "tax_included": True,
            "minimum_spend": {"amount": "30.00", "of": "usage"},
            "prices": [{**_PRICE, "id": "voice", "zones": ["NL", "EU", "WORLD", "NL-SERVICE", "NL-FREE"]}],
        }
    ]
}  # fmt: skip


def at(day: date) -> datetime:
    return start_of_day(day) + timedelta(hours=9)


def end(operator: BilledOperator, *held: Held, on: date = LAST) -> None:
    terminate(operator, *held, from_day=on, now=at(min(on, LAST)))


def final(operator: BilledOperator, one: Held, on: date = LAST) -> CustomerBill:
    operator.leave(one, on, now=at(on))
    return operator.bills(one)[-1]


def sell(operator: BilledOperator, one: Held, *, on_end: OnEnd, of_product: bool) -> None:
    with operator.database.transaction() as tx:
        instalments.agree(
            tx=tx, billing_account_id=one.billing_account_id, amount=Decimal("100.00"), parts=3, kind="device", why="order 12", by="anna",
            now=at(date(2026, 10, 20)), product_id=one.product_id if of_product else None, on_end=on_end, identifiers=operator.identifiers,
        )  # fmt: skip


def grant(operator: BilledOperator, one: Held, amount: str, from_day: date | None = None, on: date = LAST) -> charges.AccountCharge:
    with operator.database.transaction() as tx:
        return charges.grant(
            tx=tx, billing_account_id=one.billing_account_id, amount=Decimal(amount), text="Storing", from_day=from_day, why="w", by="anna",
            now=at(on), identifiers=operator.identifiers,
        )  # fmt: skip


def roles(bill: CustomerBill) -> list[tuple[str, Decimal]]:
    return [(rate.detail["instalment"]["role"], rate.amount) for rate in bill.rates if "instalment" in rate.detail]


def granted(bill: CustomerBill) -> list[Decimal]:
    return [rate.amount for rate in bill.rates if "charge" in rate.detail]


def minimums(bill: CustomerBill) -> list[Decimal]:
    return [rate.amount for rate in bill.rates if rate.kind is RateKind.MINIMUM]


def differences(operator: BilledOperator, *months: date) -> list[object]:
    return [
        one for month in months for one in audit_month(database=operator.database, lake=operator.lake, period=bill_period(month)).differences
    ]  # fmt: skip


@pytest.mark.parametrize("last", [LAST, DECEMBER])
def test_what_is_left_of_a_sale_stands_on_the_last_bill_as_its_plan_says(operator: BilledOperator, last: date) -> None:
    loose, bound, due, stops = (operator.add("mobile-m")[0] for _ in range(4))
    sell(operator, loose, on_end="goes_on", of_product=False)
    sell(operator, bound, on_end="goes_on", of_product=True)
    sell(operator, due, on_end="falls_due", of_product=True)
    sell(operator, stops, on_end="stops", of_product=True)
    operator.run(OCTOBER)
    new = operator.add("mobile-m")[0]
    end(operator, loose, bound, due, stops, new, on=last)
    sell(operator, new, on_end="goes_on", of_product=False)  # on no bill at all yet
    for one in (loose, bound, due):
        assert roles(final(operator, one, last)) == [("part", REST)], "the bill of November has what October's left"
    assert roles(final(operator, stops, last)) == [("waived", -REST), ("undone", REST)]
    assert roles(final(operator, new, last)) == [("sale", Decimal("100.00")), ("deferred", Decimal("-100.00")), ("part", Decimal("100.00"))]
    before = {one: len(operator.bills(one)) for one in (loose, due, stops, new)}
    assert final(operator, loose, last).customer_bill_id == operator.bills(loose)[-1].customer_bill_id
    operator.run(NOVEMBER)
    operator.run(DECEMBER)
    assert {one: len(operator.bills(one)) for one in before} == before, "asked for once"
    with operator.database.transaction() as tx:
        assert {plan.standing for plan in instalments.plans_of(tx=tx)} == {"done"}
    assert differences(operator, OCTOBER, NOVEMBER, DECEMBER) == []


def test_a_cycle_that_is_behind_has_the_rest_on_the_last_of_its_bills(operator: BilledOperator) -> None:
    on = date(2026, 12, 11)
    (one,) = operator.add("mobile-m")
    sell(operator, one, on_end="goes_on", of_product=False)
    operator.run(OCTOBER)
    grant(operator, one, "5.00", date(2027, 3, 1))
    operator.charge([one], month=NOVEMBER, records=1)
    end(operator, one, on=on)
    final(operator, one, on)
    november, december = operator.bills(one)[1:]
    assert (roles(november), granted(november)) == ([("part", Decimal("33.33"))], [])
    assert (roles(december), granted(december)) == ([("part", Decimal("33.34"))], [Decimal("5.00")])


def test_what_was_granted_is_billed_before_the_account_is_closed(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m")
    operator.run(OCTOBER)
    grant(operator, one, "10.00")
    grant(operator, one, "-2.50", date(2027, 2, 1))
    end(operator, one)
    assert sorted(granted(final(operator, one))) == [Decimal("-2.50"), Decimal("10.00")]
    operator.run(NOVEMBER)
    assert len(operator.bills(one)) == 2
    asked = grant(operator, one, "300.00", on=DECEMBER)
    with operator.database.transaction() as tx:
        owed = sum(bill.gross for bill in operator.bills(one))
        register_payment(
            tx=tx, customer_id=one.customer_id, billing_account_id=one.billing_account_id, amount=owed, received_on=DECEMBER, reference="",
            now=at(DECEMBER), identifiers=operator.identifiers,
        )  # fmt: skip

    def depart() -> leaving.Departure:
        return leaving.depart(
            database=operator.database, keeper=operator.keeper, lake=operator.lake, billing_account_id=one.billing_account_id, bill_date=DECEMBER,
            by="anna", now=at(DECEMBER), identifiers=operator.identifiers,
        )  # fmt: skip

    assert "waits for a second person" in depart().why_open
    with operator.database.transaction() as tx:
        charges.decide(tx=tx, account_charge_id=asked.account_charge_id, approve=True, by="bas", now=at(DECEMBER))
    assert leaving.close_departed(database=operator.database, now=at(DECEMBER)) == [], "what was granted has no bill yet"
    assert (depart().balance, granted(operator.bills(one)[-1])) == (Decimal("300.00"), [Decimal("300.00")])
    operator.run(DECEMBER)
    with operator.database.transaction() as tx:
        register_payment(
            tx=tx, customer_id=one.customer_id, billing_account_id=one.billing_account_id, amount=Decimal("300.00"), received_on=DECEMBER,
            reference="", now=at(DECEMBER), identifiers=operator.identifiers,
        )  # fmt: skip
    assert leaving.close_departed(database=operator.database, now=at(DECEMBER)) == [one.billing_account_id]
    with pytest.raises(WrongState, match="closed"):
        grant(operator, one, "1.00")
    assert differences(operator, NOVEMBER, DECEMBER) == []


def _again(operator: BilledOperator, one: Held, *, micro: int) -> None:
    """Let November's usage be another, as when it is rated again with usage that came since."""
    with operator.lake.write(database=operator.database, write_id=operator.identifiers.new(at(LAST))) as write:
        for table in (CHARGE, GUIDED):
            write.replace(table, {"month": [202611]}, [])
    operator.charge([one], month=NOVEMBER, records=1, micro=micro)


@pytest.mark.parametrize(("micro", "made_good"), [(1_000_000, "0"), (2_500_000, "-9.00"), (9_000_000, "-14.00"), (500_000, "3.00")])
def test_a_minimum_is_by_days_and_made_good_once(operator: BilledOperator, micro: int, made_good: str) -> None:
    with operator.database.transaction() as tx:
        product.load_catalogue(tx=tx, mapping=CALLS, now=at(OCTOBER))
    (one,) = operator.add("calls-30")
    operator.run(OCTOBER)
    operator.charge([one], month=NOVEMBER, records=1, micro=1_000_000)
    end(operator, one)
    assert minimums(final(operator, one)) == [Decimal("14.00")], "20 of 30 days of 30.00 are 20.00, of which 6.00 was spent"
    count = len(operator.bills(one))
    final(operator, one)
    assert len(operator.bills(one)) == count, "asked again, nothing is left to bill"
    if micro != 1_000_000:
        _again(operator, one, micro=micro)
    operator.run(NOVEMBER)
    assert sum(amount for bill in operator.bills(one)[count:] for amount in minimums(bill)) == Decimal(made_good)
    bills = operator.bills(one)[1:]
    used = sum(rate.amount for bill in bills for rate in bill.rates if rate.kind in (RateKind.USAGE, RateKind.MINIMUM))
    assert used == max(Decimal("20.00"), Decimal(6 * micro) / 1_000_000)
    operator.run(DECEMBER)
    assert len(operator.bills(one)) == 1 + len(bills), "nothing twice"
    assert [one for month in (NOVEMBER, DECEMBER) for one in _differences(operator, month)] == []


@pytest.mark.parametrize("micro", [1_000_000, 4_000_000])
def test_a_minimum_of_who_stays_after_all_is_of_the_whole_period(operator: BilledOperator, micro: int) -> None:
    with operator.database.transaction() as tx:
        product.load_catalogue(tx=tx, mapping=CALLS, now=at(OCTOBER))
    (one,) = operator.add("calls-30")
    operator.run(OCTOBER)
    operator.charge([one], month=NOVEMBER, records=1, micro=micro)
    end(operator, one)
    first = final(operator, one)
    assert minimums(first) == ([Decimal("14.00")] if micro == 1_000_000 else []), "24.00 of usage lacks nothing of 20.00"
    with operator.database.transaction() as tx:
        product.take_back_termination(tx=tx, customer_id=one.customer_id, product_id=one.product_id, now=at(date(2026, 11, 24)))
    operator.run(NOVEMBER)
    bills = operator.bills(one)[1:]
    assert sum(rate.amount for bill in bills for rate in bill.rates if rate.kind in (RateKind.USAGE, RateKind.MINIMUM)) == Decimal("30.00")
    assert _differences(operator, NOVEMBER) == []


def _differences(operator: BilledOperator, month: date) -> list[object]:
    return list(audit_bills(database=operator.database, lake=operator.lake, period=bill_period(month)).differences)
