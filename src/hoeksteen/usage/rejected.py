"""Rejected lines by file and reason: nothing of them is kept but their number and why, so that only the source can deliver them anew."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pyarrow as pa

from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Transaction
from hoeksteen.usage import _store
from hoeksteen.usage.tables import SET_ASIDE

LINES_MAX = 8
_LINES = """
SELECT usage_file_id, reason, list_slice(list(line ORDER BY line), 1, {lines}) AS lines FROM set_aside
WHERE state = 'rejected' AND usage_file_id IN (SELECT id::UUID FROM file) GROUP BY usage_file_id, reason
"""


@dataclass(frozen=True, slots=True)
class RejectedLines:
    """
    Lines of one file that were rejected for one reason.

    :param lines: the first of their numbers
    """

    usage_file_id: UUID
    source: str
    name: str
    taken_at: datetime
    reason: str
    records: int
    lines: tuple[int, ...]


def rejected(*, tx: Transaction, lake: Lake, limit: int = 50) -> list[RejectedLines]:
    """Give the rejected lines of the files that were taken last."""
    rows = _store.rejected_files(tx, limit)
    if not rows:
        return []
    with Duck(spill=lake.spill) as duck:
        duck.view_of_files("set_aside", SET_ASIDE, lake.files(SET_ASIDE))
        duck.put("file", pa.table({"id": pa.array(sorted({str(row["usage_file_id"]) for row in rows}), pa.string())}))
        lines = {(row["usage_file_id"], row["reason"]): tuple(row["lines"]) for row in duck.rows(_LINES.format(lines=LINES_MAX))}
    return [RejectedLines(**row, lines=lines.get((row["usage_file_id"], row["reason"]), ())) for row in rows]
