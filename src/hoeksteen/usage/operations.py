"""Collecting usage files: each record gets exactly one state, and a file is taken whole or not at all."""

from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from hoeksteen.disclosure import KeeperClient
from hoeksteen.disclosure.operations import seal_traffic
from hoeksteen.disclosure.queries import deduplication_tokens
from hoeksteen.kernel.errors import InvalidInput, invariant
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.storage.lake import Lake, LakeWrite
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database, Transaction
from hoeksteen.usage import _guiding, _pieces, _store
from hoeksteen.usage._intake import Intake, take_in
from hoeksteen.usage.adapters.base import Adapter
from hoeksteen.usage.adapters.sessions_jsonl import SessionsJsonl
from hoeksteen.usage.adapters.voice_sms_csv import VoiceSmsCsv
from hoeksteen.usage.model import FileBalance, RefusedFile, StateCount, UsageState
from hoeksteen.usage.tables import GUIDED, SET_ASIDE, SUSPENDED
from hoeksteen.usage.zones import countries, prefixes

ADAPTERS: dict[str, Adapter] = {adapter.name: adapter for adapter in (VoiceSmsCsv(), SessionsJsonl())}


def collect(
    *,
    database: Database,
    keeper: KeeperClient,
    lake: Lake,
    path: Path,
    adapter: str,
    now: datetime,
    identifiers: Identifiers,
    source: str | None = None,
    again: bool = False,
) -> FileBalance:
    """
    Take one usage file into the lake and give its balance.

    The lake's tables and the balance count from the same instant; a crash before it leaves nothing. Numbers of other parties go into the lake sealed
    under the key of their month. Of a rejected line only its number and the reason are kept.

    :param source: whose record identifiers these are; by default the adapter's
    :param again: take the file although the same bytes were taken before; its records are then duplicates
    :raises InvalidInput: when the file is cut, is no text, or its counts do not agree; nothing of it is taken, and the balance names it as refused
    :raises Unavailable: when the keeper, the database or the lake does not answer; nothing of it is taken
    """
    known = ADAPTERS.get(adapter)
    if known is None:
        raise InvalidInput(f"There is no adapter {adapter}.", remedy=f"Choose one of {', '.join(sorted(ADAPTERS))}.")
    try:
        intake = take_in(path)
        body = known.body(intake.frame)
    except InvalidInput as error:
        with database.transaction() as tx:
            _store.note_refused(tx, RefusedFile(path.name, adapter, error.message, now))
        raise
    usage_file_id = identifiers.new(now)
    with database.transaction() as tx:
        before = _store.file_by_digest(tx, intake.digest)
        if before is not None:
            _store.forget_refused(tx, path.name)
    if before is not None and not again:
        return _already_taken(before)
    with lake.write(database=database, write_id=usage_file_id) as write, Duck(spill=None) as duck:
        before = _store.file_by_digest(write.tx, intake.digest)
        if before is not None and not again:
            return _already_taken(before)
        _parse(duck, intake, known, body, now)
        _guide(duck, write.tx, keeper, source or known.source)
        _judge(duck, lake)
        _seal(duck, keeper)
        balance = _balance(duck, usage_file_id, source or known.source, path.name, now)
        _write(duck, write, usage_file_id)
        invariant(balance.closes, f"every record of {path.name} has exactly one state")
        invariant(balance.records_in == body[1] - body[0] + 1, f"every line of {path.name} is a record")
        _store.insert_file(write.tx, intake.digest, adapter, balance)
        _store.forget_refused(write.tx, path.name)
    return balance


def close_period(*, tx: Transaction, period: BillPeriod, now: datetime) -> bool:
    """
    Close a bill period of a cycle: usage of it that arrives from now on is late, and appears on a later bill under its own date.

    :returns: False when it was closed before, in which case nothing changes
    """
    return _store.close_period(tx, period.first_day.day, period.first_day, now) == 1


def _already_taken(before: FileBalance) -> FileBalance:
    return FileBalance(
        before.usage_file_id, before.source, before.name, before.taken_at, before.records_in, before.units_in, before.states, already_taken=True
    )


def _parse(duck: Duck, intake: Intake, adapter: Adapter, body: tuple[int, int], now: datetime) -> None:
    duck.execute(f"CREATE TABLE line AS {_pieces.read_lines(str(intake.path), *body)}")
    duck.execute(f"CREATE TABLE parsed AS {adapter.parsed('line')}")
    duck.execute("DROP TABLE line")
    duck.execute(f"CREATE TABLE checked AS {_pieces.cast(now)}")
    duck.execute("DROP TABLE parsed")


