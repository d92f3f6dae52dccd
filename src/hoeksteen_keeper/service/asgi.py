"""The little of ASGI that the keeper's API and the witness speak."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


async def body_of(receive: Receive, *, bytes_max: int) -> bytes | None:
    """Read the body of a request; None when it is larger than it may be, or when the caller hung up before its end."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > bytes_max:
            return None
        if not message.get("more_body"):
            return b"".join(parts)


async def respond(send: Send, status: int, kind: bytes, body: bytes) -> None:
    """Send a whole response."""
    length = str(len(body)).encode()
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind), (b"content-length", length)]})
    await send({"type": "http.response.body", "body": body})
