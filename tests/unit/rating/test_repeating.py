"""The same usage, products and prices give the same charges, however often and in whatever order they are rated."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import yaml

from factories.rated_usage import RatedLake, Used
from hoeksteen.storage.postgres import Database

PLANS = yaml.safe_load((Path(__file__).parents[2] / "tables" / "rating" / "plans.yaml").read_text("utf-8"))


@pytest.fixture
def world(database: Database, business_dsn: str, tmp_path: Path) -> RatedLake:
    world = RatedLake.open(database, business_dsn, tmp_path)
    world.offer(PLANS)
    world.hold("sim", [("plan-roll", date(2026, 8, 1))])
    return world


def call(name: str, month: int, seconds: int) -> Used:
    return Used(name, "sim", datetime(2026, month, 15, 12, tzinfo=UTC), "voice", "NL", seconds)


def test_two_open_months_give_the_same_charges_each_time(world: RatedLake) -> None:
    world.use([call("september", 9, 1_000), call("october", 10, 12_000)])
    first = world.rate(date(2026, 10, 1))
    charges = world.charges()
    again, third = world.rate(date(2026, 10, 1)), world.rate(date(2026, 10, 1))
    assert (again.digest, third.digest) == (first.digest, first.digest)
    assert again.amount_micro == first.amount_micro
    assert world.charges() == charges
    # what September left is there for October in the very run that rates both: 6,000 of its own and 5,000 of September's
    assert world.charge("october").free_units == 11_000


def test_what_arrives_between_two_runs_counts_as_if_it_had_always_been_there(world: RatedLake) -> None:
    world.use([call("september", 9, 1_000), call("october", 10, 12_000)])
    world.rate(date(2026, 10, 1))
    world.use([call("more of september", 9, 2_000)], file="later")
    world.rate(date(2026, 10, 1))
    assert world.charge("october").free_units == 9_000
