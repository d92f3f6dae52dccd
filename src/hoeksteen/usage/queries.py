"""Reading usage: what became of files, and which periods are closed."""

from datetime import date
from typing import Any
from uuid import UUID

from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Row, Transaction
from hoeksteen.usage import _store
from hoeksteen.usage._guiding import generation_of
from hoeksteen.usage._pieces import COUNTED
from hoeksteen.usage._steps import by_day
from hoeksteen.usage.model import Balance, Difference, FileBalance, RefusedFile, StateCount, UsageState
from hoeksteen.usage.tables import GUIDED, SET_ASIDE, SUSPENDED

_Key = tuple[UUID, UsageState, str, date | None]


def balances(*, tx: Transaction) -> list[FileBalance]:
    """Give the balance of every file, in the order in which they were taken."""
    return _store.balances(tx)


def balance_by_day(*, tx: Transaction, first_day: date | None = None, end_day: date | None = None) -> list[Balance]:
    """
    Give the balance of each local day on which usage began; records whose start cannot be read come last, with no day.

    :param end_day: the first day that is not wanted; with a bound, what has no day is left out
    """
    found: dict[object, list[Row]] = {}
    for row in _store.rows_by_day(tx, first_day, end_day):
        found.setdefault(row["of"], []).append(row)
    return [Balance(rows[0]["of"], sum(row["records"] for row in rows), sum(row["units"] for row in rows), _states(rows)) for rows in found.values()]


def balance_by_source(*, tx: Transaction) -> list[Balance]:
    """Give the balance of each source: what its files held, and the state of every record of them."""
    rows = _store.rows_by_source(tx)
    return [Balance(source, *totals, _states([row for row in rows if row["of"] == source])) for source, totals in _store.totals_by_source(tx).items()]


def differences(*, tx: Transaction, lake: Lake) -> list[Difference]:
    """
    Count every record in the lake, and give where the balances say anything else; nothing, when all is in order.

    Guided and suspended records are counted by day too; duplicates and rejected lines keep no start.
    """
    with Duck(spill=lake.spill) as duck:
        for table in (GUIDED, SUSPENDED, SET_ASIDE):
            duck.view_of_files(table.name, table, lake.files(table))
        counted = _counts(duck.rows(COUNTED))
    balance: dict[_Key, tuple[int, int]] = {}
    for row in _store.balance_rows(tx):
        state = UsageState(row["state"])
        key = (row["usage_file_id"], state, row["reason"], row["day"] if state in (UsageState.GUIDED, UsageState.SUSPENDED) else None)
        records, units = balance.get(key, (0, 0))
        balance[key] = (records + row["records"], units + row["units"])
    nothing = (0, 0)
    keys = [key for key in {**counted, **balance} if counted.get(key, nothing) != balance.get(key, nothing)]
    found = [Difference(*key, counted.get(key, nothing), balance.get(key, nothing)) for key in keys]
    return sorted(found, key=lambda one: (str(one.usage_file_id), one.state, one.reason, str(one.day)))


def refused_files(*, tx: Transaction) -> list[RefusedFile]:
    """Give the files that were refused whole and not delivered again in order, by name."""
    return _store.refused_files(tx)


def last_closed(*, tx: Transaction) -> dict[int, date]:
    """Give the first day of the latest closed bill period per cycle day."""
    return _store.last_closed(tx)


def first_closed(*, tx: Transaction) -> dict[int, date]:
    """Give the first day of the first bill period that was closed, per cycle day."""
    return _store.first_closed(tx)


def is_closed(*, tx: Transaction, period: BillPeriod) -> bool:
    """Say whether a bill period was closed before."""
    return _store.is_closed(tx, period.first_day.day, period.first_day)


def closes_of(*, tx: Transaction, period: BillPeriod) -> int:
    """Give how many closes a record of a bill period would arrive after now: 0 while it is open, and one more with every later close of its cycle."""
    return generation_of(period, _store.last_closed(tx).get(period.first_day.day))


def closed_periods(*, tx: Transaction, first_day: date, end_day: date) -> list[date]:
    """Give the first days of the closed bill periods, of every cycle, that begin between two days."""
    return _store.closed_periods(tx, first_day, end_day)


def _states(rows: list[Row]) -> tuple[StateCount, ...]:
    return tuple(StateCount(UsageState(row["state"]), row["reason"], row["records"], row["units"]) for row in rows)


def _counts(rows: list[dict[str, Any]]) -> dict[_Key, tuple[int, int]]:
    files: dict[UUID, list[dict[str, Any]]] = {}
    for row in rows:
        files.setdefault(row["usage_file_id"], []).append(row)
    return {(file, one.state, one.reason, one.day): (one.records, one.units) for file in files for one in by_day(files[file])}
