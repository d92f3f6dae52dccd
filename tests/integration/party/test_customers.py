"""Customers and billing accounts in a real PostgreSQL."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from hoeksteen.kernel.errors import Conflict, InvalidInput, NotFound
from hoeksteen.kernel.identifiers import derived
from hoeksteen.party import operations, queries
from hoeksteen.party.model import NewBillingAccount, NewCustomer
from hoeksteen.storage.postgres import Database

NOW = datetime(2026, 10, 1, tzinfo=UTC)


def new_customer(name: str, *, party: str | None = None, number: str | None = None) -> NewCustomer:
    return NewCustomer(
        customer_id=derived("customer", name),
        party_id=derived("party", party or name),
        party_kind="individual",
        segment="consumer",
        customer_since=date(2019, 5, 1),
        customer_number=number,
    )


def new_billing_account(name: str, *, cycle_day: int = 1) -> NewBillingAccount:
    return NewBillingAccount(
        customer_id=derived("customer", name),
        billing_account_id=derived("billing_account", name),
        payment_method="direct_debit",
        tax_included=True,
        cycle_day=cycle_day,
    )


def add(database: Database, *names: str) -> None:
    with database.transaction() as tx:
        operations.add_customers(tx=tx, customers=[new_customer(name) for name in names], now=NOW)
        operations.add_billing_accounts(tx=tx, billing_accounts=[new_billing_account(name) for name in names])


def test_a_customer_is_found_by_identifier_number_and_party(database: Database) -> None:
    add(database, "a", "b")
    with database.transaction() as tx:
        found = queries.customer(tx=tx, customer_id=derived("customer", "a"))
        assert queries.customer_by_number(tx=tx, customer_number=found.customer_number) == found
        assert queries.customers_of_parties(tx=tx, party_ids=[found.party_id]) == [found]
        assert queries.customer_by_number(tx=tx, customer_number="0") is None
        assert queries.count(tx=tx) == 2
    assert (found.segment, found.status, found.language, found.customer_since) == ("consumer", "active", "nl", date(2019, 5, 1))


def test_one_party_may_be_two_customers(database: Database) -> None:
    with database.transaction() as tx:
        operations.add_customers(tx=tx, customers=[new_customer("home"), new_customer("shop", party="home")], now=NOW)
        operations.add_customers(tx=tx, customers=[new_customer("boat", party="home")], now=NOW)
        assert len(queries.customers_of_parties(tx=tx, party_ids=[derived("party", "home")])) == 3


def test_numbers_are_never_given_twice(database: Database) -> None:
    add(database, "a", "b")
    with pytest.raises(Conflict), database.transaction() as tx:
        number = queries.customer(tx=tx, customer_id=derived("customer", "a")).customer_number
        operations.add_customers(tx=tx, customers=[new_customer("c", number=number)], now=NOW)
    with database.transaction() as tx:
        assert queries.count(tx=tx) == 2


def test_pages_and_batches_are_complete_and_without_repetition(database: Database) -> None:
    names = [f"n{i}" for i in range(7)]
    add(database, *names)
    with database.transaction() as tx:
        operations.add_customers(tx=tx, customers=[new_customer("other")], now=NOW)
        operations.add_billing_accounts(tx=tx, billing_accounts=[new_billing_account("other", cycle_day=15)])
    seen: list[UUID] = []
    owners: list[UUID] = []
    pages: list[UUID] = []
    with database.transaction() as tx:
        while batch := queries.billing_accounts_of_cycle(tx=tx, day=date(2026, 10, 1), after=seen[-1] if seen else None, limit=3):
            seen += [found.billing_account_id for found in batch]
            owners += [found.customer_id for found in batch]
        while page := queries.list_customers(tx=tx, after=pages[-1] if pages else None, limit=3):
            pages += [found.customer_id for found in page]
    assert sorted(owners) == owners
    assert set(seen) == {derived("billing_account", name) for name in names}
    assert len(pages) == 8 == len(set(pages))


def test_bounds_and_unknown_identifiers_are_refused(database: Database) -> None:
    add(database, "a")
    with database.transaction() as tx:
        with pytest.raises(InvalidInput, match="cycle_day"):
            operations.add_billing_accounts(tx=tx, billing_accounts=[new_billing_account("a", cycle_day=29)])
        with pytest.raises(InvalidInput, match="limit"):
            queries.list_customers(tx=tx, after=None, limit=0)
        with pytest.raises(NotFound):
            queries.customer(tx=tx, customer_id=derived("customer", "nobody"))
        with pytest.raises(NotFound):
            operations.set_language(tx=tx, customer_id=derived("customer", "nobody"), language="en")
        with pytest.raises(NotFound):
            operations.set_payment_method(
                tx=tx, customer_id=derived("customer", "a"), billing_account_id=derived("nothing"), payment_method="transfer"
            )


def test_language_and_payment_method_change(database: Database) -> None:
    add(database, "a")
    customer_id, billing_account_id = derived("customer", "a"), derived("billing_account", "a")
    with database.transaction() as tx:
        operations.set_language(tx=tx, customer_id=customer_id, language="en")
        operations.set_payment_method(tx=tx, customer_id=customer_id, billing_account_id=billing_account_id, payment_method="transfer")
        assert queries.customers(tx=tx, customer_ids=[customer_id])[0].language == "en"
        assert queries.billing_accounts(tx=tx, customer_id=customer_id)[0].payment_method == "transfer"
        assert queries.billing_accounts_by_id(tx=tx, billing_account_ids=[billing_account_id])[0].payment_method == "transfer"
