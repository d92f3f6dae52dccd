"""Reads of customers and billing accounts; nothing here is personal data."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import pyarrow as pa

from hoeksteen.kernel.errors import InvalidInput, NotFound
from hoeksteen.party import _store
from hoeksteen.party._department_store import NOT_A_DEPARTMENT
from hoeksteen.party.model import Agreement, BillingAccount, Customer, CycleMove
from hoeksteen.storage import by_customer
from hoeksteen.storage.columns import Fixed, table_of, uuid_list
from hoeksteen.storage.postgres import Transaction

PAGE_MAX = 10_000
_OF_A_CUSTOMER = ("party.customer", "party.billing_account", "party.agreement", "party.department", "party.cycle_move")


def customer(*, tx: Transaction, customer_id: UUID) -> Customer:
    """
    Give one customer.

    :raises NotFound: when there is none with this identifier
    """
    found = _store.customer(tx, customer_id)
    if found is None:
        raise NotFound("No customer has this identifier.", remedy="Search for the customer again.", customer_id=customer_id)
    return found


def customers(*, tx: Transaction, customer_ids: Sequence[UUID]) -> list[Customer]:
    """Give the customers among these identifiers, ordered by identifier; unknown ones are absent."""
    return _store.customers(tx, customer_ids)


def customers_of_parties(*, tx: Transaction, party_ids: Sequence[UUID]) -> list[Customer]:
    """Give every customer that one of these parties is."""
    return _store.customers_of_parties(tx, party_ids)


def customer_by_number(*, tx: Transaction, customer_number: str) -> Customer | None:
    """Give the customer who quotes this number, or None."""
    return _store.customer_by_number(tx, customer_number)


def list_customers(*, tx: Transaction, after: UUID | None, limit: int) -> list[Customer]:
    """
    Give the next customers by identifier.

    :param after: the last identifier of the page before, or None for the first page
    :param limit: 1 to 10,000 customers
    :raises InvalidInput: when `limit` lies outside its bounds
    """
    return _store.customers_after(tx, after, _bounded(limit))


def count(*, tx: Transaction) -> int:
    """Count all customers."""
    return _store.count_customers(tx)


def billing_accounts(*, tx: Transaction, customer_id: UUID) -> list[BillingAccount]:
    """Give the billing accounts of a customer, closed ones too."""
    return _store.billing_accounts(tx, [customer_id])


def billing_accounts_of(*, tx: Transaction, customer_ids: Sequence[UUID]) -> dict[UUID, list[BillingAccount]]:
    """Give the billing accounts of each of some customers, closed ones too."""
    found: dict[UUID, list[BillingAccount]] = {customer_id: [] for customer_id in customer_ids}
    for one in _store.billing_accounts(tx, customer_ids):
        found[one.customer_id].append(one)
    return found


def billing_accounts_by_id(*, tx: Transaction, billing_account_ids: Sequence[UUID]) -> list[BillingAccount]:
    """Give the billing accounts among these identifiers; unknown ones are absent."""
    return _store.billing_accounts_by_id(tx, billing_account_ids)


def billing_account(*, tx: Transaction, billing_account_id: UUID) -> BillingAccount:
    """
    Give one billing account, whoever has it.

    :raises NotFound: when there is none
    """
    for found in _store.billing_accounts_by_id(tx, [billing_account_id]):
        return found
    raise NotFound(
        "No billing account has this identifier.", remedy="Look at the customer's billing accounts.", billing_account_id=billing_account_id
    )


def billing_accounts_by_number(*, tx: Transaction, numbers: Sequence[str]) -> list[BillingAccount]:
    """Give the billing accounts that bills show with these numbers; unknown ones are absent."""
    return _store.billing_accounts_by_number(tx, numbers)


def cycle_days(*, tx: Transaction, billing_account_ids: bytes) -> pa.Table:
    """
    Give the cycle day of each of some billing accounts as columns, many thousands of them at once; unknown ones are absent.

    :param billing_account_ids: 16 bytes each, one after the other
    :returns: billing_account_id, cycle_day; in no particular order
    """
    return table_of(_store.cycle_days_binary(tx, uuid_list(billing_account_ids)), {"billing_account_id": Fixed.UUID, "cycle_day": Fixed.SMALL})


def cycle_days_in_use(*, tx: Transaction) -> list[int]:
    """Give the days on which the bill periods of active billing accounts begin."""
    return _store.cycle_days_in_use(tx)


def billing_accounts_of_cycle(
    *, tx: Transaction, day: date, after: UUID | None, limit: int, also: Sequence[UUID] = (), part: int = 0, parts: int = 1
) -> list[BillingAccount]:  # fmt: skip
    """
    Give the next active billing accounts that have a bill of their own for the period that begins on `day`, customer by customer, as what is
    kept of them lies; departments are absent (`departments_of`).

    :param after: the last billing account identifier of the batch before, or None for the first batch
    :param limit: 1 to 10,000 billing accounts
    :param also: closed ones of the cycle that are wanted with them
    :param part: only those whose identifier's last byte leaves this when it is divided by `parts`, a power of two up to 16
    :raises InvalidInput: when `limit` lies outside its bounds
    """
    return _store.billing_accounts_of_cycle(tx, day, after, _bounded(limit), also, part, parts, NOT_A_DEPARTMENT)


def closed_billing_accounts_of_cycle(*, tx: Transaction, cycle_day: int) -> list[UUID]:
    """Give the closed billing accounts whose bill periods began on `cycle_day`."""
    return _store.closed_of_cycle(tx, cycle_day)


def count_billing_accounts_of_cycle(*, tx: Transaction, cycle_day: int) -> int:
    """Count the active billing accounts whose bill period begins on `cycle_day`."""
    return _store.count_billing_accounts_of_cycle(tx, cycle_day)


def cycle_moves(*, tx: Transaction, billing_account_ids: Sequence[UUID]) -> dict[UUID, list[CycleMove]]:
    """Give the moves of some billing accounts to other bill days, the oldest first; those that never moved are absent."""
    found: dict[UUID, list[CycleMove]] = {}
    for one in _store.cycle_moves(tx, billing_account_ids):
        found.setdefault(one.billing_account_id, []).append(one)
    return found


def agreements(*, tx: Transaction, customer_id: UUID) -> list[Agreement]:
    """Give what binds a customer for a time, oldest first."""
    return _store.agreements(tx, customer_id)


def _bounded(limit: int) -> int:
    if not 1 <= limit <= PAGE_MAX:
        raise InvalidInput(f"The field limit must lie in 1 to {PAGE_MAX}, not {limit}.", remedy="Ask for smaller pages.")
    return limit


def fingerprints(*, tx: Transaction, customer_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Give a digest of all that this room holds of each customer, to see whether somebody changed it since."""
    return by_customer.fingerprints(tx, _OF_A_CUSTOMER, customer_ids)
