"""Putting a record that was corrected beside the one whose place it takes. What lies in the lake is never changed."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import pyarrow as pa

from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.time_period import BillPeriod, add_months, local_day
from hoeksteen.product.model import Service
from hoeksteen.storage.lake import Lake, LakeWrite
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.usage import _store
from hoeksteen.usage._pieces import UNITS_MAX
from hoeksteen.usage.model import DayCount, UsageState
from hoeksteen.usage.tables import GUIDED, month_number

SOURCE = "correction"
_COLUMNS = "record_id, billing_account_id, product_id, customer_id, start, service, zone, roaming, units, generation, period_day, bill_day, month"


@dataclass(frozen=True, slots=True)
class GuidedRecord:
    """
    A guided record as it lies in the lake, without the other party's number.

    :param generation: how often the period of its start had been closed when it arrived
    """

    record_id: UUID
    billing_account_id: UUID
    product_id: UUID
    customer_id: UUID
    start: datetime
    service: str
    zone: str
    roaming: str
    units: int
    generation: int
    period_day: date
    bill_day: date
    month: int

    @property
    def period(self) -> BillPeriod:
        return BillPeriod(self.period_day, add_months(self.period_day, 1))


def units_max(service: str) -> int:
    """Give the most units that a record can have; more is a fault of a meter."""
    return UNITS_MAX.get(Service(service), max(UNITS_MAX.values()))


def guided_record(*, lake: Lake | LakeWrite, record_id: UUID) -> GuidedRecord | None:
    """Give a guided record, wherever it lies; None where there is none."""
    with Duck() as duck:
        duck.view_of_files("guided", GUIDED, lake.files(GUIDED))
        rows = duck.rows(f"SELECT {_COLUMNS} FROM guided WHERE record_id = $record::UUID", {"record": str(record_id)})
    return GuidedRecord(**rows[0]) if rows else None


def add_corrected(*, write: LakeWrite, old: GuidedRecord, new: GuidedRecord, now: datetime) -> None:
    """
    Put a record into the lake that counts in the place of another, in a file of its own for the day, whose balance closes like any other.

    The other party's number is sealed for the record that it came with, and stays there.
    """
    name = f"corrections of {local_day(now)}"
    usage_file_id = derived("usage file", name)
    line = _store.add_to_file(write.tx, usage_file_id, hashlib.sha256(usage_file_id.bytes).digest(), SOURCE, name, new.units, now)
    _store.move_balance(write.tx, usage_file_id, DayCount(local_day(new.start), UsageState.GUIDED, "", 1, new.units))
    with Duck() as duck:
        duck.view_of_files("guided", GUIDED, write.files(GUIDED, {"month": [old.month]}))
        duck.put(
            "corrected",
            pa.table(
                {
                    "start": pa.array([new.start], pa.timestamp("us", tz="UTC")),
                    "record_id": pa.array([str(new.record_id)]),
                    "old_record_id": pa.array([str(old.record_id)]),
                    "file": pa.array([str(usage_file_id)]),
                    "zone": pa.array([new.zone]),
                    "roaming": pa.array([new.roaming]),
                    "bill_day": pa.array([new.bill_day], pa.date32()),
                }
            ),
        )
        query = f"""
        SELECT g.* REPLACE ({month_number(local_day(new.start))} AS month, c.start AS start, c.record_id::UUID AS record_id,
            c.file::UUID AS usage_file_id, {int(line)} AS line, c.zone AS zone, c.roaming AS roaming, {int(new.units)} AS units,
            {int(new.generation)} AS generation, c.bill_day AS bill_day, NULL::BLOB AS other_number)
        FROM guided g JOIN corrected c ON c.old_record_id::UUID = g.record_id
        """
        write.append(GUIDED, duck.write_parquet(GUIDED, query, write.folder(GUIDED)))
