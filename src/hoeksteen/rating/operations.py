"""Rating a month: every guided record gets exactly one charge."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from hoeksteen.kernel.errors import WrongState, invariant
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.time_period import BillPeriod, add_months, bill_period, local_day
from hoeksteen.product import queries as product
from hoeksteen.rating import _charges, _engine, _pieces, _resuming, _store
from hoeksteen.rating._period_charges import FlatHolder, flat_holders, unrated_flats, write_period_charges
from hoeksteen.rating.model import RatingRun
from hoeksteen.rating.queries import unrated
from hoeksteen.rating.tables import ALLOWANCE_LEFT, CHARGE, OUTCOMES, PERIOD_CHARGE
from hoeksteen.storage.lake import Lake, LakeWrite
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database, Row, Transaction
from hoeksteen.usage import operations as usage
from hoeksteen.usage import queries as usage_queries
from hoeksteen.usage.tables import month_number

_SUMS = ("records", "delivered_units", "units", "free_units", "amount_micro", "weighted_amount", "weighted_free", "weights")
Progress = Callable[[str, int], None]


def rate_month(
    *, database: Database, lake: Lake, month: date, now: datetime, identifiers: Identifiers, progress: Progress = lambda step, records: None
) -> RatingRun:
    """
    Rate every record that appears on the bills of a month: of the bill periods that begin in it, and of earlier ones that were late or never billed.

    The charges of those months are replaced whole; charges, balance and run count from the same instant. The time of rating
    plays no part: the same usage, product history and prices give the same charges and the same digest. A run that was killed
    is taken up by the next one of its month: batches that were done stay done, where nothing that they depend on has changed.

    :param month: any day of it
    :param progress: is told of each batch: what, and how many records
    :raises Unavailable: when another process writes to the lake, or the machine's memory or disk is used up; nothing changes then
    """
    month = month.replace(day=1)
    rating_run_id = _resuming.begin(database, month, identifiers.new(now))
    sums: list[Row] = []
    counts: Counter[str] = Counter()
    steps, fingerprint = _resuming.Steps(database, rating_run_id), b""
    with lake.write(database=database, write_id=rating_run_id, resumable=True) as write:
        for period_month in [*_earlier_months(write.tx, lake, month), month]:
            inputs = _engine.read_inputs(tx=write.tx, month=period_month, bill_month=month)
            fingerprint = _resuming.fingerprint(inputs, _engine.files(write, inputs), fingerprint)
            for batch in _rate_one_month(write, lake, inputs, steps, fingerprint, progress):
                sums += batch.sums
                for row in batch.balance:
                    counts[row["state"]] += row["records"]
                    counts["amount_micro"] += row["amount_micro"]
                    if row["state"] != "reversed":
                        counts["records"] += row["records"]
        run = RatingRun(
            rating_run_id=rating_run_id,
            month=month,
            records=counts["records"],
            rated=counts["rated"],
            zero_rated=counts["zero_rated"],
            suspended=counts["suspended"],
            amount_micro=counts["amount_micro"],
            digest=_digest(sums),
            rated_at=now,
        )
        invariant(run.records == run.rated + run.zero_rated + run.suspended, "every rated record has exactly one state")
        _store.insert_run(write.tx, run)
        _store.close_rating(write.tx, rating_run_id)
    return run


def close_period(*, database: Database, lake: Lake, period: BillPeriod, now: datetime) -> None:
    """
    Close a bill period, before it is billed: usage of it that arrives from now on is late, and appears on a later bill.

    What has no price now is late from here on too: each rating tries it again, and it appears on a later bill once it has one.
    Closing again changes nothing; a refusal leaves it open. Nobody collects or rates meanwhile, so no record can come in between.

    :raises WrongState: when the period is not over, when another one must be closed first, or when usage that belongs on its
        bills, or a flat fee, is not rated for them; it would appear on none
    :raises Unavailable: when another process writes to the lake
    """
    with lake.locked(database=database) as tx:
        closed = usage_queries.last_closed(tx=tx)
        if usage_queries.is_closed(tx=tx, period=period):
            return
        _require_next(period, closed.get(period.first_day.day), local_day(now), product.first_day(tx=tx))
        waiting = unrated(tx=tx, lake=lake, period=period)
        if waiting:
            month = f"{period.first_day:%Y-%m}"
            raise WrongState(
                f"{waiting} usage records for the bills of {period.first_day} are not rated.",
                remedy=f"Run `hoeksteen usage rate --month {month}` first.",
            )
        fees = unrated_flats(tx=tx, lake=lake, period=period)
        if fees:
            raise WrongState(
                f"{fees} flat fees for the bills of {period.first_day} are not rated.",
                remedy=f"Run `hoeksteen usage rate --month {period.first_day:%Y-%m}` first.",
            )
        usage.close_period(tx=tx, period=period, now=now)
        _store.pass_over(tx, _suspended(lake, period), period.end_day)


def _suspended(lake: Lake, period: BillPeriod) -> list[Row]:
    """Give the records that belong on a period's bills and have no price: as late ones, with the closes of their cycle that they wait by now."""
    first = period.first_day
    with Duck(spill=lake.spill) as duck:
        _charges.view_charges(duck, lake, _engine.months_billed(period))
        return duck.rows(
            "SELECT record_id, date_trunc('month', period_day)::DATE AS month,"
            f" datediff('month', period_day, DATE '{first}')::INTEGER + 1 AS generation"
            f" FROM charge WHERE bill_day = DATE '{first}' AND state = 'suspended' ORDER BY record_id"
        )


