"""
What a legacy record brings beside who the customer is and what they hold: open invoices, a balance, consents, contact persons, notes, a contract.

Pure: which of it survives where records are one customer is decided here, and depends on the records alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from hoeksteen.consolidation.standardise.text import fold

if TYPE_CHECKING:
    from hoeksteen.consolidation.model import LegacyRecord

_NOTHING = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Invoice:
    """
    An invoice of which something is open.

    :param place: its place among the record's entries, from 0
    :param number: as the payer quotes it; None where it holds the customer's number and so is not kept
    :param total: euros; less than nothing on a credit note
    :param text: what else the source says of it, which may be about a person
    """

    place: int
    number: str | None
    bill_date: date
    due_date: date
    total: Decimal
    open_amount: Decimal
    text: str | None = None
    disputed: bool = False


@dataclass(frozen=True, slots=True)
class LegacyConsent:
    """A customer's decision about a purpose; `day` is local, and None only of a withdrawal whose day nobody knows."""

    purpose: str
    decision: str
    day: date | None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class ContactPerson:
    """
    Whom to speak to at a customer.

    :param function: what they are there, as the source says it
    :param phone: E.164 digits
    """

    name: str
    function: str | None = None
    phone: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class LegacyNote:
    """Free text about a person, with the local day on which it was written and the role of who wrote it."""

    day: date
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """
    An entry that is not carried over.

    :param kind: `invoice`, `consent`, `contact`, `note`, `mandate` or `contract`
    :param amount: euros that are open of it, where that is known and is euros
    """

    kind: str
    code: str
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class CarriedOver:
    """
    All that, of one record.

    :param balance: euros that the customer owes by the source's own reckoning, less than nothing to their credit; None where it says nothing
    :param balance_counts: whether the balance decides where it is another than the invoices' sum (`balance: authoritative`)
    :param has_mandate: whether reference, day and bank account of a mandate are whole; `mandate_was_used` whether something was collected by it
    :param contract_start: `contract_end` is the first day on which it binds no more
    """

    invoices: tuple[Invoice, ...] = ()
    balance: Decimal | None = None
    balance_counts: bool = False
    consents: tuple[LegacyConsent, ...] = ()
    contacts: tuple[ContactPerson, ...] = ()
    notes: tuple[LegacyNote, ...] = ()
    has_mandate: bool = False
    mandate_was_used: bool = True
    contract_start: date | None = None
    contract_end: date | None = None
    left_behind: tuple[LeftBehind, ...] = ()

    @property
    def open_on_invoices(self) -> Decimal:
        """Euros that are open of the invoices."""
        return sum((one.open_amount for one in self.invoices), _NOTHING)

    @property
    def beside_invoices(self) -> Decimal:
        """Euros of the balance that no invoice explains; nothing where the balance only informs."""
        return self.balance - self.open_on_invoices if self.balance_counts and self.balance is not None else _NOTHING

    @property
    def net(self) -> Decimal:
        """Euros that the record's customer owes, by what counts."""
        return self.balance if self.balance_counts and self.balance is not None else self.open_on_invoices


NOTHING_CARRIED = CarriedOver()


@dataclass(frozen=True, slots=True)
class Contract:
    """What binds a record's customer: whole months, the first day, and the first day on which it binds no more, where that was agreed."""

    months: int
    valid_from: date
    valid_to: date | None


def contract_of(record: "LegacyRecord") -> Contract | None:
    """Give the contract of a record; None where it has none, or nobody knows for how many months it binds."""
    start, end = record.carried.contract_start or record.customer_since, record.carried.contract_end
    months = record.contract_months or _months_between(start, end)
    return Contract(months, start, end) if months else None


def _months_between(start: date, end: date | None) -> int | None:
    """Give whole months only: what is between them was never agreed."""
    if end is None or end.day != start.day:
        return None
    return (end.year - start.year) * 12 + end.month - start.month


def contact_persons(records: Iterable["LegacyRecord"]) -> list[ContactPerson]:
    """
    Give the contact persons of a customer, each once by folded name, in the order of the records.

    What one record does not know of a person another one tells; a second phone or e-mail of the same name is another person.
    """
    found: list[ContactPerson] = []
    for one in (person for record in records for person in record.carried.contacts):
        for place, other in enumerate(found):
            if fold(one.name) == fold(other.name) and _agree(one, other):
                found[place] = ContactPerson(
                    other.name, other.function or one.function, other.phone or one.phone, other.email or one.email
                )  # fmt: skip
                break
        else:
            found.append(one)
    return found


def _agree(one: ContactPerson, other: ContactPerson) -> bool:
    pairs = ((one.phone, other.phone), (one.email, other.email))
    return all(left is None or right is None or left == right for left, right in pairs)


def mandates_of(records: Sequence["LegacyRecord"], surviving: Sequence["LegacyRecord"]) -> dict[int, bool]:
    """
    Say of each record that has a mandate, by its place, whether it is the customer's from now on: that of the payment that survived.

    :param surviving: the records whose payment survived
    """
    chosen = {record.record_id for record in surviving}
    return {place: record.record_id in chosen for place, record in enumerate(records) if record.carried.has_mandate}
