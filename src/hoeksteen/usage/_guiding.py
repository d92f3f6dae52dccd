"""Who holds which number when: the small tables that collection joins, made from PostgreSQL and the keeper."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pyarrow as pa

from hoeksteen.disclosure import KeeperClient
from hoeksteen.disclosure.queries import lookup_refs
from hoeksteen.kernel.time_period import BillPeriod, add_months, bill_period, local_day, start_of_day
from hoeksteen.party import queries as party
from hoeksteen.product import queries as product
from hoeksteen.storage.columns import uuids
from hoeksteen.storage.postgres import Transaction
from hoeksteen.usage.tables import BUCKETS, month_number

_INSTANT = pa.timestamp("us", tz="UTC")
_PURPOSE = "billing"
_IDS_PER_QUERY = 100_000


@dataclass(frozen=True, slots=True)
class Holders:
    """
    What is known of some own numbers, as columns.

    :param found: own_number, subject, resource_id: who the keeper says has a number
    :param terms: what `product.resource_terms` gives
    :param cycles: what `party.cycle_days` gives
    """

    found: pa.Table
    terms: pa.Table
    cycles: pa.Table

    def beside(self, other: "Holders") -> "Holders":
        """Give both together, each billing account's cycle once."""
        known = set(self.cycles["billing_account_id"].to_pylist())
        new = pa.array([one not in known for one in other.cycles["billing_account_id"].to_pylist()], pa.bool_())
        terms = other.terms.select(self.terms.column_names)
        return Holders(
            pa.concat_tables([self.found, other.found]),
            pa.concat_tables([self.terms, terms]),
            pa.concat_tables([self.cycles, other.cycles.filter(new)]),
        )


def holders(*, tx: Transaction, keeper: KeeperClient, numbers: Sequence[str]) -> Holders:
    """Find, in one batch, who has each own number, and what it was used for when."""
    found = lookup_refs(keeper=keeper, purpose=_PURPOSE, index="number", values=numbers)
    own_number = pa.array(numbers, pa.string()).take(pa.array(found.places, pa.int64()))
    columns = {"own_number": own_number, "subject": uuids(found.subjects), "resource_id": uuids(found.refs)}
    terms = pa.concat_tables([product.resource_terms(tx=tx, resource_ids=ids) for ids in _slices(found.refs)])
    accounts = _distinct(terms["billing_account_id"])
    cycles = pa.concat_tables([party.cycle_days(tx=tx, billing_account_ids=ids) for ids in _slices(accounts)])
    return Holders(pa.table(columns), terms, cycles)


# Half-open and without overlaps per number: where two resources claim a number at once, the later one has it. `place` is the order of products
# in the lake, `holding_no` that of holdings, from 0.
HOLDING = f"""
SELECT *,
    (dense_rank() OVER (ORDER BY bucket, billing_account_id, product_id))::INTEGER AS place,
    (row_number() OVER (ORDER BY bucket, billing_account_id, product_id, own_number, valid_from))::INTEGER - 1 AS holding_no
FROM (
    SELECT own_number::UBIGINT AS own_number, valid_from, holding_to AS valid_to, customer_id, billing_account_id, product_id,
        ('0x' || right(billing_account_id::VARCHAR, 2))::INTEGER % {BUCKETS} AS bucket,
        CASE suspended WHEN 0 THEN 'active' ELSE 'suspended' END AS status, cycle_day, subject
    FROM (
    SELECT *, least(valid_to, coalesce(lead(valid_from) OVER (PARTITION BY own_number ORDER BY valid_from, product_id), valid_to)) AS holding_to
    FROM (
        SELECT f.own_number, f.subject, t.* EXCLUDE (resource_id), coalesce(a.cycle_day, 1) AS cycle_day
        FROM (SELECT own_number, resource_id, max(subject) AS subject FROM holder_found GROUP BY own_number, resource_id) f
        JOIN holder_term t USING (resource_id)
        LEFT JOIN holder_cycle a USING (billing_account_id)
    )
    )
    WHERE valid_from < holding_to
)
"""


def month_of(column: str, first: datetime, last: datetime) -> str:
    """Give SQL for the lake's month, `yyyymm` of the local calendar, of instants between two; the latest, which are most, come first."""
    months = [local_day(last).replace(day=1)]
    while months[-1] > local_day(first):
        months.append(add_months(months[-1], -1))
    cases = " ".join(f"WHEN {column} >= TIMESTAMPTZ '{start_of_day(day).isoformat()}' THEN {month_number(day)}" for day in months[:-1])
    return f"(CASE {cases} ELSE {month_number(months[-1])} END)::INTEGER" if cases else f"{month_number(months[-1])}::INTEGER"


def cycle_table(first: datetime, last: datetime, cycle_days: Iterable[int], last_closed: dict[int, date]) -> pa.Table:
    """Give the bill periods of each cycle between two instants, how often each was closed, and on which bill its usage appears now."""
    rows: list[tuple[int, datetime, datetime, int, date, date]] = []
    for cycle_day in sorted(set(cycle_days)):
        period = bill_period(local_day(first), cycle_day=cycle_day)
        while period.first_day <= local_day(last) + timedelta(days=1):
            generation = generation_of(period, last_closed.get(cycle_day))
            instants = period.instants()
            assert instants.valid_to is not None, "a bill period ends"
            rows.append((cycle_day, instants.valid_from, instants.valid_to, generation, period.first_day, add_months(period.first_day, generation)))
            period = period.next(cycle_day=cycle_day)
    return pa.table(
        {
            "cycle_day": pa.array([row[0] for row in rows], pa.int32()),
            "begins_at": pa.array([row[1] for row in rows], _INSTANT),
            "ends_at": pa.array([row[2] for row in rows], _INSTANT),
            "generation": pa.array([row[3] for row in rows], pa.int32()),
            "period_day": pa.array([row[4] for row in rows], pa.date32()),
            "bill_day": pa.array([row[5] for row in rows], pa.date32()),
        }
    )


def generation_of(period: BillPeriod, last_closed: date | None) -> int:
    """Give how many closes a record of this period arrives after: 0 while it is open, and one more with every later close of its cycle."""
    if last_closed is None or last_closed < period.first_day:
        return 0
    return (last_closed.year - period.first_day.year) * 12 + last_closed.month - period.first_day.month + 1


def _distinct(column: pa.ChunkedArray) -> bytes:
    """Give the identifiers of a column once each, one after the other."""
    different = pa.chunked_array([chunk.storage for chunk in column.chunks], pa.binary(16)).unique()
    return different.buffers()[1].slice(different.offset * 16, len(different) * 16).to_pybytes() if len(different) else b""


def _slices(joined: bytes) -> list[bytes]:
    """Give identifiers of 16 bytes each in parts; one empty part when there are none."""
    size = 16 * _IDS_PER_QUERY
    return [joined[start : start + size] for start in range(0, max(1, len(joined)), size)]
