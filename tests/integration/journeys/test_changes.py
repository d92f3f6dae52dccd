"""Changing what a customer holds: one transaction with its interaction, and a preview that is what will happen."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from hoeksteen.care import operations as care
from hoeksteen.care import queries as care_queries
from hoeksteen.care.model import Interaction, Reason
from hoeksteen.journeys import operations, queries
from hoeksteen.journeys.model import Change
from hoeksteen.kernel.errors import Conflict, Corrupt, InvalidInput, NotFound, WrongState
from hoeksteen.kernel.identifiers import Identifiers, derived
from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.party import operations as party
from hoeksteen.party.model import NewBillingAccount, NewCustomer
from hoeksteen.product import operations as product
from hoeksteen.product import queries as product_queries
from hoeksteen.product.model import NewProduct, NewTerm
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database

NOW = datetime(2026, 11, 10, 9, tzinfo=UTC)
FROM = date(2026, 11, 11)
CUSTOMER, ACCOUNT, MOBILE = derived("customer", "j"), derived("account", "j"), derived("product", "mobile")


@pytest.fixture
def interaction(database: Database) -> Interaction:
    """A customer with plan M, billed up to December, who is on the line."""
    start = date(2026, 1, 1)
    with database.transaction() as tx:
        product.load_catalogue(tx=tx, now=NOW)
        new = NewCustomer(CUSTOMER, derived("party", "j"), "individual", "consumer", start)
        party.add_customers(tx=tx, customers=[new], now=NOW)
        party.add_billing_accounts(tx=tx, billing_accounts=[NewBillingAccount(CUSTOMER, ACCOUNT, "direct_debit", tax_included=True)])
        terms = (NewTerm(start_of_day(start), None, "mobile-m"),)
        product.add_products(tx=tx, products=[NewProduct(CUSTOMER, MOBILE, ACCOUNT, start, date(2026, 11, 1), terms)])
        return care.record_interaction(
            tx=tx, customer_id=CUSTOMER, actor="anna.dekker", reason=Reason("phone"), now=NOW, identifiers=Identifiers(Random(1))
        )


def state(database: Database, day: date) -> tuple[str, str]:
    with database.transaction() as tx:
        [held] = product_queries.products_held(tx=tx, customer_id=CUSTOMER, at=start_of_day(day))
    return held.product_offering_id, held.status


def test_a_change_and_its_interaction_are_one(database: Database, interaction: Interaction) -> None:
    with database.transaction() as tx:
        operations.change_plan(tx=tx, interaction=interaction, product_id=MOBILE, product_offering_id="mobile-l", from_day=FROM, now=NOW)
        operations.suspend(tx=tx, interaction=interaction, product_id=MOBILE, from_day=FROM + timedelta(days=1), now=NOW)
        operations.resume(tx=tx, interaction=interaction, product_id=MOBILE, from_day=FROM + timedelta(days=2), now=NOW)
        operations.terminate(tx=tx, interaction=interaction, product_id=MOBILE, from_day=FROM + timedelta(days=3), now=NOW)
    assert [state(database, FROM + timedelta(days=n)) for n in range(-1, 4)] == [
        ("mobile-m", "active"), ("mobile-l", "active"), ("mobile-l", "suspended"), ("mobile-l", "active"), ("mobile-l", "terminated"),
    ]  # fmt: skip
    with database.transaction() as tx:
        [kept] = care_queries.interactions(tx=tx, customer_id=CUSTOMER)
    assert [item.kind for item in kept.items] == ["change_plan", "suspend", "resume", "terminate"]
    assert kept.items[0].detail == {"from_day": "2026-11-11", "product_offering_id": "mobile-l"}


def test_a_refused_change_leaves_no_trace(database: Database, interaction: Interaction) -> None:
    with pytest.raises(WrongState), database.transaction() as tx:
        operations.change_plan(tx=tx, interaction=interaction, product_id=MOBILE, product_offering_id="mobile-l", from_day=FROM, now=NOW)
        operations.resume(tx=tx, interaction=interaction, product_id=MOBILE, from_day=FROM, now=NOW)
    assert state(database, FROM) == ("mobile-m", "active")
    with database.transaction() as tx:
        assert care_queries.interactions(tx=tx, customer_id=CUSTOMER)[0].items == ()


def test_a_reason_for_one_customer_does_not_change_another(database: Database, interaction: Interaction) -> None:
    other = Change("suspend", derived("customer", "other"), MOBILE, FROM)
    with pytest.raises(Corrupt), database.transaction() as tx:
        operations.carry_out(tx=tx, interaction=interaction, change=other, now=NOW)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (Change("change_plan", CUSTOMER, MOBILE, FROM), InvalidInput),
        (Change("change_plan", CUSTOMER, MOBILE, FROM, "mobile-m"), Conflict),
        (Change("change_plan", CUSTOMER, MOBILE, FROM, "internet-100"), InvalidInput),
        (Change("resume", CUSTOMER, MOBILE, FROM), WrongState),
        (Change("terminate", CUSTOMER, MOBILE, date(2026, 11, 9)), InvalidInput),
        (Change("suspend", CUSTOMER, derived("product", "nobody's"), FROM), NotFound),
    ],
    ids=lambda value: value.kind if isinstance(value, Change) else value.__name__,
)
def test_the_preview_refuses_what_the_change_would(
    database: Database, lake: Lake, interaction: Interaction, change: Change, error: type[Exception]
) -> None:
    with pytest.raises(error):
        queries.effect(database=database, lake=lake, change=change, now=NOW)


def test_the_preview_is_what_will_happen(database: Database, lake: Lake, interaction: Interaction) -> None:
    """Case 10 of docs/rating.md on the next bill: 13.33 back for plan M, 23.33 for plan L, beside the months that follow."""
    change = Change("change_plan", CUSTOMER, MOBILE, FROM, "mobile-l")
    effect = queries.effect(database=database, lake=lake, change=change, now=NOW)
    assert state(database, FROM) == ("mobile-m", "active")
    assert effect.difference == effect.after.gross - effect.before.gross > Decimal(0)
    assert {line.after for line in effect.lines} >= {Decimal("23.33"), Decimal("35.00")}
    with database.transaction() as tx:
        operations.carry_out(tx=tx, interaction=interaction, change=change, now=NOW)
    again = queries.billing.next_bill(database=database, lake=lake, customer_id=CUSTOMER, now=NOW)
    assert again == effect.after


def test_a_termination_takes_money_off_the_next_bill(database: Database, lake: Lake, interaction: Interaction) -> None:
    effect = queries.effect(database=database, lake=lake, change=Change("terminate", CUSTOMER, MOBILE, FROM), now=NOW)
    assert effect.difference < Decimal(0)
    assert effect.after.rates == () or all(rate.product_offering_id == "mobile-m" for rate in effect.after.rates)
