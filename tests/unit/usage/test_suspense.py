"""Suspended usage is worked off: seen by reason and source, corrected or written off record by record, and the balance moves with it."""

from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from factories.usage_files import NOW, OWN, House, call, session
from fixtures.keeper import RunningKeeper
from hoeksteen.kernel.errors import InvalidInput, NotFound, WrongState
from hoeksteen.kernel.identifiers import derived
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database
from hoeksteen.usage import suspense
from hoeksteen.usage.suspense import Waiting
from hoeksteen.usage.tables import GUIDED, SUSPENDED


@pytest.fixture
def house(database: Database, lake: Lake, keeper: RunningKeeper, tmp_path: Path) -> House:
    house = House(database, lake, keeper, tmp_path)
    house.hold(OWN)
    house.take("calls.csv", call(1, other="999999", seconds=10), call(2), call(3, other="999998", seconds=30), call(4, own="31699900009", seconds=5))
    house.take("more.csv", call(5, other="999999", seconds=7, start="2026-10-01T12:00:00+02:00"))
    house.take("data.jsonl", session(OWN, volume_bytes=1_000, country="ZZ"), session(OWN, volume_bytes=2_000, country="XX"))
    return house


def waiting(house: House) -> dict[tuple[str, str], Waiting]:
    with house.database.transaction() as tx:
        return {(one.reason, one.source): one for one in suspense.waiting(tx=tx, lake=house.lake)}


def ids(house: House, reason: str) -> list[UUID]:
    return [one.record_id for one in suspense.records(lake=house.lake, reason=reason)]


def correct(house: House, record_ids: list[UUID], field: str, value: str, **more: Any) -> int:
    said = {"made_by": "h.jansen", "why": "asked the carrier", **more}
    return suspense.correct(database=house.database, lake=house.lake, record_ids=record_ids, field=field, value=value, now=NOW, **said)


def write_off(house: House, record_ids: list[UUID], **more: Any) -> int:
    said = {"made_by": "h.jansen", "why": "too old", **more}
    return suspense.write_off(
        database=house.database, lake=house.lake, record_ids=record_ids, now=NOW, identifiers=house.identifiers, **said
    )  # fmt: skip


def test_what_waits_is_seen_by_reason_and_source_the_oldest_first(house: House) -> None:
    found = waiting(house)
    assert {key: (one.records, one.units) for key, one in found.items()} == {
        ("no_zone", "voice_sms"): (3, 47),
        ("no_product", "voice_sms"): (1, 5),
        ("no_country", "sessions"): (2, 3_000),
    }
    assert next(iter(found)) == ("no_zone", "voice_sms")
    assert [one.units for one in suspense.records(lake=house.lake, reason="no_zone")] == [7, 10, 30]
    assert len(suspense.records(lake=house.lake, limit=4)) == 4
    assert not any("999999" in str(one) or OWN in str(one) for one in suspense.records(lake=house.lake))


def test_who_works_on_it(house: House) -> None:
    with house.database.transaction() as tx:
        for assignee in ("h.jansen", "p.smit"):
            suspense.assign(tx=tx, reason="no_zone", source="voice_sms", assignee=assignee, note="asked", now=NOW)
        with pytest.raises(NotFound, match="No file of the source other"):
            suspense.assign(tx=tx, reason="no_zone", source="other", assignee="x", note="", now=NOW)
    assert (waiting(house)["no_zone", "voice_sms"].assignee, waiting(house)["no_zone", "voice_sms"].note) == ("p.smit", "asked")


def test_a_zone_that_somebody_said_counts_for_that_record_alone(house: House) -> None:
    first, second, _ = ids(house, "no_zone")
    assert correct(house, [second], "zone", "NL-SERVICE") == 1
    assert waiting(house)["no_zone", "voice_sms"].corrected == 1
    assert house.recycle() == 1
    assert [(row["record_id"], row["zone"], row["units"]) for row in house.rows(GUIDED) if row["record_id"] == second] == [(second, "NL-SERVICE", 10)]
    assert first in ids(house, "no_zone") and second not in ids(house, "no_zone")
    assert house.differences() == []
    assert house.take("again.csv", call(1, other="999999", seconds=10)).states[0].state == "duplicate"


def test_a_country_that_somebody_said(house: House) -> None:
    [record] = [one.record_id for one in suspense.records(lake=house.lake) if one.country == "ZZ"]
    for country in ("FR", "DE"):  # the latest counts
        correct(house, [record], "country", country)
    assert house.recycle() == 1
    [guided] = [row for row in house.rows(GUIDED) if row["service"] == "data"]
    assert (guided["zone"], guided["roaming"]) == ("EU", "EU")
    with house.database.transaction() as tx:
        changes = tx.rows("SELECT kind, before, after, made_by, why FROM usage.suspense_change ORDER BY change_no")
    assert [tuple(row.values()) for row in changes] == [
        ("country", "ZZ", "FR", "h.jansen", "asked the carrier"),
        ("country", "ZZ", "DE", "h.jansen", "asked the carrier"),
    ]
    assert house.differences() == []


def test_what_cannot_be_corrected_is_refused(house: House) -> None:
    [zone, *_], [product] = ids(house, "no_zone"), ids(house, "no_product")
    for field, value, record, error in [
        ("zone", "MARS", zone, InvalidInput),
        ("country", "QQ", zone, InvalidInput),
        ("own_number", "31600000001", zone, InvalidInput),
        ("country", "DE", zone, WrongState),
        ("zone", "NL", product, WrongState),
        ("zone", "NL", derived("nobody"), NotFound),
    ]:
        with pytest.raises(error):
            correct(house, [record], field, value)
    for more in ({"made_by": " "}, {"why": ""}):
        with pytest.raises(InvalidInput, match="names who makes it and why"):
            correct(house, [zone], "zone", "NL", **more)
    with pytest.raises(InvalidInput, match="1 to 10,000 records"):
        correct(house, [], "zone", "NL")
    assert house.recycle() == 0


def test_what_is_written_off_is_rejected_and_the_balance_moves(house: House) -> None:
    wanted = ids(house, "no_zone")[:2]
    assert write_off(house, wanted) == 2
    assert house.differences() == []
    assert [house.states(number).get("rejected:written_off") for number in range(3)] == [1, None, 1]
    assert not set(wanted) & {row["record_id"] for row in house.rows(SUSPENDED)}
    with pytest.raises(NotFound):
        write_off(house, [*wanted, *ids(house, "no_zone")])
    assert len(ids(house, "no_zone")) == 1, "all or none"
    assert write_off(house, [one.record_id for one in suspense.records(lake=house.lake)]) == 4
    assert waiting(house) == {} and house.differences() == []
    assert house.recycle() == 0
    house.rate(date(2026, 10, 1))
