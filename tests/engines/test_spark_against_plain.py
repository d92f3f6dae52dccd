"""
Over random plans and usage, Spark gives the micro-euro of a plain reading of the rules for every record, and DuckDB's sums.

Spark plans for long and counts fast: many drawn plans are rated in one run, each by its own products.
"""

from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from factories.rated_usage import RatedLake
from factories.two_engines import rate_on_both, sums
from fixtures.thoroughness import THOROUGHNESS
from hoeksteen.rating.tables import OUTCOMES
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database
from properties.drawn_plans import deliver, plans, usage

pytestmark = pytest.mark.slow
PLANS_DRAWN = 40 * THOROUGHNESS
CHARGES = "SELECT record_id, outcome, units, free_units, amount_micro FROM charged"


def drawn_plans() -> list[tuple[dict[str, Any], list[tuple[Any, ...]]]]:
    """Draw plans and usage, all the examples of one property, to be rated together."""
    found: list[tuple[dict[str, Any], list[tuple[Any, ...]]]] = []

    @settings(max_examples=PLANS_DRAWN, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, phases=(Phase.generate,))
    @given(plan=plans(), used=usage())
    def gather(plan: dict[str, Any], used: list[tuple[Any, ...]]) -> None:
        found.append((plan, used))

    gather()
    return found


def test_the_same_micro_euro_for_every_record(database: Database, lake: Lake, spark: Any) -> None:
    drawn = drawn_plans()
    assert len(drawn) >= PLANS_DRAWN / 2
    world = RatedLake(database, lake)
    expected = deliver(world, drawn)
    duck, _ = rate_on_both(world, spark, date(2026, 10, 1))
    with duck:
        found = {row["record_id"]: row for row in spark.rows(CHARGES)}
        assert len(found) == len(expected)
        for record, plain in expected.items():
            row = found[str(record)]
            said = (*OUTCOMES[row["outcome"]], row["units"], row["free_units"], row["amount_micro"])
            assert said == (plain.state, plain.reason, plain.units, plain.free, plain.amount), record
        assert {plain.reason for plain in expected.values()} >= {"", "allowance", "cap", "free", "no_units"}
        assert sums(spark) == sums(duck)
