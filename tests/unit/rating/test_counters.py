"""Counters say what was used so far; each threshold is told once; a roaming cap that is reached stops roaming until the customer lifts it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from factories.rated_usage import PLANS, RatedLake, Used, record_id
from hoeksteen.kernel.errors import Conflict, InvalidInput, NotFound
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.messages.templates import body, subject
from hoeksteen.product import operations as product
from hoeksteen.product import queries as products
from hoeksteen.rating import counters
from hoeksteen.rating.correcting import Right, correct_record
from hoeksteen.rating.model import CounterKind
from hoeksteen.rating.operations import close_period
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database

NOW = datetime(2026, 12, 20, 10, tzinfo=UTC)
DECEMBER = date(2026, 12, 1)
GIGABYTE = 1_000_000_000


@pytest.fixture
def world(database: Database, lake: Lake) -> RatedLake:
    world = RatedLake(database, lake)
    world.offer(PLANS)
    return world


def arrive(world: RatedLake, *records: Used, at: datetime = NOW) -> counters.Refreshed:
    """Put a file into the lake and count."""
    file = world.use(list(records), file=f"file of {records[0].name}")
    return count(world, file, at=at)


def count(world: RatedLake, file: UUID, *, at: datetime = NOW) -> counters.Refreshed:
    return counters.refresh(database=world.database, lake=world.lake, usage_file_ids=[file], now=at, identifiers=world.identifiers)


def data(name: str, gigabytes: float, *, day: int = 5, product: str = "sim", zone: str = "NL", roaming: str = "HOME") -> Used:
    return Used(name, product, datetime(2026, 12, day, 12, tzinfo=UTC), "data", zone, int(gigabytes * GIGABYTE), roaming)


def counted(world: RatedLake, billing_account: str = "account of sim") -> dict[tuple[str, str], tuple[int, int | None]]:
    with world.database.transaction() as tx:
        found = counters.counters(tx=tx, customer_id=derived("customer", billing_account), since=DECEMBER)
    return {(str(one.kind), one.name): (one.used, one.bound) for one in found}


def messages(world: RatedLake) -> list[dict[str, Any]]:
    with world.database.transaction() as tx:
        return tx.rows("SELECT kind, parameters FROM messages.message ORDER BY created_at, message_id")


def test_an_allowance_and_the_spending_beyond_it(world: RatedLake) -> None:
    world.hold("sim", [("plan-m", date(2026, 1, 1))])
    arrive(world, data("first", 2))
    assert counted(world) == {("allowance", "plan-m/bytes"): (2 * GIGABYTE, 5 * GIGABYTE), ("spending", ""): (0, None)}
    arrive(world, data("second", 4, day=6))
    assert counted(world) == {("allowance", "plan-m/bytes"): (5 * GIGABYTE, 5 * GIGABYTE), ("spending", ""): (2_000_000, None)}


def test_usage_of_earlier_periods_is_not_counted(world: RatedLake) -> None:
    world.hold("sim", [("plan-m", date(2026, 1, 1))])
    arrive(world, Used("november", "sim", datetime(2026, 11, 30, 12, tzinfo=UTC), "data", "NL", GIGABYTE))
    assert counted(world) == {}


def test_what_was_left_of_the_period_before_counts_with_what_is_fresh(world: RatedLake) -> None:
    world.hold("sim", [("plan-roll", date(2026, 1, 1))])
    world.use([Used("november", "sim", datetime(2026, 11, 5, 12, tzinfo=UTC), "voice", "NL", 4_500)], file="november")
    world.rate(date(2026, 11, 1))
    close_period(database=world.database, lake=world.lake, period=BillPeriod(date(2026, 11, 1), DECEMBER), now=datetime(2026, 12, 1, 3, tzinfo=UTC))
    arrive(world, Used("call", "sim", datetime(2026, 12, 5, 12, tzinfo=UTC), "voice", "NL", 2_000))
    assert counted(world)["allowance", "plan-roll/minutes"] == (2_000, 7_500)
    arrive(world, Used("more", "sim", datetime(2026, 12, 6, 12, tzinfo=UTC), "voice", "NL", 6_000))
    assert counted(world)["allowance", "plan-roll/minutes"] == (7_500, 7_500)


def test_an_allowance_of_a_part_of_the_period_is_as_large_as_that(world: RatedLake) -> None:
    world.hold("sim", [("plan-prorated", date(2026, 12, 17))])
    arrive(world, Used("call", "sim", datetime(2026, 12, 18, 12, tzinfo=UTC), "voice", "NL", 0))
    assert counted(world)["allowance", "plan-prorated/minutes"] == (0, 6_000 * 15 // 31)
    arrive(world, Used("talk", "sim", datetime(2026, 12, 19, 12, tzinfo=UTC), "voice", "NL", 100))
    assert counted(world)["allowance", "plan-prorated/minutes"] == (100, 6_000 * 15 // 31)


def test_each_threshold_is_told_once_in_both_languages(world: RatedLake) -> None:
    world.hold("sim", [("plan-m", date(2026, 1, 1))])
    told = [arrive(world, data(name, size, day=day)).notices for day, (name, size) in enumerate([("a", 3.9), ("b", 0.1), ("c", 0.1), ("d", 0.9)], 2)]
    assert told == [0, 1, 0, 1]
    assert count(world, derived("usage file", "file of d")).notices == 0, "again"
    sent = messages(world)
    assert [(row["kind"], row["parameters"]["percent"]) for row in sent] == [("allowance_used", "80"), ("allowance_used", "100")]
    for language, words in (("nl", ("80 % van uw bundel", "1 januari 2027")), ("en", ("80 % of your allowance", "1 January 2027"))):
        assert words[0] in subject(kind=sent[0]["kind"], language=language, parameters=sent[0]["parameters"])
        assert words[1] in body(kind=sent[0]["kind"], language=language, parameters=sent[0]["parameters"], name=None)


def test_a_jump_over_both_thresholds_is_one_message(world: RatedLake) -> None:
    world.hold("sim", [("plan-m", date(2026, 1, 1))])
    assert arrive(world, data("all", 6)).notices == 1
    assert [row["parameters"]["percent"] for row in messages(world)] == ["100"]


def test_a_shared_pool_is_counted_once_for_the_billing_account(world: RatedLake) -> None:
    world.hold("one", [("plan-shared", date(2026, 1, 1))], account="household")
    world.hold("two", [("plan-shared", date(2026, 1, 1))], account="household")
    arrive(world, data("a", 3, product="one"), data("b", 4, product="two", day=6))
    assert counted(world, "household")["allowance", "plan-shared/pool"] == (7 * GIGABYTE, 10 * GIGABYTE)


def test_a_prorated_allowance_is_bounded_by_its_share(world: RatedLake) -> None:
    world.hold("sim", [("plan-prorated", date(2026, 12, 17))])
    arrive(world, Used("call", "sim", datetime(2026, 12, 18, 12, tzinfo=UTC), "voice", "NL", 600))
    assert counted(world)["allowance", "plan-prorated/minutes"] == (600, 6000 * 15 // 31)


def roam(name: str, gigabytes: float, day: int) -> Used:
    return data(name, gigabytes, day=day, zone="WORLD", roaming="WORLD")


def stops(world: RatedLake) -> list[str]:
    with world.database.transaction() as tx:
        return [one.cap_id for one in products.roaming_stops(tx=tx, customer_id=derived("customer", "account of sim"), since=DECEMBER)]


def lift(world: RatedLake, *, cap: str = "plan-capped/roaming", now: datetime = NOW, until: date | None = None) -> None:
    with world.database.transaction() as tx:
        product.lift_roaming_cap(
            tx=tx, customer_id=derived("customer", "account of sim"), product_id=derived("sim"), cap_id=cap, now=now, until=until
        )


def test_a_roaming_cap_that_is_reached_stops_roaming_and_is_told(world: RatedLake) -> None:
    world.hold("sim", [("plan-capped", date(2026, 1, 1))])
    assert arrive(world, roam("near", 4.5, 2)).roaming_stopped == 0
    assert stops(world) == []
    assert arrive(world, roam("beyond", 1, 3)) == counters.Refreshed(1, 1, 1)
    assert stops(world) == ["plan-capped/roaming"]
    assert [row["kind"] for row in messages(world)] == ["cap_reached", "roaming_stopped"]
    assert "€ 50,00" in body(kind=messages(world)[1]["kind"], language="nl", parameters=messages(world)[1]["parameters"], name=None)
    assert counted(world)["cap", "plan-capped/roaming"] == (50_000_000, 50_000_000)


def test_what_begins_after_the_customer_lifted_the_cap_is_charged_in_full(world: RatedLake) -> None:
    world.hold("sim", [("plan-capped", date(2026, 1, 1))])
    arrive(world, roam("before", 6, 2))
    lift(world, now=datetime(2026, 12, 10, tzinfo=UTC))
    assert stops(world) == []
    assert arrive(world, roam("after", 1, 11)) == counters.Refreshed(1, 0, 0)
    world.rate(DECEMBER)
    assert (world.charge("before").amount_micro, world.charge("after").amount_micro) == (50_000_000, 10_000_000)


def correct(world: RatedLake, name: str, right: Right | None) -> counters.Refreshed:
    correct_record(
        database=world.database, lake=world.lake, record_id=record_id(name), right=right, made_by="h.jansen", why="a wrong network", now=NOW,
        identifiers=world.identifiers,
    )  # fmt: skip
    return counters.recount(
        database=world.database, lake=world.lake, billing_account_ids=[derived("account of sim")], now=NOW, identifiers=world.identifiers
    )  # fmt: skip


@pytest.mark.parametrize("right", [None, Right(units=GIGABYTE), Right(country="NL")])
def test_roaming_goes_on_when_what_reached_the_cap_is_taken_back_and_stops_again_when_it_is(world: RatedLake, right: Right | None) -> None:
    world.hold("sim", [("plan-capped", date(2026, 1, 1))])
    arrive(world, roam("near", 3, 2))
    assert arrive(world, roam("beyond", 3, 3)).roaming_stopped == 1
    assert correct(world, "beyond", right) == counters.Refreshed(1, 0, 0, 1)
    assert stops(world) == []
    left = 40_000_000 if right == Right(units=GIGABYTE) else 30_000_000
    assert counted(world)["cap", "plan-capped/roaming"] == (left, 50_000_000)
    assert count(world, derived("usage file", "file of near")) == counters.Refreshed(1, 0, 0, 0), "again"
    assert arrive(world, roam("more", 2.5, 4)) == counters.Refreshed(1, 1, 1, 0)
    assert stops(world) == ["plan-capped/roaming"]
    assert [row["kind"] for row in messages(world)] == ["roaming_stopped", "roaming_stopped"]


def test_roaming_stays_stopped_where_the_cap_is_reached_without_the_record(world: RatedLake) -> None:
    world.hold("sim", [("plan-capped", date(2026, 1, 1))])
    arrive(world, roam("beyond", 6, 2), roam("more", 1, 3))
    assert correct(world, "more", None) == counters.Refreshed(1, 0, 0, 0)
    assert stops(world) == ["plan-capped/roaming"]


def test_a_cap_that_was_lifted_for_a_time_holds_again(world: RatedLake) -> None:
    world.hold("sim", [("plan-capped", date(2026, 1, 1))])
    lift(world, now=datetime(2026, 12, 10, tzinfo=UTC), until=date(2026, 12, 12))
    world.use([roam("lifted", 6, 11), roam("bound", 6, 13)])
    world.rate(DECEMBER)
    assert (world.charge("lifted").amount_micro, world.charge("bound").amount_micro) == (60_000_000, 50_000_000)


def test_only_a_roaming_cap_of_the_product_is_lifted_and_only_once(world: RatedLake) -> None:
    world.hold("sim", [("plan-fee", date(2026, 1, 1)), ("plan-capped", date(2026, 12, 1))])
    with pytest.raises(NotFound, match="has no cap plan-fee/calls"):
        lift(world, cap="plan-fee/calls")
    with pytest.raises(InvalidInput, match="until: 2026-12-20 is no later day"):
        lift(world, until=date(2026, 12, 20))
    lift(world)
    with pytest.raises(Conflict, match="is lifted already"):
        lift(world, now=NOW + timedelta(hours=1))
    with world.database.transaction() as tx:
        product.restore_roaming_cap(
            tx=tx, customer_id=derived("customer", "account of sim"), product_id=derived("sim"), cap_id="plan-capped/roaming",
            now=NOW + timedelta(hours=2),
        )  # fmt: skip
    lift(world, now=NOW + timedelta(hours=3))


def test_a_cap_on_use_at_home_is_not_the_customer_s_to_lift(world: RatedLake) -> None:
    world.hold("sim", [("plan-fee", date(2026, 1, 1))])
    with pytest.raises(InvalidInput, match="bounds use at home too"):
        lift(world, cap="plan-fee/calls")


def test_a_counter_says_how_much_of_it_is_used() -> None:
    one = counters.Counter(derived("c"), derived("b"), derived("p"), CounterKind.CAP, "plan/cap", DECEMBER, 799, 1000, NOW)
    assert one.percent == 79
