"""
The engine of a bill run: windows of a part's billing accounts, batches of one transaction each.

While one thread writes a batch, the next one is read, computed and sealed. The part's row holds how far it is, moved in the
same transaction as the bills, so that killing the process at any instant loses and repeats nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import NamedTuple
from uuid import UUID

from hoeksteen.billing import _leaving_store, _run_store, _store
from hoeksteen.billing._families import Family, Inputs, assemble_family, families_of, held_together, members_of
from hoeksteen.billing._granted_reading import read_granted
from hoeksteen.billing._reading import UsageOf, read_early, read_moves, read_products, read_usage, usage_of
from hoeksteen.billing._writing import Batch, NewBill, WrittenLines, another_works_on_it, write_batch, written_lines
from hoeksteen.billing.assembly import BillDraft, ProductInputs, Usage
from hoeksteen.billing.bookkeeping import journal_entry
from hoeksteen.billing.invoice_party import invoice_party
from hoeksteen.billing.model import BillRun, HeldAccount, RunKind
from hoeksteen.billing.prices import PriceBook
from hoeksteen.billing.recurring import Calendar, fingerprint
from hoeksteen.disclosure import KeeperClient, SealItem
from hoeksteen.disclosure.operations import seal
from hoeksteen.disclosure.queries import reveal
from hoeksteen.kernel.errors import InvalidInput, WrongState
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.memory import without_cycle_collector
from hoeksteen.kernel.sealed import Category
from hoeksteen.kernel.time_period import BillPeriod, local_day
from hoeksteen.ledger.operations import require_open
from hoeksteen.party.departments import departments_of
from hoeksteen.party.model import BillingAccount
from hoeksteen.party.queries import (
    PAGE_MAX,
    billing_accounts_by_id,
    billing_accounts_of_cycle,
    closed_billing_accounts_of_cycle,
    count_billing_accounts_of_cycle,
    customers,
)
from hoeksteen.product.queries import offerings, usage_discount_days
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database, Transaction

BATCH = 2_500
# The lake is asked once per window, because each answer scans a month of charges.
WINDOW = 5 * PAGE_MAX
PURPOSE = "billing"
_BILL_DATE_AWAY_MAX = timedelta(days=366)
CLOSED_BOOKS = "Give a bill date in a month whose books are open: `--bill-date`."


@dataclass(frozen=True, slots=True)
class Engine:
    """
    What every batch of a run works with.

    :param approved: the trial that a final run must come to, account by account; None where none was asked for
    :param batch: billing accounts to a transaction
    """

    database: Database
    keeper: KeeperClient
    run: BillRun
    book: PriceBook
    calendar: Calendar
    now: datetime
    identifiers: Identifiers
    usage_of: UsageOf
    approved: UUID | None
    batch: int


class Part(NamedTuple):
    """
    A share of a run's billing accounts.

    :param of: into how many parts the run is divided
    :param after: the last billing account that was looked at, None before the first
    """

    number: int
    of: int
    after: UUID | None


@dataclass(frozen=True, slots=True)
class _Computed:
    """
    A stretch of a part's billing accounts with their bills, before anybody's name is asked for.

    :param left: those with a bill that was made when they left, and that no run has subtracted yet
    :param own: the calendars of those that move, or moved, to another bill day
    :param elsewhere: of these, those that this period is none of: the run has nothing to do with them
    :param moving: those that belong to their new cycle once this period is billed; `staying` cannot move after all
    """

    part: int
    after: UUID | None
    families: Sequence[Family]
    inputs: dict[UUID, list[ProductInputs]]
    drafts: Sequence[BillDraft]
    held: Sequence[HeldAccount]
    left: set[UUID]
    own: Mapping[UUID, Calendar]
    elsewhere: set[UUID]
    moving: set[UUID]
    staying: set[UUID]


def open_run(
    *, database: Database, period: BillPeriod, bill_date: date, kind: RunKind, by: str = "", parts: int = 1, now: datetime,
    identifiers: Identifiers, bill_run_id: UUID | None = None,
) -> BillRun:  # fmt: skip
    """
    Begin a run, or find the final run of the period that was interrupted or is done.

    An unfinished trial is thrown away: what it computed may no longer hold.

    :param bill_run_id: the identifier of a run that is begun now, where it was chosen before
    :raises Conflict: when there is, or was, another run of that identifier, or several processes work on a trial that would be thrown away
    :raises WrongState: when the period was finalised with another bill date, a trial is asked for after that, or the books of the
        bill date are closed
    """
    cycle_day = period.first_day.day
    with database.transaction() as tx:
        if kind == "final":
            _leaving_store.lock_cycle(tx, cycle_day)
        found = _store.final_run(tx, cycle_day, period.first_day)
        if found is not None and found.state == "done" and (kind, bill_date) != ("final", found.bill_date):
            raise WrongState(
                f"The bills of {period.first_day} to {period.end_day} (cycle day {cycle_day}) are final.",
                remedy="Run the next period; correct a final bill with a credit note.",
            )
        if kind == "final" and found is not None:
            if found.bill_date != bill_date:
                raise WrongState(f"This period is being finalised with bill date {found.bill_date}.", remedy="Run it again with that date.")
            _run_store.ask_to_stop(tx, found.bill_run_id, False)
            return found
        if kind == "trial":
            if found is not None:
                raise WrongState(f"The bills of {period.first_day} are being made final.", remedy="Finish that run.")
            _throw_away_unfinished_trials(tx, period)
        else:
            require_bill_date(tx=tx, bill_date=bill_date, now=now)
        run = BillRun(bill_run_id or identifiers.new(now), kind, cycle_day, period, bill_date, "running", now, started_by=by)
        _store.insert_run(tx, run)
        _store.insert_parts(tx, run.bill_run_id, parts)
    return run


def _throw_away_unfinished_trials(tx: Transaction, period: BillPeriod) -> None:
    unfinished = _store.unfinished_trials(tx, period.first_day.day, period.first_day)
    if not all(tx.claim(_store.claim_of(one)) for one in unfinished):
        raise another_works_on_it()  # its parts wait for each other's batches, and this for all of them
    _store.delete_unfinished_trials(tx, unfinished)


def require_bill_date(*, tx: Transaction, bill_date: date, now: datetime) -> None:
    """
    Check the day that final bills are to carry, for it cannot be changed: it gives their numbers, when they are due, and their place in the books.

    :raises InvalidInput: when it lies more than a year from today
    :raises WrongState: when the books of its month are closed
    """
    today = local_day(now)
    if abs(bill_date - today) > _BILL_DATE_AWAY_MAX:
        raise InvalidInput(
            f"The bill date is {bill_date}, more than a year from today, {today}.", remedy="Give the day of the bills.", field="bill_date"
        )
    require_open(tx=tx, day=bill_date, what="the bill date", remedy=CLOSED_BOOKS)


def parts_of_run(tx: Transaction, run: BillRun) -> list[Part]:
    """Give the parts of a run, and how far each is."""
    found = _store.parts(tx, run.bill_run_id)
    return [Part(number, len(found), after) for number, after in found]


def engine_of(
    *, database: Database, keeper: KeeperClient, lake: Lake, run: BillRun, approved: UUID | None, batch: int, now: datetime,
    identifiers: Identifiers,
) -> Engine:  # fmt: skip
    """Read the catalogue, and give what every batch of a run works with."""
    with database.transaction() as tx:
        book, divided = PriceBook(offerings(tx=tx)), usage_discount_days(tx=tx)
    usage = partial(usage_of, lake=lake, divided=divided)
    return Engine(database, keeper, run, book, Calendar(run.period), now, identifiers, usage, approved, batch)


def billing_accounts_of_run(tx: Transaction, run: BillRun) -> int:
    """Count the billing accounts that a run is about."""
    return count_billing_accounts_of_cycle(tx=tx, cycle_day=run.cycle_day) if run.accounts is None else len(run.accounts)


def work(*, engine: Engine, part: Part, told: Callable[[int, int], None]) -> bool:
    """
    Bill every billing account of a part that was not looked at yet, and give whether somebody asked the run to stop.

    What was computed ahead is then left undone.

    :param told: told of billing accounts and bills, batch by batch, when they are committed
    """
    pending: tuple[Future[bool], Batch] | None = None
    with without_cycle_collector(), ThreadPoolExecutor(1, thread_name_prefix="bill-run-writer") as writer:
        for computed in _computed_batches(engine, part):
            batch = _batch(engine, computed)
            if pending is not None and _settled(*pending, told):
                return True
            pending = writer.submit(write_batch, database=engine.database, run=engine.run, batch=batch), batch
        return pending is not None and _settled(*pending, told)


def _settled(written: Future[bool], batch: Batch, told: Callable[[int, int], None]) -> bool:
    """Wait until a batch is committed, tell, and give whether the run shall stop."""
    stop = written.result()
    told(batch.billing_accounts, len(batch.bills))
    return stop


def _computed_batches(engine: Engine, part: Part) -> Iterator[_Computed]:
    after, also = part.after, _closed_with_usage(engine, part)
    while window := _window(engine, part, after, also):
        with engine.database.transaction() as tx:
            ids = [one.billing_account_id for one in members_of(window)]
            usage = read_usage(tx=tx, period=engine.run.period, billing_account_ids=ids, usage_of=engine.usage_of)
        for start in range(0, len(window), engine.batch):
            computed = _compute(engine, part.number, after, window[start : start + engine.batch], usage)
            yield computed
            after = computed.families[-1].top.billing_account_id


def _closed_with_usage(engine: Engine, part: Part) -> list[UUID]:
    """Give the closed billing accounts of the part of which usage arrived that belongs on this period's bills."""
    if engine.run.accounts is not None:
        return []
    with engine.database.transaction() as tx:
        closed = closed_billing_accounts_of_cycle(tx=tx, cycle_day=engine.run.cycle_day)
    ours = [one for one in closed if one.int % part.of == part.number]
    return sorted(engine.usage_of(engine.run.period, ours)) if ours else []


