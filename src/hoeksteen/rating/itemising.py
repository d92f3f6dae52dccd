"""The single records that bills add up, with the sealed number of the other party; and the fees that no record carries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import pyarrow as pa

from hoeksteen.kernel.time_period import bill_period
from hoeksteen.rating._charges import view_charges
from hoeksteen.rating._engine import months_billed
from hoeksteen.rating.tables import PERIOD_CHARGE
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.usage.tables import bucket_of, month_number

_RECORDS = """
SELECT c.billing_account_id, c.record_id, c.customer_id, c.product_id, c.start, c.service, c.zone, c.roaming, c.state = 'reversed' AS taken_back,
    coalesce(c.price_id, '') AS price_id, c.period_day, c.units, c.free_units, c.amount_micro, c.sealed_month, c.other_number
FROM charge c
WHERE c.bucket IN ({buckets}) AND c.billing_account_id IN (SELECT id::UUID FROM wanted) AND c.bill_day = DATE '{bill_day}'
    AND (c.state = 'reversed' OR (c.state <> 'suspended' AND c.reason <> 'corrected'))
ORDER BY c.billing_account_id, c.start, c.record_id, taken_back
"""
_FEES = """
SELECT billing_account_id, product_id, service, zone, roaming, price_id, period_day, amount_micro FROM period_charge
WHERE bucket IN ({buckets}) AND billing_account_id IN (SELECT id::UUID FROM wanted) AND period_day = DATE '{bill_day}'
ORDER BY billing_account_id, product_id, price_id
"""


class BilledRecord(NamedTuple):
    """
    One record as it stands on a bill; of a charge that is taken back, its exact negative.

    :param units: after minimum and step, `free_units` of them inside allowances
    :param sealed_month: whose key opens `other_number`, as yyyymm
    :param other_number: sealed; None for data, and where it is kept no longer
    """

    billing_account_id: UUID
    record_id: UUID
    customer_id: UUID
    product_id: UUID
    start: datetime
    service: str
    zone: str
    roaming: str
    taken_back: bool
    price_id: str
    period_day: date
    units: int
    free_units: int
    amount_micro: int
    sealed_month: int
    other_number: bytes | None


class BilledFee(NamedTuple):
    """A flat fee of a period, which no record carries."""

    billing_account_id: UUID
    product_id: UUID
    service: str
    zone: str
    roaming: str
    price_id: str
    period_day: date
    amount_micro: int


@dataclass(frozen=True, slots=True)
class BilledUsage:
    """What the bills of a period show of some billing accounts, record by record."""

    records: tuple[BilledRecord, ...]
    fees: tuple[BilledFee, ...]


def billed_usage(*, lake: Lake, bill_day: date, billing_account_ids: Sequence[UUID]) -> BilledUsage:
    """
    Give the records of some billing accounts that appear on the bills of one period, late ones and those taken back too, by account and start.

    The sums are those of `usage_totals`. Files are read once, whatever the number of accounts.

    :param bill_day: first day of the period
    """
    if not billing_account_ids:
        return BilledUsage((), ())
    buckets = sorted({bucket_of(one) for one in billing_account_ids})
    where = {**months_billed(bill_period(bill_day, cycle_day=bill_day.day)), "bucket": buckets}
    names = {"buckets": ", ".join(map(str, buckets)), "bill_day": bill_day}
    with Duck(spill=lake.spill) as duck:
        duck.put("wanted", pa.table({"id": pa.array([str(one) for one in billing_account_ids], pa.string())}))
        view_charges(duck, lake, where)
        duck.view_of_files("period_charge", PERIOD_CHARGE, lake.files(PERIOD_CHARGE, {"month": [month_number(bill_day)], "bucket": buckets}))
        records = tuple(BilledRecord(**row) for row in duck.rows(_RECORDS.format(**names)))
        return BilledUsage(records, tuple(BilledFee(**row) for row in duck.rows(_FEES.format(**names))))
