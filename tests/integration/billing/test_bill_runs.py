"""Bill runs on real parts: what is on the bills, in the books, in the outbox, and what is refused."""

import os
from dataclasses import replace
from datetime import date
from decimal import Decimal
from multiprocessing import Pipe

import pytest

from factories.billed_operator import NOW, BilledOperator, change, populate, terminate
from fixtures.sites import CountedDatabase
from hoeksteen.billing import _parts
from hoeksteen.billing.audit import audit_bills, ledger_difference
from hoeksteen.billing.documents.view import invoice_views
from hoeksteen.billing.model import BillRunProgress, CustomerBill, RateKind
from hoeksteen.billing.operations import run_bills, stop_run
from hoeksteen.billing.queries import bill_by_number, bills_of, bills_of_run, held, next_bill, runs, totals
from hoeksteen.disclosure import SealItem
from hoeksteen.disclosure.operations import store
from hoeksteen.disclosure.queries import open_blobs
from hoeksteen.kernel.errors import Conflict, NotFound, Unavailable, WrongState
from hoeksteen.kernel.sealed import Category
from hoeksteen.kernel.time_period import bill_period, start_of_day
from hoeksteen.ledger.queries import balance_of_customer, trial_balance
from hoeksteen.messages.queries import sent_to, waiting
from hoeksteen.product import operations as product

OCTOBER, NOVEMBER, DECEMBER = date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1)


def _lines(bill: CustomerBill) -> list[tuple[str, str, str]]:
    return [(rate.kind.value, str(rate.product_offering_id), str(rate.amount)) for rate in bill.rates]


def test_a_first_bill_from_its_charges_to_the_books(operator: BilledOperator) -> None:
    mobile, internet = operator.add("mobile-m", "internet-500")
    operator.charge([mobile], month=OCTOBER, records=2, micro=1_234_567)
    result = operator.run()
    (bill,) = operator.bills(mobile)
    usage = [str(rate.amount) for rate in bill.rates if rate.kind is RateKind.USAGE]
    recurring = {line for line in _lines(bill) if line[0] == "recurring"}
    assert recurring == {("recurring", "mobile-m", "20.00"), ("recurring", "internet-500", "49.00")}
    assert usage == ["2.47"] * 6  # 2 × 1.234567 + 0.000007, rounded once
    assert bill.bill_number == "LLT-2026-00000001"
    assert (bill.bill_date, bill.due_date, bill.period) == (NOVEMBER, date(2026, 11, 16), bill_period(OCTOBER))
    assert bill.gross == Decimal("83.82") == bill.net + bill.vat + bill.rounding
    assert sum(rate.net for rate in bill.rates) == bill.net
    assert (result.totals.count, result.totals.gross, result.held, result.billing_accounts) == (1, bill.gross, 0, 1)
    with operator.database.transaction() as tx:
        balances = {row.ledger_account_code: row.balance for row in trial_balance(tx=tx)}
        (message,) = sent_to(tx=tx, customer_id=mobile.customer_id)
        assert balance_of_customer(tx=tx, customer_id=mobile.customer_id) == bill.gross
        assert totals(tx=tx, bill_run_id=result.bill_run_id) == result.totals
        assert bill_by_number(tx=tx, bill_number="LLT-2026-00000001") == bill
    assert (balances["1300"], balances["1600"], balances["4700"]) == (bill.gross, -bill.vat, -bill.rounding)
    assert balances["8010"] + balances["8030"] == -bill.net
    assert sum(balances.values()) == 0
    assert message.parameters == {"bill_number": bill.bill_number, "amount": "83.82", "due_date": "2026-11-16"}
    assert internet.customer_id == mobile.customer_id


