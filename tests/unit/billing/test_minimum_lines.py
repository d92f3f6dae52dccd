"""A minimum spend among the other lines of a bill: before discounts on usage, behind them on the bill, and in either way of holding tax."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from hoeksteen.billing.assembly import LineDraft, ProductInputs, assemble
from hoeksteen.billing.granted import CHARGE, CHARGED_FAMILY, Granted, taxed_as
from hoeksteen.billing.model import RateKind
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
HALF = UsageDiscount("half", "half", True, 5_000, FIRST, EVER, ())


def _lines(euros: int, *, minimum: dict[str, Any], tax_included: bool = True, discounts: tuple[UsageDiscount, ...] = ()) -> list[LineDraft]:
    plan = {
        "id": "plan", "family": "mobile", "name": {"nl": "Plan", "en": "Plan"}, "segment": "consumer", "tax_included": True,
        "minimum_spend": minimum,
        "prices": [
            {"id": name, "kind": "usage", "service": name, "versions": [{"valid_from": "2026-01-01", "amount": "0.30"}]} for name in ("voice", "sms")
        ],
    }  # fmt: skip
    book = PriceBook([entry.offering for entry in read_mapping({"offerings": [plan]}).offerings])
    product = HeldProduct(derived("customer"), derived("product"), FIRST, FIRST, (Term(FIRST, EVER, "plan", True),), (), discounts)
    usage = UsageTotal(
        derived("customer"), derived("account"), derived("product"), "plan", "voice", "NL", "plan/voice", amount_micro=euros * 1_000_000, records=1,
        units=60, free_units=0, roaming="HOME", period_day=NOVEMBER.first_day, part_from=date(2026, 1, 1), late=False,
    )  # fmt: skip
    taxed = taxed_as(family=CHARGED_FAMILY, category="S", rate=Decimal(9), tax_included=True)
    granted = Granted(CHARGE, derived("charge"), (0, 0), RateKind.ONE_TIME, taxed, {CHARGE: {}}, FIRST, 1_09)
    draft = assemble(
        billing_account=BillingAccount(derived("customer"), derived("account"), "1", 1, "transfer", tax_included, "active"),
        products=[ProductInputs(product, Position(NOVEMBER.end_day.toordinal(), 0), None)], usage=[usage] if euros else [], book=book,
        calendar=Calendar(NOVEMBER), period=NOVEMBER, granted=[granted],
    )  # fmt: skip
    assert draft is not None and [cents for _, cents in draft.granted] == [draft.lines[-1].cents]
    return list(draft.lines)


def test_a_discount_on_usage_lowers_what_is_paid_and_not_what_counts() -> None:
    lines = _lines(10, minimum={"amount": "25.00"}, discounts=(HALF,))
    assert [(line.kind, line.cents) for line in lines] == [
        (RateKind.USAGE, 1000), (RateKind.DISCOUNT, -500), (RateKind.MINIMUM, 1500), (RateKind.ONE_TIME, 109),
    ]  # fmt: skip


@pytest.mark.parametrize(("euros", "minimum", "cents"), [(25, {"amount": "25.00"}, []), (10, {"amount": "25.00", "of": ["sms"]}, [2500])])
def test_what_counts(euros: int, minimum: dict[str, Any], cents: list[int]) -> None:
    assert [line.cents for line in _lines(euros, minimum=minimum) if line.kind is RateKind.MINIMUM] == cents


def test_an_account_without_tax_in_its_prices() -> None:
    lines = _lines(0, minimum={"amount": "12.10"}, tax_included=False)
    assert [(line.kind, line.cents) for line in lines] == [(RateKind.MINIMUM, 1000), (RateKind.ONE_TIME, 100)]
