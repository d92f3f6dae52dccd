"""Reading usage: what became of files, and what a customer used."""

from datetime import date
from uuid import UUID

from hoeksteen.storage.postgres import Transaction
from hoeksteen.usage import _store
from hoeksteen.usage.model import FileBalance
from hoeksteen.usage.tables import BUCKETS

LATEST_MAX = 500


def balances(*, tx: Transaction) -> list[FileBalance]:
    """Give the balance of every file, in the order in which they were taken."""
    return _store.balances(tx)


def last_closed(*, tx: Transaction) -> dict[int, date]:
    """Give the first day of the latest closed bill period per cycle day."""
    return _store.last_closed(tx)


def bucket_of(billing_account_id: UUID) -> int:
    """Give the lake bucket of a billing account, from its last byte, which is random in every kind of identifier that we make."""
    return billing_account_id.int % BUCKETS


def month_number(month: date) -> int:
    """Give the lake's partition value of a calendar month."""
    return month.year * 100 + month.month
