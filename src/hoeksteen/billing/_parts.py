"""
The parts of a bill run, each worked on by a process of its own, so that a run uses the cores that there are.

A process opens everything anew and ends with the one that it works for, at once and whatever the reason: each batch is a transaction, so
that nothing is half-done. The parts share the counter of bill numbers, which orders their commits.
"""

import os
import random
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import connection, get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import NamedTuple, cast
from uuid import UUID

from hoeksteen.billing import _store
from hoeksteen.billing._run import Part, engine_of, work
from hoeksteen.billing._writing import another_works_on_it
from hoeksteen.billing.model import BillRun
from hoeksteen.disclosure import KeeperClient
from hoeksteen.kernel.errors import Unavailable
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database

PARTS_MAX = 16
# Below this a process of its own is no gain: it takes a second to start.
_BILLING_ACCOUNTS_PER_PART_MIN = 25_000


@dataclass(frozen=True, slots=True)
class Task:
    """What a process needs to work on a part; all of it can be sent to it."""

    database: Database
    keeper: KeeperClient
    lake: Lake
    run: BillRun
    approved: UUID | None
    batch: int
    now: datetime


class _Ended(NamedTuple):
    stopped: bool


def parts_for(billing_accounts: int) -> int:
    """Give into how many parts a run is divided: a power of two, at most one per core."""
    wanted = min(os.cpu_count() or 1, billing_accounts // _BILLING_ACCOUNTS_PER_PART_MIN, PARTS_MAX)
    return 1 << max(0, wanted.bit_length() - 1)


def work_side_by_side(*, task: Task, parts: Sequence[Part], told: Callable[[int, int], None]) -> bool:
    """
    Work on all parts at once, and give whether somebody asked the run to stop.

    :param told: told of billing accounts and bills, batch by batch
    :raises Conflict: when another command works on this run
    :raises Unavailable: when a process ends before its part is done
    :raises HoeksteenError: what a part raises; the others are ended
    """
    with task.database.claim(_store.claim_of(task.run.bill_run_id)) as is_ours:
        if not is_ours:
            raise another_works_on_it()
        at_once = os.cpu_count() or 1  # a run that began on a larger machine has more parts
        return any(_work_on_some(task, parts[first : first + at_once], told) for first in range(0, len(parts), at_once))


def _work_on_some(task: Task, parts: Sequence[Part], told: Callable[[int, int], None]) -> bool:
    stopped = False
    with _processes(task, parts) as waiting:
        while waiting:
            for channel in cast(list[Connection], connection.wait(waiting)):
                said = _received(channel)
                if isinstance(said, _Ended):
                    stopped = stopped or said.stopped
                    waiting.remove(channel)
                elif isinstance(said, BaseException):
                    raise said
                else:
                    told(*said)
    return stopped


def _received(channel: Connection) -> _Ended | BaseException | tuple[int, int]:
    try:
        said: _Ended | BaseException | tuple[int, int] = channel.recv()
    except (EOFError, OSError):  # the latter where it was killed while it told something
        raise Unavailable("A process of the bill run ended before its work was done.", remedy="Run the same command again: it goes on.") from None
    return said


@contextmanager
def _processes(task: Task, parts: Sequence[Part]) -> Iterator[list[Connection]]:
    started: list[tuple[BaseProcess, Connection]] = []
    context = get_context("spawn")
    try:
        for part in parts:
            ours, theirs = context.Pipe(duplex=False)
            process: BaseProcess = context.Process(target=_work_on, args=(task, part, theirs), name=f"bill run, part {part.number}", daemon=True)
            process.start()
            theirs.close()
            started.append((process, ours))
        yield [ours for _, ours in started]
    finally:
        for process, ours in started:
            process.kill()
            process.join()
            ours.close()


def _work_on(task: Task, part: Part, told: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command that started us is interrupted too, and ends us
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        identifiers = Identifiers(random.SystemRandom())
        with task.database as database, task.lake as lake, task.keeper as keeper:
            engine = engine_of(
                database=database,
                keeper=keeper,
                lake=lake,
                run=task.run,
                approved=task.approved,
                batch=task.batch,
                now=task.now,
                identifiers=identifiers,
            )
            told.send(_Ended(work(engine=engine, part=part, told=lambda *counts: told.send(counts))))
    except Exception as error:  # noqa: BLE001 whatever it is, the command that started us raises it
        error.add_note(traceback.format_exc())
        told.send(error)


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)
