"""Discounts are part of the price list, granted to a product for a time, and end with the plan whose price they lower."""

import random
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from hoeksteen.kernel.errors import Conflict, InvalidInput, NotFound, WrongState
from hoeksteen.kernel.identifiers import Identifiers, derived
from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.product import operations, queries
from hoeksteen.product.model import NewAlteration, NewProduct, NewTerm
from hoeksteen.product.price_list import read_mapping
from hoeksteen.storage.postgres import Database

NOW = datetime(2026, 11, 10, 9, tzinfo=UTC)
DISCOUNTS = [
    {"id": "welcome", "name": "welkomstkorting", "percentage": "50", "periods": 3},
    {"id": "loyal", "name": "trouwkorting", "amount": "2.50"},
]
CUSTOMER, PRODUCT = derived("customer"), derived("product")


def offering(name: str, discounts: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": name, "family": "mobile", "name": {"nl": name, "en": name}, "segment": "consumer", "tax_included": True, "discounts": discounts,
        "prices": [{"id": "month", "kind": "recurring", "versions": [{"valid_from": "2026-01-01", "amount": "20.00"}]}],
    }  # fmt: skip


@pytest.fixture
def held(database: Database) -> Database:
    with database.transaction() as tx:
        operations.load_catalogue(tx=tx, mapping={"offerings": [offering("plan", DISCOUNTS), offering("bare", [])]}, now=NOW)
        terms = (NewTerm(start_of_day(date(2026, 11, 1)), None, "plan"),)
        day = date(2026, 11, 1)
        operations.add_products(tx=tx, products=[NewProduct(CUSTOMER, PRODUCT, derived("billing account"), day, day, terms)])
    return database


def grant(database: Database, discount: str, from_day: date, *, product_id: UUID = PRODUCT) -> NewAlteration:
    with database.transaction() as tx:
        return operations.grant_discount(
            tx=tx, customer_id=CUSTOMER, product_id=product_id, discount_id=discount, from_day=from_day, now=NOW,
            identifiers=Identifiers(random.Random(from_day.toordinal())),
        )  # fmt: skip


def test_a_discount_holds_for_its_periods(held: Database) -> None:
    grant(held, "plan/welcome", date(2026, 11, 30))
    grant(held, "plan/loyal", date(2026, 12, 1))
    with held.transaction() as tx:
        found = queries.alterations(tx=tx, customer_ids=[CUSTOMER])
    assert [(one.name, one.kind, one.value, one.valid_from, one.valid_to) for one in found] == [
        ("welkomstkorting", "percentage", Decimal("-50.00"), date(2026, 11, 30), date(2027, 2, 28)),
        ("trouwkorting", "amount", Decimal("-2.50"), date(2026, 12, 1), None),
    ]


def test_it_ends_when_the_product_becomes_another_offering(held: Database) -> None:
    grant(held, "plan/loyal", date(2026, 12, 1))
    with held.transaction() as tx:
        operations.change_offering(tx=tx, customer_id=CUSTOMER, product_id=PRODUCT, product_offering_id="bare", from_day=date(2026, 12, 15), now=NOW)
        [one] = queries.alterations(tx=tx, customer_ids=[CUSTOMER])
    assert one.valid_to == date(2026, 12, 15)


def test_what_cannot_be_granted_is_refused(held: Database) -> None:
    with pytest.raises(NotFound, match="has no discount plan/birthday"):
        grant(held, "plan/birthday", date(2026, 12, 1))
    with pytest.raises(NotFound, match="has no product"):
        grant(held, "plan/loyal", date(2026, 12, 1), product_id=derived("another"))
    with pytest.raises(InvalidInput, match="from_day: 2026-11-09 has passed"):
        grant(held, "plan/loyal", date(2026, 11, 9))
    grant(held, "plan/welcome", date(2026, 12, 1))
    with pytest.raises(Conflict, match="has the discount plan/welcome already"):
        grant(held, "plan/welcome", date(2027, 2, 1))
    grant(held, "plan/welcome", date(2027, 3, 1))
    with held.transaction() as tx:
        operations.suspend(tx=tx, customer_id=CUSTOMER, product_id=PRODUCT, from_day=date(2027, 6, 1), now=NOW)
    with pytest.raises(WrongState, match="is not active on 2027-06-01"):
        grant(held, "plan/loyal", date(2027, 6, 1))


@pytest.mark.parametrize(
    ("discount", "message"),
    [
        ({"id": "a", "name": "a"}, "percentage: or amount must be given"),
        ({"id": "a", "name": "a", "percentage": "5", "amount": "5.00"}, "percentage: or amount must be given, and not both"),
        ({"id": "a", "name": "a", "percentage": "101"}, "percentage: must have at most two decimals, and a percentage must not exceed 100"),
        ({"id": "a", "name": "a", "amount": "0.001"}, "amount: must have at most two decimals"),
        ({"id": "a", "name": "a", "amount": "-1.00"}, "amount: must not be less than 0"),
        ({"id": "a", "name": "a", "amount": "1.00", "periods": 0}, "periods: must be a whole number from 1"),
        ({"id": "a", "name": "a", "amount": "1.00", "of": "calls"}, "of: must be one of recurring, usage"),
        ({"id": "a", "name": "a", "amount": "1.00", "of": []}, "of: must name a price"),
        ({"id": "a", "name": "a", "amount": "1.00", "of": ["voice"]}, "plan/a names plan/voice, which is no price of usage here"),
        ({"id": "a", "name": "a", "amount": "1.00", "of": "usage"}, "plan/a is for usage, which has no price here"),
    ],
)
def test_a_discount_that_makes_no_sense_is_a_fault(discount: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read_mapping({"offerings": [offering("plan", [discount])]})
