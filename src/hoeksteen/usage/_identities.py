"""
Which identities were taken before, found without reading them all.

A run is a file of sorted numbers, the first eight bytes of the identities of some of the lake's files of one month; it is mapped, not read, so
that looking up a file's identities costs about as much per identity whether a million or a thousand million were taken before. A run only tells
where an identity may be: the lake itself is asked for the whole identity, in the files of that run alone.

Nobody who writes to the lake need know of this. Files that no run names are read once, by the next collection, whoever wrote them; a run whose own
file is missing or cut is as if it had never been. So an identity can stand in a run without being in the lake any more, but never the other way
round.
"""

import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from hoeksteen.kernel.identifiers import derived
from hoeksteen.storage.columns import joined
from hoeksteen.storage.lake import LakeTable, LakeWrite
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.usage import _store
from hoeksteen.usage.tables import GUIDED, SUSPENDED

RUNS_MAX = 8  # of a month, before they are merged
_FOLDER = "identity"
Heads = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Run:
    """
    One sorted run.

    :param files: the lake's files whose identities it holds, as they are called within the warehouse; some may be gone
    """

    run_id: UUID
    month: int
    identities: int
    files: frozenset[str]


def view_known(duck: Duck, write: LakeWrite, warehouse: Path) -> bool:
    """
    Make the view `known` of all records in the lake whose identity may be one of `identified`, and of few others.

    :returns: whether an identity may stand in `identified` more than once

    Runs are made of what the lake got since the last time; they count when the write does.
    """
    folder = warehouse / _FOLDER
    there = _files_by_month(write, warehouse)
    runs = _brought_up_to_date(duck, write, warehouse, there)
    heads = np.sort(_heads(duck.arrow("SELECT record_id::BLOB AS record_id FROM identified")))
    wanted = {file for run in runs if _holds_any(_mapped(folder, run), heads) for file in run.files}
    for table in (GUIDED, SUSPENDED):
        files = sorted(str(warehouse / file) for month in there for file in there[month][table.name] & wanted)
        duck.view_of_files(f"maybe_{table.name}", table, files)
    duck.execute("CREATE VIEW known AS SELECT record_id FROM maybe_guided UNION ALL SELECT record_id FROM maybe_suspended")
    return bool((heads[1:] == heads[:-1]).any())


def _files_by_month(write: LakeWrite, warehouse: Path) -> dict[int, dict[str, set[str]]]:
    found: dict[int, dict[str, set[str]]] = defaultdict(lambda: {GUIDED.name: set(), SUSPENDED.name: set()})
    for table in (GUIDED, SUSPENDED):
        for values, files in write.partitions(table).items():
            found[values[0]][table.name] |= {str(Path(file).relative_to(warehouse)) for file in files}
    return found


def _brought_up_to_date(duck: Duck, write: LakeWrite, warehouse: Path, there: Mapping[int, Mapping[str, set[str]]]) -> list[Run]:
    """Give the runs that hold every identity of the lake; what no run holds yet becomes one."""
    folder = warehouse / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    kept, gone = list[Run](), list[Run]()
    for row in _store.identity_runs(write.tx):
        run = Run(row["run_id"], row["month"], row["identities"], frozenset(row["files"]))
        current = run.files & {file for files in there.get(run.month, {}).values() for file in files}
        (kept if current and _is_whole(folder, run) else gone).append(run)
    _store.drop_identity_runs(write.tx, [run.run_id for run in gone])
    _sweep(folder, kept)
    named = {file for run in kept for file in run.files}
    for month, tables in sorted(there.items()):
        fresh = {table.name: tables[table.name] - named for table in (GUIDED, SUSPENDED)}
        if any(fresh.values()):
            of_month = [run for run in kept if run.month == month]
            merged = of_month if len(of_month) >= RUNS_MAX else []
            parts = [_mapped(folder, run) for run in merged]
            parts += [_of_files(duck, table, [str(warehouse / file) for file in sorted(fresh[table.name])]) for table in (GUIDED, SUSPENDED)]
            heads = _different(np.sort(np.concatenate(parts)))
            present = {file for some in tables.values() for file in some}
            files = frozenset().union(*fresh.values(), *(run.files & present for run in merged))
            made = Run(derived("identity run", str(month), str(write.write_id)), month, len(heads), files)
            _put(folder, made, heads)
            _store.drop_identity_runs(write.tx, [run.run_id for run in merged])
            _store.add_identity_run(write.tx, made.run_id, month, made.identities, sorted(files))
            kept = [*(run for run in kept if run not in merged), made]
    return kept


def _of_files(duck: Duck, table: LakeTable, files: Sequence[str]) -> Heads:
    if not files:
        return np.empty(0, np.uint64)
    duck.view_of_files("fresh_identities", table, files)
    return _heads(duck.arrow("SELECT record_id::BLOB AS record_id FROM fresh_identities"))


def _heads(identities: pa.Table) -> Heads:
    """Give the first eight bytes of each identity as a number."""
    return np.frombuffer(joined(identities["record_id"], 16), ">u8")[0::2].astype(np.uint64)


def _different(ordered: Heads) -> Heads:
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered


def _holds_any(run: Heads, heads: Heads) -> bool:
    places = np.searchsorted(run, heads)
    places[places == len(run)] = 0
    return bool((run[places] == heads).any()) if len(run) else False


def _mapped(folder: Path, run: Run) -> Heads:
    return np.memmap(folder / str(run.run_id), np.uint64, "r") if run.identities else np.empty(0, np.uint64)


def _is_whole(folder: Path, run: Run) -> bool:
    try:
        return (folder / str(run.run_id)).stat().st_size == 8 * run.identities
    except FileNotFoundError:
        return False


def _put(folder: Path, run: Run, heads: Heads) -> None:
    with open(folder / str(run.run_id), "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        heads.tofile(file)
        file.flush()
        os.fsync(file.fileno())


def _sweep(folder: Path, kept: Iterable[Run]) -> None:
    """Remove the files of runs that are no more, and of writes that were cut off."""
    names: Collection[str] = {str(run.run_id) for run in kept}
    for file in folder.iterdir():
        if file.name not in names:
            file.unlink()
