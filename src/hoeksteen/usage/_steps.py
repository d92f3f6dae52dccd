"""The steps that make guided, suspended and set-aside records of usable ones, whether they come from a file or were suspended before."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from hoeksteen.disclosure import KeeperClient
from hoeksteen.disclosure.operations import seal_traffic
from hoeksteen.disclosure.queries import deduplication_tokens
from hoeksteen.kernel.errors import invariant
from hoeksteen.kernel.time_period import local_day
from hoeksteen.product import queries as product
from hoeksteen.storage.columns import joined
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Transaction
from hoeksteen.usage import _guiding, _pieces, _store
from hoeksteen.usage.model import DayCount, UsageState
from hoeksteen.usage.zones import country_table, prefix_table

NOBODY = UUID(int=0)  # the subject of what belongs to no product yet
_EPOCH = datetime.fromisoformat("2026-01-01T00:00:00+00:00")


def put_holdings(duck: Duck, tx: Transaction, keeper: KeeperClient, numbers: Sequence[str], *, said: _guiding.Holders | None = None) -> None:
    """
    Make the table `holding`: which product each number was used for, and when.

    :param said: what people said of records beside it (`_said_products.holders`)
    """
    known = _guiding.holders(tx=tx, keeper=keeper, numbers=numbers)
    known = known if said is None else known.beside(said)
    for name, table in (("holder_found", known.found), ("holder_term", known.terms), ("holder_cycle", known.cycles)):
        duck.put(name, table)
    duck.execute(f"CREATE OR REPLACE TABLE holding AS {_guiding.HOLDING}")


def guide(duck: Duck, tx: Transaction, keeper: KeeperClient, source: str, *, held_as: str = "c.own_number") -> None:
    """
    Find zone, product and identity of every usable record of `checked`, by `holding`.

    :param source: SQL that names the source in which a record without an identifier of its own is identified
    :param held_as: SQL that gives the number, or the key, by which `holding` knows a record's product
    """
    zones = product.zones(tx=tx)
    prefixes = prefix_table(zones)
    longest = max(len(prefix) for prefix in prefixes["prefix"].to_pylist())
    duck.put("prefix", prefixes)
    duck.put("country", country_table(zones))
    [span] = duck.rows("SELECT min(start) AS first, max(start) AS last FROM checked WHERE reason IS NULL")
    first, last = span["first"] or _EPOCH, span["last"] or _EPOCH
    cycle_days = [row["cycle_day"] for row in duck.rows("SELECT DISTINCT cycle_day FROM holding ORDER BY cycle_day")]
    duck.put("cycle", _guiding.cycle_table(first, last, cycle_days, _store.last_closed(tx)))
    duck.execute(f"CREATE TABLE prefix_head AS {_pieces.prefix_heads(longest)}")
    candidates = _pieces.guided(longest, _guiding.month_of("c.start", first, last), held_as=held_as)
    tokens = duck.value("SELECT 1 FROM checked WHERE reason IS NULL AND source_record_id IS NULL LIMIT 1") is not None
    if tokens:
        duck.execute(f"CREATE TABLE guided_candidate AS {candidates}")
        duck.put("token", _tokens(duck, keeper))
    else:
        duck.execute(f"CREATE VIEW guided_candidate AS {candidates}")
    duck.execute(f"CREATE TABLE identified AS {_pieces.identified(source, tokens=tokens)}")
    usable = duck.value("SELECT count(*) FROM checked WHERE reason IS NULL")
    invariant(duck.value("SELECT count(*) FROM identified") == usable, "guiding neither loses nor repeats a record")


def _tokens(duck: Duck, keeper: KeeperClient) -> pa.Table:
    """Give the keeper's token of each number that enters an identity; they are dropped with this engine."""
    wanted = duck.arrow(f"SELECT month, number FROM ({_pieces.TOKENS_WANTED}) ORDER BY month, number").combine_chunks()
    tokens: list[bytes] = []
    for month in sorted(set(wanted["month"].to_pylist())):
        of_month = wanted.filter(pc.equal(wanted["month"], month))
        found = deduplication_tokens(keeper=keeper, month=month_name(month), values=of_month["number"].to_numpy().astype("<u8").tobytes())
        tokens += [found[start : start + 16] for start in range(0, len(found), 16)]
    return pa.table({"month": wanted["month"], "number": wanted["number"], "token": pa.array(tokens, pa.binary())})


