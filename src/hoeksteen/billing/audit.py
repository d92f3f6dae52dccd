"""
Auditing final bills: usage = lines, discounts on it, charges that were granted, sales in parts and minimum spends = lines, lines = bills,
bills = ledger, numbers without gaps. Every difference is named.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from uuid import UUID

from hoeksteen.billing import _audit_store, _instalment_store, _leaving_store, _store
from hoeksteen.billing._granted_reading import parts_missed
from hoeksteen.billing._minimum_audit import minimums_that_differ
from hoeksteen.billing._reading import read_products, usage_of
from hoeksteen.billing.assembly import assemble, euros_of_cents
from hoeksteen.billing.bookkeeping import OF_LINES, SOURCE
from hoeksteen.billing.early import billed_early
from hoeksteen.billing.legal_entity import LAGE_LANDEN
from hoeksteen.billing.model import BillAudit, BillRun, CustomerBill, Difference, RateKind
from hoeksteen.billing.prices import PriceBook
from hoeksteen.billing.recurring import Calendar
from hoeksteen.kernel.errors import NotFound
from hoeksteen.kernel.money import euros
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.ledger.model import LedgerAccountCode
from hoeksteen.ledger.queries import sums_by_reference
from hoeksteen.party.departments import customers_with_departments
from hoeksteen.party.queries import billing_accounts_by_id
from hoeksteen.product.queries import offerings, usage_discount_days
from hoeksteen.rating.queries import usage_totals
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database, Row, Transaction

_PAGE = 5_000
_NOTHING = Decimal("0.00")


@dataclass(slots=True)
class _Found:
    """What an audit adds up as it goes."""

    bills: int = 0
    usage: int = 0
    usage_lines: int = 0
    gross: Decimal = _NOTHING
    ledger: Decimal = _NOTHING
    differences: list[Difference] = field(default_factory=list)
    years: set[int] = field(default_factory=set)


def audit_bills(*, database: Database, lake: Lake, period: BillPeriod) -> BillAudit:
    """
    Check every final bill whose usage period begins inside `period`, and name each difference; none means that all is well.

    The amounts are added up anew from the lake, from the lines and from the ledger; the run's own sums are not asked.

    :param period: usually a calendar month, for the runs of every cycle in it
    :raises NotFound: when no final run lies in the period
    """
    with database.transaction() as tx:
        runs = _store.final_runs_of_period(tx, period.first_day, period.end_day)
    if not runs:
        raise NotFound(f"No final bill run lies in {period.first_day:%Y-%m}.", remedy="Run the bills first.")
    found = _Found()
    held: dict[UUID, int] = {}
    for run in runs:
        charged: dict[UUID, int] = {}
        with database.transaction() as tx:
            _add_usage(tx, lake, run, charged, held)
        found.usage += sum(charged.values())
        _audit_run(database, run, charged, found)
        with database.transaction() as tx:
            _look_at_rest(tx, lake, run, charged, found)
            found.differences += _usage_discounts(tx, lake, run)
            found.differences += _granted(tx, run)
            found.differences += minimums_that_differ(tx=tx, lake=lake, run=run)
    with database.transaction() as tx:
        found.differences += _numbers(tx, found.years)
    return BillAudit(
        period=period,
        bills=found.bills,
        usage=euros(found.usage),
        usage_lines=euros(found.usage_lines),
        usage_held=euros(sum(held.values())),
        gross=found.gross,
        ledger=found.ledger,
        differences=tuple(found.differences),
    )


def ledger_difference(*, database: Database, bill_run_id: UUID) -> Decimal:
    """Give what a final run's bills ask less what the books say that debtors owe for them: nothing, or something is wrong."""
    difference, after = _NOTHING, None
    while True:
        with database.transaction() as tx:
            bills = _store.bills_after(tx, bill_run_id, after, _PAGE)
            if not bills:
                return difference
            booked = sums_by_reference(tx=tx, source=SOURCE, references=[bill.customer_bill_id for bill in bills])
        owed = (booked.get(bill.customer_bill_id, {}).get(LedgerAccountCode.DEBTORS, _NOTHING) for bill in bills)
        difference += sum((bill.gross for bill in bills), _NOTHING) - sum(owed, _NOTHING)
        after = bills[-1].billing_account_id


def number_gaps(*, tx: Transaction) -> list[Difference]:
    """Name the years whose bill numbers have a gap, or whose counter does not stand at the last one."""
    return list(_numbers(tx, _audit_store.years_of_numbers(tx, LAGE_LANDEN.code)))


