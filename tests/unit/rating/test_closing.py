"""Closing a bill period: what was never billed appears on the next bill, what is not rated holds the close up, late usage comes later."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from factories.rated_usage import NOW, PLANS, RatedLake, Used, record_id
from hoeksteen.kernel.errors import Unavailable, WrongState
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.rating import queries
from hoeksteen.rating.operations import close_period
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database
from hoeksteen.usage.queries import last_closed

OCTOBER, NOVEMBER = BillPeriod(date(2026, 10, 1), date(2026, 11, 1)), BillPeriod(date(2026, 11, 1), date(2026, 12, 1))


@pytest.fixture
def world(database: Database, lake: Lake) -> RatedLake:
    world = RatedLake(database, lake)
    world.offer(PLANS)
    world.hold("sim", [("plan-none", date(2026, 1, 1))])
    return world


def sms(name: str, day: int, month: int, generation: int = 0) -> Used:
    return Used(name, "sim", datetime(2026, month, day, 12, tzinfo=UTC), "sms", "NL", 1, generation=generation)


def billed(world: RatedLake, period: BillPeriod) -> dict[date, int]:
    totals = queries.usage_totals(lake=world.lake, period=period, billing_account_ids=None)
    return {total.period_day: total.records for total in totals}


def close(world: RatedLake, period: BillPeriod) -> None:
    close_period(database=world.database, lake=world.lake, period=period, now=NOW)


def test_usage_of_a_period_that_was_never_billed_appears_on_the_first_bill_under_its_own_date(world: RatedLake) -> None:
    world.use([sms("september", 30, 9), sms("october", 1, 10)])
    run = world.rate(date(2026, 10, 1))
    assert (run.records, run.rated) == (2, 2)
    assert billed(world, OCTOBER) == {date(2026, 9, 1): 1, date(2026, 10, 1): 1}


def test_whatever_month_is_rated_afterwards_what_was_billed_stays_where_it_is(world: RatedLake) -> None:
    world.use([sms("september", 30, 9), sms("october", 1, 10), sms("november", 3, 11)])
    world.rate(date(2026, 10, 1))
    october = billed(world, OCTOBER)
    close(world, OCTOBER)
    for month in (9, 12, 11, 10, 9):
        world.rate(date(2026, month, 1))
        assert billed(world, OCTOBER) == october == {date(2026, 9, 1): 1, date(2026, 10, 1): 1}
    assert billed(world, NOVEMBER) == {date(2026, 11, 1): 1}
    close(world, NOVEMBER)


def test_a_closed_period_stays_on_its_own_bill(world: RatedLake) -> None:
    world.use([sms("october", 1, 10)])
    world.rate(date(2026, 10, 1))
    close(world, OCTOBER)
    world.use([sms("late", 2, 10, generation=1), sms("november", 3, 11)], file="later")
    world.rate(date(2026, 11, 1))
    assert billed(world, OCTOBER) == {date(2026, 10, 1): 1}
    assert billed(world, NOVEMBER) == {date(2026, 10, 1): 1, date(2026, 11, 1): 1}
    assert set(world.charges()) == {record_id(name) for name in ("october", "late", "november")}


def test_a_period_with_usage_that_is_not_rated_cannot_be_billed(world: RatedLake) -> None:
    world.use([sms("october", 1, 10)])
    with pytest.raises(WrongState, match="1 usage records for the bills of 2026-10-01 are not rated"):
        close(world, OCTOBER)
    with world.database.transaction() as tx:
        assert last_closed(tx=tx) == {}, "a refusal leaves the period open"
    world.rate(date(2026, 10, 1))
    close(world, OCTOBER)
    close(world, OCTOBER)


def test_usage_that_was_rated_for_a_later_bill_holds_up_the_earlier_one(world: RatedLake) -> None:
    world.use([sms("october", 1, 10), sms("november", 3, 11)])
    world.rate(date(2026, 11, 1))  # October was never billed, so its usage goes on November's bill
    with pytest.raises(WrongState, match="1 usage records for the bills of 2026-10-01"):
        close(world, OCTOBER)
    world.rate(date(2026, 10, 1))
    close(world, OCTOBER)
    assert billed(world, OCTOBER) == {date(2026, 10, 1): 1}


def test_late_usage_that_is_not_rated_holds_up_its_bill(world: RatedLake) -> None:
    world.use([sms("october", 1, 10)])
    world.rate(date(2026, 10, 1))
    close(world, OCTOBER)
    world.use([sms("late", 2, 10, generation=1)], file="later")
    with pytest.raises(WrongState, match="1 usage records for the bills of 2026-11-01"):
        close(world, NOVEMBER)
    world.rate(date(2026, 11, 1))
    close(world, NOVEMBER)


def test_nothing_is_closed_while_usage_is_collected(world: RatedLake) -> None:
    with world.lake.write(database=world.database, write_id=record_id("a write")), pytest.raises(Unavailable, match="Another process is writing"):
        close(world, OCTOBER)


def test_a_period_is_closed_when_it_is_over_and_after_the_one_before(world: RatedLake) -> None:
    december = BillPeriod(date(2026, 12, 1), date(2027, 1, 1))
    with pytest.raises(WrongState, match="is not over before 2027-01-01; today is 2026-12-01"):
        close(world, december)
    close(world, NOVEMBER)
    with pytest.raises(WrongState, match="does not follow 2026-11-01"):
        close(world, OCTOBER)


def test_what_has_no_price_at_the_close_appears_on_the_next_bill_once_it_has_one(world: RatedLake) -> None:
    world.hold("other", [("plan-volume", date(2026, 1, 1))])  # prices no calls
    call = Used("call", "other", datetime(2026, 10, 5, 12, tzinfo=UTC), "voice", "NL", 60)
    world.use([call, sms("october", 1, 10)])
    world.rate(date(2026, 10, 1))
    october = billed(world, OCTOBER)
    close(world, OCTOBER)
    assert (world.charge("call").state, world.charge("call").reason) == ("suspended", "no_price")
    before = world.rate(date(2026, 11, 1))
    assert (before.rated, before.suspended) == (1, 1)  # tried again, and still without a price
    world.offer({"offerings": [_with_calls("plan-volume", "0.20")]})
    first, second = world.rate(date(2026, 11, 1)), world.rate(date(2026, 11, 1))
    assert first.digest == second.digest
    assert (world.charge("call").state, world.charge("call").amount_micro) == ("rated", 200_000)
    assert billed(world, OCTOBER) == october, "what is closed stays as it was"
    assert billed(world, NOVEMBER) == {date(2026, 10, 1): 1}
    close(world, NOVEMBER)
    with world.database.transaction() as tx:
        assert "= EUR 0.2" in queries.explain(tx=tx, lake=world.lake, record_id=record_id("call")).sentence_en


def test_what_still_has_no_price_moves_on_with_every_close(world: RatedLake) -> None:
    world.hold("other", [("plan-volume", date(2026, 1, 1))])
    world.use([Used("call", "other", datetime(2026, 10, 5, 12, tzinfo=UTC), "voice", "NL", 60)])
    for month, period in ((10, OCTOBER), (11, NOVEMBER)):
        world.rate(date(2026, month, 1))
        close(world, period)
    world.offer({"offerings": [_with_calls("plan-volume", "0.20")]})
    world.rate(date(2026, 12, 1))
    assert billed(world, OCTOBER) == billed(world, NOVEMBER) == {}
    assert billed(world, BillPeriod(date(2026, 12, 1), date(2027, 1, 1))) == {date(2026, 10, 1): 1}


def test_what_is_left_rolls_over_when_its_period_is_closed(world: RatedLake) -> None:
    world.hold("rolls", [("plan-roll", date(2026, 1, 1))])
    world.use([_call("october", 10, 1_000), _call("november", 11, 12_000)])
    world.rate(date(2026, 10, 1))
    world.rate(date(2026, 11, 1))
    assert world.charge("november").free_units == 6_000
    world.rate(date(2026, 10, 1))
    close(world, OCTOBER)
    world.rate(date(2026, 11, 1))
    assert world.charge("november").free_units == 11_000


def test_usage_of_one_customer_from_before_our_time_grants_nothing_to_another(world: RatedLake) -> None:
    """A month that was never closed here was billed elsewhere: what was left of it is not ours to roll over."""
    world.hold("rolls", [("plan-roll", date(2026, 1, 1))])
    world.use([_call("october", 10, 12_000)])
    alone = world.rate(date(2026, 10, 1)).amount_micro
    world.use([sms("stray", 30, 9)], file="stray")
    world.rate(date(2026, 10, 1))
    assert world.rate(date(2026, 10, 1)).amount_micro == alone + 100_000
    assert world.charge("october").free_units == 6_000


def _call(name: str, month: int, seconds: int) -> Used:
    return Used(name, "rolls", datetime(2026, month, 15, 12, tzinfo=UTC), "voice", "NL", seconds)


def _with_calls(plan: str, amount: str) -> dict[str, Any]:
    [offering] = [one for one in PLANS["offerings"] if one["id"] == plan]
    calls = {"id": "voice", "kind": "usage", "service": "voice", "versions": [{"valid_from": date(2026, 1, 1), "amount": amount}]}
    return {**offering, "prices": [*offering["prices"], calls]}


def test_the_first_period_is_not_from_before_anybody_was_charged_here(database: Database, lake: Lake) -> None:
    world = RatedLake(database, lake)
    world.offer(PLANS)
    with pytest.raises(WrongState, match="Nobody holds a product"):
        close(world, OCTOBER)
    world.hold("sim", [("plan-none", date(2026, 10, 15))])
    mistyped = BillPeriod(date(2016, 10, 1), date(2016, 11, 1))
    with pytest.raises(WrongState, match="the first day that is charged here is 2026-10-15. Bill 2026-10 first"):
        close(world, mistyped)
    close(world, OCTOBER)


def test_what_rolled_over_is_told_once_its_period_is_closed(world: RatedLake) -> None:
    def told(period: BillPeriod) -> dict[tuple[UUID, str], int]:
        with world.database.transaction() as tx:
            return queries.rolled_over(tx=tx, lake=world.lake, period=period, billing_account_ids=[derived("account of rolls")])

    world.hold("rolls", [("plan-roll", date(2026, 1, 1))])
    world.use([_call("october", 10, 4_500)])
    world.rate(date(2026, 10, 1))
    assert told(NOVEMBER) == {}, "it may be used up yet"
    close(world, OCTOBER)
    assert told(NOVEMBER) == {(derived("rolls"), "plan-roll/minutes"): 1_500}
    assert told(OCTOBER) == {}
