"""The desk's pages of money: payments that nobody could be found for, and what a customer owes."""

import re
from datetime import date
from pathlib import Path
from random import Random

import pytest

from factories.bank_files import DAY, Booking, Part, Statement, camt, receipt
from fixtures.sites import NOW, Browser, World
from hoeksteen.interfaces.desk import app as desk_app
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.party.model import Customer
from hoeksteen.receivables import bank

DAY_BEFORE = date(2026, 11, 24)


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def manager(world: World) -> Browser:
    return world.staff("bram.visser")


@pytest.fixture
def billed(world: World, tmp_path: Path) -> Customer:
    """A customer with a bill, and two payments of nobody."""
    customer = world.customer()
    world.bill(date(2026, 10, 1))
    bookings = (receipt("7.00", "A1", iban="NL05TRIO0255664788", name="T. Ester", day=DAY_BEFORE), receipt("9.00", "A2", day=DAY_BEFORE))
    path = camt(tmp_path / "f.xml", Statement(bookings))
    bank.take(database=world.database, keeper=world.keeper.client("bss"), path=path, now=NOW, identifiers=Identifiers(Random(1)))
    return customer


def test_who_paid_is_shown_one_by_one_and_given_to_a_customer(world: World, billed: Customer) -> None:
    staff = manager(world)
    page = staff.get("/unmatched").text
    assert "nobody has this IBAN 1 €7.00" in plain(page) and "T. Ester" not in page and "NL05TRIO" not in page
    with world.database.transaction() as tx:
        first = next(one for one in bank.unmatched(tx=tx) if str(one.amount) == "7.00").bank_entry_id
    opened = staff.get(f"/unmatched/{first}").text
    assert "T. Ester" in opened and "NL05TRIO0255664788" in opened
    refused = staff.post(f"/unmatched/{first}/assign", {"customer": "0", "reference": ""})
    assert (refused.status_code, "No customer has this number." in refused.text) == (422, True)
    done = staff.post(f"/unmatched/{first}/assign", {"customer": billed.customer_number, "reference": ""})
    assert (done.status_code, done.headers["location"]) == (303, "/unmatched?done=assigned")
    again = staff.post(f"/unmatched/{first}/assign", {"customer": billed.customer_number, "reference": ""})
    assert again.status_code == 409 and "This was decided by bram.visser." in plain(again.text)
    assert "€7.00" not in staff.get("/unmatched").text


def test_what_is_no_receipt_in_euros_can_be_given_to_nobody(world: World, billed: Customer, tmp_path: Path) -> None:
    bookings = (Booking("-3.00", "B1", day=DAY_BEFORE), Booking("5.00", "B2", currency="USD", parts=(Part("5.00", currency="USD"),), day=DAY_BEFORE))
    path = camt(tmp_path / "g.xml", Statement(bookings, opening="1016.00", identification="G", sequence=2))
    bank.take(database=world.database, keeper=world.keeper.client("bss"), path=path, now=NOW, identifiers=Identifiers(Random(2)))
    with world.database.transaction() as tx:
        odd = [one for one in bank.unmatched(tx=tx) if one.way in ("unknown_debit", "wrong_currency")]
    assert len(odd) == 2
    for one in odd:
        page = manager(world).get(f"/unmatched/{one.bank_entry_id}").text
        assert "no receipt in euros" in page and "Give it to a customer" not in page


def test_every_reason_to_wait_has_words() -> None:
    source = Path(str(bank.__file__)).parent
    reasons = {
        why for file in source.glob("*.py") for call in re.findall(r"\.wait\((.*)\)", file.read_text("utf-8")) for why in re.findall(r'"(\w+)"', call)
    }
    reasons.add("parts_do_not_add_up")
    template = (Path(str(desk_app.__file__)).parent / "templates/_receivables.html").read_text("utf-8")
    assert len(reasons) > 10 and [why for why in sorted(reasons) if f'"{why}":' not in template] == []


def test_what_a_customer_owes(world: World, billed: Customer) -> None:
    staff = manager(world)
    page = plain(staff.get(f"/customers/{billed.customer_id}/receivables").text)
    assert "Open items" in page and "bill LLT-2026-" in page and "None: this customer pays by transfer." in page
    dutch = plain(staff.get(f"/customers/{billed.customer_id}/receivables", accept_language="nl").text)
    assert "Openstaande posten" in dutch and "factuur LLT-2026-" in dutch


def test_care_gives_a_reason_first_and_sees_no_unmatched_payments(world: World, billed: Customer) -> None:
    care = world.staff("anna.dekker")
    assert "Open items" not in care.get(f"/customers/{billed.customer_id}/receivables").text
    assert care.get("/unmatched").status_code == 403
    assert DAY_BEFORE < DAY
