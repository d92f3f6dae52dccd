"""
What each payment of a bank statement is: in sets, some thousands at a time.

In this order: what we sent ourselves (by its end-to-end id or batch), what the bank took back, a bill that is named, and the payer's IBAN
with exactly the amount that is open. Whatever is not certain waits for a person, with the reason; nothing is guessed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal
from uuid import UUID

from hoeksteen.billing.claims import Claim, claims_by_number
from hoeksteen.disclosure import KeeperClient
from hoeksteen.disclosure.queries import lookup
from hoeksteen.kernel.check_digits import iban_holds
from hoeksteen.receivables import _carried_store
from hoeksteen.receivables import iban as ibans
from hoeksteen.receivables._bank_store import NOT_POSTED
from hoeksteen.receivables.camt import BankTransaction
from hoeksteen.receivables.matching import OpenBook
from hoeksteen.receivables.model import Allocation
from hoeksteen.receivables.queries import open_items_of
from hoeksteen.storage.postgres import Row, Transaction

Outcome = Literal["payment", "collection", "return", "reversal", "refund", "bank_costs", "unmatched"]
CURRENCY = "EUR"
CANDIDATES_MAX = 20
_BANK_COSTS = {"CHRG", "FEES", "COMM", "INTR"}


@dataclass(slots=True)
class Seen:
    """
    One payment of a booking, with what it is taken for.

    :param booked_on: in our books; `bank_day` the bank's own day, where the books of that one are closed
    :param way: how it was found, or why it was not
    :param candidates: whose it may be, where there are several
    """

    bank_entry_id: UUID
    booking_key: str
    part: int
    booked_on: date
    transaction: BankTransaction
    outcome: Outcome = "unmatched"
    way: str = ""
    reason: str | None = None
    customer_id: UUID | None = None
    billing_account_id: UUID | None = None
    payment_id: UUID | None = None
    named: tuple[str, ...] = ()
    allocations: tuple[Allocation, ...] = ()
    candidates: tuple[UUID, ...] = ()
    left: Decimal = Decimal("0.00")
    bank_reference: str | None = None
    is_half_paid: bool = False
    bank_day: date | None = None

    @property
    def amount(self) -> Decimal:
        return self.transaction.amount

    @property
    def is_posted(self) -> bool:
        """Whether the books get it: not what was posted before, nor what is in another currency."""
        return self.way not in NOT_POSTED

    def wait(self, why: str) -> None:
        self.outcome, self.way = "unmatched", why


def recognise_receipts(*, tx: Transaction, keeper: KeeperClient, seen: Sequence[Seen]) -> None:
    """Find whose each receipt is, and match it with what that customer still owes after the ones before it."""
    claims = claims_by_number(tx=tx, bill_numbers=[*{number for one in seen for number in one.transaction.bills}])
    former = _former_invoices(tx, seen)
    by_iban: list[Seen] = []
    for one in seen:
        found = [claims[number] for number in one.transaction.bills if number in claims]
        if len({claim.customer_id for claim in found}) > 1:
            one.wait("bills_of_several_customers")
            one.candidates = tuple(dict.fromkeys(claim.customer_id for claim in found))
        elif found:
            _is_of(one, found[0], "bill_named")
            one.named = tuple(claim.bill_number for claim in found)
        elif rows := [row for word in one.transaction.words for row in former.get(word, ())]:
            _is_of_a_former_system(one, rows)
        else:
            by_iban.append(one)
    candidates = _candidates(keeper, by_iban)
    customers = {one.customer_id for one in seen if one.customer_id is not None} | {found for many in candidates.values() for found in many}
    books = {customer_id: OpenBook(items) for customer_id, items in open_items_of(tx=tx, customer_ids=[*customers]).items()}
    for one in seen:
        if id(one) in candidates:
            _by_amount(one, candidates[id(one)], books)
        if one.outcome == "payment" and one.customer_id is not None and one.billing_account_id is not None:
            book = books[one.customer_id]
            one.payment_id = one.bank_entry_id
            allocations, one.left = book.settle(
                payment_id=one.bank_entry_id, billing_account_id=one.billing_account_id, amount=one.amount, named=one.named
            )
            one.allocations = tuple(allocations)
            one.is_half_paid = not one.left and book.is_open(one.named)


def _is_of(one: Seen, claim: Claim, way: str) -> None:
    one.outcome, one.way, one.customer_id, one.billing_account_id = "payment", way, claim.customer_id, claim.billing_account_id


def _former_invoices(tx: Transaction, seen: Sequence[Seen]) -> dict[str, list[Row]]:
    """Give the carried items that payers who name no bill of ours may mean, by the letters and digits of their number."""
    words = {word for one in seen for word in one.transaction.words}
    found: dict[str, list[Row]] = {}
    for row in _carried_store.by_key(tx, [*words]) if words else ():
        found.setdefault(row["reference_key"], []).append(row)
    return found


def _is_of_a_former_system(one: Seen, rows: Sequence[Row]) -> None:
    customers = tuple(dict.fromkeys(row["customer_id"] for row in rows))
    if len(customers) > 1:
        one.wait("bills_of_several_customers")
        one.candidates = customers[:CANDIDATES_MAX]
        return
    one.outcome, one.way, one.customer_id, one.billing_account_id = "payment", "bill_named", customers[0], rows[0]["billing_account_id"]
    one.named = tuple(dict.fromkeys(row["reference"] for row in rows))


def _candidates(keeper: KeeperClient, seen: Sequence[Seen]) -> dict[int, list[UUID]]:
    """Ask the keeper whose IBANs these are, each once; a payer without a good IBAN waits."""
    asked: dict[str, list[Seen]] = {}
    for one in seen:
        iban = ibans.plain(one.transaction.payer_iban)
        if not iban:
            one.wait("no_iban")
        elif not iban_holds(iban):
            one.wait("iban_fails_its_check")
        else:
            asked.setdefault(iban, []).append(one)
    answers = lookup(keeper=keeper, purpose="billing", index="iban", values=[*asked]) if asked else []
    found: dict[int, list[UUID]] = {}
    for hits, payers in zip(answers, asked.values(), strict=True):
        customers = sorted({hit.ref for hit in hits if hit.ref is not None})
        for one in payers:
            found[id(one)] = customers
    return found


def _by_amount(one: Seen, candidates: Sequence[UUID], books: dict[UUID, OpenBook]) -> None:
    """Take a payment for the one customer with this IBAN of whom exactly this amount is open: a bill, or all that is owed."""
    exact = [found for found in candidates if books[found].bills_of_amount(one.amount) or books[found].owed == one.amount]
    if len(exact) == 1:
        one.outcome, one.way, one.customer_id = "payment", "iban_and_amount", exact[0]
        bills = books[exact[0]].bills_of_amount(one.amount)
        one.named = (bills[0].reference,) if bills else ()
        one.billing_account_id = (bills or books[exact[0]].open_bills)[0].billing_account_id
        return
    one.wait("unknown_payer" if not candidates else "several_customers" if len(candidates) > 1 else "amount_differs")
    if len(candidates) > 1:
        one.candidates = tuple(candidates[:CANDIDATES_MAX])
    one.customer_id = candidates[0] if len(candidates) == 1 else None


def is_bank_costs(transaction: BankTransaction) -> bool:
    """Say whether a debit is what the bank charges itself, by its transaction code."""
    return transaction.family.rpartition("/")[2] in _BANK_COSTS
