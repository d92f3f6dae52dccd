"""The SQL of the log. Its tables have no schema here: a connection names that of the log that it is for."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
import psycopg_pool

from hoeksteen_keeper.errors import KeeperUnavailable
from hoeksteen_keeper.evidence.errors import EvidenceCorrupt
from hoeksteen_keeper.evidence.model import FACTS

Connection = psycopg.Connection[tuple[Any, ...]]
Pool = psycopg_pool.ConnectionPool[Connection]
SEQUENCER_LOCK = 0x484F454B  # any constant that the keeper's other locks do not use: "HOEK"
_FETCH = 10_000
_CONNECTIONS_MAX = 6
SCHEMA = "evidence"


@dataclass(frozen=True, slots=True)
class Row:
    """One entry as the database holds it; `actor`, `kind` and the like only repeat what leaf and body say. `seal`: of a fact, the keeper's own."""

    index: int
    time: datetime
    kind: str
    actor: str
    organisation: str
    indexed: bool
    leaf: bytes
    body: bytes
    chunk: bytes | None
    seal: bytes | None = None


Columns = tuple[int, datetime, str, str, str, bool, bytes, bytes, bytes | None, bytes | None]
"""A row in the order of `_COLUMNS`, as it is written."""
_COLUMNS = "index, time, kind, actor, organisation, indexed, leaf, body, chunk, seal"
_FACTS = ", ".join(f"'{kind}'" for kind in FACTS)  # as literals, so that the partial index of the migration is used
LATEST_FACT = f"(SELECT coalesce(max(index), -1) FROM {SCHEMA}.entry WHERE kind IN ({_FACTS}))"
_TYPES = ("int8", "timestamptz", "text", "text", "text", "bool", "bytea", "bytea", "bytea", "bytea")


def connections(dsn: str, *, schema: str = SCHEMA, kept: int = 1) -> Pool:
    """
    Give a pool of connections for one log, not yet open; a call that waits for its entry holds one of its own beside them.

    :param schema: where the log's tables are
    :param kept: how many connections stay open
    """
    options = {"options": f"-c timezone=UTC -c search_path={schema}"}
    return psycopg_pool.ConnectionPool[Connection](dsn, min_size=kept, max_size=_CONNECTIONS_MAX, kwargs=options, open=False)


@contextmanager
def connected(pool: Pool) -> Iterator[Connection]:
    """
    Open a transaction that commits when the block ends.

    :raises KeeperUnavailable: when the database cannot be reached, or cannot store
    """
    try:
        with pool.connection() as connection:
            yield connection
    except (psycopg_pool.PoolTimeout, psycopg.OperationalError, psycopg.errors.InsufficientResources) as error:
        raise KeeperUnavailable("log_unavailable", "The log's database cannot store or read now; nothing was disclosed.") from error


def advance_head(tx: Connection, count: int, clock: datetime) -> tuple[int, datetime]:
    """Take the next `count` indexes, and the time that they get; other appenders wait until this transaction ends."""
    row = tx.execute("UPDATE head SET size = size + %s, time = greatest(time, %s) RETURNING size - %s, time", (count, clock, count)).fetchone()
    if row is None:
        raise EvidenceCorrupt("head_missing", "evidence.head has no row.")
    return row[0], row[1]


def set_head(tx: Connection, size: int, time: datetime) -> None:
    tx.execute("UPDATE head SET size = %s, time = greatest(time, %s)", (size, time))


def head_size(tx: Connection) -> int:
    row = tx.execute("SELECT size FROM head").fetchone()
    return int(row[0]) if row else 0


def has_entries(tx: Connection) -> bool:
    """Say whether there is a table of entries."""
    row = tx.execute("SELECT to_regclass('entry') IS NOT NULL").fetchone()
    return bool(row and row[0])


def leaves(tx: Connection) -> Iterator[bytes]:
    """Stream every leaf in order."""
    with tx.cursor(name="leaves") as cursor:
        cursor.itersize = _FETCH
        cursor.execute("SELECT leaf FROM entry ORDER BY index")
        for (leaf,) in cursor:
            yield leaf


