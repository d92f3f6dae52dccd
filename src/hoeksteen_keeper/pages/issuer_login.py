"""
Log-in at an identity provider of the operator's own, and the way back.

Where the browser went, for whom and with which secrets, is remembered here for five minutes, once, and for that browser alone (a cookie); each
issuer has an address of its own to come back to. Nobody is made an actor by it: two officers have linked whom the issuer names to an actor.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any

from anyio import CapacityLimiter
from litestar import Response, get
from litestar.datastructures import Cookie
from litestar.response import Redirect

from hoeksteen_keeper.errors import KeeperError, KeeperInvalid, KeeperRefused, answer_to
from hoeksteen_keeper.pages.challenges import LASTS
from hoeksteen_keeper.pages.issuers import Provider, Said
from hoeksteen_keeper.pages.login import leading_back, logged_in, login_page
from hoeksteen_keeper.pages.shared import Page, Rooms, headed, in_thread, page, rooms_of

COOKIE = "keeper_issuer"
_in_thread_of_its_own = partial(in_thread, limiter=CapacityLimiter(2))  # an issuer that does not answer keeps nobody else waiting


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A log-in that is under way."""

    browser: bytes
    nonce: str
    verifier: str
    form: Mapping[str, str]
    began: datetime


@get("/login/issuer/{name:str}")
@_in_thread_of_its_own
def begin(request: Page, name: str) -> Response[Any]:
    """Send the browser to the issuer."""
    rooms = rooms_of(request)
    form, _ = leading_back(rooms, request.query_params)
    try:
        provider = _provider(rooms, name)
        browser = request.cookies.get(COOKIE) or _secret(rooms)
        attempt = _Attempt(_hash(browser), _secret(rooms), _secret(rooms), form, rooms.machine())
        state = base64.urlsafe_b64encode(rooms.challenges.make(_purpose(name), attempt)).decode().rstrip("=")
        to = provider.begins(
            redirect_uri=_address(rooms, name), state=state, nonce=attempt.nonce, verifier=attempt.verifier, afresh="afresh" in request.query_params
        )
    except KeeperError as error:
        return _failed(request, form, error)
    kept = Cookie(COOKIE, value=browser, httponly=True, samesite="lax", path="/login/issuer", max_age=int(LASTS.total_seconds()))
    return headed(Redirect(to, status_code=303, cookies=[kept]), "")


@get("/login/issuer/{name:str}/back")
@_in_thread_of_its_own
def back(request: Page, name: str) -> Response[Any]:
    """Take the issuer's answer, and open a session for the actor to whom two officers linked whom it names."""
    rooms, form = rooms_of(request), dict[str, str]()
    try:
        provider = _provider(rooms, name)
        try:
            attempt = _attempt(request, name)
            form, origin = leading_back(rooms, attempt.form)
            said = _said(request, provider, attempt)
        except KeeperRefused as refused:
            raise rooms.sessions.note_refusal("", "log_in", f"issuer {name}", refused) from None
        actor = rooms.sessions.log_in_linked(issuer=provider.issuer.issuer, subject=said.subject, fault=said.fault)
        to, cookies = logged_in(rooms, form, actor, proof="oidc_strong" if said.strong else "oidc")
    except KeeperError as error:
        return _failed(request, form, error)
    if origin:
        return headed(Redirect(to, status_code=303, cookies=cookies), origin)
    # a strict cookie is not sent on a redirect that another site began, so the next page is asked for by this one
    arrived = page(request, "arrived.html", to=to)
    arrived.cookies = [*arrived.cookies, *cookies]
    return arrived


def _said(request: Page, provider: Provider, attempt: _Attempt) -> Said:
    given = request.query_params
    provider.require_issuer(given.get("iss"))
    if "error" in given or not given.get("code"):
        raise KeeperRefused("issuer_refused", "The identity provider did not log you in.")
    to = _address(rooms_of(request), provider.issuer.name)
    return provider.said(code=given["code"], verifier=attempt.verifier, redirect_uri=to, nonce=attempt.nonce, since=attempt.began)


def _attempt(request: Page, name: str) -> _Attempt:
    """:raises KeeperRefused: `log_in_over`, when no log-in at this issuer is under way in this browser"""
    try:
        challenge = base64.urlsafe_b64decode(request.query_params.get("state", "") + "==")
    except ValueError:
        challenge = b""
    found = rooms_of(request).challenges.take(_purpose(name), challenge)
    if not isinstance(found, _Attempt) or found.browser != _hash(request.cookies.get(COOKIE, "")):
        raise KeeperRefused("log_in_over", "No log-in of this browser waits for that answer: it took too long, or was used.")
    return found


def _provider(rooms: Rooms, name: str) -> Provider:
    if name not in rooms.issuers:
        raise KeeperInvalid("unknown_issuer", "There is no such identity provider.")
    return rooms.issuers[name]


def _failed(request: Page, form: Mapping[str, str], error: KeeperError) -> Response[Any]:
    """Say why, above the form that logs in by password."""
    status, reason, _ = answer_to(error)
    form, origin = leading_back(rooms_of(request), form)
    return login_page(request, form, origin, fault=reason, status=status)


def _address(rooms: Rooms, name: str) -> str:
    return f"{rooms.origin}/login/issuer/{name}/back"


def _purpose(name: str) -> str:
    return f"issuer {name}"


def _secret(rooms: Rooms) -> str:
    return base64.urlsafe_b64encode(rooms.random_bytes(32)).decode().rstrip("=")


def _hash(text: str) -> bytes:
    return sha256(text.encode()).digest()
