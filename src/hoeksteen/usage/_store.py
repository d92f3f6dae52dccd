"""SQL of the usage room in PostgreSQL: files, their balances, closed periods."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from hoeksteen.storage.postgres import Row, Transaction
from hoeksteen.usage.model import DayCount, FileBalance, RefusedFile, StateCount, UsageState

_FILE = "SELECT usage_file_id, source, name, taken_at, records_in, units_in FROM usage.usage_file "


def file_by_digest(tx: Transaction, digest: bytes) -> FileBalance | None:
    row = tx.row(_FILE + "WHERE digest = %s ORDER BY taken_at LIMIT 1", (digest,))
    return None if row is None else _with_states(tx, [row])[0]


def balances(tx: Transaction) -> list[FileBalance]:
    return _with_states(tx, tx.rows(_FILE + "ORDER BY taken_at, name, usage_file_id"))


def _with_states(tx: Transaction, files: Sequence[Row]) -> list[FileBalance]:
    rows = tx.rows(
        "SELECT usage_file_id, state, reason, sum(records)::bigint AS records, sum(units)::bigint AS units FROM usage.usage_file_balance"
        " WHERE usage_file_id = ANY(%s) GROUP BY usage_file_id, state, reason ORDER BY state, reason",
        ([file["usage_file_id"] for file in files],),
    )
    states: dict[UUID, list[StateCount]] = {}
    for row in rows:
        states.setdefault(row["usage_file_id"], []).append(StateCount(UsageState(row["state"]), row["reason"], row["records"], row["units"]))
    return [FileBalance(**file, states=tuple(states.get(file["usage_file_id"], ()))) for file in files]


def insert_file(tx: Transaction, digest: bytes, adapter: str, balance: FileBalance, days: Sequence[DayCount]) -> None:
    tx.execute(
        "INSERT INTO usage.usage_file (usage_file_id, digest, source, name, adapter, records_in, units_in, taken_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (balance.usage_file_id, digest, balance.source, balance.name, adapter, balance.records_in, balance.units_in, balance.taken_at),
    )
    tx.execute_many(
        "INSERT INTO usage.usage_file_balance (usage_file_id, state, reason, day, records, units) VALUES (%s, %s, %s, %s, %s, %s)",
        [(balance.usage_file_id, count.state, count.reason, count.day, count.records, count.units) for count in days],
    )


def add_to_file(tx: Transaction, usage_file_id: UUID, digest: bytes, source: str, name: str, units: int, now: datetime) -> int:
    """Count one more record of a file that grows, and give its line."""
    sql = """
    INSERT INTO usage.usage_file AS f (usage_file_id, digest, source, name, adapter, records_in, units_in, taken_at)
    VALUES (%s, %s, %s, %s, %s, 1, %s, %s)
    ON CONFLICT (usage_file_id) DO UPDATE SET records_in = f.records_in + 1, units_in = f.units_in + excluded.units_in
    RETURNING records_in
    """
    return int(tx.value(sql, (usage_file_id, digest, source, name, source, units, now)))


def move_balance(tx: Transaction, usage_file_id: UUID, change: DayCount) -> None:
    """Add to the records and units of a file's day in a state; what comes to nothing is removed."""
    key = (usage_file_id, change.state, change.reason, change.day)
    tx.execute(
        "INSERT INTO usage.usage_file_balance AS b (usage_file_id, state, reason, day, records, units) VALUES (%s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (usage_file_id, state, reason, day) DO UPDATE"
        " SET records = b.records + excluded.records, units = b.units + excluded.units",
        (*key, change.records, change.units),
    )
    tx.execute(
        "DELETE FROM usage.usage_file_balance"
        " WHERE usage_file_id = %s AND state = %s AND reason = %s AND day IS NOT DISTINCT FROM %s AND records = 0",
        key,
    )


def balance_rows(tx: Transaction) -> list[Row]:
    return tx.rows("SELECT usage_file_id, state, reason, day, records, units FROM usage.usage_file_balance")


def rows_by_day(tx: Transaction, first_day: date | None, end_day: date | None) -> list[Row]:
    sql = """
    SELECT day AS of, state, reason, sum(records)::bigint AS records, sum(units)::bigint AS units FROM usage.usage_file_balance
    WHERE (%s::date IS NULL OR day >= %s) AND (%s::date IS NULL OR day < %s)
    GROUP BY day, state, reason ORDER BY day NULLS LAST, state, reason
    """
    return tx.rows(sql, (first_day, first_day, end_day, end_day))


def rows_by_source(tx: Transaction) -> list[Row]:
    sql = """
    SELECT f.source AS of, b.state, b.reason, sum(b.records)::bigint AS records, sum(b.units)::bigint AS units
    FROM usage.usage_file f JOIN usage.usage_file_balance b USING (usage_file_id)
    GROUP BY f.source, b.state, b.reason ORDER BY f.source, b.state, b.reason
    """
    return tx.rows(sql)


def totals_by_source(tx: Transaction) -> dict[str, tuple[int, int]]:
    sql = "SELECT source, sum(records_in)::bigint AS records, sum(units_in)::bigint AS units FROM usage.usage_file GROUP BY source ORDER BY source"
    return {row["source"]: (row["records"], row["units"]) for row in tx.rows(sql)}


