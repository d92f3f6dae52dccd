"""SQL of the lake's pointers in PostgreSQL."""

from collections.abc import Mapping
from uuid import UUID

from hoeksteen.storage.postgres import Transaction

_ONE_WRITER = 0x6C616B65  # "lake"


def take_write_lock(tx: Transaction) -> bool:
    return bool(tx.value("SELECT pg_try_advisory_xact_lock(%s)", (_ONE_WRITER,)))


def heads(tx: Transaction) -> dict[str, int]:
    return {row["table_name"]: row["snapshot_id"] for row in tx.rows("SELECT table_name, snapshot_id FROM lake.head")}


def move_heads(tx: Transaction, snapshots: Mapping[str, int]) -> None:
    tx.execute_many(
        "INSERT INTO lake.head (table_name, snapshot_id) VALUES (%s, %s) ON CONFLICT (table_name) DO UPDATE SET snapshot_id = excluded.snapshot_id",
        list(snapshots.items()),
    )


def begin_write(tx: Transaction, write_id: UUID) -> None:
    tx.execute("INSERT INTO lake.open_write (write_id) VALUES (%s)", (write_id,))


def open_writes(tx: Transaction) -> list[UUID]:
    return [row["write_id"] for row in tx.rows("SELECT write_id FROM lake.open_write ORDER BY begun_at, write_id")]


def end_write(tx: Transaction, write_id: UUID) -> None:
    tx.execute("DELETE FROM lake.open_write WHERE write_id = %s", (write_id,))
