"""Months of a whole operator from a seed, audited to zero each month; and every kind of damage, each of which the audit must find."""

import random
from datetime import date
from pathlib import Path

import psycopg
import pytest

from factories.billed_operator import BilledOperator
from fixtures.thoroughness import THOROUGHNESS
from fixtures.xaf import faults
from hoeksteen.journeys.audit_file import audit_file
from hoeksteen.journeys.balance import MonthAudit, audit_month
from hoeksteen.journeys.closing import close_books
from hoeksteen.kernel.errors import NotFound
from hoeksteen.kernel.time_period import BillPeriod, add_months, bill_period, start_of_day
from hoeksteen.ledger.model import LedgerAccountCode
from hoeksteen.party.departments import tops_of
from simulation.desk_of_charges import Counter
from simulation.desk_of_receivables import Desk
from simulation.operator_year import Simulation

OCTOBER = date(2026, 10, 1)


def _audit(operator: BilledOperator, month: date) -> MonthAudit:
    return audit_month(database=operator.database, lake=operator.lake, period=bill_period(month))


@pytest.mark.parametrize("seed", range(1, 2 + THOROUGHNESS))
def test_every_month_of_every_seed_balances(operator: BilledOperator, tmp_path: Path, seed: int) -> None:
    desk = Desk(operator, random.Random(seed), tmp_path)
    world = Simulation(operator, random.Random(seed), desk=desk, counter=Counter(operator, random.Random(1_000 + seed)))
    for months in range(4):
        month = add_months(OCTOBER, months)
        world.month(month)
        for audited in (month, add_months(month, 1)):
            found = _audit(operator, audited)
            assert found.differences == ()
            assert found.open_items == found.debtors
        bank = next(one.balance for one in found.accounts if one.ledger_account_code == LedgerAccountCode.BANK)
        assert bank == sum(world.paid.values()) + desk.stated, "what the world paid is what the bank has"
        assert found.usage_records_in == sum(found.usage_records.values())
        with operator.database.transaction() as tx:
            close_books(tx=tx, period=bill_period(month), by="seed", now=start_of_day(add_months(month, 2)))
    assert _audit(operator, OCTOBER).bills is not None
    with operator.database.transaction() as tx:
        tx.see_one_moment()
        assert faults(b"".join(audit_file(tx=tx, period=BillPeriod(date(2026, 1, 1), date(2027, 1, 1)), today=date(2027, 3, 1)))) == []


