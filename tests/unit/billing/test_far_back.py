"""Charges from further back than what is compared with earlier bills: none is dropped, and none is made twice."""

from datetime import date
from decimal import Decimal

import pytest

from factories.recurring_story import Story
from hoeksteen.kernel.time_period import add_months

FIRST = date(2022, 3, 1)
MONTHS = [f"{add_months(FIRST, months):%Y-%m}" for months in range(40)]


def story(start: str, offering: str = "S") -> Story:
    new = Story()
    new.step(["product", start, offering])
    return new


def total(charged: list[str]) -> Decimal:
    return sum((Decimal(line.rpartition(" ")[2]) for line in charged), Decimal(0))


def test_what_was_never_billed_is_charged_from_its_first_day() -> None:
    charged = story("2022-03-10").run(MONTHS[-1])
    assert (len(charged), charged[0]) == (41, "recurring S 2022-03-10 2022-04-01 7.10")
    assert total(charged) == Decimal("407.10")


@pytest.mark.parametrize("changed", [False, True], ids=["unchanged", "changed"])
@pytest.mark.parametrize("offering", ["S", "ARREARS"])
@pytest.mark.parametrize("held", range(22, 30))
def test_an_account_that_was_held_for_years_is_made_up_for(offering: str, held: int, changed: bool) -> None:
    every, late = story("2022-03-10", offering), story("2022-03-10", offering)
    told = [line for month in MONTHS[:3] for line in every.run(month)]
    assert told == [line for month in MONTHS[:3] for line in late.run(month)]
    if changed:
        for one in (every, late):
            one.step(["change", "2024-01-15", "M"])
    at_once = [line for month in MONTHS[3 : 3 + held] for line in every.run(month)]
    assert total(late.run(MONTHS[2 + held])) == total(at_once)


def test_a_change_credits_nothing_that_is_older_than_what_is_compared() -> None:
    one = story("2022-03-10", "M")
    one.run(MONTHS[0])
    one.step(["change", "2022-04-10", "L"])
    for month in MONTHS[1:26]:
        one.run(month)
    one.step(["change", "2024-05-15", "S"])
    # credited for May, charged for May and June; March and April of 2022 stay as they were
    assert one.run(MONTHS[26]) == [
        "credit L 2024-05-15 2024-06-01 -19.19", "recurring S 2024-05-15 2024-06-01 5.48", "recurring S 2024-06-01 2024-07-01 10.00",
    ]  # fmt: skip
