"""Reading bills and bill runs, and seeing the next bill before it is made."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from uuid import UUID

from hoeksteen.billing import _audit_store, _instalment_store, _run_store, _store
from hoeksteen.billing._families import Inputs, families_of, family_lines
from hoeksteen.billing._granted_reading import read_granted
from hoeksteen.billing._reading import read_early, read_moves, read_products, read_usage, usage_of
from hoeksteen.billing._run import billing_accounts_of_run
from hoeksteen.billing.assembly import bill_of, to_bill
from hoeksteen.billing.legal_entity import due_date
from hoeksteen.billing.model import BillRun, BillTotals, CustomerBill, HeldAccount, RecurringSum, RunProgress
from hoeksteen.billing.prices import PriceBook
from hoeksteen.billing.recurring import Calendar, Move
from hoeksteen.kernel.errors import NotFound
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.time_period import BillPeriod, bill_period, local_day
from hoeksteen.party.departments import departments_of
from hoeksteen.party.model import BillingAccount
from hoeksteen.party.queries import billing_accounts
from hoeksteen.product.queries import offerings, usage_discount_days
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database, Transaction

RUNS_LISTED_MAX = 200


def bills_of(*, tx: Transaction, customer_id: UUID) -> list[CustomerBill]:
    """Give a customer's final bills without their lines, the newest first."""
    return _store.bills_of_customer(tx, customer_id)


def bill(*, tx: Transaction, customer_id: UUID, customer_bill_id: UUID) -> CustomerBill:
    """
    Give one bill, also a trial one, with its lines and taxes.

    :raises NotFound: when the customer has no such bill
    """
    found = _store.bill(tx, customer_id, customer_bill_id)
    if found is None:
        raise NotFound("The customer has no bill with this identifier.", remedy="Open the list of bills again.", customer_bill_id=customer_bill_id)
    return found


def bills_in_full(*, tx: Transaction, customer_id: UUID, customer_bill_ids: Sequence[UUID]) -> list[CustomerBill]:
    """Give those bills of a customer with their lines and taxes, in the order that they are named; unknown ones are absent."""
    found = {one.customer_bill_id: one for one in _store.bills(tx, [customer_id], customer_bill_ids)}
    return [found[one] for one in customer_bill_ids if one in found]


def bill_by_number(*, tx: Transaction, bill_number: str) -> CustomerBill:
    """
    Give the final bill with a number, with its lines and taxes.

    :raises NotFound: when no bill has this number
    """
    found = _store.bill_of_number(tx, bill_number)
    if found is None:
        raise NotFound(f"No bill has the number {bill_number}.", remedy="Bill numbers look like LLT-2026-00000001.")
    return bill(tx=tx, customer_id=found.customer_id, customer_bill_id=found.customer_bill_id)


def bill_by_id(*, tx: Transaction, customer_bill_id: UUID) -> CustomerBill:
    """
    Give the final bill with an identifier, whoever's it is, with its lines and taxes.

    :raises NotFound: when no final bill has this identifier
    """
    found = _store.bill_of_id(tx, customer_bill_id)
    if found is None or found.bill_number is None:
        raise NotFound("No bill has this identifier.", remedy="Open the list of bills again.", customer_bill_id=customer_bill_id)
    return bill(tx=tx, customer_id=found.customer_id, customer_bill_id=customer_bill_id)


def bills_of_run(*, tx: Transaction, bill_run_id: UUID, after: UUID | None = None, limit: int = 1_000) -> list[CustomerBill]:
    """
    Give the bills of a run without their lines, in the order of billing account identifiers.

    :param after: the last billing account identifier of the page before
    """
    return _store.bills_after(tx, bill_run_id, after, limit)


def bills_of_run_in_full(*, tx: Transaction, bill_run_id: UUID, after: UUID | None = None, limit: int = 1_000) -> list[CustomerBill]:
    """
    Give the bills of a run with their lines and taxes, in the order of billing account identifiers.

    :param after: the last billing account identifier of the page before
    """
    some = _store.bills_after(tx, bill_run_id, after, limit)
    found = _store.bills(tx, list({one.customer_id for one in some}), [one.customer_bill_id for one in some])
    return sorted(found, key=lambda one: one.billing_account_id)


