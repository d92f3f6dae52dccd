"""What the party room keeps of a customer: no name and no number of the outside world, only pseudonyms and terms of business."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

PartyKind = Literal["individual", "organization"]
Segment = Literal["consumer", "business"]
Status = Literal["active", "closed"]
Language = Literal["nl", "en"]
PaymentMethod = Literal["direct_debit", "transfer"]
Itemisation = Literal["none", "masked", "full"]
TaxTreatment = Literal["domestic", "reverse_charge"]


@dataclass(frozen=True, slots=True)
class NewCustomer:
    """
    A customer to be added together with its party.

    :param party_id: the subject of the personal data; one party may be several customers (`party_id` then repeats)
    :param customer_number: what people quote; None takes the next one
    """

    customer_id: UUID
    party_id: UUID
    party_kind: PartyKind
    segment: Segment
    customer_since: date
    customer_number: str | None = None
    status: Status = "active"
    language: Language = "nl"


@dataclass(frozen=True, slots=True)
class Customer:
    """A party in its role of customer (TM Forum TMF629)."""

    customer_id: UUID
    party_id: UUID
    party_kind: PartyKind
    customer_number: str
    segment: Segment
    status: Status
    language: Language
    customer_since: date


@dataclass(frozen=True, slots=True)
class NewBillingAccount:
    """
    A billing account to be added.

    :param cycle_day: 1 to 28, the local day on which each bill period begins
    :param tax_included: whether its prices hold VAT (consumers) or not
    :param billing_account_number: what a bill shows; None takes the next one
    """

    customer_id: UUID
    billing_account_id: UUID
    payment_method: PaymentMethod
    tax_included: bool
    cycle_day: int = 1
    billing_account_number: str | None = None
    status: Status = "active"


@dataclass(frozen=True, slots=True)
class BillingAccount:
    """
    The receiver of one bill per period (TM Forum TMF666).

    :param payment_term_days: None means the operator's own term
    :param itemisation: whether single records stand on its invoices, and the other party's number masked or in full
    :param buyer_reference: what the buyer wants quoted (EN 16931 BT-10), such as the code of a department; never about a person
    :param tax_treatment: `reverse_charge` for a business in another member state that accounts for the VAT itself
    """

    customer_id: UUID
    billing_account_id: UUID
    billing_account_number: str
    cycle_day: int
    payment_method: PaymentMethod
    tax_included: bool
    status: Status
    payment_term_days: int | None = None
    itemisation: Itemisation = "none"
    buyer_reference: str | None = None
    tax_treatment: TaxTreatment = "domestic"


@dataclass(frozen=True, slots=True)
class Agreement:
    """
    What binds a customer for a time (TM Forum TMF651).

    :param commitment_months: 1 is month by month
    :param valid_from: the local day on which it began; `valid_to` the first on which it binds no more, None where none was agreed
    """

    customer_id: UUID
    agreement_id: UUID
    commitment_months: int
    valid_from: date
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class CycleMove:
    """
    That a billing account is billed on another day of the month.

    :param from_day: the first day of the shorter period that bridges the old cycle and the new one; a period of the old one ends on it
    :param done: whether the old cycle's last period has been billed, so that the account belongs to the new cycle
    """

    customer_id: UUID
    billing_account_id: UUID
    from_day: date
    day_before: int
    day_after: int
    moved_by: str
    moved_at: datetime
    done: bool = False


@dataclass(frozen=True, slots=True)
class Department:
    """
    That a billing account's lines stand on the bills of another one of the customer, its parent.

    :param valid_from: first day of a bill period; `valid_to` the first day of the period in which it no longer does, None while none is known
    """

    customer_id: UUID
    billing_account_id: UUID
    parent_billing_account_id: UUID
    valid_from: date
    valid_to: date | None
