"""Loading the small tables into the engine and running the pieces over a set of guided records."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import numpy as np
import pyarrow as pa

from hoeksteen.kernel.errors import invariant
from hoeksteen.kernel.time_period import BillPeriod, add_months, bill_period, local_day, start_of_day
from hoeksteen.party import queries as party
from hoeksteen.product import queries as product
from hoeksteen.product.model import CapLifted, ProductOffering, ProductStatus, ProductTerm
from hoeksteen.rating import _charges, _correcting, _pieces, _store
from hoeksteen.rating.tables import ALLOWANCE_LEFT, PRICE
from hoeksteen.rating.tariff import (
    Source,
    Tariff,
    band_table,
    block_table,
    cap_table,
    free_limit_table,
    kind_table,
    lifted_table,
    source_table,
    tariff_of,
    tariff_table,
    tier_table,
)
from hoeksteen.storage.lake import Lake, LakeTable, LakeWrite
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Row, Transaction
from hoeksteen.usage.queries import closed_periods, first_closed
from hoeksteen.usage.tables import GUIDED, bucket_of, month_number

LATE_MONTHS_MAX = 24  # how many months back late usage is still looked for
_IDS_PER_QUERY = 20_000
RECORDS_PER_BATCH_MAX = 4_000_000
_MINUTE = 60_000_000  # microseconds
_HOUR = 60  # minutes


@dataclass(frozen=True, slots=True)
class Holder:
    """A scope that has an allowance in a bill period, and on how many of its days."""

    source: Source
    scope_id: UUID
    bucket: int
    period: BillPeriod
    days: int


@dataclass(frozen=True, slots=True)
class Inputs:
    """
    Everything but usage that a month's rating depends on.

    :param month: first day of the month in which the rated bill periods begin
    :param bill_month: first day of the month whose bills are being made; what was never billed before it appears on them
    :param first_closed: per cycle day, the first day of the first period that was closed here
    :param rolled_over: first days of the periods of the month before that were closed: what they left is granted now
    :param lifted: caps that customers lifted
    :param passed_over: records that could not be priced when their period was closed, as the late ones that they became
    :param corrections: of records of the month's bill periods
    """

    month: date
    bill_month: date
    first_closed: Mapping[int, date]
    tariff: Tariff
    terms: pa.Table
    holders: Sequence[Holder]
    rolled_over: Sequence[date]
    passed_over: Sequence[Row]
    lifted: Sequence[CapLifted] = ()
    corrections: Sequence[Row] = ()


def read_inputs(
    *,
    tx: Transaction,
    month: date,
    bill_month: date,
    customer_ids: Sequence[UUID] | None = None,
    offerings: Sequence[ProductOffering] | None = None,
) -> Inputs:
    """
    Read prices and product history, of all customers or of some.

    :param offerings: in the place of those of the catalogue
    """
    tariff = tariff_of(product.offerings(tx=tx) if offerings is None else offerings)
    offering_ids = [offering.product_offering_id for offering in tariff.offerings]
    terms = product.active_terms(tx=tx, offering_ids=offering_ids, customer_ids=customer_ids)
    holders = _holders(tx, month, tariff, customer_ids)
    rolled_over = closed_periods(tx=tx, first_day=add_months(month, -1), end_day=month)
    lifted = product.caps_lifted(tx=tx, customer_ids=customer_ids)
    passed_over, corrections = _store.passed_over(tx, [month]), _store.corrections(tx, [month])
    return Inputs(month, bill_month, first_closed(tx=tx), tariff, terms, holders, rolled_over, passed_over, lifted, corrections)


def _holders(tx: Transaction, month: date, tariff: Tariff, customer_ids: Sequence[UUID] | None) -> list[Holder]:
    """Give who holds the allowances that roll over or are prorated; all others need no such list."""
    special: dict[str, list[Source]] = {}
    for source in tariff.sources:
        if not source.carried and (source.allowance.roll_over or source.allowance.prorate):
            special.setdefault(source.allowance.product_offering_id, []).append(source)
    if not special:
        return []
    terms = product.terms(tx=tx, customer_ids=customer_ids)
    concerned = [term for term in terms if term.status is ProductStatus.ACTIVE and term.product_offering_id in special]
    products = {entry.product_id: entry for entry in product.products(tx=tx, customer_ids=customer_ids)}
    accounts = sorted({products[term.product_id].billing_account_id for term in concerned})
    slices = [accounts[start : start + _IDS_PER_QUERY] for start in range(0, len(accounts), _IDS_PER_QUERY)]
    cycle_day = {
        account.billing_account_id: account.cycle_day for some in slices for account in party.billing_accounts_by_id(tx=tx, billing_account_ids=some)
    }
    days: dict[tuple[int, UUID, UUID], int] = {}
    periods: dict[UUID, BillPeriod] = {}
    for term in concerned:
        account = products[term.product_id].billing_account_id
        period = bill_period(month.replace(day=cycle_day.get(account, 1)), cycle_day=cycle_day.get(account, 1))
        in_service = _days_in(term, period)
        if in_service:
            periods[account] = period
            for source in special[term.product_offering_id]:
                key = (source.number, account if source.allowance.shared else term.product_id, account)
                days[key] = days.get(key, 0) + in_service
    sources = {source.number: source for source in tariff.sources}
    return [
        Holder(sources[number], scope_id, bucket_of(account), periods[account], min(count, periods[account].days))
        for (number, scope_id, account), count in days.items()
    ]


def _days_in(term: ProductTerm, period: BillPeriod) -> int:
    """Count the local days of a period on which a term holds."""
    first = max(local_day(term.valid_from), period.first_day)
    end = period.end_day if term.valid_to is None else min(local_day(term.valid_to), period.end_day)
    return max(0, (end - first).days)


def load(duck: Duck, lake: Lake | LakeWrite, inputs: Inputs) -> None:
    """
    Put prices, history and grants into the engine.

    :param lake: the write that rates several months after each other, so that each is granted what the one before it left in that same write
    """
    month, tariff = inputs.month, inputs.tariff
    _load_terms(duck, inputs)
    duck.put("tariff", tariff_table(tariff))
    duck.put("source", source_table(tariff))
    duck.put("cap", cap_table(tariff))
    duck.put("tier", tier_table(tariff))
    duck.put("block", block_table(tariff))
    duck.put("free_limit", free_limit_table(tariff))
    duck.put("lifted_text", lifted_table(tariff, inputs.lifted))
    duck.execute(
        "CREATE OR REPLACE TABLE lifted AS SELECT p.product_no, l.cap_no, l.begins_at, l.ends_at"
        " FROM lifted_text l JOIN product p ON p.product_id = l.product::UUID"
    )
    duck.put("band", band_table(tariff, first_day=month - timedelta(days=1), end_day=add_months(month, 2)))
    window = {"first": _instant(start_of_day(month - timedelta(days=1))), "end": _instant(start_of_day(add_months(month, 2) + timedelta(days=1)))}
    duck.execute(f"CREATE OR REPLACE TABLE slot AS {_pieces.SLOT.format(**window)}")
    _load_ticks(duck)
    duck.put("kind", kind_table(tariff))
    _charges.number_prices(duck, lake)
    numbers = counts(duck)
    duck.execute(f"CREATE OR REPLACE TABLE rate AS {_pieces.rate(tariff.stages, kinds=numbers['kinds'], slots=numbers['slots'])}")
    _load_grants(duck, lake, inputs)


def _load_ticks(duck: Duck) -> None:
    """
    Make the table of the ticks of the window, each with its stretch, so that no instants are compared.

    A tick is as long as the times at which prices and bands change allow: mostly an hour, at the least a minute.

    :raises Corrupt: when a price begins or ends within a minute
    """
    slots = duck.arrow("SELECT slot_no, epoch_us(begins_at) AS begins, epoch_us(ends_at) AS ends FROM slot ORDER BY slot_no")
    begins, ends = (slots[name].to_numpy() for name in ("begins", "ends"))
    invariant(not (begins % _MINUTE).any() and not (ends % _MINUTE).any(), "prices change on whole minutes")
    length = int(np.gcd.reduce([*(begins // _MINUTE), *(ends // _MINUTE), _HOUR])) * _MINUTE
    tick = np.arange(begins[0] // length, ends[-1] // length)
    numbers = np.repeat(slots["slot_no"].to_numpy(), (ends - begins) // length)
    duck.put("tick", pa.table({"tick": tick, "slot_no": numbers, "length": np.full(len(tick), length)}))


def _load_terms(duck: Duck, inputs: Inputs) -> None:
    """Make the tables of offerings, terms and scopes; a scope that shares allowances is a billing account, all others are products."""
    ids = [offering.product_offering_id for offering in inputs.tariff.offerings]
    duck.put("offering", pa.table({"product_offering_id": pa.array(ids, pa.string()), "offering_no": pa.array(range(1, len(ids) + 1), pa.int32())}))
    duck.put("term", inputs.terms)
    duck.execute("CREATE OR REPLACE TABLE product AS SELECT DISTINCT product_no, product_id FROM term")
    shared = any(source.allowance.shared for source in inputs.tariff.sources)
    duck.execute(
        "CREATE OR REPLACE TABLE pool AS SELECT billing_account_id, (row_number() OVER ())::INTEGER AS pool_no"
        f" FROM (SELECT DISTINCT billing_account_id FROM term WHERE {shared})"
    )


def _load_grants(duck: Duck, lake: Lake | LakeWrite, inputs: Inputs) -> None:
    """Make the tables of who holds allowances of a size of their own, and what each scope is granted."""
    duck.put("holder_text", _holder_table(inputs.holders))
    duck.execute(
        "CREATE OR REPLACE TABLE scope AS SELECT DISTINCT product_id AS scope_id, false AS shared, product_no AS scope_no FROM term"
        " WHERE EXISTS (SELECT 1 FROM source WHERE rolls_over OR prorated OR carried)"
        " UNION ALL SELECT billing_account_id, true, pool_no FROM pool"
    )
    duck.execute(
        "CREATE OR REPLACE TABLE holder AS SELECT h.* REPLACE (h.scope_id::UUID AS scope_id), p.scope_no"
        " FROM holder_text h JOIN source s USING (source_no) LEFT JOIN scope p ON p.scope_id = h.scope_id::UUID AND p.shared = s.shared"
    )
    before = month_number(add_months(inputs.month, -1))
    closed = ", ".join(f"DATE '{day}'" for day in inputs.rolled_over) or "NULL"
    duck.view_of_files("left_before", ALLOWANCE_LEFT, lake.files(ALLOWANCE_LEFT, {"month": [before]}))
    duck.execute(
        "CREATE OR REPLACE TABLE granted AS"
        " SELECT s.source_no, p.scope_no, (l.period_day + INTERVAL 1 MONTH)::DATE AS period_day, l.units AS granted"
        " FROM left_before l JOIN source s ON s.allowance_id = l.allowance_id AND s.carried"
        " JOIN scope p ON p.scope_id = l.scope_id AND p.shared = s.shared"
        f" WHERE l.month = {before} AND l.period_day IN ({closed})"
        " UNION ALL SELECT source_no, scope_no, period_day, granted FROM holder WHERE prorated"
    )


def counts(duck: Duck) -> dict[str, int]:
    """Give how many kinds of usage and stretches of time there are, of which the numbers of rates are made, and a tick's microseconds."""
    kinds, slots, tick = (int(duck.value(f"SELECT {what}")) for what in ("max(kind_no) FROM kind", "count(*) FROM slot", "min(length) FROM tick"))
    return {"kinds": kinds, "slots": slots, "tick": tick}