def note_refused(tx: Transaction, file: RefusedFile) -> None:
    tx.execute(
        "INSERT INTO usage.refused_file (name, adapter, why, refused_at) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (name) DO UPDATE SET adapter = excluded.adapter, why = excluded.why, refused_at = excluded.refused_at",
        (file.name, file.adapter, file.why, file.refused_at),
    )


def forget_refused(tx: Transaction, name: str) -> None:
    tx.execute("DELETE FROM usage.refused_file WHERE name = %s", (name,))


def refused_files(tx: Transaction) -> list[RefusedFile]:
    return [RefusedFile(**row) for row in tx.rows("SELECT name, adapter, why, refused_at FROM usage.refused_file ORDER BY name")]


def why_refused(tx: Transaction, name: str) -> str | None:
    """Give why a file of this name was refused, or None where none was."""
    row = tx.row("SELECT why FROM usage.refused_file WHERE name = %s", (name,))
    return None if row is None else str(row["why"])


def last_closed(tx: Transaction) -> dict[int, date]:
    return {
        row["cycle_day"]: row["last"] for row in tx.rows("SELECT cycle_day, max(period_from) AS last FROM usage.closed_period GROUP BY cycle_day")
    }


def first_closed(tx: Transaction) -> dict[int, date]:
    return {
        row["cycle_day"]: row["first"] for row in tx.rows("SELECT cycle_day, min(period_from) AS first FROM usage.closed_period GROUP BY cycle_day")
    }


def is_closed(tx: Transaction, cycle_day: int, period_from: date) -> bool:
    return tx.value("SELECT 1 FROM usage.closed_period WHERE cycle_day = %s AND period_from = %s", (cycle_day, period_from)) is not None


def closed_periods(tx: Transaction, first_day: date, end_day: date) -> list[date]:
    sql = "SELECT period_from FROM usage.closed_period WHERE period_from >= %s AND period_from < %s ORDER BY period_from"
    return [row["period_from"] for row in tx.rows(sql, (first_day, end_day))]


def close_period(tx: Transaction, cycle_day: int, period_from: date, now: datetime) -> int:
    return tx.execute(
        "INSERT INTO usage.closed_period (cycle_day, period_from, closed_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (cycle_day, period_from, now),
    )


def sources(tx: Transaction) -> dict[UUID, str]:
    return {row["usage_file_id"]: row["source"] for row in tx.rows("SELECT usage_file_id, source FROM usage.usage_file")}


def files_of_source(tx: Transaction, source: str) -> dict[UUID, str]:
    """Give the names of a source's files."""
    return {row["usage_file_id"]: row["name"] for row in tx.rows("SELECT usage_file_id, name FROM usage.usage_file WHERE source = %s", (source,))}


def rejected_files(tx: Transaction, limit: int) -> list[Row]:
    sql = """
    SELECT f.usage_file_id, f.source, f.name, f.taken_at, b.reason, sum(b.records)::bigint AS records
    FROM usage.usage_file_balance b JOIN usage.usage_file f USING (usage_file_id) WHERE b.state = 'rejected'
    GROUP BY f.usage_file_id, f.source, f.name, f.taken_at, b.reason ORDER BY f.taken_at DESC, f.name, b.reason LIMIT %s
    """
    return tx.rows(sql, (limit,))


def suspense_cases(tx: Transaction) -> dict[tuple[str, str], Row]:
    rows = tx.rows("SELECT reason, source, assignee, note, changed_at FROM usage.suspense_case")
    return {(row["reason"], row["source"]): row for row in rows}


def put_case(tx: Transaction, reason: str, source: str, assignee: str, note: str, made_by: str, now: datetime) -> None:
    tx.execute(
        "INSERT INTO usage.suspense_case_change (reason, source, before, assignee, note, made_by, made_at)"
        " SELECT %s, %s, coalesce((SELECT assignee FROM usage.suspense_case WHERE reason = %s AND source = %s), ''), %s, %s, %s, %s",
        (reason, source, reason, source, assignee, note, made_by, now),
    )
    tx.execute(
        "INSERT INTO usage.suspense_case (reason, source, assignee, note, changed_at) VALUES (%s, %s, %s, %s, %s) ON CONFLICT (reason, source)"
        " DO UPDATE SET assignee = excluded.assignee, note = excluded.note, changed_at = excluded.changed_at",
        (reason, source, assignee, note, now),
    )


def add_changes(tx: Transaction, rows: Sequence[tuple[UUID, str, str, str, str, str, datetime, str, str]]) -> None:
    tx.execute_many(
        "INSERT INTO usage.suspense_change (record_id, kind, before, after, made_by, why, made_at, reason, source)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        rows,
    )


