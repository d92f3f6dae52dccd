"""A month at other prices: what it would bring, for whom it changes, and that nothing is written."""

import copy
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from factories.rated_usage import NOW, PLANS, RatedLake, Used
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.kernel.identifiers import derived
from hoeksteen.product.operations import load_catalogue
from hoeksteen.product.price_list import SHIPPED
from hoeksteen.rating.tables import ALLOWANCE_LEFT, CHARGE, PRICE
from hoeksteen.rating.what_if import WhatIf, what_if
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database

NOVEMBER = date(2026, 11, 1)


@pytest.fixture
def world(database: Database, lake: Lake) -> RatedLake:
    world = RatedLake(database, lake)
    world.offer(PLANS)
    world.hold("small", [("plan-m", date(2026, 10, 1))])
    world.hold("large", [("plan-m", date(2026, 10, 1))])
    world.hold("apart", [("plan-none", date(2026, 10, 1))])
    start = datetime(2026, 11, 3, 12, tzinfo=UTC)
    calls = [("small", 600), ("large", 9_000), ("apart", 600)]
    world.use([Used(f"call of {name}", name, start, "voice", "NL", seconds) for name, seconds in calls])
    world.rate(NOVEMBER)
    return world


def at(world: RatedLake, **allowances: Any) -> WhatIf:
    [plan] = [copy.deepcopy(one) for one in PLANS["offerings"] if one["id"] == "plan-m"]
    plan.update(allowances)
    with world.database.transaction() as tx:
        return what_if(tx=tx, lake=world.lake, month=NOVEMBER, catalogue={"offerings": [plan]})


def test_the_same_prices_change_nothing(world: RatedLake) -> None:
    found = at(world)
    assert (found.customers, found.cheaper, found.dearer, found.most) == (3, 0, 0, ())
    assert found.micro_before == found.micro_after == 10_000_000 + 2_000_000  # 3,000 s beyond the minutes, and 600 s without any


def test_an_offering_without_minutes_costs_its_holders_more_and_nobody_else(world: RatedLake) -> None:
    heads = [world.lake.head(table) for table in (CHARGE, PRICE, ALLOWANCE_LEFT)]
    charges = world.charges()
    found = at(world, allowances=[])
    assert (found.cheaper, found.dearer) == (0, 2)
    assert [one.customer_id for one in found.most] == [derived("customer", "account of large"), derived("customer", "account of small")]
    assert [(one.micro_before, one.micro_after) for one in found.most] == [(10_000_000, 30_000_000), (0, 2_000_000)]
    lines = {line.product_offering_id: (line.micro_before, line.micro_after) for line in found.revenue}
    assert lines == {"plan-m": (10_000_000, 32_000_000), "plan-none": (2_000_000, 2_000_000)}
    assert sum(count for _, count in found.spread) == found.customers == 3
    assert [world.lake.head(table) for table in (CHARGE, PRICE, ALLOWANCE_LEFT)] == heads and world.charges() == charges


def test_an_offering_that_nobody_knows_is_refused(world: RatedLake) -> None:
    with pytest.raises(InvalidInput, match="plan-new"):
        at(world, id="plan-new", prices=[], allowances=[])


def test_the_shipped_files_are_taken_as_they_are_and_with_one_price_changed(database: Database, lake: Lake, tmp_path: Path) -> None:
    world = RatedLake(database, lake)
    with database.transaction() as tx:
        load_catalogue(tx=tx, directory=SHIPPED, now=NOW)
    world.hold("one", [("mobile-s", date(2026, 10, 1))])
    world.use([Used("call", "one", datetime(2026, 11, 3, 12, tzinfo=UTC), "voice", "WORLD", 600)])
    world.rate(NOVEMBER)
    shutil.copytree(SHIPPED, tmp_path / "dearer")
    mobile = tmp_path / "dearer" / "mobile.yaml"
    text = mobile.read_text("utf-8")
    mobile.write_text(text.replace('amount: "1.25", minimum', 'amount: "2.25", minimum'), "utf-8")
    assert mobile.read_text("utf-8") != text
    with database.transaction() as tx:
        for catalogue, micro in ((SHIPPED, 0), (SHIPPED / "mobile.yaml", 0), (mobile.parent, 10_000_000), (mobile, 10_000_000)):
            found = what_if(tx=tx, lake=lake, month=NOVEMBER, catalogue=catalogue)
            assert (found.customers, found.micro_after - found.micro_before) == (1, micro), catalogue


def test_a_file_that_is_not_there_or_no_catalogue_is_named(world: RatedLake, tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("offerings: 3", "utf-8")
    for name in ("missing.yaml", "empty.yaml"):
        with world.database.transaction() as tx, pytest.raises(InvalidInput, match=name):
            what_if(tx=tx, lake=world.lake, month=NOVEMBER, catalogue=tmp_path / name)