def _window(engine: Engine, part: Part, after: UUID | None, also: Sequence[UUID]) -> list[Family]:
    """Give the next accounts of a part that have a bill of their own, each with its departments, whatever part those would be of."""
    found: list[BillingAccount] = []
    first_day = engine.run.period.first_day
    with engine.database.transaction() as tx:
        if engine.run.accounts is not None:
            found = billing_accounts_by_id(tx=tx, billing_account_ids=engine.run.accounts) if after is None else []
        while engine.run.accounts is None and len(found) < WINDOW:
            page = billing_accounts_of_cycle(tx=tx, day=first_day, after=after, limit=PAGE_MAX, also=also, part=part.number, parts=part.of)
            found += page
            if len(page) < PAGE_MAX:
                break
            after = page[-1].billing_account_id
        departments = departments_of(tx=tx, billing_account_ids=[one.billing_account_id for one in found], day=first_day)
    return families_of(found, departments)


def _compute(
    engine: Engine, part: int, after: UUID | None, families: Sequence[Family], usage: dict[UUID, list[Usage]]
) -> _Computed:  # fmt: skip
    billing_accounts = members_of(families)
    with engine.database.transaction() as tx:
        inputs = read_products(tx=tx, billing_accounts=billing_accounts, book=engine.book, calendar=engine.calendar, kind=engine.run.kind)
        last = engine.run.kind == "leaving" and _have_ended(inputs, engine.run.period)
        granted = read_granted(tx=tx, billing_accounts=billing_accounts, period=engine.run.period, last=last)
        ids = [one.billing_account_id for one in billing_accounts]
        on_hold, left = _run_store.holds(tx, ids), _leaving_store.waiting(tx, ids)
        moves = read_moves(tx=tx, billing_accounts=billing_accounts)
        early = read_early(tx=tx, period=engine.run.period, kind=engine.run.kind, billing_account_ids=sorted(left)) if left else {}
    own = {account_id: engine.calendar.moved(some) for account_id, some in moves.items()}
    elsewhere = {account_id for account_id, its in own.items() if its is engine.calendar}
    due = {one for one, some in moves.items() if some[-1].from_day == engine.run.period.end_day}
    staying = {one for one in due if _is_metered(engine.book, inputs.get(one, ()))}
    drafts: list[BillDraft] = []
    held: list[HeldAccount] = []
    for family in families:
        top = family.top.billing_account_id
        if top in elsewhere:
            continue
        if top in staying:
            held += held_together(family, family.top, "cannot_move", "it was to move to another bill day, and has usage since; it stays in its cycle")
            continue
        calendar = own.get(top, engine.calendar)
        made = assemble_family(family, Inputs(inputs, usage, granted, early), on_hold, engine.book, calendar, engine.run.period)
        if isinstance(made, list):
            held += made
        elif made is not None:
            drafts.append(made)
    return _Computed(part, after, families, inputs, drafts, held, left, own, elsewhere, due - staying, staying)


