"""Writes of customers and billing accounts; each belongs to the caller's transaction."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import get_args
from uuid import UUID

from hoeksteen.kernel.errors import Conflict, InvalidInput, NotFound, WrongState
from hoeksteen.party import _department_store, _store
from hoeksteen.party.model import (
    Agreement,
    BillingAccount,
    CycleMove,
    Itemisation,
    Language,
    NewBillingAccount,
    NewCustomer,
    PaymentMethod,
    Status,
)
from hoeksteen.storage.postgres import Transaction

_TERM_DAYS_MAX = 120
_REFERENCE = r"[A-Za-z0-9 ./_-]{1,50}"


def add_customers(*, tx: Transaction, customers: Sequence[NewCustomer], now: datetime) -> None:
    """
    Add customers, and those of their parties that are new, set-based with COPY.

    :raises Conflict: (at the end of the transaction's block) when a customer identifier or number is taken
    """
    fresh = iter(_store.take_customer_numbers(tx, sum(new.customer_number is None for new in customers)))
    numbers = [new.customer_number or next(fresh) for new in customers]
    _store.add_parties(tx, customers, now)
    _store.add_customers(tx, customers, numbers, now)


def add_billing_accounts(*, tx: Transaction, billing_accounts: Sequence[NewBillingAccount]) -> None:
    """
    Add billing accounts of existing customers, set-based with COPY.

    :raises InvalidInput: when a cycle day lies outside 1 to 28
    :raises Conflict: (at the end of the transaction's block) when an identifier or number is taken
    """
    wrong = sum(not 1 <= new.cycle_day <= 28 for new in billing_accounts)
    if wrong:
        raise InvalidInput(f"The field cycle_day of {wrong} billing accounts lies outside 1 to 28.", remedy="Choose a day that every month has.")
    fresh = iter(_store.take_billing_account_numbers(tx, sum(new.billing_account_number is None for new in billing_accounts)))
    numbers = [new.billing_account_number or next(fresh) for new in billing_accounts]
    _store.add_billing_accounts(tx, billing_accounts, numbers)


def add_agreements(*, tx: Transaction, agreements: Sequence[Agreement]) -> None:
    """
    Add agreements of existing customers, set-based with COPY.

    :raises InvalidInput: when one binds for less than a month, or ends before it begins
    :raises Conflict: (at the end of the transaction's block) when an identifier is taken
    """
    wrong = sum(new.commitment_months < 1 for new in agreements)
    if wrong:
        raise InvalidInput(f"The field commitment_months of {wrong} agreements is less than 1.", remedy="Month by month is 1.")
    backwards = sum(new.valid_to is not None and new.valid_to <= new.valid_from for new in agreements)
    if backwards:
        raise InvalidInput(f"The field valid_to of {backwards} agreements lies before valid_from.", remedy="Give the first day after its end.")
    _store.add_agreements(tx, agreements)


def set_language(*, tx: Transaction, customer_id: UUID, language: Language) -> None:
    """
    Set the language in which the customer is written to.

    :raises NotFound: when there is no such customer
    """
    if not _store.set_language(tx, customer_id, language):
        raise NotFound("No customer has this identifier.", remedy="Search for the customer again.", customer_id=customer_id)


def set_terms(*, tx: Transaction, billing_account: BillingAccount) -> None:
    """
    Set what a billing account agreed on: its payment term, the reference that the buyer wants quoted, who accounts for the VAT,
    and whether single records are specified.

    Bills that are there stay as they are.

    :param billing_account: as it is to be; its other fields are not looked at
    :raises InvalidInput: when a term lies outside 1 to 120 days, a reference has other signs than letters, digits and ` ./_-`, the
        prices of an account whose VAT is reverse charged hold VAT, or there is no such itemisation
    :raises WrongState: when the VAT of an account is to be another than that of its parent or departments
    :raises NotFound: when the customer has no such billing account
    """
    days, reference = billing_account.payment_term_days, billing_account.buyer_reference
    if days is not None and not 1 <= days <= _TERM_DAYS_MAX:
        raise InvalidInput(f"The field payment_term_days is {days}.", remedy=f"Give 1 to {_TERM_DAYS_MAX} days.")
    if reference is not None and not re.fullmatch(_REFERENCE, reference):
        raise InvalidInput("The field buyer_reference has 1 to 50 letters, digits and signs of ` ./_-`.", remedy="Give what the buyer wants quoted.")
    if billing_account.tax_treatment == "reverse_charge" and billing_account.tax_included:
        raise InvalidInput(
            "The field tax_treatment is reverse_charge, and the prices of this account hold VAT.", remedy="Only a business accounts for VAT itself."
        )
    _require_itemisation(billing_account.itemisation)
    if _department_store.has_other_tax(tx, billing_account):
        raise WrongState(
            f"Billing account {billing_account.billing_account_number} shares invoices with a parent or departments.",
            remedy="One invoice has one treatment of VAT: take the departments out first.",
        )
    if not _store.set_terms(tx, billing_account):
        raise NotFound(
            "The customer has no such billing account.", remedy="Read the customer's billing accounts again.",
            billing_account_id=billing_account.billing_account_id,
        )  # fmt: skip


def set_itemisation(*, tx: Transaction, customer_id: UUID, billing_account_id: UUID, itemisation: str) -> None:
    """
    Set whether single records are specified behind the invoices of a billing account, drawn from now on.

    :param itemisation: `none`, `masked` (the last digits of other parties' numbers hidden) or `full`
    :raises InvalidInput: when it is none of these
    :raises NotFound: when the customer has no such billing account
    """
    _require_itemisation(itemisation)
    if not _store.set_itemisation(tx, customer_id, billing_account_id, itemisation):
        raise NotFound(
            "The customer has no such billing account.", remedy="Read the customer's billing accounts again.", billing_account_id=billing_account_id
        )


def _require_itemisation(itemisation: str) -> None:
    if itemisation not in get_args(Itemisation):
        raise InvalidInput("The field itemisation is not one of the choices.", remedy=f"Choose {', '.join(get_args(Itemisation))}.")


def set_payment_method(*, tx: Transaction, customer_id: UUID, billing_account_id: UUID, payment_method: PaymentMethod) -> None:
    """
    Set how the bills of a billing account are paid.

    :raises NotFound: when the customer has no such billing account
    """
    if not _store.set_payment_method(tx, customer_id, billing_account_id, payment_method):
        raise NotFound(
            "The customer has no such billing account.", remedy="Read the customer's billing accounts again.", billing_account_id=billing_account_id
        )


def close_billing_account(*, tx: Transaction, billing_account_id: UUID) -> None:
    """
    Close a billing account; its customer is closed too, where no other account of theirs is open.

    :raises NotFound: when there is no such billing account
    """
    _set_status(tx, billing_account_id, "closed")


def open_billing_account(*, tx: Transaction, billing_account_id: UUID) -> None:
    """
    Open a billing account again, and its customer with it.

    :raises NotFound: when there is no such billing account
    """
    _set_status(tx, billing_account_id, "active")


def _set_status(tx: Transaction, billing_account_id: UUID, status: Status) -> None:
    if not _store.set_status(tx, billing_account_id, status):
        raise NotFound(f"There is no billing account {billing_account_id}.", remedy="Read the customer's billing accounts again.")


def move_cycle(*, tx: Transaction, billing_account: BillingAccount, cycle_day: int, from_day: date, by: str, now: datetime) -> CycleMove:
    """
    Note that a billing account is to be billed on another day of the month; who bills makes it so (`finish_cycle_moves`).

    :param from_day: a day on which a period of its present cycle begins
    :raises InvalidInput: when the day lies outside 1 to 28, is the present one, or `from_day` begins no period of the present cycle
    :raises Conflict: when it is to move already
    """
    if not 1 <= cycle_day <= 28 or cycle_day == billing_account.cycle_day:
        raise InvalidInput(f"The field cycle_day is {cycle_day}.", remedy=f"Give 1 to 28, and another day than {billing_account.cycle_day}.")
    if from_day.day != billing_account.cycle_day:
        raise InvalidInput(
            f"The field from_day is {from_day}, on which no bill period of the account begins.",
            remedy=f"Give a day {billing_account.cycle_day} of a month.",
        )
    known = _store.cycle_moves(tx, [billing_account.billing_account_id])
    if any(not one.done for one in known):
        raise Conflict("The billing account is to move already.", remedy="Take that back first.")
    move = CycleMove(billing_account.customer_id, billing_account.billing_account_id, from_day, billing_account.cycle_day, cycle_day, by.strip(), now)
    _store.insert_cycle_move(tx, move)
    return move


def take_back_cycle_move(*, tx: Transaction, billing_account_id: UUID) -> None:
    """
    Let a billing account stay in its cycle.

    :raises NotFound: when it is not to move
    """
    if not _store.delete_cycle_move(tx, billing_account_id):
        raise NotFound("The billing account is not to move.", remedy="Nothing is to be done.", billing_account_id=billing_account_id)


def finish_cycle_moves(*, tx: Transaction, billing_account_ids: Sequence[UUID]) -> int:
    """Let billing accounts belong to the cycle that they were to move to, now that the last period of their old one is billed; and give how many."""
    return _store.finish_cycle_moves(tx, billing_account_ids)


def remove_customers(*, tx: Transaction, customer_ids: Sequence[UUID]) -> int:
    """
    Remove customers as if they had never been added, and give how many there were; of parties those who are nobody else's customers.

    Who removes them has seen to it that nothing refers to them any more: a customer who leaves is closed, not removed.
    """
    return _store.remove_customers(tx, customer_ids)
