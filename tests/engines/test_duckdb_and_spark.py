"""The same text of the pieces of rating, run by DuckDB and by Spark, gives the same charge for every record and the same sums."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from factories.rated_usage import PLANS, RatedLake, Used
from hoeksteen.rating import _engine, _pieces
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database

pytestmark = pytest.mark.slow
OCTOBER = date(2026, 10, 1)
_TABLES = (
    "band", "block", "cap", "free_limit", "granted", "guided", "kind", "lifted", "offering", "pool", "price_number", "product", "rate", "source",
    "tariff", "term", "tick", "tier",
)  # fmt: skip
_PLACES = {
    "voice": [("NL", "HOME"), ("EU", "HOME"), ("WORLD", "HOME")],
    "sms": [("NL", "HOME")],
    "data": [("NL", "HOME"), ("EU", "EU"), ("WORLD", "WORLD")],
}
_UNITS = {"voice": 4_000, "sms": 1, "data": 3_000_000_000}


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    engines = pytest.importorskip("hoeksteen.storage.lake.engines.spark")
    with engines.Spark(spill=tmp_path_factory.mktemp("spark")) as spark:
        yield spark


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
    with Duck() as duck:
        with database.transaction() as tx:
            inputs = _engine.read_inputs(tx=tx, month=OCTOBER, bill_month=OCTOBER)
        _engine.load(duck, lake, inputs)
        _engine.view_guided(duck, lake, inputs)
        _engine.rate(duck, inputs)
        for name in _TABLES:
            spark.put(name, duck.arrow(f"SELECT * FROM {name}"))
        for kind, name, query in _pieces.composed(inputs.tariff.stages, **_engine.counts(duck)):
            spark.make(kind, name, query)
        charges = "SELECT record_id, outcome, lake_price_no, units, free_units, amount_micro FROM charged"
        ours, theirs = ({str(row.pop("record_id")): row for row in engine.rows(charges)} for engine in (duck, spark))
        assert len(ours) == len(records) and {row["outcome"] for row in ours.values()} >= {0, 1, 2, 4}
        assert theirs == ours
        sums = [sorted(tuple(map(str, row.values())) for row in engine.rows(_pieces.SUMS)) for engine in (duck, spark)]
        assert sums[0] == sums[1]
