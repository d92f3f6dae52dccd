"""Writing to the ledger: entries are added, never changed or removed; a period that is closed takes none."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from hoeksteen.kernel.errors import InvalidInput, WrongState, invariant
from hoeksteen.kernel.time_period import BillPeriod, add_months, local_day
from hoeksteen.kernel.words import require_said
from hoeksteen.ledger import _store
from hoeksteen.ledger.exporting import digest_of_journal
from hoeksteen.ledger.model import AccountingPeriod, JournalEntry
from hoeksteen.storage.postgres import Transaction


def post(*, tx: Transaction, entries: Sequence[JournalEntry]) -> None:
    """
    Post a batch of journal entries with COPY.

    The sum is asserted here before writing, and by the database when it is written and again at commit.

    :raises Corrupt: when an entry has fewer than two postings or does not sum to zero in each currency
    :raises Conflict: when an entry of this source and reference was posted before
    :raises WrongState: when the day of an entry lies in a closed period
    """
    for entry in entries:
        invariant(_is_balanced(entry), f"journal entry {entry.source} {entry.reference} sums to zero")
    if entries:
        require_open(tx=tx, day=min(entry.booked_on for entry in entries))
        _store.insert(tx, entries)


def require_open(*, tx: Transaction, day: date, what: str = "the day of the entry", remedy: str = "") -> None:
    """
    Refuse a day whose books are closed, and keep the books from being closed until the transaction ends.

    :param what: names the field in the message
    :param remedy: what to do, where booking on a later day is not it
    :raises WrongState: when the day lies in a closed period
    """
    open_from = _store.hold_open_books(tx)
    if open_from is not None and day < open_from:
        raise WrongState(
            f"The books of {day:%Y-%m} are closed, and {what} is {day}.", remedy=remedy or f"Book it on {open_from} or later.", open_from=open_from
        )


def open_day(*, tx: Transaction, day: date) -> date:
    """
    Give the day on which what happened on a day is booked: that day or, when its books are closed, the first open one.

    The books are kept from being closed until the transaction ends.
    """
    open_from = _store.hold_open_books(tx)
    return day if open_from is None else max(day, open_from)


def close_period(*, tx: Transaction, period: BillPeriod, by: str, now: datetime) -> AccountingPeriod:
    """
    Close the books of a calendar month for good: nothing can be booked in it any more, and its journal's digest is kept.

    Periods are closed in order. Whoever books meanwhile is waited for, or waits.

    :param by: who closes it
    :raises InvalidInput: when the period is no calendar month, or nobody is named
    :raises WrongState: when it is closed, is not over, or an earlier one is to be closed first
    """
    first, end = period.first_day, period.end_day
    if first.day != 1 or end != add_months(first, 1):
        raise InvalidInput(f"{first} to {end} is no calendar month.", remedy="Close a month such as 2026-10.")
    require_said(by=by)
    if end > local_day(now):
        raise WrongState(f"The month {first:%Y-%m} is not over.", remedy=f"Close it from {end} on.")
    open_from = _store.hold_books(tx)
    if open_from is not None and first < open_from:
        raise WrongState(
            f"The books of {first:%Y-%m} are closed already.", remedy="What is closed stays closed; `hoeksteen ledger periods` says since when."
        )
    next_day = open_from or _store.first_booked_on(tx)
    if next_day is not None and first > next_day:
        raise WrongState(
            f"The books of {next_day:%Y-%m} are still open.", remedy=f"Close them first: `hoeksteen ledger close --period {next_day:%Y-%m}`."
        )
    entries, postings, debit = _store.sums_of_period(tx, first, end)
    closed = AccountingPeriod(first, end, now, by.strip(), entries, postings, debit, digest_of_journal(tx=tx, period=period))
    _store.insert_period(tx, closed)
    return closed


def _is_balanced(entry: JournalEntry) -> bool:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for posting in entry.postings:
        sums[posting.currency] += posting.amount
    return len(entry.postings) >= 2 and not any(sums.values())
