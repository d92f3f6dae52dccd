"""
Asking that suspended usage be tried again.

The keeper opens numbers for batch work that was approved, not for a page. So a page asks, and the watcher of the drop folder, which runs
as that batch work, does it and says what came of it.
"""

from dataclasses import dataclass
from datetime import datetime

from hoeksteen.disclosure import KeeperClient
from hoeksteen.kernel.errors import AccessDenied
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database, Transaction
from hoeksteen.usage import _store
from hoeksteen.usage.operations import recycle


@dataclass(frozen=True, slots=True)
class Retry:
    """
    Somebody's wish that suspended usage be tried again.

    :param done_at: None while it waits for the watcher
    :param guided: how many records could be rated then
    :param problem: why nothing was tried; empty where it was
    """

    asked_by: str
    asked_at: datetime
    done_at: datetime | None
    guided: int
    problem: str


def ask(*, tx: Transaction, asked_by: str, now: datetime) -> None:
    """Ask for it; while an earlier wish waits, that one counts, unless it is being carried out just now."""
    _store.ask_retry(tx, asked_by, now)


def latest(*, tx: Transaction) -> Retry | None:
    """Give the latest wish, or None where there never was one."""
    row = _store.latest_retry(tx)
    return None if row is None else Retry(**row)


def carry_out(*, database: Database, keeper: KeeperClient, lake: Lake, now: datetime, identifiers: Identifiers) -> int | None:
    """
    Try suspended usage again where somebody asked for it; give how many records are guided now, or None where nothing was tried.

    What the keeper does not allow ends the wish with the reason; it can be asked for again once that is mended.

    :raises Unavailable: when the keeper, the database or the lake does not answer; the wish stays
    """
    with database.transaction() as tx:
        wishes = _store.begin_retries(tx, now)
    if not wishes:
        return None
    try:
        return recycle(database=database, keeper=keeper, lake=lake, now=now, identifiers=identifiers)
    except AccessDenied as error:
        with database.transaction() as tx:
            _store.end_retries(tx, wishes, 0, error.reason, now)
        return None
