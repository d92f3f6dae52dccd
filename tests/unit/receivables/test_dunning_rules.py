"""The scale of collection costs, the term of the letter, and policies that are refused."""

from datetime import date
from decimal import Decimal

import pytest

from hoeksteen.kernel.bank_days import is_bank_day
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.receivables.collection_costs import collection_costs, last_day_to_pay
from hoeksteen.receivables.dunning import read_policy


@pytest.mark.parametrize(
    ("principal", "costs"),
    [
        ("0.01", "40.00"), ("26.66", "40.00"), ("266.66", "40.00"), ("266.67", "40.00"), ("266.70", "40.01"), ("300", "45.00"), ("2500", "375.00"),
        ("5000", "625.00"), ("10000", "875.00"), ("200000", "2775.00"), ("1000000", "6775.00"), ("5000000", "6775.00"),
    ],
)  # fmt: skip
def test_the_scale_of_the_decree(principal: str, costs: str) -> None:
    assert collection_costs(Decimal(principal)) == Decimal(costs)


def test_nobody_gets_less_than_fourteen_whole_days_after_delivery() -> None:
    for number in range(366):
        sent = date.fromordinal(date(2026, 1, 1).toordinal() + number)
        last = last_day_to_pay(sent)
        assert (last - sent).days >= 17 and is_bank_day(last)
    assert last_day_to_pay(date(2026, 12, 8)) == date(2026, 12, 28), "25 to 27 December are no days to pay on"


def test_the_shipped_policy_is_read() -> None:
    policy = read_policy()
    assert (policy.minimum, [kind for kind, _ in policy.steps]) == (
        Decimal("5.0"), ["reminder", "fourteen_day_letter", "collection_costs", "block_notice", "block", "hand_over"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[]", "needs minimum and steps"),
        ("{minimum: 5, steps: [{kind: shout, after_days: 1}]}", "Step 1 of the policy"),
        ("{minimum: 5, steps: [{kind: reminder, after_days: -1}]}", "Step 1 of the policy"),
        (
            "{minimum: 5, steps: [{kind: reminder, after_days: 7}, {kind: collection_costs, after_days: 7}]}",
            "Step 2 charges costs without the letter",
        ),
        ("{minimum: 5, steps: [{kind: reminder, after_days: 7}, {kind: block, after_days: 7}]}", "Step 2 blocks services without a notice"),
        (
            "{minimum: 5, steps: [{kind: block_notice, after_days: 7}, {kind: block, after_days: 15, incoming_days: 0}]}",
            "Step 2 needs incoming_days",
        ),
        ("{minimum: 5, steps: []}", "needs a minimum and a step"),
        ("{minimum: .nan, steps: [{kind: reminder, after_days: 1}]}", "needs a minimum and a step"),
        ("{minimum: some, steps: [{kind: reminder, after_days: 1}]}", "needs a minimum and a step"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(text: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        read_policy(text)
