"""Who owes what, and who paid."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

ItemKind = Literal["bill", "credit", "payment"]


@dataclass(frozen=True, slots=True)
class OpenItem:
    """
    Something that is not settled yet: a bill that is owed, a credit note, or what is left of a payment.

    :param customer_bill_id: of a bill or credit; `payment_id` of a payment
    :param amount: euros of the whole; negative where the operator owes it
    :param open_amount: euros still to be settled, of the same sign
    :param due_date: None for a payment
    """

    kind: ItemKind
    customer_id: UUID
    billing_account_id: UUID
    customer_bill_id: UUID | None
    payment_id: UUID | None
    reference: str
    item_date: date
    due_date: date | None
    amount: Decimal
    open_amount: Decimal


@dataclass(frozen=True, slots=True)
class Payment:
    """
    Money received from a customer.

    :param reference: what the payer wrote to say what it is for
    """

    customer_id: UUID
    payment_id: UUID
    billing_account_id: UUID
    amount: Decimal
    received_on: date
    reference: str
    registered_at: datetime


@dataclass(frozen=True, slots=True)
class Allocation:
    """How much of a payment settles which bill."""

    customer_bill_id: UUID
    payment_id: UUID
    amount: Decimal


@dataclass(frozen=True, slots=True)
class RegisteredPayment:
    """
    What registering a payment did.

    :param left: euros that settle no bill and stay to the customer's credit
    """

    payment: Payment
    allocations: tuple[Allocation, ...]
    left: Decimal
