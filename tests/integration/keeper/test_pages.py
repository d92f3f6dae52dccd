"""The keeper's own pages, as a browser and an authenticator meet them."""

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import httpx
import pytest

from fixtures.keeper import PASSWORD, RunningKeeper, new_subject
from fixtures.pages import Authenticator, Browser, base64url
from hoeksteen_keeper.client import KeeperRefused


@pytest.fixture
def browser(keeper: RunningKeeper) -> Iterator[Browser]:
    opened = Browser(keeper)
    yield opened
    opened.http.close()


def ask(keeper: RunningKeeper, ticket: str = "T-1001") -> dict[str, Any]:
    return keeper.client("m.tan").request_grant(purpose="support", categories=["identity"], subjects=[new_subject()], ticket=ticket, minutes=15)


def test_pages_are_strict(browser: Browser) -> None:
    answer = browser.get("/login")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe-inline" not in policy and "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store" and answer.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son[a-z]+=|style=", answer.text)
    assert re.findall(r'(?:src|href)="(https?:|//)', answer.text) == []
    for path, kind in (("/static/keeper.css", "text/css"), ("/static/passkeys.js", "text/javascript")):
        assert browser.get(path).headers["content-type"].startswith(kind)
    for path in ("/static/app.py", "/static/../app.py", "/static/%2e%2e/app.py", "/nothing"):
        assert browser.get(path).status_code == 404


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(browser: Browser) -> None:
    answer = browser.form("/login", actor="chris.smit", password=PASSWORD, code=browser.keeper.totp("chris.smit"))
    session = next(cookie for cookie in answer.headers.get_list("set-cookie") if cookie.startswith("keeper_session="))
    assert "HttpOnly" in session and "samesite=strict" in session.casefold()


def test_another_host_name_gets_nothing(keeper: RunningKeeper) -> None:
    for host in ("evil.example", f"127.0.0.1:{keeper.port}", f"localhost:{keeper.port}", "keeper.localhost"):
        assert httpx.get(f"http://127.0.0.1:{keeper.port}/login", headers={"Host": host}).status_code == 421


def test_a_form_without_its_token_is_refused(browser: Browser) -> None:
    browser.log_in("chris.smit")
    grant = ask(browser.keeper)
    for path in ("/login", "/logout", f"/approvals/{grant['id']}/refuse"):
        assert browser.http.post(path, data={"reason": "forged", "_csrf_token": "x"}).status_code == 403
    assert browser.http.post(f"/approvals/{grant['id']}/approve", json={"digest": grant["digest"]}).status_code == 403
    assert browser.keeper.client("m.tan").grant(grant=grant["id"])["state"] == "requested"


def test_dutch_and_english(browser: Browser) -> None:
    assert '<html lang="en">' in browser.get("/login").text
    assert "Gebruikersnaam" in browser.get("/login?lang=nl").text
    assert "Gebruikersnaam" in browser.get("/login").text  # and it stays so


def test_who_approves_sees_whether_it_is_masked(browser: Browser) -> None:
    browser.log_in("chris.smit")
    page = browser.get(f"/approvals/{ask(browser.keeper)['id']}").text
    assert "masked: so the policies have it for this role" in page and "1 person:" in page
    wanted = {"purpose": "migration", "categories": ["identity"], "subjects": [new_subject(), new_subject()], "ticket": "T-1002", "minutes": 1}
    page = browser.get(f"/approvals/{browser.keeper.client('bss').request_grant(**wanted)['id']}").text
    assert "in full: so the policies have it for this role" in page and "2 people:" in page and "1 minute from" in page


def test_a_stranger_is_led_to_the_log_in(browser: Browser) -> None:
    for path in ("/approvals", "/passkeys", f"/approvals/{new_subject()}"):
        answer = browser.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")


def test_a_wrong_password_says_no_more_than_that(browser: Browser) -> None:
    answer = browser.form("/login", actor="emma.bakker", password="not the password", code="000000")
    assert answer.status_code == 403 and "Name, password or code is wrong." in answer.text and 'role="alert"' in answer.text
    browser.keeper.session("emma.bakker")  # a success forgets the failures


def test_a_grant_is_shown_as_it_will_be_signed(browser: Browser) -> None:
    browser.log_in("dewi.hoekstra")
    grant = ask(browser.keeper, ticket="T-1 <script>alert(1)</script>")
    listed, shown = browser.get("/approvals").text, browser.get(f"/approvals/{grant['id']}").text
    assert "M. Tan" in listed and grant["id"] in listed and "<script>alert" not in listed + shown
    canonical = re.findall(r"<pre>(\{.*?\})</pre>", shown, re.S)[0].replace("&#34;", '"').replace("&lt;", "<").replace("&gt;", ">")
    assert sha256(canonical.encode()).hexdigest() == grant["digest"] and grant["digest"] in shown
    for fact in ("Meridian Systems", "SG", "technical support", "identity", "15 minutes"):
        assert fact in shown


def test_only_those_who_decide_see_the_grants_of_others(browser: Browser) -> None:
    grant = ask(browser.keeper)
    browser.log_in("anna.dekker")
    assert grant["id"] not in browser.get("/approvals").text
    assert browser.get(f"/approvals/{grant['id']}").status_code == 400
    assert browser.form(f"/approvals/{grant['id']}/refuse", reason="x").status_code == 403


def test_refusing_and_revoking_on_the_page(browser: Browser) -> None:
    browser.log_in("chris.smit")
    refused, running = ask(browser.keeper), ask(browser.keeper)
    assert browser.form(f"/approvals/{refused['id']}/refuse", reason="no need").status_code == 303
    browser.keeper.approve(running["id"])
    assert browser.form(f"/approvals/{running['id']}/revoke", reason="done").status_code == 303
    tan = browser.keeper.client("m.tan")
    assert [tan.grant(grant=grant["id"])["state"] for grant in (refused, running)] == ["refused", "revoked"]


