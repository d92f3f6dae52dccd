"""Log-in by password and code or by passkey, step-up, and the way back to the service that asked."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.response import Redirect, Template

from hoeksteen_keeper.access.sessions import PAGES, PERSON_TOKEN_LASTS
from hoeksteen_keeper.errors import KeeperInvalid, KeeperRefused
from hoeksteen_keeper.pages import passkeys
from hoeksteen_keeper.pages.shared import COOKIE, Form, Page, Rooms, headed, in_thread, page, rooms_of

_LEADS_BACK = ("service", "return_to", "state")
_LOG_IN = "log-in"


@get("/")
@in_thread
def home(request: Page) -> Redirect:
    """Lead to the approvals."""
    return Redirect("/approvals")


@get("/login")
@in_thread
def login(request: Page) -> Template:
    """Show the log-in form, after checking where it leads back to."""
    form, back = leading_back(rooms_of(request), request.query_params)
    return login_page(request, form, back)


@get("/step-up")
@in_thread
def step_up(request: Page) -> Template:
    """Ask for a passkey afresh, before something that cannot be undone."""
    form, back = leading_back(rooms_of(request), request.query_params)
    return login_page(request, form, back, step_up=True)


@post("/login", status_code=200)
@in_thread
def log_in(request: Page, data: Form) -> Response[Any]:
    """Check password and code; then send the browser back with a one-time code, or open a session here."""
    sessions = rooms_of(request).sessions
    return _entered(request, data, lambda: (sessions.log_in(
        actor=data.get("actor", "").strip(), password=data.get("password", ""), code=data.get("code", "")
    ), "password"))  # fmt: skip


@post("/login/key", status_code=200)
@in_thread
def log_in_by_key(request: Page, data: Form) -> Response[Any]:
    """Take the one-time code that the proof of a person's own key gave, in place of password and code."""
    sessions = rooms_of(request).sessions

    def proven() -> tuple[str, str]:
        actor, proof = sessions.redeem(data.get("key_code", "").strip(), service=PAGES)
        return sessions.admit(actor), proof

    return _entered(request, data, proven)


def _entered(request: Page, data: Form, prove: Callable[[], tuple[str, str]]) -> Response[Any]:
    """Let in whom a form proves, by what, or show the form again with what was refused."""
    rooms = rooms_of(request)
    form, back = leading_back(rooms, data)
    try:
        actor, proof = prove()
        to, cookies = logged_in(rooms, form, actor, proof=proof)
    except KeeperRefused as error:
        return login_page(request, form, back, fault=error.reason, status=403)
    return headed(Redirect(to, status_code=303, cookies=cookies), back)


@post("/login/passkey/options", status_code=200)
@in_thread
def log_in_options(request: Page, data: dict[str, Any]) -> dict[str, Any]:
    """Give the browser a challenge that any passkey of this origin may sign."""
    return passkeys.log_in_options(challenge=rooms_of(request).challenges.make(_LOG_IN))


@post("/login/passkey", status_code=200)
@in_thread
def log_in_by_passkey(request: Page, data: dict[str, Any]) -> Response[dict[str, str]]:
    """Check a passkey's signature, and say where the browser goes now."""
    rooms = rooms_of(request)
    form, _ = leading_back(rooms, data)
    credential = data.get("credential") or {}
    challenge = passkeys.challenge_of(credential)
    if not rooms.challenges.use(_LOG_IN, challenge):
        raise KeeperRefused("passkey_refused", "The log-in took too long, or was tried before; begin again.")
    actor = rooms.sessions.admit(passkeys.logged_in_by_passkey(rooms.actors, challenge=challenge, credential=credential, origin=rooms.origin))
    to, cookies = logged_in(rooms, form, actor, proof="passkey")
    return Response({"to": to}, cookies=cookies)


@post("/logout", status_code=303)
@in_thread
def log_out(request: Page, data: Form) -> Redirect:
    """End the session of these pages."""
    rooms_of(request).sessions.close(request.cookies.get(COOKIE, ""))
    return Redirect("/login", status_code=303, cookies=[Cookie(COOKIE, value="", max_age=0, httponly=True, samesite="strict")])


def login_page(request: Page, form: Mapping[str, str], back: str, *, step_up: bool = False, **more: Any) -> Template:
    """Give the form, with every other way to log in; a fresh proof is asked only of issuers that can give one."""
    issuers = [one.issuer for one in rooms_of(request).issuers.values() if one.issuer.proves_afresh or not step_up]
    return page(request, "login.html", back=back, form=form, step_up=step_up, issuers=issuers, query_back=urlencode(form), **more)


def leading_back(rooms: Rooms, given: Mapping[str, Any]) -> tuple[dict[str, str], str]:
    """Give where a log-in leads back to, as a form carries it on, and that place's origin; both empty where it leads nowhere."""
    form = {name: str(given.get(name, "")) for name in _LEADS_BACK}
    return form, _origin_of_service(rooms, form["service"], form["return_to"]) if form["service"] else ""


def logged_in(rooms: Rooms, form: Mapping[str, str], actor: str, *, proof: str) -> tuple[str, list[Cookie]]:
    """Give where the browser goes now: back with a one-time code, or to the keeper's own pages with a session."""
    if form["service"]:
        code = rooms.sessions.issue_code(actor=actor, service=form["service"], proof=proof)
        joint = "&" if urlsplit(form["return_to"]).query else "?"
        return f"{form['return_to']}{joint}{urlencode({'code': code, 'state': form['state']})}", []
    opened = rooms.sessions.open_page(actor, proof=proof)
    return "/approvals", [Cookie(COOKIE, value=opened.token, httponly=True, samesite="strict", max_age=int(PERSON_TOKEN_LASTS.total_seconds()))]


def _origin_of_service(rooms: Rooms, service: str, return_to: str) -> str:
    """
    Give the origin that a log-in leads back to.

    :raises KeeperInvalid: `return_refused`, when it is not on the service's list: nobody types a password on the way to an unknown place
    """
    try:
        parts = urlsplit(return_to)
        found = rooms.actors.find(service)
    except (ValueError, KeeperInvalid) as error:
        raise KeeperInvalid("return_refused", "An unknown service sent you here, or with an address that is none.") from error
    origin = f"{parts.scheme}://{parts.netloc}"
    if found.kind != "service" or origin not in found.origins or "\\" in return_to or parts.fragment:
        raise KeeperInvalid("return_refused", "The service may not send you back there.")
    return origin
