"""Which doubtful pair is shown first, and how much of a line of a bill is credited when its product moves."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from hoeksteen.consolidation._billed import _as_account, _shares
from hoeksteen.consolidation.reviewing import Stake, priority_of

ONE, OTHER = UUID(int=1), UUID(int=2)


def priority(weight: float = 8.0, reason: str = "weak", products: int = 2, monthly: str = "40") -> Decimal:
    return priority_of(weight=weight, reason=reason, stakes=[Stake(products, Decimal(monthly))])


def test_the_least_certain_and_the_most_at_stake_come_first() -> None:
    assert priority() > priority(weight=20) > priority(weight=60)
    assert priority(weight=5) == priority(weight=11), "on either side of where nobody is asked"
    assert priority(monthly="400") > priority() > priority(monthly="0", products=0) > 0
    assert priority(reason="rival") > priority()
    assert priority(monthly="-5") > 0


def line(number: int, amount: str, kind: str = "recurring", product: UUID = ONE, rate: str = "21") -> dict[str, Any]:
    return {"line": number, "amount": Decimal(amount), "kind": kind, "product_id": product, "tax_category": "S", "tax_rate": Decimal(rate)}


@pytest.mark.parametrize(
    ("lines", "credited"),
    [
        ([line(1, "20.00")], {1: "20.00"}),
        ([line(1, "20.00"), line(2, "-5.00", "discount")], {1: "15.00"}),
        ([line(1, "20.00"), line(2, "-5.00", "discount"), line(3, "7.00", "usage")], {1: "15.00", 3: "7.00"}),
        ([line(1, "20.00"), line(2, "-25.00", "discount"), line(3, "7.00", "usage")], {3: "2.00"}),
        ([line(1, "20.00"), line(2, "-20.00", "discount")], {}),
        ([line(1, "20.00"), line(2, "-5.00", "discount", OTHER), line(3, "9.00", product=OTHER)], {1: "20.00", 3: "4.00"}),
        ([line(1, "20.00", rate="9"), line(2, "-5.00", "discount")], {1: "20.00"}),
    ],
)
def test_a_discount_makes_less_of_its_own_product_s_charges_at_its_own_rate(lines: list[dict[str, Any]], credited: dict[int, str]) -> None:
    assert _shares(lines) == {number: Decimal(amount) for number, amount in credited.items()}


@pytest.mark.parametrize(
    ("bill", "account", "amount"), [(True, True, "12.10"), (False, False, "12.10"), (True, False, "10.00"), (False, True, "14.64")]
)
def test_an_amount_is_charged_as_the_account_holds_vat(bill: bool, account: bool, amount: str) -> None:
    assert _as_account(Decimal("12.10"), {"tax_included": bill, "tax_rate": Decimal(21)}, account) == Decimal(amount)
