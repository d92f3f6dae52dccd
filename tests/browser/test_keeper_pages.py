"""The keeper's own pages in a real browser: a person logs in, registers a passkey on proof of a key, and approves with it; in light and dark."""

import base64
import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.sync_api import Browser, BrowserContext, Page

from fixtures.keeper import PASSWORD, RETURN_TO, RunningKeeper, new_subject
from hoeksteen_keeper.access.policies import shipped
from hoeksteen_keeper.client import KeeperRefused, SealItem

CHECKS = (Path(__file__).parent / "accessibility.js").read_text("utf-8").strip().removesuffix(";")
AUTHENTICATOR = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True,
    "automaticPresenceSimulation": True,
}  # fmt: skip


def logged_in(context: BrowserContext, keeper: RunningKeeper, actor: str) -> Page:
    page = context.new_page()
    page.goto(f"{keeper.origin}/login")
    page.fill("#actor", actor)
    page.fill("#password", PASSWORD)
    page.fill("#code", keeper.totp(actor))
    page.click("button.primary")
    page.wait_for_url("**/approvals")
    return page


def test_a_passkey_is_registered_and_approves_exactly_what_was_shown(chromium: Browser, own_keeper: RunningKeeper) -> None:
    keeper = own_keeper
    grant = keeper.client("m.tan").request_grant(purpose="support", categories=["identity"], subjects=[new_subject()], ticket="INC-1", minutes=30)
    with chromium.new_context(locale="en-GB") as context:
        page = logged_in(context, keeper, "chris.smit")
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        devtools = context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        page.goto(f"{keeper.origin}/approvals/{grant['id']}")
        assert page.locator("#approve").count() == 0  # no passkey yet, no button
        page.goto(f"{keeper.origin}/passkeys")
        page.fill("#ticket", keeper.client("chris.smit").passkey_ticket())
        page.click("#register button")
        page.locator("li code", has_text="passkey:").wait_for()
        page.goto(f"{keeper.origin}/approvals/{grant['id']}")
        page.click("#approve")
        page.get_by_text("(1/2)").wait_for()
        assert complaints == []  # nothing that the page's own policy forbids was tried
    approvals = keeper.client("chris.smit").grant(grant=grant["id"])["approvals"]
    assert [(approval["approver"], approval["key"].partition(":")[0]) for approval in approvals] == [("chris.smit", "passkey")]
    assert keeper.approve(grant["id"], "dewi.hoekstra")["state"] == "running"


def with_passkey(context: BrowserContext, keeper: RunningKeeper, actor: str) -> Page:
    """Give a page on which somebody is logged in and has registered a passkey, on an authenticator of the browser's own."""
    page = logged_in(context, keeper, actor)
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    page.goto(f"{keeper.origin}/passkeys")
    page.fill("#ticket", keeper.client(actor).passkey_ticket())
    page.click("#register button")
    page.locator("li code", has_text="passkey:").wait_for()
    return page


def test_a_passkey_logs_in_and_proves_afresh_what_a_password_may_not(chromium: Browser, own_keeper: RunningKeeper) -> None:
    keeper, subject, desk = own_keeper, new_subject(), own_keeper.client("desk")
    keeper.client("bss").seal(purpose="migration", category="note", items=[SealItem(subject, {"text": "x"})])
    with pytest.raises(KeeperRefused, match="step_up_needed"):
        keeper.as_person("dewi.hoekstra").shred(subject=subject, category="note", reason="asked for")
    with chromium.new_context(locale="nl-NL") as context:
        page = with_passkey(context, keeper, "dewi.hoekstra")
        page.get_by_role("button", name="Uitloggen").click()
        page.get_by_role("button", name="Inloggen met een passkey").click()
        page.wait_for_url("**/approvals")
        page.goto(desk.step_up_url(return_to=RETURN_TO, state="state-2"))
        assert page.locator("#password").count() == 0
        with page.expect_request("http://desk.localhost:8400/**") as asked:
            page.keyboard.press("Enter")
    query = parse_qs(urlsplit(asked.value.url).query)
    assert query["state"] == ["state-2"]
    session = desk.exchange(code=query["code"][0])
    desk.as_actor(session.token).shred(subject=subject, category="note", reason="asked for")
    keeper.later("16 minutes")
    with pytest.raises(KeeperRefused, match="step_up_needed"):  # a proof grows old
        desk.as_actor(session.token).shred(subject=subject, category=None, reason="asked for")


def without_billing() -> str:
    text = shipped().text
    start = text.index('@id("billing: who is billed and how they pay")')
    return text[:start] + text[text.index("};", start) + 3 :]