def _guide(duck: Duck, tx: Transaction, keeper: KeeperClient, source: str) -> None:
    """Find zone, product and identity of every usable record."""
    duck.put("prefix", pa.table({"prefix": [row[0] for row in prefixes()], "zone": [str(row[1]) for row in prefixes()]}))
    duck.put("country", pa.table({"country": [row[0] for row in countries()], "roaming": [str(row[1]) for row in countries()]}))
    numbers = [row["own_number"] for row in duck.rows("SELECT DISTINCT own_number FROM checked WHERE reason IS NULL ORDER BY own_number")]
    holdings = _guiding.holdings(tx=tx, keeper=keeper, numbers=numbers)
    duck.put("holding_text", _guiding.holding_table(holdings))
    duck.execute(
        "CREATE TABLE holding AS SELECT * REPLACE (customer_id::UUID AS customer_id, billing_account_id::UUID AS billing_account_id,"
        " product_id::UUID AS product_id) FROM holding_text"
    )
    [span] = duck.rows("SELECT min(start) AS first, max(start) AS last FROM checked WHERE reason IS NULL")
    first, last = span["first"] or _EPOCH, span["last"] or _EPOCH
    duck.put("calendar_month", _guiding.month_table(first, last))
    duck.put("cycle", _guiding.cycle_table(first, last, (holding.cycle_day for holding in holdings), _store.last_closed(tx)))
    duck.execute(f"CREATE TABLE prefix_head AS {_pieces.prefix_heads()}")
    duck.execute(f"CREATE TABLE guided_candidate AS {_pieces.guided()}")
    duck.put("token", _tokens(duck, keeper))
    duck.execute(f"CREATE TABLE identified AS {_pieces.identified(source)}")
    usable = duck.value("SELECT count(*) FROM checked WHERE reason IS NULL")
    invariant(duck.value("SELECT count(*) FROM identified") == usable, "guiding neither loses nor repeats a record")


def _tokens(duck: Duck, keeper: KeeperClient) -> pa.Table:
    """Give the keeper's token of each number that enters an identity; they are dropped with this engine."""
    wanted = duck.arrow(f"SELECT month, number, number::UBIGINT AS value FROM ({_pieces.TOKENS_WANTED})").combine_chunks()
    tokens: list[bytes] = []
    for month in sorted(set(wanted["month"].to_pylist())):
        of_month = wanted.filter(pc.equal(wanted["month"], month))
        joined = deduplication_tokens(keeper=keeper, month=_month_name(month), values=of_month["value"].to_numpy().astype("<u8").tobytes())
        tokens += [joined[start : start + 16] for start in range(0, len(joined), 16)]
    return pa.table({"month": wanted["month"], "number": wanted["number"], "token": pa.array(tokens, pa.binary())})


def _judge(duck: Duck, lake: Lake) -> None:
    duck.view_of_files("taken_guided", GUIDED, lake.files(GUIDED))
    duck.view_of_files("taken_suspended", SUSPENDED, lake.files(SUSPENDED))
    duck.execute("CREATE VIEW known AS SELECT record_id FROM taken_guided UNION ALL SELECT record_id FROM taken_suspended")
    duck.execute(f"CREATE TABLE judged AS {_pieces.JUDGED}")


def _seal(duck: Duck, keeper: KeeperClient) -> None:
    """Seal the numbers that stay: every other party's, and the own number of records that wait."""
    _seal_column(duck, keeper, "other_number", "other_number IS NOT NULL AND NOT duplicate")
    _seal_column(duck, keeper, "own_number", "suspense IS NOT NULL AND NOT duplicate")


def _seal_column(duck: Duck, keeper: KeeperClient, column: str, condition: str) -> None:
    parts: list[pa.Table] = []
    for row in duck.rows(f"SELECT DISTINCT month FROM judged WHERE {condition} ORDER BY month"):
        wanted = duck.arrow(
            "SELECT record_id::VARCHAR AS record_id, unhex(replace(record_id::VARCHAR, '-', '')) AS record,"
            f" unhex(replace(coalesce(subject, '{_NOBODY}'), '-', '')) AS subject, {column}::UBIGINT AS value"
            f" FROM judged WHERE {condition} AND month = {int(row['month'])}"
        )
        blocks = seal_traffic(
            keeper=keeper,
            month=_month_name(row["month"]),
            column=column,
            records=b"".join(wanted["record"].to_pylist()),
            subjects=b"".join(wanted["subject"].to_pylist()),
            values=wanted["value"].to_numpy().astype("<u8").tobytes(),
        )
        sealed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(24), wanted.num_rows, [None, pa.py_buffer(blocks)])
        parts.append(pa.table({"record_id": wanted["record_id"], "block": sealed.cast(pa.binary())}))
    empty = pa.table({"record_id": pa.array([], pa.string()), "block": pa.array([], pa.binary())})
    duck.put("sealed_text", pa.concat_tables(parts) if parts else empty)
    duck.execute(f"CREATE TABLE sealed_{column} AS SELECT record_id::UUID AS record_id, block FROM sealed_text")


def _balance(duck: Duck, usage_file_id: UUID, source: str, name: str, now: datetime) -> FileBalance:
    [totals] = duck.rows(_pieces.TOTALS)
    states = tuple(StateCount(UsageState(row["state"]), row["reason"], row["records"], row["units"]) for row in duck.rows(_pieces.BALANCE))
    return FileBalance(usage_file_id, source, name, now, totals["records"], totals["units"], states)


def _write(duck: Duck, write: LakeWrite, usage_file_id: UUID) -> None:
    written: dict[str, Any] = {GUIDED.name: _pieces.GUIDED_ROWS, SUSPENDED.name: _pieces.SUSPENDED_ROWS, SET_ASIDE.name: _pieces.SET_ASIDE_ROWS}
    for table in (GUIDED, SUSPENDED, SET_ASIDE):
        files = duck.write_parquet(table, written[table.name].format(file=usage_file_id), write.folder(table))
        write.append(table, files)


def _month_name(month: int) -> str:
    return f"{month // 100:04d}-{month % 100:02d}"


_NOBODY = UUID(int=0)  # the subject of what belongs to no product yet
_EPOCH = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
