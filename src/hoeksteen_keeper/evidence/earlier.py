"""Logs of this keeper that ended (docs/decisions/0019): what they hold is read on, so that who saw whom is not forgotten with them."""

import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from hoeksteen_keeper.evidence import _store
from hoeksteen_keeper.evidence.entries import Scribe
from hoeksteen_keeper.evidence.replay import History, StateAt

if TYPE_CHECKING:
    from hoeksteen_keeper.evidence.log import Log


@dataclass(slots=True)
class EarlierLog:
    """
    A log that ended. Nothing is written to it.

    :param origin: its name in its checkpoints
    :param size: how many entries the keeper has of it
    :param until: when the log after it began
    """

    origin: str
    size: int
    until: datetime
    pool: _store.Pool
    scribe: Scribe
    history: History = field(default_factory=History)
    history_lock: threading.Lock = field(default_factory=threading.Lock)
    standing: StateAt | None = None


def earlier_logs(log: "Log") -> list[EarlierLog]:
    """Give the logs that ended before this one began, the oldest first; their connections are opened when they are asked something."""
    with _store.connected(log.pool) as tx:
        schemas = _store.earlier_schemas(tx)
        begins = [_store.beginning(tx, schema) for schema in (*schemas, _store.SCHEMA)]
        sizes = [_store.head_size(tx, schema=schema) for schema in schemas]
    return [
        EarlierLog(origin, size, until, _store.connections(str(log.pool.conninfo), schema=schema, kept=0), log.scribe)
        for schema, size, (until, origin) in zip(schemas, sizes, begins[1:], strict=True)
    ]
