"""Charges depend on usage, prices and closes alone: not on how often, in which order, or with what in between they were rated."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from conftest import BusinessCluster
from factories.rated_usage import NOW, PLANS, RatedLake, Used
from fixtures.thoroughness import THOROUGHNESS
from hoeksteen.kernel.time_period import BillPeriod, add_months
from hoeksteen.rating.operations import close_period
from hoeksteen.storage.postgres import Database

MONTHS = [date(2026, month, 1) for month in (9, 10, 11)]
NUMBER = itertools.count()
HELD = ["plan-roll", "plan-m", "plan-volume", "plan-capped"]


@dataclass
class Worlds:
    """Makes empty operators."""

    cluster: BusinessCluster
    folder: Path

    def new(self) -> RatedLake:
        name = f"repeats_{next(NUMBER)}"
        self.cluster.cluster.as_superuser(f"CREATE DATABASE {name} TEMPLATE template_hoeksteen OWNER hoeksteen_owner;")
        self.cluster.cluster.as_superuser(f"GRANT CONNECT ON DATABASE {name} TO hoeksteen_app;")
        dsn = self.cluster.cluster.dsn(role="hoeksteen_app", database=name)
        world = RatedLake.open(Database(dsn), dsn, self.folder / name)
        world.offer(PLANS)
        for plan in HELD:
            world.hold(plan, [(plan, date(2026, 1, 1))])
        return world


@pytest.fixture(scope="module")
def worlds(business_cluster: BusinessCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    yield Worlds(business_cluster, tmp_path_factory.mktemp("repeats"))


kinds = st.sampled_from([("voice", "NL", 5_000), ("sms", "NL", 1), ("data", "NL", 4_000_000_000)])
record = st.tuples(st.sampled_from(HELD), st.sampled_from(MONTHS), st.integers(0, 29 * 86_400), kinds)
# What happens between the files: months rated for nothing, at any time.
deliveries = st.lists(st.tuples(st.lists(record, min_size=1, max_size=5), st.lists(st.sampled_from(MONTHS), max_size=2)), min_size=1, max_size=3)


def deliver(world: RatedLake, number: int, records: list[tuple[str, date, int, tuple[str, str, int]]], closed: int) -> None:
    used = []
    for index, (plan, month, second, (service, zone, units)) in enumerate(records):
        generation = max(0, closed - MONTHS.index(month))
        start = datetime(month.year, month.month, 1, 12, tzinfo=UTC) + timedelta(seconds=second)
        used.append(Used(f"{number} {index}", plan, start, service, zone, units, generation=generation))
    world.use(used, file=f"file {number}")


def close_next(world: RatedLake, month: date) -> None:
    world.rate(month)
    close_period(database=world.database, lake=world.lake, period=BillPeriod(month, add_months(month, 1)), now=NOW)


@settings(
    max_examples=2 * THOROUGHNESS, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, phases=(Phase.explicit, Phase.generate)
)
@given(delivered=deliveries, closing=st.booleans())
def test_only_usage_and_closes_make_the_charges(
    worlds: Worlds, delivered: list[tuple[list[tuple[str, date, int, tuple[str, str, int]]], list[date]]], closing: bool
) -> None:
    busy, quiet = worlds.new(), worlds.new()
    for world in (busy, quiet):
        for number, (records, rated) in enumerate(delivered):
            closed = min(number, 2) if closing else 0
            deliver(world, number, records, closed)
            for month in rated if world is busy else ():
                world.rate(month)
                world.rate(month)
            if closing and number < 2:
                close_next(world, MONTHS[number])
        for month in MONTHS:
            world.rate(month)
    last = [(world.rate(MONTHS[-1]), world.charges()) for world in (busy, busy, quiet)]
    assert last[0][0].digest == last[1][0].digest == last[2][0].digest
    assert last[0][1] == last[1][1] == last[2][1]
    for world in (busy, quiet):
        world.lake.close()
        world.database.close()