_BILL = "(SELECT customer_bill_id FROM billing.customer_bill WHERE gross > 1 ORDER BY bill_number LIMIT 1)"
_USAGE_LINE = (
    "(customer_bill_id, line) = (SELECT customer_bill_id, line FROM billing.applied_customer_billing_rate WHERE kind = 'usage' ORDER BY 1, 2 LIMIT 1)"
)
_LINE = _USAGE_LINE.replace("'usage'", "'recurring'")
_DAMAGE = {
    "a usage line that was lowered": (
        f"UPDATE billing.applied_customer_billing_rate SET detail = (detail::jsonb || '{{\"amount_micro\": 1}}')::json WHERE {_USAGE_LINE}",
        "usage = lines",
    ),
    "a line that was raised": (f"UPDATE billing.applied_customer_billing_rate SET net = net + 1 WHERE {_LINE}", "lines = bill"),
    "a line that is gone": (f"DELETE FROM billing.applied_customer_billing_rate WHERE {_LINE}", "lines = bill"),
    "a discount on usage from nowhere": (
        f"""UPDATE billing.applied_customer_billing_rate SET kind = 'discount', detail = '{{"usage": true, "alteration_id": "x"}}' WHERE {_LINE}""",
        "discounts on usage = lines",
    ),
    "a bill that asks more": (f"UPDATE billing.customer_bill SET net = net + 1, gross = gross + 1 WHERE customer_bill_id = {_BILL}", "bill = ledger"),
    "a bill that is gone": (
        f"DELETE FROM billing.applied_customer_billing_rate WHERE customer_bill_id = {_BILL};"
        f"DELETE FROM billing.applied_bill_tax WHERE customer_bill_id = {_BILL}; DELETE FROM billing.customer_bill WHERE customer_bill_id = {_BILL}",
        "bills = debtors",
    ),
    "a number that was skipped": ("UPDATE billing.invoice_counter SET last_number = last_number + 1", "numbers"),
    "a posting that was moved to another customer": (
        "UPDATE ledger.posting SET billing_account_id = customer_id WHERE (journal_entry_id, line) ="
        " (SELECT journal_entry_id, line FROM ledger.posting WHERE billing_account_id IS NOT NULL ORDER BY 1 LIMIT 1)",
        "bills = debtors",
    ),
    "an entry that is gone": (
        "WITH e AS (DELETE FROM ledger.journal_entry WHERE journal_entry_id ="
        " (SELECT journal_entry_id FROM ledger.journal_entry WHERE source = 'payment' ORDER BY 1 LIMIT 1) RETURNING journal_entry_id)"
        " DELETE FROM ledger.posting WHERE journal_entry_id IN (SELECT journal_entry_id FROM e)",
        "payments = bank",
    ),
    "a posting that was raised alone": (
        "UPDATE ledger.posting SET amount = amount + 1 WHERE (journal_entry_id, line) = (SELECT journal_entry_id, line FROM ledger.posting"
        " WHERE ledger_account_code = '1100' ORDER BY 1 LIMIT 1)",
        "ledger = zero",
    ),
    "a payment that was raised": (
        "UPDATE receivables.payment SET amount = amount + 1 WHERE payment_id ="
        " (SELECT payment_id FROM receivables.payment WHERE bank_reference ~ '^B' ORDER BY 1 LIMIT 1)",
        "payments = debtors",
    ),
    "a payment that is gone": (
        "DELETE FROM receivables.payment"
        " WHERE bank_reference = (SELECT min(bank_reference) FROM receivables.payment WHERE bank_reference ~ '^B')", "payments = debtors",
    ),
    "a payment that settles more than it is": ("UPDATE receivables.allocation SET amount = amount + 1000", "settled at most once"),
    "a month that was changed after it was closed": (
        "UPDATE ledger.journal_entry SET reference = reference || ' ' WHERE journal_entry_id = (SELECT journal_entry_id FROM ledger.journal_entry"
        " WHERE source = 'payment' ORDER BY 1 LIMIT 1)",
        "closed month",
    ),
    "a receipt on a statement that was raised": (
        "UPDATE receivables.bank_entry SET amount = amount + 1 WHERE outcome = 'payment' AND booked_on < '2026-12-01'", "bank statements = bank",
    ),
    "a statement that says something else": (
        "UPDATE receivables.bank_statement SET booked = booked + 1, closing = closing + 1 WHERE kind = 'statement'", "statement = entries",
    ),
    "a direct debit whose return is forgotten": (
        "DELETE FROM receivables.payment_reversal WHERE bank_entry_id IS NOT NULL", "bank statements = debtors",
    ),
    "a direct debit whose rejection is forgotten": (
        "DELETE FROM receivables.payment_reversal WHERE bank_entry_id IS NULL", "rejected collections = direct debits sent",
    ),
    "a direct debit that was lowered": (
        "UPDATE receivables.payment SET amount = amount - 0.01 WHERE payment_id IN (SELECT collection_id FROM receivables.collection)",
        "collections = debtors",
    ),
    "a refund that was raised": ("UPDATE receivables.refund SET amount = amount + 1", "refunds = payments in transit"),
    "a refund that was taken back": (
        "UPDATE receivables.refund SET state = 'declined'", "settled at most once",
    ),
    "a write-off without its VAT": ("UPDATE receivables.write_off SET vat = 0", "write-offs = vat on bad debts"),
    "a deposit that was raised": ("UPDATE receivables.deposit SET amount = amount + 1", "deposits = deposits"),
    "collection costs that nobody charged": (
        "INSERT INTO receivables.fee SELECT customer_id, gen_random_uuid(), billing_account_id, 'collection_costs', 40, now(), '2026-11-30'"
        " FROM receivables.deposit LIMIT 1",
        "collection costs = debtors",
    ),
    "a credit note that gives back more": (
        "UPDATE billing.customer_bill SET net = net - 1, gross = gross - 1 WHERE customer_bill_id IN"
        " (SELECT customer_bill_id FROM billing.credit_note)",
        "bills = debtors",
    ),
    "a bill whose VAT was moved": (
        "UPDATE ledger.posting SET ledger_account_code = '1610' WHERE ledger_account_code = '1600'", "bills = vat on bad debts",
    ),
    "something that no room answers for": ("UPDATE ledger.journal_entry SET source = 'by night' WHERE source = 'refund'", "by night = debtors"),
    "a charge that was raised after it was billed": (
        "UPDATE billing.account_charge SET amount = amount * 2 WHERE customer_bill_id IS NOT NULL", "charges = lines",
    ),
    "a part of a plan that no bill notes": ("DELETE FROM billing.instalment_billed WHERE role = 'part'", "bills = instalments to be billed"),
    "a plan that was made dearer": ("UPDATE billing.instalment_plan SET total = total + 1 WHERE ending IS NULL", "instalments = lines"),
    "a file whose records are counted too few": ("UPDATE usage.usage_file SET records_in = records_in + 1", "records = states"),
    "interest that was raised": ("UPDATE receivables.fee SET amount = amount + 1 WHERE kind = 'interest'", "statutory interest = debtors"),
    "a waiver that is forgotten": ("DELETE FROM receivables.fee_waiver", "waived fees = debtors"),
}  # fmt: skip


