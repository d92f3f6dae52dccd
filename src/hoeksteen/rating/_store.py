"""SQL of the rating room in PostgreSQL: runs and the balance per file."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from uuid import UUID

from hoeksteen.rating.model import Correction, Counter, CounterKind, RatingRun
from hoeksteen.storage.postgres import Row, Transaction, as_json


def insert_run(tx: Transaction, run: RatingRun) -> None:
    tx.execute(
        "INSERT INTO rating.rating_run (rating_run_id, month, records, amount_micro, digest, rated_at) VALUES (%s, %s, %s, %s, %s, %s)",
        (run.rating_run_id, run.month, run.records, run.amount_micro, run.digest, run.rated_at),
    )


def is_rated(tx: Transaction, month: date) -> bool:
    return tx.value("SELECT 1 FROM rating.rating_run WHERE month = %s LIMIT 1", (month,)) is not None


def replace_balance(tx: Transaction, month: date, rows: Sequence[Row]) -> None:
    tx.execute("DELETE FROM rating.file_balance WHERE month = %s", (month,))
    columns = ("month", "usage_file_id", "state", "reason", "records", "units", "amount_micro")
    tx.copy_in("rating.file_balance", columns, ([month, *(row[name] for name in columns[1:])] for row in rows))


def balance_rows(tx: Transaction) -> dict[UUID, list[Row]]:
    rows: dict[UUID, list[Row]] = {}
    sql = """
    SELECT usage_file_id, state, sum(records)::bigint AS records, sum(units)::bigint AS units, sum(amount_micro)::bigint AS amount_micro
    FROM rating.file_balance GROUP BY usage_file_id, state
    """
    for row in tx.rows(sql):
        rows.setdefault(row["usage_file_id"], []).append(row)
    return rows


def reason_rows(tx: Transaction) -> list[Row]:
    return tx.rows(
        "SELECT state, reason, sum(records)::bigint AS records, sum(units)::bigint AS units, sum(amount_micro)::bigint AS amount_micro"
        " FROM rating.file_balance GROUP BY state, reason ORDER BY state, reason"
    )


def pass_over(tx: Transaction, rows: Iterable[Row], bill_day: date) -> None:
    """Make records that wait late ones, which appear on the bill of a later period."""
    tx.execute_many(
        "INSERT INTO rating.passed_over (record_id, month, generation, bill_day) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (record_id) DO UPDATE SET generation = excluded.generation, bill_day = excluded.bill_day",
        [(row["record_id"], row["month"], row["generation"], bill_day) for row in rows],
    )


def passed_over(tx: Transaction, months: Sequence[date]) -> list[Row]:
    return tx.rows("SELECT record_id, generation, bill_day FROM rating.passed_over WHERE month = ANY(%s) ORDER BY record_id", (list(months),))


def passed_over_as(tx: Transaction, record_id: UUID) -> int | None:
    """Give the generation that a record has since it was passed over."""
    found: int | None = tx.value("SELECT generation FROM rating.passed_over WHERE record_id = %s", (record_id,))
    return found


def corrections(tx: Transaction, months: Sequence[date]) -> list[Row]:
    sql = "SELECT record_id, new_record_id, in_place, generation, bill_day, delivered_units FROM rating.correction"
    return tx.rows(f"{sql} WHERE month = ANY(%s) ORDER BY record_id", (list(months),))


def reversed_months(tx: Transaction, bill_day: date) -> list[date]:
    """Give the months of which charges are taken back on bills of a day or later."""
    sql = "SELECT DISTINCT month FROM rating.correction WHERE NOT in_place AND bill_day >= %s ORDER BY month"
    return [row["month"] for row in tx.rows(sql, (bill_day,))]


_CORRECTION = ("record_id", "new_record_id", "month", "in_place", "generation", "bill_day", "delivered_units", "detail", "made_by", "why", "made_at")


def insert_correction(tx: Transaction, correction: Correction) -> None:
    values = {name: getattr(correction, name) for name in _CORRECTION} | {"detail": as_json(correction.detail)}
    columns = ", ".join(_CORRECTION)
    tx.execute(f"INSERT INTO rating.correction ({columns}) VALUES ({', '.join(['%s'] * len(_CORRECTION))})", tuple(values.values()))


def correction_of(tx: Transaction, record_id: UUID) -> Correction | None:
    """Give the correction by which a record counts no more."""
    row = tx.row(f"SELECT {', '.join(_CORRECTION)} FROM rating.correction WHERE record_id = %s", (record_id,))
    return None if row is None else Correction(**row)


def correction_behind(tx: Transaction, record_id: UUID) -> Correction | None:
    """Give the correction that brought a record."""
    row = tx.row(f"SELECT {', '.join(_CORRECTION)} FROM rating.correction WHERE new_record_id = %s", (record_id,))
    return None if row is None else Correction(**row)


def latest_corrections(tx: Transaction, limit: int) -> list[Correction]:
    rows = tx.rows(f"SELECT {', '.join(_CORRECTION)} FROM rating.correction ORDER BY made_at DESC, record_id LIMIT %s", (limit,))
    return [Correction(**row) for row in rows]


_COUNTER = ("customer_id", "billing_account_id", "scope_id", "kind", "name", "period_day", "used", "bound", "as_of")


def upsert_counters(tx: Transaction, counters: Sequence[Counter]) -> None:
    """Write counters over what they were; one that another process counted later stays."""
    tx.execute_many(
        f"INSERT INTO rating.counter ({', '.join(_COUNTER)}) VALUES ({', '.join(['%s'] * len(_COUNTER))})"
        " ON CONFLICT (customer_id, scope_id, kind, name, period_day) DO UPDATE"
        " SET used = excluded.used, bound = excluded.bound, as_of = excluded.as_of WHERE rating.counter.as_of <= excluded.as_of",
        [tuple(getattr(one, name) for name in _COUNTER) for one in counters],
    )


def counters(tx: Transaction, customer_id: UUID, since: date) -> list[Counter]:
    sql = f"SELECT {', '.join(_COUNTER)} FROM rating.counter WHERE customer_id = %s AND period_day >= %s ORDER BY scope_id, kind, name, period_day"
    return [Counter(**{**row, "kind": CounterKind(row["kind"])}) for row in tx.rows(sql, (customer_id, since))]


def insert_notices(tx: Transaction, reached: Sequence[tuple[Counter, int]], now: datetime) -> set[tuple[Counter, int]]:
    """Note that customers hear of thresholds, and give those that are new in their period."""
    if not reached:
        return set()
    rows = [(one.customer_id, one.scope_id, str(one.kind), one.name, one.period_day, threshold) for one, threshold in reached]
    sql = """
    INSERT INTO rating.notice (customer_id, scope_id, kind, name, period_day, threshold, noticed_at)
    SELECT *, %s FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::date[], %s::integer[]) ON CONFLICT DO NOTHING
    RETURNING customer_id, scope_id, kind, name, period_day, threshold
    """
    new = {tuple(row.values()) for row in tx.rows(sql, (now, *(list(column) for column in zip(*rows, strict=True))))}
    return {pair for pair, row in zip(reached, rows, strict=True) if row in new}


def forget_notices(tx: Transaction, counted: Sequence[Counter], threshold: int) -> None:
    """Let customers hear of a threshold of these counters again."""
    rows = [(one.customer_id, one.scope_id, str(one.kind), one.name, one.period_day, threshold) for one in counted]
    sql = """
    DELETE FROM rating.notice
    WHERE customer_id = %s AND scope_id = %s AND kind = %s AND name = %s AND period_day = %s AND threshold = %s
    """
    tx.execute_many(sql, rows)


def open_rating(tx: Transaction, month: date, rating_run_id: UUID) -> UUID:
    tx.execute("INSERT INTO rating.open_rating (month, rating_run_id) VALUES (%s, %s) ON CONFLICT DO NOTHING", (month, rating_run_id))
    found: UUID = tx.value("SELECT rating_run_id FROM rating.open_rating WHERE month = %s", (month,))
    return found


def close_rating(tx: Transaction, rating_run_id: UUID) -> None:
    tx.execute("DELETE FROM rating.open_rating WHERE rating_run_id = %s", (rating_run_id,))
    tx.execute("DELETE FROM rating.rating_step WHERE rating_run_id = %s", (rating_run_id,))


def rating_step(tx: Transaction, rating_run_id: UUID, month: date, buckets: Sequence[int], fingerprint: bytes) -> Row | None:
    sql = "SELECT result FROM rating.rating_step WHERE rating_run_id = %s AND month = %s AND buckets = %s::int[] AND fingerprint = %s"
    found: Row | None = tx.value(sql, (rating_run_id, month, list(buckets), fingerprint))
    return found


def keep_rating_step(tx: Transaction, rating_run_id: UUID, month: date, buckets: Sequence[int], fingerprint: bytes, result: Row) -> None:
    tx.execute(
        "INSERT INTO rating.rating_step (rating_run_id, month, buckets, fingerprint, result) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (rating_run_id, month, buckets) DO UPDATE SET fingerprint = excluded.fingerprint, result = excluded.result",
        (rating_run_id, month, list(buckets), fingerprint, as_json(result)),
    )