def test_the_buyer_is_frozen_and_sealed(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-s")
    (company,) = operator.add("business-mobile", segment="business")
    operator.run()
    with operator.database.transaction() as tx:
        rows = tx.rows("SELECT customer_id, invoice_party FROM billing.customer_bill")
    blobs = {row["customer_id"]: bytes(row["invoice_party"]) for row in rows}
    held = [(one.party_id, blobs[one.customer_id]), (company.party_id, blobs[company.customer_id])]
    opened = open_blobs(keeper=operator.keeper, purpose="billing", category=Category.INVOICE_PARTY, blobs=held)
    person, firm = opened[one.party_id].fields, opened[company.party_id].fields
    assert (person["name"], person["attention"], person["city"]) == ("J. van den Berg0", None, "Utrecht")
    assert (firm["name"], firm["attention"], firm["house_number"]) == ("Molenaar 1 B.V.", "S. Molenaar", "2")
    assert b"Berg0" not in blobs[one.customer_id]


def test_a_change_of_plan_over_three_months(operator: BilledOperator) -> None:
    """docs/rating.md case 10, for a consumer: prices hold tax."""
    (one,) = operator.add("mobile-m")
    operator.run(OCTOBER)
    change(operator, one, "mobile-l", from_day=date(2026, 11, 11))
    preview = next_bill(database=operator.database, lake=operator.lake, customer_id=one.customer_id, now=start_of_day(date(2026, 11, 20)))
    operator.run(NOVEMBER)
    terminate(operator, one, from_day=date(2026, 12, 1))
    operator.run(DECEMBER)
    first, second, third = operator.bills(one)
    assert _lines(first) == [("recurring", "mobile-m", "20.00")]
    assert _lines(second) == [("credit", "mobile-m", "-13.33"), ("recurring", "mobile-l", "23.33"), ("recurring", "mobile-l", "35.00")]
    assert _lines(third) == [("credit", "mobile-l", "-35.00")]
    assert (third.gross, third.net, third.vat) == (Decimal("-35.00"), Decimal("-28.93"), Decimal("-6.08"))
    assert (preview.rates, preview.taxes, preview.gross, preview.bill_number) == (second.rates, second.taxes, second.gross, None)
    with operator.database.transaction() as tx:
        assert balance_of_customer(tx=tx, customer_id=one.customer_id) == Decimal("30.00")
        assert [message.kind.value for message in sent_to(tx=tx, customer_id=one.customer_id)][0] == "credit_ready"
        assert [run.period.first_day for run in runs(tx=tx)] == [DECEMBER, NOVEMBER, OCTOBER]


def test_a_business_pays_tax_on_the_sum_of_its_nets(operator: BilledOperator) -> None:
    (mobile, internet) = operator.add("business-mobile", "business-internet", segment="business")
    operator.run()
    (bill,) = operator.bills(mobile)
    assert (bill.net, bill.vat, bill.rounding, bill.gross) == (Decimal("87.00"), Decimal("18.27"), Decimal("0.00"), Decimal("105.27"))
    assert [rate.gross for rate in bill.rates] == [None, None]
    assert internet.billing_account_id == mobile.billing_account_id


def test_a_trial_takes_nothing_and_shows_the_same(operator: BilledOperator) -> None:
    populate(operator, customers=25, seed=1)
    trial = operator.run(kind="trial")
    with operator.database.transaction() as tx:
        assert all(bill.bill_number is None for bill in bills_of_run(tx=tx, bill_run_id=trial.bill_run_id))
        assert sum(abs(row.balance) for row in trial_balance(tx=tx)) == 0
        assert waiting(tx=tx) == []
        assert bills_of(tx=tx, customer_id=operator.held[0].customer_id) == []
        assert tx.value("SELECT count(*) FROM billing.recurring_position") == 0
    final = operator.run()
    assert (trial.totals, final.totals.count) == (final.totals, 25)


def test_a_final_period_stays_as_it_is(operator: BilledOperator) -> None:
    operator.add("mobile-s")
    first = operator.run()
    operator.add("mobile-s")
    assert operator.run() == replace(first, was_done=True)
    with operator.database.transaction() as tx:
        assert tx.value("SELECT count(*) FROM billing.customer_bill") == 1
    with pytest.raises(WrongState, match="are final"):
        operator.run(kind="trial")


@pytest.mark.parametrize(
    ("month", "said"),
    [(date(2026, 9, 1), "does not follow"), (date(2026, 12, 1), "does not follow"), (date(2026, 10, 1), "not over before")],
    ids=["before", "skipped", "not over"],
)
def test_a_mistyped_period_closes_nothing(operator: BilledOperator, month: date, said: str) -> None:
    operator.add("mobile-s")
    if said == "does not follow":
        operator.run(OCTOBER)
    with pytest.raises(WrongState, match=said):
        operator.run(month, now=start_of_day(date(2027, 2, 1) if said == "does not follow" else date(2026, 10, 31)))
    with operator.database.transaction() as tx:
        assert tx.value("SELECT count(*) FROM usage.closed_period") == (1 if said == "does not follow" else 0)


def test_a_mistyped_cycle_day_closes_nothing(operator: BilledOperator) -> None:
    operator.add("mobile-s")
    with pytest.raises(WrongState, match="No billing account has bill periods that begin on day 2"):
        run_bills(
            unapproved=True,
            database=operator.database, keeper=operator.keeper, lake=operator.lake, period=bill_period(OCTOBER, cycle_day=2), bill_date=NOVEMBER,
            now=start_of_day(date(2027, 2, 1)), identifiers=operator.identifiers,
        )  # fmt: skip
    with operator.database.transaction() as tx:
        assert tx.value("SELECT count(*) FROM usage.closed_period") == 0


def test_a_company_without_a_name_is_held_and_made_up_for(operator: BilledOperator) -> None:
    (nameless,) = operator.add("business-mobile", segment="business", named=False)
    (other,) = operator.add("mobile-s")
    operator.charge([nameless], month=OCTOBER, records=1, micro=1_000_000)
    result = operator.run(OCTOBER)
    with operator.database.transaction() as tx:
        (passed_by,) = held(tx=tx, bill_run_id=result.bill_run_id)
    assert (passed_by.billing_account_id, passed_by.reason, result.totals.count) == (nameless.billing_account_id, "no_invoice_party", 1)
    october = audit_bills(database=operator.database, lake=operator.lake, period=bill_period(OCTOBER))
    assert (october.differences, october.usage_held) == ((), Decimal("6.000000"))
    with operator.database.transaction() as tx:
        identity = {"kind": "organization", "trading_name": "Vos B.V."}
        store(tx=tx, keeper=operator.keeper, purpose="migration", category=Category.IDENTITY, items=[SealItem(nameless.party_id, identity)])
    operator.run(NOVEMBER)
    (bill,) = operator.bills(nameless)
    recurring = [(str(rate.amount), rate.period.first_day) for rate in bill.rates if rate.kind is RateKind.RECURRING and rate.period]
    assert recurring == [("18.00", NOVEMBER), ("18.00", DECEMBER)]
    assert [str(rate.amount) for rate in bill.rates if rate.kind is RateKind.USAGE] == ["1.00"] * 6
    november = audit_bills(database=operator.database, lake=operator.lake, period=bill_period(NOVEMBER))
    assert (november.differences, november.usage_lines, november.usage_held) == ((), Decimal("6.000000"), Decimal(0))
    assert len(operator.bills(other)) == 2


def test_a_person_without_a_name_is_called_by_the_customer_number(operator: BilledOperator) -> None:
    (nameless,) = operator.add("mobile-m", named=False)
    operator.run()
    (bill,) = operator.bills(nameless)
    with operator.database.transaction() as tx:
        (view,) = invoice_views(tx=tx, keeper=operator.keeper, bills=[(nameless.customer_id, bill.customer_bill_id)], purpose="billing")
    assert view.buyer["name"] == f"Klant {view.customer.customer_number}"


def test_an_account_whose_price_has_ended_is_held_and_the_run_goes_on(operator: BilledOperator) -> None:
    version = {"valid_from": date(2020, 1, 1), "valid_to": date(2026, 11, 15), "amount": "9.00"}
    price = {"id": "month", "kind": "recurring", "versions": [version]}
    old = {"id": "old-plan", "family": "mobile", "name": {"nl": "Oud", "en": "Old"}, "segment": "consumer", "tax_included": True, "prices": [price]}
    catalogue = {"offerings": [old]}
    with operator.database.transaction() as tx:
        product.load_catalogue(tx=tx, mapping=catalogue, now=NOW)
    (priceless,) = operator.add("old-plan")
    (other,) = operator.add("mobile-s")
    result = operator.run()
    with operator.database.transaction() as tx:
        (passed_by,) = held(tx=tx, bill_run_id=result.bill_run_id)
    assert (passed_by.billing_account_id, passed_by.reason) == (priceless.billing_account_id, "no_price")
    assert passed_by.detail.startswith("offering old-plan: price old-plan/month: valid_from, valid_to: is not in force on every day from ")
    assert len(operator.bills(other)) == 1


def test_billing_in_pieces_equals_billing_at_once(operator: BilledOperator) -> None:
    populate(operator, customers=30, seed=3)
    at_once = operator.run(kind="trial")
    told: list[BillRunProgress] = []
    run = operator.run(batch=7, told=told)
    with operator.database.transaction() as tx:
        assert totals(tx=tx, bill_run_id=run.bill_run_id) == at_once.totals
        numbers = [bill.bill_number for bill in bills_of_run(tx=tx, bill_run_id=run.bill_run_id)]
    assert sorted(number or "" for number in numbers) == [f"LLT-2026-{number:08d}" for number in range(1, 31)]
    assert [(one.billing_accounts, one.billing_accounts_total) for one in told] == [(7, 30), (14, 30), (21, 30), (28, 30), (30, 30)]


def test_billing_side_by_side_equals_billing_at_once(operator: BilledOperator) -> None:
    """Two processes, each with its half of the billing accounts, number their bills in one series without gaps, and go on after a stop."""
    populate(operator, customers=30, seed=4, records=2)
    at_once = operator.run(kind="trial")
    told: list[BillRunProgress] = []

    def stop(done: BillRunProgress) -> None:
        told.append(done)
        if len(told) == 1:
            with operator.database.transaction() as tx:
                stop_run(tx=tx, period=bill_period(OCTOBER))

    assert operator.run(parts=2, batch=4, progress=stop).stopped
    run = operator.run(batch=4, told=told)
    assert (run.stopped, run.totals, told[-1].billing_accounts) == (False, at_once.totals, 30)
    with operator.database.transaction() as tx:
        assert tx.value("SELECT count(*) FROM billing.bill_run_part WHERE bill_run_id = %s", (run.bill_run_id,)) == 2
        numbers = [bill.bill_number for bill in bills_of_run(tx=tx, bill_run_id=run.bill_run_id)]
    assert sorted(number or "" for number in numbers) == [f"LLT-2026-{number:08d}" for number in range(1, 31)]
    assert audit_bills(database=operator.database, lake=operator.lake, period=bill_period(OCTOBER)).differences == ()


def test_what_breaks_in_a_part_breaks_the_run(operator: BilledOperator) -> None:
    """An error of a process is raised by the command with the words that it has there, and nobody else may work on the run meanwhile."""
    populate(operator, customers=12, seed=5, records=0)

    def interfere(_: BillRunProgress) -> None:
        with pytest.raises(Conflict, match="Another process works on this bill run"):
            operator.run(batch=1)
        with operator.database.transaction() as tx:
            tx.execute("UPDATE billing.bill_run_part SET last_billing_account_id = NULL")

    with pytest.raises(Conflict, match="Another process works on this bill run. Wait until it has ended"):
        operator.run(parts=2, batch=1, progress=interfere)


def test_a_trial_that_several_processes_work_on_is_not_begun_anew(operator: BilledOperator) -> None:
    populate(operator, customers=12, seed=5, records=0)
    refused: list[str] = []

    def again(_: BillRunProgress) -> None:
        with pytest.raises(Conflict, match="Another process works on this bill run") as error:
            operator.run(kind="trial", batch=2)
        refused.append(str(error.value))

    assert operator.run(kind="trial", parts=2, batch=2, progress=again).totals.count == 12
    assert refused and operator.run(kind="trial").totals.count == 12


def test_a_process_that_is_killed_while_it_tells_something_is_one_that_ended() -> None:
    ours, theirs = Pipe(duplex=False)
    os.write(theirs.fileno(), b"\x00\x00\x01\x00half")
    theirs.close()
    with pytest.raises(Unavailable, match="ended before its work was done"):
        _parts._received(ours)


def test_everything_adds_up_and_a_difference_is_named(operator: BilledOperator) -> None:
    populate(operator, customers=40, seed=2)
    result = operator.run()
    assert ledger_difference(database=operator.database, bill_run_id=result.bill_run_id) == 0
    audit = audit_bills(database=operator.database, lake=operator.lake, period=bill_period(OCTOBER))
    assert (audit.differences, audit.bills, audit.usage, audit.ledger_difference) == ((), 40, audit.usage_lines, 0)
    assert audit.usage > 0
    with operator.database.transaction() as tx:
        number = tx.value("SELECT bill_number FROM billing.customer_bill LIMIT 1")
        tx.execute("UPDATE billing.customer_bill SET net = net + 1, gross = gross + 1 WHERE bill_number = %s", (number,))
        tx.execute("UPDATE billing.invoice_counter SET last_number = last_number + 1")
    broken = audit_bills(database=operator.database, lake=operator.lake, period=bill_period(OCTOBER))
    assert {(one.check, one.bill_number) for one in broken.differences} >= {
        ("lines = bill", number),
        ("bill = ledger", number),
        ("numbers", "LLT-2026"),
    }
    assert broken.ledger_difference == 1


def test_usage_of_which_every_line_rounds_to_nothing_asks_for_no_bill(operator: BilledOperator) -> None:
    (small,) = operator.add("mobile-m", billed_to=date(2027, 2, 1))
    operator.add("mobile-s")
    operator.charge([small], month=OCTOBER, records=1, micro=4_000)  # six lines of 0.004
    operator.run()
    assert operator.bills(small) == []
    audit = audit_bills(database=operator.database, lake=operator.lake, period=bill_period(OCTOBER))
    assert (audit.differences, audit.usage) == ((), audit.usage_lines)
    operator.charge([small], month=OCTOBER, records=2, micro=6_000)  # what no bill shows
    (missing,) = audit_bills(database=operator.database, lake=operator.lake, period=bill_period(OCTOBER)).differences
    assert (missing.check, missing.billing_account_id, missing.found) == ("usage = lines", small.billing_account_id, 0)


def test_nothing_to_audit_says_so(operator: BilledOperator) -> None:
    with pytest.raises(NotFound, match="No final bill run"):
        audit_bills(database=operator.database, lake=operator.lake, period=bill_period(OCTOBER))


def test_late_usage_stands_under_its_own_period(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-m")
    operator.charge([one], month=OCTOBER, records=1, micro=1_000_000)
    operator.run(OCTOBER)
    operator.charge([one], month=OCTOBER, records=1, micro=500_000, bill_month=NOVEMBER)
    operator.charge([one], month=NOVEMBER, records=1, micro=2_000_000)
    operator.run(NOVEMBER)
    second = operator.bills(one)[1]
    usage = [(rate.period.first_day, str(rate.amount)) for rate in second.rates if rate.period and rate.kind is RateKind.USAGE]
    assert usage == [(OCTOBER, "0.50")] * 6 + [(NOVEMBER, "2.00")] * 6
    audit = audit_bills(database=operator.database, lake=operator.lake, period=bill_period(NOVEMBER))
    assert (audit.differences, audit.usage_lines) == ((), Decimal("15.000000"))


def test_a_batch_costs_the_same_statements_whatever_its_size(operator: BilledOperator, business_dsn: str) -> None:
    counts = []
    with CountedDatabase(business_dsn) as counted:
        operator.database = counted
        for month, customers in ((OCTOBER, 3), (NOVEMBER, 30)):
            populate(operator, customers=customers, seed=customers, records=0)
            counted.statements.clear()
            operator.run(month)
            counts.append(len(counted.statements))
    assert counts[1] == counts[0] + 1  # how far products are billed that were billed before, moved in one statement
