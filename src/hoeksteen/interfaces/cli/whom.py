"""Which customer a command means: people quote the customer's number, programs an identifier."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import click

from hoeksteen.kernel.errors import NotFound
from hoeksteen.party import queries as party
from hoeksteen.party.model import BillingAccount, Customer
from hoeksteen.storage.postgres import Transaction


def customer_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the argument CUSTOMER: a number, or an identifier that another command printed."""
    return click.argument("customer", metavar="CUSTOMER")(command)


def meant_customer(*, tx: Transaction, named: str) -> Customer:
    """
    Give the customer of a number, of a customer's identifier or of a party's pseudonym.

    :raises NotFound: when there is none, or a party is several customers
    """
    try:
        identifier = UUID(named)
    except ValueError:
        found = party.customer_by_number(tx=tx, customer_number=named)
        if found is None:
            raise NotFound(f"There is no customer {named}.", remedy="Check the customer number; `hoeksteen customers` lists them.") from None
        return found
    of_identifier = party.customers(tx=tx, customer_ids=[identifier]) or party.customers_of_parties(tx=tx, party_ids=[identifier])
    if not of_identifier:
        raise NotFound(f"No customer has the identifier {identifier}.", remedy="Name the customer by number; `hoeksteen customers` lists them.")
    if len(of_identifier) > 1:
        numbers = ", ".join(one.customer_number for one in of_identifier)
        raise NotFound(f"{identifier} is several customers: {numbers}.", remedy="Name one of these numbers.")
    return of_identifier[0]


def numbered_billing_account(*, tx: Transaction, named: str) -> BillingAccount:
    """
    Give the billing account of a number as bills show it, or of an identifier.

    :raises NotFound: when there is none
    """
    try:
        found = party.billing_accounts_by_id(tx=tx, billing_account_ids=[UUID(named)])
    except ValueError:
        found = party.billing_accounts_by_number(tx=tx, numbers=[named])
    if not found:
        raise NotFound(f"There is no billing account {named}.", remedy="Look its number up on a bill, or with `hoeksteen bill terms CUSTOMER`.")
    return found[0]


def meant_billing_account(*, tx: Transaction, named: str, number: str | None) -> BillingAccount:
    """
    Give the active billing account of a customer, or the one with a number where there are several.

    :raises NotFound: when there is none such, or there are several and none was chosen
    """
    customer = meant_customer(tx=tx, named=named)
    active = [one for one in party.billing_accounts(tx=tx, customer_id=customer.customer_id) if one.status == "active"]
    chosen = [one for one in active if number in (None, one.billing_account_number)]
    if len(chosen) != 1:
        numbers = ", ".join(one.billing_account_number for one in active) or "none"
        raise NotFound(f"Customer {named} has these active billing accounts: {numbers}.", remedy="Choose one of them with --billing-account.")
    return chosen[0]


def meant_department(*, tx: Transaction, customer_id: UUID, number: str) -> BillingAccount:
    """
    Give a customer's billing account by its number, closed ones too.

    :raises NotFound: when the customer has none with this number
    """
    held = party.billing_accounts(tx=tx, customer_id=customer_id)
    for one in held:
        if one.billing_account_number == number:
            return one
    numbers = ", ".join(one.billing_account_number for one in held) or "none"
    raise NotFound(f"The customer has no billing account {number}.", remedy=f"Choose one of these: {numbers}.")
