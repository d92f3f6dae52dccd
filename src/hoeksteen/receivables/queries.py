"""Who owes what."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from uuid import UUID

from hoeksteen.billing.claims import claims_of
from hoeksteen.billing.queries import gross_of_bills
from hoeksteen.kernel.time_period import local_day
from hoeksteen.ledger.queries import balance_of_customer
from hoeksteen.receivables import _audit_store, _store
from hoeksteen.receivables.model import OpenItem, OverSettled
from hoeksteen.storage import by_customer
from hoeksteen.storage.postgres import Transaction

_NOTHING = Decimal("0.00")

_OF_A_CUSTOMER = {
    "payments": "receivables.payment", "mandates": "receivables.mandate", "collections": "receivables.collection", "refunds": "receivables.refund",
    "deposits": "receivables.deposit", "dunning cases": "receivables.dunning_case", "payment plans": "receivables.payment_plan",
    "write-offs": "receivables.write_off", "interest": "receivables.interest_charge",
}  # fmt: skip


def open_items(*, tx: Transaction, customer_id: UUID) -> list[OpenItem]:
    """Give what is not settled yet, the oldest first; it adds up to the customer's balance."""
    return open_items_of(tx=tx, customer_ids=[customer_id])[customer_id]


def open_items_of(*, tx: Transaction, customer_ids: Sequence[UUID]) -> dict[UUID, list[OpenItem]]:
    """Give what is not settled yet of each of some customers, the oldest first."""
    settled: dict[UUID, Decimal] = {}
    for one in _store.allocations(tx, customer_ids):
        settled[one["customer_bill_id"]] = settled.get(one["customer_bill_id"], _NOTHING) - one["amount"]
        settled[one["source_id"]] = settled.get(one["source_id"], _NOTHING) + one["amount"]
    items: dict[UUID, list[OpenItem]] = {customer_id: [] for customer_id in customer_ids}
    for claim in claims_of(tx=tx, customer_ids=customer_ids):
        left = claim.gross + settled.get(claim.customer_bill_id, _NOTHING)
        if left:
            items[claim.customer_id].append(
                OpenItem(
                    kind="bill" if claim.gross >= 0 else "credit",
                    customer_id=claim.customer_id,
                    billing_account_id=claim.billing_account_id,
                    customer_bill_id=claim.customer_bill_id,
                    payment_id=None,
                    reference=claim.bill_number,
                    item_date=claim.bill_date,
                    due_date=claim.due_date,
                    amount=claim.gross,
                    open_amount=left,
                )
            )
    for payment in _store.payments(tx, customer_ids):
        left = settled.get(payment.payment_id, _NOTHING) - payment.amount
        if left:
            items[payment.customer_id].append(
                OpenItem(
                    kind="payment",
                    customer_id=payment.customer_id,
                    billing_account_id=payment.billing_account_id,
                    customer_bill_id=None,
                    payment_id=payment.payment_id,
                    reference=payment.reference,
                    item_date=payment.received_on,
                    due_date=None,
                    amount=-payment.amount,
                    open_amount=left,
                )
            )
    for row in _store.other_claims(tx, customer_ids):
        left = row["amount"] + settled.get(row["claim_id"], _NOTHING)
        if left:
            day = row["since_day"] or local_day(row["since"])
            items[row["customer_id"]].append(
                OpenItem(
                    kind=row["kind"],
                    customer_id=row["customer_id"],
                    billing_account_id=row["billing_account_id"],
                    customer_bill_id=row["claim_id"],
                    payment_id=None,
                    reference=row["reference"],
                    item_date=day,
                    due_date=row["due_date"] or day,
                    amount=row["amount"],
                    open_amount=left,
                    origin=row["origin"],
                    carried_on=row["carried_on"],
                )
            )
    for found in items.values():
        found.sort(key=lambda item: (item.item_date, item.reference, str(item.payment_id)))
    return items


def balance(*, tx: Transaction, customer_id: UUID) -> Decimal:
    """Give what a customer owes in euros, by the books; negative when the operator owes the customer."""
    return balance_of_customer(tx=tx, customer_id=customer_id)


def over_settled(*, tx: Transaction) -> Iterator[OverSettled]:
    """Give what is settled for more than it asks, or used for more than there is, or settled by nothing that is known; for audits: there is none."""
    settled, spent = _audit_store.settled(tx), _audit_store.spent(tx)
    bills = gross_of_bills(tx=tx, customer_bill_ids=[*settled, *spent])
    asked = {**bills, **{row["item_id"]: (row["billing_account_id"], row["amount"]) for row in _audit_store.claims(tx)}}
    there = {key: (account_id, -gross) for key, (account_id, gross) in bills.items()}
    there |= {row["item_id"]: (row["billing_account_id"], row["amount"]) for row in _audit_store.sources(tx)}
    for used, limits in ((settled, asked), (spent, there)):
        for item_id, amount in used.items():
            account_id, limit = limits.get(item_id, (None, _NOTHING))
            if amount > limit:
                yield OverSettled(account_id, item_id, limit, amount)


def activity(*, tx: Transaction, customer_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """Count what was paid, collected, dunned and agreed on with each customer; who has nothing is absent."""
    return by_customer.counts(tx, _OF_A_CUSTOMER, customer_ids)
