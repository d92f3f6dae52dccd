"""The pieces of rating, run by DuckDB as in the product and by Spark from the same text."""

from datetime import date
from typing import Any

from factories.rated_usage import RatedLake
from hoeksteen.rating import _engine, _pieces
from hoeksteen.storage.lake.engines.duckdb import Duck

# Every table that the pieces read.
_TABLES = (
    "band", "block", "cap", "free_limit", "granted", "guided", "kind", "lifted", "offering", "pool", "price_number", "product", "rate", "source",
    "tariff", "term", "tick", "tier",
)  # fmt: skip


def rate_on_both(world: RatedLake, spark: Any, month: date) -> tuple[Duck, Any]:
    """Rate a month on both engines, leaving the view `charged` in each; DuckDB is to be closed by the caller."""
    duck = Duck()
    with world.database.transaction() as tx:
        inputs = _engine.read_inputs(tx=tx, month=month, bill_month=month)
    _engine.load(duck, world.lake, inputs)
    _engine.view_guided(duck, world.lake, inputs)
    _engine.rate(duck, inputs)
    for name in _TABLES:
        spark.put(name, duck.arrow(f"SELECT * FROM {name}"))
    for kind, name, query in _pieces.composed(inputs.tariff.stages, **_engine.counts(duck)):
        spark.make(kind, name, query)
    return duck, spark


def sums(engine: Any) -> list[tuple[str, ...]]:
    """Give the sums of which a run's digest is made, in an order of their own."""
    return sorted(tuple(map(str, row.values())) for row in engine.rows(_pieces.SUMS))
