"""The keeper's own pages, as a browser and an authenticator meet them."""

import base64
import json
import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import cbor2
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from fixtures.keeper import PASSWORD, RunningKeeper, new_subject
from hoeksteen_keeper.client import KeeperRefused


class Authenticator:
    """A passkey in software, after WebAuthn level 2 sections 6 and 8.7 (attestation `none`)."""

    def __init__(self, origin: str) -> None:
        self.origin, self.key, self.credential, self.count = origin, ec.generate_private_key(ec.SECP256R1()), b"credential-1" * 2, 0

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        numbers = self.key.public_key().public_numbers()
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})
        attested = bytes(16) + len(self.credential).to_bytes(2, "big") + self.credential + cose
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": self._data(0x45) + attested})
        return self._packed({"clientDataJSON": self._client("webauthn.create", options["challenge"]), "attestationObject": attestation})

    def get(self, challenge: str, *, flags: int = 0x05) -> dict[str, Any]:
        self.count += 1
        data, client = self._data(flags), self._client("webauthn.get", challenge)
        signature = self.key.sign(data + sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._packed({"clientDataJSON": client, "authenticatorData": data, "signature": signature})

    def _data(self, flags: int) -> bytes:
        return sha256(b"keeper.localhost").digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _packed(self, response: dict[str, bytes]) -> dict[str, Any]:
        name = _text(self.credential)
        return {"id": name, "rawId": name, "type": "public-key", "response": {key: _text(value) for key, value in response.items()}}


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class Browser:
    """A browser on the keeper's origin."""

    def __init__(self, keeper: RunningKeeper) -> None:
        self.keeper = keeper
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{keeper.port}", headers={"Host": f"keeper.localhost:{keeper.port}", "Accept-Language": "en"}
        )

    def get(self, path: str) -> httpx.Response:
        return self.http.get(path)

    def form(self, path: str, **fields: str) -> httpx.Response:
        token = re.findall(r'name="csrf" content="([^"]+)"', self.get("/login").text)[0]
        content = urlencode({"_csrf_token": token, **fields})
        return self.http.post(path, content=content, headers={"Content-Type": "application/x-www-form-urlencoded"})

    def json(self, path: str, **body: Any) -> httpx.Response:
        token = re.findall(r'name="csrf" content="([^"]+)"', self.get("/login").text)[0]
        return self.http.post(path, json=body, headers={"x-csrftoken": token})

    def log_in(self, actor: str) -> "Browser":
        answer = self.form("/login", actor=actor, password=PASSWORD, code=self.keeper.totp(actor))
        assert (answer.status_code, answer.headers["location"]) == (303, "/approvals")
        return self


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
        assert challenge == _text(bytes.fromhex(grant["digest"]))
        signed = authenticator.get(challenge)
        for credential, reason in (
            (authenticator.get(_text(bytes.fromhex(other["digest"]))), "signature_invalid"),
            (authenticator.get(challenge, flags=0x01), "signature_invalid"),  # present, but not verified
            (Authenticator("http://desk.localhost:8400").get(challenge), "signature_invalid"),
            ({**signed, "rawId": _text(b"unknown")}, "signature_invalid"),
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
            signed = authenticator.get(_text(bytes.fromhex(grant["digest"])))
            assert chris.json(f"/approvals/{grant['id']}/approve", digest=grant["digest"], credential=signed).status_code == status

    def test_services_and_strangers_get_no_ticket(self, keeper: RunningKeeper) -> None:
        for actor in ("desk", "bss"):
            with pytest.raises(KeeperRefused, match="no_permission"):
                keeper.client(actor).passkey_ticket()
