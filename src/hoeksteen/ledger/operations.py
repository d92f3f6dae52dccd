"""Writing to the ledger: entries are added, never changed or removed."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from hoeksteen.kernel.errors import invariant
from hoeksteen.ledger import _store
from hoeksteen.ledger.model import JournalEntry
from hoeksteen.storage.postgres import Transaction


def post(*, tx: Transaction, entries: Sequence[JournalEntry]) -> None:
    """
    Post a batch of journal entries with COPY.

    The sum is asserted here before writing, and by the database when it is written and again at commit.

    :raises Corrupt: when an entry has fewer than two postings or does not sum to zero in each currency
    :raises Conflict: when an entry of this source and reference was posted before
    """
    for entry in entries:
        invariant(_is_balanced(entry), f"journal entry {entry.source} {entry.reference} sums to zero")
    if entries:
        _store.insert(tx, entries)


def _is_balanced(entry: JournalEntry) -> bool:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for posting in entry.postings:
        sums[posting.currency] += posting.amount
    return len(entry.postings) >= 2 and not any(sums.values())
