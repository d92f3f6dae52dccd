"""Re-rating tells what would differ, of everybody or of one billing account, and writes nothing."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from factories.rated_usage import NOW, PLANS, RatedLake, Used
from hoeksteen.kernel.errors import NotFound
from hoeksteen.kernel.identifiers import derived
from hoeksteen.product import operations as product
from hoeksteen.rating import rerating
from hoeksteen.rating.rerating import Difference
from hoeksteen.rating.tables import CHARGE, PRICE
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database

NOVEMBER = date(2026, 11, 1)


@pytest.fixture
def world(database: Database, lake: Lake) -> RatedLake:
    world = RatedLake(database, lake)
    world.offer(PLANS)
    world.hold("sim", [("plan-none", date(2026, 10, 1))])
    world.hold("other", [("plan-m", date(2026, 10, 1))])
    return world


def call(name: str, product_name: str, day: int, seconds: int) -> Used:
    return Used(name, product_name, datetime(2026, 11, day, 12, tzinfo=UTC), "voice", "NL", seconds)


def difference(world: RatedLake) -> list[Difference]:
    with world.database.transaction() as tx:
        return rerating.difference(tx=tx, lake=world.lake, month=NOVEMBER)


def of_account(world: RatedLake, name: str) -> list[Difference]:
    with world.database.transaction() as tx:
        return rerating.rerate_account(tx=tx, lake=world.lake, billing_account_id=derived(f"account of {name}"), month=NOVEMBER)


def test_nothing_differs_right_after_rating(world: RatedLake) -> None:
    world.use([call("first", "sim", 3, 600), call("second", "other", 4, 600)])
    world.rate(NOVEMBER)
    assert difference(world) == [] == of_account(world, "sim")


def test_usage_that_came_since_shows_by_product_and_price(world: RatedLake) -> None:
    world.use([call("first", "sim", 3, 600), call("second", "other", 4, 600)])
    world.rate(NOVEMBER)
    world.use([call("late", "sim", 2, 60)], file="later")
    heads = [world.lake.head(table) for table in (CHARGE, PRICE)]
    [one] = difference(world)
    assert (one.product_id, one.price_id) == (derived("sim"), "plan-none/voice-nl")
    assert (one.records_before, one.records_after, one.micro_before, one.micro_after) == (1, 2, 2_000_000, 2_200_000)
    assert of_account(world, "sim") == [one] and of_account(world, "other") == []
    assert [world.lake.head(table) for table in (CHARGE, PRICE)] == heads


def test_a_change_of_plan_moves_records_from_one_price_to_another(world: RatedLake) -> None:
    world.use([call("first", "sim", 3, 600), call("second", "sim", 20, 600)])
    world.rate(NOVEMBER)
    with world.database.transaction() as tx:
        product.change_offering(
            tx=tx, customer_id=derived("customer", "account of sim"), product_id=derived("sim"), product_offering_id="plan-m",
            from_day=date(2026, 11, 15), now=datetime(2026, 11, 10, tzinfo=UTC),
        )  # fmt: skip
    before, after = difference(world)
    assert {before.price_id, after.price_id} == {"plan-none/voice-nl", "plan-m/voice-nl"}
    assert before.records_before + after.records_before == before.records_after + after.records_after == 2
    assert sum(one.micro_after - one.micro_before for one in (before, after)) == -2_000_000  # inside the new plan's minutes


def test_an_unknown_billing_account_is_refused(world: RatedLake) -> None:
    with pytest.raises(NotFound):
        of_account(world, "nobody")


@pytest.mark.parametrize("records", [5_000])
def test_one_account_of_five_thousand_records(world: RatedLake, records: int) -> None:
    start = datetime(2026, 11, 1, 12, tzinfo=UTC)
    world.use([Used(f"call {n}", "other", start + timedelta(minutes=n), "voice", "NL", 61) for n in range(records)])
    run: Any = world.rate(NOVEMBER)
    assert run.records == records and of_account(world, "other") == []
    assert start < NOW
