"""Customer bills (TM Forum TMF678) and the runs that make them; frozen values without I/O."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from hoeksteen.kernel.time_period import BillPeriod

RunKind = Literal["trial", "final", "off_cycle", "leaving"]
RunState = Literal["running", "done"]
DEPARTMENT = "billing_account_id"  # in a line's detail: which department made it, on the bill of another billing account


class RateKind(StrEnum):
    """
    What a line of a bill is.

    A `credit` takes back what an earlier bill charged, or is what somebody granted; a `discount` is a price alteration (also a surcharge);
    `minimum` is what usage lacks of a minimum spend; `instalment` is out of the scope of VAT: a part, or what is asked for later.
    """

    RECURRING = "recurring"
    ONE_TIME = "one_time"
    USAGE = "usage"
    DISCOUNT = "discount"
    CREDIT = "credit"
    MINIMUM = "minimum"
    INSTALMENT = "instalment"


@dataclass(frozen=True, slots=True)
class AppliedCustomerBillingRate:
    """
    One line of a bill.

    :param line: from 1, in the order of the document: per product its charges, alterations and credits, then its usage
    :param detail: what made it (`days`, `days_in_period`, `units`, `free_units`, `amount_micro`, `service`, `zone`, `alteration`, `charge`); no
        personal data
    :param product_id: None for what somebody granted to the billing account itself; it has no offering either
    :param period: the local days that it is for
    :param quantity: bill periods for recurring charges (days in service / days in period), records for usage, else 1
    :param net: euros without tax; the nets of a tax rate's lines add up to its taxable amount
    :param gross: euros with tax as the price list has them; only where prices include tax
    :param tax_category: EN 16931 BT-151; `tax_rate` in percent
    """

    line: int
    kind: RateKind
    product_id: UUID | None
    product_offering_id: str | None
    price_id: str | None
    detail: Mapping[str, Any]
    period: BillPeriod | None
    quantity: Decimal
    net: Decimal
    gross: Decimal | None
    tax_category: str
    tax_rate: Decimal

    @property
    def amount(self) -> Decimal:
        """What the price list says: with tax for consumers, without for businesses."""
        return self.net if self.gross is None else self.gross

    @property
    def department(self) -> UUID | None:
        """The billing account that made it, where that is another one than the bill's: a department."""
        made_by = self.detail.get(DEPARTMENT)
        return None if made_by is None else UUID(made_by)


@dataclass(frozen=True, slots=True)
class AppliedBillTax:
    """The tax of one category and rate on a bill (EN 16931 BG-23)."""

    tax_category: str
    tax_rate: Decimal
    taxable: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class CustomerBill:
    """
    A bill of one billing account for one bill period; a negative `gross` is a credit note.

    :param bill_number: None on a trial bill and on a preview
    :param period: the usage period; charges in advance are for the period after it
    :param rounding: EN 16931 BT-114: what makes consumers pay exactly their prices; net + vat + rounding = gross
    :param rates: its lines; empty in lists of bills
    """

    customer_id: UUID
    customer_bill_id: UUID
    billing_account_id: UUID
    bill_run_id: UUID | None
    bill_number: str | None
    bill_date: date
    due_date: date
    period: BillPeriod
    tax_included: bool
    net: Decimal
    vat: Decimal
    rounding: Decimal
    gross: Decimal
    rates: tuple[AppliedCustomerBillingRate, ...] = ()
    taxes: tuple[AppliedBillTax, ...] = ()

    def sub_totals(self) -> dict[UUID, Decimal]:
        """Give what each billing account's lines come to, as the bill shows them; empty where no department stands on it."""
        sums: dict[UUID, Decimal] = {}
        for rate in self.rates:
            made_by = rate.department or self.billing_account_id
            sums[made_by] = sums.get(made_by, Decimal("0.00")) + rate.amount
        return sums if sums.keys() - {self.billing_account_id} else {}


@dataclass(frozen=True, slots=True)
class BillRun:
    """
    A run over the billing accounts of one cycle.

    :param period: the usage period
    :param billing_accounts: looked at so far; `bills` made so far
    :param started_by: who began it; empty where a program did
    :param stop_asked: somebody wants it to end after the batch that it works on
    :param sent_at: when every bill of it had been announced
    :param accounts: the only billing accounts that an off-cycle run, or one for who leaves, is about
    """

    bill_run_id: UUID
    kind: RunKind
    cycle_day: int
    period: BillPeriod
    bill_date: date
    state: RunState
    started_at: datetime
    finished_at: datetime | None = None
    billing_accounts: int = 0
    bills: int = 0
    started_by: str = ""
    stop_asked: bool = False
    sent_at: datetime | None = None
    accounts: tuple[UUID, ...] | None = None

    def pace(self, now: datetime, total: int) -> tuple[float, float | None]:
        """
        Give billing accounts a second since it began, and the seconds that it needs for those that are left, None while none is done.

        :param total: of the whole cycle
        """
        seconds = max(0.001, ((self.finished_at or now) - self.started_at).total_seconds())
        rate = self.billing_accounts / seconds
        return rate, max(0, total - self.billing_accounts) / rate if rate else None


