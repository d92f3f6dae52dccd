"""
The balance of the whole for a month: usage rated = billed + held, charges = lines, bills, bank and
receivables = ledger, for every source that books.

Everything is added up anew from the rows of each room; no sum that a room keeps is asked. Each difference is named by account.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from hoeksteen.billing.audit import audit_bills
from hoeksteen.billing.bookkeeping import REVENUE
from hoeksteen.billing.bookkeeping import SOURCE as BILL
from hoeksteen.billing.model import BillAudit, Difference
from hoeksteen.billing.queries import gross_by_account, instalments_to_be_billed, net_vat_and_rounding, runs_of_final_bills
from hoeksteen.kernel.errors import NotFound
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.ledger.model import LedgerAccountBalance, LedgerAccountCode
from hoeksteen.ledger.queries import changed_periods, sums_by_source, trial_balance
from hoeksteen.rating.model import RatedBalance
from hoeksteen.rating.queries import balance as usage_balance
from hoeksteen.receivables.bookkeeping import SOURCES, statements_that_differ, wanted_in_the_books
from hoeksteen.receivables.queries import over_settled
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database, Transaction

_NOTHING = Decimal("0.00")
_DAY = timedelta(days=1)
Key = tuple[str, str]  # source, ledger account
USAGE_STATES = ("rated", "zero_rated", "duplicate", "suspended", "rejected", "unrated")


@dataclass(frozen=True, slots=True)
class MonthAudit:
    """
    What an audit of a month found; all is well when there is no difference.

    :param until: the last day whose books it holds
    :param usage_records: of all files, by state; they add up to `usage_records_in`
    :param bills: None when no final run's usage period begins in the month
    :param debtors: what debtors owe by the books on that day
    :param open_items: what bills, refunds, deposits and fees ask until then, less what was received, credited and written off
    :param debtors_by_source: what each source booked on debtors
    :param accounts: the trial balance of that day; each of them is compared with what the rooms' own rows say, source by source
    """

    period: BillPeriod
    until: date
    usage_records_in: int
    usage_records: Mapping[str, int]
    bills: BillAudit | None
    debtors: Decimal
    open_items: Decimal
    debtors_by_source: Mapping[str, Decimal]
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
        end_day = max([period.end_day, *(run.bill_date + _DAY for run in runs_of_final_bills(tx=tx, period=period))])
        until = end_day - _DAY
        accounts = trial_balance(tx=tx, until=until)
        if bills is None and not any(one.debit for one in accounts):
            raise NotFound(f"There is nothing to audit in {period.first_day:%Y-%m}.", remedy="Run the bills first.")
        booked = sums_by_source(tx=tx, end_day=end_day)
        wanted: dict[Key, Mapping[UUID | None, Decimal]] = {**_bills_wanted(tx, end_day), **wanted_in_the_books(tx=tx, end_day=end_day)}
        differences = [
            *(bills.differences if bills is not None else ()),
            *_files(files),
            *_books(wanted, _one_revenue(booked), {BILL: "bills", **SOURCES}),
            *(Difference("statement = entries", None, *one) for one in statements_that_differ(tx=tx)),
            *_settled(tx),
            *_zero(accounts),
            *(Difference("closed month", None, f"{one.first_day:%Y-%m}", _NOTHING, one.debit) for one in changed_periods(tx=tx)),
        ]
    debtors = LedgerAccountCode.DEBTORS
    return MonthAudit(
        period=period,
        until=until,
        usage_records_in=sum(file.records_in for file in files),
        usage_records={state: sum(getattr(file, state) for file in files) for state in USAGE_STATES},
        bills=bills,
        debtors=next((one.balance for one in accounts if one.ledger_account_code == debtors), _NOTHING),
        open_items=sum((amount for (_, code), sums in wanted.items() if code == debtors for amount in sums.values()), _NOTHING),
        debtors_by_source={source: sum(sums.values(), _NOTHING) for (source, code), sums in sorted(booked.items()) if code == debtors},
        accounts=accounts,
        differences=tuple(differences),
    )


def _files(files: Sequence[RatedBalance]) -> Iterator[Difference]:
    """Name the files of which not every record has one state, or waits for its rating."""
    for file in files:
        if not file.accounted_for:
            states = sum(getattr(file, state) for state in USAGE_STATES)
            yield Difference("records = states", None, str(file.usage_file_id), Decimal(file.records_in), Decimal(states))


def _books(
    wanted: Mapping[Key, Mapping[UUID | None, Decimal]], booked: Mapping[Key, Mapping[UUID | None, Decimal]], known: Mapping[str, str]
) -> Iterator[Difference]:
    """Compare what the rooms' own rows say with what is booked; what is booked by a source that no room answers for differs from nothing."""
    for source, code in sorted({*wanted, *booked}):
        should, found = wanted.get((source, code), {}), booked.get((source, code), {})
        check = f"{known.get(source, source)} = {LedgerAccountCode(code).name.lower().replace('_', ' ')}"
        for one in sorted({*should, *found}, key=str):
            if should.get(one, _NOTHING) != found.get(one, _NOTHING):
                yield Difference(check, one, None, should.get(one, _NOTHING), found.get(one, _NOTHING))


def _bills_wanted(tx: Transaction, end_day: date) -> dict[Key, Mapping[UUID | None, Decimal]]:
    """Give what bills and credit notes must have booked."""
    net, vat, rounding = net_vat_and_rounding(tx=tx, end_day=end_day)
    later = instalments_to_be_billed(tx=tx, end_day=end_day)
    return {
        (BILL, LedgerAccountCode.DEBTORS): dict[UUID | None, Decimal](gross_by_account(tx=tx, end_day=end_day).items()),
        (BILL, LedgerAccountCode.VAT_PAYABLE): {None: -vat},
        (BILL, LedgerAccountCode.ROUNDING_DIFFERENCES): {None: -rounding},
        (BILL, LedgerAccountCode.REVENUE_OTHER): {None: -net - later},
        (BILL, LedgerAccountCode.INSTALMENTS_TO_BE_BILLED): {None: later},
    }


def _one_revenue(booked: Mapping[Key, Mapping[UUID | None, Decimal]]) -> dict[Key, Mapping[UUID | None, Decimal]]:
    """Put what bills booked on the ledger accounts of revenue together: a bill's total does not divide it."""
    found = {key: sums for key, sums in booked.items() if not (key[0] == BILL and key[1] in REVENUE)}
    revenue = [amount for key, sums in booked.items() if key not in found for amount in sums.values()]
    return {**found, (BILL, LedgerAccountCode.REVENUE_OTHER): {None: sum(revenue, _NOTHING)}}


def _settled(tx: Transaction) -> Iterator[Difference]:
    for one in over_settled(tx=tx):
        yield Difference("settled at most once", one.billing_account_id, str(one.item_id), one.amount, one.settled)


def _zero(accounts: Sequence[LedgerAccountBalance]) -> Iterator[Difference]:
    left = sum((one.balance for one in accounts), _NOTHING)
    if left:
        yield Difference("ledger = zero", None, None, _NOTHING, left)