def _have_ended(inputs: Mapping[UUID, Sequence[ProductInputs]], period: BillPeriod) -> bool:
    """Say whether no product of some accounts is in service after a period, so that who leaves gets its last bill."""
    end = period.end_day.toordinal()
    return all(term.end <= end for some in inputs.values() for one in some for term in one.product.terms if term.active)


def _is_metered(book: PriceBook, inputs: Sequence[ProductInputs]) -> bool:
    return any(book.is_metered(term.product_offering_id) for one in inputs for term in one.product.terms)


def _batch(engine: Engine, computed: _Computed) -> Batch:
    """Give everything that is written of a batch: on a final run with the buyers, whom the keeper seals."""
    final = engine.run.kind != "trial"
    held = list(computed.held)
    family_of = {family.top.billing_account_id: family for family in computed.families}
    drafts = [(draft, written_lines(draft)) for draft in computed.drafts]
    if engine.approved is not None:
        drafts = _as_approved(engine, engine.approved, computed, drafts, held)
    parties = _seal_invoice_parties(engine, [draft for draft, _ in drafts]) if final else [None] * len(drafts)
    bills: list[NewBill] = []
    bill_ids, entry_ids = (engine.identifiers.series(engine.now, len(drafts)) for _ in range(2))
    for (draft, written), party, bill_id, entry_id in zip(drafts, parties, bill_ids, entry_ids, strict=True):
        if party is None and final:
            family = family_of[draft.billing_account.billing_account_id]
            held += held_together(
                family, family.top, "no_invoice_party", "the name of the buyer, or the VAT number of a reverse charge, is not known"
            )
        else:
            bills.append(_new_bill(engine, draft, written, party, bill_id, entry_id))
    passed_by = {one.billing_account_id for one in held} | computed.elsewhere
    everyone = members_of(computed.families)
    billed = [one for one in everyone if one.billing_account_id not in passed_by]
    calendars = ((account.billing_account_id, computed.own.get(account.billing_account_id, engine.calendar)) for account in billed)
    inputs = [(one, calendar) for account_id, calendar in calendars for one in computed.inputs.get(account_id, ())]
    new = [_position(engine, *one) for one in inputs if one[0].position is None]
    moved = [_position(engine, *one) for one in inputs if one[0].position is not None]
    last = computed.families[-1].top.billing_account_id
    together = [one.billing_account_id for bill in bills for one in family_of[bill.draft.billing_account.billing_account_id].departments]
    return Batch(
        computed.part, computed.after, last, len(everyone), bills, held, new, moved,
        left=sorted(computed.left - passed_by), moving=sorted(computed.moving), staying=sorted(computed.staying), departments=together,
    )  # fmt: skip


