"""The journal of a period as CSV: for accountants, and the bytes whose digest is kept when a period is closed. It holds no names."""

import hashlib
from collections.abc import Iterator

from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.ledger import _store
from hoeksteen.storage.postgres import Transaction


def journal_csv(*, tx: Transaction, period: BillPeriod) -> Iterator[bytes]:
    """
    Give the journal of a period as CSV (RFC 4180 but for its line ends, which are LF; UTF-8), piece by piece: a line for each posting.

    Ordered by day, entry and line, with every value in one writing, so that the same journal always gives the same bytes. A line
    says the day, the entry, what made it and under which reference, when it was posted (UTC), the number of the line, the ledger account,
    the pseudonyms of customer and billing account, and debit or credit in euros.
    """
    return _store.journal(tx, period.first_day, period.end_day)


def digest_of_journal(*, tx: Transaction, period: BillPeriod) -> str:
    """Give the SHA-256 of a period's journal as CSV, in hexadecimal digits; `sha256sum` of the exported file gives the same."""
    digest = hashlib.sha256()
    for part in journal_csv(tx=tx, period=period):
        digest.update(part)
    return digest.hexdigest()