def suspense_changes(tx: Transaction, reason: str | None, source: str | None, limit: int) -> list[Row]:
    """Give what people did, the latest first; what one of them did to many records at once is one row."""
    sql = """
    SELECT made_at, made_by, kind, before, after, why, reason, source, records FROM (
        SELECT made_at, made_by, kind, CASE WHEN count(DISTINCT before) = 1 THEN min(before) ELSE '' END AS before, after, why, reason, source,
            count(*)::bigint AS records, max(change_no) AS place
        FROM usage.suspense_change
        WHERE (%s::text IS NULL OR reason = %s) AND (%s::text IS NULL OR source = %s)
        GROUP BY made_at, made_by, kind, after, why, reason, source
        UNION ALL
        SELECT made_at, made_by, 'assigned', before, assignee, note, reason, source, 0, change_no
        FROM usage.suspense_case_change
        WHERE (%s::text IS NULL OR reason = %s) AND (%s::text IS NULL OR source = %s)
    ) c ORDER BY made_at DESC, place DESC LIMIT %s
    """
    return tx.rows(sql, (*(reason, reason, source, source) * 2, limit))


def ask_retry(tx: Transaction, asked_by: str, now: datetime) -> None:
    tx.execute("INSERT INTO usage.retry (asked_by, asked_at) VALUES (%s, %s) ON CONFLICT DO NOTHING", (asked_by, now))


def latest_retry(tx: Transaction) -> Row | None:
    return tx.row("SELECT asked_by, asked_at, done_at, guided, problem FROM usage.retry ORDER BY retry_no DESC LIMIT 1")


def begin_retries(tx: Transaction, now: datetime) -> list[int]:
    """Give the wishes that are there before a try begins, also of one that was cut off: only these end with it."""
    return [row["retry_no"] for row in tx.rows("UPDATE usage.retry SET begun_at = %s WHERE done_at IS NULL RETURNING retry_no", (now,))]


def end_retries(tx: Transaction, wishes: Sequence[int], guided: int, problem: str, now: datetime) -> None:
    tx.execute(
        "UPDATE usage.retry SET done_at = %s, guided = %s, problem = %s WHERE done_at IS NULL AND retry_no = ANY(%s)",
        (now, guided, problem, list(wishes)),
    )


def corrections(tx: Transaction) -> dict[UUID, dict[str, str]]:
    """Give the latest zone, country and product that people said of each record."""
    found: dict[UUID, dict[str, str]] = {}
    sql = "SELECT record_id, kind, after FROM usage.suspense_change WHERE kind IN ('zone', 'country', 'product') ORDER BY change_no"
    for row in tx.rows(sql):
        found.setdefault(row["record_id"], {})[row["kind"]] = row["after"]
    return found


def add_batch(tx: Transaction, key: str, digest: bytes, name: str, now: datetime) -> bool:
    """Note a batch; say whether these are the bytes that its key stands for."""
    tx.execute(
        "INSERT INTO usage.batch (key, digest, name, accepted_at) VALUES (%s, %s, %s, %s) ON CONFLICT (key) DO NOTHING", (key, digest, name, now)
    )
    return bool(tx.value("SELECT digest = %s FROM usage.batch WHERE key = %s", (digest, key)))


def batch(tx: Transaction, key: str) -> Row | None:
    return tx.row("SELECT digest, name, accepted_at FROM usage.batch WHERE key = %s", (key,))


def identity_runs(tx: Transaction) -> list[Row]:
    sql = """
    SELECT r.run_id, r.month, r.identities, array_agg(f.path) AS files FROM usage.identity_run r JOIN usage.identity_file f USING (run_id)
    GROUP BY r.run_id ORDER BY r.month, r.run_id
    """
    return tx.rows(sql)


def add_identity_run(tx: Transaction, run_id: UUID, month: int, identities: int, files: Sequence[str]) -> None:
    tx.execute("INSERT INTO usage.identity_run (run_id, month, identities) VALUES (%s, %s, %s)", (run_id, month, identities))
    tx.execute("INSERT INTO usage.identity_file (path, run_id) SELECT path, %s FROM unnest(%s::text[]) path", (run_id, list(files)))


def drop_identity_runs(tx: Transaction, run_ids: Sequence[UUID]) -> None:
    tx.execute("DELETE FROM usage.identity_run WHERE run_id = ANY(%s)", (list(run_ids),))


_SENDER = "SELECT name, formats, added_by, added_at, expires_at, revoked_at FROM usage.sender "


def add_sender(
    tx: Transaction, name: str, token_hash: bytes, formats: Sequence[str], added_by: str, now: datetime, expires_at: datetime
) -> bool:  # fmt: skip
    sql = """
    INSERT INTO usage.sender (name, token_hash, formats, added_by, added_at, expires_at) VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (name) DO NOTHING
    """
    return tx.execute(sql, (name, token_hash, list(formats), added_by, now, expires_at)) == 1


def revoke_sender(tx: Transaction, name: str, now: datetime) -> bool:
    return tx.execute("UPDATE usage.sender SET revoked_at = %s WHERE name = %s AND revoked_at IS NULL", (now, name)) == 1


def senders(tx: Transaction) -> list[Row]:
    return tx.rows(_SENDER + "ORDER BY name")


def sender_by_hash(tx: Transaction, token_hash: bytes) -> Row | None:
    return tx.row(_SENDER + "WHERE token_hash = %s", (token_hash,))
