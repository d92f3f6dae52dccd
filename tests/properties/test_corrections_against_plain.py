"""
Records are corrected at any time, once or again; every charge is what a plain reading of the rules gives, and what is taken back its exact negative.
"""

import itertools
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from conftest import BusinessCluster
from factories.rated_usage import NOW, RatedLake, Used, record_id
from fixtures.thoroughness import THOROUGHNESS
from hoeksteen.kernel.time_period import BillPeriod, add_months
from hoeksteen.rating._charges import view_charges
from hoeksteen.rating.correcting import Right, correct_record
from hoeksteen.rating.operations import close_period
from hoeksteen.rating.queries import balance
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database
from properties.drawn_plans import START, ZONES, plans, usage
from properties.plain_rating import PlainRecord, rate_plainly

NUMBER = itertools.count()
MONTHS = [date(2026, month, 1) for month in (10, 11, 12)]
LATER = NOW + timedelta(days=90)
# Of each round (before the first close, after it, after the second): which of the records, counted round, and whether nothing was used at all.
rounds = st.lists(st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=3), min_size=3, max_size=3)


class Story:
    """One plan's customers, their records as they stand, and what the plain reading makes of them."""

    def __init__(self, number: int, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.names = [f"{number} {product}" for product in range(3)]
        self.accounts = [f"account {number} {product // 2}" for product in range(3)]
        self.records: dict[UUID, PlainRecord] = {}
        self.replaced: dict[UUID, PlainRecord] = {}
        self.taken_back: dict[UUID, int] = {}

    def correct(self, world: RatedLake, which: int, nothing: bool, units: int, generation: int) -> None:
        standing = sorted(one for one, record in self.records.items() if one not in self.taken_back and record.generation <= generation)
        if not standing:
            return
        old = self.records[standing[which % len(standing)]]
        if not nothing and units == old.delivered:
            units = 1 if old.delivered != 1 or old.service == "sms" else 2
        right = None if nothing else Right(units=units if old.service != "sms" else 1 - min(old.delivered, 1))
        made = correct_record(
            database=world.database, lake=world.lake, record_id=old.record_id, right=right, made_by="a", why="b", now=NOW,
            identifiers=world.identifiers,
        )  # fmt: skip
        assert (made.in_place, made.generation) == (old.generation == generation, generation)
        if made.in_place:
            self.replaced[old.record_id] = self.records.pop(old.record_id)
        else:
            self.taken_back[old.record_id] = generation
        if right is not None and made.new_record_id is not None:
            self.records[made.new_record_id] = PlainRecord(
                made.new_record_id, old.product, old.account, generation, old.start, old.service, old.zone, old.roaming, right.units or 0
            )


@pytest.fixture(scope="module")
def worlds(business_cluster: BusinessCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[BusinessCluster, Path]]:
    yield business_cluster, tmp_path_factory.mktemp("corrected")


def open_world(worlds: tuple[BusinessCluster, Path]) -> RatedLake:
    name = f"corrected_{next(NUMBER)}"
    cluster = worlds[0].cluster
    cluster.as_superuser(f"CREATE DATABASE {name} TEMPLATE template_hoeksteen OWNER hoeksteen_owner;")
    cluster.as_superuser(f"GRANT CONNECT ON DATABASE {name} TO hoeksteen_app;")
    dsn = cluster.dsn(role="hoeksteen_app", database=name)
    return RatedLake.open(Database(dsn), dsn, worlds[1] / name)


def charges(world: RatedLake) -> tuple[dict[UUID, tuple[Any, ...]], dict[UUID, tuple[int, int, int]]]:
    """Give each record's charge, and what was taken back of it."""
    with Duck() as duck:
        view_charges(duck, world.lake)
        rows = duck.rows("SELECT record_id, state, reason, units, free_units, amount_micro FROM charge")
    stand = {row["record_id"]: tuple(row.values())[1:] for row in rows if row["state"] != "reversed"}
    back = {row["record_id"]: (row["units"], row["free_units"], row["amount_micro"]) for row in rows if row["state"] == "reversed"}
    assert len(stand) + len(back) == len(rows), "a record is charged once, and taken back at most once"
    return stand, back


def deliver(world: RatedLake, stories: list[Story], drawn: list[Any], generation: int) -> None:
    records = []
    for story, (_, used, _, _) in zip(stories, drawn, strict=True):
        for index, (product, second, service, (zone, roaming), delivered, own_generation) in enumerate(used):
            if own_generation == generation:
                name, start = f"{story.names[product]} {index}", START + timedelta(seconds=second)
                records.append(Used(name, story.names[product], start, service, zone, delivered, roaming, generation))
                story.records[record_id(name)] = PlainRecord(
                    record_id(name), story.names[product], story.accounts[product], generation, start, service, zone, roaming, delivered
                )
    world.use(records, file=f"file {generation}")


# An example is a whole quarter of several plans: a failing one names the record, and shrinking it would take hours.
@settings(
    max_examples=2 * THOROUGHNESS, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, phases=(Phase.explicit, Phase.generate)
)
@given(drawn=st.lists(st.tuples(plans(), usage(), rounds, st.integers(0, 10**6)), min_size=3, max_size=5))
def test_after_corrections_every_charge_is_what_the_rules_say(worlds: tuple[BusinessCluster, Path], drawn: list[Any]) -> None:
    world = open_world(worlds)
    world.offer({"zones": ZONES, "offerings": [plan for plan, *_ in drawn]})
    stories = [Story(number, plan) for number, (plan, *_) in enumerate(drawn)]
    for story in stories:
        for name, account in zip(story.names, story.accounts, strict=True):
            world.hold(name, [(story.plan["id"], date(2026, 10, 1))], account=account)
    chance = itertools.count(7)
    for generation, month in enumerate(MONTHS):
        deliver(world, stories, drawn, generation)
        if next(chance) % 2:
            world.rate(month)
        for story, (_, _, some, seed) in zip(stories, drawn, strict=True):
            for which, nothing in some[generation]:
                service_units = (seed + which * 7919) % 300
                story.correct(world, which, nothing, service_units, generation)
        world.rate(month)
        stand, back = charges(world)
        for story in stories:
            expected = rate_plainly(story.plan, list(story.records.values()), story.taken_back)
            for found_id, plain in expected.items():
                assert stand[found_id] == (plain.state, plain.reason, plain.units, plain.free, plain.amount), (generation, found_id)
            for found_id in story.replaced:
                assert stand[found_id] == ("zero_rated", "corrected", 0, 0, 0)
            for found_id in story.taken_back:
                assert back[found_id] == (-expected[found_id].units, -expected[found_id].free, -expected[found_id].amount)
        assert len(back) == sum(len(story.taken_back) for story in stories)
        assert len(stand) == sum(len(story.records) + len(story.replaced) for story in stories)
        close_period(database=world.database, lake=world.lake, period=BillPeriod(month, add_months(month, 1)), now=LATER)
    with world.database.transaction() as tx:
        assert all(file.closes for file in balance(tx=tx))
    world.lake.close()
    world.database.close()