def test_logging_out(browser: Browser) -> None:
    browser.log_in("bram.visser")
    assert browser.get("/approvals").status_code == 200
    kept = browser.http.cookies["keeper_session"]
    assert browser.form("/logout").status_code == 303
    browser.http.cookies.set("keeper_session", kept)
    assert browser.get("/approvals").status_code == 303


class TestPasskeys:
    def test_registering_and_approving_with_one(self, own_keeper: RunningKeeper) -> None:
        keeper = own_keeper
        chris, authenticator = Browser(keeper).log_in("chris.smit"), Authenticator(keeper.origin)
        assert chris.json("/passkeys/options", ticket="made up").status_code == 403  # a log-in alone registers nothing
        assert chris.json("/passkeys/options", ticket=keeper.client("dewi.hoekstra").passkey_ticket()).json()["reason"] == "code_invalid"
        options = chris.json("/passkeys/options", ticket=keeper.client("chris.smit").passkey_ticket()).json()
        assert options["rp"]["id"] == "keeper.localhost" and options["authenticatorSelection"]["userVerification"] == "required"
        assert chris.json("/passkeys/register", credential=authenticator.create(options)).json()["key"].startswith("passkey:")
        assert chris.json("/passkeys/register", credential=authenticator.create(options)).status_code == 403  # the challenge is used up
        assert "passkey:" in chris.get("/passkeys").text

        grant, other = ask(keeper), ask(keeper)
        path = f"/approvals/{grant['id']}"
        challenge = chris.json(f"{path}/options").json()["challenge"]
        assert challenge == base64url(bytes.fromhex(grant["digest"]))
        signed = authenticator.get(challenge)
        for credential, reason in (
            (authenticator.get(base64url(bytes.fromhex(other["digest"]))), "signature_invalid"),
            (authenticator.get(challenge, flags=0x01), "signature_invalid"),  # present, but not verified
            (Authenticator("http://desk.localhost:8400").get(challenge), "signature_invalid"),
            ({**signed, "rawId": base64url(b"unknown")}, "signature_invalid"),
            ({}, "signature_invalid"),
        ):
            assert chris.json(f"{path}/approve", digest=grant["digest"], credential=credential).json()["reason"] == reason
        assert chris.json(f"{path}/approve", digest=other["digest"], credential=signed).json()["reason"] == "digest_differs"
        assert chris.json(f"{path}/approve", digest=grant["digest"], credential=authenticator.get(challenge)).json() == {"state": "requested"}
        assert chris.json(f"{path}/approve", digest=grant["digest"], credential=authenticator.get(challenge)).json()["reason"] == "already_approved"

        dewi = Browser(keeper).log_in("dewi.hoekstra")
        assert dewi.json(f"{path}/approve", digest=grant["digest"], credential=authenticator.get(challenge)).json()["reason"] == "signature_invalid"
        assert keeper.approve(grant["id"], "dewi.hoekstra")["state"] == "running"

    def test_a_passkey_that_was_copied_is_noticed(self, own_keeper: RunningKeeper) -> None:
        keeper = own_keeper
        chris, authenticator = Browser(keeper).log_in("chris.smit"), Authenticator(keeper.origin)
        options = chris.json("/passkeys/options", ticket=keeper.client("chris.smit").passkey_ticket()).json()
        chris.json("/passkeys/register", credential=authenticator.create(options))
        authenticator.count = 10
        for count, status in ((10, 200), (5, 403)):
            grant = ask(keeper)
            authenticator.count = count
            signed = authenticator.get(base64url(bytes.fromhex(grant["digest"])))
            assert chris.json(f"/approvals/{grant['id']}/approve", digest=grant["digest"], credential=signed).status_code == status

    def test_services_and_strangers_get_no_ticket(self, keeper: RunningKeeper) -> None:
        for actor in ("desk", "bss"):
            with pytest.raises(KeeperRefused, match="no_permission"):
                keeper.client(actor).passkey_ticket()
            with pytest.raises(KeeperRefused, match="no_permission"):
                keeper.client(actor).log_in_code()

    def test_somebody_without_a_password_logs_in_with_their_key_and_makes_a_passkey(self, own_keeper: RunningKeeper) -> None:
        keeper = own_keeper
        public = keeper.run("keygen", "--out", keeper.key("fatima.aziz")).stdout.strip()
        person = {"kind": "actor", "actor": "fatima.aziz", "name": "Fatima Aziz", "organisation": "lage-landen", "public_key": public}
        change = keeper.client("chris.smit").propose_change(content={**person, "roles": ["privacy_officer"]}, reason="HR-7")
        for officer in ("chris.smit", "dewi.hoekstra"):
            keeper.client(officer).approve_change(change=change["id"], digest=change["digest"])
        browser, code = Browser(keeper), keeper.run("log-in-code", "--as", "fatima.aziz", *_by_key(keeper, "fatima.aziz")).stdout.strip()
        assert browser.form("/login/key", key_code="x" * 43).status_code == 403
        assert browser.form("/login/key", key_code=code).headers["location"] == "/approvals"
        assert Browser(keeper).form("/login/key", key_code=code).status_code == 403  # once
        made = Authenticator(keeper.origin)
        options = browser.json("/passkeys/options", ticket=keeper.client("fatima.aziz").passkey_ticket()).json()
        assert browser.json("/passkeys/register", credential=made.create(options)).status_code == 200


def _by_key(keeper: RunningKeeper, actor: str) -> tuple[str, ...]:
    return "--key", str(keeper.key(actor)), "--socket", str(keeper.socket_path)
