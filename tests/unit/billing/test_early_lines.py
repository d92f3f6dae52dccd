"""What bills of accounts that left charged early is subtracted: both bills together are the one that the cycle alone would have made."""

import random
from datetime import date
from decimal import Decimal
from typing import Any

from hoeksteen.billing.assembly import BillDraft, ProductInputs, assemble, to_bill
from hoeksteen.billing.early import BilledEarly, billed_early
from hoeksteen.billing.model import CustomerBill, RateKind
from hoeksteen.billing.prices import PriceBook
from hoeksteen.billing.recurring import Calendar, HeldProduct, Position, Term
from hoeksteen.billing.usage_discounts import UsageDiscount
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.party.model import BillingAccount
from hoeksteen.product.price_list import read_mapping
from hoeksteen.rating.model import UsageTotal

NOVEMBER = BillPeriod(date(2026, 11, 1), date(2026, 12, 1))
FIRST, EVER = date(2026, 1, 1).toordinal(), date(2030, 1, 1).toordinal()
ACCOUNT = BillingAccount(derived("customer"), derived("account"), "1", 1, "transfer", True, "active")
PLAN = {
    "id": "plan", "family": "mobile", "name": {"nl": "Plan", "en": "Plan"}, "segment": "consumer", "tax_included": True,
    "prices": [
        {"id": name, "kind": "usage", "service": name, "versions": [{"valid_from": "2026-01-01", "amount": "0.30"}]} for name in ("voice", "sms")
    ],
}  # fmt: skip
BOOK = PriceBook([entry.offering for entry in read_mapping({"offerings": [PLAN]}).offerings])
DISCOUNTS = (
    UsageDiscount("half", "half", True, 5_000, FIRST, EVER, ("plan/voice",)),
    UsageDiscount("five", "five", False, 5_000_000, FIRST, EVER, ()),
)


def used(price: str, micro: int, **more: Any) -> UsageTotal:
    told = {"records": 1, "units": 60, "free_units": 0, "roaming": "HOME", "period_day": NOVEMBER.first_day, "part_from": date(2026, 1, 1), **more}
    return UsageTotal(derived("customer"), derived("account"), derived("product"), "plan", price, "NL", f"plan/{price}", amount_micro=micro, **told)


def drafted(usage: list[UsageTotal], discounts: tuple[UsageDiscount, ...], early: list[BilledEarly], end: int = EVER) -> BillDraft | None:
    product = HeldProduct(derived("customer"), derived("product"), FIRST, FIRST, (Term(FIRST, end, "plan", True),), (), discounts)
    inputs = ProductInputs(product, Position(NOVEMBER.end_day.toordinal(), 0), None)
    return assemble(
        billing_account=ACCOUNT, products=[inputs], usage=usage, book=BOOK, calendar=Calendar(NOVEMBER), period=NOVEMBER, early=early
    )  # fmt: skip


def bill_of(draft: BillDraft | None) -> CustomerBill:
    day = NOVEMBER.end_day
    return to_bill(draft=draft, billing_account=ACCOUNT, customer_bill_id=derived("bill"), bill_date=day, due_date=day, period=NOVEMBER)


def as_early(bill: CustomerBill) -> list[BilledEarly]:
    rows = [
        {
            "billing_account_id": derived("account"), "bill_number": "LLT-2026-1", "kind": rate.kind.value, "product_id": rate.product_id,
            "product_offering_id": rate.product_offering_id, "price_id": rate.price_id, "detail": dict(rate.detail), "quantity": rate.quantity,
            "period_from": rate.period.first_day, "period_to": rate.period.end_day, "amount": rate.amount,
        }
        for rate in bill.rates
        if rate.period is not None
    ]  # fmt: skip
    return billed_early(rows).get(derived("account"), [])


def micro(bill: CustomerBill) -> int:
    return sum(rate.detail["amount_micro"] for rate in bill.rates if rate.kind is RateKind.USAGE)


def taken_off(bill: CustomerBill) -> Decimal:
    return sum((rate.amount for rate in bill.rates if rate.kind is RateKind.DISCOUNT), Decimal("0.00"))


def test_two_bills_are_one() -> None:
    chance = random.Random(6)
    for _ in range(200):
        before = [used(chance.choice(("voice", "sms")), chance.randrange(9_000_000)) for _ in range(chance.randrange(4))]
        kept = [one for one in before if chance.random() < 0.8]  # some is rated otherwise by then
        after = kept + [used(chance.choice(("voice", "sms")), chance.randrange(9_000_000)) for _ in range(chance.randrange(4))]
        discounts = DISCOUNTS[: chance.randrange(3)]
        first = bill_of(drafted(before, discounts, []))
        second, whole = bill_of(drafted(after, discounts, as_early(first))), bill_of(drafted(after, discounts, []))
        assert micro(first) + micro(second) == micro(whole)
        assert taken_off(first) + taken_off(second) == taken_off(whole)
        assert abs(first.gross + second.gross - whole.gross) <= Decimal("0.02"), "each usage line is rounded once, from its exact sum"
        assert drafted(after, discounts, [*as_early(first), *as_early(second)]) is None, "and then nothing is left"


def test_a_discount_that_ended_since_is_charged_again() -> None:
    usage = [used("voice", 4_000_000)]
    first = bill_of(drafted(usage, DISCOUNTS, []))
    assert taken_off(first) == Decimal("-4.00")
    second = bill_of(drafted(usage, DISCOUNTS[:1], as_early(first)))
    assert [(rate.kind, rate.amount) for rate in second.rates] == [(RateKind.DISCOUNT, Decimal("2.00"))]
