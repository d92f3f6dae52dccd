"""What can be checked of accessibility by a machine, on the pages as the browser draws them, in light and dark."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from fixtures.browser import Operator, People, shot

CHECKS = (Path(__file__).parent / "accessibility.js").read_text("utf-8").strip().removesuffix(";")


def settled(page: Page) -> Page:
    page.wait_for_load_state("networkidle")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["nl-NL", "en-GB"])
def test_the_pages_of_care_pass_the_checks(someone: People, operator: Operator, scheme: str, locale: str) -> None:
    page = someone.page("anna.dekker", scheme=scheme, locale=locale)
    assert page.evaluate(CHECKS) == []
    page.locator("#search").fill("Berg 3511AW")
    page.keyboard.press("Enter")
    page.wait_for_selector("#results table")
    assert page.evaluate(CHECKS) == []
    page.locator("#results button").first.click()
    page.wait_for_url("**/customers/*")
    page.wait_for_selector("#usage-part")
    assert settled(page).evaluate(CHECKS) == []
    shot(page, f"desk-customer-{scheme}-{locale[:2]}")
    page.goto(page.url.partition("?")[0] + "/usage")
    page.go_back()
    change = page.locator("details.menu a").first.get_attribute("href")
    assert change
    page.goto(f"{operator.desk}{change}")
    page.locator("input[type=radio]").first.check()
    page.wait_for_selector("#effect table")
    assert settled(page).evaluate(CHECKS) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_other_pages_pass_the_checks(someone: People, operator: Operator, scheme: str) -> None:
    officer = someone.page("dewi.hoekstra", scheme=scheme)
    assert officer.evaluate(CHECKS) == []
    officer.goto(f"{operator.desk}/evidence/{operator.customers[0].customer_id}")
    assert settled(officer).evaluate(CHECKS) == []
    manager = someone.page("bram.visser", scheme=scheme)
    for path in ("/bills", "/unmatched", f"/customers/{operator.customers[0].customer_id}/receivables"):
        manager.goto(f"{operator.desk}{path}")
        assert settled(manager).evaluate(CHECKS) == []
    customer = someone.page(operator.customers[0].customer_number, site="mydata", scheme=scheme)
    assert settled(customer).evaluate(CHECKS) == []
    shot(customer, f"mydata-{scheme}")
    with manager.expect_response("**/nothing-here"):
        manager.goto(f"{operator.desk}/nothing-here")
    assert manager.evaluate(CHECKS) == []
    someone.trouble[:] = [text for text in someone.trouble if "404" not in text]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["nl-NL", "en-GB"])
def test_the_pages_of_suspended_usage_pass_the_checks(someone: People, operator: Operator, scheme: str, locale: str) -> None:
    page = someone.page("bram.visser", scheme=scheme, locale=locale)
    page.goto(f"{operator.desk}/suspended")
    assert settled(page).evaluate(CHECKS) == []
    shot(page, f"desk-suspended-{scheme}-{locale[:2]}")
    page.locator("a[href*='no_zone']").click()
    page.wait_for_url("**/suspended/records?*")
    page.locator("td.tick input").first.check()
    assert settled(page).evaluate(CHECKS) == []
    shot(page, f"desk-suspended-records-{scheme}-{locale[:2]}")
    page.locator("#why").fill("too old to bill")
    page.locator("button.danger").click()
    page.wait_for_selector("button.grave")
    assert settled(page).evaluate(CHECKS) == []
    shot(page, f"desk-suspended-write-off-{scheme}-{locale[:2]}")


def test_a_run_that_the_desk_starts_tells_how_far_it_is_and_its_pages_pass_the_checks(someone: People, operator: Operator) -> None:
    """The worker of the installation does it; the page comes anew by itself when it is done."""
    bram = someone.page("bram.visser")
    bram.goto(f"{operator.desk}/bills")
    bram.get_by_role("button", name="Start a trial").click()
    bram.wait_for_url("**/bills/runs/*")
    bram.wait_for_selector("text=Somebody other than who began it can approve it", timeout=60_000)
    run = bram.url
    bram.goto(f"{operator.desk}/bills")
    bram.locator("tr", has_text="final").first.locator("a").click()
    bram.get_by_role("button", name="Write PDF and UBL of every bill").click()
    bram.wait_for_selector("text=documents written", timeout=90_000)
    bram.get_by_role("button", name="Audit this month").click()
    bram.wait_for_selector("text=from usage to open items", timeout=90_000)
    final = bram.url
    fenna = someone.page("fenna.prins", scheme="dark", locale="nl-NL")
    fenna.set_viewport_size({"width": 400, "height": 900})
    for page, name in ((bram, "bram"), (fenna, "fenna")):
        for path, what in ((f"{operator.desk}/bills", "runs"), (run, "run"), (final, "final")):
            page.goto(path)
            assert settled(page).evaluate(CHECKS) == []
            shot(page, f"desk-work-{what}-{name}")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is cut off at the right"


def test_the_checks_can_fail(someone: People) -> None:
    page = someone.page("bram.visser")
    broken = '<input name="bare"><img width="1"><h4>Too deep</h4><p id="twice">a</p><p id="twice">b</p>'
    page.evaluate("(html) => document.querySelector('main').insertAdjacentHTML('beforeend', html)", broken)
    faults = " ".join(page.evaluate(CHECKS))
    for expected in ("without a label: bare", "without alt", "level 4", "two elements with id twice"):
        assert expected in faults
    someone.trouble.clear()
