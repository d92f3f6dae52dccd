"""Products held, on a real PostgreSQL: their history is half-open and without holes, whatever is done to it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from hoeksteen.kernel.errors import Conflict, InvalidInput, NotFound, WrongState
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.product import operations, queries
from hoeksteen.product.model import NewAlteration, NewProduct, NewResource, NewTerm, ProductStatus
from hoeksteen.storage.postgres import Database

NOW = datetime(2026, 10, 5, 9, tzinfo=UTC)
CUSTOMER = derived("customer")
PRODUCT = derived("product")


def new_product(product_id: UUID = PRODUCT, offering: str = "mobile-m") -> NewProduct:
    start = date(2026, 9, 1)
    return NewProduct(
        customer_id=CUSTOMER,
        product_id=product_id,
        billing_account_id=derived("billing account"),
        start_day=start,
        recurring_billed_to=date(2026, 10, 1),
        terms=(NewTerm(start_of_day(start), None, offering),),
        alterations=(NewAlteration(derived("alteration", str(product_id)), "welcome", "percentage", Decimal("-10.00"), start, date(2027, 1, 1)),),
        resources=(NewResource(derived("resource", str(product_id)), "msisdn", start_of_day(start)),),
    )


@pytest.fixture
def held(database: Database) -> Database:
    with database.transaction() as tx:
        operations.load_catalogue(tx=tx, now=NOW)
        operations.add_products(tx=tx, products=[new_product()])
    return database


def history(database: Database, product_id: UUID = PRODUCT) -> list[tuple[str, str, str]]:
    with database.transaction() as tx:
        terms = [term for term in queries.terms(tx=tx, customer_ids=[CUSTOMER]) if term.product_id == product_id]
    for before, after in zip(terms, terms[1:], strict=False):
        assert before.valid_to == after.valid_from
    assert terms[-1].valid_to is None
    return [(f"{(term.valid_from + timedelta(hours=3)).date()}", term.product_offering_id, term.status) for term in terms]


def test_a_product_is_added_with_its_history_alterations_and_resources(held: Database) -> None:
    with held.transaction() as tx:
        found = queries.products_held(tx=tx, customer_id=CUSTOMER, at=NOW)
        [alteration] = queries.alterations(tx=tx, customer_ids=[CUSTOMER])
        [resource] = queries.resources_by_id(tx=tx, resource_ids=[derived("resource", str(PRODUCT))])
    assert [(entry.product_offering_id, entry.status) for entry in found] == [("mobile-m", ProductStatus.ACTIVE)]
    assert found[0].resources == (resource,)
    assert alteration.value == Decimal("-10.00")


def test_a_change_begins_at_the_local_day_and_is_seen_from_then_on(held: Database) -> None:
    with held.transaction() as tx:
        operations.change_offering(
            tx=tx, customer_id=CUSTOMER, product_id=PRODUCT, product_offering_id="mobile-l", from_day=date(2026, 10, 11), now=NOW
        )
    with held.transaction() as tx:
        before = queries.products_held(tx=tx, customer_id=CUSTOMER, at=datetime(2026, 10, 10, 21, 59, 59, tzinfo=UTC))
        after = queries.products_held(tx=tx, customer_id=CUSTOMER, at=datetime(2026, 10, 10, 22, tzinfo=UTC))
    assert [entry.product_offering_id for entry in before + after] == ["mobile-m", "mobile-l"]
    assert history(held) == [("2026-09-01", "mobile-m", "active"), ("2026-10-11", "mobile-l", "active")]


def test_suspend_resume_terminate(held: Database) -> None:
    who = {"customer_id": CUSTOMER, "product_id": PRODUCT, "now": NOW}
    with held.transaction() as tx:
        operations.suspend(tx=tx, from_day=date(2026, 10, 6), **who)
    with pytest.raises(WrongState), held.transaction() as tx:
        operations.suspend(tx=tx, from_day=date(2026, 10, 7), **who)
    with held.transaction() as tx:
        operations.resume(tx=tx, from_day=date(2026, 10, 8), **who)
        operations.terminate(tx=tx, from_day=date(2026, 10, 9), **who)
    with pytest.raises(WrongState), held.transaction() as tx:
        operations.terminate(tx=tx, from_day=date(2026, 10, 10), **who)
    assert [entry[2] for entry in history(held)] == ["active", "suspended", "active", "terminated"]


def test_two_changes_from_the_same_day_leave_one(held: Database) -> None:
    who = {"customer_id": CUSTOMER, "product_id": PRODUCT, "now": NOW}
    with held.transaction() as tx:
        operations.change_offering(tx=tx, product_offering_id="mobile-l", from_day=date(2026, 10, 11), **who)
        operations.change_offering(tx=tx, product_offering_id="mobile-s", from_day=date(2026, 10, 11), **who)
    assert history(held) == [("2026-09-01", "mobile-m", "active"), ("2026-10-11", "mobile-s", "active")]


def test_a_change_that_is_taken_back_leaves_nothing(held: Database) -> None:
    who = {"customer_id": CUSTOMER, "product_id": PRODUCT, "from_day": date(2026, 10, 11), "now": NOW}
    before = history(held)
    with held.transaction() as tx:
        operations.change_offering(tx=tx, product_offering_id="mobile-l", **who)
        operations.change_offering(tx=tx, product_offering_id="mobile-m", **who)
        operations.suspend(tx=tx, **who)
        operations.resume(tx=tx, **who)
    assert history(held) == before


def test_a_kept_price_ends_with_the_plan_whose_price_it_keeps(held: Database) -> None:
    kept = NewAlteration(derived("kept"), "price kept", "amount", Decimal("-3.00"), date(2026, 9, 1), None, "mobile-m")
    with held.transaction() as tx:
        operations.add_products(tx=tx, products=[replace(new_product(derived("other")), alterations=(kept,))])
    who = {"customer_id": CUSTOMER, "product_id": derived("other"), "now": NOW}

    def ends() -> list[date | None]:
        with held.transaction() as tx:
            return [one.valid_to for one in queries.alterations(tx=tx, customer_ids=[CUSTOMER])]

    assert sorted(map(str, ends())) == ["2027-01-01", "None"]
    with held.transaction() as tx:
        operations.suspend(tx=tx, from_day=date(2026, 10, 6), **who)
        operations.resume(tx=tx, from_day=date(2026, 10, 8), **who)
        operations.change_offering(tx=tx, product_offering_id="mobile-l", from_day=date(2026, 10, 11), **who)
    assert sorted(map(str, ends())) == ["2026-10-11", "2027-01-01"]
    with held.transaction() as tx:
        operations.change_offering(tx=tx, product_offering_id="mobile-m", from_day=date(2026, 10, 20), **who)
    assert sorted(map(str, ends())) == ["2026-10-11", "2027-01-01"], "it does not come back with the plan"
    with held.transaction() as tx:
        operations.change_offering(tx=tx, product_offering_id="mobile-l", from_day=date(2026, 10, 20), **who)
    assert len(history(held, derived("other"))) == 4


@pytest.mark.parametrize(
    ("offering", "from_day", "error", "words"),
    [
        ("mobile-m", date(2026, 10, 11), Conflict, "already"),
        ("mobile-xxl", date(2026, 10, 11), NotFound, "does not exist"),
        ("tv-plus", date(2026, 10, 11), InvalidInput, "broadband"),
        ("mobile-l", date(2026, 10, 4), InvalidInput, "has passed"),
    ],
)
def test_a_change_that_cannot_be_is_refused(held: Database, offering: str, from_day: date, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words), held.transaction() as tx:
        operations.change_offering(tx=tx, customer_id=CUSTOMER, product_id=PRODUCT, product_offering_id=offering, from_day=from_day, now=NOW)
    assert len(history(held)) == 1


def test_a_change_before_a_planned_one_is_refused(held: Database) -> None:
    who = {"customer_id": CUSTOMER, "product_id": PRODUCT, "now": NOW}
    with held.transaction() as tx:
        operations.terminate(tx=tx, from_day=date(2026, 11, 1), **who)
    with pytest.raises(Conflict, match="planned on 2026-11-01"), held.transaction() as tx:
        operations.suspend(tx=tx, from_day=date(2026, 10, 20), **who)


def test_an_unknown_product_is_not_found(held: Database) -> None:
    with pytest.raises(NotFound), held.transaction() as tx:
        operations.suspend(tx=tx, customer_id=CUSTOMER, product_id=derived("other"), from_day=date(2026, 10, 20), now=NOW)


def test_a_history_with_a_hole_is_refused_and_nothing_is_added(held: Database) -> None:
    start = start_of_day(date(2026, 9, 1))
    broken = NewProduct(
        CUSTOMER, derived("hole"), derived("billing account"), date(2026, 9, 1), date(2026, 10, 1),
        terms=(NewTerm(start, start + timedelta(days=2), "mobile-s"), NewTerm(start + timedelta(days=3), None, "mobile-m")),
    )  # fmt: skip
    with pytest.raises(InvalidInput, match="hole"), held.transaction() as tx:
        operations.add_products(tx=tx, products=[broken])
    with held.transaction() as tx:
        assert queries.count(tx=tx) == 1


def test_the_same_product_twice_is_a_conflict(held: Database) -> None:
    with pytest.raises(Conflict), held.transaction() as tx:
        operations.add_products(tx=tx, products=[new_product()])
