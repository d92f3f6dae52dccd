"""
The keeper's own origin: the only pages that see a secret or take an approval.

Nothing is inline, nothing comes from elsewhere; cookies are HttpOnly; every form carries a token against forged requests; only the keeper's own
host name is answered, so that a name which somebody else lets point here gets nothing.
"""

import os
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial, wraps
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import anyio.to_thread
from anyio import CapacityLimiter
from litestar import Litestar, Request, Response, get, post
from litestar.config.csrf import CSRFConfig
from litestar.datastructures import Cookie, State
from litestar.enums import RequestEncodingType
from litestar.exceptions import HTTPException
from litestar.params import Body
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Redirect, Template
from litestar.template.config import TemplateConfig

from hoeksteen_keeper.access.actors import Actors
from hoeksteen_keeper.access.approvals import Approvals
from hoeksteen_keeper.access.model import Caller
from hoeksteen_keeper.access.sessions import PAGES, PASSKEY_TICKET, PERSON_TOKEN_LASTS, Sessions
from hoeksteen_keeper.errors import KeeperError, KeeperInvalid, KeeperRefused, answer_to
from hoeksteen_keeper.pages import passkeys
from hoeksteen_keeper.pages.texts import CATALOGUES, language_of

_R = TypeVar("_R", bound=Response[Any])
_T = TypeVar("_T")
_P = ParamSpec("_P")
Page = Request[Any, Any, Any]
Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
_LIMITER = CapacityLimiter(4)
_COOKIE = "keeper_session"
_LEADS_BACK = ("service", "return_to", "state")
_CHALLENGE_LASTS = timedelta(minutes=5)
_HERE = Path(str(resources.files("hoeksteen_keeper").joinpath("pages")))
_STATIC = {"keeper.css": "text/css", "passkeys.js": "text/javascript"}
_HEADERS = {
    "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "publickey-credentials-get=(self), publickey-credentials-create=(self)",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rooms:
    """
    What the pages work with.

    :param origin: their own, such as `http://keeper.localhost:8400`
    """

    actors: Actors
    sessions: Sessions
    approvals: Approvals
    origin: str
    now: Callable[[], datetime]
    random_bytes: Callable[[int], bytes]


def _in_thread(page: Callable[_P, _T]) -> Callable[_P, Coroutine[Any, Any, _T]]:
    """Run a page in a thread; Litestar's own `sync_to_thread` breaks where GET and POST share a path (2.25)."""

    @wraps(page)
    async def run(*arguments: _P.args, **named: _P.kwargs) -> _T:
        return await anyio.to_thread.run_sync(partial(page, *arguments, **named), limiter=_LIMITER)

    return run


def pages(rooms: Rooms) -> Litestar:
    """Give the application that serves the pages."""
    handlers = [
        home, login, log_in, log_out, approvals, approval, approval_options, approve, refuse, revoke, own_passkeys, passkey_options,
        register_passkey, static,
    ]  # fmt: skip
    return Litestar(
        handlers,
        csrf_config=CSRFConfig(secret=os.urandom(32).hex(), cookie_httponly=True, cookie_samesite="strict"),
        template_config=TemplateConfig(directory=_HERE / "templates", engine=JinjaTemplateEngine),
        before_request=_only_own_host,
        exception_handlers={KeeperError: _fault, HTTPException: _http_fault},
        state=State({"rooms": rooms, "challenges": {}}),
        openapi_config=None,
        logging_config=None,
        request_max_body_size=1 << 20,
    )


# --- log-in


@get("/")
@_in_thread
def home(request: Page) -> Redirect:
    """Lead to the approvals."""
    return Redirect("/approvals")


@get("/login")
@_in_thread
def login(request: Page) -> Template:
    """Show the log-in form, after checking where it leads back to."""
    form = {name: request.query_params.get(name, "") for name in _LEADS_BACK}
    back = _origin_of_service(_rooms(request), form["service"], form["return_to"]) if form["service"] else ""
    return _page(request, "login.html", back=back, form=form)


@post("/login", status_code=200)
@_in_thread
def log_in(request: Page, data: Form) -> Response[Any]:
    """Check password and code; then send the browser back with a one-time code, or open a session here."""
    rooms, form = _rooms(request), {name: data.get(name, "") for name in _LEADS_BACK}
    back = _origin_of_service(rooms, form["service"], form["return_to"]) if form["service"] else ""
    try:
        actor = rooms.sessions.log_in(actor=data.get("actor", "").strip(), password=data.get("password", ""), code=data.get("code", ""))
        if back:
            code = rooms.sessions.issue_code(actor=actor, service=form["service"])
            joint = "&" if urlsplit(form["return_to"]).query else "?"
            return _headed(Redirect(f"{form['return_to']}{joint}{urlencode({'code': code, 'state': form['state']})}", status_code=303), back)
        opened = rooms.sessions.open_page(actor)
    except KeeperRefused as error:
        return _page(request, "login.html", back=back, form=form, fault=error.reason, status=403)
    kept = Cookie(_COOKIE, value=opened.token, httponly=True, samesite="strict", max_age=int(PERSON_TOKEN_LASTS.total_seconds()))
    return Redirect("/approvals", status_code=303, cookies=[kept])


@post("/logout", status_code=303)
@_in_thread
def log_out(request: Page, data: Form) -> Redirect:
    """End the session of these pages."""
    _rooms(request).sessions.close(request.cookies.get(_COOKIE, ""))
    return Redirect("/login", status_code=303, cookies=[Cookie(_COOKIE, value="", max_age=0, httponly=True, samesite="strict")])


# --- approvals


@get("/approvals")
@_in_thread
def approvals(request: Page) -> Template:
    """List what waits for a decision, and what was decided."""
    rooms, caller = _rooms(request), _caller(request)
    grants = rooms.approvals.listing(caller)
    return _page(request, "approvals.html", caller=caller, grants=grants)


@get("/approvals/{grant:uuid}")
@_in_thread
def approval(request: Page, grant: UUID) -> Template:
    """Render one grant: its facts, and the bytes that are signed."""
    rooms, caller = _rooms(request), _caller(request)
    found = rooms.approvals.show(caller, grant)
    return _page(
        request, "approval.html", caller=caller, grant=found, held=rooms.actors.passkeys(caller.actor.actor),
        decides=rooms.approvals.decides(caller)
    )  # fmt: skip


@post("/approvals/{grant:uuid}/options", status_code=200)
@_in_thread
def approval_options(request: Page, grant: UUID) -> dict[str, Any]:
    """Give the browser the challenge: the grant's digest."""
    rooms, caller = _rooms(request), _caller(request)
    found = rooms.approvals.show(caller, grant)
    return passkeys.approval_options(rooms.actors, caller.actor, digest=bytes.fromhex(found["digest"]))


@post("/approvals/{grant:uuid}/approve", status_code=200)
@_in_thread
def approve(request: Page, grant: UUID, data: dict[str, Any]) -> dict[str, str]:
    """Approve with a passkey's signature over the digest that the page showed."""
    rooms, caller = _rooms(request), _caller(request)
    digest = _digest(data)
    signed = rooms.approvals.approve(caller, grant, digest=digest, verify=lambda: passkeys.verified_by_passkey(
        rooms.actors, caller.actor, digest=digest, credential=data.get("credential") or {}, origin=rooms.origin
    ))  # fmt: skip
    return {"state": signed["state"]}


@post("/approvals/{grant:uuid}/refuse", status_code=303)
@_in_thread
def refuse(request: Page, grant: UUID, data: Form) -> Redirect:
    """Refuse a grant."""
    _rooms(request).approvals.refuse(_caller(request), grant, reason=data.get("reason", ""))
    return Redirect(f"/approvals/{grant}", status_code=303)


@post("/approvals/{grant:uuid}/revoke", status_code=303)
@_in_thread
def revoke(request: Page, grant: UUID, data: Form) -> Redirect:
    """Revoke a running grant."""
    _rooms(request).approvals.revoke(_caller(request), grant, reason=data.get("reason", ""))
    return Redirect(f"/approvals/{grant}", status_code=303)


# --- passkeys


@get("/passkeys")
@_in_thread
def own_passkeys(request: Page) -> Template:
    """List a person's passkeys, and offer to register one."""
    rooms, caller = _rooms(request), _caller(request)
    return _page(request, "passkeys.html", caller=caller, held=rooms.actors.passkeys(caller.actor.actor))


@post("/passkeys/options", status_code=200)
@_in_thread
def passkey_options(request: Page, data: dict[str, Any]) -> dict[str, Any]:
    """Give the browser a challenge for a new passkey, for a ticket that only the proof of an approval key gives."""
    rooms, caller = _rooms(request), _caller(request)
    ticket_of = rooms.sessions.redeem(str(data.get("ticket", "")), service=PASSKEY_TICKET)
    if ticket_of != caller.actor.actor:
        raise KeeperRefused("code_invalid", "The proof is somebody else's.")
    challenges: dict[Any, tuple[bytes, datetime]] = request.app.state.challenges
    for session in [session for session, (_, until) in challenges.items() if until <= rooms.now()]:
        challenges.pop(session, None)
    challenge = rooms.random_bytes(32)
    challenges[caller.session] = challenge, rooms.now() + _CHALLENGE_LASTS
    return passkeys.registration_options(rooms.actors, caller.actor, challenge=challenge)


@post("/passkeys/register", status_code=200)
@_in_thread
def register_passkey(request: Page, data: dict[str, Any]) -> dict[str, str]:
    """Register the passkey that the browser made."""
    rooms, caller = _rooms(request), _caller(request)
    challenge, until = request.app.state.challenges.pop(caller.session, (b"", rooms.now()))
    if until <= rooms.now():
        raise KeeperRefused("code_invalid", "The registration took too long; begin again.")
    key = passkeys.register(rooms.actors, caller.actor, credential=data.get("credential") or {}, challenge=challenge, origin=rooms.origin)
    return {"key": key}


@get("/static/{name:str}")
@_in_thread
def static(name: str) -> Response[bytes]:
    """Give a file of ours; there is no other folder."""
    if name not in _STATIC:
        raise HTTPException(status_code=404)
    return Response(
        (_HERE / "static" / name).read_bytes(), media_type=_STATIC[name], headers={"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    )


# --- what they share


def _rooms(request: Page) -> Rooms:
    found: Rooms = request.app.state.rooms
    return found


def _caller(request: Page) -> Caller:
    token = request.cookies.get(_COOKIE, "")
    if not token:
        raise KeeperRefused("token_expired", "Log in first.")
    caller = _rooms(request).sessions.caller(token)
    if caller.medium != PAGES:
        raise KeeperRefused("token_expired", "The token was issued to another service.")
    return caller


def _digest(data: Mapping[str, Any]) -> bytes:
    try:
        return bytes.fromhex(str(data.get("digest", "")))
    except ValueError as error:
        raise KeeperInvalid("digest_differs", "The digest is no hexadecimal number.") from error


def _origin_of_service(rooms: Rooms, service: str, return_to: str) -> str:
    """
    Give the origin that a log-in leads back to.

    :raises KeeperInvalid: `return_refused`, when it is not on the service's list: nobody types a password on the way to an unknown place
    """
    parts = urlsplit(return_to)
    origin = f"{parts.scheme}://{parts.netloc}"
    try:
        found = rooms.actors.find(service)
    except KeeperInvalid as error:
        raise KeeperInvalid("return_refused", "An unknown service sent you here.") from error
    if found.kind != "service" or origin not in found.origins or "\\" in return_to or parts.fragment:
        raise KeeperInvalid("return_refused", "The service may not send you back there.")
    return origin


def _page(request: Page, name: str, *, status: int = 200, back: str = "", caller: Caller | None = None, **context: Any) -> Template:
    chosen = request.query_params.get("lang") or request.cookies.get("keeper_lang")
    language = language_of(request.headers.get("accept-language", ""), chosen)
    context |= {"t": CATALOGUES[language], "lang": language, "caller": caller, "back": back, "path": request.url.path, "query": request.url.query}
    page = Template(
        name, context=context, status_code=status, cookies=[Cookie("keeper_lang", value=language, httponly=True, samesite="lax", max_age=31_536_000)]
    )
    return _headed(page, back)


def _headed(response: _R, back: str) -> _R:
    # a browser applies form-action to the redirect after a form as well, so the place that a log-in leads back to is named
    form_action = f"'self' {back}".strip()
    policy = (
        f"default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action {form_action}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    response.headers.update({**_HEADERS, "Content-Security-Policy": policy})
    return response


async def _only_own_host(request: Page) -> Response[str] | None:
    own = urlsplit(_rooms(request).origin).netloc
    return None if request.headers.get("host") == own else Response("This is the keeper; it answers to its own name only.", status_code=421)


def _fault(request: Page, error: KeeperError) -> Response[Any]:
    status, reason, detail = answer_to(error)
    if request.headers.get("content-type", "").startswith("application/json"):
        return Response({"reason": reason, "detail": CATALOGUES[_language(request)].get(reason, detail)}, status_code=status)
    if reason in ("token_expired", "session_killed"):
        return Redirect("/login", status_code=303)
    return _page(request, "fault.html", status=status, reason=reason, detail=detail)


def _http_fault(request: Page, error: HTTPException) -> Response[Any]:
    return _page(request, "fault.html", status=error.status_code, reason="not_found" if error.status_code == 404 else "", detail=error.detail)


def _language(request: Page) -> str:
    return language_of(request.headers.get("accept-language", ""), request.cookies.get("keeper_lang"))
