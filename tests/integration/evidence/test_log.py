"""The log on a real database: durable, gapless, one view, complete answers."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from fixtures.evidence import Bench, Clock, look, subject
from hoeksteen_keeper.errors import KeeperInvalid
from hoeksteen_keeper.evidence.log import Log
from hoeksteen_keeper.evidence.model import Event
from hoeksteen_keeper.evidence.notes import Checkpoint
from hoeksteen_keeper.evidence.queries import did_see, entries, fsck, shredded, state_at


def test_indexes_are_gapless_and_everything_agrees(log: Log) -> None:
    assert log.append([look(1), look(2)]) == [0, 1]
    assert log.append([look(3)]) == [2]
    assert log.append([]) == []
    checkpoint = Checkpoint.parse(log.checkpoint())
    assert checkpoint.size == 3
    checkpoint.check(log.signer.verifier)
    report = fsck(log)
    assert (report.entries, report.size, report.problems) == (3, 3, [])


def test_threads_share_commits_and_lose_nothing(log: Log) -> None:
    indexes: list[int] = []
    lock = threading.Lock()

    def work(number: int) -> None:
        for _ in range(20):
            got = log.append([look(number), look(number)])
            with lock:
                indexes.extend(got)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(indexes) == list(range(320))
    assert Checkpoint.parse(log.checkpoint()).size == 320
    assert fsck(log).ok
    assert len(did_see(log, subject=subject(3))) == 40


def test_what_goes_in_comes_out(log: Log) -> None:
    event = look(1, grant="g-1", outcome="refused")
    log.append([event])
    [entry] = entries(log, first=0, last=1)
    assert entry.event == Event(
        **{name: getattr(event, name) for name in ("kind", "actor", "organisation", "action", "category", "purpose", "grant", "outcome", "detail")}
    )
    assert entry.count == 1
    assert entry.tags.hold(log.scribe.subject_key(subject(1)))
    assert not entry.tags.hold(log.scribe.subject_key(subject(2)))


@pytest.mark.parametrize(
    "event",
    [
        Event("gossip"),
        Event("disclosure", outcome="perhaps"),
        Event("disclosure", detail={"share": 0.5}),
        Event("disclosure", detail={"when": datetime(2026, 1, 1, tzinfo=UTC)}),
        Event("disclosure", detail={"n": 2**53}),
        Event("disclosure", detail={"naïve": 1}),
        Event("disclosure", actor="\ud800"),
        Event("disclosure", actor="a\0b"),
        Event("disclosure", actor="".join(map(chr, range(0x4E00, 0x4E00 + 3_000)))),
        Event("key"),
        Event("disclosure", detail={"text": "x" * (1 << 20)}),
        Event("disclosure", detail={"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": 1}}}}}}}}}),
        Event("grant", detail={"event": "requested"}),
    ],
    ids=range(13),
)
def test_a_bad_event_is_refused_and_hurts_nobody_else(log: Log, event: Event) -> None:
    with pytest.raises(KeeperInvalid):
        log.append([look(), event])
    assert log.append([look()]) == [0]


def test_the_sequencer_outlives_what_it_cannot_use(log: Log) -> None:
    """A checkpoint that somebody damaged stops no entry, and once it is put right everything is signed."""
    log.append([look()])
    good, path = log.checkpoint(), log.tiles.objects.home / "checkpoint"
    path.write_bytes(b"no note")
    log.start()
    try:
        log.append([look(2)])
        time.sleep(1.5)  # the sequencer has met it by now
        path.write_bytes(good)
        log.append([look(3)])
        ends = time.monotonic() + 20
        while Checkpoint.parse(path.read_bytes()).size < 3 and time.monotonic() < ends:
            time.sleep(0.1)
        assert Checkpoint.parse(path.read_bytes()).size == 3
    finally:
        log.stop()


def test_time_never_goes_back_and_the_clock_is_noted(bench: Bench, log: Log) -> None:
    log.append([look()])
    before = entries(log, first=0, last=1)[0]
    bench.clock.now -= timedelta(hours=2)
    log.append([look()])
    after = entries(log, first=1, last=2)[0]
    assert (before.clock, after.time) == (None, before.time)
    assert after.clock is not None
    assert before.time - after.clock > timedelta(hours=1, minutes=59)
    log.checkpoint()
    assert fsck(log).ok


@pytest.mark.parametrize("count", [17, 300, 1_000, 5_000])
def test_a_batch_is_found_by_each_of_its_subjects(log: Log, count: int) -> None:
    everyone = tuple(subject(number) for number in range(count))
    log.append([Event("disclosure", actor="bss", subjects=everyone), look(count + 1)])
    for number in (0, 1, count // 2, count - 2, count - 1):
        assert [row["index"] for row in did_see(log, subject=subject(number))] == [0]
    assert [row["index"] for row in did_see(log, subject=subject(count + 1))] == [1]
    assert all(did_see(log, subject=subject(count + other)) == [] for other in range(2, 60))
    log.checkpoint()
    assert fsck(log).ok


def test_did_see_by_actor_organisation_and_period(bench: Bench, log: Log) -> None:
    log.append([Event("organisation", detail={"organisation": "lage-landen", "name": "Lage Landen", "country": "NL", "operator": True})])
    log.append(
        [
            Event(
                "actor",
                detail={"actor": "anna.dekker", "name": "Anna Dekker", "organisation": "lage-landen", "roles": ["care_agent"], "status": "active"},
            )
        ]
    )
    log.append([look(1)])
    bench.clock.now += timedelta(days=1)
    middle = bench.clock.now
    log.append([look(1, actor="bram.visser"), look(2, outcome="refused")])
    assert [row["index"] for row in did_see(log, subject=subject(1))] == [2, 3]
    assert [row["index"] for row in did_see(log, subject=subject(1), since=middle)] == [3]
    assert [row["index"] for row in did_see(log, subject=subject(1), until=middle)] == [2]
    assert [row["index"] for row in did_see(log, actor="anna.dekker")] == [2, 4]
    assert [row["index"] for row in did_see(log, actor="anna.dekker", subject=subject(2))] == [4]
    assert [row["index"] for row in did_see(log, organisation="lage-landen")] == [2, 3, 4]
    assert did_see(log, organisation="meridian") == []
    [row] = did_see(log, subject=subject(2))
    expected = {"index": 4, "actor": "anna.dekker", "name": "Anna Dekker", "organisation": "lage-landen", "country": "NL", "action": "reveal"}
    expected |= {
        "category": "identity",
        "purpose": "care",
        "grant": None,
        "ticket": "T-1",
        "outcome": "refused",
        "masked": False,
        "count": 1,
        "log": None,
    }
    assert {key: row[key] for key in row if key != "time"} == expected


def _grant(event: str, *, subjects: tuple[int, ...] = (), outcome: str = "allowed") -> Event:
    return Event(
        "grant",
        actor="m.tan",
        outcome=outcome,
        subjects=tuple(subject(n) for n in subjects),
        detail={"event": event, "grant": {"id": "g-1", "asker": "m.tan"}},
    )


def test_state_is_what_it_was_at_each_moment(bench: Bench, log: Log) -> None:
    clock: Clock = bench.clock
    times = []
    for event in (
        Event("actor", detail={"actor": "m.tan", "name": "M. Tan", "organisation": "meridian", "roles": ["technician"], "status": "active"}),
        Event("policy", detail={"version": 1, "digest": "d", "text": "permit(principal, action, resource);"}),
        _grant("requested", subjects=(1, 2)),
        Event("approval", outcome="refused", detail={"grant": "g-1", "approver": "m.tan"}),
        Event("approval", detail={"grant": "g-1", "approver": "chris.smit"}),
        _grant("running"),
        Event("kill", detail={"scope": "actor", "target": "m.tan"}),
        _grant("revoked"),
        Event("shred", subjects=(subject(1),), detail={"category": "identity"}),
        Event(
            "actor",
            subjects=(subject(1),),
            detail={"actor": "customer-1", "name": "", "organisation": "", "roles": ["data_subject"], "status": "active"},
        ),
        Event("exposure", detail={"findings": []}),
    ):
        log.append([event])
        times.append(clock.now)
        clock.now += timedelta(minutes=1)
    states = [state_at(log, at) for at in times]
    assert [state.size for state in states] == list(range(1, 12))
    assert [state.grants["g-1"].state for state in states[2:]] == ["requested"] * 3 + ["running"] * 2 + ["revoked"] * 4
    assert [len(state.grants["g-1"].approvals) for state in states[2:6]] == [0, 0, 1, 1]
    assert [len(state.kills) for state in states] == [0] * 6 + [1] * 5
    assert states[1].policy is not None
    assert states[0].policy is None
    assert states[5].grant_lists("g-1", subject(2))
    assert not states[5].grant_lists("g-1", subject(3))
    assert [set(states[at].shredded(subject(n))) for at, n in ((7, 1), (8, 1), (8, 2))] == [set(), {"identity"}, set()]
    assert states[9].actor_is("customer-1", subject(1))
    assert not states[9].actor_is("customer-1", subject(2))
    assert states[10].exposure is not None
    assert state_at(log, None).size == 11
    assert shredded(log, [subject(n) for n in range(5)]) == [(subject(1), "identity")]


def test_background_work_signs_by_itself(log: Log) -> None:
    log.start()
    log.append([look()])
    log.stop()
    note = log.tiles.read_checkpoint()
    assert note is not None
    assert Checkpoint.parse(note).size == 1


def test_many_sizes_extend_the_same_tree(log: Log) -> None:
    for count in (1, 254, 1, 1, 255, 300, 1):
        log.append([look(number) for number in range(count)])
        log.checkpoint()
    report = fsck(log)
    assert (report.size, report.problems) == (813, [])
