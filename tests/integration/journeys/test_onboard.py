"""Becoming a customer: rows of pseudonyms here, personal data with the keeper, found again by everything that they said."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from factories.customers import IBAN, newcomer, onboard
from fixtures.keeper import RunningKeeper
from hoeksteen.care import queries as care
from hoeksteen.disclosure import queries as disclosure
from hoeksteen.journeys.model import Newcomer, Ordered
from hoeksteen.kernel.errors import InvalidInput, NotFound
from hoeksteen.kernel.sealed import Category
from hoeksteen.party import queries as party
from hoeksteen.product import queries as product
from hoeksteen.storage.postgres import Database

NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
ON_THE_LINE = {"customer_on_the_line": True}
SEEDS = Random(20261101)


def fresh_number() -> str:
    return f"316{SEEDS.randrange(10_000_000, 99_999_999)}"


def test_a_new_customer_is_found_by_everything_they_said(database: Database, keeper: RunningKeeper) -> None:
    anna, number, surname = keeper.client("anna.dekker"), fresh_number(), "Zilver" + "".join(SEEDS.choices("abcdefghjkmnpqrstuvw", k=12))
    customer = onboard(database, anna, now=NOW, seed=SEEDS.randrange(2**60), who=newcomer(surname=surname, number=number))
    asked = {
        "phone": number,
        "email": f"{surname.lower()}@voorbeeld.nl",
        "surname_postcode": f"{surname}|3511AW",
        "surname_birth_date": f"van den {surname}|1984-06-17",
    }
    for index, value in asked.items():
        hits = disclosure.search(keeper=anna, purpose="care", index=index, value=value, context=ON_THE_LINE)
        assert [(hit.subject, hit.ref) for hit in hits] == [(customer.party_id, customer.customer_id)], index
    by_iban = disclosure.search(keeper=anna, purpose="care", index="iban", value=IBAN, context=ON_THE_LINE)
    assert customer.party_id in {hit.subject for hit in by_iban}


def test_what_is_kept_here_holds_nothing_personal(database: Database, keeper: RunningKeeper) -> None:
    anna = keeper.client("anna.dekker")
    customer = onboard(database, anna, now=NOW, seed=SEEDS.randrange(2**60), who=newcomer(number=fresh_number()))
    with database.transaction() as tx:
        held = product.products_held(tx=tx, customer_id=customer.customer_id, at=NOW)
        [account] = party.billing_accounts(tx=tx, customer_id=customer.customer_id)
        [interaction] = care.interactions(tx=tx, customer_id=customer.customer_id)
        opened = disclosure.reveal(tx=tx, keeper=anna, purpose="care", category=Category.CONTACT, subjects=[customer.party_id], context=ON_THE_LINE)
    assert {one.product_offering_id for one in held} == {"mobile-m", "internet-500"}
    assert (account.payment_method, account.tax_included, account.cycle_day) == ("direct_debit", True, 1)
    assert [item.kind for item in interaction.items] == ["onboard"]
    [mobile] = [one for one in held if one.product_offering_id == "mobile-m"]
    phones = opened[customer.party_id].fields["phones"]
    assert [phone["resource_id"] for phone in phones if phone["kind"] == "msisdn"] == [str(mobile.resources[0].resource_id)]


@pytest.mark.parametrize(
    ("who", "error"),
    [
        (newcomer(products=()), InvalidInput),
        (newcomer(products=(Ordered("mobile-m"),)), InvalidInput),
        (newcomer(products=(Ordered("internet-500", "31201234567"),)), InvalidInput),
        (newcomer(products=(Ordered("business-internet"),)), InvalidInput),
        (newcomer(products=(Ordered("teletext"),)), NotFound),
    ],
    ids=["nothing", "no number", "a number too many", "another segment", "unknown"],
)
def test_a_wrong_order_leaves_nothing(database: Database, keeper: RunningKeeper, who: Newcomer, error: type[Exception]) -> None:
    with pytest.raises(error):
        onboard(database, keeper.client("anna.dekker"), now=NOW, seed=1, who=who)
    with database.transaction() as tx:
        assert party.count(tx=tx) == 0


def test_notes_are_sealed_and_read_back(database: Database, keeper: RunningKeeper) -> None:
    from hoeksteen.care import operations
    from hoeksteen.care.model import Reason
    from hoeksteen.kernel.identifiers import Identifiers

    anna, identifiers = keeper.client("anna.dekker"), Identifiers(Random(7))
    customer = onboard(database, anna, now=NOW, seed=SEEDS.randrange(2**60), who=newcomer(number=fresh_number()))
    with database.transaction() as tx:
        interaction = operations.record_interaction(
            tx=tx, customer_id=customer.customer_id, actor="anna.dekker", reason=Reason("phone"), now=NOW, identifiers=identifiers
        )
        for n, text in enumerate(["Belt liever na 17 uur.", "Wil een gespecificeerde factuur."]):
            at = NOW + timedelta(minutes=n)
            operations.add_note(tx=tx, keeper=anna, interaction=interaction, subject=customer.party_id, text=text, now=at, identifiers=identifiers)
        notes = care.notes(tx=tx, keeper=anna, interaction=interaction)
        blobs = [bytes(row["blob"]) for row in tx.rows("SELECT blob FROM care.note")]
    assert [note.text for note in notes] == ["Wil een gespecificeerde factuur.", "Belt liever na 17 uur."]
    assert not any(b"17 uur" in blob for blob in blobs)
