"""What an issuer's answer must not do: be forged, be another's, be another browser's, be used twice, or lead elsewhere."""

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from fixtures.issuer import CLIENT, Issuers
from fixtures.keeper import RunningKeeper
from fixtures.pages import Browser


def _begun(browser: Browser, name: str = "office") -> str:
    """Give the address that the issuer sends the browser back to."""
    return str(httpx.get(browser.get(f"/login/issuer/{name}").headers["location"]).headers["location"])


def _back(browser: Browser, address: str, **changed: str | None) -> httpx.Response:
    parts = urlsplit(address)
    query = {**{name: values[0] for name, values in parse_qs(parts.query).items()}, **changed}
    return browser.get(f"{parts.path}?{urlencode({name: value for name, value in query.items() if value is not None})}")


@pytest.fixture(autouse=True)
def honest(linked_keeper: RunningKeeper, issuers: Issuers) -> None:
    for number in (0, 1):
        issuers.tell(number)
    linked_keeper.sql("UPDATE access.actor SET failures = 0, locked_until = NULL")


@pytest.mark.parametrize(
    "told",
    [
        {"alg": "none"},
        {"alg": "HS256"},  # with the public key as the secret
        {"stranger": True},  # a key that is not the issuer's, under the name of one that is
        {"alg": "ES256", "kid": "rsa-other"},
        {"claims": {"iss": "https://evil.example"}},
        {"claims": {"aud": "another-client"}},
        {"claims": {"aud": None}},
        {"claims": {"aud": [CLIENT, "another-client"]}},  # and no azp
        {"claims": {"azp": "another-client"}},
        {"claims": {"nonce": "of-another-log-in"}},
        {"claims": {"nonce": None}},
        {"claims": {"exp": {"from_now": -3600}}},
        {"claims": {"exp": None}},
        {"claims": {"exp": True}},
        {"claims": {"iat": {"from_now": -3600}}},
        {"claims": {"iat": {"from_now": 3600}}},
        {"claims": {"iat": None}},
        {"claims": {"nbf": {"from_now": 3600}}},
        {"claims": {"sub": None}},
        {"claims": {"sub": 7}},
        {"answer": {"iss": "https://evil.example"}},
        {"answer": {"iss": None}},
        {"answer": {"code": None}},
    ],
    ids=str,
)
def test_a_token_that_is_forged_or_for_something_else(linked_keeper: RunningKeeper, issuers: Issuers, told: dict[str, Any]) -> None:
    browser = Browser(linked_keeper)
    issuers.tell(**told)
    refused = _back(browser, _begun(browser))
    assert refused.status_code == 403 and ("does not fit" in refused.text or "did not log you in" in refused.text)
    assert "keeper_session" not in browser.http.cookies and browser.get("/approvals").status_code == 303
    issuers.tell()
    assert _back(browser, _begun(browser)).status_code == 200  # the same browser, honestly


def test_an_answer_is_for_one_browser_once(linked_keeper: RunningKeeper, issuers: Issuers) -> None:
    mine, theirs = Browser(linked_keeper), Browser(linked_keeper)
    address = _begun(mine)
    _begun(theirs)
    for refused in (
        _back(theirs, address),  # the attacker's own answer, planted in somebody else's browser
        _back(mine, address),  # which has used the state up
    ):
        assert refused.status_code == 403 and "another browser" in refused.text
    address = _begun(mine)
    for state in ("", "made-up", "ü", "A" * 43, None):
        assert _back(mine, address, state=state).status_code == 403
    assert _back(mine, address).status_code == 200
    mine.http.cookies.delete("keeper_session")
    assert _back(mine, address).status_code == 403
    replayed = _begun(mine)
    code = parse_qs(urlsplit(address).query)["code"][0]
    refused = _back(mine, replayed, code=code)  # a code that was used, in a log-in of its own
    assert refused.status_code == 403 and "did not log you in" in refused.text
    assert "keeper_session" not in mine.http.cookies


def test_two_issuers_are_not_mixed_up(linked_keeper: RunningKeeper, issuers: Issuers) -> None:
    browser = Browser(linked_keeper)
    issuers.tell(1, claims={"sub": "dewi-at-work"})
    address, other = _begun(browser), _begun(browser, "other")
    crossed = address.replace("/issuer/office/", "/issuer/other/")
    assert _back(browser, crossed).status_code == 403  # the state is the first's
    address = _begun(browser)
    taken = parse_qs(urlsplit(other).query)
    before = issuers.asked("/token")
    assert _back(browser, address, code=taken["code"][0], iss=taken["iss"][0]).status_code == 403  # the second's answer on the first's way back
    assert issuers.asked("/token") == before  # and its code went to nobody
    issuers.tell(1, claims={"sub": "anna-at-work"})  # the second names somebody of the first
    assert _back(browser, _begun(browser, "other")).status_code == 403
    issuers.tell(1, claims={"iss": issuers.url(0), "sub": "anna-at-work"})
    assert _back(browser, _begun(browser, "other")).status_code == 403
    assert "keeper_session" not in browser.http.cookies


def test_keys_that_nobody_knows_are_not_asked_for_on_and_on(linked_keeper: RunningKeeper, issuers: Issuers) -> None:
    browser = Browser(linked_keeper)
    assert _back(browser, _begun(browser)).status_code == 200
    before = issuers.asked("/jwks")
    for number in range(30):
        issuers.tell(kid=f"made-up-{number}")
        assert _back(browser, _begun(browser)).status_code == 403
    assert issuers.asked("/jwks") - before <= 2


def test_failures_lock_out_as_with_a_password(linked_keeper: RunningKeeper, issuers: Issuers) -> None:
    browser = Browser(linked_keeper)
    issuers.tell(claims={"nonce": "of-another-log-in"})
    for _ in range(5):
        assert "does not fit" in _back(browser, _begun(browser)).text
    issuers.tell()
    refused = _back(browser, _begun(browser))
    assert refused.status_code == 403 and "Too many failures" in refused.text
    linked_keeper.sql("UPDATE access.actor SET failures = 0, locked_until = NULL")
    assert _back(browser, _begun(browser)).status_code == 200


def test_nobody_is_led_to_another_origin(linked_keeper: RunningKeeper, issuers: Issuers) -> None:
    browser = Browser(linked_keeper)
    for elsewhere in ("https://evil.example/session", "http://desk.localhost:8400@evil.example/", "//evil.example"):
        begun = browser.get(f"/login/issuer/office?{urlencode({'service': 'desk', 'return_to': elsewhere, 'state': 's'})}")
        assert begun.status_code == 400 and "location" not in begun.headers and "unknown" in begun.text
    address = _begun(browser)
    answer = _back(browser, f"{address}&return_to=https://evil.example&service=desk")  # what began the log-in counts, not what comes back
    assert answer.status_code == 200 and "evil.example" not in answer.text + str(answer.headers)
    before = issuers.asked("/token", 1)
    issuers.tell(redirects={"/token": f"{issuers.url(1)}/token"})  # the issuer's own redirect takes the secret nowhere
    assert _back(browser, _begun(browser)).status_code == 503 and issuers.asked("/token", 1) == before
