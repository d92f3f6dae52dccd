"""Writing a batch of bills in one transaction, with COPY: lines and taxes, books, messages, positions, and the numbers last."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec

from hoeksteen.billing import _store
from hoeksteen.billing.assembly import BillDraft, euros_of_cents
from hoeksteen.billing.legal_entity import LAGE_LANDEN, bill_number, due_date
from hoeksteen.billing.model import BillRun, HeldAccount
from hoeksteen.kernel.errors import Conflict, invariant
from hoeksteen.ledger.model import JournalEntry
from hoeksteen.ledger.operations import post
from hoeksteen.messages.model import MessageKind, NewMessage
from hoeksteen.messages.operations import enqueue
from hoeksteen.storage.postgres import Database, Transaction

_JSON = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class NewBill:
    """
    A bill about to be written.

    :param invoice_party: the sealed buyer; it, `journal_entry` and `message_id` are None on a trial run
    :param journal_entry: None also for a bill whose every amount is zero
    """

    draft: BillDraft
    customer_bill_id: UUID
    invoice_party: bytes | None
    journal_entry: JournalEntry | None
    message_id: UUID | None


@dataclass(frozen=True, slots=True)
class Batch:
    """
    A stretch of billing accounts, in the order of their identifiers.

    :param after: the last one before the stretch, `last` the last one of it
    :param positions: customer, product, day up to which it is billed now, and fingerprint
    """

    after: UUID | None
    last: UUID
    billing_accounts: int
    bills: Sequence[NewBill]
    held: Sequence[HeldAccount]
    positions: Sequence[tuple[UUID, UUID, date, int]]


def write_batch(*, database: Database, run: BillRun, batch: Batch, now: datetime) -> None:
    """
    Write a batch of bills, all of it or nothing.

    :raises Conflict: when the run has moved on meanwhile: another process works on it
    """
    with database.transaction() as tx:
        current = _store.lock_run(tx, run.bill_run_id)
        if current is None or current.state != "running" or current.last_billing_account_id != batch.after:
            raise Conflict("Another process works on this bill run.", remedy="Wait until it has ended, then look at the run.")
        _store.insert_rates(tx, _rate_rows(batch.bills))
        _store.insert_taxes(tx, _tax_rows(batch.bills))
        _store.insert_held(tx, run.bill_run_id, batch.held)
        numbers: Sequence[str | None] = [None] * len(batch.bills)
        if run.kind == "final":
            post(tx=tx, entries=[bill.journal_entry for bill in batch.bills if bill.journal_entry is not None])
            _store.save_positions(tx, batch.positions)
            _store.release(tx, run.bill_run_id, [bill.draft.billing_account.billing_account_id for bill in batch.bills], run.period.first_day)
            # the counter stays locked from here to the commit, so nothing slow comes after it
            numbers = _numbers(tx, run, len(batch.bills))
            enqueue(tx=tx, messages=_messages(run, batch.bills, numbers, now))
        _store.insert_bills(tx, _bill_rows(run, batch.bills, numbers))
        _store.advance(tx, run.bill_run_id, batch.last, batch.billing_accounts, len(batch.bills))


def _numbers(tx: Transaction, run: BillRun, count: int) -> list[str]:
    if not count:
        return []
    year = run.bill_date.year
    last = _store.take_numbers(tx, LAGE_LANDEN.code, year, count)
    invariant(last >= count, "bill numbers count up")
    return [bill_number(entity=LAGE_LANDEN, year=year, sequence=sequence) for sequence in range(last - count + 1, last + 1)]


def _messages(run: BillRun, bills: Sequence[NewBill], numbers: Sequence[str | None], now: datetime) -> list[NewMessage]:
    messages = []
    for bill, number in zip(bills, numbers, strict=True):
        gross = bill.draft.taxation.gross
        kind = MessageKind.BILL_READY if gross >= 0 else MessageKind.CREDIT_READY
        due = due_date(run.bill_date, bill.draft.billing_account.payment_term_days)
        parameters = {"bill_number": str(number), "amount": str(euros_of_cents(abs(gross))), "due_date": due.isoformat()}
        if bill.message_id is not None:
            messages.append(NewMessage(bill.draft.billing_account.customer_id, bill.message_id, kind, parameters, now))
    return messages


def _bill_rows(run: BillRun, bills: Sequence[NewBill], numbers: Sequence[str | None]) -> Iterator[Sequence[Any]]:
    period = run.period
    for bill, number in zip(bills, numbers, strict=True):
        billing_account, taxation = bill.draft.billing_account, bill.draft.taxation
        due = due_date(run.bill_date, billing_account.payment_term_days)
        yield (
            billing_account.customer_id, bill.customer_bill_id, billing_account.billing_account_id, run.bill_run_id, number, run.bill_date, due,
            period.first_day, period.end_day, billing_account.tax_included, _euros(taxation.net), _euros(taxation.vat), _euros(taxation.rounding),
            _euros(taxation.gross), bill.invoice_party,
        )  # fmt: skip


def _rate_rows(bills: Sequence[NewBill]) -> Iterator[Sequence[Any]]:
    """Give the lines with every value as text, each written out once: COPY takes text, and there are ten lines to a bill."""
    for bill in bills:
        customer_id, bill_id = str(bill.draft.billing_account.customer_id), str(bill.customer_bill_id)
        tax_included = bill.draft.billing_account.tax_included
        for number, (line, net) in enumerate(zip(bill.draft.lines, bill.draft.taxation.line_nets, strict=True), start=1):
            offering = line.offering
            yield (
                customer_id, bill_id, number, line.kind.value, line.product_id, offering.product_offering_id, line.price_id,
                _JSON.encode(line.detail).decode(), _day(line.first), _day(line.end), str(line.quantity), _euros(net),
                _euros(line.cents) if tax_included else None, offering.tax.category, _euros(offering.tax.rate),
            )  # fmt: skip


def _tax_rows(bills: Sequence[NewBill]) -> Iterator[Sequence[Any]]:
    for bill in bills:
        for part in bill.draft.taxation.parts:
            yield (
                bill.draft.billing_account.customer_id, bill.customer_bill_id, part.key.category, _euros(part.key.rate), _euros(part.taxable),
                _euros(part.tax),
            )  # fmt: skip


@lru_cache(maxsize=65_536)
def _euros(hundredths: int) -> str:
    return str(euros_of_cents(hundredths))


@lru_cache(maxsize=4_096)
def _day(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()
