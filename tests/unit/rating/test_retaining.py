"""Usage goes when its time is over: numbers first, then records; what is younger stays to the byte."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from factories.rated_usage import NOW, PLANS, RatedLake, Used
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.rating.retaining import Retained, retain
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database
from hoeksteen.usage.tables import GUIDED


@pytest.fixture
def world(database: Database, lake: Lake) -> RatedLake:
    world = RatedLake(database, lake)
    world.offer(PLANS)
    world.hold("sim", [("plan-none", date(2026, 1, 1))])
    for month in (9, 10, 11):
        world.use([Used(f"call {month}", "sim", datetime(2026, month, 15, 12, tzinfo=UTC), "voice", "NL", 60)], file=f"of {month}")
        world.rate(date(2026, month, 1))
    with lake.write(database=database, write_id=world.identifiers.new(NOW)) as write, Duck() as duck:
        duck.view_of_files("g", GUIDED, lake.files(GUIDED))
        query = "SELECT * REPLACE ('0123456789abcdef'::BLOB AS other_number) FROM g"
        write.replace(GUIDED, {"month": [202609, 202610, 202611]}, duck.write_parquet(GUIDED, query, write.folder(GUIDED)))
    return world


def guided(world: RatedLake) -> list[dict[str, Any]]:
    with Duck() as duck:
        duck.view_of_files("g", GUIDED, world.lake.files(GUIDED))
        return duck.rows("SELECT month, units, other_number IS NULL AS blind FROM g ORDER BY month")


def let_go(world: RatedLake, traffic_from: date, records_from: date) -> Retained:
    write_id = world.identifiers.new(NOW)
    return retain(database=world.database, lake=world.lake, write_id=write_id, traffic_from=traffic_from, records_from=records_from)


def test_numbers_go_first_then_records_and_charges(world: RatedLake) -> None:
    charges = world.charges()
    done = let_go(world, date(2026, 11, 1), date(2026, 10, 1))
    assert done == Retained((202610,), (202609,))
    assert guided(world) == [{"month": 202610, "units": 60, "blind": True}, {"month": 202611, "units": 60, "blind": False}]
    assert len(world.charges()) == 2 and world.charges().items() <= charges.items()
    assert let_go(world, date(2026, 11, 1), date(2026, 10, 1)) == Retained((), ())


def test_records_never_go_before_their_numbers(world: RatedLake) -> None:
    with pytest.raises(InvalidInput):
        let_go(world, date(2026, 10, 1), date(2026, 11, 1))
    assert len(guided(world)) == 3
