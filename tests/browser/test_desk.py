"""The desk as a care agent, a billing manager and a privacy officer use it, in a real browser."""

import re

import pytest
from playwright.sync_api import Page, expect

from fixtures.browser import Operator, People, shot


def find(page: Page, said: str) -> None:
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.locator("#search").fill(said)
    page.keyboard.press("Enter")


def test_the_caller_is_found_changed_and_billed_anew(someone: People) -> None:
    page = someone.page("anna.dekker")
    find(page, "06 12345670")
    page.wait_for_url("**/customers/*")
    expect(page.get_by_role("heading", level=1)).to_have_text("Johanna van den Berg")
    for shown in ("+31 6 12345670", "Internet 500", "TV Basic", "3511 AW Utrecht", "••••4300", "LLT-2026-00000001"):
        expect(page.locator("main")).to_contain_text(shown)
    expect(page.locator("#usage-part")).to_contain_text("100 min")
    looked = page.locator("section", has=page.locator("#looked"))
    expect(looked).to_contain_text("Anna Dekker")
    expect(looked).to_contain_text("saw addresses, phones and e-mail")
    shot(page, "desk-customer")

    tv = page.locator("article", has_text="TV Basic")
    tv.get_by_text("Change", exact=False).first.click()
    tv.get_by_role("link", name="Change plan").click()
    page.get_by_label("TV Plus").check()
    effect = page.locator("#effect")
    expect(effect).to_contain_text("The next bill")
    expect(effect).to_contain_text("more")
    shot(page, "desk-change")
    effect.get_by_role("button", name=re.compile("Confirm")).click()
    page.wait_for_url("**/customers/*?done=change_plan")
    expect(page.get_by_role("status")).to_contain_text("done")
    expect(page.locator("section", has=page.locator("#products"))).to_contain_text("TV Plus")
    expect(page.locator("section", has=page.locator("#talked"))).to_contain_text("Change plan")


def test_it_can_all_be_done_from_the_keyboard(someone: People) -> None:
    page = someone.page("anna.dekker")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("Dijk 3511 AW")
    page.keyboard.press("Enter")
    page.wait_for_url("**/customers/*")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.locator("article", has_text="Mobile M").locator("summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Change plan").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Change plan").first).to_be_hidden()
    page.keyboard.press("/")
    page.wait_for_url(re.compile(r"localhost:\d+/$"))
    expect(page.locator("#search")).to_be_focused()


def test_several_who_fit_are_listed_and_attention_goes_there(someone: People) -> None:
    page = someone.page("anna.dekker")
    find(page, "van den Berg 17-06-1984")
    results = page.locator("#results")
    expect(results).to_contain_text("2 customers fit")
    expect(results.get_by_role("button", name="Johanna van den Berg").first).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/customers/*")


def test_what_cannot_be_found_is_said_in_its_place(someone: People) -> None:
    page = someone.page("anna.dekker")
    with page.expect_response("**/search") as answered:
        find(page, "Jansen")
    assert answered.value.status == 422
    expect(page.locator("#results")).to_contain_text("surname with a postcode")
    someone.trouble[:] = [text for text in someone.trouble if "422" not in text]


def test_no_address_ever_holds_what_was_typed(someone: People) -> None:
    page = someone.page("anna.dekker")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    find(page, "berg@voorbeeld.nl")
    expect(page.locator("#results, h1").first).to_be_visible()
    page.wait_for_timeout(300)
    assert asked
    assert not [url for url in asked if "berg" in url.lower()]


def test_a_bill_is_downloaded_as_pdf(someone: People) -> None:
    page = someone.page("anna.dekker")
    find(page, someone.operator.customers[2].customer_number)
    page.wait_for_url("**/customers/*")
    with page.expect_download() as download:
        page.get_by_role("link", name="PDF").first.click()
    assert re.fullmatch(r"LLT-2026-\d{8}\.pdf", download.value.suggested_filename)
    assert download.value.path().read_bytes().startswith(b"%PDF")
    page.get_by_role("link", name=re.compile("^LLT-2026")).first.click()
    expect(page.locator("table")).to_contain_text("To pay")
    shot(page, "desk-bill")


