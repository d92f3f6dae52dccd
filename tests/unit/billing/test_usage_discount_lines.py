"""Discounts on usage as lines of a bill: beside what a correction takes back, and beside flat fees."""

from datetime import date
from typing import Any

from hoeksteen.billing.assembly import ProductInputs, assemble
from hoeksteen.billing.model import RateKind
from hoeksteen.billing.prices import PriceBook
from hoeksteen.billing.recurring import Calendar, HeldProduct, Position, Term
from hoeksteen.billing.usage_discounts import UsageDiscount
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.party.model import BillingAccount
from hoeksteen.product.price_list import read_mapping
from hoeksteen.rating.model import UsageTotal

OCTOBER, NOVEMBER = date(2026, 10, 1), BillPeriod(date(2026, 11, 1), date(2026, 12, 1))
FIRST, EVER = date(2026, 1, 1).toordinal(), date(2030, 1, 1).toordinal()
PLAN = {
    "id": "plan", "family": "mobile", "name": {"nl": "Plan", "en": "Plan"}, "segment": "consumer", "tax_included": True,
    "prices": [
        {"id": name, "kind": "usage", "service": name, "versions": [{"valid_from": "2026-01-01", "amount": "0.30"}]} for name in ("voice", "sms")
    ],
}  # fmt: skip
OFFERINGS = [entry.offering for entry in read_mapping({"offerings": [PLAN]}).offerings]


def percent(name: str, value: int, *prices: str) -> UsageDiscount:
    return UsageDiscount(name, name, True, value * 100, FIRST, EVER, tuple(f"plan/{price}" for price in prices))


def used(price: str, euros: int, **more: Any) -> UsageTotal:
    told = {"records": 1, "units": 60, "free_units": 0, "roaming": "HOME", "period_day": OCTOBER, "part_from": date(2026, 1, 1), "late": True, **more}
    return UsageTotal(
        derived("customer"), derived("account"), derived("product"), "plan", price, "NL", f"plan/{price}", amount_micro=euros * 1_000_000, **told
    )


def discount_lines(discounts: tuple[UsageDiscount, ...], *usage: UsageTotal) -> list[int]:
    product = HeldProduct(derived("customer"), derived("product"), FIRST, FIRST, (Term(FIRST, EVER, "plan", True),), (), discounts)
    draft = assemble(
        billing_account=BillingAccount(derived("customer"), derived("account"), "1", 1, "transfer", True, "active"),
        products=[ProductInputs(product, Position(NOVEMBER.end_day.toordinal(), 0), None)], usage=usage, book=PriceBook(OFFERINGS),
        calendar=Calendar(NOVEMBER), period=NOVEMBER,
    )  # fmt: skip
    assert draft is not None
    return [line.cents for line in draft.lines if line.kind is RateKind.DISCOUNT]


def test_what_is_taken_back_gives_back_its_discount_whatever_else_was_used() -> None:
    back = used("voice", -10, records=-1, corrects=derived("record"), billed_on=OCTOBER, bill_number="1")
    assert discount_lines((percent("half", 50, "voice"),), back, used("sms", 30)) == [500]
    assert discount_lines((percent("half", 50, "voice"),), back, used("voice", 4)) == [-200, 500]


def test_flat_fees_are_lowered_by_none_and_make_no_room() -> None:
    flat = used("voice", 5, records=0, part_from=None, late=False)
    assert discount_lines((percent("a", 60), percent("b", 60)), used("voice", 10), flat) == [-600, -400]
