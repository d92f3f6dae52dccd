"""Disputes: bills that a customer contests. While one is open, nobody reminds the customer of that bill and nothing is collected of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

from hoeksteen.care import _dispute_store
from hoeksteen.kernel.errors import InvalidInput, WrongState
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.words import require_said
from hoeksteen.storage.postgres import Transaction

About = Literal["amount", "service", "not_ordered", "paid_already", "fraud", "other"]
Outcome = Literal["upheld", "partly_upheld", "rejected", "withdrawn"]
ABOUT: tuple[str, ...] = get_args(About)
OUTCOMES: tuple[str, ...] = get_args(Outcome)


@dataclass(frozen=True, slots=True)
class Dispute:
    """
    A bill that a customer contests.

    :param about: a word of a list; what the customer said is a note
    :param outcome: None while it is open
    """

    customer_id: UUID
    dispute_id: UUID
    customer_bill_id: UUID
    about: str
    opened_by: str
    opened_at: datetime
    outcome: str | None
    settled_by: str | None
    settled_at: datetime | None


def open_dispute(
    *, tx: Transaction, customer_id: UUID, customer_bill_id: UUID, about: str, by: str, now: datetime, identifiers: Identifiers
) -> Dispute:  # fmt: skip
    """
    Record that a customer contests one of their bills.

    :raises InvalidInput: when `about` is no word of the list, or nobody is named
    :raises WrongState: when the bill is contested already
    """
    require_said(by=by)
    if about not in ABOUT:
        raise InvalidInput(f"The field about is one of {', '.join(ABOUT)}.", remedy="Choose one.", field="about")
    if any(one.customer_bill_id == customer_bill_id for one in open_disputes(tx=tx, customer_ids=[customer_id])):
        raise WrongState("The bill is contested already.", remedy="Settle that dispute first.", customer_bill_id=customer_bill_id)
    dispute_id = identifiers.new(now)
    _dispute_store.insert(tx, (customer_id, dispute_id, customer_bill_id, about, by.strip(), now))
    return next(one for one in disputes_of(tx=tx, customer_id=customer_id) if one.dispute_id == dispute_id)


def settle_dispute(*, tx: Transaction, customer_id: UUID, customer_bill_id: UUID, outcome: str, by: str, now: datetime) -> Dispute:
    """
    Settle the open dispute about a bill; what is to be credited is credited by itself.

    :raises InvalidInput: when the outcome is no word of the list, or nobody is named
    :raises WrongState: when the bill is not contested
    """
    require_said(by=by)
    if outcome not in OUTCOMES:
        raise InvalidInput(f"The field outcome is one of {', '.join(OUTCOMES)}.", remedy="Choose one.", field="outcome")
    row = _dispute_store.settle(tx, customer_bill_id, outcome, by.strip(), now)
    if row is None:
        raise WrongState("The bill is not contested.", remedy="Look at the customer's disputes.", customer_bill_id=customer_bill_id)
    return next(one for one in disputes_of(tx=tx, customer_id=customer_id) if one.dispute_id == row["dispute_id"])


def disputes_of(*, tx: Transaction, customer_id: UUID) -> list[Dispute]:
    """Give a customer's disputes, settled ones too, the newest first."""
    return [Dispute(**row) for row in _dispute_store.of_customer(tx, customer_id)]


def open_disputes(*, tx: Transaction, customer_ids: Sequence[UUID]) -> list[Dispute]:
    """Give the open disputes of some customers, the oldest first."""
    return [Dispute(**row) for row in _dispute_store.open_of_customers(tx, customer_ids)]
