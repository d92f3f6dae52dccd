"""Reading usage: what became of files, and which periods are closed."""

from datetime import date

from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.storage.postgres import Transaction
from hoeksteen.usage import _store
from hoeksteen.usage.model import FileBalance, RefusedFile


def balances(*, tx: Transaction) -> list[FileBalance]:
    """Give the balance of every file, in the order in which they were taken."""
    return _store.balances(tx)


def refused_files(*, tx: Transaction) -> list[RefusedFile]:
    """Give the files that were refused whole and not delivered again in order, by name."""
    return _store.refused_files(tx)


def last_closed(*, tx: Transaction) -> dict[int, date]:
    """Give the first day of the latest closed bill period per cycle day."""
    return _store.last_closed(tx)


def first_closed(*, tx: Transaction) -> dict[int, date]:
    """Give the first day of the first bill period that was closed, per cycle day."""
    return _store.first_closed(tx)


def is_closed(*, tx: Transaction, period: BillPeriod) -> bool:
    """Say whether a bill period was closed before."""
    return _store.is_closed(tx, period.first_day.day, period.first_day)


def closed_periods(*, tx: Transaction, first_day: date, end_day: date) -> list[date]:
    """Give the first days of the closed bill periods, of every cycle, that begin between two days."""
    return _store.closed_periods(tx, first_day, end_day)
