"""The little of ASGI that the keeper's API and the witness speak, and the HTTP under it with a bound on what comes before a body."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES_MAX = 16 << 10

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


class BoundedHttp(HttpToolsProtocol):
    """HTTP/1.1 whose request line and headers take at most `HEAD_BYTES_MAX` bytes, finished or not; who sends more is told 400 and hung up on."""

    _head_bytes, _told_bytes, _in_head = 0, 0, False

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head:  # a header without an end is not told below before it ends
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
                self.send_400_response("The headers are too large.")

    def on_message_begin(self) -> None:
        self._head_bytes, self._in_head, self._told_bytes = 0, True, 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._tell(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._tell(name + value)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def _tell(self, part: bytes) -> None:
        self._told_bytes += len(part)
        if self._told_bytes > HEAD_BYTES_MAX:
            raise ValueError  # the parser stops, and the answer is 400