@dataclass(frozen=True, slots=True)
class RunProgress:
    """
    How far a run is that is under way.

    :param per_second: billing accounts since it began
    :param seconds_left: None while none is done
    """

    billing_accounts: int
    billing_accounts_total: int
    per_second: float
    seconds_left: float | None

    @property
    def sentence(self) -> str:
        """Say it in a few words."""
        left = "" if self.seconds_left is None else f", {self.seconds_left:,.0f} s left"
        return f"{self.billing_accounts:,} of {self.billing_accounts_total:,}, {self.per_second:,.0f}/s{left}"


@dataclass(frozen=True, slots=True)
class Approval:
    """
    That a person who did not begin a trial found it good.

    :param bills: how many there were, and `gross` what they came to, when it was given
    :param content_digest: the SHA-256 of what the bills say
    :param signed_digest: that of the text that the approver signed, which stands in the keeper's log; None where the desk's log-in says who it was
    """

    bill_run_id: UUID
    approved_by: str
    approved_at: datetime
    bills: int
    gross: Decimal
    content_digest: bytes | None = None
    signed_digest: bytes | None = None


@dataclass(frozen=True, slots=True)
class AccountHold:
    """That a person keeps a billing account from being billed, and why."""

    customer_id: UUID
    billing_account_id: UUID
    held_at: datetime
    held_by: str
    why: str


@dataclass(frozen=True, slots=True)
class AccountChange:
    """A billing account whose bill differs between two runs; None where a run has no bill of it."""

    customer_id: UUID
    billing_account_id: UUID
    before: Decimal | None
    after: Decimal | None


@dataclass(frozen=True, slots=True)
class RunComparison:
    """
    What a run would bill that another one did not.

    :param same: billing accounts with the same amount; `changed`, `new` and `gone` the others
    :param by_kind: kind of line (recurring, usage …) and what its lines come to without tax, before and after
    :param largest: the billing accounts that differ most, either way
    """

    before: BillRun
    after: BillRun
    same: int
    changed: int
    new: int
    gone: int
    gross_before: Decimal
    gross_after: Decimal
    by_kind: tuple[tuple[str, Decimal, Decimal], ...]
    largest: tuple[AccountChange, ...]


@dataclass(frozen=True, slots=True)
class BillTotals:
    """The sums of a run's bills, in euros."""

    count: int
    net: Decimal
    vat: Decimal
    rounding: Decimal
    gross: Decimal


@dataclass(frozen=True, slots=True)
class RecurringSum:
    """
    The recurring lines and alterations of a customer's final bills for one period, without tax.

    :param alteration_abs_max: the largest alteration, either way
    """

    customer_id: UUID
    lines: int
    net: Decimal
    alteration_abs_max: Decimal


@dataclass(frozen=True, slots=True)
class HeldAccount:
    """
    A billing account that a run passed by, and why: `no_price`, `no_invoice_party`, `on_hold`, `changed` (since the trial was approved),
    `cannot_move` (to another bill day), `billed_together` (with an account that is held).
    """

    customer_id: UUID
    billing_account_id: UUID
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class BillRunResult:
    """
    What a run has made, also by earlier calls that were interrupted.

    :param billing_accounts: billing accounts looked at; those without any charge get no bill
    :param held: billing accounts passed by for a reason
    :param suspended: usage records on nobody's bill yet, this period's or another's, because they cannot be rated
    :param was_done: whether an earlier call had finished it, so that nothing was done now
    :param stopped: whether it ended early because somebody asked; running it again goes on
    """

    bill_run_id: UUID
    kind: RunKind
    period: BillPeriod
    bill_date: date
    billing_accounts: int
    held: int
    suspended: int
    totals: BillTotals
    was_done: bool = False
    stopped: bool = False

    @property
    def without_charge(self) -> int:
        """The billing accounts that had nothing to pay for, and so have no bill."""
        return self.billing_accounts - self.totals.count - self.held


@dataclass(frozen=True, slots=True)
class BillRunProgress:
    """
    How far a run is, after each batch.

    :param billing_accounts: looked at so far; `bills` made so far
    :param billing_accounts_total: of the whole cycle
    """

    billing_accounts: int
    billing_accounts_total: int
    bills: int


Progress = Callable[[BillRunProgress], None]


@dataclass(frozen=True, slots=True)
class Difference:
    """
    Two amounts that must be equal and are not.

    :param check: `usage = lines`, `discounts on usage = lines`, `charges = lines`, `lines = bill`, `bill = ledger` or
        `numbers`; audits of a month have more
    """

    check: str
    billing_account_id: UUID | None
    bill_number: str | None
    expected: Decimal
    found: Decimal


@dataclass(frozen=True, slots=True)
class BillAudit:
    """
    What an audit of the final bills of a period found.

    :param usage: charges of the lake, exact to the micro-euro, but for accounts of which every line rounds to nothing
    :param usage_lines: what the bills' usage lines say that they round
    :param usage_held: charges of billing accounts that the run passed by; a later run makes up for them
    :param ledger: what the ledger says that debtors owe for these bills
    """

    period: BillPeriod
    bills: int
    usage: Decimal
    usage_lines: Decimal
    usage_held: Decimal
    gross: Decimal
    ledger: Decimal
    differences: tuple[Difference, ...]

    @property
    def ledger_difference(self) -> Decimal:
        return self.gross - self.ledger