def _as_approved(
    engine: Engine, trial: UUID, computed: _Computed, drafts: Sequence[tuple[BillDraft, WrittenLines]], held: list[HeldAccount]
) -> list[tuple[BillDraft, WrittenLines]]:
    """Give the bills that are what somebody approved; the accounts of all others are held, for nobody has seen what they would be billed now."""
    with engine.database.transaction() as tx:
        approved = _run_store.contents(tx, trial, [family.top.billing_account_id for family in computed.families])
    kept = [(draft, written) for draft, written in drafts if approved.get(draft.billing_account.billing_account_id) == written.content]
    going = {draft.billing_account.billing_account_id for draft, _ in kept} | {one.billing_account_id for one in held}
    drafted = {draft.billing_account.billing_account_id for draft, _ in drafts}
    for family in computed.families:
        top = family.top.billing_account_id
        if top in (computed.left - drafted) | computed.elsewhere:
            continue  # it left since the trial, and its bill was made then; or it moved
        if top not in going and (top in drafted or top in approved):
            held += held_together(family, family.top, "changed", "its bill is another one than was approved")
    return kept


def _new_bill(engine: Engine, draft: BillDraft, written: WrittenLines, party: bytes | None, bill_id: UUID, entry_id: UUID) -> NewBill:
    if engine.run.kind == "trial":
        return NewBill(draft, written, bill_id, None, None)
    entry = journal_entry(draft=draft, journal_entry_id=entry_id, customer_bill_id=bill_id, bill_date=engine.run.bill_date, now=engine.now)
    return NewBill(draft, written, bill_id, party, entry)


