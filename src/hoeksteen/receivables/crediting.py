"""A credit note settles the bill that it is on, as far as that is still owed; the rest stays to the customer's credit."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from hoeksteen.billing.credit_notes import credit_bill
from hoeksteen.billing.model import CustomerBill
from hoeksteen.billing.queries import bill_by_number
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.receivables import _store
from hoeksteen.receivables.model import Allocation
from hoeksteen.receivables.queries import open_items
from hoeksteen.storage.postgres import Transaction


@dataclass(frozen=True, slots=True)
class Credited:
    """
    What crediting a bill did.

    :param settled: euros of the note that settle the bill; `left` stays to the customer's credit
    """

    note: CustomerBill
    settled: Decimal
    left: Decimal


def credit_and_settle(
    *, tx: Transaction, number: str, lines: Mapping[int, Decimal | None] | None, why: str, by: str, now: datetime, identifiers: Identifiers
) -> Credited:
    """
    Credit a bill and let the note settle what is still owed of it.

    :raises NotFound: when no bill has this number
    :raises WrongState: when it is a credit note itself, nothing is left of it, or the books of today are closed
    :raises InvalidInput: when a line is not on it, or less is left of a line than asked
    """
    credited = bill_by_number(tx=tx, bill_number=number)
    _store.lock_customer(tx, credited.customer_id)
    note = credit_bill(tx=tx, number=number, lines=lines, why=why, by=by, now=now, identifiers=identifiers)
    owed = {item.customer_bill_id: item.open_amount for item in open_items(tx=tx, customer_id=credited.customer_id)}
    settled = max(Decimal("0.00"), min(owed.get(credited.customer_bill_id, Decimal("0.00")), -note.gross))
    if settled:
        _store.insert_allocations(tx, [(credited.customer_id, Allocation(credited.customer_bill_id, note.customer_bill_id, settled))])
    return Credited(note, settled, -note.gross - settled)
