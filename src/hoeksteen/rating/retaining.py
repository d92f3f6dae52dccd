"""Letting usage go when its time is over: first whom somebody called, then the records and their charges; balances stay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from hoeksteen.kernel.errors import InvalidInput, invariant
from hoeksteen.rating.tables import CHARGE
from hoeksteen.storage.lake import Lake, LakeTable, LakeWrite
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database
from hoeksteen.usage.tables import GUIDED, SET_ASIDE, SUSPENDED, month_number

_DROPPED = (GUIDED, CHARGE, SUSPENDED, SET_ASIDE)


@dataclass(frozen=True, slots=True)
class Retained:
    """
    What went.

    :param months_blind: whose other parties' numbers went, as yyyymm; `months_dropped` whose records and charges did
    """

    months_blind: tuple[int, ...]
    months_dropped: tuple[int, ...]


def retain(*, database: Database, lake: Lake, write_id: UUID, traffic_from: date, records_from: date) -> Retained:
    """
    Take other parties' numbers out of months before one day, and drop the records and charges of months before another, in one change.

    Before a month goes blind, records that a customer disputes must have been sealed under the customer's own key (docs/operations.md). Files
    that only replaced snapshots need are removed a day later. Doing it again changes nothing.

    :param traffic_from: first day of the first month that keeps its numbers: those whose bills may still be disputed
    :param records_from: first day of the first month that keeps its records: those that taxes and law still need
    :raises InvalidInput: when records would go before their numbers do
    :raises Unavailable: when another process writes to the lake
    """
    if records_from > traffic_from:
        raise InvalidInput("The field records_from comes after traffic_from.", remedy="Keep records at least as long as their numbers.")
    with lake.write(database=database, write_id=write_id) as write:
        dropped: set[int] = set()
        for table in _DROPPED:
            months = _months_before(write, table, records_from)
            if months:
                write.replace(table, {"month": months}, [])
                dropped.update(months)
        blind = [month for month in _months_before(write, GUIDED, traffic_from) if _take_numbers_out(write, lake, month)]
    return Retained(tuple(blind), tuple(sorted(dropped)))


def _months_before(write: LakeWrite, table: LakeTable, day: date) -> Sequence[int]:
    """Give the months of a table before one; month 0, lines without a readable date, is none."""
    return sorted({month for month, *_ in write.partitions(table) if 0 < month < month_number(day)})


def _take_numbers_out(write: LakeWrite, lake: Lake, month: int) -> bool:
    where = {"month": [month]}
    with Duck(spill=lake.spill) as duck:
        duck.view_of_files("kept", GUIDED, write.files(GUIDED, where))
        before = duck.rows("SELECT count(*) AS records, sum(units)::HUGEINT AS units FROM kept")
        if not duck.value("SELECT count(*) FROM kept WHERE other_number IS NOT NULL"):
            return False
        files = duck.write_parquet(GUIDED, "SELECT * REPLACE (NULL::BLOB AS other_number) FROM kept", write.folder(GUIDED))
        duck.view_of_files("blind", GUIDED, [str(file) for file in files])
        invariant(before == duck.rows("SELECT count(*) AS records, sum(units)::HUGEINT AS units FROM blind"), "a blind month keeps its records")
    write.replace(GUIDED, where, files)
    return True
