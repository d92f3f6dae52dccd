"""
What was used and spent so far in bill periods that are open, and what customers hear of it.

Counters are computed from the lake by the same pieces as charges, for the billing accounts whose usage arrived, and are never billed from:
a counter that was not refreshed is late, not wrong. At 80 % and 100 % of an allowance or cap the customer gets one message each
period; a cap on roaming that is reached stops roaming until it is lifted (Regulation (EU) 2022/612, article 14), or until a correction takes back
what reached it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import pyarrow as pa

from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.money import euros
from hoeksteen.kernel.time_period import BillPeriod, add_months, bill_period, local_day
from hoeksteen.messages.model import MessageKind, NewMessage
from hoeksteen.messages.operations import enqueue
from hoeksteen.party import queries as party
from hoeksteen.product import operations as product
from hoeksteen.product.model import Cap
from hoeksteen.product.queries import caps_lifted
from hoeksteen.rating import _engine, _store
from hoeksteen.rating.model import Counter, CounterKind
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database, Row, Transaction
from hoeksteen.usage.tables import GUIDED, bucket_of, month_number

BILLING_ACCOUNTS_PER_BATCH = 20_000
THRESHOLDS = (100, 80)  # percent, highest first
_ARRIVED = "SELECT DISTINCT billing_account_id FROM arrived WHERE usage_file_id IN (SELECT id::UUID FROM file) ORDER BY billing_account_id"
_SPENDING = """
SELECT g.customer_id, g.billing_account_id, g.product_id AS scope_id, g.period_day, sum(c.amount_micro)::BIGINT AS used
FROM charged c JOIN guided g ON g.record_id = c.record_id GROUP BY g.customer_id, g.billing_account_id, g.product_id, g.period_day
"""
_CAPS = """
SELECT g.customer_id, g.billing_account_id, CASE WHEN p.shared THEN g.billing_account_id ELSE g.product_id END AS scope_id, g.period_day,
    a.cap_no, any_value(p.cap_micro) AS bound, sum(c.amount_micro)::BIGINT AS used, any_value(g.product_id) AS product_id
FROM charged c JOIN amount a ON a.record_id = c.record_id JOIN cap p ON p.cap_no = a.cap_no JOIN guided g ON g.record_id = c.record_id
GROUP BY g.customer_id, g.billing_account_id, CASE WHEN p.shared THEN g.billing_account_id ELSE g.product_id END, g.period_day, a.cap_no
"""
_ALLOWANCES = """
SELECT customer_id, billing_account_id, scope_id, period_day, allowance_id, sum(granted)::BIGINT AS bound, sum(free)::BIGINT AS used
FROM (
    SELECT g.customer_id, g.billing_account_id, CASE WHEN s.shared THEN g.billing_account_id ELSE g.product_id END AS scope_id, g.period_day,
        s.allowance_id, s.source_no, coalesce(max(u.granted), any_value(s.granted)) AS granted, sum(u.free) AS free
    FROM ({taken}) u JOIN source s ON s.source_no = u.source_no JOIN guided g ON g.record_id = u.record_id
    GROUP BY g.customer_id, g.billing_account_id, CASE WHEN s.shared THEN g.billing_account_id ELSE g.product_id END, g.period_day, s.allowance_id,
        s.source_no
)
GROUP BY customer_id, billing_account_id, scope_id, period_day, allowance_id
"""
# What each record took of the source of a stage, and what that source has in the period where it is not what the plan says.
_TAKEN = """
SELECT a.record_id, s.source_no, a.free_{stage} AS free, o.granted
FROM amount a JOIN source s ON s.source_no = a.source_{stage}
LEFT JOIN pool p ON s.shared AND p.billing_account_id = a.billing_account_id
LEFT JOIN granted o ON o.source_no = s.source_no AND o.period_day = a.period_day
    AND o.scope_no = CASE WHEN s.shared THEN p.pool_no ELSE a.product_no END
