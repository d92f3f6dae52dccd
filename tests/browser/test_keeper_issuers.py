"""A log-in at the operator's own identity provider in a real browser: with its rules for cookies, redirects and forms."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from fixtures.browser import shot
from fixtures.issuer import Issuers
from fixtures.keeper import RETURN_TO, RunningKeeper

CHECKS = (Path(__file__).parent / "accessibility.js").read_text("utf-8").strip().removesuffix(";")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_browser_logs_in_at_an_issuer_and_comes_back(
    chromium: Browser, linked_keeper: RunningKeeper, issuers: Issuers, scheme: str
) -> None:  # fmt: skip
    keeper, complaints = linked_keeper, []
    issuers.tell()
    with chromium.new_context(locale="en-GB", color_scheme=scheme, bypass_csp=False) as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(f"{keeper.origin}/login")
        shot(page, f"keeper-issuers-{scheme}")
        page.get_by_role("link", name="Log in at office").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/approvals")
        assert "Anna Dekker" in page.inner_text("header")
        page.get_by_role("button", name="Log out").click()
        page.wait_for_url("**/login")
        page.goto(keeper.client("desk").login_url(return_to=RETURN_TO, state="state-3"))
        with page.expect_request("http://desk.localhost:8400/**") as asked:
            page.get_by_role("link", name="Log in at office").click()
        assert asked.value.url.startswith(RETURN_TO) and "state=state-3" in asked.value.url and "code=" in asked.value.url
        assert [told for told in complaints if "ERR_CONNECTION_REFUSED" not in told] == []  # no desk runs here
    with chromium.new_context(locale="nl-NL", color_scheme=scheme, bypass_csp=True) as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(f"{keeper.origin}/login")
        assert page.evaluate(CHECKS) == []
        page.get_by_role("link", name="Inloggen via away").click()
        page.get_by_role("alert").wait_for()
        assert page.evaluate(CHECKS) == [] and page.locator("#password").is_visible()
        shot(page, f"keeper-issuer-away-{scheme}")
