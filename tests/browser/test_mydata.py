"""A customer looks at their own page."""

import json
import re

from playwright.sync_api import expect

from fixtures.browser import Operator, People, shot


def test_a_customer_sees_what_is_kept_and_who_looked(someone: People, operator: Operator) -> None:
    page = someone.page(operator.customers[0].customer_number, site="mydata", locale="nl-NL")
    expect(page.get_by_role("heading", level=1)).to_have_text("Dag, Johanna van den Berg")
    for shown in ("NL91 ABNA 0417 1643 00", "3511 AW Utrecht", "Mobiel M", "LLT-2026-00000001", "Wie keek naar uw gegevens", "u"):
        expect(page.locator("main")).to_contain_text(shown)
    shot(page, "mydata")
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("Neem mijn gegevens mee")).click()
    taken = json.loads(download.value.path().read_text("utf-8"))
    assert taken["personal_data"]["identity"]["family_name"] == "Berg"
    with page.expect_download() as download:
        page.get_by_role("link", name="PDF").first.click()
    assert download.value.path().read_bytes().startswith(b"%PDF")


def test_the_page_speaks_english_too(someone: People, operator: Operator) -> None:
    page = someone.page(operator.customers[0].customer_number, site="mydata", locale="en-GB")
    page.get_by_role("button", name="EN").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello, Johanna van den Berg")
    expect(page.locator("main")).to_contain_text("your own page")
    page.get_by_role("link", name=re.compile("^LLT-2026")).first.click()
    expect(page.locator("table")).to_contain_text("To pay")


NARROW = {"width": 400, "height": 850}
ACROSS = "[...document.querySelectorAll('main .scroll'), document.documentElement].every(one => one.scrollWidth <= one.clientWidth)"


def test_on_a_phone_every_cell_is_in_sight_with_its_heading(someone: People, operator: Operator) -> None:
    page = someone.page(operator.customers[0].customer_number, site="mydata", locale="nl-NL")
    page.set_viewport_size(NARROW)
    assert page.evaluate(ACROSS), "nothing lies beyond the edge"
    looked = page.locator("section[aria-labelledby=looked] tbody tr").first
    expect(looked.locator("td[data-label=Waarom]")).to_be_visible()
    assert looked.locator("td[data-label='Wat er gebeurde']").bounding_box()["width"] > 250  # type: ignore[index]  # it is visible
    expect(page.get_by_role("table").first.get_by_role("columnheader").first).to_have_text("Factuur")
    shot(page, "mydata-narrow")
    page.get_by_role("link", name=re.compile("^LLT-2026")).first.click()
    expect(page.locator("tbody td[data-label=Bedrag]").first).to_be_visible()
    assert page.evaluate(ACROSS)
