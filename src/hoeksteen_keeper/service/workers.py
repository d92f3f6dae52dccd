"""
The processes that seal and open, side by side on all cores.

One process takes calls in, answers those that touch no personal data, and does the background work; it hands the others to workers. A worker shares
nothing with it but the database: it reads sessions, grants, blocks and meters anew for each call. All are forked before anything is opened, so no
key is ever in memory at that time, and none outlives the process that it works for.
"""

import asyncio
import gc
import os
import pickle
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from typing import Any, TypeVar, cast

from hoeksteen_keeper.errors import KeeperCorrupt, KeeperError, KeeperUnavailable, answer_to
from hoeksteen_keeper.service.keeper import Keeper
from hoeksteen_keeper.service.opening import joined

WORKERS = 1 + (os.cpu_count() or 1)
_TIDY_SECONDS = 1.0
_END_SECONDS = 30.0
_LENGTH_BYTES = 8
_A = TypeVar("_A")


class Workers:
    """
    A number of processes that answer calls. A context manager; made before the keeper is opened and before any thread is started.

    Each has a socket of its own to this process, over which a task and its answer go as one length and one pickle: a pool of the standard library
    costs ten times as much a task.

    :ivar lost: whether one of them died; nothing is answered from then on, and `on_lost` was called
    """

    def __init__(self, *, dsn: str, home: Path, port: int, count: int = WORKERS) -> None:
        self.count, self.lost = count, False
        self.on_lost: Callable[[], None] = lambda: None
        self._idle: asyncio.LifoQueue[_Channel] = asyncio.LifoQueue()  # who worked last has everything at hand
        self._sockets: list[socket.socket] = []
        self._processes = [self._forked(dsn, home, port) for _ in range(count)]

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        for ours in self._sockets:
            ours.close()
        for process in self._processes:
            process.join(_END_SECONDS)
            process.kill()

    async def connect(self) -> None:
        """Take up the sockets in the running loop, before the first task."""
        loop = asyncio.get_running_loop()
        for ours in self._sockets:
            ours.setblocking(False)
            _, channel = await loop.create_unix_connection(partial(_Channel, self._idle, self._lose), sock=ours)
            self._idle.put_nowait(channel)

    async def run(self, task: Callable[..., _A], instant: datetime, *arguments: Any) -> _A:
        """
        Have a worker do a task with its own open keeper.

        :param task: a function of a module, given the keeper and the arguments
        :param instant: now, which the worker's own clock does not fall behind
        :raises KeeperUnavailable: when a worker died; whether the task was done is not known
        """
        if self.lost:
            raise _lost()
        channel = await self._idle.get()
        done, answer = pickle.loads(await channel.ask(pickle.dumps((task, instant, arguments), pickle.HIGHEST_PROTOCOL)))
        if not done:
            raise answer
        return cast(_A, answer)

    def _forked(self, dsn: str, home: Path, port: int) -> Any:
        ours, theirs = socket.socketpair()
        self._sockets.append(ours)
        process = get_context("fork").Process(target=_work, args=(theirs, list(self._sockets), dsn, home, port))
        process.start()
        theirs.close()
        return process

    def _lose(self) -> None:
        self.lost = True
        self.on_lost()


class _Channel(asyncio.Protocol):
    """This process's end of the socket to one worker. It is idle again when the answer has come, whether anybody still waits for it or not."""

    def __init__(self, idle: "asyncio.LifoQueue[_Channel]", lose: Callable[[], None]) -> None:
        self._idle, self._lose = idle, lose
        self._transport: asyncio.WriteTransport | None = None
        self._answer: asyncio.Future[bytes] | None = None
        self._came = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        self._came += data
        length = int.from_bytes(self._came[:_LENGTH_BYTES], "big")
        if len(self._came) < _LENGTH_BYTES or len(self._came) < _LENGTH_BYTES + length:
            return
        answer, self._came = bytes(memoryview(self._came)[_LENGTH_BYTES:]), bytearray()
        if self._answer and not self._answer.done():
            self._answer.set_result(answer)
        self._idle.put_nowait(self)

    def connection_lost(self, _: Exception | None) -> None:  # an end, or an error where it died with a call half read
        self._transport = None
        self._lose()
        if self._answer and not self._answer.done():
            self._answer.set_exception(_lost())
        self._idle.put_nowait(self)  # whoever waits for a worker learns of it too

    def ask(self, question: bytes) -> "asyncio.Future[bytes]":
        """
        Send a task that is pickled, and give what its answer will be.

        :raises KeeperUnavailable: when the worker has died
        """
        if self._transport is None:
            self._idle.put_nowait(self)
            raise _lost()
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(len(question).to_bytes(_LENGTH_BYTES, "big") + question)
        return self._answer


def _lost() -> KeeperUnavailable:
    return KeeperUnavailable("worker_lost", "A process of the keeper died; it stops, and must be started again.")


class _Worker:
    """The keeper of this process, opened with its first task: by then the process that serves has brought everything up to date."""

    def __init__(self, dsn: str, home: Path, port: int) -> None:
        self._open = partial(joined, dsn=dsn, home=home, port=port)
        self._stack, self._keeper = ExitStack(), None  # type: tuple[ExitStack, Keeper | None]

    def answer(self, question: bytes) -> bytes:
        """Do a task, and give its answer or its error, pickled."""
        try:
            task, instant, arguments = pickle.loads(question)
            keeper = self._opened()
            keeper.now.not_before(instant)
            return pickle.dumps((True, task(keeper, *arguments)), pickle.HIGHEST_PROTOCOL)
        except KeeperError as error:
            return pickle.dumps((False, error))
        except Exception as error:  # noqa: BLE001 a worker that ends by it would take the whole keeper with it
            _, reason, detail = answer_to(error)
            return pickle.dumps((False, KeeperCorrupt(reason, detail)))

    def _opened(self) -> Keeper:
        if self._keeper is None:
            self._keeper = self._stack.enter_context(self._open())
            threading.Thread(target=self._tidy, args=(self._keeper,), name="tidying", daemon=True).start()
            gc.freeze()  # what is there now stays; it need not be looked through for garbage again and again
        return self._keeper

    def _tidy(self, keeper: Keeper) -> None:
        """Tell the refusals that were only counted, and drop the keys that were destroyed."""
        while True:  # it ends with its process
            time.sleep(_TIDY_SECONDS)
            for task in (keeper.keys.forget_destroyed, keeper.sessions.tell_refusals):
                try:
                    task()
                except KeeperUnavailable:  # again in a second, when database and log can be used
                    continue
                except Exception as error:  # noqa: BLE001 reported by its kind and place; the other task goes on
                    answer_to(error)


def _work(theirs: socket.socket, others: Sequence[socket.socket], dsn: str, home: Path, port: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever serves decides when it ends
    for other in others:
        other.close()
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    worker = _Worker(dsn, home, port)
    with theirs, theirs.makefile("rb") as questions:
        while length := questions.read(_LENGTH_BYTES):
            answer = worker.answer(questions.read(int.from_bytes(length, "big")))
            theirs.sendall(len(answer).to_bytes(_LENGTH_BYTES, "big") + answer)


def _end_with_parent() -> None:
    if parent := parent_process():
        connection.wait([parent.sentinel])
        os._exit(1)