"""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """How many billing accounts were counted, how many messages it gave cause to, how many products roam no more, and how many do again."""

    billing_accounts: int
    notices: int
    roaming_stopped: int
    roaming_resumed: int = 0


def refresh(*, database: Database, lake: Lake, usage_file_ids: Sequence[UUID], now: datetime, identifiers: Identifiers) -> Refreshed:
    """
    Count again for the billing accounts of which files brought usage, in their open periods, and tell customers of thresholds that were reached.

    Done twice it changes nothing, and tells nobody anything twice. Each batch of billing accounts commits by itself.

    :param usage_file_ids: of files that were collected
    :raises Unavailable: when the machine's memory or disk is used up
    """
    return recount(database=database, lake=lake, billing_account_ids=_arrived(lake, usage_file_ids, now), now=now, identifiers=identifiers)


def recount(*, database: Database, lake: Lake, billing_account_ids: Sequence[UUID], now: datetime, identifiers: Identifiers) -> Refreshed:
    """
    Count again for billing accounts, in their open periods, as `refresh` does; after a correction of a record of theirs.

    :raises Unavailable: when the machine's memory or disk is used up
    """
    notices = stopped = resumed = 0
    for start in range(0, len(billing_account_ids), BILLING_ACCOUNTS_PER_BATCH):
        with database.transaction() as tx:
            some = billing_account_ids[start : start + BILLING_ACCOUNTS_PER_BATCH]
            for counters, caps in _count(tx, lake, some, now):
                _store.upsert_counters(tx, counters)
                told, ended = _tell(tx, counters, caps, now, identifiers)
                notices, stopped, resumed = notices + told, stopped + ended, resumed + _resume(tx, counters, caps, now)
    return Refreshed(len(billing_account_ids), notices, stopped, resumed)


def counters(*, tx: Transaction, customer_id: UUID, since: date) -> list[Counter]:
    """Give a customer's counters of the bill periods that begin on a day or later, by product, kind and name."""
    return _store.counters(tx, customer_id, since)


def _arrived(lake: Lake, usage_file_ids: Sequence[UUID], now: datetime) -> list[UUID]:
    """Give whose usage of months in which a period is open lies in some files."""
    month = local_day(now).replace(day=1)
    months = [month_number(one) for one in (add_months(month, -1), month)]
    with Duck(spill=lake.spill) as duck:
        duck.view_of_files("arrived", GUIDED, lake.files(GUIDED, {"month": months}))
        duck.put("file", pa.table({"id": pa.array([str(one) for one in usage_file_ids], pa.string())}))
        return [row["billing_account_id"] for row in duck.rows(_ARRIVED)]


def _count(tx: Transaction, lake: Lake, billing_account_ids: Sequence[UUID], now: datetime) -> Iterable[tuple[list[Counter], dict[str, Cap]]]:
    """Rate the open periods of billing accounts, those that begin in one month at a time; give the counters, and the caps by identifier."""
    today = local_day(now)
    periods: dict[date, list[tuple[UUID, UUID, BillPeriod]]] = {}
    for one in party.billing_accounts_by_id(tx=tx, billing_account_ids=billing_account_ids):
        period = bill_period(today, cycle_day=one.cycle_day)
        periods.setdefault(period.first_day.replace(day=1), []).append((one.customer_id, one.billing_account_id, period))
    for month, concerned in sorted(periods.items()):
        inputs = _engine.read_inputs(tx=tx, month=month, bill_month=month, customer_ids=sorted({customer for customer, _, _ in concerned}))
        wanted = {
            "id": pa.array([str(billing_account) for _, billing_account, _ in concerned], pa.string()),
            "first_day": pa.array([period.first_day for _, _, period in concerned], pa.date32()),
        }
        with Duck(spill=lake.spill) as duck:
            _engine.load(duck, lake, inputs)
            duck.put("wanted", pa.table(wanted))
            open_now = "(billing_account_id, period_day) IN (SELECT id::UUID, first_day FROM wanted)"
            buckets = sorted({bucket_of(billing_account) for _, billing_account, _ in concerned})
            _engine.view_guided(duck, lake, inputs, buckets=buckets, condition=open_now)
            _engine.rate(duck, inputs, everything=True)
            yield _read(duck, inputs, now), {cap.cap_id: cap for cap in inputs.tariff.caps}


