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
from hoeksteen.usage import _store, retrying, suspense
from hoeksteen.usage.rejected import rejected
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
        return {(one.reason, one.source): one for one in suspense.waiting(tx=tx, lake=house.lake, now=NOW)}


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
            suspense.assign(tx=tx, reason="no_zone", source="voice_sms", assignee=assignee, note="asked", made_by="p.smit", now=NOW)
        with pytest.raises(NotFound, match="No file of the source other"):
            suspense.assign(tx=tx, reason="no_zone", source="other", assignee="x", note="", made_by="x", now=NOW)
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


def test_what_waits_is_told_by_service_and_age(house: House) -> None:
    found = waiting(house)["no_zone", "voice_sms"]
    assert [(one.service, one.records, one.units) for one in found.services] == [("voice", 3, 47)]
    assert (found.ages, found.since) == ((0, 0, 3), None)
    with house.database.transaction() as tx:
        [early, *_] = suspense.waiting(tx=tx, lake=house.lake, now=NOW.replace(month=10, day=9))
    assert early.ages == (2, 1, 0), "two of 3 October, one of the 1st at noon"


def test_records_are_narrowed_down_and_counted_whole(house: House) -> None:
    def fitting(limit: int = 10, **more: Any) -> tuple[list[int], int, int]:
        wanted = suspense.Wanted(**{"reason": "no_country", "source": "sessions", **more})
        with house.database.transaction() as tx:
            found = suspense.fitting(tx=tx, lake=house.lake, wanted=wanted, limit=limit)
        assert all(found.files[one.usage_file_id] for one in found.shown)
        return [one.units for one in found.shown], found.records, found.units

    assert fitting()[1:] == (2, 3_000)
    assert fitting(limit=1)[1:] == (2, 3_000) and len(fitting(limit=1)[0]) == 1
    assert fitting(country="XX") == ([2_000], 1, 2_000)
    assert fitting(service="voice") == ([], 0, 0)
    assert fitting(source="voice_sms", reason="no_zone", before=NOW.replace(month=10, day=2)) == ([7], 1, 7)
    assert fitting(source="elsewhere") == ([], 0, 0)


def test_who_did_what_when_is_kept_and_what_was_done_at_once_is_one_change(house: House) -> None:
    with house.database.transaction() as tx:
        suspense.assign(tx=tx, reason="no_zone", source="voice_sms", assignee="p.smit", note="mine", made_by="h.jansen", now=NOW)
        suspense.assign(tx=tx, reason="no_zone", source="voice_sms", assignee="", note="", made_by="p.smit", now=NOW)
        with pytest.raises(InvalidInput, match="names who makes it"):
            suspense.assign(tx=tx, reason="no_zone", source="voice_sms", assignee="x", note="", made_by=" ", now=NOW)
    correct(house, ids(house, "no_zone")[:2], "zone", "NL")
    write_off(house, ids(house, "no_country"))
    with house.database.transaction() as tx:
        all_of_it, of_zone = suspense.changes(tx=tx), suspense.changes(tx=tx, reason="no_zone", source="voice_sms")
    assert {(one.kind, one.before, one.after, one.records, one.source) for one in all_of_it} == {
        ("written_off", "no_country", "written_off", 2, "sessions"),
        ("zone", "", "NL", 2, "voice_sms"),
        ("assigned", "p.smit", "", 0, "voice_sms"),
        ("assigned", "", "p.smit", 0, "voice_sms"),
    }
    assert [one.made_by for one in of_zone if one.kind == "assigned"] == ["p.smit", "h.jansen"]
    assert "written_off" not in {one.kind for one in of_zone}


def test_another_try_is_asked_for_and_done_by_who_may(house: House) -> None:
    def latest() -> retrying.Retry:
        with house.database.transaction() as tx:
            found = retrying.latest(tx=tx)
        assert found is not None
        return found

    def carry_out(who: str) -> int | None:
        keeper = house.keeper.client(who)
        return retrying.carry_out(database=house.database, keeper=keeper, lake=house.lake, now=NOW, identifiers=house.identifiers)

    assert carry_out("bss") is None, "nobody asked"
    correct(house, ids(house, "no_zone")[:1], "zone", "NL")
    for who in ("h.jansen", "p.smit"):
        with house.database.transaction() as tx:
            retrying.ask(tx=tx, asked_by=who, now=NOW)
    assert (latest().asked_by, latest().done_at) == ("h.jansen", None), "one wish at a time"
    assert carry_out("desk") is None
    assert latest().problem and latest().guided == 0, "the desk opens no numbers, and the wish says why nothing was tried"
    with house.database.transaction() as tx:
        retrying.ask(tx=tx, asked_by="p.smit", now=NOW)
    assert carry_out("bss") == 1
    assert (latest().guided, latest().problem, latest().done_at) == (1, "", NOW)
    assert carry_out("bss") is None


@pytest.mark.parametrize("who", ["bss", "desk"])
def test_what_is_asked_for_while_a_try_runs_is_tried_next(house: House, monkeypatch: pytest.MonkeyPatch, who: str) -> None:
    """A correction between the end of a try's work and the end of its wish: that try did not know of it."""
    end, asked = _store.end_retries, list[str]()

    def ask(name: str) -> None:
        with house.database.transaction() as tx:
            retrying.ask(tx=tx, asked_by=name, now=NOW)

    def interleaved(*told: Any) -> None:
        if not asked:
            asked.append("p.smit")
            correct(house, ids(house, "no_country")[:1], "country", "FR")
            ask("p.smit")
            ask("h.jansen")  # beside one that waits
        end(*told)

    def carry_out(name: str) -> int | None:
        keeper = house.keeper.client(name)
        return retrying.carry_out(database=house.database, keeper=keeper, lake=house.lake, now=NOW, identifiers=house.identifiers)

    monkeypatch.setattr(_store, "end_retries", interleaved)
    correct(house, ids(house, "no_zone")[:1], "zone", "NL")
    ask("bram.visser")
    carry_out(who)
    assert asked and len(ids(house, "no_country")) == 2
    with house.database.transaction() as tx:
        wish = retrying.latest(tx=tx)
        assert wish is not None and (wish.asked_by, wish.done_at) == ("p.smit", None)
    assert carry_out("bss") == (1 if who == "bss" else 2)
    assert len(ids(house, "no_country")) == 1 and carry_out("bss") is None


def test_a_try_that_was_cut_off_is_made_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def carry_out() -> int | None:
        keeper = house.keeper.client("bss")
        return retrying.carry_out(database=house.database, keeper=keeper, lake=house.lake, now=NOW, identifiers=house.identifiers)

    correct(house, ids(house, "no_zone")[:1], "zone", "NL")
    with house.database.transaction() as tx:
        retrying.ask(tx=tx, asked_by="bram.visser", now=NOW)
    with monkeypatch.context() as broken:
        broken.setattr(_store, "move_balance", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            carry_out()
    assert carry_out() == 1 and carry_out() is None


def test_rejected_lines_are_told_by_file_and_number(house: House) -> None:
    house.take("torn.csv", call(11), "R;broken", call(12, seconds=-1), *["X"] * 12)
    with house.database.transaction() as tx:
        found = rejected(tx=tx, lake=house.lake)
    assert {(one.name, one.reason): (one.records, len(one.lines)) for one in found} == {
        ("torn.csv", "cut_line"): (13, 8),
        ("torn.csv", "negative_units"): (1, 1),
    }
