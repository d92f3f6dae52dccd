"""Who owes what, and who paid."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

ItemKind = Literal["bill", "credit", "payment", "refund", "deposit", "fee", "interest"]


@dataclass(frozen=True, slots=True)
class OpenItem:
    """
    Something that is not settled yet: a bill that is owed, a credit note, what is left of a payment, a fee, interest, or a refund or deposit
    whose payment was taken back.

    :param customer_bill_id: of a bill or credit, or the identifier of the fee, refund or deposit; `payment_id` of a payment
    :param amount: euros of the whole; negative where the operator owes it
    :param open_amount: euros still to be settled, of the same sign
    :param due_date: None for a payment
    :param origin: the former system that it was carried over from; empty of what arose here
    :param carried_on: the day on which it was carried over; `amount` is what was open then
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
    origin: str = ""
    carried_on: date | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """
    Money received from a customer.

    :param reference: the number of the bill that the payer named; empty when it was none of ours, because other words may be about a person
    :param bank_reference: by which the bank names the booking, so that it is registered once
    """

    customer_id: UUID
    payment_id: UUID
    billing_account_id: UUID
    amount: Decimal
    received_on: date
    reference: str
    bank_reference: str | None
    registered_at: datetime


@dataclass(frozen=True, slots=True)
class Allocation:
    """
    How much of a payment, or of a credit note, settles which bill.

    :param source_id: the payment's identifier, or the credit note's customer bill identifier
    """

    customer_bill_id: UUID
    source_id: UUID
    amount: Decimal


@dataclass(frozen=True, slots=True)
class RegisteredPayment:
    """
    What registering a payment did.

    :param allocations: how bills were settled by it, and beside it by what the customer had to their credit
    :param left: euros that settle no bill and stay to the customer's credit
    :param repeated: whether it was registered before, so that nothing changed now
    """

    payment: Payment
    allocations: tuple[Allocation, ...]
    left: Decimal
    repeated: bool = False

    @property
    def settled(self) -> Decimal:
        """Euros of this payment that settle bills."""
        return self.payment.amount - self.left


@dataclass(frozen=True, slots=True)
class OverSettled:
    """
    What is settled for more than it asks, or what is used for more than it is.

    :param item_id: a bill, refund, deposit or fee; or a payment, credit note or write-off
    :param amount: euros of it; `settled` those that stand against it
    """

    billing_account_id: UUID | None
    item_id: UUID
    amount: Decimal
    settled: Decimal
