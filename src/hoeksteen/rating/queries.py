"""Reading what usage costs: totals for bills, the balance per file, the charges of a customer."""

import threading
from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

import pyarrow as pa

from hoeksteen.kernel.time_period import BillPeriod, add_months, start_of_day
from hoeksteen.rating import _store
from hoeksteen.rating._charges import view_charge_rows, view_charges
from hoeksteen.rating._correcting import REVERSED, waiting_corrections
from hoeksteen.rating._engine import LATE_MONTHS_MAX, bill_day, months_billed, view_usage
from hoeksteen.rating.explaining import explain
from hoeksteen.rating.model import RatedBalance, RatedRecord, ServiceUnits, UsageTotal
from hoeksteen.rating.tables import ALLOWANCE_LEFT, CHARGE, PERIOD_CHARGE
from hoeksteen.rating.tariff import END_OF_TIME
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Row, Transaction
from hoeksteen.usage import queries as usage
from hoeksteen.usage.model import FileBalance, UsageState
from hoeksteen.usage.tables import BUCKETS, GUIDED, SET_ASIDE, SUSPENDED, bucket_of, month_number

__all__ = ["balance", "explain", "reasons", "records_of", "rolled_over", "suspended", "units_by_service", "unrated", "usage_totals"]

_BY_SERVICE = """
SELECT usage_file_id, coalesce(service, '') AS service, state, count(*)::BIGINT AS records, coalesce(sum(units), 0)::BIGINT AS units FROM (
    SELECT g.usage_file_id, g.service, coalesce(o.state, 'unrated') AS state, g.units
    FROM guided g
    LEFT JOIN charge_row c ON c.billing_account_id = g.billing_account_id AND c.record_id = g.record_id AND c.outcome <> {reversed}
    LEFT JOIN charge_outcome o ON o.outcome = c.outcome
    UNION ALL
    SELECT usage_file_id, service, 'suspended', units FROM suspended
    UNION ALL
    SELECT usage_file_id, service, state, units FROM set_aside
) GROUP BY usage_file_id, coalesce(service, ''), state ORDER BY usage_file_id, coalesce(service, ''), state
"""
_TOTALS = """
SELECT customer_id, billing_account_id, product_id, product_offering_id, service, zone, price_id,
    count(*)::BIGINT AS records, sum(units)::BIGINT AS units, sum(free_units)::BIGINT AS free_units, sum(amount_micro)::BIGINT AS amount_micro,
    roaming, period_day, period_day <> DATE '{bill_day}' AS late, {part} AS part_from, NULL::UUID AS corrects, NULL::DATE AS billed_on
FROM charge{parts} WHERE bucket = {bucket} AND bill_day = DATE '{bill_day}' AND state NOT IN ('suspended', 'reversed') AND reason <> 'corrected'
GROUP BY customer_id, billing_account_id, product_id, product_offering_id, service, zone, roaming, price_id, period_day, part_from
"""
# The stretches of time in which a product's usage is added up by itself, for those few of which it is divided.
_PARTS = " LEFT JOIN part ON part.product = charge.product_id AND charge.start >= part.begins_at AND charge.start < part.ends_at"
# Charges that are taken back, each by itself, with the bill on which it stood.
_REVERSALS = """
SELECT charge.customer_id, charge.billing_account_id, charge.product_id, charge.product_offering_id, charge.service, charge.zone, charge.price_id,
    -1 AS records, charge.units, charge.free_units, charge.amount_micro, charge.roaming, charge.period_day, true AS late, {part} AS part_from,
    charge.record_id, b.bill_day
FROM charge
JOIN charge_row b ON b.record_id = charge.record_id AND b.billing_account_id = charge.billing_account_id AND b.outcome <> {reversed}{parts}
WHERE charge.bill_day = DATE '{bill_day}' AND charge.state = 'reversed'
"""
# Flat fees, which no record carries.
_FLATS = """
SELECT customer_id, billing_account_id, product_id, product_offering_id, service, zone, price_id,
    0 AS records, 0 AS units, 0 AS free_units, amount_micro, roaming, period_day, false AS late, NULL AS part_from, NULL, NULL
FROM period_charge WHERE period_day = DATE '{bill_day}'
"""
_IN_TEXT = "* REPLACE (customer_id::VARCHAR AS customer_id, billing_account_id::VARCHAR AS billing_account_id, product_id::VARCHAR AS product_id)"
_ORDER = "ORDER BY total.billing_account_id, total.product_id, period_day, service, zone, roaming, price_id, part_from, corrects NULLS FIRST"


_RECORDS = """
SELECT record_id, product_id, start, service, zone, roaming, state, reason, coalesce(price_id, '') AS price_id, bill_day, delivered_units, units,
    free_units, amount_micro
FROM charge WHERE billing_account_id = '{account}'::UUID AND month = {month} ORDER BY start, record_id
"""


