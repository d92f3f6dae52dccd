"""
The balance of the whole for a month: usage rated = billed + held, charges = lines, bills = ledger, ledger = bank + open items.

Everything is added up anew from the rows of each room; no sum that a room keeps is asked. Each difference is named by account.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from hoeksteen.billing.audit import audit_bills
from hoeksteen.billing.bookkeeping import SOURCE as BILL
from hoeksteen.billing.model import BillAudit, BillRun, Difference
from hoeksteen.billing.queries import gross_by_account, runs
from hoeksteen.kernel.errors import NotFound
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.ledger.model import LedgerAccountBalance, LedgerAccountCode
from hoeksteen.ledger.queries import changed_periods, sums_by_source, trial_balance
from hoeksteen.rating.model import RatedBalance
from hoeksteen.rating.queries import balance as usage_balance
from hoeksteen.receivables.operations import SOURCE as PAYMENT
from hoeksteen.receivables.queries import over_settled, received_by_account
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database, Transaction

_NOTHING = Decimal("0.00")
USAGE_STATES = ("rated", "zero_rated", "duplicate", "suspended", "rejected", "unrated")


@dataclass(frozen=True, slots=True)
class MonthAudit:
    """
    What an audit of a month found; all is well when there is no difference.

    :param until: the last day whose books it holds
    :param usage_records: of all files, by state; they add up to `usage_records_in`
    :param bills: None when no final run's usage period begins in the month
    :param debtors: what debtors owe by the books on that day
    :param open_items: what bills ask until then less what was received, and what other sources booked
    :param other_sources: what sources without a subledger of their own booked on debtors
    :param accounts: the trial balance of that day; bank and clearing accounts are among them by code
    """

    period: BillPeriod
    until: date
    usage_records_in: int
    usage_records: Mapping[str, int]
    bills: BillAudit | None
    debtors: Decimal
    open_items: Decimal
    other_sources: Mapping[str, Decimal]
    accounts: Sequence[LedgerAccountBalance]
    differences: tuple[Difference, ...]


def audit_month(*, database: Database, lake: Lake, period: BillPeriod) -> MonthAudit:
    """
    Audit a calendar month: the bills whose usage period begins in it, and the books up to its end, or up to the day on these bills where that is
    later, with what is owed and paid by then.

    :raises NotFound: when there is nothing to audit: no final run, and nothing booked until its end
    """
    try:
        bills = audit_bills(database=database, lake=lake, period=period)
    except NotFound:
        bills = None
    with database.transaction() as tx:
        tx.see_one_moment()
        files = usage_balance(tx=tx)
        end_day = max([period.end_day, *(_day_after(run.bill_date) for run in runs(tx=tx) if _is_of(run, period))])
        until = date.fromordinal(end_day.toordinal() - 1)
        accounts = trial_balance(tx=tx, until=until)
        if bills is None and not any(one.debit for one in accounts):
            raise NotFound(f"There is nothing to audit in {period.first_day:%Y-%m}.", remedy="Run the bills first.")
        booked = sums_by_source(tx=tx, code=LedgerAccountCode.DEBTORS, end_day=end_day)
        asked = gross_by_account(tx=tx, end_day=end_day)
        received = received_by_account(tx=tx, end_day=end_day)
        differences = [
            *(bills.differences if bills is not None else ()),
            *_files(files),
            *_by_account("bills = debtors", asked, booked.get(BILL, {})),
            *_by_account("payments = debtors", {one: -amount for one, amount in received.items()}, booked.get(PAYMENT, {})),
            *_bank(tx, end_day, received),
            *_settled(tx),
            *_zero(accounts),
            *(Difference("closed month", None, f"{one.first_day:%Y-%m}", _NOTHING, one.debit) for one in changed_periods(tx=tx)),
        ]
    others = {source: sum(sums.values(), _NOTHING) for source, sums in booked.items() if source not in (BILL, PAYMENT)}
    return MonthAudit(
        period=period,
        until=until,
        usage_records_in=sum(file.records_in for file in files),
        usage_records={state: sum(getattr(file, state) for file in files) for state in USAGE_STATES},
        bills=bills,
        debtors=next((one.balance for one in accounts if one.ledger_account_code == LedgerAccountCode.DEBTORS), _NOTHING),
        open_items=sum(asked.values(), _NOTHING) - sum(received.values(), _NOTHING) + sum(others.values(), _NOTHING),
        other_sources=others,
        accounts=accounts,
        differences=tuple(differences),
    )


def _is_of(run: BillRun, period: BillPeriod) -> bool:
    return run.kind == "final" and period.first_day <= run.period.first_day < period.end_day


def _day_after(day: date) -> date:
    return date.fromordinal(day.toordinal() + 1)


def _files(files: Sequence[RatedBalance]) -> Iterator[Difference]:
    """Name the files of which not every record has one state, or waits for its rating."""
    for file in files:
        if not file.accounted_for:
            states = sum(getattr(file, state) for state in USAGE_STATES)
            yield Difference("records = states", None, str(file.usage_file_id), Decimal(file.records_in), Decimal(states))


def _by_account(check: str, wanted: Mapping[UUID, Decimal], booked: Mapping[UUID | None, Decimal]) -> Iterator[Difference]:
    for one in sorted({*wanted, *booked}, key=str):
        should, is_booked = wanted.get(one, _NOTHING) if one is not None else _NOTHING, booked.get(one, _NOTHING)
        if should != is_booked:
            yield Difference(check, one, None, should, is_booked)


def _bank(tx: Transaction, end_day: date, received: Mapping[UUID, Decimal]) -> Iterator[Difference]:
    """Compare what payments brought into the bank; what other sources booked there stands in the trial balance."""
    should = sum(received.values(), _NOTHING)
    is_booked = sum(sums_by_source(tx=tx, code=LedgerAccountCode.BANK, end_day=end_day).get(PAYMENT, {}).values(), _NOTHING)
    if should != is_booked:
        yield Difference("payments = bank", None, None, should, is_booked)


def _settled(tx: Transaction) -> Iterator[Difference]:
    for one in over_settled(tx=tx):
        yield Difference("settled at most once", one.billing_account_id, str(one.item_id), one.amount, one.settled)


def _zero(accounts: Sequence[LedgerAccountBalance]) -> Iterator[Difference]:
    left = sum((one.balance for one in accounts), _NOTHING)
    if left:
        yield Difference("ledger = zero", None, None, _NOTHING, left)
