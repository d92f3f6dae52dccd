"""SQL of the lake's pointers in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from hoeksteen.storage.postgres import Transaction

_ONE_WRITER = 0x6C616B65  # "lake"
_EXPIRY = 0x65787069  # "expi"


def take_write_lock(tx: Transaction) -> bool:
    return bool(tx.value("SELECT pg_try_advisory_xact_lock(%s)", (_ONE_WRITER,)))


def hold_expiry(tx: Transaction) -> None:
    """Keep files of replaced snapshots where they are until the transaction ends."""
    tx.execute("SELECT pg_advisory_xact_lock_shared(%s)", (_EXPIRY,))


def may_expire(tx: Transaction) -> bool:
    """Say whether nobody holds files of replaced snapshots, and let nobody begin to until the transaction ends."""
    return bool(tx.value("SELECT pg_try_advisory_xact_lock(%s)", (_EXPIRY,)))


def heads(tx: Transaction) -> dict[str, int]:
    return {row["table_name"]: row["snapshot_id"] for row in tx.rows("SELECT table_name, snapshot_id FROM lake.head")}


def move_heads(tx: Transaction, snapshots: Mapping[str, int]) -> None:
    # clock_timestamp(): a reader may take the old head until this transaction commits, long after it began.
    tx.execute_many(
        "INSERT INTO lake.replaced (table_name, snapshot_id, replaced_at)"
        " SELECT table_name, snapshot_id, clock_timestamp() FROM lake.head WHERE table_name = %s AND snapshot_id <> %s ON CONFLICT DO NOTHING",
        list(snapshots.items()),
    )
    tx.execute_many(
        "INSERT INTO lake.head (table_name, snapshot_id) VALUES (%s, %s) ON CONFLICT (table_name) DO UPDATE SET snapshot_id = excluded.snapshot_id",
        list(snapshots.items()),
    )


def tables_to_expire(tx: Transaction, kept: timedelta) -> list[str]:
    sql = "SELECT DISTINCT table_name FROM lake.replaced WHERE replaced_at < clock_timestamp() - %s ORDER BY table_name"
    return [row["table_name"] for row in tx.rows(sql, (kept,))]


def kept_snapshots(tx: Transaction, table_name: str, kept: timedelta) -> set[int]:
    sql = """
    SELECT snapshot_id FROM lake.head WHERE table_name = %s
    UNION SELECT snapshot_id FROM lake.replaced WHERE table_name = %s AND replaced_at >= clock_timestamp() - %s
    """
    return {row["snapshot_id"] for row in tx.rows(sql, (table_name, table_name, kept))}


def forget_replaced(tx: Transaction, table_name: str, snapshots: Sequence[int]) -> None:
    tx.execute("DELETE FROM lake.replaced WHERE table_name = %s AND snapshot_id = ANY(%s)", (table_name, list(snapshots)))


def doom(tx: Transaction, paths: Sequence[str]) -> None:
    tx.execute_many("INSERT INTO lake.doomed_file (path) VALUES (%s) ON CONFLICT DO NOTHING", [(path,) for path in paths])


def doomed_files(tx: Transaction) -> list[str]:
    return [row["path"] for row in tx.rows("SELECT path FROM lake.doomed_file ORDER BY path")]


def forget_doomed(tx: Transaction, paths: Sequence[str]) -> None:
    tx.execute("DELETE FROM lake.doomed_file WHERE path = ANY(%s)", (list(paths),))


def begin_write(tx: Transaction, write_id: UUID, *, resumable: bool) -> None:
    sql = "INSERT INTO lake.open_write (write_id, resumable) VALUES (%s, %s) ON CONFLICT (write_id) DO UPDATE SET begun_at = now()"
    tx.execute(sql, (write_id, resumable))


def open_writes(tx: Transaction, *, kept: timedelta) -> dict[UUID, bool]:
    """Give writes that never came to count, and whether what they wrote stays, because they may yet be taken up again."""
    sql = "SELECT write_id, resumable AND begun_at > now() - %s AS stays FROM lake.open_write ORDER BY begun_at, write_id"
    return {row["write_id"]: row["stays"] for row in tx.rows(sql, (kept,))}


def end_write(tx: Transaction, write_id: UUID) -> None:
    tx.execute("DELETE FROM lake.open_write WHERE write_id = %s", (write_id,))