def judge(duck: Duck, *, repeats: bool = True) -> None:
    """
    Find the duplicates among `identified`: of each other, and of the records of `known`.

    :param repeats: whether an identity may stand there more than once
    """
    duck.execute(f"CREATE TABLE repeated AS {_pieces.REPEATED}{'' if repeats else ' LIMIT 0'}")
    duck.execute(f"CREATE TABLE known_here AS {_pieces.KNOWN}")
    some = duck.value("SELECT (SELECT count(*) FROM repeated) + (SELECT count(*) FROM known_here)")
    duck.execute(f"CREATE VIEW judged AS {_pieces.JUDGED if some else _pieces.JUDGED_NEW}")


def seal(duck: Duck, keeper: KeeperClient) -> None:
    """Seal the numbers of records that wait: the other party's, and the own one, with which they are guided later."""
    _seal_column(duck, keeper, "other_number", "other_number IS NOT NULL AND suspense IS NOT NULL AND NOT duplicate")
    _seal_column(duck, keeper, "own_number", "suspense IS NOT NULL AND NOT duplicate")


def _seal_column(duck: Duck, keeper: KeeperClient, column: str, condition: str) -> None:
    parts: list[pa.Table] = []
    for row in duck.rows(f"SELECT DISTINCT month FROM judged WHERE {condition} ORDER BY month"):
        wanted = duck.arrow(
            f"SELECT line, record_id::BLOB AS record, coalesce(h.subject, '{NOBODY}')::BLOB AS subject, judged.{column} AS value"
            f" FROM judged LEFT JOIN holding h USING (holding_no) WHERE {condition} AND month = {int(row['month'])}"
        ).combine_chunks()
        blocks = seal_traffic(
            keeper=keeper,
            month=month_name(row["month"]),
            column=column,
            records=joined(wanted["record"], 16),
            subjects=joined(wanted["subject"], 16),
            values=wanted["value"].to_numpy().astype("<u8").tobytes(),
        )
        sealed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(24), wanted.num_rows, [None, pa.py_buffer(blocks)])
        parts.append(pa.table({"line": wanted["line"].cast(pa.int64()), "block": sealed.cast(pa.binary())}))
    empty = pa.table({"line": pa.array([], pa.int64()), "block": pa.array([], pa.binary())})
    duck.put(f"sealed_{column}", pa.concat_tables(parts) if parts else empty)


def ids(record_ids: Iterable[UUID]) -> pa.Table:
    """Give record identifiers as a table, as text, which SQL casts once."""
    return pa.table({"record_id": pa.array(sorted(str(one) for one in record_ids), pa.string())})


def by_day(rows: Sequence[dict[str, Any]]) -> list[DayCount]:
    """Add up counts by hour of UTC (`_pieces.HOUR`) to counts by local day."""
    days: dict[tuple[str, str, date | None], tuple[int, int]] = {}
    for row in rows:
        day = None if row["hour"] is None else local_day(datetime.fromtimestamp(row["hour"] * 3600, UTC))
        records, units = days.get((row["state"], row["reason"], day), (0, 0))
        days[row["state"], row["reason"], day] = (records + row["records"], units + row["units"])
    return [DayCount(day, UsageState(state), reason, *counts) for (state, reason, day), counts in days.items()]


def month_name(month: int) -> str:
    """Write a lake month as the keeper does, `YYYY-MM`."""
    return f"{month // 100:04d}-{month % 100:02d}"
