"""What the pages share: the rooms they work with, who is looking, how a page is made and what its headers forbid."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial, wraps
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Template

from hoeksteen_keeper.access.actors import Actors
from hoeksteen_keeper.access.approvals import Approvals
from hoeksteen_keeper.access.change_approvals import ChangeApprovals
from hoeksteen_keeper.access.model import Caller
from hoeksteen_keeper.access.sessions import PAGES, Sessions
from hoeksteen_keeper.errors import KeeperRefused
from hoeksteen_keeper.pages.challenges import Challenges
from hoeksteen_keeper.pages.issuers import Provider
from hoeksteen_keeper.pages.texts import CATALOGUES, language_of

_R = TypeVar("_R", bound=Response[Any])
_T = TypeVar("_T")
_P = ParamSpec("_P")
Page = Request[Any, Any, Any]
Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
COOKIE = "keeper_session"
HERE = Path(str(resources.files("hoeksteen_keeper").joinpath("pages")))
_LIMITER = CapacityLimiter(4)
_HEADERS = {
    "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "publickey-credentials-get=(self), publickey-credentials-create=(self)",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rooms:
    """
    What the pages work with.

    :param origin: their own, such as `http://keeper.localhost:8400`
    :param issuers: the identity providers at which people may log in, by name
    :param machine: the machine's own clock
    """

    actors: Actors
    sessions: Sessions
    approvals: Approvals
    changes: ChangeApprovals
    origin: str
    random_bytes: Callable[[int], bytes]
    challenges: Challenges
    issuers: Mapping[str, Provider]
    machine: Callable[[], datetime]


def in_thread(page: Callable[_P, _T], limiter: CapacityLimiter = _LIMITER) -> Callable[_P, Coroutine[Any, Any, _T]]:
    """
    Run a page in a thread, of as many as the limiter lets run at once.

    Litestar's own `sync_to_thread` breaks where GET and POST share a path (2.25).
    """

    @wraps(page)
    async def run(*arguments: _P.args, **named: _P.kwargs) -> _T:
        return await anyio.to_thread.run_sync(partial(page, *arguments, **named), limiter=limiter)

    return run


def rooms_of(request: Page) -> Rooms:
    """Give what the pages work with."""
    found: Rooms = request.app.state.rooms
    return found


def caller_of(request: Page) -> Caller:
    """:raises KeeperRefused: `token_expired`, when nobody is logged in on these pages"""
    token = request.cookies.get(COOKIE, "")
    if not token:
        raise KeeperRefused("token_expired", "Log in first.")
    caller = rooms_of(request).sessions.caller(token)
    if caller.medium != PAGES:
        raise KeeperRefused("token_expired", "The token was issued to another service.")
    return caller


def page(request: Page, name: str, *, status: int = 200, back: str = "", caller: Caller | None = None, **context: Any) -> Template:
    """Give a page in the reader's language."""
    chosen = request.query_params.get("lang") or request.cookies.get("keeper_lang")
    language = language_of(request.headers.get("accept-language", ""), chosen)
    context |= {"t": CATALOGUES[language], "lang": language, "caller": caller, "back": back, "path": request.url.path, "query": request.url.query}
    context["signs"] = caller is not None and rooms_of(request).changes.signs(caller)
    page = Template(
        name, context=context, status_code=status, cookies=[Cookie("keeper_lang", value=language, httponly=True, samesite="lax", max_age=31_536_000)]
    )
    return headed(page, back)


def headed(response: _R, back: str) -> _R:
    """Forbid everything that a page does not need; `back` is the origin that a form may lead back to."""
    # a browser applies form-action to the redirect after a form as well, so the place that a log-in leads back to is named
    form_action = f"'self' {back}".strip()
    policy = (
        f"default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action {form_action}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    response.headers.update({**_HEADERS, "Content-Security-Policy": policy})
    return response


def language_in(request: Page) -> str:
    """Give the language of a request whose page is not made here."""
    return language_of(request.headers.get("accept-language", ""), request.cookies.get("keeper_lang"))
