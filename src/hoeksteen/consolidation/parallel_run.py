"""Reading what a parallel run compares: the lines of a bill run here, and those of legacy invoices, customer by customer."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from hoeksteen.billing.model import AppliedCustomerBillingRate, BillRun, CustomerBill, RateKind
from hoeksteen.billing.queries import bills_of_run_in_full, next_bill_within
from hoeksteen.billing.queries import run as bill_run
from hoeksteen.consolidation import _store
from hoeksteen.consolidation.invoice_lines import InvoiceLine, Invoices, read_invoices, read_lines_mapping
from hoeksteen.consolidation.model import Finding
from hoeksteen.consolidation.parallel import CauseSum, LineDifference, compare_lines, sums_of
from hoeksteen.consolidation.pseudonyms import Pseudonyms
from hoeksteen.kernel.errors import InvalidInput, NotFound
from hoeksteen.kernel.money import round_half_up
from hoeksteen.kernel.time_period import BillPeriod, bill_period, local_day
from hoeksteen.party.queries import customers
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database, Transaction

BILLS_PER_QUERY = 1_000
_KINDS = {
    RateKind.RECURRING: "recurring", RateKind.ONE_TIME: "one_time", RateKind.USAGE: "usage", RateKind.MINIMUM: "usage",
    RateKind.DISCOUNT: "discount", RateKind.INSTALMENT: "one_time",
}  # fmt: skip
_ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class CustomerDifferences:
    """
    The lines of one customer that differ.

    :param customer_number: None where the record of an invoice became no customer here
    """

    customer_id: UUID | None
    customer_number: str | None
    differences: tuple[LineDifference, ...]

    @property
    def net(self) -> Decimal:
        return sum((one.net for one in self.differences), _ZERO)

    def as_json(self) -> dict[str, Any]:
        """Give the customer's differences for `--json`."""
        return {
            "customer_id": str(self.customer_id) if self.customer_id else None, "customer": self.customer_number, "net": str(self.net),
            "differences": [one.as_json() for one in self.differences],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class ParallelRun:
    """
    What a parallel run found; amounts are euros without VAT.

    :param run: the bill run of ours, a trial or the final one; None where bills were seen before they are made
    :param period: the usage period of our bills
    :param same: lines that are alike on both sides
    :param customers: those who differ, the largest difference first
    :param rejected: rows of the legacy files that say nothing that can be used
    """

    run: BillRun | None
    period: BillPeriod
    invoices: int
    bills: int
    lines_there: int
    lines_here: int
    same: int
    net_there: Decimal
    net_here: Decimal
    causes: tuple[CauseSum, ...]
    customers: tuple[CustomerDifferences, ...]
    rejected: tuple[Finding, ...]

    @property
    def adds_up(self) -> bool:
        """Say whether the differences are what the two sides differ in all."""
        return self.net_here - self.net_there == sum((one.net for one in self.causes), _ZERO)

    def as_json(self) -> dict[str, Any]:
        """Give every figure for `--json`."""
        return {
            "bill_run_id": str(self.run.bill_run_id) if self.run else None, "kind": self.run.kind if self.run else "next",
            "period": [self.period.first_day, self.period.end_day],
            "invoices": self.invoices, "bills": self.bills, "lines_there": self.lines_there, "lines_here": self.lines_here, "same": self.same,
            "net_there": str(self.net_there), "net_here": str(self.net_here), "adds_up": self.adds_up,
            "causes": [{"cause": str(one.cause), "lines": one.lines, "net": str(one.net), "vat": str(one.vat)} for one in self.causes],
            "customers": [one.as_json() for one in self.customers],
            "rejected": [{"source": one.source, "place": one.place, "field": one.field, "code": one.code} for one in self.rejected],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chosen:
    """The bills of a run, usually a trial: nothing is sent to anybody."""

    bill_run_id: UUID


@dataclass(frozen=True, slots=True)
class Next:
    """The bills that would be made next, as `next_bill` gives them; also of customers who are held until their wave is switched."""

    lake: Lake
    now: datetime


def compare_invoices(
    *, database: Database, files: Sequence[tuple[Path, Path]], pseudonyms: Pseudonyms, bills: Chosen | Next
) -> ParallelRun:  # fmt: skip
    """
    Hold the bills of a run against the invoices of legacy systems, line by line.

    Only lines of products that came from these systems are compared, so that a customer who was merged from several can be compared with some.

    :param files: per legacy system the mapping of its invoice lines, and the file
    :param bills: which of ours
    :raises InvalidInput: when a mapping or a file is wrong, or names a source twice
    :raises NotFound: when there is no such run
    """
    read: list[Invoices] = []
    for mapping, file in files:
        found = read_invoices(mapping=read_lines_mapping(mapping), file=file, pseudonyms=pseudonyms)
        if any(one.source == found.source for one in read):
            raise InvalidInput(f"{mapping}, field lines_of: {found.source} is named twice.", remedy="Give all lines of a source in one file.")
        read.append(found)
    with database.transaction() as tx:
        tx.see_one_moment()
        return _compared(tx, read, bills)


def _compared(tx: Transaction, read: Sequence[Invoices], bills: Chosen | Next) -> ParallelRun:
    theirs, unknown = _by_customer(tx, read)
    held = {row["product_id"]: row["customer_id"] for row in _store.source_products(tx, [found.source for found in read])}
    compared_with = set(held.values()) | set(theirs)
    counts = {"bills": 0, "here": 0, "same": 0}
    net_here = _ZERO
    apart: dict[UUID | None, list[LineDifference]] = {}
    ours: dict[UUID, list[InvoiceLine]] = {}
    run = bill_run(tx=tx, bill_run_id=bills.bill_run_id) if isinstance(bills, Chosen) else None
    period = run.period if run is not None else None
    for bill in _bills(tx, run) if run is not None else _next_bills(tx, bills, sorted(compared_with)):
        period = period or bill.period
        if bill.customer_id in compared_with:
            lines = [line for line in map(_ours_of(bill), bill.rates) if line.product_id is None or line.product_id in held]
            ours.setdefault(bill.customer_id, []).extend(lines)
            counts["bills"] += 1
    if period is None:  # nobody would get a bill
        period = bill_period(local_day(bills.now)) if isinstance(bills, Next) else BillPeriod(date.min, date.min)
    for customer_id in compared_with:
        mine = ours.get(customer_id, [])
        found = compare_lines(theirs=theirs.get(customer_id, ()), ours=mine, period=period)
        counts["here"], counts["same"] = counts["here"] + len(mine), counts["same"] + found.same
        net_here += sum((line.net for line in mine), _ZERO)
        if found.differences:
            apart[customer_id] = found.differences
    if unknown:
        apart[None] = compare_lines(theirs=unknown, ours=(), period=period).differences
    everything = [line for found in read for lines in found.lines.values() for line in lines]
    return ParallelRun(
        run=run,
        period=period,
        invoices=sum(len(found.invoices) for found in read),
        bills=counts["bills"],
        lines_there=len(everything),
        lines_here=counts["here"],
        same=counts["same"],
        net_there=sum((line.net for line in everything), _ZERO),
        net_here=net_here,
        causes=sums_of(one for some in apart.values() for one in some),
        customers=_numbered(tx, apart),
        rejected=tuple(finding for found in read for finding in found.rejected),
    )


def _by_customer(tx: Transaction, read: Sequence[Invoices]) -> tuple[dict[UUID, list[InvoiceLine]], list[InvoiceLine]]:
    """Give the legacy lines by the customer whom their record became, and those of records that became nobody."""
    lines: dict[UUID, list[InvoiceLine]] = {}
    unknown: list[InvoiceLine] = []
    for found in read:
        owner_of = {row["source_key"]: row["customer_id"] for row in _store.known_records(tx, list(found.lines))}
        for record_id, some in found.lines.items():
            owner = owner_of.get(record_id)
            (unknown if owner is None else lines.setdefault(owner, [])).extend(some)
    return lines, unknown


def _next_bills(tx: Transaction, bills: Chosen | Next, customer_ids: Sequence[UUID]) -> Iterator[CustomerBill]:
    if isinstance(bills, Next):
        for customer_id in customer_ids:
            with suppress(NotFound):  # nobody who has no active billing account gets a bill
                made = next_bill_within(tx=tx, lake=bills.lake, customer_id=customer_id, now=bills.now)
                if made.rates:
                    yield made


def _bills(tx: Transaction, run: BillRun) -> Iterator[CustomerBill]:
    after = None
    while some := bills_of_run_in_full(tx=tx, bill_run_id=run.bill_run_id, after=after, limit=BILLS_PER_QUERY):
        yield from some
        after = some[-1].billing_account_id


def _ours_of(bill: CustomerBill) -> Any:
    name = bill.bill_number or "trial"

    def line(rate: AppliedCustomerBillingRate) -> InvoiceLine:
        recurs = rate.kind is RateKind.CREDIT and rate.product_id is not None and rate.period is not None
        why = [("price", rate.price_id)] if rate.price_id else []
        if "days" in rate.detail:
            why.append(("days in service", f"{rate.detail['days']} of {rate.detail['days_in_period']}"))
        if "alteration" in rate.detail:
            why.append(("alteration", str(rate.detail["alteration"])))
        return InvoiceLine(
            kind="recurring" if recurs else _KINDS.get(rate.kind, "one_time"),
            product_id=rate.product_id,
            net=rate.net,
            vat=rate.gross - rate.net if rate.gross is not None else round_half_up(rate.net * rate.tax_rate / 100),
            first=rate.period.first_day if rate.period else None,
            end=rate.period.end_day if rate.period else None,
            place=f"{name}:{rate.line}",
            why=tuple(why),
        )

    return line


def _numbered(tx: Transaction, apart: dict[UUID | None, list[LineDifference]]) -> tuple[CustomerDifferences, ...]:
    known = [customer_id for customer_id in apart if customer_id is not None]
    numbers = {one.customer_id: one.customer_number for one in customers(tx=tx, customer_ids=known)}
    found = [CustomerDifferences(customer_id, numbers.get(customer_id) if customer_id else None, tuple(some)) for customer_id, some in apart.items()]
    return tuple(sorted(found, key=lambda one: (-abs(one.net), one.customer_number or "")))
