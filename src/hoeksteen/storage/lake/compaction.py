"""Merging the many small files that deliveries leave into few that are sorted throughout, so that readers can skip most of them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from hoeksteen.kernel.errors import invariant
from hoeksteen.storage.lake import ColumnType, Lake, LakeTable
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database

FILES_MAX = 8  # of one partition, before they are merged


@dataclass(frozen=True, slots=True)
class Compaction:
    """
    What was merged.

    :param partitions: whose files were merged; all others had few enough
    """

    table: str
    partitions: int
    files_before: int
    files_after: int
    rows: int


def is_crowded(*, lake: Lake, table: LakeTable, files_max: int = FILES_MAX) -> bool:
    """Say whether a partition has more files than some; nobody is kept from writing meanwhile."""
    return any(len(files) > files_max for files in lake.partitions(table).values())


def compact(
    *, database: Database, lake: Lake, table: LakeTable, write_id: UUID, files_max: int = FILES_MAX, partitions_max: int | None = None
) -> Compaction:  # fmt: skip
    """
    Merge the files of every partition that has more than some, in one change of the lake; rows stay what they are.

    Rows and sums of all whole numbers are counted before and after; where they differ, nothing changes.

    :param partitions_max: how many are merged at most, those of most files first; the others wait for the next time
    :raises Unavailable: when another process writes to the lake, or the disk is full
    :raises Corrupt: when a merged file is not the sum of its parts
    """
    partitions, before, after, rows = 0, 0, 0, 0
    with lake.write(database=database, write_id=write_id) as write:
        crowded: dict[int, dict[tuple[int, ...], list[str]]] = defaultdict(dict)
        found = [(values, files) for values, files in write.partitions(table).items() if len(files) > files_max]
        for values, files in sorted(found, key=lambda one: (-len(one[1]), one[0]))[:partitions_max]:
            crowded[values[0]][values] = files
        for first, of_first in sorted(crowded.items()):
            merged = []
            for _, files in sorted(of_first.items()):
                with Duck(spill=lake.spill) as duck:
                    duck.view_of_files("many", table, files)
                    made = duck.write_parquet(table, "SELECT * FROM many", write.folder(table))
                    duck.view_of_files("one", table, [str(file) for file in made])
                    [sums], [sums_after] = (duck.rows(_sums(table, view)) for view in ("many", "one"))
                invariant(sums == sums_after, f"merging files of {table.name} keeps every row")
                merged += made
                partitions, before, after, rows = partitions + 1, before + len(files), after + len(made), rows + sums["rows"]
            where: dict[str, Sequence[int]] = {table.partition[0]: [first]}
            for place, column in enumerate(table.partition[1:], start=1):
                where[column] = sorted({values[place] for values in of_first})
            write.replace(table, where, merged)
    return Compaction(table.name, partitions, before, after, rows)


def _sums(table: LakeTable, view: str) -> str:
    numbers = [column for column, kind in table.columns if kind in (ColumnType.LONG, ColumnType.INTEGER)]
    return f"SELECT count(*)::BIGINT AS rows, {', '.join(f'sum({column}::HUGEINT) AS {column}' for column in numbers)} FROM {view}"
