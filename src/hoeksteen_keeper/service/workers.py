"""
The processes that seal and open, side by side on all cores.

One process takes calls in, answers those that touch no personal data, and does the background work; it hands the others to workers. A worker shares
nothing with it but the database: it reads sessions, grants, blocks and meters anew for each call. All are forked before anything is opened, so no
key is ever in memory at that time, and none outlives the process that it works for.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from typing import Any, TypeVar

from hoeksteen_keeper.errors import KeeperError, KeeperUnavailable
from hoeksteen_keeper.service.keeper import Keeper
from hoeksteen_keeper.service.opening import joined

WORKERS = 1 + (os.cpu_count() or 1)
_TIDY_SECONDS = 1.0
_A = TypeVar("_A")


class Workers:
    """
    A number of processes that answer calls. A context manager; made before the keeper is opened and before any thread is started.

    :ivar lost: whether one of them died; nothing is answered from then on, and `on_lost` was called
    """

    def __init__(self, *, dsn: str, home: Path, port: int, count: int = WORKERS) -> None:
        self.count, self.lost = count, False
        self.on_lost: Callable[[], None] = lambda: None
        self._pool = ProcessPoolExecutor(count, mp_context=get_context("fork"), initializer=_begin, initargs=(dsn, home, port))
        self._pool.submit(os.getpid).result()  # the first task forks all of them

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    async def run(self, task: Callable[..., _A], instant: datetime, *arguments: Any) -> _A:
        """
        Have a worker do a task with its own open keeper.

        :param task: a function of a module, given the keeper and the arguments
        :param instant: now, which the worker's own clock does not fall behind
        :raises KeeperUnavailable: when a worker died; whether the task was done is not known
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, partial(_do, task, instant, arguments))
        except BrokenProcessPool as error:
            self.lost = True
            self.on_lost()
            raise KeeperUnavailable("worker_lost", "A process of the keeper died; it stops, and must be started again.") from error


class _Worker:
    """The keeper of this process, opened with its first task: by then the process that serves has brought everything up to date."""

    def __init__(self, dsn: str, home: Path, port: int) -> None:
        self._open = partial(joined, dsn=dsn, home=home, port=port)
        self._stack, self._keeper = ExitStack(), None  # type: tuple[ExitStack, Keeper | None]

    def keeper(self) -> Keeper:
        if self._keeper is None:
            self._keeper = self._stack.enter_context(self._open())
            threading.Thread(target=self._tidy, args=(self._keeper,), name="tidying", daemon=True).start()
        return self._keeper

    def _tidy(self, keeper: Keeper) -> None:
        """Tell the refusals that were only counted, and drop the keys that were destroyed."""
        pause = threading.Event()
        while not pause.wait(_TIDY_SECONDS):
            for task in (keeper.keys.forget_destroyed, keeper.sessions.tell_refusals):
                try:
                    task()
                except KeeperError:  # again in a second, when database and log can be used
                    continue


_mine: list[_Worker] = []


def _begin(dsn: str, home: Path, port: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever serves decides when it ends
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    _mine.append(_Worker(dsn, home, port))


def _end_with_parent() -> None:
    if parent := parent_process():
        connection.wait([parent.sentinel])
        os._exit(1)


def _do(task: Callable[..., _A], instant: datetime, arguments: Sequence[Any]) -> _A:
    keeper = _mine[0].keeper()
    keeper.now.not_before(instant)
    return task(keeper, *arguments)
