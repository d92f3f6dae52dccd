"""The same text of the pieces of rating, run by DuckDB and by Spark, gives the same charge for every record and the same sums."""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from factories.rated_usage import PLANS, RatedLake, Used
from factories.two_engines import rate_on_both, sums
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database

pytestmark = pytest.mark.slow
OCTOBER = date(2026, 10, 1)
_PLACES = {
    "voice": [("NL", "HOME"), ("EU", "HOME"), ("WORLD", "HOME")],
    "sms": [("NL", "HOME")],
    "data": [("NL", "HOME"), ("EU", "EU"), ("WORLD", "WORLD")],
}
_UNITS = {"voice": 4_000, "sms": 1, "data": 3_000_000_000}


def usage(seed: int) -> tuple[list[str], list[Used]]:
    chance = random.Random(seed)
    plans = [plan["id"] for plan in PLANS["offerings"]]
    names = [f"{plan} {number}" for plan in plans for number in range(2)]
    records = []
    for number in range(900):
        service = chance.choice(sorted(_PLACES))
        zone, roaming = chance.choice(_PLACES[service])
        start = datetime(2026, 10, 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(30 * 86_400))
        units = chance.randrange(_UNITS[service]) if service != "sms" else 1
        records.append(Used(f"record {number}", chance.choice(names), start, service, zone, units, roaming, chance.choice([0, 0, 0, 1, 2])))
    return names, records


@pytest.mark.parametrize("seed", [1])
def test_the_same_charges_and_sums(database: Database, lake: Lake, spark: Any, seed: int) -> None:
    world = RatedLake(database, lake)
    world.offer(PLANS)
    names, records = usage(seed)
    for name in names:
        plan, number = name.rsplit(" ", 1)
        world.hold(name, [(plan, date(2026, 9, 1)), ("plan-m", date(2026, 10, 20))] if number == "1" else [(plan, date(2026, 9, 1))], account=plan)
    world.use(records)
    duck, _ = rate_on_both(world, spark, OCTOBER)
    with duck:
        charges = "SELECT record_id, outcome, lake_price_no, units, free_units, amount_micro FROM charged"
        ours, theirs = ({str(row.pop("record_id")): row for row in engine.rows(charges)} for engine in (duck, spark))
        assert len(ours) == len(records) and {row["outcome"] for row in ours.values()} >= {0, 1, 2, 4}
        assert theirs == ours
        assert sums(spark) == sums(duck)