class _Totals:
    """
    The totals of one bill period, kept in memory for the batches of a bill run.

    A bucket is added up when the first of its billing accounts is asked for: a part of a run asks for its own alone.
    """

    def __init__(self, lake: Lake, period: BillPeriod, divided: Sequence[tuple[UUID, date]]) -> None:
        self._duck = Duck(spill=lake.spill)
        self._lock = threading.Lock()
        self._missing = set(range(BUCKETS))
        view_charges(self._duck, lake, months_billed(period))
        if divided:
            self._duck.put("part_text", _parts(divided))
            self._duck.execute("CREATE TABLE part AS SELECT * REPLACE (product::UUID AS product) FROM part_text")
        names = {"part": "part.first_day", "parts": _PARTS} if divided else {"part": "NULL::DATE", "parts": ""}
        self._of_bucket = partial(_TOTALS.format, bill_day=period.first_day, **names)
        self._duck.execute(f"CREATE TABLE total AS {self._of_bucket(bucket=-1)}")  # no bucket's yet
        self._duck.execute(f"INSERT INTO total {_REVERSALS.format(bill_day=period.first_day, reversed=REVERSED, **names)}")
        self._duck.view_of_files("period_charge", PERIOD_CHARGE, lake.files(PERIOD_CHARGE, {"month": [month_number(period.first_day)]}))
        self._duck.execute(f"INSERT INTO total {_FLATS.format(bill_day=period.first_day)}")
        self._duck.execute("DROP VIEW period_charge")

    def of(self, billing_account_ids: Sequence[UUID] | None) -> list[UsageTotal]:
        with self._lock:
            wanted = self._missing if billing_account_ids is None else self._missing & {bucket_of(account) for account in billing_account_ids}
            for bucket in sorted(wanted):  # a billing account lies in one, so each gives totals by itself, in bounded memory
                self._duck.execute(f"INSERT INTO total {self._of_bucket(bucket=bucket)}")
            self._missing -= wanted
            if billing_account_ids is None:
                return _as_totals(self._duck.tuples(f"SELECT {_IN_TEXT} FROM total {_ORDER}"))
            self._duck.put("wanted", pa.table({"id": pa.array([str(account) for account in billing_account_ids], pa.string())}))
            these = "WHERE billing_account_id IN (SELECT id::UUID FROM wanted)"
            return _as_totals(self._duck.tuples(f"SELECT {_IN_TEXT} FROM total {these} {_ORDER}"))


def _as_totals(rows: Sequence[tuple[Any, ...]]) -> list[UsageTotal]:
    """Make totals of rows whose identifiers are text: each is made one identifier once, for they are most of the time that this takes."""
    known = _Known()
    return [UsageTotal(known[row[0]], known[row[1]], known[row[2]], *row[3:]) for row in rows]


class _Known(dict[str, UUID]):
    def __missing__(self, text: str) -> UUID:
        made = self[text] = UUID(text)
        return made


def _parts(divided: Sequence[tuple[UUID, date]]) -> pa.Table:
    ordered = sorted(set(divided))
    ends = [after[1] if after[0] == one[0] else None for one, after in zip(ordered, [*ordered[1:], (None, None)], strict=True)]
    instant = pa.timestamp("us", tz="UTC")
    return pa.table(
        {
            "product": pa.array([str(product_id) for product_id, _ in ordered], pa.string()),
            "first_day": pa.array([day for _, day in ordered], pa.date32()),
            "begins_at": pa.array([start_of_day(day) for _, day in ordered], instant),
            "ends_at": pa.array([END_OF_TIME if day is None else start_of_day(day) for day in ends], instant),
        }
    )


def usage_totals(
    *, lake: Lake, period: BillPeriod, billing_account_ids: Sequence[UUID] | None, divided: Sequence[tuple[UUID, date]] = ()
) -> list[UsageTotal]:  # fmt: skip
    """
    Give the usage that appears on the bills of a period: of the period itself, and late usage of earlier ones under its own `period_day`.

    Ordered by billing account, product, period, service, zone and price, always. The totals of a period are computed once
    per state of the lake and kept, so that the batches of a bill run each cost milliseconds.

    :param billing_account_ids: whose; None for all
    :param divided: products, and local days from which on their usage is added up by itself
    """
    key = ("usage totals", lake.head(CHARGE), lake.head(PERIOD_CHARGE), period, tuple(divided))
    totals = lake.remember(key, lambda: _Totals(lake, period, divided))
    return totals.of(billing_account_ids)


def records_of(*, lake: Lake, billing_account_id: UUID, month: date) -> list[RatedRecord]:
    """
    Give the rated records of one billing account whose bill period begins in a month, by their start, however many others there are.

    Files lie in the order of billing accounts, so that all but a few stretches of two files are passed over.

    :param month: any day of it
    """
    where = {"month": [month_number(month)], "bucket": [bucket_of(billing_account_id)]}
    with Duck(spill=lake.spill) as duck:
        view_charges(duck, lake, where)
        rows = duck.rows(_RECORDS.format(month=where["month"][0], account=billing_account_id))
    return [RatedRecord(**row) for row in rows]