def _instant(at: datetime) -> str:
    return f"TIMESTAMPTZ '{at.isoformat()}'"


def view_guided(duck: Duck, lake: Lake, inputs: Inputs, *, buckets: Sequence[int] | None = None, condition: str = "true") -> None:
    """Make the view `guided` of the records whose bill period begins in the month."""
    months = [month_number(inputs.month), month_number(add_months(inputs.month, 1))]
    where = {"month": months} if buckets is None else {"month": months, "bucket": list(buckets)}
    view_usage(duck, lake, where, inputs.passed_over, inputs.corrections)
    in_buckets = "true" if buckets is None else f"bucket IN ({', '.join(str(int(bucket)) for bucket in buckets)})"
    duck.execute(
        f"CREATE OR REPLACE VIEW guided AS SELECT * REPLACE ({bill_day(inputs.bill_month, inputs.first_closed)} AS bill_day) FROM usage"
        f" WHERE period_day >= DATE '{inputs.month}' AND period_day < DATE '{add_months(inputs.month, 1)}' AND {in_buckets} AND {condition}"
    )


def files(lake: Lake | LakeWrite, inputs: Inputs) -> list[str]:
    """Give the lake's files that a month's rating reads."""
    months = [month_number(inputs.month), month_number(add_months(inputs.month, 1))]
    before = [month_number(add_months(inputs.month, -1))]
    wanted: Sequence[tuple[LakeTable, dict[str, list[int]]]] = ((GUIDED, {"month": months}), (ALLOWANCE_LEFT, {"month": before}), (PRICE, {}))
    return [file for table, where in wanted for file in lake.files(table, where)]


