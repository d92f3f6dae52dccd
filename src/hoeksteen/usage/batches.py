"""
Usage that comes in batches over HTTP: accepted durably and once, then taken like a file of the drop folder.

A sender names each batch by a key and may send it again until it has an answer. The process that answers the sender writes a file and a row;
who takes the file, with the keeper's permission, is the watcher.
"""

import hashlib
import os
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from hoeksteen.kernel.errors import Conflict, InvalidInput, NotFound, Unavailable
from hoeksteen.storage.postgres import Database, Transaction
from hoeksteen.usage import _store
from hoeksteen.usage.adapters import named
from hoeksteen.usage.model import FileBalance

BYTES_MAX = 16 * 1024**2
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_OF_SENDER = re.compile(r"(?:\d+-)?batch-[^@]+@([a-z][a-z0-9-]{0,30})")


class BatchState(StrEnum):
    """What became of a batch."""

    ACCEPTED = "accepted"  # it lies in the drop folder, or is being taken
    TAKEN = "taken"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Batch:
    """
    A batch that was accepted.

    :param why: it was refused; names file, line and field
    :param balance: what became of its records, once it is taken
    """

    key: str
    state: BatchState
    accepted_at: datetime
    why: str = ""
    balance: FileBalance | None = None


def accept(
    *, database: Database, folder: Path, key: str, content: bytes, adapter: str, now: datetime, layouts: Path | None = None, sender: str = ""
) -> Batch:  # fmt: skip
    """
    Accept a batch: when this returns, it survives a crash and will be taken once, however often it is sent.

    :param folder: the drop folder
    :param key: the sender's own name of the batch, which stays with these bytes for good
    :param sender: the machine that sends it, whose keys are its own; empty for people
    :raises InvalidInput: when the key is none, the batch is empty or too large, or there is no such format
    :raises Conflict: when other bytes were sent under this key before
    :raises Unavailable: when the disk refuses it; send it again under the same key
    """
    if not _KEY.fullmatch(key):
        raise InvalidInput("Idempotency-Key: is no key.", remedy="Send 1 to 64 letters, digits, hyphens and underscores, new for each batch.")
    if not 0 < len(content) <= BYTES_MAX:
        raise InvalidInput(f"The batch has {len(content):,} bytes.", remedy=f"Send 1 to {BYTES_MAX:,} bytes.")
    chosen = named(adapter, layouts)
    digest = hashlib.sha256(content).digest()
    name = f"batch-{_stored(key, sender)}"
    with database.transaction() as tx:
        if not _store.add_batch(tx, _stored(key, sender), digest, name, now):
            raise Conflict(f"Other bytes were sent under the key {key} before.", remedy="Give each batch a key of its own.")
        found = batch(tx=tx, key=key, sender=sender)
    if found.state is BatchState.ACCEPTED:
        _put(folder / chosen.name, name, content)  # also when an earlier attempt may have done so: the same bytes count once
    return found


def batch(*, tx: Transaction, key: str, sender: str = "") -> Batch:
    """
    Give what became of a batch.

    :param sender: the machine that sent it; empty for people
    :raises NotFound: when none was accepted under this key of theirs
    """
    row = _store.batch(tx, _stored(key, sender)) if _KEY.fullmatch(key) else None
    if row is None:
        raise NotFound(f"No batch was accepted under the key {key[:64]}.", remedy="Send it, or check the key.")
    balance = _store.file_by_digest(tx, row["digest"])
    if balance is not None:
        return Batch(key, BatchState.TAKEN, row["accepted_at"], balance=balance)
    why = _store.why_refused(tx, row["name"])
    return Batch(key, BatchState.ACCEPTED if why is None else BatchState.REFUSED, row["accepted_at"], why or "")


def sender_of(name: str) -> str | None:
    """Give the machine that sent the file of this name, or None where it is no batch of one."""
    found = _OF_SENDER.fullmatch(name)
    return None if found is None else found[1]


def _stored(key: str, sender: str) -> str:
    """Give the key that a batch stands under; no key holds the sign that parts it from its sender."""
    return f"{key}@{sender}" if sender else key


def _put(folder: Path, name: str, content: bytes) -> None:
    """Write a file at one instant, durably."""
    fresh = folder / f"{name}.part"  # no sweep takes it
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with open(fresh, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(folder / name)
        directory = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise Unavailable("The drop folder's disk refuses the batch.", remedy="Send it again under the same key.") from error
