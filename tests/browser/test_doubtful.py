"""Doubtful pairs as a migration engineer decides them, in a real browser: with the keyboard alone, narrow, in light and dark, in both languages."""

import hashlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from factories.doubts import rows
from factories.legacy import write_fixed
from fixtures.browser import Operator, People, _as_person, shot

CHECKS = (Path(__file__).parent / "accessibility.js").read_text("utf-8").strip().removesuffix(";")


@pytest.fixture(scope="module")
def doubts(operator: Operator) -> Operator:
    """The installation with six records of a legacy system, two pairs of which are doubtful, and a grant to look at them."""
    with tempfile.TemporaryDirectory(prefix="hk") as folder:
        Path(folder).chmod(0o755)
        file = write_fixed(Path(folder), *rows())
        file.chmod(0o644)
        words = ["consolidate", "--mapping", "fixed", "--input", str(file), "--data", str(operator.installation.settings.data)]
        subprocess.run([sys.executable, "-m", "hoeksteen", *words], check=True, capture_output=True, cwd="/")
    with (
        _as_person(operator.installation, "emma.bakker") as emma, _as_person(operator.installation, "chris.smit") as chris,
        _as_person(operator.installation, "dewi.hoekstra") as dewi,
    ):  # fmt: skip
        asked = emma.request_grant(
            purpose="migration", categories=["identity", "contact"], subjects=None, ticket="REVIEW-1", minutes=120, subjects_max=1_000
        )  # fmt: skip
        for officer in (chris, dewi):
            officer.approve_grant(grant=asked["id"], digest=_digest(officer.grant(grant=asked["id"])["canonical"]))
    return operator


def _digest(canonical: str) -> str:
    return hashlib.sha256(canonical.encode()).hexdigest()


def settled(page: Page) -> Page:
    page.wait_for_load_state("networkidle")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["nl-NL", "en-GB"])
def test_the_pages_pass_the_checks(someone: People, doubts: Operator, scheme: str, locale: str) -> None:
    page = someone.page("emma.bakker", scheme=scheme, locale=locale)
    assert settled(page).evaluate(CHECKS) == []
    page.goto(f"{doubts.desk}/doubtful")
    assert settled(page).evaluate(CHECKS) == []
    shot(page, f"desk-doubtful-{scheme}-{locale[:2]}")
    page.locator("tbody a").first.click()
    page.wait_for_url("**/doubtful/*/*")
    assert settled(page).evaluate(CHECKS) == []
    shot(page, f"desk-doubtful-pair-{scheme}-{locale[:2]}")
    page.set_viewport_size({"width": 400, "height": 900})
    assert settled(page).evaluate(CHECKS) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 400, "nothing lies beside a narrow screen"
    shot(page, f"desk-doubtful-pair-narrow-{scheme}-{locale[:2]}")


def test_pairs_are_decided_with_the_keyboard_alone(someone: People, doubts: Operator) -> None:
    page = someone.page("emma.bakker")
    page.goto(f"{doubts.desk}/doubtful")
    page.keyboard.press("j")
    page.wait_for_url("**/doubtful/*/*")
    first = page.url
    expect(page.get_by_role("heading", level=1)).to_have_text("One customer, or two?")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_have_attribute("open", "")
    expect(page.locator("#keys summary")).to_be_focused()
    page.keyboard.press("j")
    page.wait_for_url(lambda url: url != first)
    page.keyboard.press("k")
    page.wait_for_url(first)
    page.locator("#why-different").focus()
    page.keyboard.press("t")  # typed into a list it chooses from it, and decides nothing
    assert page.url == first
    expect(page.locator("#why-different")).to_have_value("twins")
    page.locator("h1").click()
    page.keyboard.press("d")
    page.wait_for_url("**?done=different")
    expect(page.get_by_role("status")).to_contain_text("Decided: different")
    expect(page.locator("main")).to_contain_text("1 of 2 decided")
    page.keyboard.press("s")
    page.wait_for_url(re.compile(r"/doubtful$"))
    expect(page.locator("main")).to_contain_text("2 of 2 decided")
    page.goto(first)
    decided = page.locator("section", has=page.locator("#decisions"))
    expect(decided).to_contain_text("emma.bakker")
    expect(decided).to_contain_text("twins")
