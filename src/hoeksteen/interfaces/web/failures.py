"""How a site shows that something cannot be: one page, or one line inside the page, with the remedy. Never a stack trace."""

import logging
from typing import Any
from urllib.parse import quote

from litestar import Response
from litestar.datastructures import Cookie
from litestar.exceptions import HTTPException
from litestar.response import Redirect
from litestar.types import ExceptionHandlersMap

from hoeksteen.interfaces.problems import PROBLEMS
from hoeksteen.interfaces.web.login import SESSION_ENDED
from hoeksteen.interfaces.web.site import LogInNeeded, Site, Web, visitor_of
from hoeksteen.kernel.errors import AccessDenied, HoeksteenError

_log = logging.getLogger("hoeksteen.web")


def failure_handlers(site: Site) -> ExceptionHandlersMap:
    """Give the handlers of everything that can go wrong on a site."""

    def log_in_needed(request: Web, _: Exception) -> Response[Any]:
        came_from = request.scope["path"] if request.method == "GET" and request.headers.get("hx-request") != "true" else "/"
        where = f"/login?next={quote(came_from)}"
        gone = Cookie(site.session_cookie, value="", path="/", httponly=True, samesite="lax", max_age=0)
        if request.headers.get("hx-request") == "true":
            return Response("", status_code=200, headers={"HX-Redirect": where}, cookies=[gone])
        return Redirect(where, status_code=303, cookies=[gone])

    def ours(request: Web, error: HoeksteenError) -> Response[Any]:
        reason = error.reason if isinstance(error, AccessDenied) else ""
        if reason in SESSION_ENDED:
            return log_in_needed(request, error)
        status = PROBLEMS[error.code].http_status
        if status >= 500:
            _log.error("%s %s ended with %s", request.method, request.route_handler.name or request.route_handler.handler_name, error.code)
        return visitor_of(site, request).page(
            _template(request), status=status, code=error.code, reason=reason, message=error.message, remedy=error.remedy, status_code=status
        )

    def litestars(request: Web, error: HTTPException) -> Response[Any]:
        code, status = "not_found" if error.status_code == 404 else "invalid_input", error.status_code
        return visitor_of(site, request).page(_template(request), status=status, code=code, reason="", message="", remedy="", status_code=status)

    def unforeseen(request: Web, error: Exception) -> Response[Any]:
        # the error's own text may hold what a person typed, so only its type and place are logged
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        _log.error("unforeseen %s in %s", type(error).__name__, "?" if place is None else f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}")
        return visitor_of(site, request).page(_template(request), status=500, code="corrupt", reason="", message="", remedy="", status_code=500)

    return {LogInNeeded: log_in_needed, HoeksteenError: ours, HTTPException: litestars, Exception: unforeseen}


def _template(request: Web) -> str:
    return "web/failure_part.html" if request.headers.get("hx-request") == "true" else "web/failure.html"
