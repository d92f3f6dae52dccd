"""Flat fees of tiers are due once for a period in which the price held, used or not; they reach the bill, and no late record changes them."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from factories.rated_usage import RatedLake, Used
from hoeksteen.kernel.errors import WrongState
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.time_period import bill_period
from hoeksteen.rating import queries
from hoeksteen.rating.operations import close_period
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database
from hoeksteen.usage.queries import last_closed

NOVEMBER = date(2026, 11, 1)
STEPS = [{"up_to_units": 100, "amount": "2.00", "flat": "10.00"}, {"up_to_units": 200, "amount": "1.00"}, {"amount": "0.50", "flat": "50.00"}]


def offering(name: str, mode: str, *, shared: bool = False, steps: list[dict[str, Any]] = STEPS) -> dict[str, Any]:
    version = {"valid_from": "2026-01-01", "tiers": {"mode": mode, "shared": shared, "steps": steps}}
    return {
        "id": name, "family": "mobile", "name": {"nl": name, "en": name}, "segment": "business", "tax_included": False,
        "prices": [{"id": "sms", "kind": "usage", "service": "sms", "versions": [version]}],
    }  # fmt: skip


@pytest.fixture
def world(database: Database, lake: Lake) -> RatedLake:
    world = RatedLake(database, lake)
    world.offer({"offerings": [offering("graduated", "graduated"), offering("volume", "volume"), offering("shared", "volume", shared=True)]})
    return world


def sms(product: str, units: int, day: int = 5, generation: int = 0) -> Used:
    start = datetime(2026, 11, day, 12, tzinfo=UTC)
    return Used(f"{product} {day} {units} {generation}", product, start, "sms", "NL", units, generation=generation)


def rated(world: RatedLake, month: date = NOVEMBER) -> dict[str, tuple[int, int, int]]:
    """Rate a month, and give per product its totals without records: how many, what they come to; and what its records come to."""
    world.rate(month)
    found: dict[str, tuple[int, int, int]] = {}
    for name in world.accounts:
        totals = [
            total
            for total in queries.usage_totals(lake=world.lake, period=bill_period(month), billing_account_ids=None)
            if total.product_id == derived(name)
        ]
        flats = [total.amount_micro for total in totals if not total.records]
        found[name] = (len(flats), sum(flats), sum(total.amount_micro for total in totals if total.records))
    return found


def test_the_first_tier_s_fee_is_due_when_nothing_is_used(world: RatedLake) -> None:
    world.hold("one", [("graduated", date(2026, 1, 1))])
    world.hold("two", [("volume", date(2026, 1, 1))])
    world.hold("none", [("graduated", date(2026, 12, 1))])
    world.hold("ended", [("graduated", date(2026, 1, 1))], until=NOVEMBER)
    world.hold("last day", [("graduated", date(2026, 1, 1))], until=date(2026, 11, 2))
    due, nothing = (1, 10_000_000, 0), (0, 0, 0)
    assert rated(world) == {"one": due, "two": due, "none": nothing, "ended": nothing, "last day": due}
    assert rated(world) == {"one": due, "two": due, "none": nothing, "ended": nothing, "last day": due}, "again"


def test_graduated_fees_lie_on_the_records_that_enter_and_volume_fees_are_those_of_the_tier_reached(world: RatedLake) -> None:
    for name, plan in (("graduated", "graduated"), ("at", "volume"), ("beyond", "volume"), ("far", "volume")):
        world.hold(name, [(plan, date(2026, 1, 1))])
    world.use([sms("graduated", 300), sms("at", 100), sms("beyond", 101), sms("far", 300)])
    assert rated(world) == {
        "graduated": (1, 10_000_000, 400_000_000),  # 200 + 100 + 50 and 50 once
        "at": (1, 10_000_000, 200_000_000),
        "beyond": (0, 0, 101_000_000),
        "far": (1, 50_000_000, 150_000_000),
    }


def test_late_usage_changes_no_flat_fee(world: RatedLake) -> None:
    world.hold("sim", [("volume", date(2026, 1, 1))])
    world.use([sms("sim", 100), sms("sim", 300, day=6, generation=1)])
    assert rated(world)["sim"][:2] == (1, 10_000_000)


def test_shared_tiers_have_one_fee_for_the_billing_account(world: RatedLake) -> None:
    world.hold("one", [("shared", date(2026, 1, 1))], account="household")
    world.hold("two", [("shared", date(2026, 1, 1))], account="household")
    world.use([sms("one", 60), sms("two", 60)])
    found = rated(world)
    assert sum(count for count, _, _ in found.values()) == 0, "the second tier, which both reached together, has none"
    assert (found["one"][2], found["two"][2]) == (60_000_000, 60_000_000)


def test_a_change_of_plan_leaves_each_plan_s_fee(world: RatedLake) -> None:
    world.hold("sim", [("graduated", date(2026, 1, 1)), ("volume", date(2026, 11, 11))])
    assert rated(world)["sim"] == (2, 20_000_000, 0)


def close(world: RatedLake) -> None:
    later = datetime(2026, 12, 2, 3, tzinfo=UTC)
    close_period(database=world.database, lake=world.lake, period=bill_period(NOVEMBER), now=later)


@pytest.mark.parametrize("plan", ["graduated", "volume", "shared"])
def test_a_month_without_usage_cannot_be_closed_before_its_fees_are_rated(world: RatedLake, plan: str) -> None:
    world.hold("one", [(plan, date(2026, 11, 1))])
    with pytest.raises(WrongState, match="1 flat fees for the bills of 2026-11-01 are not rated"):
        close(world)
    with world.database.transaction() as tx:
        assert last_closed(tx=tx) == {}, "a refusal leaves the period open"
    world.rate(NOVEMBER)
    close(world)


def test_a_fee_that_became_due_after_the_rating_holds_the_close_up(world: RatedLake) -> None:
    world.hold("one", [("graduated", date(2026, 11, 1))])
    world.rate(NOVEMBER)
    world.hold("two", [("graduated", date(2026, 11, 20))])
    with pytest.raises(WrongState, match="1 flat fees"):
        close(world)
    world.rate(NOVEMBER)
    close(world)


def test_a_tier_without_a_fee_holds_nothing_up(world: RatedLake) -> None:
    world.hold("one", [("volume", date(2026, 11, 1))])
    world.hold("other cycle", [("graduated", date(2026, 11, 1))], cycle_day=15)
    world.use([sms("one", 150)])
    world.rate(NOVEMBER)
    close(world)
