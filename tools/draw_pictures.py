"""Takes the pictures of the README from a running demonstration: `draw_pictures.py DATA FOLDER`."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pyotp
from playwright.sync_api import Browser, Page, sync_playwright

from hoeksteen.host.settings import Settings, read_settings

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"]


def opened(browser: Browser, settings: Settings, person: str, *, scheme: str = "light") -> Page:
    """Log somebody in to the desk through the keeper, as a person does."""
    known = json.loads((settings.people / "log-ins.json").read_text("utf-8"))
    log_in = next(entry for entry in known if entry["actor"] == person)
    page = browser.new_context(color_scheme=scheme, locale="en-GB", viewport={"width": 1280, "height": 860}).new_page()
    page.goto(settings.desk_origin + "/")
    page.fill("input[name=actor]", person)
    page.fill("input[name=password]", log_in["password"])
    page.fill("input[name=code]", pyotp.TOTP(log_in["totp_secret"]).now())
    page.keyboard.press("Enter")
    page.wait_for_url(f"{settings.desk_origin}/")
    return page


def main(data: Path, folder: Path) -> None:
    """Draw the customer, light and dark, the evidence, and an invoice."""
    settings = read_settings(data)
    number = json.loads((data / "demonstration.json").read_text("utf-8"))["access"]["customer_number"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=QUIET)
        agent = opened(browser, settings, "anna.dekker")
        agent.fill("#search", number)
        agent.keyboard.press("Enter")
        agent.wait_for_url("**/customers/*")
        agent.wait_for_load_state("networkidle")
        agent.screenshot(path=folder / "desk.png")
        agent.emulate_media(color_scheme="dark")
        agent.screenshot(path=folder / "desk-dark.png")
        officer = opened(browser, settings, "dewi.hoekstra")
        officer.get_by_role("link", name="Evidence", exact=True).click()
        officer.get_by_label("Customer number").fill(number)
        officer.get_by_role("button", name="Ask").click()
        officer.get_by_role("button", name="Check the proof now").click()
        officer.wait_for_load_state("networkidle")
        officer.screenshot(path=folder / "proof.png", full_page=True)
        browser.close()
    invoice = sorted((settings.application / "documents").glob("*.pdf"))[0]
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(["pdftoppm", "-png", "-r", "80", "-f", "1", "-l", "1", "-singlefile", invoice, f"{scratch}/invoice"], check=True)
        (folder / "invoice.png").write_bytes(Path(scratch, "invoice.png").read_bytes())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
