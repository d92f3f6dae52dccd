"""
Departments of a company: billing accounts whose lines stand on the bills of another one (TM Forum TMF666, a billing account's parent).

A parent may itself be a department; whose bills they come to is the one on top. It begins and ends with a bill period, and what was is kept.
"""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from hoeksteen.kernel.errors import InvalidInput, WrongState
from hoeksteen.party import _department_store as store
from hoeksteen.party.model import BillingAccount, Department
from hoeksteen.party.queries import billing_account, cycle_moves
from hoeksteen.storage.postgres import Transaction

_DAY = "The first day of a bill period is the cycle day of both accounts."


def join_parent(*, tx: Transaction, billing_account_id: UUID, parent_billing_account_id: UUID, from_day: date) -> Department:
    """
    Let a billing account be a department of another one from a day on; where it was another one's, it leaves it on that day.

    Whether the period that begins that day is still to be billed is the caller's to know.

    :raises NotFound: when there is no such billing account
    :raises InvalidInput: when the two differ in customer, cycle day, or who accounts for VAT and how prices hold it, one is closed, or the
        day begins no bill period
    :raises WrongState: when the parent is a department of this account, or one of both is to move to another bill day
    """
    account, parent = (billing_account(tx=tx, billing_account_id=one) for one in (billing_account_id, parent_billing_account_id))
    _require_alike(account, parent, from_day)
    store.lock_customer(tx, account.customer_id)
    if any(
        not move.done for some in cycle_moves(tx=tx, billing_account_ids=[billing_account_id, parent_billing_account_id]).values() for move in some
    ):
        raise WrongState("One of the billing accounts is to move to another bill day.", remedy="Wait until it has, or take that back.")
    if billing_account_id in store.ancestors(tx, parent_billing_account_id, from_day):
        raise WrongState(
            f"Billing account {parent.billing_account_number} is a department of {account.billing_account_number}, or the same.",
            remedy="Take it out first, or choose another parent.",
        )
    store.end(tx, billing_account_id, from_day)
    department = Department(account.customer_id, billing_account_id, parent_billing_account_id, from_day, None)
    store.insert(tx, department)
    return department


def leave_parent(*, tx: Transaction, billing_account_id: UUID, from_day: date) -> None:
    """
    Let a department have bills of its own from a day on.

    :raises NotFound: when there is no such billing account
    :raises InvalidInput: when the day begins no bill period of it
    :raises WrongState: when it is nobody's department then
    """
    account = billing_account(tx=tx, billing_account_id=billing_account_id)
    if from_day.day != account.cycle_day:
        raise InvalidInput(f"The field from_day is {from_day}, no first day of a bill period.", remedy=_DAY)
    store.lock_customer(tx, account.customer_id)
    if not store.end(tx, billing_account_id, from_day):
        raise WrongState(f"Billing account {account.billing_account_number} is no department on {from_day}.", remedy="Look at the departments.")


def departments_of(*, tx: Transaction, billing_account_ids: Sequence[UUID], day: date) -> dict[UUID, list[BillingAccount]]:
    """Give the departments of some billing accounts on a day, of every level, in the order of their numbers; who has none is absent."""
    return store.below(tx, billing_account_ids, day) if billing_account_ids else {}


def tops_of(*, tx: Transaction, billing_account_ids: Sequence[UUID], day: date) -> dict[UUID, UUID]:
    """Give on whose bills departments stand on a day; who has bills of their own is absent."""
    return store.tops(tx, billing_account_ids, day) if billing_account_ids else {}


def departments(*, tx: Transaction, customer_id: UUID) -> list[Department]:
    """Give every department of a customer there is, was and is planned, the oldest first."""
    return store.of_customers(tx, [customer_id])


def require_alone(*, tx: Transaction, billing_account: BillingAccount, day: date) -> None:
    """
    Check that a billing account has bills of its own alone, and let nothing of that change until commit.

    :raises WrongState: when it is a department, or has departments, on a day or later
    """
    own = billing_account.billing_account_id
    store.lock_customer(tx, billing_account.customer_id)
    for one in store.of_customers(tx, [billing_account.customer_id]):
        if own in (one.billing_account_id, one.parent_billing_account_id) and (one.valid_to is None or one.valid_to > day):
            raise WrongState(
                f"Billing account {billing_account.billing_account_number} is a department, or has departments.",
                remedy="End that first with `hoeksteen bill departments`; until then they are billed together.",
            )


def customers_with_departments(*, tx: Transaction) -> list[UUID]:
    """Give the customers that have, had or will have departments."""
    return sorted({one.customer_id for one in store.of_customers(tx, None)})


def _require_alike(child: BillingAccount, parent: BillingAccount, from_day: date) -> None:
    numbers = f"{child.billing_account_number} and {parent.billing_account_number}"
    for what in ("customer_id", "cycle_day", "tax_included", "tax_treatment"):
        if getattr(child, what) != getattr(parent, what):
            raise InvalidInput(f"Billing accounts {numbers} differ in the field {what}.", remedy="One invoice has one of it: make them alike first.")
    if "closed" in (child.status, parent.status):
        raise InvalidInput(f"One of billing accounts {numbers} is closed.", remedy="Choose active ones.")
    if from_day.day != child.cycle_day:
        raise InvalidInput(f"The field from_day is {from_day}, no first day of a bill period.", remedy=_DAY)