def recurring_sums(*, tx: Transaction, customer_ids: Sequence[UUID], period: BillPeriod) -> list[RecurringSum]:
    """Give what final bills of a usage period charge some customers in advance, for the period after it; who got no such line is absent."""
    return _store.recurring_sums(tx, customer_ids, period.first_day, period.end_day)


def runs(*, tx: Transaction, limit: int = RUNS_LISTED_MAX) -> list[BillRun]:
    """Give the newest bill runs, the newest period first; without those of who leaves, of which there are as many as accounts that left."""
    return _store.runs(tx, min(limit, RUNS_LISTED_MAX))


def runs_of_final_bills(*, tx: Transaction, period: BillPeriod) -> list[BillRun]:
    """Give the runs that are no trials and whose own period begins in this one, also those of a few accounts; they may be under way."""
    return _store.final_runs_of_period(tx, period.first_day, period.end_day)


def final_runs_not_done(*, tx: Transaction, dated_in: BillPeriod) -> list[BillRun]:
    """Give the final runs that were begun, whose bills have a date in some days, and that are not done."""
    return _store.final_runs_not_done(tx, dated_in.first_day, dated_in.end_day)


def run(*, tx: Transaction, bill_run_id: UUID) -> BillRun:
    """
    Give one bill run.

    :raises NotFound: when there is none with this identifier
    """
    found = _store.run(tx, bill_run_id)
    if found is None:
        raise NotFound("No bill run has this identifier.", remedy="Look at the list of bill runs.", bill_run_id=bill_run_id)
    return found


def run_under_way(*, tx: Transaction, period: BillPeriod) -> BillRun | None:
    """Give the run of a period that was begun and is not done, the final one first; it may be stopped. None where there is none."""
    return _run_store.running(tx, period.first_day.day, period.first_day)


def progress(*, tx: Transaction, run: BillRun, now: datetime) -> RunProgress:
    """Give how far a run is, how fast, and how long it still takes."""
    total = billing_accounts_of_run(tx, run)
    rate, left = run.pace(now, total)
    return RunProgress(run.billing_accounts, total, rate, left)


def totals(*, tx: Transaction, bill_run_id: UUID) -> BillTotals:
    """Give the sums of a run's bills."""
    return _store.totals(tx, [bill_run_id])[bill_run_id]


def totals_of_runs(*, tx: Transaction, bill_run_ids: Sequence[UUID]) -> dict[UUID, BillTotals]:
    """Give the sums of the bills of each of some runs."""
    return _store.totals(tx, bill_run_ids)


def held(*, tx: Transaction, bill_run_id: UUID) -> list[HeldAccount]:
    """Give the billing accounts that a run passed by, and why."""
    return _store.held_of_run(tx, bill_run_id)


def gross_by_account(*, tx: Transaction, end_day: date) -> dict[UUID, Decimal]:
    """Give what the final bills dated before a day ask of each billing account together; for audits."""
    return _audit_store.gross_by_account(tx, end_day)


def net_vat_and_rounding(*, tx: Transaction, end_day: date) -> tuple[Decimal, Decimal, Decimal]:
    """Give the three sums of all final bills and credit notes dated before a day; for audits."""
    row = _audit_store.totals(tx, end_day)
    return row["net"], row["vat"], row["rounding"]


def instalments_to_be_billed(*, tx: Transaction, end_day: date) -> Decimal:
    """Give what sales in parts, on final bills dated before a day, still have to ask for; for audits."""
    return _instalment_store.to_be_billed(tx, end_day)


def gross_of_bills(*, tx: Transaction, customer_bill_ids: Sequence[UUID]) -> dict[UUID, tuple[UUID, Decimal]]:
    """Give the billing account of some final bills, and what each asks; unknown ones are absent."""
    return _audit_store.gross_of_bills(tx, customer_bill_ids)