def unrated(*, tx: Transaction, lake: Lake, period: BillPeriod) -> int:
    """Give how many records belong on the bills of an open period, its own or late ones, and have no charge on them as they count now."""
    first = period.first_day
    days = [add_months(first.replace(day=1), -back) for back in range(-1, LATE_MONTHS_MAX + 1)]
    months = {"month": [month_number(day) for day in days]}
    on_these_bills = f"day(bill_day) = {first.day} AND {bill_day(first.replace(day=1), usage.first_closed(tx=tx))} = DATE '{first}'"
    with Duck(spill=lake.spill) as duck:
        corrections = _store.corrections(tx, days)
        view_usage(duck, lake, months, _store.passed_over(tx, days), corrections)
        view_charge_rows(duck, lake, months)
        waiting = int(duck.value(waiting_corrections(first))) if corrections else 0
        return waiting + int(
            duck.value(
                f"SELECT count(*) FROM (SELECT record_id FROM usage WHERE {on_these_bills}) g"
                f" WHERE NOT EXISTS (SELECT 1 FROM charge_row c WHERE c.record_id = g.record_id AND c.bill_day = DATE '{first}')"
            )
        )


def suspended(*, tx: Transaction) -> int:
    """Give how many records wait for a product, a zone or a price: they are on no bill until a rating can charge them."""
    return sum(file.suspended for file in balance(tx=tx))


def balance(*, tx: Transaction) -> list[RatedBalance]:
    """Give, per file, what became of its records and units: all in = rated + zero_rated + duplicate + suspended + rejected once all is rated."""
    rated = _store.balance_rows(tx)
    return [_rated_balance(file, rated.get(file.usage_file_id, [])) for file in usage.balances(tx=tx)]


def units_by_service(*, lake: Lake) -> list[ServiceUnits]:
    """
    Count, in the lake, the units of each service of each file by state, which no balance keeps apart; it reads every record and its charge.

    Over all services a file's sums are those of its balance.

    :raises Unavailable: when the machine's memory or disk is used up
    """
    with Duck(spill=lake.spill) as duck:
        view_charge_rows(duck, lake, {})
        for table in (GUIDED, SUSPENDED, SET_ASIDE):
            duck.view_of_files(table.name, table, lake.files(table))
        return [ServiceUnits(**row) for row in duck.rows(_BY_SERVICE.format(reversed=REVERSED))]


def rolled_over(*, tx: Transaction, lake: Lake, period: BillPeriod, billing_account_ids: Sequence[UUID]) -> dict[tuple[UUID, str], int]:
    """
    Give the units that billing accounts and their products have in a period beside what is fresh: left of the one before, once it was closed.

    :returns: units by scope (product, or billing account of what is shared) and allowance
    """
    before = BillPeriod(add_months(period.first_day, -1), period.first_day)
    if not billing_account_ids or not usage.is_closed(tx=tx, period=before):
        return {}
    where = {"month": [month_number(before.first_day)], "bucket": sorted({bucket_of(one) for one in billing_account_ids})}
    with Duck(spill=lake.spill) as duck:
        duck.view_of_files("left_before", ALLOWANCE_LEFT, lake.files(ALLOWANCE_LEFT, where))
        rows = duck.rows(f"SELECT scope_id, allowance_id, units FROM left_before WHERE period_day = DATE '{before.first_day}' AND units > 0")
    return {(row["scope_id"], row["allowance_id"]): row["units"] for row in rows}


def _rated_balance(file: FileBalance, rows: Sequence[Row]) -> RatedBalance:
    of_state = {row["state"]: row["records"] for row in rows}
    units = {row["state"]: row["units"] for row in rows if row["state"] != "reversed"}
    taken_back = of_state.pop("reversed", 0)
    return RatedBalance(
        usage_file_id=file.usage_file_id,
        source=file.source,
        name=file.name,
        records_in=file.records_in,
        rated=of_state.get("rated", 0),
        zero_rated=of_state.get("zero_rated", 0),
        duplicate=file.records(UsageState.DUPLICATE),
        suspended=file.records(UsageState.SUSPENDED) + of_state.get("suspended", 0),
        rejected=file.records(UsageState.REJECTED),
        unrated=file.records(UsageState.GUIDED) - sum(of_state.values()),
        amount_micro=sum(row["amount_micro"] for row in rows),
        reversed=taken_back,
        units_in=file.units_in,
        units={
            "rated": units.get("rated", 0),
            "zero_rated": units.get("zero_rated", 0),
            "duplicate": file.units(UsageState.DUPLICATE),
            "suspended": file.units(UsageState.SUSPENDED) + units.get("suspended", 0),
            "rejected": file.units(UsageState.REJECTED),
            "unrated": file.units(UsageState.GUIDED) - sum(units.values()),
        },
    )


def reasons(*, tx: Transaction) -> list[Row]:
    """Give records, units and micro-euros per state and reason, over all rated months."""
    return _store.reason_rows(tx)
