"""One server, several sites: which one answers is told by the Host header. The same guards stand before all of them."""

from collections.abc import Mapping

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

_GUARDS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "cache-control": "no-store",
}
_CONTENT_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


class Hosts:
    """
    Hand each request to the site whose name it asks for, and put the guards of the browser on each answer.

    :param sites: by host name without port
    :param login_origin: where a form may lead when its session has ended: the keeper's own origin
    """

    def __init__(self, sites: Mapping[str, ASGIApp], *, login_origin: str) -> None:
        self._sites = dict(sites)
        policy = {**_CONTENT_POLICY, "form-action": f"'self' {login_origin}"}
        guards = {**_GUARDS, "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items())}
        self._guards = [(name.encode(), value.encode()) for name, value in guards.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            return
        asked = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
        site = self._sites.get(asked.partition(":")[0].lower())

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message["headers"])
                present = {name.lower() for name, _ in headers}
                headers += [guard for guard in self._guards if guard[0] not in present]
                message = {**message, "headers": headers}
            await send(message)

        if site is None:
            names = ", ".join(sorted(self._sites))
            body = f"No site of this name answers here. These do: {names}.\n".encode()
            await guarded({"type": "http.response.start", "status": 421, "headers": [(b"content-type", b"text/plain; charset=utf-8")]})
            await guarded({"type": "http.response.body", "body": body, "more_body": False})
            return
        await site(scope, receive, guarded)
