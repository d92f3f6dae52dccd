"""An explanation says what made the amount: the price, the tiers or bands that it fell in, the allowance before and after."""

from datetime import UTC, date, datetime, timedelta

import pytest

from factories.rated_usage import PLANS, RatedLake, Used, record_id
from hoeksteen.kernel.errors import NotFound, WrongState
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.time_period import OPERATOR_ZONE
from hoeksteen.rating import queries
from hoeksteen.rating.model import Explanation
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database
from hoeksteen.usage.tables import bucket_of

OCTOBER = date(2026, 10, 1)


@pytest.fixture
def world(database: Database, lake: Lake) -> RatedLake:
    world = RatedLake(database, lake)
    world.offer(PLANS)
    return world


def used(name: str, service: str, units: int, *, at: datetime = datetime(2026, 10, 15, 10, tzinfo=UTC), zone: str = "NL") -> Used:
    return Used(name, "sim", at, service, zone, units)


def explained(world: RatedLake, name: str) -> Explanation:
    with world.database.transaction() as tx:
        return queries.explain(tx=tx, lake=world.lake, record_id=record_id(name))


def test_a_plain_price_with_its_connection_fee(world: RatedLake) -> None:
    world.hold("sim", [("plan-m", OCTOBER)])
    world.use([used("abroad", "voice", 61, zone="EU")])
    world.rate(OCTOBER)
    told = explained(world, "abroad")
    assert (told.units, told.fee_micro) == (120, 100_000)
    assert "120 s at EUR 0.35 / 60 s; connection fee EUR 0.10 = EUR 0.80." in told.sentence_en


def test_an_allowance_before_and_after(world: RatedLake) -> None:
    world.hold("sim", [("plan-m", OCTOBER)])
    world.use([used("first", "voice", 5_990), used("second", "voice", 100, at=datetime(2026, 10, 16, 10, tzinfo=UTC))])
    world.rate(OCTOBER)
    [step] = explained(world, "second").allowances
    assert (step.units_before, step.units_after, step.units_taken) == (10, 0, 10)


def test_a_record_over_two_tiers_names_both(world: RatedLake) -> None:
    world.hold("sim", [("plan-graduated", OCTOBER)])
    start = datetime(2026, 10, 15, 10, tzinfo=UTC)
    world.use(
        [used(f"sms {n}", "sms", 1, at=start + timedelta(minutes=n)) for n in range(99)] + [used("both", "sms", 2, at=start + timedelta(days=1))]
    )
    world.rate(OCTOBER)
    assert "1 message(s) at EUR 0.10 / 1 message(s) = EUR 0.10." in explained(world, "sms 3").sentence_en
    assert "1 message(s) at EUR 0.10 / 1 message(s); 1 message(s) at EUR 0.05 / 1 message(s) = EUR 0.15." in explained(world, "both").sentence_en


def test_a_volume_tier_names_the_price_that_was_reached(world: RatedLake) -> None:
    world.hold("sim", [("plan-volume", OCTOBER)])
    start = datetime(2026, 10, 15, 10, tzinfo=UTC)
    world.use([used(f"sms {n}", "sms", 1, at=start + timedelta(minutes=n)) for n in range(101)])
    world.rate(OCTOBER)
    assert "1 message(s) at EUR 0.05 / 1 message(s) = EUR 0.05." in explained(world, "sms 3").sentence_en


def test_a_call_cut_at_a_band_names_both_prices(world: RatedLake) -> None:
    world.hold("sim", [("plan-split", OCTOBER)])
    world.use([used("cut", "voice", 120, at=datetime(2026, 10, 15, 18, 59, 0, tzinfo=OPERATOR_ZONE))])
    world.rate(OCTOBER)
    told = explained(world, "cut")
    assert "2026-10-15 18:59:00 (peak), 120 s: counts as 120 s; 60 s at EUR 0.20 / 60 s; 60 s at EUR 0.10 / 60 s = EUR 0.30." in told.sentence_en
    assert told.band == "peak"


def test_a_call_cut_at_a_band_inside_an_allowance_names_what_is_left(world: RatedLake) -> None:
    world.hold("sim", [("plan-split", OCTOBER)])
    world.use([used("cut", "voice", 40, at=datetime(2026, 10, 15, 18, 59, 50, tzinfo=OPERATOR_ZONE), zone="EU")])
    world.rate(OCTOBER)
    assert "20 s from plan-split/seconds (left: 20 → 0); 40 s at EUR 0.10 / 60 s = EUR 0.066667." in explained(world, "cut").sentence_en


def test_a_call_in_one_band_names_its_price(world: RatedLake) -> None:
    world.hold("sim", [("plan-bands", OCTOBER)])
    world.use([used("peak", "voice", 120, at=datetime(2026, 10, 15, 18, 59, 0, tzinfo=OPERATOR_ZONE))])
    world.rate(OCTOBER)
    assert "120 s at EUR 0.20 / 60 s = EUR 0.40." in explained(world, "peak").sentence_en


