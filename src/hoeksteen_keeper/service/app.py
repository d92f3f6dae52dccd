"""
The keeper's API: one path per call, MessagePack in and out, over a Unix socket.

Calls run in threads: a call waits for its log entry, and others share the commit meanwhile.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

import anyio.to_thread
import msgspec
from anyio import CapacityLimiter

from hoeksteen_keeper.access.model import Caller
from hoeksteen_keeper.errors import KeeperError, KeeperInvalid, KeeperRefused, answer_to
from hoeksteen_keeper.service import data_calls, grant_calls, log_calls, session_calls
from hoeksteen_keeper.service.keeper import Keeper
from hoeksteen_keeper.service.shapes import Calls

BODY_BYTES_MAX = 64 << 20
TOGETHER_BYTES_MAX = 16 << 10  # larger calls are work of their own, and share nothing that counts
GROUP_MAX = 256
GROUPS_AT_ONCE = 2  # one waits for the log's commit while the other one opens
_TYPE = b"application/msgpack"
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
CALLS_AT_ONCE_MAX = 20  # fewer than the store has connections: a call that holds one may need a second, and always gets it
CALLS: Calls = {**data_calls.CALLS, **session_calls.CALLS, **grant_calls.CALLS, **log_calls.CALLS}
_DECODERS = {path: msgspec.msgpack.Decoder(shape) for path, (shape, _) in CALLS.items()}
_REVEAL = msgspec.msgpack.Decoder(data_calls.Reveal)
_ASSERTION = msgspec.msgpack.Decoder(session_calls.Assertion)


def api(keeper: Keeper) -> Asgi:
    """Give the application that serves the calls, as plain ASGI: a framework would cost more than a call does."""
    limiter, together = CapacityLimiter(CALLS_AT_ONCE_MAX), Together(keeper)

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await _body(receive)
        path, headers = scope["path"].removeprefix("/v1/").strip("/"), dict(scope["headers"])
        token, person = (headers.get(name, b"").decode("latin-1") for name in (b"authorization", b"x-actor-token"))
        if body is None:
            status, answer = 413, _encoded("body_too_large", f"A call has at most {BODY_BYTES_MAX} bytes.")
        elif path == "reveal" and len(body) <= TOGETHER_BYTES_MAX:
            status, answer = await together.answer(body, token.removeprefix("Bearer "), person)
        else:
            status, answer = await anyio.to_thread.run_sync(
                _answered, keeper, path, body, token.removeprefix("Bearer "), person, limiter=limiter
            )  # fmt: skip
        length = str(len(answer)).encode()
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", _TYPE), (b"content-length", length)]})
        await send({"type": "http.response.body", "body": answer})

    return call


async def _body(receive: Receive) -> bytes | None:
    parts, size = [], 0
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > BODY_BYTES_MAX:
            return None
        if not message.get("more_body"):
            return b"".join(parts)


class Together:
    """Small reveals that arrive while others are being answered wait for each other, and are answered as one: the busier, the larger the group."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._waiting: list[tuple[tuple[bytes, str, str], asyncio.Future[tuple[int, bytes]]]] = []
        self._running = 0

    async def answer(self, body: bytes, token: str, person: str) -> tuple[int, bytes]:
        waits: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self._waiting.append(((body, token, person), waits))
        if self._running < GROUPS_AT_ONCE:
            self._running += 1
            task = asyncio.create_task(self._work())
            task.add_done_callback(lambda _: None)
        return await waits

    async def _work(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:GROUP_MAX], self._waiting[GROUP_MAX:]
                answers = await anyio.to_thread.run_sync(_answered_together, self._keeper, [call for call, _ in group])
                for (_, waits), answer in zip(group, answers, strict=True):
                    if not waits.done():
                        waits.set_result(answer)
        finally:
            self._running -= 1


def _answered_together(keeper: Keeper, calls: Sequence[tuple[bytes, str, str]]) -> list[tuple[int, bytes]]:
    try:
        found = iter(keeper.sessions.callers(*[token for _, own, person in calls for token in ((own, person) if person else (own,))]))
        answers: list[tuple[int, bytes] | None] = []
        asked: list[tuple[Caller, data_calls.Reveal]] = []
        for body, _, person in calls:
            own, carried = next(found), next(found) if person else None
            try:
                asked.append((_caller(keeper, own, carried), _REVEAL.decode(body)))
                answers.append(None)
            except Exception as error:  # noqa: BLE001 the border: every error becomes an answer without data
                answers.append(_failed("reveal", error))
        opened = iter(data_calls.reveal_many(keeper, asked))
        return [answer or _given(next(opened)) for answer in answers]
    except Exception as error:  # noqa: BLE001 as above, for the whole group
        return [_failed("reveal", error)] * len(calls)


def _given(answer: dict[str, Any] | KeeperError) -> tuple[int, bytes]:
    return _failed("reveal", answer) if isinstance(answer, KeeperError) else (200, msgspec.msgpack.encode(answer))


def _answered(keeper: Keeper, path: str, body: bytes, token: str, person: str) -> tuple[int, bytes]:
    try:
        return 200, msgspec.msgpack.encode(_answer(keeper, path, body, token, person))
    except Exception as error:  # noqa: BLE001 the border: every error becomes an answer without data
        return _failed(path, error)


def _failed(path: str, error: Exception) -> tuple[int, bytes]:
    if isinstance(error, _ServiceTokenOver):
        return 401, _encoded(error.reason, error.detail)
    if isinstance(error, msgspec.DecodeError):
        shape = str(error) if isinstance(error, msgspec.ValidationError) else "it is no MessagePack"
        return 400, _encoded("body_invalid", f"The body of {path[:40]} does not fit: {shape}")
    if isinstance(error, OverflowError):
        return 400, _encoded("value_invalid", "An instant or a number is out of range.")
    status, reason, detail = answer_to(error)
    return status, _encoded(reason, detail)


def _answer(keeper: Keeper, path: str, body: bytes, token: str, person: str) -> Any:
    if path == "token":
        return session_calls.prove_key(keeper, _ASSERTION.decode(body))
    if path not in CALLS:
        raise KeeperInvalid("unknown_call", "There is no such call.")
    own, *carried = keeper.sessions.callers(token, *([person] if person else []))
    caller = _caller(keeper, own, carried[0] if carried else None)
    return CALLS[path][1](keeper, caller, _DECODERS[path].decode(body))


class _ServiceTokenOver(KeeperRefused):
    """The caller's own token ran out: it proves its key again."""


def _caller(keeper: Keeper, own: Caller | KeeperRefused, carried: Caller | KeeperRefused | None) -> Caller:
    if isinstance(own, KeeperRefused):
        raise _ServiceTokenOver(own.reason, own.detail) if own.reason == "token_expired" else own
    if own.medium != own.actor.actor:
        raise KeeperRefused("token_not_yours", "A person's token is carried by the service it was issued to, never alone.")
    if carried is None:
        return own
    if isinstance(carried, KeeperRefused):
        raise carried
    if own.actor.kind != "service" or carried.medium != own.actor.actor:
        refused = KeeperRefused("token_not_yours", "The token was issued to another service.")
        raise keeper.sessions.note_refusal(carried.actor.actor, "use", own.actor.actor, refused)
    return carried


def _encoded(reason: str, detail: str) -> bytes:
    return msgspec.msgpack.encode({"reason": reason, "detail": detail})
