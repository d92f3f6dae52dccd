"""Over random plans and usage, the pieces of rating on Spark and a plain reading of the rules give the same micro-euro for every record."""

import itertools
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from conftest import BusinessCluster
from factories.rated_usage import RatedLake, Used, record_id
from hoeksteen.rating import _engine, _pieces
from hoeksteen.rating.tables import OUTCOMES
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database
from properties.plain_rating import PlainRecord, rate_plainly
from properties.test_rating_against_plain import _START, plans, usage

pytestmark = pytest.mark.slow
OCTOBER = date(2026, 10, 1)
_NUMBER = itertools.count()
_TABLES = (
    "band", "block", "cap", "free_limit", "granted", "guided", "kind", "lifted", "minute", "pool", "price_number", "product", "rate", "source",
    "term", "tier",
)  # fmt: skip


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    engines = pytest.importorskip("hoeksteen.storage.lake.engines.spark")
    with engines.Spark(spill=tmp_path_factory.mktemp("spark")) as spark:
        yield spark


@pytest.fixture(scope="module")
def world(business_cluster: BusinessCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RatedLake]:
    business_cluster.cluster.as_superuser("CREATE DATABASE rating_on_spark TEMPLATE template_hoeksteen OWNER hoeksteen_owner;")
    business_cluster.cluster.as_superuser("GRANT CONNECT ON DATABASE rating_on_spark TO hoeksteen_app;")
    dsn = business_cluster.cluster.dsn(role="hoeksteen_app", database="rating_on_spark")
    with Database(dsn) as database, RatedLake.open(database, dsn, tmp_path_factory.mktemp("on_spark")) as world:
        yield world


# An example takes Spark a minute whatever its size, so few and large ones; a failing one names the record, and is not shrunk.
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, phases=(Phase.explicit, Phase.generate))
@given(drawn=st.lists(st.tuples(plans(), usage()), min_size=16, max_size=32))
def test_spark_gives_what_the_rules_say(world: RatedLake, spark: Any, drawn: list[tuple[dict[str, Any], list[tuple[Any, ...]]]]) -> None:
    batch = next(_NUMBER)
    world.offer({"offerings": [plan for plan, _ in drawn]})
    records: list[Used] = []
    expected = {}
    for number, (plan, used) in enumerate(drawn):
        names = [f"{batch} {number} {product}" for product in range(3)]
        accounts = [f"account {batch} {number} {product // 2}" for product in range(3)]
        for name, account in zip(names, accounts, strict=True):
            world.hold(name, [(plan["id"], OCTOBER)], account=account)
        plain = []
        for index, (product, second, service, (zone, roaming), delivered, generation) in enumerate(used):
            name, start = f"{names[product]} {index}", _START + timedelta(seconds=second)
            records.append(Used(name, names[product], start, service, zone, delivered, roaming, generation))
            plain.append(PlainRecord(record_id(name), names[product], accounts[product], generation, start, service, zone, roaming, delivered))
        expected.update(rate_plainly(plan, plain))
    world.use(records, file=f"file {batch}")
    found = rated_by(spark, world)
    for one, charge in expected.items():
        assert found[str(one)] == (charge.state, charge.reason, charge.units, charge.free, charge.amount)


def rated_by(spark: Any, world: RatedLake) -> dict[str, tuple[Any, ...]]:
    """Give every charge as Spark makes it of the same small tables and the same text."""
    with Duck() as duck:
        with world.database.transaction() as tx:
            inputs = _engine.read_inputs(tx=tx, month=OCTOBER, bill_month=OCTOBER)
        _engine.load(duck, world.lake, inputs)
        _engine.view_guided(duck, world.lake, inputs)
        for name in _TABLES:
            spark.put(name, duck.arrow(f"SELECT * FROM {name}"))
        for kind, name, query in _pieces.composed(inputs.tariff.stages, **_engine.counts(duck)):
            spark.make(kind, name, query)
    rows = spark.rows("SELECT record_id, outcome, units, free_units, amount_micro FROM charged")
    return {str(row["record_id"]): (*OUTCOMES[row["outcome"]], row["units"], row["free_units"], row["amount_micro"]) for row in rows}
