"""A customer sees their own data, and nobody else's."""

import json
from datetime import date
from uuid import UUID

from fixtures.sites import SEEDS, Browser, World
from hoeksteen.billing import queries as billing


def customer_at_home(world: World, surname: str) -> tuple[Browser, str]:
    customer = world.customer(surname=surname)
    actor = f"c{SEEDS.randrange(10**12)}"
    world.keeper.add_customer(actor, customer.party_id)
    return Browser(world.hosts, "mydata", {"mydata_session": world.keeper.session(actor, "mydata").token}), str(customer.customer_id)


def test_a_customer_sees_their_own_data_unmasked_and_who_looked(world: World) -> None:
    me, _ = customer_at_home(world, "Eigenaarx")
    page = me.get("/").text
    for shown in (
        "Johanna van den Eigenaarx",
        "NL91 ABNA 0417 1643 00",
        "3511 AW Utrecht",
        "Mobile M",
        "Internet 500",
        "Who looked at your data",
        "your own page",
    ):
        assert shown in page, shown


def test_a_customer_sees_who_gave_out_a_log_in_to_their_data(world: World) -> None:
    me, _ = customer_at_home(world, "Toegangx")
    page = " ".join(me.get("/").text.split())
    assert "Chris Smit" in page and "asked for a log-in that opens this data" in page
    assert "Dewi Hoekstra" in page and "gave out a log-in that opens this data" in page


def test_the_page_costs_this_many_statements(world: World) -> None:
    me, _ = customer_at_home(world, "Tellerx")
    with world.counting() as statements:
        assert me.get("/").status_code == 200
    assert len(statements) == 13, statements


def test_a_customer_sees_what_was_used_so_far(world: World) -> None:
    me, customer_id = customer_at_home(world, "Tellerstandx")
    assert "What you used so far" not in me.get("/").text
    world.count_so_far(UUID(customer_id))
    page = me.get("/").text
    assert "What you used so far in this period" in page
    assert "80 %</progress>" in page
    assert "€61.00 beyond the allowances so far" in page
    assert "Mobile data abroad has stopped" in page


def test_everything_can_be_taken_along(world: World) -> None:
    me, _ = customer_at_home(world, "Meenemerx")
    answer = me.get("/export")
    assert answer.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    taken = json.loads(answer.content)
    assert taken["personal_data"]["identity"]["family_name"] == "Meenemerx"
    assert taken["personal_data"]["payment"]["iban"] == "NL91ABNA0417164300"
    assert sorted(taken["customers"][0]["products"]) == ["Internet 500", "Mobile M"]
    assert taken["who_looked"]
    assert me.get("/evidence").content


def test_somebody_elses_bill_does_not_exist(world: World) -> None:
    me, _ = customer_at_home(world, "Nieuwsgierigx")
    other = world.customer(start_day=date(2026, 10, 1))
    world.bill(date(2026, 10, 1))
    with world.database.transaction() as tx:
        [theirs] = billing.bills_of(tx=tx, customer_id=other.customer_id)
    for where in (f"/bills/{other.customer_id}/{theirs.customer_bill_id}", f"/bills/{other.customer_id}/{theirs.customer_bill_id}/pdf"):
        assert me.get(where).status_code == 404


def test_a_token_of_the_desk_opens_nothing_here(world: World) -> None:
    borrowed = Browser(world.hosts, "mydata", {"mydata_session": world.keeper.session("anna.dekker").token})
    assert borrowed.get("/").status_code == 303


def test_staff_have_no_page_here(world: World) -> None:
    staff = Browser(world.hosts, "mydata", {"mydata_session": world.keeper.session("m.tan", "mydata").token})
    assert staff.get("/").status_code == 403


def test_what_was_erased_is_blank_and_the_rest_stays(world: World) -> None:
    me, customer_id = customer_at_home(world, "Wisserx")
    with world.database.transaction() as tx:
        party_id = tx.value("SELECT party_id FROM party.customer WHERE customer_id = %s", (customer_id,))
    world.keeper.client("dewi.hoekstra").shred(subject=party_id, category="payment", reason="request")
    page = me.get("/")
    assert page.status_code == 200
    assert "Wisserx" in page.text and "NL91 ABNA" not in page.text
    assert me.get("/export").status_code == 200