def view_usage(
    duck: Duck, lake: Lake, where: Mapping[str, Sequence[int]], passed_over: Sequence[Row], corrections: Sequence[Row] = ()
) -> None:  # fmt: skip
    """Make the view `usage` of guided records as they count now: passed over at a close and late since, or corrected and of no use."""
    if not passed_over and not corrections:
        duck.view_of_files("usage", GUIDED, lake.files(GUIDED, where))
        return
    rows = [{**row, "record_id": str(row["record_id"])} for row in passed_over]
    schema = pa.schema([("record_id", pa.string()), ("generation", pa.int32()), ("bill_day", pa.date32())])
    duck.put("passed_over", pa.Table.from_pylist(rows, schema=schema))
    _correcting.put(duck, corrections)
    duck.view_of_files("guided_files", GUIDED, lake.files(GUIDED, where))
    duck.execute(
        "CREATE OR REPLACE VIEW usage AS"
        " SELECT g.* REPLACE (coalesce(p.generation, g.generation) AS generation, coalesce(p.bill_day, g.bill_day) AS bill_day,"
        " CASE WHEN r.record_id IS NULL THEN g.units ELSE 0 END AS units)"
        " FROM guided_files g LEFT JOIN passed_over p ON p.record_id::UUID = g.record_id LEFT JOIN replaced r ON r.record_id = g.record_id"
    )


