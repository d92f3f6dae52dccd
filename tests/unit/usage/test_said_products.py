"""A suspended record is guided to a product by hand: where it fits, it is rated once, and its balance moves with it."""

from datetime import date
from pathlib import Path
from uuid import UUID

import pytest

from factories.usage_files import NOW, OWN, House, call, session
from fixtures.keeper import RunningKeeper
from hoeksteen.kernel.errors import HoeksteenError, InvalidInput, NotFound, WrongState
from hoeksteen.kernel.identifiers import derived
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database
from hoeksteen.usage import suspense
from hoeksteen.usage.tables import GUIDED, SUSPENDED

NOBODYS, SUSPENDED_LINE = "31699900009", "31699900004"


@pytest.fixture
def house(database: Database, lake: Lake, keeper: RunningKeeper, tmp_path: Path) -> House:
    house = House(database, lake, keeper, tmp_path)
    house.hold(OWN)
    return house


def ids(house: House, reason: str = "no_product") -> list[UUID]:
    return [one.record_id for one in suspense.records(lake=house.lake, reason=reason)]


def guide(house: House, record_ids: list[UUID], product_id: object) -> int:
    return suspense.correct(
        database=house.database, lake=house.lake, record_ids=record_ids, field="product", value=str(product_id), made_by="h.jansen",
        why="the customer says so", now=NOW,
    )  # fmt: skip


def held(number: str) -> UUID:
    return derived("product", number)


def test_a_record_of_nobodys_number_is_guided_to_the_product_that_somebody_said(house: House) -> None:
    house.take("calls.csv", call(1, own=NOBODYS, seconds=61), call(2))
    [waiting] = ids(house)
    assert guide(house, [waiting], held(OWN)) == 1
    with house.database.transaction() as tx:
        [case] = suspense.waiting(tx=tx, lake=house.lake, now=NOW)
        [change] = suspense.changes(tx=tx)
    assert case.corrected == 1 and (change.kind, change.after, change.made_by, change.why) == (
        "product", str(held(OWN)), "h.jansen", "the customer says so",
    )  # fmt: skip
    assert house.recycle() == 1 and house.recycle() == 0
    assert house.states() == {"guided": 2} and house.differences() == []
    [guided] = [row for row in house.rows(GUIDED) if row["record_id"] == waiting]
    assert (guided["product_id"], guided["units"], guided["zone"]) == (held(OWN), 61, "NL")
    assert house.take("again.csv", call(1, own=NOBODYS, seconds=61)).states[0].state == "duplicate"
    house.rate()


def test_the_other_number_is_the_new_holder_s_from_then_on(house: House) -> None:
    house.take("calls.csv", call(1, own=NOBODYS))
    guide(house, ids(house), held(OWN))
    house.recycle()
    [guided] = house.rows(GUIDED)
    shared = {"purpose": "billing", "month": "2026-10", "column": "other_number", "records": guided["record_id"].bytes}
    bss = house.keeper.client("bss")
    assert bss.traffic_open(**shared, blocks=guided["other_number"], subject=derived("party", str(house.folder), OWN))
    with pytest.raises(Exception, match="block_invalid"):
        bss.traffic_open(**shared, blocks=guided["other_number"], subject=UUID(int=0))


def test_usage_of_a_suspended_product_goes_to_another_or_waits_for_its_own(house: House) -> None:
    house.hold(SUSPENDED_LINE, suspended=date(2026, 10, 1))
    house.take("calls.csv", call(1, own=SUSPENDED_LINE), call(2, own=SUSPENDED_LINE))
    [first, _] = suspense.records(lake=house.lake, reason="product_suspended")
    assert first.product_id == held(SUSPENDED_LINE)
    with pytest.raises(WrongState, match=f"was not active when record {first.record_id} began on 2026-10-03"):
        guide(house, [first.record_id], held(SUSPENDED_LINE))
    guide(house, [first.record_id], held(OWN))
    assert house.recycle() == 1
    assert house.states() == {"guided": 1, "suspended:product_suspended": 1} and house.differences() == []
    with house.database.transaction() as tx:
        [change] = suspense.changes(tx=tx, reason="product_suspended")
    assert (change.before, change.after) == (str(held(SUSPENDED_LINE)), str(held(OWN)))


def test_a_session_without_an_identifier_is_known_when_it_is_delivered_again(house: House) -> None:
    house.take("one.jsonl", session(NOBODYS))
    guide(house, ids(house), held(OWN))
    assert house.recycle() == 1
    house.take("two.jsonl", session(NOBODYS), session(OWN))
    assert house.states(1) == {"guided": 1, "duplicate": 1}
    assert house.differences() == []


def test_what_has_no_zone_either_waits_for_that_and_keeps_its_product(house: House) -> None:
    house.take("calls.csv", call(1, own=NOBODYS, other="999999"))
    [record] = ids(house)
    guide(house, [record], held(OWN))
    assert house.recycle() == 0
    assert house.states() == {"suspended:no_zone": 1} and house.differences() == []
    with house.database.transaction() as tx:
        [case] = suspense.waiting(tx=tx, lake=house.lake, now=NOW)
    assert case.corrected == 0, "nobody said what its zone is"
    assert house.recycle() == 0
    suspense.correct(
        database=house.database, lake=house.lake, record_ids=[record], field="zone", value="NL", made_by="h.jansen", why="asked", now=NOW
    )  # fmt: skip
    assert house.recycle() == 1
    [guided] = house.rows(GUIDED)
    assert (guided["record_id"], guided["product_id"], guided["zone"]) == (record, held(OWN), "NL")


def test_a_product_that_is_suspended_after_all_lets_the_record_wait(house: House) -> None:
    house.take("calls.csv", call(1, own=NOBODYS))
    guide(house, ids(house), held(OWN))
    with house.database.transaction() as tx:
        tx.execute("UPDATE product.product_term SET status = 'suspended' WHERE product_id = %s", (held(OWN),))
    assert house.recycle() == 0 and house.states() == {"suspended:no_product": 1}
    with house.database.transaction() as tx:
        tx.execute("UPDATE product.product_term SET status = 'active' WHERE product_id = %s", (held(OWN),))
    assert house.recycle() == 1


def test_a_product_that_does_not_fit_is_refused_with_what_to_do(house: House) -> None:
    house.hold("31699900007", offering="internet-100")
    early = call(2, own=NOBODYS, start="2026-08-03T12:00:00+02:00")
    house.take("calls.csv", call(1, own=NOBODYS), early, call(3, other="999999"))
    [before_it, waiting], [no_zone] = ids(house), ids(house, "no_zone")
    for records, product_id, error, said in [
        ([waiting], "sim", InvalidInput, "sim is no identifier"),
        ([waiting], derived("nothing"), NotFound, "No product has this identifier"),
        ([waiting, before_it], held(OWN), WrongState, f"was not active when record {before_it} began on 2026-08-03"),
        ([waiting], held("31699900007"), WrongState, "which has no price for voice"),
        ([no_zone], held(OWN), WrongState, "waits for no_zone"),
    ]:
        with pytest.raises(error, match=said) as refused:
            guide(house, records, product_id)
        assert isinstance(refused.value, HoeksteenError) and refused.value.remedy
    with house.database.transaction() as tx:
        tx.execute("UPDATE product.resource SET valid_from = '2026-10-20' WHERE product_id = %s", (held(OWN),))
    with pytest.raises(WrongState, match="had no number or line when record"):
        guide(house, [waiting], held(OWN))
    with house.database.transaction() as tx:
        assert suspense.changes(tx=tx) == []
    assert len(house.rows(SUSPENDED)) == 3
