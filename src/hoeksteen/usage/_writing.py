"""
Guided records on their way into the lake: put in order, then sealed by the keeper and written, stretch after stretch.

A stretch is some partitions of a month that lie next to each other. While the keeper seals one, the engine writes another. What is sealed and what
is written of a record come from one row of one table, so that no number can get beside another's record.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hoeksteen.disclosure import KeeperClient
from hoeksteen.disclosure.operations import seal_traffic
from hoeksteen.kernel.errors import invariant
from hoeksteen.storage.columns import joined
from hoeksteen.storage.lake import LakeWrite
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.lake.parquet import write_rows
from hoeksteen.usage import _pieces
from hoeksteen.usage._steps import month_name
from hoeksteen.usage.tables import GUIDED

Numbers = npt.NDArray[np.int64]
BLOCK_BYTES = 24
_STRETCH_ROWS = 1 << 16  # at least, as long as there are partitions: each is one call of the keeper, and one entry in its log
_AT_ONCE = 3
_HELD = ("billing_account_id", "product_id", "customer_id", "subject")
_OF_PERIOD = ("generation", "period_day", "bill_day")
_OF_RECORD = tuple(name for name in GUIDED.column_names if name not in (*_HELD, *_OF_PERIOD, "other_number"))


@dataclass(frozen=True, slots=True)
class _Shared:
    """
    What records share with others.

    :param held: by the number of their holding: account, product, customer, subject (16 bytes each)
    :param cycle_days: by the number of their holding
    :param cycles: the bill periods of each cycle, in the order of cycle and time
    """

    held: dict[str, pa.Array]
    cycle_days: Numbers
    cycles: pa.Table


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Partitions of a month: of each its bucket and how many rows it has."""

    month: int
    buckets: tuple[tuple[int, int], ...]

    @property
    def rows(self) -> int:
        return sum(rows for _, rows in self.buckets)


def write_guided(duck: Duck, write: LakeWrite, keeper: KeeperClient, *, line: str, usage_file_id: UUID | None) -> None:
    """
    Write every record of `judged` that is guided, its other number sealed.

    :param line: the column of its line
    :param usage_file_id: the file that all are of; None where each record names its own
    :raises Unavailable: when the keeper does not answer, or the disk refuses a file
    """
    for name in _pieces.WORDS:
        duck.execute(_pieces.WORD.format(name=name))
    duck.execute(f"CREATE TABLE ordered AS {_pieces.ORDERED.format(line=line, file='j.usage_file_id' if usage_file_id is None else 'NULL::UUID')}")
    counts = duck.rows("SELECT month, bucket, count(*)::BIGINT AS rows FROM ordered GROUP BY month, bucket ORDER BY month, bucket")
    if not counts:
        return
    found = duck.arrow(f"SELECT {', '.join(f'{name}::BLOB AS {name}' for name in _HELD)}, cycle_day FROM holding ORDER BY holding_no")
    held = {name: found[name].combine_chunks().cast(pa.binary(16)) for name in _HELD}
    shared = _Shared(held, found["cycle_day"].to_numpy(), duck.arrow("SELECT * FROM cycle ORDER BY cycle_day, begins_at").combine_chunks())
    folder = write.folder(GUIDED)

    def put(stretch: _Stretch) -> list[Path]:
        with duck.beside() as engine:
            return _put(engine, stretch, shared, keeper, folder, usage_file_id)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        files = [file for some in pool.map(put, _stretches(counts)) for file in some]
    duck.execute("DROP TABLE ordered")
    write.append(GUIDED, files)