def test_two_officers_sign_a_change_with_their_passkeys_and_it_comes_into_force(chromium: Browser, own_keeper: RunningKeeper) -> None:
    keeper = own_keeper
    change = keeper.client("chris.smit").propose_change(content={"kind": "policy", "text": without_billing()}, reason="CHG-7")["id"]
    for officer, signed, state in (("chris.smit", "(1/2)", "proposed"), ("dewi.hoekstra", "(2/2)", "in force")):
        with chromium.new_context(locale="en-GB") as context:
            page = logged_in(context, keeper, officer)
            page.goto(f"{keeper.origin}/changes/{change}")
            assert page.locator("#approve").count() == 0  # who logged in by password reads, and cannot sign
            page.close()
        with chromium.new_context(locale="en-GB") as context:
            page = with_passkey(context, keeper, officer)
            page.get_by_role("link", name="Changes").click()
            complaints: list[str] = []
            page.on("console", lambda message, told=complaints: told.append(message.text))
            page.get_by_role("link", name="CHG-7").focus()
            page.keyboard.press("Enter")
            page.locator(".diff").wait_for()
            assert page.locator(".diff del").first.inner_text().startswith('-@id("billing: who is billed')
            page.locator("#approve").focus()
            page.keyboard.press("Enter")
            page.get_by_text(signed).wait_for()
            page.locator(".state", has_text=state).wait_for()
            assert complaints == []
    found = keeper.client("chris.smit").change(change=change)
    assert found["state"] == "in_force" and {approval["key"].partition(":")[0] for approval in found["approvals"]} == {"passkey"}
    assert keeper.sql("SELECT count(*) FROM evidence.entry WHERE kind = 'policy'").strip() == "2"


def test_a_passkeys_log_in_is_not_replayed(chromium: Browser, keeper: RunningKeeper) -> None:
    with chromium.new_context(locale="en-GB") as context:
        page = with_passkey(context, keeper, "chris.smit")
        page.goto(f"{keeper.origin}/login")
        with page.expect_request("**/login/passkey") as sent:
            page.get_by_role("button", name="Log in with a passkey").click()
        page.wait_for_url("**/approvals")
        page.goto(f"{keeper.origin}/login")
        script = "body => post('/login/passkey', JSON.parse(body)).catch(error => error.message)"
        assert page.evaluate(script, sent.value.post_data) == "This passkey is not known here, or it took too long. Begin again."
        forged = json.loads(sent.value.post_data or "")
        options = page.evaluate("() => post('/login/passkey/options', {})")  # a fresh challenge, which the passkey did not sign
        client_data = json.dumps({"type": "webauthn.get", "challenge": options["challenge"], "origin": keeper.origin, "crossOrigin": False})
        forged["credential"]["response"]["clientDataJSON"] = base64.urlsafe_b64encode(client_data.encode()).decode().rstrip("=")
        assert page.evaluate(script, json.dumps(forged)) == "This passkey is not known here, or it took too long. Begin again."


def contents() -> list[dict[str, object]]:
    """One change of each kind."""
    public = base64.b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()
    return [
        {"kind": "policy", "text": without_billing()},
        {"kind": "organisation", "organisation": "field-force", "name": "Field Force N.V.", "country": "BE"},
        {"kind": "actor", "actor": "new.comer", "name": "N. Comer", "organisation": "meridian", "public_key": public, "roles": ["technician"]},
        {"kind": "key", "actor": "anna.dekker", "public_key": public},
        {"kind": "roles", "actor": "anna.dekker", "roles": ["care_agent", "billing_manager"]},
        {"kind": "end_actor", "actor": "m.tan"},
        {"kind": "issuer_link", "actor": "anna.dekker", "issuer": "https://login.example/tenant", "subject": "0e3f"},
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["nl-NL", "en-GB"])
def test_the_pages_pass_the_checks(chromium: Browser, keeper: RunningKeeper, scheme: str, locale: str) -> None:
    grant = keeper.client("m.tan").request_grant(
        purpose="support", categories=["traffic"], subjects=[new_subject()], ticket="INC-2", minutes=30, unmasked=True
    )
    chris = keeper.client("chris.smit")
    changes = [f"/changes/{chris.propose_change(content=content, reason='CHG-8')['id']}" for content in contents()]
    with chromium.new_context(locale=locale, color_scheme=scheme, bypass_csp=True) as context:  # type: ignore[arg-type]  # bypassed for the checks' own script
        page = logged_in(context, keeper, "dewi.hoekstra")
        assert page.evaluate(CHECKS) == []
        for path in (
            "/passkeys", "/step-up", f"/approvals/{grant['id']}", f"/approvals/{new_subject()}", "/changes", *changes, f"/changes/{new_subject()}",
            "/login",
        ):  # fmt: skip
            page.goto(f"{keeper.origin}{path}")
            assert page.evaluate(CHECKS) == []
        assert page.locator("html").get_attribute("lang") == locale[:2]


def test_the_browser_comes_back_to_the_service_with_a_code(chromium: Browser, keeper: RunningKeeper) -> None:
    with chromium.new_context(locale="nl-NL") as context:
        page = context.new_page()
        page.goto(keeper.client("desk").login_url(return_to=RETURN_TO, state="state-1"))
        page.fill("#actor", "anna.dekker")
        page.fill("#password", PASSWORD)
        page.fill("#code", keeper.totp("anna.dekker"))
        with page.expect_request("http://desk.localhost:8400/**") as asked:
            page.keyboard.press("Enter")
        url = asked.value.url
        assert url.startswith(RETURN_TO) and "state=state-1" in url and "code=" in url and PASSWORD not in url
