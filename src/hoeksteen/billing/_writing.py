"""Writing a batch of bills in one transaction, with COPY: numbers and bills, lines and taxes, books and positions."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from hoeksteen.billing import _charge_store, _instalment_store, _leaving_store, _run_store, _store
from hoeksteen.billing.assembly import BillDraft, euros_of_cents
from hoeksteen.billing.granted import CHARGE, INSTALMENT
from hoeksteen.billing.instalment_lines import is_last
from hoeksteen.billing.legal_entity import LAGE_LANDEN, bill_number, due_date
from hoeksteen.billing.model import BillRun, HeldAccount, RateKind
from hoeksteen.kernel.errors import Conflict, invariant
from hoeksteen.ledger.model import JournalEntry
from hoeksteen.ledger.operations import post
from hoeksteen.party.operations import finish_cycle_moves, take_back_cycle_move
from hoeksteen.storage.postgres import Database, Transaction

_JSON = msgspec.json.Encoder()
_KINDS = {kind: kind.value for kind in RateKind}


@dataclass(frozen=True, slots=True)
class NewBill:
    """
    A bill about to be written.

    :param written: its lines and what they say (`written_lines`)
    :param invoice_party: the sealed buyer; it and `journal_entry` are None on a trial run
    :param journal_entry: None also for a bill whose every amount is zero
    """

    draft: BillDraft
    written: "WrittenLines"
    customer_bill_id: UUID
    invoice_party: bytes | None
    journal_entry: JournalEntry | None


class WrittenLines(NamedTuple):
    """
    A bill's lines as they are written, without its identifiers.

    :param content: 16 bytes of all that they say, and of the sums: equal for equal bills, whatever run makes them
    """

    rows: Sequence[tuple[str | None, ...]]
    content: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """
    A stretch of the billing accounts of a run's part, customer by customer.

    :param after: the last one before the stretch, `last` the last one of it
    :param left: billing accounts whose bills, made when they left, the bills of this stretch subtract
    :param moving: billing accounts that belong to their new cycle from here on; `staying` were to move and do not
    :param new_positions: customer, product, day up to which it is billed now, and fingerprint; `moved_positions` of products that had one
    :param departments: whose lines stand on these bills, beside the accounts whose bills they are
    """

    part: int
    after: UUID | None
    last: UUID
    billing_accounts: int
    bills: Sequence[NewBill]
    held: Sequence[HeldAccount]
    new_positions: Sequence[tuple[UUID, UUID, date, int]]
    moved_positions: Sequence[tuple[UUID, UUID, date, int]]
    left: Sequence[UUID] = ()
    moving: Sequence[UUID] = ()
    staying: Sequence[UUID] = ()
    departments: Sequence[UUID] = ()


def write_batch(*, database: Database, run: BillRun, batch: Batch) -> bool:
    """
    Write a batch of bills, all of it or nothing, and give whether somebody asked the run to stop.

    The counter of bill numbers stays locked while their lines are written: lines need their bills, and bills their numbers. So what needs neither
    is written first: other parts of the run wait for the counter.

    :raises Conflict: when the run has moved on meanwhile: another process works on it; or what was granted was withdrawn meanwhile
    """
    with database.transaction() as tx:
        locked = _store.lock_part(tx, run.bill_run_id, batch.part)
        if locked is None or locked[0].state != "running" or locked[1] != batch.after:
            raise another_works_on_it()
        final = run.kind != "trial"
        if run.kind == "leaving":
            _require_waiting(tx, run)
        elif run.kind == "off_cycle":
            _require_no_run(tx, run)
        if final:
            post(tx=tx, entries=[bill.journal_entry for bill in batch.bills if bill.journal_entry is not None])
            _store.insert_positions(tx, batch.new_positions)
            _store.move_positions(tx, batch.moved_positions)
        numbers = _numbers(tx, run, len(batch.bills)) if final else [None] * len(batch.bills)
        _store.insert_bills(tx, _bill_rows(run, batch.bills, numbers))
        _store.insert_rates(tx, _rate_rows(batch.bills))
        _store.insert_taxes(tx, _tax_rows(batch.bills))
        _store.insert_held(tx, run.bill_run_id, batch.held)
        if final:
            _take_granted(tx, batch.bills)
            made_up_for = run.period.end_day if run.kind == "off_cycle" else run.period.first_day
            billed = [bill.draft.billing_account.billing_account_id for bill in batch.bills]
            if _store.release(tx, run.bill_run_id, billed, made_up_for) < len(billed) and run.kind == "off_cycle":
                raise Conflict("One of these billing accounts was billed meanwhile.", remedy="Look at its bills, and name those that wait.")
            if batch.departments:
                _store.release(tx, run.bill_run_id, batch.departments, made_up_for)
            _note_leaving(tx, run, batch)
        if run.kind == "final":
            _note_moves(tx, batch)
        _store.advance(tx, run.bill_run_id, batch.part, batch.last, batch.billing_accounts, len(batch.bills))
        return locked[0].stop_asked


def another_works_on_it() -> Conflict:
    """Make the refusal of a run that another process has."""
    return Conflict("Another process works on this bill run.", remedy="Wait until it has ended, then look at the run.")


def _take_granted(tx: Transaction, bills: Sequence[NewBill]) -> None:
    """Note which bills have what was granted, each of it once."""
    granted = [(one, bill, euros_of_cents(cents)) for bill in bills for one, cents in bill.draft.granted]
    charges = [(one.source_id, bill.customer_bill_id, amount) for one, bill, amount in granted if one.source == CHARGE]
    if charges and _charge_store.take(tx, charges) < len(charges):
        raise Conflict("A charge was withdrawn, or billed, while its bill was being made.", remedy="Run the bills again: they go on without it.")
    parts = [(one, bill, amount) for one, bill, amount in granted if one.source == INSTALMENT]
    if not parts:
        return
    done: dict[UUID, bool] = {}
    for one, _, _ in parts:
        done[one.source_id] = done.get(one.source_id, False) or is_last(one)
    rows = [
        (one.source_id, str(one.detail[INSTALMENT]["role"]), *one.parts, bill.draft.billing_account.customer_id, bill.customer_bill_id, amount)
        for one, bill, amount in parts
    ]
    if _instalment_store.advance(tx, done) < len(done) or _instalment_store.insert_billed(tx, rows) < len(rows):
        raise Conflict("A plan was withdrawn, or billed, while its bill was being made.", remedy="Run the bills again: they go on without it.")


def _require_waiting(tx: Transaction, run: BillRun) -> None:
    """
    Check that the cycle's own run of the period has not begun, and let none begin until commit: it would bill the same usage.

    :raises Conflict: when it has
    """
    _leaving_store.lock_cycle(tx, run.cycle_day)
    last = _store.last_final_run(tx, run.cycle_day)
    if last is not None and last.period.first_day >= run.period.first_day:
        raise Conflict(f"The bills of {run.period.first_day} are being made final.", remedy="Ask again once that run is done.")


def _require_no_run(tx: Transaction, run: BillRun) -> None:
    """
    Check that no run of the cycle makes final bills, and let none begin until commit: it bills too what earlier runs held.

    :raises Conflict: when one does
    """
    _leaving_store.lock_cycle(tx, run.cycle_day)
    if _run_store.final_under_way(tx, run.cycle_day):
        raise Conflict("Bills of this cycle are being made final.", remedy="Ask again once that run is done: it bills what was held, too.")


def _note_leaving(tx: Transaction, run: BillRun, batch: Batch) -> None:
    if run.kind == "leaving":
        accounts = ((bill.draft.billing_account, bill.customer_bill_id) for bill in batch.bills)
        rows = ((one.customer_id, bill_id, one.billing_account_id) for one, bill_id in accounts)
        _leaving_store.insert(tx, run.bill_run_id, run.period.first_day, rows)
    elif batch.left:
        _leaving_store.settle(tx, run.bill_run_id, batch.left, run.period.first_day)


def _note_moves(tx: Transaction, batch: Batch) -> None:
    if batch.moving and finish_cycle_moves(tx=tx, billing_account_ids=batch.moving) < len(batch.moving):
        raise Conflict("A billing account was to move to another bill day, and stays.", remedy="Run the same command again: it goes on.")
    for billing_account_id in batch.staying:
        take_back_cycle_move(tx=tx, billing_account_id=billing_account_id)


def _numbers(tx: Transaction, run: BillRun, count: int) -> Sequence[str | None]:
    if not count:
        return []
    year = run.bill_date.year
    last = _store.take_numbers(tx, LAGE_LANDEN.code, year, count)
    invariant(last >= count, "bill numbers count up")
    return [bill_number(entity=LAGE_LANDEN, year=year, sequence=sequence) for sequence in range(last - count + 1, last + 1)]


def _bill_rows(run: BillRun, bills: Sequence[NewBill], numbers: Sequence[str | None]) -> Iterator[Sequence[Any]]:
    period = run.period
    for bill, number in zip(bills, numbers, strict=True):
        billing_account, taxation = bill.draft.billing_account, bill.draft.taxation
        due = due_date(run.bill_date, billing_account.payment_term_days)
        yield (
            billing_account.customer_id, bill.customer_bill_id, billing_account.billing_account_id, run.bill_run_id, number, run.bill_date, due,
            period.first_day, period.end_day, billing_account.tax_included, _euros(taxation.net), _euros(taxation.vat), _euros(taxation.rounding),
            _euros(taxation.gross), bill.invoice_party, bill.written.content,
        )  # fmt: skip


def written_lines(draft: BillDraft) -> WrittenLines:
    """Give the lines of a bill with every value as text, each written out once: COPY takes text, and there are ten lines to a bill."""
    tax_included = draft.billing_account.tax_included
    taxation = draft.taxation
    rows: list[tuple[str | None, ...]] = []
    for line, net in zip(draft.lines, taxation.line_nets, strict=True):
        offering = line.offering
        row = (
            _KINDS[line.kind], None if line.product_id is None else str(line.product_id), offering.product_offering_id or None,
            line.price_id, _JSON.encode(line.detail).decode(),
            _day(line.first), _day(line.end), str(line.quantity), _euros(net), _euros(line.cents) if tax_included else None,
            offering.tax.category, _euros(offering.tax.rate),
        )  # fmt: skip
        rows.append(row)
    said = _JSON.encode((taxation.net, taxation.vat, taxation.gross, rows))
    return WrittenLines(rows, hashlib.blake2b(said, digest_size=16).digest())


def _rate_rows(bills: Sequence[NewBill]) -> Iterator[Sequence[Any]]:
    for bill in bills:
        customer_id, bill_id = str(bill.draft.billing_account.customer_id), str(bill.customer_bill_id)
        for number, row in enumerate(bill.written.rows, start=1):
            yield (customer_id, bill_id, number, *row)


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