def _put(
    engine: Duck, stretch: _Stretch, shared: _Shared, keeper: KeeperClient, folder: Path, usage_file_id: UUID | None
) -> list[Path]:  # fmt: skip
    first, last = stretch.buckets[0][0], stretch.buckets[-1][0]
    rows = engine.arrow(
        "SELECT * REPLACE (record_id::BLOB AS record_id, usage_file_id::BLOB AS usage_file_id) FROM ordered"
        f" WHERE month = {stretch.month} AND bucket BETWEEN {first} AND {last}"
    ).combine_chunks()
    invariant(rows.num_rows == stretch.rows, "every guided record is written once")
    holding = rows["holding_no"].combine_chunks()
    columns = {name: rows[name] for name in _OF_RECORD}
    columns |= {name: shared.held[name].take(holding) for name in _HELD if name != "subject"}
    columns |= _periods(shared, holding, rows["start"])
    if usage_file_id is not None:
        columns["usage_file_id"] = pa.repeat(pa.scalar(usage_file_id.bytes, pa.binary(16)), rows.num_rows)
    columns["other_number"] = _sealed(keeper, stretch.month, rows, shared.held["subject"].take(holding))
    table = pa.table({name: columns[name] for name in GUIDED.column_names})
    files, at = list[Path](), 0
    for bucket, count in stretch.buckets:
        part, at = table.slice(at, count), at + count
        invariant(pc.min_max(part["bucket"]).as_py() == {"min": bucket, "max": bucket}, "a file of the lake holds one partition")
        files.append(write_rows(GUIDED, part, folder / f"{stretch.month}-{bucket}.parquet", random=("record_id", "other_number")))
    return files


def _periods(shared: _Shared, holding: pa.Array, start: pa.ChunkedArray) -> dict[str, pa.ChunkedArray]:
    """Give the columns that tell the bill period of each record's start, by its cycle."""
    starts, cycle_days = _micros(start), shared.cycle_days[holding.to_numpy()]
    begins, ends, days = _micros(shared.cycles["begins_at"]), _micros(shared.cycles["ends_at"]), shared.cycles["cycle_day"].to_numpy()
    period = np.full(len(starts), -1, np.int64)
    for day in sorted(set(days.tolist())):
        first, mine = int(np.searchsorted(days, day)), cycle_days == day
        period[mine] = first - 1 + np.searchsorted(begins[days == day], starts[mine], side="right")
    invariant(
        bool(((period >= 0) & (days[period] == cycle_days) & (begins[period] <= starts) & (starts < ends[period])).all()), "a record is in a period"
    )
    return {name: shared.cycles[name].take(pa.array(period)) for name in _OF_PERIOD}


def _micros(instants: pa.ChunkedArray) -> Numbers:
    micros: Numbers = instants.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy()
    return micros


def _sealed(keeper: KeeperClient, month: int, rows: pa.Table, subjects: pa.Array) -> pa.Array:
    """Give the sealed block of each row's other number; NULL where there is none."""
    numbers = rows["other_number"].combine_chunks()
    records = rows["record_id"].combine_chunks().cast(pa.binary(16))
    there = numbers.is_valid()
    if numbers.null_count:
        records, subjects = records.filter(there), subjects.filter(there)
    count = len(records)
    if not count:
        return pa.nulls(rows.num_rows, pa.binary())
    blocks = seal_traffic(
        keeper=keeper,
        month=month_name(month),
        column="other_number",
        records=joined(records, 16),
        subjects=joined(subjects, 16),
        values=numbers.drop_null().to_numpy().astype("<u8").tobytes(),
    )
    sealed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(BLOCK_BYTES), count, [None, pa.py_buffer(blocks)])
    if not numbers.null_count:
        return sealed
    place = np.cumsum(there.to_numpy(zero_copy_only=False)) - 1
    return sealed.take(pa.array(place, pa.int64(), mask=~there.to_numpy(zero_copy_only=False)))


def _stretches(counts: Sequence[dict[str, Any]]) -> Iterator[_Stretch]:
    waiting: list[tuple[int, int]] = []
    for row, after in zip(counts, [*counts[1:], None], strict=True):
        waiting.append((row["bucket"], row["rows"]))
        if after is None or after["month"] != row["month"] or sum(rows for _, rows in waiting) >= _STRETCH_ROWS:
            yield _Stretch(row["month"], tuple(waiting))
            waiting = []