def has_unsigned(tx: Connection) -> bool:
    """Say whether there are entries that no released tree holds."""
    row = tx.execute("SELECT h.size > coalesce(s.size, 0) FROM head h LEFT JOIN signed s ON true").fetchone()
    return bool(row and row[0])


def append(pool: Pool, count: int, clock: datetime, write: Callable[[int, datetime], tuple[list[Columns], list[tuple[bytes, int]]]]) -> int:
    """
    Append `count` entries in one transaction and give the first one's index.

    :param write: given that index and the entries' time, gives their rows and the tokens of their subjects
    """
    with connected(pool) as tx:
        first, time = advance_head(tx, count, clock)
        insert(tx, *write(first, time))
    return first


def insert(tx: Connection, rows: Iterable[Columns], tokens: Sequence[tuple[bytes, int]]) -> None:
    cursor = tx.cursor()
    with cursor.copy(f"COPY entry ({_COLUMNS}) FROM STDIN (FORMAT BINARY)".encode()) as copy:
        copy.set_types(_TYPES)
        for row in rows:
            copy.write_row(row)
    if tokens:
        with cursor.copy("COPY subject_entry (token, index) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(("bytea", "int8"))
            for pair in tokens:
                copy.write_row(pair)


def signed(tx: Connection, key: str, empty_root: bytes) -> tuple[int, bytes]:
    """
    Give the largest tree that was released for signing.

    :raises EvidenceCorrupt: when another key signs this log
    """
    tx.execute("INSERT INTO signed (key, size, root) VALUES (%s, 0, %s) ON CONFLICT DO NOTHING", (key, empty_root))
    row = tx.execute("SELECT key, size, root FROM signed").fetchone()
    if row is None or row[0] != key:
        raise EvidenceCorrupt("other_key", "The database's log is signed by another key, or has another origin.")
    return row[1], row[2]


def advance_signed(tx: Connection, old: tuple[int, bytes], new: tuple[int, bytes]) -> None:
    """
    Release a larger tree for signing, by compare-and-swap.

    :raises EvidenceCorrupt: when another sequencer released one meanwhile
    """
    done = tx.execute("UPDATE signed SET size = %s, root = %s WHERE size = %s AND root = %s AND size < %s", (*new, *old, new[0]))
    if done.rowcount != 1:
        raise EvidenceCorrupt("two_sequencers", "Another sequencer extended the log at the same time.")


def lock_sequencer(tx: Connection) -> None:
    tx.execute("SELECT pg_advisory_lock(%s)", (SEQUENCER_LOCK,))


def unlock_sequencer(tx: Connection) -> None:
    tx.execute("SELECT pg_advisory_unlock(%s)", (SEQUENCER_LOCK,))


def entries(tx: Connection, first: int, last: int, *, bytes_max: int | None = None) -> list[Row]:
    """Give the entries [first, last), or fewer once they exceed `bytes_max` bytes."""
    rows: list[Row] = []
    size = 0
    with tx.cursor(name="some_entries") as cursor:
        cursor.itersize = 1_000
        cursor.execute(f"SELECT {_COLUMNS} FROM entry WHERE index >= %s AND index < %s ORDER BY index".encode(), (first, last))
        for found in cursor:
            rows.append(row := Row(*found))
            size += len(row.leaf) + len(row.body) + len(row.chunk or b"")
            if bytes_max is not None and size > bytes_max:
                break
    return rows


def all_entries(tx: Connection) -> Iterator[Row]:
    """Stream every entry in order."""
    with tx.cursor(name="every_entry") as cursor:
        cursor.itersize = _FETCH
        cursor.execute(f"SELECT {_COLUMNS} FROM entry ORDER BY index".encode())
        for row in cursor:
            yield Row(*row)


def facts(tx: Connection, first: int, last: int) -> Iterator[Row]:
    """Stream the entries that a state is folded from."""
    with tx.cursor(name="facts") as cursor:
        cursor.itersize = _FETCH
        cursor.execute(f"SELECT {_COLUMNS} FROM entry WHERE kind IN ({_FACTS}) AND index >= %s AND index < %s ORDER BY index".encode(), (first, last))
        for row in cursor:
            yield Row(*row)


def unsealed(tx: Connection, last: int) -> list[Row]:
    """Give the facts before an index that no keeper sealed yet, as those of an older one."""
    found = tx.execute(f"SELECT {_COLUMNS} FROM entry WHERE kind IN ({_FACTS}) AND index < %s AND seal IS NULL ORDER BY index".encode(), (last,))
    return [Row(*row) for row in found]


def set_seals(tx: Connection, seals: Sequence[tuple[int, bytes]]) -> None:
    """Seal facts that are in the signed tree already; the one change that rows of the log ever see."""
    tx.execute("ALTER TABLE entry DISABLE TRIGGER entry_is_append_only")
    tx.cursor().executemany("UPDATE entry SET seal = %s WHERE index = %s", [(seal, index) for index, seal in seals])
    tx.execute("ALTER TABLE entry ENABLE TRIGGER entry_is_append_only")


def latest_fact(tx: Connection) -> int:
    """Give the index of the latest entry that a state is folded from, or -1."""
    row = tx.execute(f"SELECT {LATEST_FACT}".encode()).fetchone()
    return int(row[0]) if row else -1


def hashed(tx: Connection, first: int, last: int) -> Iterator[tuple[int, bytes, int, bool]]:
    """
    Stream, for each tile's entries among [first, last): the tile's number, SHA-256 over their leaves' hashes, how many there are, and whether
    body and columns of all of them say what their leaves do.
    """
    with tx.cursor(name="hashed") as cursor:
        cursor.itersize = _FETCH
        cursor.execute(_HASHED.encode(), {"first": first, "last": last})
        yield from cursor


def first_at(tx: Connection, time: datetime, *, after: bool = False) -> int | None:
    """Give the first index at a time or later (`after`: later), or None: found by halving, since times never run backwards."""
    size = head_size(tx)
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        row = tx.execute("SELECT time FROM entry WHERE index = %s", (middle,)).fetchone()
        if row is None:
            raise EvidenceCorrupt("gap", f"Entry {middle} is missing in the database.")
        low, high = (low, middle) if row[0] > time or (row[0] == time and not after) else (middle + 1, high)
    return low if low < size else None


def token_indexes(tx: Connection, tokens: Sequence[bytes], first: int, last: int, kinds: Sequence[str] | None = None) -> list[tuple[bytes, int]]:
    """Give (token, index) of the indexed entries that are about any of these subjects."""
    found = tx.execute(
        "SELECT s.token, s.index FROM subject_entry s JOIN entry e USING (index) "
        "WHERE s.token = ANY(%s) AND s.index >= %s AND s.index < %s AND (%s::text[] IS NULL OR e.kind = ANY(%s)) ORDER BY s.index",
        (list(tokens), first, last, _array(kinds), _array(kinds)),
    )
    return [(row[0], row[1]) for row in found]


def not_indexed(tx: Connection, first: int, last: int, kinds: Sequence[str] | None = None) -> list[tuple[int, bytes, bool]]:
    """Give index, leaf and whether there is a chunk of the entries whose tags must be tested one by one."""
    found = tx.execute(
        "SELECT index, leaf, chunk IS NOT NULL FROM entry WHERE NOT indexed AND index >= %s AND index < %s "
        "AND (%s::text[] IS NULL OR kind = ANY(%s)) ORDER BY index",
        (first, last, _array(kinds), _array(kinds)),
    )
    return [(row[0], row[1], row[2]) for row in found]


def chunk_slices(tx: Connection, slices: Sequence[tuple[int, int, int]]) -> dict[int, bytes]:
    """Read parts of chunks: (index, first byte, bytes)."""
    indexes, starts, lengths = zip(*slices, strict=True) if slices else ((), (), ())
    found = tx.execute(
        "SELECT e.index, substring(e.chunk FROM s.start + 1 FOR s.length) FROM unnest(%s::bigint[], %s::integer[], %s::integer[]) "
        "AS s (index, start, length) JOIN entry e USING (index)",
        (list(indexes), list(starts), list(lengths)),
    )
    return {row[0]: row[1] for row in found}


def rows_of(tx: Connection, indexes: Sequence[int]) -> list[Row]:
    found = tx.execute(f"SELECT {_COLUMNS} FROM entry WHERE index = ANY(%s) ORDER BY index".encode(), (list(indexes),))
    return [Row(*row) for row in found]


def seen_by(
    tx: Connection, kinds: Sequence[str], actor: str | None, organisations: Sequence[str] | None, first: int, last: int, limit: int
) -> list[int]:  # fmt: skip
    found = tx.execute(
        "SELECT index FROM entry WHERE kind = ANY(%s) AND (%s::text IS NULL OR actor = %s) "
        "AND (%s::text[] IS NULL OR organisation = ANY(%s)) AND index >= %s AND index < %s ORDER BY index LIMIT %s",
        (list(kinds), actor, actor, _array(organisations), _array(organisations), first, last, limit),
    )
    return [row[0] for row in found]


def used(tx: Connection, grants: Sequence[str], actors: Sequence[str], since: datetime, day: datetime, hour: datetime) -> list[tuple[Any, ...]]:
    """Give (grant, whether it sealed, count in all, count since `day`, count since `hour`) of what the entries say was used of these grants."""
    return tx.execute(_USED, {"grants": list(grants), "actors": list(actors), "since": since, "day": day, "hour": hour}).fetchall()


def token_counts(tx: Connection) -> Iterator[tuple[int, int]]:
    """Stream how many subjects the keeper's own index has per entry."""
    with tx.cursor(name="token_counts") as cursor:
        cursor.itersize = _FETCH
        cursor.execute("SELECT index, count(*) FROM subject_entry GROUP BY index ORDER BY index")
        yield from cursor


# The fields of a body and a leaf are sorted, so what stands beside each other is known, and nothing needs to be parsed.
_HASHED = """
SELECT index / 256, sha256(string_agg(sha256('\\x00'::bytea || leaf), ''::bytea ORDER BY index)), count(*)::integer, bool_and(
    substring(leaf FOR 54) = convert_to('{"body":"' || encode(sha256(body), 'base64') || '"', 'UTF8')
    AND position(convert_to('"time":"' || to_char(time, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '","v":1}', 'UTF8') IN leaf) > 0
    AND position(convert_to(',"actor":' || to_json(actor) || ',"category":', 'UTF8') IN body) > 0
    AND position(convert_to(',"kind":"' || kind || '","organisation":' || to_json(organisation) || ',"outcome":', 'UTF8') IN body) > 0
)
FROM entry WHERE index >= %(first)s AND index < %(last)s GROUP BY 1 ORDER BY 1
"""
_USED = """
SELECT told->>'grant', kind = 'seal', sum(count), coalesce(sum(count) FILTER (WHERE time >= %(day)s), 0),
    coalesce(sum(count) FILTER (WHERE time >= %(hour)s), 0)
FROM entry, LATERAL (SELECT convert_from(body, 'UTF8')::jsonb) AS b (told), LATERAL (SELECT (told->'detail'->>'count')::bigint) AS c (count)
WHERE kind IN ('disclosure', 'search', 'seal') AND actor = ANY(%(actors)s) AND time >= %(since)s
    AND told->>'outcome' = 'allowed' AND told->>'grant' = ANY(%(grants)s)
GROUP BY 1, 2
"""


def _array(kinds: Sequence[str] | None) -> list[str] | None:
    return None if kinds is None else list(kinds)
