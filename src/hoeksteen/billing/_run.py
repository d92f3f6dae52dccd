"""
The engine of a bill run: windows of billing accounts, batches of one transaction each.

While one thread writes a batch, the next one is read, computed and sealed. The run's row holds how far it is, moved in the
same transaction as the bills, so that killing the process at any instant loses and repeats nothing.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from hoeksteen.billing import _run_store, _store
from hoeksteen.billing._families import Family, assemble_family, families_of, held_together, members_of
from hoeksteen.billing._reading import UsageOf, read_products, read_usage
from hoeksteen.billing._writing import Batch, NewBill, WrittenLines, write_batch, written_lines
from hoeksteen.billing.assembly import BillDraft, ProductInputs, Usage
from hoeksteen.billing.bookkeeping import journal_entry
from hoeksteen.billing.invoice_party import invoice_party
from hoeksteen.billing.model import BillRun, BillRunProgress, HeldAccount, Progress, RunKind
from hoeksteen.billing.prices import PriceBook
from hoeksteen.billing.recurring import Calendar, fingerprint
from hoeksteen.disclosure import KeeperClient, SealItem
from hoeksteen.disclosure.operations import seal
from hoeksteen.disclosure.queries import reveal
from hoeksteen.kernel.errors import WrongState
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.memory import without_cycle_collector
from hoeksteen.kernel.sealed import Category
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.ledger.operations import require_open
from hoeksteen.party.departments import departments_of
from hoeksteen.party.model import BillingAccount
from hoeksteen.party.queries import PAGE_MAX, billing_accounts_by_id, billing_accounts_of_cycle, count_billing_accounts_of_cycle, customers
from hoeksteen.storage.postgres import Database, Transaction

BATCH = 2_500
# The lake is asked once per window, because each answer scans a month of charges.
WINDOW = 5 * PAGE_MAX
PURPOSE = "billing"
CLOSED_BOOKS = "Give a bill date in a month whose books are open: `--bill-date`."


@dataclass(frozen=True, slots=True)
class Engine:
    """
    What every batch of a run works with.

    :param approved: the trial that a final run must come to, account by account; None where none was asked for
    """

    database: Database
    keeper: KeeperClient
    run: BillRun
    book: PriceBook
    calendar: Calendar
    now: datetime
    identifiers: Identifiers
    usage_of: UsageOf
    approved: UUID | None = None
    batch: int = BATCH


@dataclass(frozen=True, slots=True)
class _Computed:
    """A stretch of billing accounts with their bills, before anybody's name is asked for."""

    after: UUID | None
    families: Sequence[Family]
    inputs: dict[UUID, list[ProductInputs]]
    drafts: Sequence[BillDraft]
    held: Sequence[HeldAccount]


def open_run(
    *, database: Database, period: BillPeriod, bill_date: date, kind: RunKind, by: str = "", now: datetime, identifiers: Identifiers
) -> BillRun:  # fmt: skip
    """
    Begin a run, or find the final run of the period that was interrupted or is done.

    An unfinished trial is thrown away: what it computed may no longer hold.

    :raises WrongState: when the period was finalised with another bill date, a trial is asked for after that, or the books of the
        bill date are closed
    """
    cycle_day = period.first_day.day
    with database.transaction() as tx:
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
            _store.delete_unfinished_trials(tx, cycle_day, period.first_day)
        else:
            require_open(tx=tx, day=bill_date, what="the bill date", remedy=CLOSED_BOOKS)
        run = BillRun(identifiers.new(now), kind, cycle_day, period, bill_date, "running", now, started_by=by)
        _store.insert_run(tx, run)
    return run


def execute(*, engine: Engine, progress: Progress) -> bool:
    """Bill every billing account of the run that it has not looked at yet, close the run, and give whether it came to its end: it may be stopped."""
    with engine.database.transaction() as tx:
        total = billing_accounts_of_run(tx, engine.run)
    done = BillRunProgress(engine.run.billing_accounts, total, engine.run.bills)
    with without_cycle_collector():
        stopped = _work(engine, done, progress)
    if not stopped:
        with engine.database.transaction() as tx:
            _store.finish(tx, engine.run.bill_run_id, engine.now)
    return not stopped


def billing_accounts_of_run(tx: Transaction, run: BillRun) -> int:
    """Count the billing accounts that a run is about."""
    return count_billing_accounts_of_cycle(tx=tx, cycle_day=run.cycle_day) if run.accounts is None else len(run.accounts)


def _work(engine: Engine, done: BillRunProgress, progress: Progress) -> bool:
    """Compute and write batch by batch, and give whether somebody asked to stop; then what was computed ahead is left undone."""
    pending: tuple[Future[bool], Batch] | None = None
    with ThreadPoolExecutor(1, thread_name_prefix="bill-run-writer") as writer:
        for computed in _computed_batches(engine):
            batch = _batch(engine, computed)
            done, stop = _settled(pending, done, progress)
            if stop:
                return True
            pending = writer.submit(write_batch, database=engine.database, run=engine.run, batch=batch), batch
        return _settled(pending, done, progress)[1]