def test_suspending_takes_the_charge_off_and_resuming_brings_it_back(someone: People) -> None:
    page = someone.page("anna.dekker")
    find(page, someone.operator.customers[2].customer_number)
    page.wait_for_url("**/customers/*")
    internet = page.locator("article", has_text="Internet 500")
    internet.locator("summary").click()
    internet.get_by_role("link", name="Suspend").click()
    page.get_by_role("button", name="Show the effect").click()
    expect(page.locator("#effect")).to_contain_text("less")
    page.get_by_role("button", name=re.compile("Confirm")).click()
    page.wait_for_url("**?done=suspend")
    internet = page.locator("article", has_text="Internet 500")
    expect(internet).to_contain_text("suspended")
    internet.locator("summary").click()
    expect(internet.get_by_role("link", name="Change plan")).to_have_count(0)
    expect(internet.get_by_role("link", name="Resume")).to_be_visible()


def test_the_billing_manager_sees_the_runs(someone: People) -> None:
    page = someone.page("bram.visser")
    page.get_by_role("link", name="Bill runs", exact=True).click()
    runs = page.locator("table").first.locator("tbody tr")
    expect(runs.filter(has_text="October 2026").first).to_contain_text("final")
    shot(page, "desk-runs")


def test_the_privacy_officer_gets_an_answer_and_a_proof_that_holds(someone: People, operator: Operator) -> None:
    page = someone.page("dewi.hoekstra")
    page.get_by_role("link", name="Evidence", exact=True).click()
    page.get_by_label("Customer number").fill(operator.customers[0].customer_number)
    page.get_by_role("button", name="Ask").click()
    page.wait_for_url("**/evidence/*")
    expect(page.locator("section", has=page.locator("#could"))).to_contain_text("Bram Visser")
    expect(page.locator("section", has=page.locator("#did"))).to_contain_text("Anna Dekker")
    page.get_by_role("button", name="Check the proof now").click()
    expect(page.locator("#proof-state")).to_contain_text("The proof holds")
    expect(page.locator("main")).not_to_contain_text("Johanna")
    shot(page, "desk-evidence")


def test_the_language_changes_and_stays(someone: People) -> None:
    page = someone.page("bram.visser")
    page.get_by_role("button", name="NL").click()
    expect(page.locator("html")).to_have_attribute("lang", "nl")
    page.get_by_role("link", name="Factuurruns", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Factuurruns")


def test_without_scripts_the_pages_still_work(someone: People, operator: Operator) -> None:
    logged_in = someone.page("anna.dekker").context.storage_state()
    context = someone.chromium.new_context(storage_state=logged_in, java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto(f"{operator.desk}/")
    page.locator("#search").fill("06 12345670")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Johanna van den Berg")
    page.get_by_role("link", name="Asking the keeper").click()
    expect(page.locator("main")).to_contain_text("Anna Dekker")
    context.close()


def test_a_log_out_is_one(someone: People, operator: Operator) -> None:
    page = someone.page("chris.smit")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are logged out")
    page.goto(f"{operator.desk}/")
    assert page.url.startswith(operator.installation.settings.keeper_origin)
    someone.forget("chris.smit")


@pytest.mark.parametrize("size", [(390, 844), (768, 1024), (1920, 1080)], ids=["telephone", "tablet", "screen"])
def test_no_page_is_wider_than_the_window(someone: People, size: tuple[int, int]) -> None:
    page = someone.page("anna.dekker")
    page.set_viewport_size({"width": size[0], "height": size[1]})
    find(page, "06 12345670")
    page.wait_for_url("**/customers/*")
    expect(page.locator("#usage-part")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    shot(page, f"desk-customer-{size[0]}")
