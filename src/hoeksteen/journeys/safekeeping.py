"""Backup, restore and `fsck` of the business side: what of each room belongs into a backup, and what must hold afterwards."""

from datetime import datetime
from pathlib import Path
from uuid import UUID

from hoeksteen.billing.audit import number_gaps
from hoeksteen.disclosure.queries import counts
from hoeksteen.ledger.queries import changed_periods, unbalanced_entries
from hoeksteen.rating.queries import balance as usage_balance
from hoeksteen.rating.tables import ALLOWANCE_LEFT, CHARGE, PERIOD_CHARGE, PRICE
from hoeksteen.storage import backup
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database
from hoeksteen.usage.queries import differences
from hoeksteen.usage.tables import GUIDED, SET_ASIDE, SUSPENDED

# Work under way is begun anew, and the sorted runs of identities are made of the lake again.
_SHAPE = backup.Shape(
    derived=(
        "rating.open_rating",
        "rating.rating_step",
        "usage.identity_run",
        "usage.identity_file",
        "jobs.procrastinate_jobs",
        "jobs.procrastinate_workers",
        "jobs.procrastinate_periodic_defers",
        "jobs.procrastinate_events",
        "jobs.report",
    ),
    after={
        "ledger.posting": ("ledger.journal_entry",),
        "ledger.accounting_period": ("ledger.posting",),
        "billing.applied_customer_billing_rate": ("billing.customer_bill",),
        "billing.applied_bill_tax": ("billing.customer_bill",),
    },  # fmt: skip
    lake_tables=(GUIDED, SUSPENDED, SET_ASIDE, CHARGE, PRICE, ALLOWANCE_LEFT, PERIOD_CHARGE),
)


def back_up(*, database: Database, lake: Lake, folder: Path, now: datetime, tell: backup.Tell = lambda _: None) -> backup.BackupResult:
    """
    Write the business database and the lake, as at one instant, into a new directory while others work on.

    Take the keeper's own backup after it: a key too many is harmless, one too few is not.

    :raises InvalidInput: when the directory exists
    :raises Unavailable: when the disk refuses
    """
    return backup.back_up(database=database, lake=lake, folder=folder, shape=_SHAPE, now=now, tell=tell)


def restore(*, database: Database, lake: Lake, folder: Path, write_id: UUID, tell: backup.Tell = lambda _: None) -> backup.BackupResult:
    """
    Put a backup into an empty installation, all of it or nothing.

    :raises Corrupt: when a file of the backup is missing or changed
    :raises InvalidInput: when it is no backup
    :raises WrongState: when the installation is not empty, or of another release
    :raises Unavailable: when the disk is full
    """
    return backup.restore(database=database, lake=lake, folder=folder, shape=_SHAPE, write_id=write_id, tell=tell)


def faults(*, database: Database, lake: Lake) -> list[str]:
    """
    Give everything in the business database and the lake that does not hold together, a sentence each; none when all is well.

    It reads every file of the lake and every journal entry, and changes nothing.
    """
    found = backup.lake_faults(database=database, lake=lake)
    if not found:  # what is missing would be counted as lost records as well
        with lake.locked(database=database) as tx:
            found += [f"usage file {one.usage_file_id}: {one.state} {one.reason} {one.day or ''}".rstrip() for one in differences(tx=tx, lake=lake)]
    with database.transaction() as tx:
        tx.see_one_moment()
        found += [f"usage file {file.usage_file_id}: its records are not its states" for file in usage_balance(tx=tx) if not file.accounted_for]
        found += [f"journal entry {one}: its postings are no balanced entry" for one in unbalanced_entries(tx=tx)]
        found += [f"ledger {one.first_day:%Y-%m}: its journal is not the one that was closed" for one in changed_periods(tx=tx)]
        found += [f"sealed {category}: {empty} of {blobs} blobs are empty" for category, (blobs, empty) in counts(tx=tx).items() if empty]
        found += [f"bill numbers {one.bill_number}: {one.expected} are used, and {one.found} given out" for one in number_gaps(tx=tx)]
    return found


def sealed_blobs(*, database: Database) -> dict[str, int]:
    """Give how many sealed blobs of each category are kept; only the keeper can say whether they open."""
    with database.transaction() as tx:
        return {category: blobs for category, (blobs, _) in sorted(counts(tx=tx).items())}
