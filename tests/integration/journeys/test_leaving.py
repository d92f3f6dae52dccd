"""A customer who leaves: products end, final bill, deposit, last direct debit, account closed; and usage that arrives after all that."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree

from factories.billed_operator import BilledOperator, Held
from hoeksteen.billing import approving
from hoeksteen.billing.audit import audit_bills
from hoeksteen.care import operations as care
from hoeksteen.care.model import Interaction, Reason
from hoeksteen.journeys import leaving
from hoeksteen.journeys.balance import audit_month
from hoeksteen.journeys.leaving import Departure
from hoeksteen.kernel.errors import WrongState
from hoeksteen.kernel.time_period import bill_period, start_of_day
from hoeksteen.party.queries import billing_accounts, customer
from hoeksteen.product.queries import products_held
from hoeksteen.receivables import collecting, mandates, settling
from hoeksteen.receivables.operations import register_payment
from hoeksteen.receivables.queries import balance
from hoeksteen.usage.operations import close_period

OCTOBER, NOVEMBER, DECEMBER = date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1)
LAST = date(2026, 11, 21)
IBAN = "NL91ABNA0417164300"


def at(day: date) -> datetime:
    return start_of_day(day) + timedelta(hours=9)


def asks(operator: BilledOperator, one: Held, on: date = LAST) -> Interaction:
    with operator.database.transaction() as tx:
        return care.record_interaction(
            tx=tx, customer_id=one.customer_id, actor="anna", reason=Reason("ticket", "CARE-1"), now=at(on), identifiers=operator.identifiers
        )  # fmt: skip


def ends(operator: BilledOperator, one: Held, on: date = LAST) -> int:
    interaction = asks(operator, one, on)
    with operator.database.transaction() as tx:
        return leaving.end_products(tx=tx, interaction=interaction, billing_account_id=one.billing_account_id, from_day=on, now=at(on))


def departs(operator: BilledOperator, one: Held, on: date = LAST) -> Departure:
    return leaving.depart(
        database=operator.database, keeper=operator.keeper, lake=operator.lake, billing_account_id=one.billing_account_id, bill_date=on, by="anna",
        now=at(on), identifiers=operator.identifiers,
    )  # fmt: skip


def pays(operator: BilledOperator, one: Held, amount: str, on: date) -> None:
    with operator.database.transaction() as tx:
        register_payment(
            tx=tx, customer_id=one.customer_id, billing_account_id=one.billing_account_id, amount=Decimal(amount), received_on=on, reference="",
            now=at(on), identifiers=operator.identifiers,
        )  # fmt: skip


def states(operator: BilledOperator, one: Held) -> tuple[str, str]:
    with operator.database.transaction() as tx:
        return billing_accounts(tx=tx, customer_id=one.customer_id)[0].status, customer(tx=tx, customer_id=one.customer_id).status


def test_from_the_last_day_to_a_closed_account_and_a_late_call(operator: BilledOperator) -> None:
    one, other = operator.add("mobile-m", "tv-basic")
    operator.run(OCTOBER)
    pays(operator, one, f"{operator.bills(one)[0].gross + 10}", LAST - timedelta(days=10))
    with operator.database.transaction() as tx:
        settling.hold_deposit(
            tx=tx, customer_id=one.customer_id, amount=Decimal("10.00"), why="first year", by="anna", now=at(LAST), identifiers=operator.identifiers
        )  # fmt: skip
    assert ends(operator, one) == 2
    with pytest.raises(WrongState, match="Every product of the billing account has an end"):
        ends(operator, one)
    operator.charge([one], month=NOVEMBER, records=40)
    left = departs(operator, one)
    bill = operator.bills(one)[-1]
    assert (len(left.runs), left.deposits, left.balance) == (1, Decimal("10.00"), bill.gross - 10)
    assert (left.closed, left.why_open) == (False, f"Usage of billing account {_number(operator, one)} may still arrive.")

    pays(operator, one, f"{left.balance}", DECEMBER)
    assert leaving.close_departed(database=operator.database, now=at(DECEMBER)) == []
    operator.run(NOVEMBER)
    assert leaving.close_departed(database=operator.database, now=at(DECEMBER)) == [one.billing_account_id]
    assert states(operator, one) == ("closed", "closed")

    operator.charge([one], month=NOVEMBER, records=2, bill_month=DECEMBER)  # abroad, delivered late
    operator.add("mobile-m")
    operator.run(DECEMBER)
    assert len(operator.bills(one)) == 3, "late usage of a closed account is billed"
    for month in (NOVEMBER, DECEMBER):
        assert audit_bills(database=operator.database, lake=operator.lake, period=bill_period(month)).differences == ()
        assert audit_month(database=operator.database, lake=operator.lake, period=bill_period(month)).differences == ()


def test_an_end_is_taken_back_while_its_period_is_open(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m")
    operator.run(OCTOBER)
    ends(operator, one)
    assert departs(operator, one).balance < operator.bills(one)[0].gross
    thinks_again = asks(operator, one, LAST + timedelta(days=2))
    with operator.database.transaction() as tx:
        leaving.take_back_termination(tx=tx, interaction=thinks_again, product_id=one.product_id, now=at(LAST + timedelta(days=2)))
        assert [held.status for held in products_held(tx=tx, customer_id=one.customer_id)] == ["active"]
    operator.run(NOVEMBER)
    october, credit, november = operator.bills(one)
    assert credit.gross < 0 and november.gross == october.gross - credit.gross


def test_an_end_in_a_closed_period_stays(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m")
    ends(operator, one)
    thinks_again = asks(operator, one, DECEMBER)
    with operator.database.transaction() as tx, pytest.raises(WrongState, match="more than 31 days ago"):
        leaving.take_back_termination(tx=tx, interaction=thinks_again, product_id=one.product_id, now=at(date(2026, 12, 23)))
    with operator.database.transaction() as tx:
        close_period(tx=tx, period=bill_period(NOVEMBER), now=at(DECEMBER))
    with operator.database.transaction() as tx, pytest.raises(WrongState, match="is closed"):
        leaving.take_back_termination(tx=tx, interaction=thinks_again, product_id=one.product_id, now=at(DECEMBER))


def test_the_last_collection_says_that_it_is_the_last(operator: BilledOperator, tmp_path: Path) -> None:
    one, stays = (operator.add("mobile-m", payment_method="direct_debit")[0] for _ in range(2))
    for each in (one, stays):
        with operator.database.transaction() as tx:
            mandates.add(
                tx=tx, keeper=operator.keeper, customer_id=each.customer_id, text=IBAN, account_holder="J. van den Berg", signed_on=NOVEMBER,
                by="anna", now=at(NOVEMBER), identifiers=operator.identifiers,
            )  # fmt: skip
    operator.run(OCTOBER)
    assert _collected(operator, tmp_path, date(2026, 11, 20)) == ["FRST", "FRST"]
    ends(operator, one)
    operator.charge([one, stays], month=NOVEMBER, records=50)
    departs(operator, one)
    operator.run(NOVEMBER)
    assert sorted(_collected(operator, tmp_path, date(2026, 12, 17))) == ["FNAL", "RCUR"]
    with operator.database.transaction() as tx:
        assert [each.state for each in mandates.mandates_of(tx=tx, customer_id=one.customer_id)] == ["used"]
        assert balance(tx=tx, customer_id=one.customer_id) == 0
    assert leaving.close_departed(database=operator.database, now=at(date(2026, 12, 20))) == [one.billing_account_id]


def _collected(operator: BilledOperator, folder: Path, day: date) -> list[str]:
    path = folder / f"{day}.xml"
    with operator.database.transaction() as tx:
        run = collecting.prepare(tx=tx, collection_day=day, by="anna", now=at(day - timedelta(days=14)), identifiers=operator.identifiers).run
    with operator.database.transaction() as tx:
        collecting.file(
            tx=tx, keeper=operator.keeper, collection_run_id=run.collection_run_id, path=path, now=at(day - timedelta(days=4)),
            identifiers=operator.identifiers,
        )  # fmt: skip
    found = etree.parse(path)
    space = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.008.001.08"}
    return [
        str(batch.findtext("p:PmtTpInf/p:SeqTp", namespaces=space))
        for batch in found.iterfind(".//p:PmtInf", space)
        for _ in batch.iterfind("p:DrctDbtTxInf", space)
    ]


def _number(operator: BilledOperator, one: Held) -> str:
    with operator.database.transaction() as tx:
        return billing_accounts(tx=tx, customer_id=one.customer_id)[0].billing_account_number


def test_who_is_held_is_not_closed_before_the_last_bill_is_made(operator: BilledOperator) -> None:
    """Nothing is open, for nothing is billed: that is no reason to close the account."""
    (one,) = operator.add("mobile-m")
    ends(operator, one)
    with operator.database.transaction() as tx:
        approving.hold(tx=tx, billing_account_id=one.billing_account_id, by="bas", why="disputed address", now=at(LAST))
    left = departs(operator, one)
    assert (left.closed, left.why_open, operator.bills(one)) == (False, "It is held: its last bill is still to be made.", [])
    operator.run(OCTOBER)
    assert leaving.close_departed(database=operator.database, now=at(LAST)) == []
    assert states(operator, one) == ("active", "active")