def _add_usage(tx: Transaction, lake: Lake, run: BillRun, charged: dict[UUID, int], held: dict[UUID, int]) -> None:
    """Add up what each billing account's bill must show, and set apart what was passed by."""
    passed_by = {one.billing_account_id for one in _store.held_of_run(tx, run.bill_run_id)}
    of_cycle = usage_totals(lake=lake, period=run.period, billing_account_ids=None) if run.kind == "final" else ()
    top_of = _departments_billed(tx, run)
    for total in of_cycle:
        account_id = top_of.get(total.billing_account_id, total.billing_account_id)
        sums = held if total.billing_account_id in passed_by else charged
        sums[account_id] = sums.get(account_id, 0) + total.amount_micro
    for billing_account_id, missed in _store.released_periods(tx, run.bill_run_id):
        for total in usage_totals(lake=lake, period=missed, billing_account_ids=[billing_account_id]):
            account_id = top_of.get(billing_account_id, billing_account_id)
            charged[account_id] = charged.get(account_id, 0) + total.amount_micro
    for billing_account_id, early in billed_early(_leaving_store.settled_lines(tx, run.bill_run_id)).items():
        account_id = top_of.get(billing_account_id, billing_account_id)
        charged[account_id] = charged.get(account_id, 0) + sum(one.amount_micro for one in early)  # below zero: billed before
    for billing_account_id, early in billed_early(_leaving_store.lines_of_period(tx, sorted(passed_by), run.period.first_day)).items():
        held[billing_account_id] = held.get(billing_account_id, 0) + sum(one.amount_micro for one in early)
    if run.kind == "leaving":  # what it says is subtracted by the period's own run, and the two together are compared with the lake there
        for billing_account_id, micro in _audit_store.usage_lines(tx, run.bill_run_id).items():
            charged[billing_account_id] = charged.get(billing_account_id, 0) + micro


def _departments_billed(tx: Transaction, run: BillRun) -> dict[UUID, UUID]:
    """Give the departments whose lines stand on bills of a run, each with the account whose bill it is."""
    customer_ids = customers_with_departments(tx=tx)
    return _audit_store.departments_billed(tx, run.bill_run_id, customer_ids) if customer_ids else {}


def _look_at_rest(tx: Transaction, lake: Lake, run: BillRun, charged: Mapping[UUID, int], found: _Found) -> None:
    """Name the billing accounts whose usage asks for a bill that is not there; where every line rounds to nothing, none is asked for."""
    usage = usage_of(run.period, list(charged), lake=lake)
    early = billed_early(_leaving_store.settled_lines(tx, run.bill_run_id))
    book, calendar = PriceBook(offerings(tx=tx)), Calendar(run.period)
    for one in billing_accounts_by_id(tx=tx, billing_account_ids=list(charged)):
        lines, before = usage.get(one.billing_account_id, ()), early.get(one.billing_account_id, ())
        micro = charged[one.billing_account_id]
        if assemble(billing_account=one, products=(), usage=lines, book=book, calendar=calendar, period=run.period, early=before) is None:
            found.usage -= micro
        else:
            found.differences.append(Difference("usage = lines", one.billing_account_id, None, euros(micro), _NOTHING))


def _usage_discounts(tx: Transaction, lake: Lake, run: BillRun) -> list[Difference]:
    """Name the billing accounts whose bills take off their usage something else than its discounts, computed anew, do."""
    if run.kind == "leaving":
        return []  # the period's own run compares both together
    divided = usage_discount_days(tx=tx)
    lowered = {product_id for product_id, _ in divided}
    passed_by = {one.billing_account_id for one in _store.held_of_run(tx, run.bill_run_id)}
    usage = partial(usage_of, lake=lake, divided=divided)
    totals = usage_totals(lake=lake, period=run.period, billing_account_ids=None, divided=divided) if divided and run.kind == "final" else []
    ids = {total.billing_account_id for total in totals if total.product_id in lowered}
    billed = _audit_store.usage_discounts(tx, run.bill_run_id)
    book, calendar = PriceBook(offerings(tx=tx)), Calendar(run.period)
    computed: dict[UUID, Decimal] = {}
    top_of = _departments_billed(tx, run)
    released = {account_id for account_id, _ in _store.released_periods(tx, run.bill_run_id)} if divided else set()
    some = sorted((ids | released | set(billed)) - passed_by)
    early = billed_early(_leaving_store.settled_lines(tx, run.bill_run_id))
    accounts = billing_accounts_by_id(tx=tx, billing_account_ids=some)
    accounts_by_id = {one.billing_account_id for one in accounts}
    inputs = read_products(tx=tx, billing_accounts=accounts, book=book, calendar=calendar)
    used = usage(run.period, some) if run.kind == "final" else {}
    for billing_account_id, missed in _store.released_periods(tx, run.bill_run_id):
        if billing_account_id in accounts_by_id:
            used[billing_account_id] = [*usage(missed, [billing_account_id]).get(billing_account_id, ()), *used.get(billing_account_id, ())]
    for one in accounts:
        draft = assemble(
            billing_account=one, products=inputs.get(one.billing_account_id, ()), usage=used.get(one.billing_account_id, ()), book=book,
            calendar=calendar, period=run.period, early=early.get(one.billing_account_id, ()),
        )  # fmt: skip
        lines = draft.lines if draft is not None else ()
        cents = sum(line.cents for line in lines if line.kind is RateKind.DISCOUNT and "usage" in line.detail)
        account_id = top_of.get(one.billing_account_id, one.billing_account_id)
        computed[account_id] = computed.get(account_id, _NOTHING) + euros_of_cents(cents)
    return [
        Difference("discounts on usage = lines", account_id, None, computed.get(account_id, _NOTHING), billed.get(account_id, _NOTHING))
        for account_id in sorted({*computed, *billed} - passed_by)
        if computed.get(account_id, _NOTHING) != billed.get(account_id, _NOTHING)
    ]