@pytest.fixture
def balanced(operator: BilledOperator, tmp_path: Path) -> BilledOperator:
    counter = Counter(operator, random.Random(12))
    world = Simulation(operator, random.Random(11), desk=Desk(operator, random.Random(11), tmp_path), counter=counter)
    for months in range(2):
        world.month(add_months(OCTOBER, months))
    with operator.database.transaction() as tx:
        close_books(tx=tx, period=bill_period(OCTOBER), by="x", now=start_of_day(date(2027, 1, 2)))
        close_books(tx=tx, period=bill_period(date(2026, 11, 1)), by="x", now=start_of_day(date(2027, 1, 2)))
        tx.execute("INSERT INTO usage.usage_file VALUES (gen_random_uuid(), 'x', 'voice', 'empty.csv', 'csv', 0, 0, now())")
    assert _audit(operator, date(2026, 11, 1)).differences == ()
    return operator


# Each is done to months of its own, which takes seconds: every sixth runs always, all of them under `make test-all`.
@pytest.mark.parametrize(
    ("sql", "check"),
    [pytest.param(*damage, id=name, marks=() if n % 6 == 0 else pytest.mark.slow) for n, (name, damage) in enumerate(_DAMAGE.items())],
)
def test_every_damage_is_found(balanced: BilledOperator, owner_dsn: str, sql: str, check: str) -> None:
    with psycopg.connect(owner_dsn) as owner:
        assert owner.execute(sql).rowcount != 0
    found = [difference for month in (OCTOBER, date(2026, 11, 1), date(2026, 12, 1)) for difference in _audit(balanced, month).differences]
    assert check in {one.check for one in found}
    if check in ("bills = debtors", "payments = debtors", "lines = bill", "usage = lines"):
        assert any(one.billing_account_id is not None for one in found if one.check == check), "each difference names its account"


def test_a_charge_that_no_bill_shows_is_found(balanced: BilledOperator) -> None:
    mobile = next(one for one in balanced.held if one.offering == "mobile-m" or "mobile" in one.offering)
    balanced.charge([mobile], month=date(2026, 11, 1), records=5, micro=3_000_000)
    found = _audit(balanced, date(2026, 11, 1)).differences
    with balanced.database.transaction() as tx:
        top = tops_of(tx=tx, billing_account_ids=[mobile.billing_account_id], day=date(2026, 11, 1))
    assert [(one.check, one.billing_account_id) for one in found] == [
        ("usage = lines", top.get(mobile.billing_account_id, mobile.billing_account_id))
    ]


def test_a_month_in_which_nothing_was_is_said_to_be_so(operator: BilledOperator) -> None:
    with pytest.raises(NotFound, match="nothing to audit in 2026-10"):
        _audit(operator, OCTOBER)
