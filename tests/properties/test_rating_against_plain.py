"""Over random plans and usage, the SQL and a plain reading of the rules give the same micro-euro for every record."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from conftest import BusinessCluster
from factories.rated_usage import RatedLake
from fixtures.thoroughness import THOROUGHNESS
from hoeksteen.storage.postgres import Database
from properties.drawn_plans import deliver, plans, usage


@pytest.fixture(scope="module")
def world(business_cluster: BusinessCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RatedLake]:
    business_cluster.cluster.as_superuser("CREATE DATABASE rating_plain TEMPLATE template_hoeksteen OWNER hoeksteen_owner;")
    business_cluster.cluster.as_superuser("GRANT CONNECT ON DATABASE rating_plain TO hoeksteen_app;")
    dsn = business_cluster.cluster.dsn(role="hoeksteen_app", database="rating_plain")
    with Database(dsn) as database, RatedLake.open(database, dsn, tmp_path_factory.mktemp("plain")) as world:
        yield world


# An example is a whole month of many plans: a failing one names the record, and shrinking it would take hours.
@settings(
    max_examples=4 * THOROUGHNESS, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, phases=(Phase.explicit, Phase.generate)
)
@given(drawn=st.lists(st.tuples(plans(), usage()), min_size=8, max_size=24))
def test_the_same_micro_euro_for_every_record(world: RatedLake, drawn: list[tuple[dict[str, Any], list[tuple[Any, ...]]]]) -> None:
    expected = deliver(world, drawn)
    world.rate(date(2026, 10, 1))
    charges = world.charges()
    for found_id, plain_charge in expected.items():
        found = charges[found_id]
        assert (found.state, found.reason, found.units, found.free_units, found.amount_micro) == (
            plain_charge.state, plain_charge.reason, plain_charge.units, plain_charge.free, plain_charge.amount,
        )  # fmt: skip
