"""A billing account with its departments, which are billed together or not at all."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from hoeksteen.billing.assembly import AccountLines, BillDraft, LineDraft, ProductInputs, Usage, as_department, bill_of, lines_of
from hoeksteen.billing.early import BilledEarly
from hoeksteen.billing.granted import Granted
from hoeksteen.billing.model import AccountHold, HeldAccount
from hoeksteen.billing.prices import NoPrice, PriceBook
from hoeksteen.billing.recurring import Calendar
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.party.model import BillingAccount


class Family(NamedTuple):
    """
    Billing accounts that share a bill.

    :param top: whose bill it is
    :param departments: of every level; empty for most
    """

    top: BillingAccount
    departments: Sequence[BillingAccount] = ()

    @property
    def members(self) -> Sequence[BillingAccount]:
        return (self.top, *self.departments)


class Inputs(NamedTuple):
    """What bills need, by billing account: products, usage, what people granted, and what was billed early."""

    products: Mapping[UUID, Sequence[ProductInputs]]
    usage: Mapping[UUID, Sequence[Usage]]
    granted: Mapping[UUID, Sequence[Granted]]
    early: Mapping[UUID, Sequence[BilledEarly]]


def families_of(tops: Sequence[BillingAccount], departments: Mapping[UUID, Sequence[BillingAccount]]) -> list[Family]:
    """Give the families of some accounts in their order."""
    return [Family(one, departments.get(one.billing_account_id, ())) for one in tops]


def members_of(families: Sequence[Family]) -> list[BillingAccount]:
    """Give all accounts of some families."""
    return [one for family in families for one in family.members]


def assemble_family(
    family: Family, inputs: Inputs, on_hold: Mapping[UUID, AccountHold], book: PriceBook, calendar: Calendar, period: BillPeriod
) -> BillDraft | list[HeldAccount] | None:  # fmt: skip
    """Put the bill of a family together: one tax over all lines, each department's after the other; or say why all of them are held."""
    for one in family.members:
        if (hold := on_hold.get(one.billing_account_id)) is not None:
            return list(held_together(family, one, "on_hold", f"{hold.held_by}: {hold.why}"))
    try:
        made = family_lines(family, inputs, book, calendar, period)
    except _Unpriced as found:
        return list(held_together(family, found.billing_account, "no_price", found.message))
    return bill_of(billing_account=family.top, lines=made.lines, granted=made.granted)


class _Unpriced(NoPrice):
    """A day in service of one account that has no price."""

    def __init__(self, billing_account: BillingAccount, reason: NoPrice) -> None:
        super().__init__(reason.message, remedy=reason.remedy)
        self.billing_account = billing_account


def family_lines(
    family: Family, inputs: Inputs, book: PriceBook, calendar: Calendar, period: BillPeriod
) -> AccountLines:  # fmt: skip
    """
    Give the lines of all accounts of a family, those of the top first.

    :raises NoPrice: when a day in service has no price
    """
    lines: list[LineDraft] = []
    granted: list[tuple[Granted, int]] = []
    for one in family.members:
        try:
            some = lines_of(
                billing_account=one, products=inputs.products.get(one.billing_account_id, ()), usage=inputs.usage.get(one.billing_account_id, ()),
                book=book, calendar=calendar, period=period, granted=inputs.granted.get(one.billing_account_id, ()),
                early=inputs.early.get(one.billing_account_id, ()),
            )  # fmt: skip
        except NoPrice as reason:
            raise _Unpriced(one, reason) from reason
        lines += some.lines if one is family.top else as_department(one, some.lines)
        granted += some.granted
    return AccountLines(lines, granted)


def held_together(family: Family, because_of: BillingAccount, reason: str, detail: str) -> Iterator[HeldAccount]:
    """Give every account of a family as held: the one that it is because of with the reason, the others with its number."""
    for one in family.members:
        if one is because_of:
            yield HeldAccount(one.customer_id, one.billing_account_id, reason, detail)
        else:
            told = f"billed together with account {because_of.billing_account_number}, which is held: {reason}, {detail}"
            yield HeldAccount(one.customer_id, one.billing_account_id, "billed_together", told)