def _require_next(period: BillPeriod, last: date | None, today: date, first_day: date | None) -> None:
    if period.end_day > today:
        raise WrongState(
            f"The period of {period.first_day} is not over before {period.end_day}; today is {today}.",
            remedy="Name a period that is over, or make a trial run.",
        )
    if last is not None and period.first_day != add_months(last, 1):
        raise WrongState(
            f"The period of {period.first_day} does not follow {last}, the last that was closed.", remedy=f"Bill {add_months(last, 1):%Y-%m} next."
        )
    if last is None and first_day is None:
        raise WrongState("Nobody holds a product: there is nothing to bill.", remedy="Load customers and their products first.")
    if last is None and first_day is not None and period.end_day < first_day:
        first = bill_period(first_day - timedelta(days=1), cycle_day=period.first_day.day)
        raise WrongState(
            f"The period of {period.first_day} ends on {period.end_day}; the first day that is charged here is {first_day}.",
            remedy=f"Bill {first.first_day:%Y-%m} first; usage of earlier periods appears on its bills.",
        )


def _earlier_months(tx: Transaction, lake: Lake, month: date) -> list[date]:
    """Give the earlier months of which usage appears on bills of this month: late, or never billed."""
    with Duck(spill=lake.spill) as duck:
        months = [add_months(month, -back) for back in range(1, _engine.LATE_MONTHS_MAX + 1)]
        _engine.view_usage(duck, lake, {"month": [month_number(one) for one in months]}, _store.passed_over(tx, months))
        bill_day = _engine.bill_day(month, usage_queries.first_closed(tx=tx))
        rows = duck.rows(
            "SELECT DISTINCT year(period_day) AS year, month(period_day) AS month FROM usage"
            f" WHERE period_day < DATE '{month}' AND {bill_day} >= DATE '{month}' ORDER BY year, month"
        )
    taken_back = [one for one in _store.reversed_months(tx, month) if one in months]
    return sorted({date(row["year"], row["month"], 1) for row in rows} | set(taken_back))


