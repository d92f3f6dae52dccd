"""
The keeper's own origin: the only pages that see a secret or take an approval.

Nothing is inline, nothing comes from elsewhere; cookies are HttpOnly; every form carries a token against forged requests; only the keeper's own
host name is answered, so that a name which somebody else lets point here gets nothing.
"""

import os
from typing import Any
from urllib.parse import urlsplit

from litestar import Litestar, Response, get
from litestar.config.csrf import CSRFConfig
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Redirect
from litestar.template.config import TemplateConfig

from hoeksteen_keeper.errors import KeeperError, answer_to
from hoeksteen_keeper.pages import approvals, changes, issuer_login, login, registration
from hoeksteen_keeper.pages.shared import HERE, Page, Rooms, in_thread, language_in, page, rooms_of
from hoeksteen_keeper.pages.texts import CATALOGUES

_REASONS = {400: "unreadable", 403: "forged", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}
_STATIC = {"keeper.css": "text/css", "passkeys.js": "text/javascript"}


@get("/static/{name:str}")
@in_thread
def static(name: str) -> Response[bytes]:
    """Give a file of ours; there is no other folder."""
    if name not in _STATIC:
        raise HTTPException(status_code=404)
    return Response(
        (HERE / "static" / name).read_bytes(), media_type=_STATIC[name], headers={"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    )


_HANDLERS = [
    login.home, login.login, login.log_in, login.step_up, login.log_in_options, login.log_in_by_passkey, login.log_in_by_key,
    login.log_out,
    issuer_login.begin, issuer_login.back,
    approvals.approvals, approvals.approval, approvals.approval_options, approvals.approve, approvals.refuse, approvals.revoke, approvals.review,
    changes.changes, changes.change, changes.change_options, changes.approve, changes.refuse,
    registration.own_passkeys, registration.passkey_options, registration.register_passkey, static,
]  # fmt: skip


def pages(rooms: Rooms) -> Litestar:
    """Give the application that serves the pages."""
    return Litestar(
        _HANDLERS,
        csrf_config=CSRFConfig(secret=os.urandom(32).hex(), cookie_httponly=True, cookie_samesite="strict"),
        template_config=TemplateConfig(directory=HERE / "templates", engine=JinjaTemplateEngine),
        before_request=_only_own_host,
        exception_handlers={KeeperError: _fault, HTTPException: _http_fault},
        state=State({"rooms": rooms}),
        openapi_config=None,
        logging_config=None,
        request_max_body_size=1 << 20,
    )


async def _only_own_host(request: Page) -> Response[str] | None:
    own = urlsplit(rooms_of(request).origin).netloc
    return None if request.headers.get("host") == own else Response("This is the keeper; it answers to its own name only.", status_code=421)


def _fault(request: Page, error: KeeperError) -> Response[Any]:
    status, reason, detail = answer_to(error)
    if _speaks_json(request):
        return Response({"reason": reason, "detail": CATALOGUES[language_in(request)].get(reason, detail)}, status_code=status)
    if reason in ("token_expired", "session_killed"):
        return Redirect("/login", status_code=303)
    return page(request, "fault.html", status=status, reason=reason, detail=detail)


def _http_fault(request: Page, error: HTTPException) -> Response[Any]:
    reason = _REASONS.get(error.status_code, "")
    if _speaks_json(request):
        return Response({"reason": reason, "detail": CATALOGUES[language_in(request)].get(reason, "")}, status_code=error.status_code)
    return page(request, "fault.html", status=error.status_code, reason=reason, detail=error.detail)


def _speaks_json(request: Page) -> bool:
    return request.headers.get("content-type", "").startswith("application/json")
