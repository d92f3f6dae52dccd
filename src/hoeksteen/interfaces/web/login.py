"""Log-in on the keeper's own origin: the site sends the browser there and gets a one-time code back. It never sees a secret."""

import contextlib
import hmac
import secrets
from typing import Any
from urllib.parse import urlsplit

from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler
from litestar.response import Redirect

from hoeksteen.disclosure import queries as disclosure
from hoeksteen.interfaces.web.site import LANGUAGE_COOKIE, Form, LogInNeeded, Site, Visit, Web, csrf_of, visitor_of
from hoeksteen.interfaces.web.words import LANGUAGES
from hoeksteen.kernel.errors import AccessDenied, InvalidInput
from hoeksteen_keeper.client import KeeperError

_STATE_COOKIE = "login_state"
_STATE_SECONDS = 600
_YEAR_SECONDS = 31_536_000
SESSION_ENDED = frozenset({"token_expired", "token_not_yours", "session_killed", "actor_blocked", "organisation_blocked"})


def visit_of(site: Site, request: Web) -> Visit:
    """
    Give who is logged in, as the keeper says at this moment; so a kill switch works from the next request on.

    :raises LogInNeeded: when there is no session, or the keeper ended it
    """
    token = request.cookies.get(site.session_cookie, "")
    if not token:
        raise LogInNeeded
    try:
        session = disclosure.session(keeper=site.runtime.keeper, token=token)
    except AccessDenied as error:
        raise LogInNeeded from error
    visitor = visitor_of(site, request)
    return Visit(site, visitor.words, visitor.now, visitor.path, visitor.partial, session, csrf_of(token))


async def refuse_forged(site: Site, request: Web) -> None:
    """
    Refuse a change that no page of this site made.

    :raises AccessDenied: with the reason `forged_form`
    """
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    origin = request.headers.get("origin")
    given = request.headers.get("x-csrf-token") or str((await request.form()).get("csrf", ""))
    expected = csrf_of(request.cookies.get(site.session_cookie, ""))
    if origin not in (None, site.origin) or not hmac.compare_digest(given.encode(), expected.encode()):
        raise AccessDenied(
            "This form was not made by this site for this session.", reason="forged_form", remedy="Load the page again and repeat the change."
        )


def login_routes(site: Site) -> list[BaseRouteHandler]:
    """Give the handlers for logging in, coming back, logging out and choosing a language."""

    @get("/login", sync_to_thread=True)
    def log_in(request: Web) -> Response[Any]:
        state = secrets.token_urlsafe(24)
        came_from = _own_path(request.query_params.get("next", "/"))
        cookie = Cookie(
            _STATE_COOKIE, value=f"{state}~{came_from}", path="/login", httponly=True, samesite="lax", max_age=_STATE_SECONDS, secure=site.secure
        )
        where = disclosure.login_url(keeper=site.runtime.keeper, return_to=f"{site.origin}/login/back", state=state)
        return Redirect(where, status_code=303, cookies=[cookie])

    @get("/login/back", sync_to_thread=True)
    def back(request: Web) -> Response[Any]:
        state, _, came_from = request.cookies.get(_STATE_COOKIE, "").partition("~")
        given, code = request.query_params.get("state", ""), request.query_params.get("code", "")
        if not state or not hmac.compare_digest(state.encode(), given.encode()):
            raise InvalidInput("This log-in was not started in this browser.", remedy="Start again from the first page.")
        session = disclosure.exchange(keeper=site.runtime.keeper, code=code)
        kept = Cookie(site.session_cookie, value=session.token, path="/", httponly=True, samesite="lax", secure=site.secure)
        done = Cookie(_STATE_COOKIE, value="", path="/login", httponly=True, samesite="lax", max_age=0)
        return Redirect(_own_path(came_from), status_code=303, cookies=[kept, done])

    @post("/logout", sync_to_thread=True)
    def log_out(request: Web) -> Response[Any]:
        token = request.cookies.get(site.session_cookie, "")
        with contextlib.suppress(KeeperError):  # it has ended already, or ends by itself: the cookie goes in any case
            site.runtime.keeper.logout(token)
        gone = Cookie(site.session_cookie, value="", path="/", httponly=True, samesite="lax", max_age=0)
        return Redirect("/goodbye", status_code=303, cookies=[gone])

    @get("/goodbye", sync_to_thread=True)
    def goodbye(request: Web) -> Response[str]:
        return visitor_of(site, request).page("web/goodbye.html")

    @post("/language", sync_to_thread=False)
    def choose_language(form: NamedDependency[Form]) -> Response[Any]:
        if form["language"] not in LANGUAGES:
            raise InvalidInput("The field language is nl or en.", remedy="Choose one of the two.")
        kept = Cookie(LANGUAGE_COOKIE, value=form["language"], path="/", samesite="lax", max_age=_YEAR_SECONDS, secure=site.secure)
        return Redirect(_own_path(form["next"] or "/"), status_code=303, cookies=[kept])

    return [log_in, back, log_out, goodbye, choose_language]


def _own_path(path: str) -> str:
    """Give a path of this site; anything that would lead elsewhere leads to the first page."""
    parts = urlsplit(path)
    return path if path.startswith("/") and not path.startswith(("//", "/\\", "/login")) and not parts.scheme and not parts.netloc else "/"