def _read(duck: Duck, inputs: _engine.Inputs, now: datetime) -> list[Counter]:
    found = [_counter(row, CounterKind.SPENDING, "", None, now) for row in duck.rows(_SPENDING)]
    found += [_counter(row, CounterKind.CAP, inputs.tariff.caps[row["cap_no"] - 1].cap_id, row["bound"], now) for row in duck.rows(_CAPS)]
    taken = " UNION ALL ".join(_TAKEN.format(stage=stage) for stage in range(1, inputs.tariff.stages + 1))
    for row in duck.rows(_ALLOWANCES.format(taken=taken)) if taken else ():
        found.append(_counter(row, CounterKind.ALLOWANCE, row["allowance_id"], row["bound"], now))
    return found


def _counter(row: Row, kind: CounterKind, name: str, bound: int | None, now: datetime) -> Counter:
    return Counter(row["customer_id"], row["billing_account_id"], row["scope_id"], kind, name, row["period_day"], row["used"], bound, now)


def _tell(tx: Transaction, counted: Sequence[Counter], caps: dict[str, Cap], now: datetime, identifiers: Identifiers) -> tuple[int, int]:
    """Write what customers are to hear into the outbox, and stop roaming where its cap is reached; give how many of each."""
    messages: list[NewMessage] = []
    stopped = 0
    lifted = _lifted(tx, counted, now)
    bounded = [one for one in counted if one.bound and (one.scope_id, one.name) not in lifted]
    reached_by = {one: [threshold for threshold in THRESHOLDS if 100 * one.used >= threshold * (one.bound or 0)] for one in bounded}
    noticed = _store.insert_notices(tx, [(one, threshold) for one, reached in reached_by.items() for threshold in reached], now)
    for one, reached in reached_by.items():
        new = [threshold for threshold in reached if (one, threshold) in noticed]
        cap = caps.get(one.name) if one.kind is CounterKind.CAP else None
        kind = MessageKind.ALLOWANCE_USED if cap is None else MessageKind.CAP_REACHED
        if cap is not None and cap.is_roaming and not cap.shared and 100 in reached:
            kind = MessageKind.ROAMING_STOPPED
            stop = product.stop_roaming(
                tx=tx, customer_id=one.customer_id, product_id=one.scope_id, cap_id=one.name, period_day=one.period_day, now=now
            )
            stopped += stop
        if new and new[0] == reached[0]:
            messages.append(NewMessage(one.customer_id, identifiers.new(now), kind, _parameters(one, new[0]), now))
    enqueue(tx=tx, messages=messages)
    return len(messages), stopped


def _resume(tx: Transaction, counted: Sequence[Counter], caps: dict[str, Cap], now: datetime) -> int:
    """Let products roam again whose cap is not reached any more, give how many, and let their customers hear of it when it is reached again."""
    below = {
        (one.customer_id, one.scope_id, one.name, one.period_day): one
        for one in counted
        if one.kind is CounterKind.CAP and caps[one.name].is_roaming and not caps[one.name].shared and one.used < (one.bound or 0)
    }
    resumed = product.resume_roaming(tx=tx, keys=list(below), now=now)
    _store.forget_notices(tx, [below[key] for key in resumed], 100)
    return len(resumed)


def _lifted(tx: Transaction, counted: Sequence[Counter], now: datetime) -> set[tuple[UUID, str]]:
    capped = sorted({one.customer_id for one in counted if one.kind is CounterKind.CAP})
    found = caps_lifted(tx=tx, customer_ids=capped) if capped else []
    return {(one.product_id, one.cap_id) for one in found if one.valid_from <= now and (one.valid_to is None or now < one.valid_to)}


def _parameters(one: Counter, threshold: int) -> dict[str, str]:
    """Give what a message says: the allowance or cap by its name in the catalogue, and until when it holds."""
    parameters = {"percent": str(threshold), "name": one.name.rpartition("/")[2], "offering": one.name.partition("/")[0]}
    parameters["until"] = add_months(one.period_day, 1).isoformat()
    if one.kind is CounterKind.CAP:
        parameters["amount"] = str(euros(one.bound or 0))
    return parameters