def _settled(pending: tuple[Future[bool], Batch] | None, done: BillRunProgress, progress: Progress) -> tuple[BillRunProgress, bool]:
    """Wait until a batch is committed, tell, and give whether the run shall stop."""
    if pending is None:
        return done, False
    written, batch = pending
    stop = written.result()
    seen = done.billing_accounts + batch.billing_accounts
    done = BillRunProgress(seen, max(done.billing_accounts_total, seen), done.bills + len(batch.bills))
    progress(done)
    return done, stop


def _computed_batches(engine: Engine) -> Iterator[_Computed]:
    after = engine.run.last_billing_account_id
    while window := _window(engine, after):
        with engine.database.transaction() as tx:
            ids = [one.billing_account_id for one in members_of(window)]
            usage = read_usage(tx=tx, period=engine.run.period, billing_account_ids=ids, usage_of=engine.usage_of)
        for start in range(0, len(window), engine.batch):
            computed = _compute(engine, after, window[start : start + engine.batch], usage)
            yield computed
            after = computed.families[-1].top.billing_account_id


def _window(engine: Engine, after: UUID | None) -> list[Family]:
    """Give the next accounts that have a bill of their own, each with its departments, who are billed in the same transaction."""
    found: list[BillingAccount] = []
    first_day = engine.run.period.first_day
    with engine.database.transaction() as tx:
        if engine.run.accounts is not None:
            found = billing_accounts_by_id(tx=tx, billing_account_ids=engine.run.accounts) if after is None else []
        while engine.run.accounts is None and len(found) < WINDOW:
            page = billing_accounts_of_cycle(tx=tx, day=first_day, after=after, limit=PAGE_MAX)
            found += page
            if len(page) < PAGE_MAX:
                break
            after = page[-1].billing_account_id
        departments = departments_of(tx=tx, billing_account_ids=[one.billing_account_id for one in found], day=first_day)
    return families_of(found, departments)


def _compute(engine: Engine, after: UUID | None, families: Sequence[Family], usage: dict[UUID, list[Usage]]) -> _Computed:
    billing_accounts = members_of(families)
    with engine.database.transaction() as tx:
        inputs = read_products(tx=tx, billing_accounts=billing_accounts, book=engine.book, calendar=engine.calendar)
        on_hold = _run_store.holds(tx, [one.billing_account_id for one in billing_accounts])
    drafts: list[BillDraft] = []
    held: list[HeldAccount] = []
    for family in families:
        made = assemble_family(family, inputs, usage, on_hold, engine.book, engine.calendar, engine.run.period)
        if isinstance(made, list):
            held += made
        elif made is not None:
            drafts.append(made)
    return _Computed(after, families, inputs, drafts, held)


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
    for (draft, written), party in zip(drafts, parties, strict=True):
        if party is None and final:
            family = family_of[draft.billing_account.billing_account_id]
            held += held_together(
                family, family.top, "no_invoice_party", "the name of the buyer, or the VAT number of a reverse charge, is not known"
            )
        else:
            bills.append(_new_bill(engine, draft, written, party))
    passed_by = {one.billing_account_id for one in held}
    everyone = members_of(computed.families)
    billed = [one for one in everyone if one.billing_account_id not in passed_by]
    inputs = [one for account in billed for one in computed.inputs.get(account.billing_account_id, ())]
    new = [_position(engine, one) for one in inputs if one.position is None]
    moved = [_position(engine, one) for one in inputs if one.position is not None]
    last = computed.families[-1].top.billing_account_id
    together = [one.billing_account_id for bill in bills for one in family_of[bill.draft.billing_account.billing_account_id].departments]
    return Batch(computed.after, last, len(everyone), bills, held, new, moved, together)


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
        if top not in going and (top in drafted or top in approved):
            held += held_together(family, family.top, "changed", "its bill is another one than was approved")
    return kept


def _new_bill(engine: Engine, draft: BillDraft, written: WrittenLines, party: bytes | None) -> NewBill:
    customer_bill_id = engine.identifiers.new(engine.now)
    if engine.run.kind == "trial":
        return NewBill(draft, written, customer_bill_id, None, None)
    entry = journal_entry(
        draft=draft,
        journal_entry_id=engine.identifiers.new(engine.now),
        customer_bill_id=customer_bill_id,
        bill_date=engine.run.bill_date,
        now=engine.now,
    )
    return NewBill(draft, written, customer_bill_id, party, entry)


def _position(engine: Engine, inputs: ProductInputs) -> tuple[UUID, UUID, date, int]:
    product = inputs.product
    billed_to = max(product.opening, engine.calendar.end, inputs.position.billed_to if inputs.position else 0)
    return product.customer_id, product.product_id, date.fromordinal(billed_to), fingerprint(product, engine.book)


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
