"""What came from a former system, where the desk shows such things: and that it says so."""

from datetime import date
from decimal import Decimal

from fixtures.sites import NOW, World
from hoeksteen.care.carried_over import CarriedNote, carry_notes
from hoeksteen.disclosure import SealItem
from hoeksteen.disclosure.operations import store
from hoeksteen.disclosure.queries import reveal
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.sealed import Category
from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.party.consents import Consent, add_consents
from hoeksteen.party.model import Agreement, Customer
from hoeksteen.party.operations import add_agreements
from hoeksteen.party.queries import billing_accounts
from hoeksteen.receivables.carried_over import CarriedItem, carry_items


def carried(world: World) -> Customer:
    """A customer with all that a former system may have known."""
    whose, bss = world.customer(), world.keeper.client("bss")
    customer_id, key = whose.customer_id, derived("record", str(whose.customer_id))
    with world.database.transaction() as tx:
        (held,) = billing_accounts(tx=tx, customer_id=customer_id)
        items = [
            CarriedItem(
                customer_id, derived("item", str(customer_id)), held.billing_account_id, "fixed", key, "Fixed line", "invoice", "26100017",
                date(2026, 9, 20), date(2026, 10, 4), Decimal("40.00"), Decimal("31.50"),
            )
        ]  # fmt: skip
        carry_items(tx=tx, items=items, cutover=date(2026, 10, 1), now=NOW)
        decided = start_of_day(date(2021, 4, 3))
        add_consents(tx=tx, consents=[
            Consent(customer_id, derived("consent", str(customer_id), purpose), purpose, decision, decided, "web", "Fixed line", key)
            for purpose, decision in (("marketing_email", "given"), ("marketing_phone", "withdrawn"))
        ], now=NOW)  # fmt: skip
        note = CarriedNote(
            customer_id, derived("note", str(customer_id)), whose.party_id, "collections", "Fixed line", start_of_day(date(2026, 1, 5)),
            "Pays on the 25th.", key,
        )  # fmt: skip
        carry_notes(tx=tx, keeper=bss, notes=[note], purpose="migration")
        add_agreements(tx=tx, agreements=[Agreement(customer_id, derived("agreement", str(customer_id)), 24, date(2026, 3, 1), date(2028, 3, 1))])
        known = reveal(tx=tx, keeper=bss, purpose="migration", category=Category.CONTACT, subjects=[whose.party_id])[whose.party_id].fields
        people = [{"name": "A. Smit", "function": "purchasing", "phone": "31612345679", "email": "smit@korst.example"}]
        item = SealItem(whose.party_id, {**known, "contact_persons": people}, {})
        store(tx=tx, keeper=bss, purpose="migration", category=Category.CONTACT, items=[item])
    return whose


def test_the_page_shows_it_in_both_languages(world: World) -> None:
    whose, agent = carried(world), world.staff("anna.dekker")
    where = agent.post("/search", {"q": whose.customer_number, "channel": "phone"}).headers["location"]
    page = agent.get(where).text
    for shown in (
        "Open from former systems", "26100017", "€31.50", "from Fixed line", "A. Smit", "purchasing", "+31 6 12345679", "24 months",
        "until 1 Mar 2028",
        "offers by e-mail", "consented on 3 Apr 2021", "withdrawn on 3 Apr 2021", "Pays on the 25th.", "debt collection",
    ):  # fmt: skip
        assert shown in page, shown
    dutch = agent.get(where, accept_language="nl").text
    for shown in ("Open uit vorige systemen", "24 maanden", "toestemming gegeven op 3 apr 2021", "incasso · uit Fixed line"):
        assert shown in dutch, shown
    owed = agent.get(f"{where}/receivables").text
    assert "bill <span" in owed and "from Fixed line" in owed
