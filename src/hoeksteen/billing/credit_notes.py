"""
Credit notes that somebody gives on a final bill: the whole of it, some lines, or part of a line.

A final bill is never changed (VAT directive art. 219: what amends an invoice refers to it). The note is a bill below zero,
numbered in the same series, of the same buyer, at the tax that the bill had; all notes of a bill together give back no more
than was billed. What was credited is neither given back again nor charged again when a later run finds that something
should have been charged otherwise (`recurring`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from hoeksteen.billing import _credit_store, _store
from hoeksteen.billing.assembly import BillDraft, LineDraft, euros_of_cents, to_bill
from hoeksteen.billing.bookkeeping import journal_entry
from hoeksteen.billing.granted import CHARGED_FAMILY, INSTALMENT, taxed_as
from hoeksteen.billing.legal_entity import LAGE_LANDEN, bill_number
from hoeksteen.billing.model import AppliedCustomerBillingRate, CustomerBill
from hoeksteen.billing.prices import OfferingPrices, PriceBook
from hoeksteen.billing.queries import bill, bill_by_number
from hoeksteen.billing.tax import Taxation, TaxKey, tax_bill
from hoeksteen.kernel.errors import InvalidInput, WrongState, invariant
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.money import CENT
from hoeksteen.kernel.time_period import local_day
from hoeksteen.kernel.words import require_impersonal, require_said
from hoeksteen.ledger.operations import post, require_open
from hoeksteen.messages.model import MessageKind, NewMessage
from hoeksteen.messages.operations import enqueue
from hoeksteen.party.queries import billing_account as billing_account_of
from hoeksteen.product.queries import offerings
from hoeksteen.storage.postgres import Transaction

CREDITS = "credits"  # in a line's detail: which line of which bill it gives back
_ROUNDING_MAX = 20  # cents: more than the roundings of tax of several notes come to
_NOTHING = Decimal("0.00")
_JSON = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class CreditNote:
    """A credit note on a bill; `gross` is below zero."""

    customer_bill_id: UUID
    bill_number: str
    bill_date: date
    gross: Decimal
    why: str
    credited_by: str
    credited_at: datetime


def credit_notes_of(*, tx: Transaction, customer_id: UUID, customer_bill_id: UUID) -> list[CreditNote]:
    """Give the credit notes on a bill, the oldest first."""
    return [CreditNote(**row) for row in _credit_store.notes(tx, customer_id, customer_bill_id)]


def credit_bill(
    *, tx: Transaction, number: str, lines: Mapping[int, Decimal | None] | None, why: str, by: str, now: datetime, identifiers: Identifiers
) -> CustomerBill:
    """
    Give a credit note on a final bill: number it, book it, and let the customer know.

    :param lines: line numbers, each with how much of it, as the bill shows it (with tax for consumers); None for all that is left of
        the line. Without lines, all that is left of the bill
    :param why: stands in the books; never about a person
    :param by: who gives it
    :raises NotFound: when no bill has this number
    :raises WrongState: when it is a credit note itself, nothing is left of it, or the books of today are closed
    :raises InvalidInput: when a line is not on it, or less is left of a line than asked
    """
    require_said(why=why, by=by)
    require_impersonal(why=why)
    require_open(tx=tx, day=local_day(now), what="the day of the credit note")
    credited = bill_by_number(tx=tx, bill_number=number)
    if credited.gross <= 0:
        raise WrongState(f"{number} is a credit note itself.", remedy="Credit a bill on which something was charged.")
    buyer = _credit_store.lock_bill(tx, credited.customer_id, credited.customer_bill_id)
    earlier = credit_notes_of(tx=tx, customer_id=credited.customer_id, customer_bill_id=credited.customer_bill_id)
    chosen = _chosen(credited, _credit_store.credited_lines(tx, credited.customer_id, credited.customer_bill_id), lines)
    left = credited.gross + sum((note.gross for note in earlier), _NOTHING)
    if left <= 0:
        raise WrongState(f"Nothing is left of {number}: it is credited already.", remedy="Show the bill to see its credit notes.")
    draft = _draft(tx, credited, chosen, left, whole=lines is None)
    note_id, today = identifiers.new(now), local_day(now)
    entry = journal_entry(draft=draft, journal_entry_id=identifiers.new(now), customer_bill_id=note_id, bill_date=today, now=now)
    invariant(entry is not None and draft.taxation.gross < 0, "a credit note gives something back")
    sequence = _store.take_numbers(tx, LAGE_LANDEN.code, today.year, 1)
    note_number = bill_number(entity=LAGE_LANDEN, year=today.year, sequence=sequence)
    note = to_bill(
        draft=draft, billing_account=draft.billing_account, customer_bill_id=note_id, bill_date=today, due_date=today, period=credited.period
    )
    _write(tx, note, note_number, buyer)
    _credit_store.insert_note(tx, credited.customer_id, note_id, credited.customer_bill_id, why.strip(), by.strip(), now)
    post(tx=tx, entries=[entry] if entry is not None else [])
    parameters = {"bill_number": note_number, "amount": str(-note.gross), "due_date": today.isoformat()}
    enqueue(tx=tx, messages=[NewMessage(credited.customer_id, identifiers.new(now), MessageKind.CREDIT_READY, parameters, now)])
    return bill(tx=tx, customer_id=credited.customer_id, customer_bill_id=note_id)


def _chosen(
    credited: CustomerBill, given: Mapping[int, Decimal], lines: Mapping[int, Decimal | None] | None
) -> list[tuple[AppliedCustomerBillingRate, Decimal]]:
    """Give the lines to credit, each with how much of it."""
    left = {rate.line: rate.amount - given.get(rate.line, _NOTHING) for rate in credited.rates}
    if lines is None:
        wanted: Mapping[int, Decimal | None] = {line: None for line, amount in left.items() if amount}
        if not wanted:
            raise WrongState(f"Nothing is left of {credited.bill_number}: it is credited already.", remedy="Show the bill to see its credit notes.")
    else:
        wanted = lines
    if not wanted:
        raise InvalidInput("No line of the bill is named.", remedy="Name a line, or credit the whole bill.")
    rates = {rate.line: rate for rate in credited.rates}
    found = []
    for line, amount in sorted(wanted.items()):
        what = f"Line {line} of {credited.bill_number}"
        if line in rates and rates[line].detail.get(INSTALMENT, {}).get("role", "part") != "part":
            raise WrongState(
                f"{what} is of a sale that is paid in parts, which go on.",
                remedy="Take the goods back with `hoeksteen instalment take-back`, or name other lines to credit.",
            )
        if line not in rates:
            raise InvalidInput(f"{what} does not exist.", remedy="`hoeksteen bill show` numbers the lines.")
        if lines is not None and left[line] <= 0:
            raise InvalidInput(f"{what}: nothing is left to credit.", remedy="Choose a line on which something was charged, or the whole bill.")
        if amount is not None and (not _NOTHING < amount <= left[line] or amount != amount.quantize(CENT)):
            raise InvalidInput(f"{what}: {amount} is not between 0.01 and {left[line]}.", remedy="Give euros and cents, no more than is left of it.")
        found.append((rates[line], left[line] if amount is None else amount))
    return found


def _draft(
    tx: Transaction, credited: CustomerBill, chosen: Sequence[tuple[AppliedCustomerBillingRate, Decimal]], left: Decimal, *, whole: bool
) -> BillDraft:
    """Put the note together, at the tax that stood on the bill."""
    found = billing_account_of(tx=tx, billing_account_id=credited.billing_account_id)
    billing_account = replace(found, tax_included=credited.tax_included)
    book = PriceBook(offerings(tx=tx))
    drafts = []
    for rate, amount in chosen:
        period = rate.period or credited.period
        tax = TaxKey(rate.tax_category, int(rate.tax_rate * 100))
        detail = {name: value for name, value in rate.detail.items() if name not in (CREDITS, "amount_micro")}
        drafts.append(
            LineDraft(
                rate.kind, rate.product_id, _offering(rate, book)._replace(tax=tax), rate.price_id,
                {**detail, CREDITS: {"bill_number": credited.bill_number, "line": rate.line}}, period.first_day.toordinal(),
                period.end_day.toordinal(), rate.quantity, -int(amount.scaleb(2)),
            )
        )  # fmt: skip
    taxation = tax_bill(keys=[line.offering.tax for line in drafts], amounts=[line.cents for line in drafts], tax_included=credited.tax_included)
    return BillDraft(billing_account, drafts, _bounded(taxation, int(left.scaleb(2)), whole=whole))


def _offering(rate: AppliedCustomerBillingRate, book: PriceBook) -> OfferingPrices:
    """Give what a line is of; what was granted is of no offering, and what is given back of it lowers revenue."""
    if rate.product_offering_id is not None:
        return book.of(rate.product_offering_id)
    return taxed_as(family=CHARGED_FAMILY, category=rate.tax_category, rate=rate.tax_rate, tax_included=rate.gross is not None)


def _bounded(taxation: Taxation, left: int, *, whole: bool) -> Taxation:
    """
    Let the last note on a bill give back exactly what is left of it, and no note more.

    The tax of several notes is rounded for each of them, so together they may miss the bill's by a cent: the rounding amount takes it.
    """
    if -taxation.gross == left or (not whole and -taxation.gross < left):
        return taxation
    if abs(taxation.gross + left) > _ROUNDING_MAX:
        raise InvalidInput(
            f"The bill has {euros_of_cents(left)} left to credit, and the lines come to {euros_of_cents(-taxation.gross)}.",
            remedy="Name less of a line: discounts lower what the bill asks for it.",
        )
    return taxation._replace(gross=-left, rounding=-left - taxation.net - taxation.vat)


def _write(tx: Transaction, note: CustomerBill, number: str, buyer: bytes | None) -> None:
    of_no_run = content = None
    _store.insert_bills(
        tx,
        [(
            note.customer_id, note.customer_bill_id, note.billing_account_id, of_no_run, number, note.bill_date, note.due_date,
            note.period.first_day, note.period.end_day, note.tax_included, note.net, note.vat, note.rounding, note.gross, buyer, content,
        )],
    )  # fmt: skip
    _store.insert_rates(
        tx,
        [
            (
                note.customer_id, note.customer_bill_id, rate.line, rate.kind.value, rate.product_id, rate.product_offering_id, rate.price_id,
                _JSON.encode(rate.detail).decode(), rate.period.first_day if rate.period else None, rate.period.end_day if rate.period else None,
                rate.quantity, rate.net, rate.gross, rate.tax_category, rate.tax_rate,
            )
            for rate in note.rates
        ],
    )  # fmt: skip
    _store.insert_taxes(tx, [(note.customer_id, note.customer_bill_id, tax.tax_category, tax.tax_rate, tax.taxable, tax.tax) for tax in note.taxes])
