"""One record is corrected: while its bill is open it counts anew; afterwards its charge is taken back on the next bill and the right one made."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from factories.rated_usage import NOW, PLANS, RatedLake, Used, record_id
from hoeksteen.kernel.errors import InvalidInput, NotFound, Unavailable, WrongState
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.time_period import BillPeriod, add_months
from hoeksteen.product import operations as product
from hoeksteen.rating import queries
from hoeksteen.rating.correcting import Right, correct_record, corrections
from hoeksteen.rating.model import Correction, UsageTotal
from hoeksteen.rating.operations import close_period
from hoeksteen.rating.rerating import difference
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database
from hoeksteen.usage.queries import balances

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
MINUTE, CENTS = 60, 10_000


@pytest.fixture
def world(database: Database, lake: Lake) -> RatedLake:
    """Plan M: 100 minutes to zone NL, then 0.20 a minute; EU 0.35 a minute and 0.10 a call."""
    world = RatedLake(database, lake)
    world.offer(PLANS)
    world.hold("sim", [("plan-m", date(2026, 1, 1))])
    return world


def call(name: str, minutes: int, *, day: int = 3, zone: str = "NL", product: str = "sim", generation: int = 0) -> Used:
    return Used(name, product, datetime(2026, 10, day, 12, tzinfo=UTC), "voice", zone, minutes * MINUTE, generation=generation)


def correct(world: RatedLake, wrong: UUID | str, right: Right | None = None, **more: Any) -> Correction:
    said = {"made_by": "h.jansen", "why": "the switch counted wrong", "now": NOW, "identifiers": world.identifiers, **more}
    wrong = record_id(wrong) if isinstance(wrong, str) else wrong
    return correct_record(database=world.database, lake=world.lake, record_id=wrong, right=right, **said)


def close(world: RatedLake, month: date = OCTOBER) -> None:
    close_period(database=world.database, lake=world.lake, period=BillPeriod(month, add_months(month, 1)), now=NOW + timedelta(days=60))


def bill(world: RatedLake, month: date) -> list[UsageTotal]:
    return queries.usage_totals(lake=world.lake, period=BillPeriod(month, add_months(month, 1)), billing_account_ids=None)


def rows(world: RatedLake) -> list[tuple[str, int, int, int]]:
    """State, delivered units, free units and cents of each charge."""
    found = [
        one for month in (OCTOBER, NOVEMBER) for one in queries.records_of(lake=world.lake, billing_account_id=derived("account of sim"), month=month)
    ]
    return sorted((one.state, one.delivered_units // MINUTE, one.free_units // MINUTE, one.amount_micro // CENTS) for one in found)


def test_while_the_bill_is_open_the_right_record_counts_in_its_place(world: RatedLake) -> None:
    world.use([call("a", 60), call("b", 60, day=4)])
    world.rate(OCTOBER)
    assert [one.amount_micro // CENTS for one in bill(world, OCTOBER)] == [400]
    made = correct(world, "a", Right(units=30 * MINUTE))
    assert (made.in_place, made.generation, made.bill_day, made.detail) == (True, 0, OCTOBER, {"units": ["3600", "1800"]})
    with pytest.raises(WrongState, match="2 usage records for the bills of 2026-10-01 are not rated"):
        close(world)
    run = world.rate(OCTOBER)
    assert rows(world) == [("rated", 30, 30, 0), ("rated", 60, 60, 0), ("zero_rated", 60, 0, 0)]
    assert (run.records, run.rated, run.zero_rated) == (3, 2, 1)
    [total] = bill(world, OCTOBER)
    assert (total.records, total.units, total.amount_micro, total.corrects) == (2, 90 * MINUTE, 0, None)
    close(world)


def test_once_billed_the_charge_is_taken_back_with_its_units_and_no_other_moves(world: RatedLake) -> None:
    world.use([call("a", 60), call("b", 60, day=4)])
    world.rate(OCTOBER)
    close(world)
    before = bill(world, OCTOBER)
    made = correct(world, "a", Right(units=80 * MINUTE))
    assert (made.in_place, made.generation, made.bill_day) == (False, 1, NOVEMBER)
    with pytest.raises(WrongState, match="2 usage records for the bills of 2026-11-01 are not rated"):
        close(world, NOVEMBER)
    world.rate(NOVEMBER)
    # b had taken 40 of the 100 minutes; 60 come back, and the right call takes them; 20 more are priced
    assert rows(world) == [("rated", 60, 40, 400), ("rated", 60, 60, 0), ("rated", 80, 60, 400), ("reversed", 60, -60, 0)]
    assert bill(world, OCTOBER) == before, "a closed bill stays as it was"
    back, late = sorted(bill(world, NOVEMBER), key=lambda one: one.records)
    assert (back.corrects, back.billed_on, back.records, back.units, back.free_units) == (record_id("a"), OCTOBER, -1, -60 * MINUTE, -60 * MINUTE)
    assert (late.corrects, late.records, late.amount_micro // CENTS, late.period_day) == (None, 1, 400, OCTOBER)
    close(world, NOVEMBER)
    first = world.rate(NOVEMBER).digest
    assert world.rate(NOVEMBER).digest == first, "once more the same"


def test_what_rating_would_change_counts_a_corrected_call_once(world: RatedLake) -> None:
    world.use([call("a", 10, zone="EU")])
    world.rate(OCTOBER)
    close(world)
    correct(world, "a", Right(units=20 * MINUTE))
    with world.database.transaction() as tx:
        [one] = difference(tx=tx, lake=world.lake, month=OCTOBER)
    assert (one.records_before, one.records_after, one.micro_after // CENTS) == (1, 1, 20 * 35 + 10)


def test_what_was_not_used_at_all_is_taken_back_alone(world: RatedLake) -> None:
    world.use([call("a", 10, zone="EU")])
    world.rate(OCTOBER)
    close(world)
    assert correct(world, "a").new_record_id is None
    with pytest.raises(WrongState, match="1 usage records"):
        close(world, NOVEMBER)
    world.rate(NOVEMBER)
    assert rows(world) == [("rated", 10, 0, 360), ("reversed", 10, 0, -360)]
    [back] = bill(world, NOVEMBER)
    assert (back.amount_micro // CENTS, back.price_id) == (-360, "plan-m/voice-eu")
    close(world, NOVEMBER)


def test_what_was_corrected_is_corrected_again(world: RatedLake) -> None:
    world.use([call("a", 60), call("b", 60, day=4)])
    world.rate(OCTOBER)
    first = correct(world, "a", Right(units=10 * MINUTE))
    with pytest.raises(WrongState, match="was corrected before") as told:
        correct(world, "a", Right(units=20 * MINUTE))
    assert first.new_record_id is not None and str(first.new_record_id) in told.value.remedy
    second = correct(world, first.new_record_id, Right(units=50 * MINUTE))
    world.rate(OCTOBER)
    close(world)
    assert sum(one.amount_micro for one in bill(world, OCTOBER)) // CENTS == 200
    assert second.new_record_id is not None
    third = correct(world, second.new_record_id, Right(zone="EU"))
    assert third.detail == {"zone": ["NL", "EU"]} and not third.in_place
    world.rate(NOVEMBER)
    assert sum(one.amount_micro for one in bill(world, NOVEMBER)) // CENTS == 50 * 35 + 10
    with world.database.transaction() as tx:
        assert [one.record_id for one in corrections(tx=tx)][:1] != [] and len(corrections(tx=tx)) == 3
        assert difference(tx=tx, lake=world.lake, month=OCTOBER) == []
    [file] = [one for one in _balances(world) if one.source == "correction"]
    assert (file.records_in, file.units_in, file.closes) == (3, 110 * MINUTE, True)


def test_given_back_units_of_an_allowance_that_rolled_over_can_be_used_in_their_own_period(world: RatedLake) -> None:
    world.hold("roll", [("plan-roll", date(2026, 1, 1))])
    world.use([call("a", 60, product="roll")])
    world.rate(OCTOBER)
    close(world)
    correct(world, "a", Right(units=50 * MINUTE))
    world.rate(NOVEMBER)
    found = queries.records_of(lake=world.lake, billing_account_id=derived("account of roll"), month=OCTOBER)
    right = next(one for one in found if one.delivered_units == 50 * MINUTE)
    assert right.free_units == 50 * MINUTE, "what rolled over is gone, what came back is not"


def test_late_usage_of_the_open_generation_may_take_what_came_back(world: RatedLake) -> None:
    world.use([call("a", 100), call("b", 10, day=4)])
    world.rate(OCTOBER)
    close(world)
    world.use([call("late", 30, day=9, generation=1)], file="late")
    correct(world, "a", Right(units=90 * MINUTE))
    world.rate(NOVEMBER)
    assert rows(world) == [("rated", 10, 0, 200), ("rated", 30, 10, 400), ("rated", 90, 90, 0), ("rated", 100, 100, 0), ("reversed", 100, -100, 0)]


def test_an_explanation_tells_of_the_correction(world: RatedLake) -> None:
    world.use([call("a", 60), call("b", 60, day=4)])
    world.rate(OCTOBER)
    close(world)
    made = correct(world, "a", Right(units=80 * MINUTE))
    world.rate(NOVEMBER)
    assert made.new_record_id is not None
    with world.database.transaction() as tx:
        old = queries.explain(tx=tx, lake=world.lake, record_id=record_id("a"))
        new = queries.explain(tx=tx, lake=world.lake, record_id=made.new_record_id)
        other = queries.explain(tx=tx, lake=world.lake, record_id=record_id("b"))
    assert (old.free_units, old.amount_micro, old.corrected, old.corrects) == (60 * MINUTE, 0, made, None)
    assert (new.free_units // MINUTE, new.amount_micro // CENTS, new.corrects) == (60, 400, made)
    [step] = new.allowances
    assert (step.units_before // MINUTE, step.units_after) == (60, 0)
    assert (other.amount_micro // CENTS, other.corrected, other.corrects) == (400, None, None)


def test_an_explanation_of_what_counts_no_more(world: RatedLake) -> None:
    world.use([call("a", 60)])
    world.rate(OCTOBER)
    made = correct(world, "a")
    with world.database.transaction() as tx:
        assert queries.explain(tx=tx, lake=world.lake, record_id=record_id("a")).amount_micro == 0
    world.rate(OCTOBER)
    with world.database.transaction() as tx:
        told = queries.explain(tx=tx, lake=world.lake, record_id=record_id("a"))
    assert (told.state, told.reason, told.delivered_units, told.units, told.corrected) == ("zero_rated", "corrected", 60 * MINUTE, 0, made)


def test_a_zone_of_the_catalogue_is_right_too_and_stays_when_only_units_change(world: RatedLake) -> None:
    turkey = {"id": "TURKEY", "within": "WORLD", "name": {"nl": "Turkije", "en": "Turkey"}, "countries": ["TR"]}
    with world.database.transaction() as tx:
        product.load_catalogue(tx=tx, mapping={"zones": [turkey], "offerings": []}, now=NOW)
    world.use([call("a", 60, zone="WORLD"), Used("d", "sim", datetime(2026, 10, 3, 12, tzinfo=UTC), "data", "TURKEY", 5_000, roaming="WORLD")])
    assert correct(world, "a", Right(zone="TURKEY")).detail == {"zone": ["WORLD", "TURKEY"]}
    fewer = correct(world, "d", Right(units=4_000))
    assert fewer.detail == {"units": ["5000", "4000"]} and fewer.new_record_id is not None
    assert correct(world, fewer.new_record_id, Right(country="us")).detail == {"zone": ["TURKEY", "WORLD"]}


@pytest.mark.parametrize(
    ("right", "more", "error", "match"),
    [
        (Right(units=-1), {}, InvalidInput, "units"),
        (Right(units=32 * 86_400), {}, InvalidInput, "units"),
        (Right(zone="MARS"), {}, InvalidInput, "zone"),
        (Right(country="QQ"), {}, InvalidInput, "country"),
        (Right(start=datetime(2026, 11, 1, 12, tzinfo=UTC)), {}, InvalidInput, "start"),
        (Right(start=datetime(2026, 10, 5, 12, tzinfo=UTC).replace(tzinfo=None)), {}, InvalidInput, "start"),
        (Right(units=60 * MINUTE), {}, InvalidInput, "says that already"),
        (Right(units=1), {"why": " "}, InvalidInput, "who makes it and why"),
        (Right(units=1), {"made_by": ""}, InvalidInput, "who makes it and why"),
        (Right(units=1), {"made_by": "a\x1b[31m"}, InvalidInput, "who makes it and why"),
        (Right(units=1), {"why": "\udcff"}, InvalidInput, "who makes it and why"),
        (Right(start=datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))), {}, InvalidInput, "start"),
        (Right(start=datetime.max.replace(tzinfo=timezone(-timedelta(hours=1)))), {}, InvalidInput, "start"),
    ],
)
def test_what_cannot_be_right_is_refused(world: RatedLake, right: Right, more: dict[str, Any], error: type[Exception], match: str) -> None:
    world.use([call("a", 60)])
    with pytest.raises(error, match=match):
        correct(world, "a", right, **more)
    with world.database.transaction() as tx:
        assert corrections(tx=tx) == []


def test_what_is_not_there_or_locked_is_refused(world: RatedLake) -> None:
    world.use([call("a", 60)])
    with pytest.raises(NotFound):
        correct(world, "nothing")
    with world.lake.locked(database=world.database), pytest.raises(Unavailable):
        correct(world, "a")


def _balances(world: RatedLake) -> list[Any]:
    with world.database.transaction() as tx:
        return balances(tx=tx)


def test_what_no_rating_looks_for_any_more_is_not_corrected(world: RatedLake, monkeypatch: pytest.MonkeyPatch) -> None:
    world.use([call("a", 60)])
    world.rate(OCTOBER)
    close(world)
    monkeypatch.setattr("hoeksteen.rating.correcting.LATE_MONTHS_MAX", 0)
    with pytest.raises(InvalidInput, match="1 closed periods back"):
        correct(world, "a", Right(units=1))
