"""Bills as claims: who owes what by when, of many customers at once and without lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from hoeksteen.billing import _claim_store
from hoeksteen.storage.postgres import Transaction


@dataclass(frozen=True, slots=True)
class Claim:
    """
    What a final bill asks.

    :param gross: euros; negative on a credit note
    """

    customer_id: UUID
    customer_bill_id: UUID
    billing_account_id: UUID
    bill_number: str
    bill_date: date
    due_date: date
    gross: Decimal


def claims_of(*, tx: Transaction, customer_ids: Sequence[UUID]) -> list[Claim]:
    """Give the final bills of some customers, by customer and the oldest first."""
    return [Claim(**row) for row in _claim_store.of_customers(tx, customer_ids)]


def claims_by_number(*, tx: Transaction, bill_numbers: Sequence[str]) -> dict[str, Claim]:
    """Give the final bills with these numbers; unknown ones are absent."""
    return {row["bill_number"]: Claim(**row) for row in _claim_store.by_number(tx, bill_numbers)}


def products_of_bills(*, tx: Transaction, customer_ids: Sequence[UUID], customer_bill_ids: Sequence[UUID]) -> dict[UUID, set[UUID]]:
    """
    Give the products that some bills are about, by bill: those for which it asks more than nothing.

    :param customer_ids: whose bills they are
    """
    found: dict[UUID, set[UUID]] = {}
    for row in _claim_store.products_of_bills(tx, customer_ids, customer_bill_ids):
        found.setdefault(row["customer_bill_id"], set()).add(row["product_id"])
    return found
