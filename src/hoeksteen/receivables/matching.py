"""What settles what, of one customer: pure, and the same for one payment by hand and a hundred thousand of a bank statement."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from uuid import UUID

from hoeksteen.kernel.errors import invariant
from hoeksteen.receivables.model import Allocation, OpenItem

_NOTHING = Decimal("0.00")


class OpenBook:
    """What one customer owes and has to their credit, while payments are matched with it one after the other."""

    def __init__(self, items: Iterable[OpenItem]) -> None:
        self._bills: list[OpenItem] = []
        self._credit: dict[UUID, Decimal] = {}
        for item in items:
            if item.open_amount > 0:
                self._bills.append(item)
            else:
                self._credit[item.customer_bill_id or item.payment_id or item.customer_id] = -item.open_amount
        self._owed = {bill.customer_bill_id: bill.open_amount for bill in self._bills}

    @property
    def owed(self) -> Decimal:
        """Euros that are open on bills."""
        return sum(self._owed.values(), _NOTHING)

    @property
    def open_bills(self) -> list[OpenItem]:
        """What something is open of, in the order in which it was given."""
        return [bill for bill in self._bills if self._owed[bill.customer_bill_id]]

    def bills_of_amount(self, amount: Decimal) -> list[OpenItem]:
        """Give the bills of which exactly this is open."""
        return [bill for bill in self._bills if self._owed[bill.customer_bill_id] == amount]

    def is_open(self, named: Sequence[str]) -> bool:
        """Say whether something is still owed on one of these bills."""
        return any(self._owed[bill.customer_bill_id] for bill in self._bills if bill.reference in named)

    def settle(self, *, payment_id: UUID, billing_account_id: UUID, amount: Decimal, named: Sequence[str]) -> tuple[list[Allocation], Decimal]:
        """
        Let a payment settle the bills that it names; then the customer's credit, the oldest first, and the payment settle what is owed.

        :param named: numbers of bills; what is not the customer's is as if it were not named
        :returns: the allocations, and what is left of the payment
        """
        bills = sorted(self._bills, key=lambda item: (item.billing_account_id != billing_account_id, item.item_date, item.reference))
        turns = [(payment_id, bill) for number in named for bill in bills if bill.reference == number]
        turns += [(source_id, bill) for source_id in (*self._credit, payment_id) for bill in bills]
        self._credit[payment_id] = amount
        allocations = self._take(turns)
        left = self._credit[payment_id]
        used = sum((one.amount for one in allocations if one.source_id == payment_id), _NOTHING)
        invariant(used + left == amount, "a payment is used up by bills and by what is left")
        return allocations, left

    def use_credit(self, bills: Iterable[OpenItem]) -> list[Allocation]:
        """
        Let the customer's credit, the oldest first, settle what is owed of some bills.

        :param bills: of this book, in the order in which they are settled
        """
        return self._take([(source_id, bill) for bill in bills for source_id in self._credit])

    def _take(self, turns: Iterable[tuple[UUID, OpenItem]]) -> list[Allocation]:
        """Let each source in turn settle what it can of its bill."""
        allocations: dict[tuple[UUID, UUID], Decimal] = {}
        for source_id, bill in turns:
            bill_id = bill.customer_bill_id
            part = min(self._credit[source_id], self._owed[bill_id])
            if part > 0 and bill_id is not None:
                allocations[bill_id, source_id] = allocations.get((bill_id, source_id), _NOTHING) + part
                self._credit[source_id] -= part
                self._owed[bill_id] -= part
        return [Allocation(bill_id, source_id, part) for (bill_id, source_id), part in allocations.items()]
