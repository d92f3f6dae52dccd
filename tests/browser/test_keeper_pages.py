"""The keeper's own pages in a real browser: a person logs in, registers a passkey on proof of a key, and approves with it; in light and dark."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from fixtures.keeper import PASSWORD, RETURN_TO, RunningKeeper, new_subject

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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["nl-NL", "en-GB"])
def test_the_pages_pass_the_checks(chromium: Browser, keeper: RunningKeeper, scheme: str, locale: str) -> None:
    grant = keeper.client("m.tan").request_grant(
        purpose="fraud", categories=["traffic"], subjects=[new_subject()], ticket="INC-2", minutes=30, unmasked=True
    )
    with chromium.new_context(locale=locale, color_scheme=scheme, bypass_csp=True) as context:  # type: ignore[arg-type]  # bypassed for the checks' own script
        page = logged_in(context, keeper, "dewi.hoekstra")
        assert page.evaluate(CHECKS) == []
        for path in ("/passkeys", f"/approvals/{grant['id']}", f"/approvals/{new_subject()}", "/login"):
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
