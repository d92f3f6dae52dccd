"""Collecting usage files: each record gets exactly one state, and a file is taken whole or not at all."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from uuid import UUID

from hoeksteen.disclosure import KeeperClient
from hoeksteen.kernel.errors import InvalidInput, Unavailable, invariant
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.product.numbering_plan import edition
from hoeksteen.storage.lake import Lake, LakeWrite
from hoeksteen.storage.lake.compaction import FILES_MAX, compact, is_crowded
from hoeksteen.storage.lake.engines.duckdb import Duck, NoMemory
from hoeksteen.storage.postgres import Database, Transaction
from hoeksteen.usage import _identities, _pieces, _reading, _recycling, _steps, _store
from hoeksteen.usage._intake import Staged, shown_name, staged
from hoeksteen.usage._writing import write_guided
from hoeksteen.usage.adapters import named
from hoeksteen.usage.adapters.base import Adapter, LineAdapter
from hoeksteen.usage.model import DayCount, FileBalance, RefusedFile, StateCount, UsageState
from hoeksteen.usage.tables import BUCKETS, GUIDED, SET_ASIDE, SUSPENDED

_MERGED_MAX = 2 * BUCKETS  # partitions of a table at a time
_STAGE = "stage"  # in the lake's own directory, on its disk


def collect(
    *,
    database: Database,
    keeper: KeeperClient,
    lake: Lake,
    path: Path,
    adapter: str,
    now: datetime,
    identifiers: Identifiers,
    source: str | None = None,
    again: bool = False,
    layouts: Path | None = None,
) -> FileBalance:
    """
    Take one usage file into the lake and give its balance.

    The lake's tables and the balance count from the same instant; a crash before it leaves nothing. Numbers of other parties go into the lake sealed
    under the key of their month. Of a rejected line only its number and the reason are kept.

    :param adapter: its name
    :param source: whose record identifiers these are; by default the adapter's
    :param again: take the file although the same bytes were taken before; its records are then duplicates
    :param layouts: the folder of the operator's own layouts
    :raises InvalidInput: when the file is cut, is of another format, or its counts do not agree; nothing of it is taken, and the balance names it as
        refused
    :raises Unavailable: when the keeper, the database or the lake does not answer; nothing of it is taken
    """
    chosen = named(adapter, layouts)
    try:
        with staged(path, lake.warehouse / _STAGE, text=isinstance(chosen, LineAdapter)) as file:
            with database.transaction() as tx:
                before = _store.file_by_digest(tx, file.digest)
                if before is not None:
                    _store.forget_refused(tx, file.name)
            if before is not None and not again:
                return replace(before, already_taken=True)
            try:
                return _take(database, keeper, lake, file, chosen, source or chosen.source, now, identifiers.new(now), again=again)
            except NoMemory as error:  # it would fail again and again, and keep those behind it waiting
                what = f"{file.name}: file: is more than the engine can hold at a time; nothing of it was taken."
                raise InvalidInput(what, remedy="Deliver it in parts.") from error
    except InvalidInput as error:
        with database.transaction() as tx:
            _store.note_refused(tx, RefusedFile(shown_name(path), adapter, error.message, now))
        raise


def recycle(*, database: Database, keeper: KeeperClient, lake: Lake, now: datetime, identifiers: Identifiers) -> int:
    """
    Try suspended records again where something changed, and give how many are guided now.

    They carry the closes that have passed by now, as if they had arrived today, and so appear on the next open bill. The balance of their
    files moves with them. What was tried and must wait further waits for what is missing now. Wishes that it be tried (`retrying.ask`) end where they
    were there when this began; what is asked for meanwhile waits for the next try.

    :raises Unavailable: when the keeper, the database or the lake does not answer; all stay suspended then
    :raises AccessDenied: when the keeper opens no traffic data for billing
    """
    with database.transaction() as tx:
        wishes = _store.begin_retries(tx, now)
    guided = _recycle(database, keeper, lake, now, identifiers)
    with database.transaction() as tx:
        _store.end_retries(tx, wishes, guided, "", now)
    return guided


def close_period(*, tx: Transaction, period: BillPeriod, now: datetime) -> bool:
    """
    Close a bill period of a cycle: usage of it that arrives from now on is late, and appears on a later bill under its own date.

    :returns: False when it was closed before, in which case nothing changes
    """
    return _store.close_period(tx, period.first_day.day, period.first_day, now) == 1


def _recycle(database: Database, keeper: KeeperClient, lake: Lake, now: datetime, identifiers: Identifiers) -> int:
    if lake.head(SUSPENDED) is None:
        return 0
    with lake.write(database=database, write_id=identifiers.new(now)) as write, Duck(spill=None) as duck:
        if not _recycling.take_up(duck, write, keeper):
            return 0
        _steps.guide(duck, write.tx, keeper, "g.identity_source", held_as="c.held_as")
        _recycling.keep_identities(duck)
        _steps.judge(duck)
        _steps.seal(duck, keeper)
        return _recycling.put_back(duck, write, keeper)


def merge_files(*, database: Database, lake: Lake, now: datetime, identifiers: Identifiers, files_max: int = FILES_MAX) -> int:
    """
    Merge the small files that deliveries left in crowded partitions of usage, and give how many partitions were merged.

    It is bounded, so that the next delivery need not wait for long; where somebody else writes to the lake now, it is left for the next time.
    A crash leaves the files as they were.

    :raises Corrupt: when a merged file is not the sum of its parts; nothing is changed then
    """
    merged = 0
    for table in (GUIDED, SUSPENDED, SET_ASIDE):
        if is_crowded(lake=lake, table=table, files_max=files_max):
            try:
                done = compact(
                    database=database, lake=lake, table=table, write_id=identifiers.new(now), files_max=files_max, partitions_max=_MERGED_MAX
                )
            except Unavailable:
                break
            merged += done.partitions
    return merged


def _take(
    database: Database, keeper: KeeperClient, lake: Lake, file: Staged, adapter: Adapter, source: str, now: datetime, usage_file_id: UUID,
    *, again: bool,
) -> FileBalance:  # fmt: skip
    with Duck(spill=None) as duck:
        records = _reading.read(duck, file, adapter, now)
        with lake.write(database=database, write_id=usage_file_id) as write:
            before = _store.file_by_digest(write.tx, file.digest)
            if before is not None and not again:
                return replace(before, already_taken=True)
            numbers = duck.arrow("SELECT DISTINCT own_number::VARCHAR AS number FROM checked WHERE reason IS NULL ORDER BY number")
            _steps.put_holdings(duck, write.tx, keeper, numbers["number"].to_pylist())
            _steps.guide(duck, write.tx, keeper, _quoted(source))
            repeats = _identities.view_known(duck, write, lake.warehouse)
            _steps.judge(duck, repeats=repeats)
            _steps.seal(duck, keeper)
            balance, days = _balance(duck, usage_file_id, source, file.name, now)
            _write(duck, write, keeper, usage_file_id, source)
            invariant(balance.closes, f"every record of {file.name} has exactly one state")
            invariant(balance.records_in == records, f"every line of {file.name} is a record")
            _store.insert_file(write.tx, file.digest, adapter.name, balance, days)
            _store.forget_refused(write.tx, file.name)
    return balance


def _balance(duck: Duck, usage_file_id: UUID, source: str, name: str, now: datetime) -> tuple[FileBalance, list[DayCount]]:
    [totals] = duck.rows(_pieces.TOTALS)
    days = _steps.by_day(duck.rows(_pieces.BALANCE))
    states: dict[tuple[UsageState, str], StateCount] = {}
    for day in days:
        before = states.get((day.state, day.reason), StateCount(day.state, day.reason, 0, 0))
        states[day.state, day.reason] = replace(before, records=before.records + day.records, units=before.units + day.units)
    balance = FileBalance(usage_file_id, source, name, now, totals["records"], totals["units"], tuple(states[key] for key in sorted(states)))
    return balance, days


def _write(duck: Duck, write: LakeWrite, keeper: KeeperClient, usage_file_id: UUID, source: str) -> None:
    names = {"file": f"'{usage_file_id}'::UUID", "line": "line", "source": _quoted(source), "numbering": edition()}
    write_guided(duck, write, keeper, line="line", usage_file_id=usage_file_id)
    for table, query in ((SUSPENDED, _pieces.SUSPENDED_ROWS), (SET_ASIDE, _pieces.SET_ASIDE_ROWS)):
        write.append(table, duck.write_parquet(table, query.format(**names), write.folder(table)))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