def months_billed(period: BillPeriod) -> dict[str, list[int]]:
    """Where the charges on a period's bills lie: in its own month, and the earlier ones in which late usage is looked for."""
    return {"month": [month_number(add_months(period.first_day.replace(day=1), -back)) for back in range(LATE_MONTHS_MAX + 1)]}


def bill_day(bill_month: date, first_closed: Mapping[int, date]) -> str:
    """
    The first day of the period on whose bill a record appears.

    What is older than the first period that was closed here belongs on the bills of that one, under its own date; until one is closed,
    on those of the month that is rated for.
    """
    closed = " ".join(f"WHEN {int(cycle_day)} THEN DATE '{day}'" for cycle_day, day in sorted(first_closed.items()))
    rated_for = f"make_date({bill_month.year}, {bill_month.month}, day(bill_day)::INTEGER)"
    first = f"CASE day(bill_day) {closed} ELSE {rated_for} END" if closed else rated_for
    return f"greatest(bill_day, {first})"


def rate(duck: Duck, inputs: Inputs, *, everything: bool = False, few: bool = False) -> int:
    """
    Run every piece over the view `guided`, leaving the table `rated` and the view `charged`, and give the number of charges.

    :param everything: whether the view `amount` and the tables before it tell of every record, or only of those whose charge needs them
    :param few: whether they are of so few products that it is not worth finding out which of these may be left alone
    """
    numbers = counts(duck)
    for kind, name, query in _pieces.composed(inputs.tariff.stages, **numbers, everything=everything, few=few):
        duck.execute(f"CREATE OR REPLACE {kind} {name} AS {query}")
    records = int(duck.value("SELECT count(*) FROM rated"))
    if not inputs.corrections:
        return records
    again = _pieces.composed(inputs.tariff.stages, **numbers, everything=everything, few=True)
    return records + _correcting.settle(duck, again, inputs.tariff.stages)


def batches(lake: Lake, inputs: Inputs, *, others: Iterable[int] = ()) -> list[list[int]]:
    """
    Divide the buckets so that no batch holds more records than fit in memory; a billing account lies in one bucket.

    :param others: buckets that are wanted also without any record
    """
    with Duck(spill=lake.spill) as duck:
        view_guided(duck, lake, inputs)
        counts = {row["bucket"]: row["records"] for row in duck.rows("SELECT bucket, count(*) AS records FROM guided GROUP BY bucket")}
    for bucket in [*(holder.bucket for holder in inputs.holders), *others]:
        counts.setdefault(bucket, 0)
    found: list[list[int]] = []
    size = RECORDS_PER_BATCH_MAX
    for bucket in sorted(counts):
        if not found or size + counts[bucket] > RECORDS_PER_BATCH_MAX:
            found.append([])
            size = 0
        found[-1].append(bucket)
        size += counts[bucket]
    return found


def require_complete(duck: Duck, charges: int) -> None:
    """
    Check that the table `sums` counts each record once, and each charge that is taken back once more.

    :raises Corrupt: when it does not
    """
    reversals = int(duck.value(f"SELECT coalesce(sum(records), 0) FROM sums WHERE outcome = {_correcting.REVERSED}"))
    invariant(int(duck.value("SELECT coalesce(sum(records), 0) FROM sums")) == charges, "rating gives one charge per guided record")
    invariant(int(duck.value("SELECT count(*) FROM guided")) == charges - reversals, "rating reads every guided record once")


def left_over(inputs: Inputs) -> str:
    """Give the query for what is left of allowances that roll over, after `rate`."""
    return f"WITH taken AS ({_pieces.taken(inputs.tariff.stages)}) {_pieces.LEFT_OVER}"


def _holder_table(holders: Sequence[Holder]) -> pa.Table:
    return pa.table(
        {
            "source_no": pa.array([holder.source.number for holder in holders], pa.int32()),
            "scope_id": pa.array([str(holder.scope_id) for holder in holders], pa.string()),
            "bucket": pa.array([holder.bucket for holder in holders], pa.int32()),
            "period_day": pa.array([holder.period.first_day for holder in holders], pa.date32()),
            "prorated": pa.array([holder.source.allowance.prorate for holder in holders], pa.bool_()),
            # Whole units: what a part of a period earns is rounded down.
            "granted": pa.array([holder.source.allowance.units * holder.days // holder.period.days for holder in holders], pa.int64()),
        }
    )