def next_bill(*, database: Database, lake: Lake, customer_id: UUID, now: datetime, billing_account_id: UUID | None = None) -> CustomerBill:
    """
    Give the bill that a billing account would get next, from what is known now, planned changes included; nothing is saved.

    The same code computes it as the run, so that it is the bill, but for usage that is still to come.

    :param billing_account_id: without it, the customer's first active billing account
    :raises NotFound: when the customer has no such billing account
    :raises NoPrice: when something has no price on a day
    """
    with database.transaction() as tx:
        return next_bill_within(tx=tx, lake=lake, customer_id=customer_id, now=now, billing_account_id=billing_account_id)


def next_bill_within(*, tx: Transaction, lake: Lake, customer_id: UUID, now: datetime, billing_account_id: UUID | None = None) -> CustomerBill:
    """
    Give the next bill as a transaction sees it, with the changes that it has made and not committed; nothing is saved.

    Of an account with departments it is the bill of all of them; of a department, what it adds to its parent's.

    :raises NotFound: when the customer has no such billing account
    :raises NoPrice: when something has no price on a day
    """
    billing_account = _billing_account(tx, customer_id, billing_account_id)
    moves = read_moves(tx=tx, billing_accounts=[billing_account]).get(billing_account.billing_account_id, ())
    period = _next_period(tx, billing_account, now, moves)
    book, calendar = PriceBook(offerings(tx=tx)), Calendar(period)
    departments = departments_of(tx=tx, billing_account_ids=[billing_account.billing_account_id], day=period.first_day)
    (family,) = families_of([billing_account], departments)
    products = read_products(tx=tx, billing_accounts=family.members, book=book, calendar=calendar)
    ids = [one.billing_account_id for one in family.members]
    lowered = any(one.product.usage_discounts for some in products.values() for one in some)
    divided = usage_discount_days(tx=tx) if lowered else ()  # those of all, whose totals the next one who asks needs too
    usage = read_usage(tx=tx, period=period, billing_account_ids=ids, usage_of=partial(usage_of, lake=lake, divided=divided))
    early = read_early(tx=tx, period=period, kind="final", billing_account_ids=ids)
    granted = read_granted(tx=tx, billing_accounts=family.members, period=period)
    made = family_lines(family, Inputs(products, usage, granted, early), book, calendar.moved(moves), period)
    draft = bill_of(billing_account=billing_account, lines=made.lines, granted=made.granted)
    preview_id = derived("next bill", str(billing_account.billing_account_id), period.first_day.isoformat())
    return to_bill(
        draft=draft,
        billing_account=billing_account,
        customer_bill_id=preview_id,
        bill_date=period.end_day,
        due_date=due_date(period.end_day, billing_account.payment_term_days),
        period=period,
    )


def _billing_account(tx: Transaction, customer_id: UUID, billing_account_id: UUID | None) -> BillingAccount:
    held = billing_accounts(tx=tx, customer_id=customer_id)
    chosen = [one for one in held if one.billing_account_id == billing_account_id or (billing_account_id is None and one.status == "active")]
    if not chosen:
        raise NotFound(
            "The customer has no such billing account.", remedy="Choose one of the customer's active billing accounts.", customer_id=customer_id
        )
    return chosen[0]


def _next_period(tx: Transaction, billing_account: BillingAccount, now: datetime, moves: tuple[Move, ...]) -> BillPeriod:
    """Give the period after the last final run of the cycle, of which the account has a part; before the first run, the one in which we are."""
    last = _store.last_final_run(tx, billing_account.cycle_day)
    if last is None:
        found = bill_period(local_day(now), cycle_day=billing_account.cycle_day)
    else:
        found = last.period.next() if last.state == "done" else last.period
    began = moves[-1].from_day if moves and moves[-1].day_after == billing_account.cycle_day else found.first_day
    return max(found, bill_period(began, cycle_day=billing_account.cycle_day), key=lambda one: one.first_day)
