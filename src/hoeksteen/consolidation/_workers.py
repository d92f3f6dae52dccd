"""
Processes that work beside this one, so that a run uses the cores that there are.

They end with the process that they work for, at once and whatever the reason. What passes between them stays in memory.
"""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, get_context, parent_process
from types import TracebackType
from typing import Any, Generic, TypeVar

from hoeksteen.kernel.errors import Unavailable

PROCESSES_MAX = 16
_AHEAD = 2  # tasks per process that wait or are done and not yet looked at: more would only take memory
_Task = TypeVar("_Task")
_Result = TypeVar("_Result")
_work: Callable[[Any], Any] | None = None  # what this process does, where it is one of the workers


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
        self._pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_begin, initargs=(make, arguments))

    def __enter__(self) -> "Workers[_Task, _Result]":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def in_order(self, tasks: Iterable[_Task]) -> Iterator[tuple[_Task, _Result]]:
        """
        Do tasks side by side, and give each with its result, in their order.

        :raises Unavailable: when a process ended before its work was done
        """
        waiting: deque[tuple[_Task, Future[_Result]]] = deque()
        for task in tasks:
            waiting.append((task, self._submitted(task)))
            if len(waiting) > self.count * _AHEAD:
                yield _done(*waiting.popleft())
        while waiting:
            yield _done(*waiting.popleft())

    def _submitted(self, task: _Task) -> "Future[_Result]":
        try:
            return self._pool.submit(_do, task)
        except BrokenProcessPool:
            raise _lost() from None


def _done(task: _Task, future: "Future[_Result]") -> tuple[_Task, _Result]:
    try:
        return task, future.result()
    except BrokenProcessPool:
        raise _lost() from None


def _lost() -> Unavailable:
    return Unavailable("A process of the consolidation ended before its work was done.", remedy="Run the same command again: it goes on.")


def _begin(make: Callable[..., Callable[[Any], Any]], arguments: tuple[object, ...]) -> None:
    global _work  # noqa: PLW0603 a process of a pool has no other place for what it is for
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command that started us is interrupted too, and ends us
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _work = make(*arguments)


def _do(task: Any) -> Any:
    assert _work is not None  # or nobody would send anything here
    return _work(task)


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)