def test_a_shared_pool_counts_what_the_other_product_took(world: RatedLake) -> None:
    for name in ("sim", "other"):
        world.hold(name, [("plan-shared", OCTOBER)], account="household")
    first = Used("first", "other", datetime(2026, 10, 2, 10, tzinfo=UTC), "data", "NL", 6_000_000_000)
    world.use([first, used("second", "data", 5_000_000_000)])
    world.rate(OCTOBER)
    told = explained(world, "second")
    [step] = told.allowances
    assert (step.units_before, step.units_after, told.amount_micro) == (4_000_000_000, 0, 2_000_000)
    assert "1000000000 B at EUR 0.002 / 1000000 B = EUR 2.00." in told.sentence_en
    assert "4000000000 B uit" in told.sentence_nl


def test_a_cap_says_so(world: RatedLake) -> None:
    world.hold("sim", [("plan-capped", OCTOBER)])
    world.use([Used("trip", "sim", datetime(2026, 10, 2, tzinfo=UTC), "data", "EU", 6_000_000_000, "EU")])
    world.rate(OCTOBER)
    assert "up to the month's cap = EUR 50.00." in explained(world, "trip").sentence_en


def test_what_is_not_rated_yet_does_not_disturb_what_is(world: RatedLake) -> None:
    world.hold("sim", [("plan-m", OCTOBER)])
    world.use([used("rated", "voice", 7_000)])
    world.rate(OCTOBER)
    world.use([used("earlier", "voice", 500, at=datetime(2026, 10, 2, tzinfo=UTC))], file="later")
    assert explained(world, "rated").free_units == 6_000


def test_a_price_that_changed_since_says_so(world: RatedLake) -> None:
    world.hold("sim", [("plan-none", OCTOBER)])
    world.use([used("rated", "sms", 1)])
    world.rate(OCTOBER)
    with world.database.transaction() as tx:  # the catalogue itself refuses it
        tx.execute(
            "UPDATE product.product_offering_price SET definition = jsonb_set(definition, '{versions,0,amount}', '\"0.30\"')"
            " WHERE price_id = 'plan-none/sms'"
        )
    with pytest.raises(WrongState, match="changed since it was rated"):
        explained(world, "rated")


def test_a_record_that_was_never_rated(world: RatedLake) -> None:
    with pytest.raises(NotFound, match="No rated record"):
        explained(world, "nothing")


@pytest.mark.parametrize("microseconds", [0, 1, 499_999, 500_000, 999_999])
def test_a_cut_call_that_starts_within_a_second_charges_each_unit_once(world: RatedLake, microseconds: int) -> None:
    world.hold("sim", [("plan-split", OCTOBER)])
    start = datetime(2026, 10, 15, 18, 59, 40, microseconds, tzinfo=OPERATOR_ZONE)
    world.use([used("short", "voice", 20, at=start)])  # ends at the band's boundary, to the microsecond; counts as the minimum of 60 s
    world.rate(OCTOBER)
    assert world.charge("short").amount_micro == 200_000


def test_only_the_files_of_the_record_s_own_billing_account_and_month_are_needed(world: RatedLake) -> None:
    for name in ("sim", "another", "third"):
        world.hold(name, [("plan-m", OCTOBER)])
    others = [Used(f"of {name}", name, datetime(2026, 10, 15, 10, tzinfo=UTC), "voice", "NL", 60) for name in ("another", "third")]
    world.use([used("call", "voice", 61), *others])
    world.rate(OCTOBER)
    account = derived("account of sim")
    kept = f"-{bucket_of(account)}.parquet"
    files = [file for folder in ("guided", "charge") for file in (world.lake.warehouse / folder).rglob("*.parquet") if not file.name.endswith(kept)]
    assert files, "the others lie in other buckets"
    for file in files:
        file.write_bytes(b"not to be read")
    with world.database.transaction() as tx:
        told = queries.explain(tx=tx, lake=world.lake, record_id=record_id("call"), month=OCTOBER, billing_account_id=account)
    assert told.units == 61


def test_what_is_free_first_blocks_and_the_end_rounding_are_said(world: RatedLake) -> None:
    world.hold("sim", [("plan-first-free", OCTOBER)])
    world.hold("blocks", [("plan-blocks", OCTOBER)])
    world.hold("rounded", [("plan-rounded", OCTOBER)])
    at = datetime(2026, 10, 15, 10, tzinfo=UTC)
    world.use([
        used("shop", "purchase", 800_000_000),
        Used("call", "blocks", at, "voice", "NL", 85),
        Used("up", "rounded", at, "voice", "NL", 25),
    ])  # fmt: skip
    world.rate(OCTOBER)
    assert (
        "first 250000000 µEUR free; 550000000 µEUR at EUR 0.013 / 1000000 µEUR; connection fee EUR 2.00 = EUR 9.15."
        in explained(world, "shop").sentence_en
    )
    assert "60 s at EUR 0.20 / 60 s; 25 s at EUR 0.20 / 60 s = EUR 0.283333." in explained(world, "call").sentence_en
    assert "connection fee EUR 0.15; rounded up to 2 decimals = EUR 0.18." in explained(world, "up").sentence_en
    assert "naar boven afgerond op 2 decimalen" in explained(world, "up").sentence_nl
