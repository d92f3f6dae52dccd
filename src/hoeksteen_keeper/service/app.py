"""
The keeper's API: one path per call, MessagePack in and out, over a Unix socket.

Plain ASGI: a framework would cost more than a call does. What touches personal data is answered by workers, the rest by threads of this process: a
call waits for its log entry, and others share the commit meanwhile.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter

from hoeksteen_keeper.errors import KeeperError
from hoeksteen_keeper.service import data_calls, log_calls
from hoeksteen_keeper.service.answers import Answer, answered, answered_together, encoded, failed
from hoeksteen_keeper.service.asgi import Asgi, Receive, Scope, Send, body_of, respond
from hoeksteen_keeper.service.keeper import Keeper
from hoeksteen_keeper.service.workers import Workers

BODY_BYTES_MAX = 64 << 20
SMALL_BYTES_MAX = 16 << 10  # a larger call is work of its own, and shares nothing that counts
GROUP_MAX = 256
CALLS_AT_ONCE_MAX = 20  # fewer than the store has connections: a call that holds one may need a second, and always gets it
QUESTIONS_AT_ONCE_MAX = 2  # to the log, which take seconds: whoever stops somebody does not wait behind them
_A = TypeVar("_A")


def api(keeper: Keeper, workers: Workers) -> Asgi:
    """Give the application that serves the calls."""
    desk = _Desk(keeper, workers)

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await body_of(receive, bytes_max=BODY_BYTES_MAX)
        path, headers = scope["path"].removeprefix("/v1/").strip("/"), dict(scope["headers"])
        token, person = (headers.get(name, b"").decode("latin-1") for name in (b"authorization", b"x-actor-token"))
        status, answer = await desk.answer(path, body, token.removeprefix("Bearer "), person)
        await respond(send, status, b"application/msgpack", answer)

    return call


class _Desk:
    """
    Hands each call to whoever answers it.

    Small reveals that arrive while others are being answered wait for each other, and are answered as one: the busier, the larger the group. Large
    calls never take the last worker, so that whoever has a customer on the line does not wait for a bill run.
    """

    def __init__(self, keeper: Keeper, workers: Workers) -> None:
        self._keeper, self._workers = keeper, workers
        self._threads, self._questions = CapacityLimiter(CALLS_AT_ONCE_MAX), CapacityLimiter(QUESTIONS_AT_ONCE_MAX)
        self._large = asyncio.Semaphore(max(1, workers.count - 1))
        self._waiting: list[tuple[tuple[bytes, str, str], asyncio.Future[Answer]]] = []
        self._grouping: asyncio.Task[None] | None = None

    async def answer(self, path: str, body: bytes | None, token: str, person: str) -> Answer:
        """Answer one call."""
        if body is None:
            return 413, encoded("body_too_large", f"A call has at most {BODY_BYTES_MAX} bytes.")
        try:
            if path not in data_calls.WORK:
                return await anyio.to_thread.run_sync(
                    answered, self._keeper, path, body, token, person, limiter=self._questions if path in log_calls.LONG else self._threads
                )
            self._keeper.log.require_open()
            if len(body) > SMALL_BYTES_MAX:
                async with self._large:
                    return await self._by_worker(answered, path, body, token, person)
            if path == "reveal":
                return await self._together(body, token, person)
            return await self._by_worker(answered, path, body, token, person)
        except KeeperError as error:
            return failed(path, error)

    async def _by_worker(self, task: Callable[..., _A], *arguments: Any) -> _A:
        return await self._workers.run(task, self._keeper.now(), *arguments)

    async def _together(self, body: bytes, token: str, person: str) -> Answer:
        waits: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(((body, token, person), waits))
        if self._grouping is None or self._grouping.done():
            self._grouping = asyncio.create_task(self._work())
        return await waits

    async def _work(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:GROUP_MAX], self._waiting[GROUP_MAX:]
            try:
                answers = await self._by_worker(answered_together, [call for call, _ in group])
            except Exception as error:  # noqa: BLE001 the border: whatever happened, nobody is left without an answer
                answers = [failed("reveal", error)] * len(group)
            for (_, waits), answer in zip(group, answers, strict=True):
                if not waits.done():
                    waits.set_result(answer)
