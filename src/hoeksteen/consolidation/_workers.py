"""
Processes that work beside this one, so that a run uses the cores that there are.

They end with the process that they work for, at once and whatever the reason. What passes between them stays in memory.
"""

import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing import connection, get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Generic, TypeVar

from hoeksteen.kernel.errors import Unavailable

PROCESSES_MAX = 16
_AHEAD = 2  # tasks per process that wait or are done and not yet looked at: more would only take memory
_Task = TypeVar("_Task")
_Result = TypeVar("_Result")


def processes_for(size: int, *, each_from: int) -> int:
    """
    Say how many processes are worth their start.

    :param size: of the work
    :param each_from: below this size a process of its own is no gain
    :returns: at most one per core; 0 where the work is best done here
    """
    wanted = min(os.cpu_count() or 1, size // each_from, PROCESSES_MAX)
    return wanted if wanted > 1 else 0


class Workers(Generic[_Task, _Result]):
    """
    Some processes that all do one kind of work; a context manager.

    :param make: called in each with `arguments`, gives the function that does a task; it and all that goes in and out can be pickled
    """

    def __init__(self, count: int, make: Callable[..., Callable[[_Task], _Result]], *arguments: object) -> None:
        self.count = count
        self._idle: SimpleQueue[Connection] = SimpleQueue()
        self._started: list[tuple[BaseProcess, Connection]] = []
        self._askers = ThreadPoolExecutor(count)  # each waits for one process
        context = get_context("spawn")
        for number in range(count):
            ours, theirs = context.Pipe()
            process: BaseProcess = context.Process(target=_serve, args=(theirs, make, arguments), name=f"consolidation, {number}", daemon=True)
            process.start()
            theirs.close()
            self._started.append((process, ours))
            self._idle.put(ours)

    def __enter__(self) -> "Workers[_Task, _Result]":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for process, _ in self._started:
            process.kill()
            process.join()
        self._askers.shutdown(cancel_futures=True)
        for _, channel in self._started:
            channel.close()

    def in_order(self, tasks: Iterable[_Task]) -> Iterator[tuple[_Task, _Result]]:
        """
        Do tasks side by side, and give each with its result, in their order.

        :raises Unavailable: when a process ended before its work was done
        """
        waiting: deque[tuple[_Task, Future[_Result]]] = deque()
        for task in tasks:
            waiting.append((task, self._askers.submit(self._ask, task)))
            if len(waiting) > self.count * _AHEAD:
                done, future = waiting.popleft()
                yield done, future.result()
        for done, future in waiting:
            yield done, future.result()

    def _ask(self, task: _Task) -> _Result:
        channel = self._idle.get()
        try:
            channel.send(task)
            is_done, found = channel.recv()
        except (EOFError, OSError):
            raise Unavailable(
                "A process of the consolidation ended before its work was done.", remedy="Run the same command again: it goes on."
            ) from None
        finally:
            self._idle.put(channel)
        if not is_done:
            raise found
        result: _Result = found
        return result


def _serve(asked: Connection, make: Callable[..., Callable[[Any], Any]], arguments: tuple[object, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command that started us is interrupted too, and ends us
    threading.Thread(target=_end_with_parent, daemon=True).start()
    work: Callable[[Any], Any] | None = None
    while True:
        task = asked.recv()
        try:
            work = work or make(*arguments)
            said = (True, work(task))
        except Exception as error:  # noqa: BLE001 whatever it is, the process that asked raises it
            error.add_note(traceback.format_exc())
            said = (False, error)
        asked.send(said)


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)