def _rate_one_month(
    write: LakeWrite, lake: Lake, inputs: _engine.Inputs, steps: _resuming.Steps, fingerprint: bytes, progress: Progress
) -> list[_resuming.Batch]:
    """Rate the bill periods that begin in one month, batch by batch."""
    done: list[_resuming.Batch] = []
    flats = flat_holders(tx=write.tx, month=inputs.month, tariff=inputs.tariff)
    fingerprint = hashlib.sha256(fingerprint + repr(flats).encode()).digest()
    with Duck(spill=lake.spill, ordered=False) as duck:
        _engine.load(duck, write, inputs)
        _charges.write_new_prices(duck, write)
        for buckets in _engine.batches(lake, inputs, others={holder.bucket for holder in flats}):
            batch = steps.done(inputs.month, buckets, fingerprint)
            if batch is None:
                batch = _rate_batch(duck, write, lake, inputs, flats, buckets)
                steps.keep(inputs.month, buckets, fingerprint, batch)
                progress(f"{inputs.month:%Y-%m}", batch.records)
            else:
                progress(f"{inputs.month:%Y-%m}, done before", batch.records)
            done.append(batch)
    where = {"month": [month_number(inputs.month)]}
    write.replace(CHARGE, where, [file for batch in done for file in batch.charges])
    write.replace(ALLOWANCE_LEFT, where, [file for batch in done for file in batch.left_over])
    write.replace(PERIOD_CHARGE, where, [file for batch in done for file in batch.due])
    _store.replace_balance(write.tx, inputs.month, _added_up([row for batch in done for row in batch.balance]))
    return done


def _rate_batch(
    duck: Duck, write: LakeWrite, lake: Lake, inputs: _engine.Inputs, flats: Sequence[FlatHolder], buckets: Sequence[int]
) -> _resuming.Batch:
    charges, left_over, due = [], [], []
    _engine.view_guided(duck, lake, inputs, buckets=buckets)
    records = _engine.rate(duck, inputs)
    month = month_number(inputs.month)
    for bucket in buckets:
        charges += duck.write_partition(CHARGE, _charges.charge_rows(month, bucket), write.folder(CHARGE) / f"{month}-{bucket}.parquet")
    if inputs.tariff.rolls_over:
        condition = f"WHERE bucket IN ({', '.join(map(str, buckets))})"
        query = f"SELECT * FROM ({_engine.left_over(inputs)}) {condition}"
        left_over = duck.write_parquet(ALLOWANCE_LEFT, query, write.folder(ALLOWANCE_LEFT))
    if flats:
        due = write_period_charges(duck=duck, holders=flats, month=month, buckets=buckets, folder=write.folder(PERIOD_CHARGE))
    duck.execute(f"CREATE OR REPLACE TABLE sums AS {_pieces.SUMS}")
    _engine.require_complete(duck, records)
    sums = [{name: value if name in _SUMS else str(value) for name, value in row.items()} for row in duck.rows(_pieces.DIGEST)]
    return _resuming.Batch(records, charges, left_over, due, sums, [_in_words(row) for row in duck.rows(_pieces.FILE_BALANCE)])


def _in_words(row: Row) -> Row:
    state, reason = OUTCOMES[row["outcome"]]
    return {**row, "state": state, "reason": reason}


def _added_up(rows: Sequence[Row]) -> list[Row]:
    """Add up the balance of several batches."""
    added: dict[tuple[UUID, str, str], dict[str, Any]] = {}
    for row in rows:
        key = (row["usage_file_id"], row["state"], row["reason"])
        if key in added:
            added[key] = {**row, **{name: added[key][name] + row[name] for name in ("records", "units", "amount_micro")}}
        else:
            added[key] = row
    return [added[key] for key in sorted(added)]


def _digest(rows: Sequence[Row]) -> bytes:
    """Give SHA-256 over the sorted sums of all charges."""
    sums: dict[tuple[str, ...], list[int]] = {}
    for row in rows:
        key = tuple(str(value) for name, value in sorted(row.items()) if name not in _SUMS)
        before = sums.get(key, [0] * len(_SUMS))
        sums[key] = [have + int(row[name]) for have, name in zip(before, _SUMS, strict=True)]
    text = "\n".join("\x1f".join([*key, *map(str, sums[key])]) for key in sorted(sums))
    return hashlib.sha256(text.encode()).digest()