def _position(engine: Engine, inputs: ProductInputs, calendar: Calendar) -> tuple[UUID, UUID, date, int]:
    product = inputs.product
    before = inputs.position
    billed_to = max(product.opening, calendar.end, before.billed_to if before else 0)
    # Billed further than this run looks, when its account left: a run that looks as far compares what has changed since.
    known = before.fingerprint if before is not None and before.billed_to > calendar.end else fingerprint(product, engine.book)
    return product.customer_id, product.product_id, date.fromordinal(billed_to), known


def _seal_invoice_parties(engine: Engine, drafts: Sequence[BillDraft]) -> list[bytes | None]:
    """Give the sealed buyer of each draft, None where no name is known; the names pass through memory and are forgotten."""
    if not drafts:
        return []
    with engine.database.transaction() as tx:
        known = customers(tx=tx, customer_ids=[draft.billing_account.customer_id for draft in drafts])
        subjects = sorted({customer.party_id for customer in known})
        identities = reveal(tx=tx, keeper=engine.keeper, purpose=PURPOSE, category=Category.IDENTITY, subjects=subjects)
        contacts = reveal(tx=tx, keeper=engine.keeper, purpose=PURPOSE, category=Category.CONTACT, subjects=subjects)
    customer_of = {customer.customer_id: customer for customer in known}
    fields: dict[int, SealItem] = {}
    for index, draft in enumerate(drafts):
        customer = customer_of[draft.billing_account.customer_id]
        identity, contact = identities.get(customer.party_id), contacts.get(customer.party_id)
        party = invoice_party(
            identity={} if identity is None else identity.fields,
            contact=None if contact is None else contact.fields,
            customer=customer,
            needs_vat_number=draft.billing_account.tax_treatment == "reverse_charge",
        )
        if party is not None:
            fields[index] = SealItem(subject=customer.party_id, fields=party)
    blobs = seal(keeper=engine.keeper, purpose=PURPOSE, category=Category.INVOICE_PARTY, items=list(fields.values()))
    sealed = dict(zip(fields, blobs, strict=True))
    return [sealed.get(index) for index in range(len(drafts))]
