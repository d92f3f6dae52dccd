"""
Loading with the cores that there are: batches side by side, each by a process that seals it and writes it in one transaction.

What comes of it is the same as when one process loads them one after another: a batch of customers who are all new depends on no other batch.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from hoeksteen.consolidation import _store
from hoeksteen.consolidation._load import Here, Plan, load_batch
from hoeksteen.consolidation._staging import Staged
from hoeksteen.consolidation._workers import Workers, processes_for
from hoeksteen.consolidation.model import Cluster, LegacyRecord
from hoeksteen.consolidation.scope import Scope
from hoeksteen.disclosure import KeeperClient
from hoeksteen.storage.postgres import Database

CLUSTERS_PER_PROCESS_MIN = 8_000
Told = Callable[[int], None]


class _Task(NamedTuple):
    """A batch of its own: clusters whose members are places among these records."""

    clusters: list[Cluster]
    records: Staged


class _Once(dict[int, LegacyRecord]):
    """The records of one batch, each unpacked once."""

    def __init__(self, records: Staged) -> None:
        super().__init__()
        self._records = records

    def __missing__(self, place: int) -> LegacyRecord:
        found = self[place] = self._records[place]
        return found


def load_clusters(
    *, database: Database, keeper: KeeperClient, clusters: Sequence[Cluster], records: Staged, plan: Plan, here: Here, batch: int,
    scope: Scope, processes: int | None, told: Told,
) -> None:  # fmt: skip
    """
    Load clusters, so many in a transaction.

    :param processes: that load beside this one, or 0; without it, as many as are worth their start
    :param told: told batch by batch how many clusters are loaded
    :raises Unavailable: when a process ended before its work was done; what it was at is not there
    """
    if not _can_be_shared(database, keeper, scope):
        processes = 0
    elif processes is None:
        processes = processes_for(len(clusters), each_from=CLUSTERS_PER_PROCESS_MIN)
    starts = range(0, len(clusters), batch)

    def load_here(start: int) -> None:
        told(start)
        with database.transaction() as tx:
            some = clusters[start : start + batch]
            loaded = load_batch(tx=tx, keeper=keeper, clusters=some, records=_Once(records), plan=plan, here=here, scope=scope)
            scope.loaded(tx=tx, customer_ids=loaded)

    if not processes:
        for start in starts:
            load_here(start)
        return
    # one more than cores: each waits for the keeper and the database half of its time
    done = 0
    with Workers[_Task, None](processes + 1, _make, database, keeper, plan) as workers:
        for is_new, some in groupby(starts, lambda start: _is_new(clusters[start : start + batch], records, here)):
            if is_new:
                tasks = (_task(clusters[start : start + batch], records) for start in some)
                for task, _ in workers.in_order(tasks):
                    done += len(task.clusters)
                    told(done)
            else:  # customers of an earlier run, whom several batches may join: one batch after another
                for start in some:
                    load_here(start)
                    done = start + batch


def _can_be_shared(database: Database, keeper: KeeperClient, scope: Scope) -> bool:
    """Say whether another process can do the same: a rehearsal is one transaction, and a wave wants to hear of every batch within it."""
    return type(database) is Database and type(keeper) is KeeperClient and type(scope) is Scope


def _is_new(clusters: Sequence[Cluster], records: Staged, here: Here) -> bool:
    """Say whether none of these records is here already."""
    return not here.owner_of or all(records.record_id(place) not in here.owner_of for cluster in clusters for place in cluster.members)


def _task(clusters: Sequence[Cluster], records: Staged) -> _Task:
    places = [place for cluster in clusters for place in cluster.members]
    moved: Iterator[int] = iter(range(len(places)))
    own = [Cluster(tuple(next(moved) for _ in cluster.members), cluster.in_review) for cluster in clusters]
    return _Task(own, records.some(places))


def _make(database: Database, keeper: KeeperClient, plan: Plan) -> Callable[[_Task], None]:
    def load(task: _Task) -> None:
        with database.transaction() as tx:
            _store.note_loading(tx)
            here, records = Here({}, {}, set()), list(task.records)
            load_batch(tx=tx, keeper=keeper, clusters=task.clusters, records=records, plan=plan, here=here, scope=Scope())

    return load
