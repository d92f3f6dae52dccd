"""
Logs of this keeper that ended (docs/decisions/0019): what they hold is read on, so that who saw whom is not forgotten with them.

Each is held to what the log after it says of it in its first entry: how many entries it had, and the root of its signed tree.
"""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hoeksteen_keeper.evidence import _store
from hoeksteen_keeper.evidence.entries import Scribe, read_entry
from hoeksteen_keeper.evidence.errors import EvidenceCorrupt
from hoeksteen_keeper.evidence.merkle import leaf_hash, range_root
from hoeksteen_keeper.evidence.notes import to_base64
from hoeksteen_keeper.evidence.replay import History, StateAt
from hoeksteen_keeper.evidence.scan import require_columns

if TYPE_CHECKING:
    from hoeksteen_keeper.evidence.log import Log


@dataclass(slots=True)
class EarlierLog:
    """
    A log that ended. Nothing is written to it.

    :param origin: its name in its checkpoints
    :param size: how many entries the keeper has of it
    :param until: when the log after it began
    """

    origin: str
    size: int
    until: datetime
    pool: _store.Pool
    scribe: Scribe
    history: History = field(default_factory=History)
    history_lock: threading.Lock = field(default_factory=threading.Lock)
    standing: StateAt | None = None


def earlier_logs(log: "Log") -> list[EarlierLog]:
    """
    Open the logs that ended before this one began, the oldest first.

    :raises EvidenceCorrupt: `earlier_missing` or `earlier_changed`, when one of them is not as its end was told
    """
    found: list[EarlierLog] = []
    numbered = re.search(r"#([0-9]+)$", log.origin)
    try:
        for number in range(1, int(numbered[1]) if numbered else 1):
            pool = _store.connections(str(log.pool.conninfo), schema=f"{_store.SCHEMA}_{number}", kept=0)
            pool.open()
            found.append(EarlierLog("", 0, datetime.max.replace(tzinfo=UTC), pool, log.scribe))
        for one, after in zip(found, [*(one.pool for one in found), log.pool][1:], strict=True):
            with _store.connected(after) as tx:
                entry = next((read_entry(row.index, row.leaf, row.body, row.chunk) for row in _first(tx)), None)
            if entry is None or entry.event.kind != "break":
                raise EvidenceCorrupt("earlier_missing", "A log that follows another one does not begin by naming it.")
            told = entry.event.detail
            one.origin, one.size, one.until = str(told["old_log"]).partition("+")[0], told["entries"], entry.time
            _require_whole(one, told)
    except BaseException:
        for one in found:
            one.pool.close()
        raise
    return found


def _require_whole(one: EarlierLog, told: Any) -> None:
    with _store.connected(one.pool) as tx:
        if not _store.has_entries(tx):
            raise EvidenceCorrupt("earlier_missing", f"The database lost the log {one.origin}, which ended. Restore a backup that holds it.")
        hashes = [leaf_hash(leaf) for leaf in _store.leaves(tx)]
        signed = told["signed_size"]
        root = range_root(hashes[:signed], 0, signed, []) if 0 < signed <= len(hashes) else None
        if len(hashes) != one.size or (signed and (root is None or to_base64(root) != told["signed_root"])):
            raise EvidenceCorrupt("earlier_changed", f"The log {one.origin}, which ended, is not in the database as it was signed.")
        require_columns(tx, 0, one.size)


def _first(tx: _store.Connection) -> Iterator[_store.Row]:
    yield from _store.rows_of(tx, [0]) if _store.has_entries(tx) else ()