def _granted(tx: Transaction, run: BillRun) -> list[Difference]:
    """Name what people granted that its account's bill of the run does not have as it was granted, and what stands there without."""
    top_of = _departments_billed(tx, run)
    rows = _audit_store.granted_that_differs(tx, run.bill_run_id, run.started_at, run.period.end_day, top_of)
    found = [Difference("charges = lines", row["billing_account_id"], row["bill_number"], row["expected"], row["found"]) for row in rows]
    found += [
        Difference("instalments = lines", row["billing_account_id"], row["bill_number"], row["expected"], row["found"])
        for row in _instalment_store.that_differ(tx, run.bill_run_id)
    ]
    missed = parts_missed(tx=tx, bill_run_id=run.bill_run_id, period=run.period, before=run.started_at, departments=list(top_of))
    return found + [
        Difference("instalments = lines", account_id, None, euros_of_cents(one.cents), _NOTHING)
        for account_id, some in missed.items()
        for one in some
    ]


def _audit_run(database: Database, run: BillRun, charged: dict[UUID, int], found: _Found) -> None:
    after: UUID | None = None
    while True:
        with database.transaction() as tx:
            bills = _store.bills_after(tx, run.bill_run_id, after, _PAGE)
            if not bills:
                return
            ids = [bill.customer_bill_id for bill in bills]
            lines = _store.line_sums(tx, [bill.customer_id for bill in bills], ids)
            booked = sums_by_reference(tx=tx, source=SOURCE, references=ids)
        for bill in bills:
            usage_micro = int(lines[bill.customer_bill_id]["usage_micro"]) if bill.customer_bill_id in lines else 0
            expected = charged.pop(bill.billing_account_id, 0)
            amounts = booked.get(bill.customer_bill_id, {})
            found.bills += 1
            found.usage_lines += usage_micro
            found.gross += bill.gross
            found.ledger += amounts.get(LedgerAccountCode.DEBTORS, _NOTHING)
            found.years.add(bill.bill_date.year)
            checks = [("usage = lines", euros(expected), euros(usage_micro)), *_sums(bill, lines.get(bill.customer_bill_id)), *_books(bill, amounts)]
            found.differences += [
                Difference(check, bill.billing_account_id, bill.bill_number, wanted, seen) for check, wanted, seen in checks if wanted != seen
            ]
        after = bills[-1].billing_account_id


def _sums(bill: CustomerBill, lines: Row | None) -> Iterator[tuple[str, Decimal, Decimal]]:
    if lines is None:
        yield "lines = bill", bill.net, _NOTHING
        return
    yield "lines = bill", lines["net"], bill.net
    yield "lines = bill", lines["taxable"], bill.net
    yield "lines = bill", lines["tax"], bill.vat
    if bill.tax_included:
        yield "lines = bill", lines["gross"], bill.gross


def _books(bill: CustomerBill, amounts: dict[str, Decimal]) -> Iterator[tuple[str, Decimal, Decimal]]:
    yield "bill = ledger", bill.gross, amounts.get(LedgerAccountCode.DEBTORS, _NOTHING)
    yield "bill = ledger", -bill.vat, amounts.get(LedgerAccountCode.VAT_PAYABLE, _NOTHING)
    yield "bill = ledger", -bill.rounding, amounts.get(LedgerAccountCode.ROUNDING_DIFFERENCES, _NOTHING)
    yield "bill = ledger", -bill.net, sum((amounts.get(code, _NOTHING) for code in OF_LINES), _NOTHING)


def _numbers(tx: Transaction, years: set[int]) -> Iterator[Difference]:
    """Compare, per year, how many numbers are used with the highest of them and with the counter: they are equal when there is no gap."""
    for year in sorted(years):
        count, highest, counter = _store.numbers_of_year(tx, LAGE_LANDEN.code, year)
        for seen in (highest, counter):
            if seen != count:
                yield Difference("numbers", None, f"{LAGE_LANDEN.code}-{year}", Decimal(count), Decimal(seen))
