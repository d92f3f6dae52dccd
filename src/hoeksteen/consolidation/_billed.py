"""What final bills have of products that become another customer's: it is credited there, and charged to whom it belongs, line by line."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from hoeksteen.billing import charges
from hoeksteen.billing.credit_notes import credit_bill
from hoeksteen.consolidation import _moving_store
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.money import round_half_up
from hoeksteen.storage.postgres import Row, Transaction

# Charged again by the next bill of who holds the product, for the days since it was taken over.
CHARGED_AGAIN = frozenset({"recurring", "discount"})
_NOTHING = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Rebilled:
    """
    A line of a final bill that was credited.

    :param credited: euros, as the bill shows them; less than `amount` where a discount of the product was on the same bill
    :param charged: `next_bill` where the next bill of the customer who holds the product has it, `granted` or `asked` for a one-off charge
    """

    bill_number: str
    line: int
    kind: str
    product_id: UUID
    amount: Decimal
    credited: Decimal
    credit_note: str
    charged_to: UUID
    charged: str


@dataclass(frozen=True, slots=True)
class Paid:
    """What was paid of a bill that was credited: it stays where it was paid."""

    bill_number: str
    amount: Decimal
    received_on: str


def rebill(
    *, tx: Transaction, old: UUID, new: UUID, billing_account_id: UUID, lines: Sequence[Row], why: str, by: str, now: datetime,
    identifiers: Identifiers,
) -> tuple[list[Rebilled], list[Paid]]:  # fmt: skip
    """
    Credit lines of a customer's final bills, and have another one charged for them.

    :param lines: as `_moving_store.billed_lines` gives them
    :param billing_account_id: which is charged
    :raises WrongState: when the books of today are closed, or a bill was credited already
    """
    account_included = charges.active_account(tx=tx, billing_account_id=billing_account_id).tax_included
    done: list[Rebilled] = []
    for number in dict.fromkeys(row["bill_number"] for row in lines):
        of_bill = [row for row in lines if row["bill_number"] == number]
        shares = _shares(of_bill)
        if not shares:
            continue
        note = credit_bill(tx=tx, number=number, lines=dict(shares), why=why, by=by, now=now, identifiers=identifiers)
        for row in of_bill:
            share, charged = shares.get(row["line"], _NOTHING), "next_bill"
            if row["kind"] not in CHARGED_AGAIN and share:
                granted = charges.grant(
                    tx=tx, billing_account_id=billing_account_id, amount=_as_account(share, row, account_included),
                    text=f"Bill/factuur {number}, {row['line']}", tax_category=row["tax_category"], tax_rate=row["tax_rate"], why=why, by=by,
                    now=now, identifiers=identifiers,
                )  # fmt: skip
                charged = granted.state
            done.append(
                Rebilled(number, row["line"], row["kind"], row["product_id"], row["amount"], share, note.bill_number or "", new, charged)
            )  # fmt: skip
    bill_ids = {row["customer_bill_id"]: row["bill_number"] for row in lines}
    paid = [
        Paid(bill_ids[row["customer_bill_id"]], row["amount"], row["received_on"].isoformat() if row["received_on"] else "")
        for row in _moving_store.payments_of(tx, old, list(bill_ids))
    ]
    return done, paid


def as_json(entry: Rebilled | Paid) -> dict[str, Any]:
    """Give an entry as it is kept and shown to programs: amounts and identifiers as text."""
    return {name: str(value) if isinstance(value, Decimal | UUID) else value for name, value in asdict(entry).items()}


def _shares(lines: Sequence[Row]) -> dict[int, Decimal]:
    """Say how much of each line is credited, so that the whole is what the product cost on the bill: a discount makes its charges less."""
    shares: dict[int, Decimal] = {}
    for product_id in dict.fromkeys(row["product_id"] for row in lines):
        own = [row for row in lines if row["product_id"] == product_id]
        for rate in dict.fromkeys((row["tax_category"], row["tax_rate"]) for row in own):
            taxed = [row for row in own if (row["tax_category"], row["tax_rate"]) == rate]
            less = -sum((row["amount"] for row in taxed if row["amount"] < 0), _NOTHING)
            for row in (row for row in taxed if row["amount"] > 0):
                taken = min(less, row["amount"])
                less -= taken
                if row["amount"] > taken:
                    shares[row["line"]] = row["amount"] - taken
    return shares


def _as_account(amount: Decimal, row: Row, included: bool) -> Decimal:
    """Give an amount of a bill as the prices of a billing account hold VAT or do not."""
    if row["tax_included"] == included:
        return amount
    factor = 1 + row["tax_rate"] / 100
    return round_half_up(amount * factor if included else amount / factor)
