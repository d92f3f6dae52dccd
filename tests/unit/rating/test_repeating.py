"""The same usage, products, prices and closes give the same charges, however often and in whatever order they are rated."""

import json
from datetime import UTC, date, datetime

import pytest

from factories.rated_usage import NOW, PLANS, RatedLake, Used
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.rating.operations import close_period
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database
from hoeksteen.usage.tables import GUIDED

SEPTEMBER, OCTOBER = date(2026, 9, 1), date(2026, 10, 1)


@pytest.fixture
def world(database: Database, lake: Lake) -> RatedLake:
    world = RatedLake(database, lake)
    world.offer(PLANS)
    world.hold("sim", [("plan-roll", date(2026, 8, 1))])
    return world


def call(name: str, month: int, seconds: int, generation: int = 0) -> Used:
    return Used(name, "sim", datetime(2026, month, 15, 12, tzinfo=UTC), "voice", "NL", seconds, generation=generation)


def rated_three_times_alike(world: RatedLake, month: date) -> None:
    first = world.rate(month)
    charges = world.charges()
    for again in (world.rate(month), world.rate(month)):
        assert (again.digest, again.records, again.amount_micro) == (first.digest, first.records, first.amount_micro)
        assert world.charges() == charges


def test_two_open_months_give_the_same_charges_each_time(world: RatedLake) -> None:
    world.use([call("september", 9, 1_000), call("october", 10, 12_000)])
    rated_three_times_alike(world, OCTOBER)
    assert world.charge("october").free_units == 6_000  # September is not closed: nothing of it has rolled over yet


def test_a_month_after_a_closed_one_that_late_usage_makes_rate_again(world: RatedLake) -> None:
    world.use([call("september", 9, 1_000), call("october", 10, 12_000)])
    world.rate(SEPTEMBER)
    close_period(database=world.database, lake=world.lake, period=BillPeriod(SEPTEMBER, OCTOBER), now=NOW)
    rated_three_times_alike(world, OCTOBER)
    assert world.charge("october").free_units == 11_000  # 6,000 of its own and what September left when it was closed
    world.use([call("late", 9, 600, generation=1)], file="late")
    rated_three_times_alike(world, OCTOBER)
    assert (world.charge("late").free_units, world.charge("october").free_units) == (0, 11_000)


def test_what_arrives_between_two_runs_counts_as_if_it_had_always_been_there(world: RatedLake) -> None:
    world.use([call("october", 10, 5_000)])
    rated_three_times_alike(world, OCTOBER)
    world.use([call("earlier in october", 10, 3_000), call("september", 9, 2_000)], file="later")
    rated_three_times_alike(world, OCTOBER)
    assert (world.charge("october").free_units + world.charge("earlier in october").free_units, world.charge("september").free_units) == (
        6_000,
        2_000,
    )


def test_a_new_price_version_leaves_the_months_before_it_as_they_were(world: RatedLake) -> None:
    world.hold("texts", [("plan-none", date(2026, 8, 1))])
    world.use([Used(f"sms {month}", "texts", datetime(2026, month, 15, 12, tzinfo=UTC), "sms", "NL", 1) for month in (9, 10, 12)])
    before = world.rate(OCTOBER)
    charges = world.charges()
    [plan] = [json.loads(json.dumps(offering, default=str)) for offering in PLANS["offerings"] if offering["id"] == "plan-none"]
    for price in plan["prices"]:
        last = price["versions"][-1]
        price["versions"].append({**last, "valid_from": "2027-01-01", "amount": "9.00"})
        if price["id"] == "sms":
            price["versions"].insert(-1, {**last, "valid_from": "2026-12-10", "amount": "0.30"})
    world.offer({"offerings": [plan]})
    assert (world.rate(OCTOBER).digest, world.charges()) == (before.digest, charges)
    world.rate(date(2026, 12, 1))
    assert world.charge("sms 12").amount_micro == 300_000


@pytest.mark.parametrize(("buckets", "per_batch"), [(1, 10_000), (5, 1), (16, 3), (97, 2)])
def test_the_digest_is_the_same_with_any_number_of_buckets_and_batches(
    world: RatedLake, monkeypatch: pytest.MonkeyPatch, buckets: int, per_batch: int
) -> None:
    for number in range(8):
        world.hold(f"sim {number}", [("plan-m", date(2026, 8, 1))])
    start = datetime(2026, 10, 15, 12, tzinfo=UTC)
    world.use([Used(f"call {n}", f"sim {n % 8}", start, "voice", "NL", 1_700 + n) for n in range(40)])
    first, charges = world.rate(OCTOBER), world.charges()
    monkeypatch.setattr("hoeksteen.rating._engine.RECORDS_PER_BATCH_MAX", per_batch)
    rewrite(world, f"SELECT * REPLACE (abs(hash(billing_account_id)::HUGEINT % {buckets})::INTEGER AS bucket) FROM guided")
    again = world.rate(OCTOBER)
    assert (again.digest, again.records, again.amount_micro) == (first.digest, first.records, first.amount_micro)
    assert world.charges() == charges


def test_a_file_of_any_length_is_rated_and_counts_in_the_digest(world: RatedLake) -> None:
    world.use([call("one", 10, 7_000), call("two", 10, 8_000)])
    first = world.rate(OCTOBER)
    rewrite(world, "SELECT * REPLACE (line + 399999 AS line) FROM guided")
    again = world.rate(OCTOBER)
    assert again.amount_micro == first.amount_micro and again.digest != first.digest
    rewrite(world, "SELECT * REPLACE (2147483647 - line AS line) FROM guided")
    assert world.rate(OCTOBER).amount_micro == first.amount_micro


def rewrite(world: RatedLake, query: str) -> None:
    """Put October's guided records in the place of themselves, as a query makes them."""
    with world.lake.write(database=world.database, write_id=world.identifiers.new(NOW)) as write, Duck() as duck:
        duck.view_of_files("guided", GUIDED, world.lake.files(GUIDED))
        write.replace(GUIDED, {"month": [202610]}, duck.write_parquet(GUIDED, query, write.folder(GUIDED)))
