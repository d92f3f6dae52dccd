"""A log whose tiles lie in an S3-compatible service: the same log, whatever the service does in between."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.exceptions import GenericError, PermissionDeniedError

from fixtures.evidence import Bench, look, subject
from fixtures.s3 import Service
from hoeksteen_keeper.errors import KeeperCorrupt, KeeperUnavailable
from hoeksteen_keeper.evidence.errors import BehindTiles
from hoeksteen_keeper.evidence.log import Log
from hoeksteen_keeper.evidence.model import Event
from hoeksteen_keeper.evidence.notes import Checkpoint
from hoeksteen_keeper.evidence.queries import did_see, entries, export_bundle, fsck
from hoeksteen_keeper.verify.bundle import check_bundle
from hoeksteen_keeper.verify.formats import read_key
from hoeksteen_keeper.verify.tilelog import check_log


@pytest.fixture
def stored(bench: Bench, s3: Service) -> Log:
    """A log with 30 entries, one of them about 300 people, and a checkpoint."""
    bench.objects = s3.objects()
    log = bench.log()
    log.append([look(number % 3) for number in range(29)])
    log.append([Event("disclosure", actor="bss", organisation="lage-landen", subjects=tuple(subject(number) for number in range(300)))])
    log.checkpoint()
    return log


def _again(bench: Bench, s3: Service) -> Log:
    """Another life of the keeper, with a connection of its own."""
    bench.close()
    bench.objects = s3.objects()
    return bench.log()


def _checked(s3: Service, log: Log, folder: Path) -> int:
    """Copy the log and have the verifier check each byte of it; give its size."""
    head, _ = check_log(s3.copy(folder), [read_key(str(log.signer.verifier))], [])
    return head.size


def test_it_is_the_same_log(stored: Log, bench: Bench, s3: Service, tmp_path: Path) -> None:
    assert not (bench.home / "tiles").exists()
    assert {name.split("/")[0] for name in s3.names()} == {"checkpoint", "tile", "body", "chunk"}
    for batch in (200, 26, 1, 300, 700):  # exactly full, one more, several at once
        stored.append([look(number % 7) for number in range(batch)])
        stored.checkpoint()
    assert fsck(stored).problems == []
    assert _checked(s3, stored, tmp_path / "copy") == 1_257
    assert [name for name in s3.names() if name.startswith("tile/0/000")] == ["tile/0/000"]  # its partial tiles are gone
    verdict = check_bundle(export_bundle(stored, subject=subject(1)), [read_key(str(stored.signer.verifier))], [])
    assert verdict.complete and verdict.size == 1_257


def test_a_restarted_keeper_goes_on(stored: Log, bench: Bench, s3: Service, tmp_path: Path) -> None:
    again = _again(bench, s3)
    again.start()
    again.append([look()] * 300)
    again.stop()
    assert Checkpoint.parse(s3.get("checkpoint")).size == 330
    assert fsck(again).problems == [] and _checked(s3, again, tmp_path / "copy") == 330


def test_a_database_from_a_backup_catches_up_or_does_nothing(stored: Log, bench: Bench, s3: Service) -> None:
    copy = bench.backup()
    today = _again(bench, s3)
    today.append([look(number % 3) for number in range(400)])
    today.checkpoint()
    seen = did_see(today, subject=subject(1))
    bench.restore(copy)
    restored = _again(bench, s3)
    assert restored.append([look(2)]) == [430]
    assert did_see(restored, subject=subject(1)) == seen
    assert Checkpoint.parse(restored.checkpoint()).size == 431 and fsck(restored).problems == []


def test_a_restored_keeper_without_the_objects_that_it_needs_does_nothing(stored: Log, bench: Bench, s3: Service) -> None:
    copy = bench.backup()
    today = _again(bench, s3)
    today.append([look()] * 300)
    today.checkpoint()
    bench.restore(copy)
    s3.delete("body/000")
    before = {name: s3.get(name) for name in s3.names()}
    for attempt in (lambda log: log.append([look()]), lambda log: log.checkpoint(), lambda log: log.start()):
        with pytest.raises(BehindTiles):
            attempt(_again(bench, s3))
    assert {name: s3.get(name) for name in s3.names()} == before
    for name in before:
        s3.delete(name)
    with pytest.raises(KeeperCorrupt, match="checkpoint_missing"):
        _again(bench, s3).append([look()])


def test_an_object_that_somebody_changed_is_found(stored: Log, s3: Service) -> None:
    stored.append([look()] * 270)
    stored.checkpoint()
    assert fsck(stored).problems == []
    names = s3.names()
    assert {"tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000", "body/001.p/44", "checkpoint"} < set(names)
    for name in names:
        raw = s3.get(name)
        for changed in (raw[:-9] + bytes([raw[-9] ^ 1]) + raw[-8:], raw[:-5]):
            s3.put(name, changed)
            assert not fsck(stored).ok, name
        s3.delete(name)
        assert not fsck(stored).ok, name
        s3.put(name, raw)
    assert fsck(stored).problems == []


def test_storage_that_goes_away_is_no_finding(stored: Log, s3: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    gets: list[str] = []
    real = obstore.get

    def get(store: Any, name: str) -> Any:
        gets.append(name)
        if len(gets) > 2:
            raise GenericError("gone")
        return real(store, name)

    monkeypatch.setattr("hoeksteen_keeper.evidence.s3.obstore.get", get)
    with pytest.raises(KeeperUnavailable, match="tiles_unavailable"):
        fsck(stored)


def test_changed_tiles_are_not_built_on(stored: Log, s3: Service) -> None:
    raw = s3.get("tile/0/000.p/30")
    s3.put("tile/0/000.p/30", raw[::-1])
    stored.append([look()])
    with pytest.raises(KeeperCorrupt, match="tiles_changed"):
        stored.checkpoint()
    assert Checkpoint.parse(s3.get("checkpoint")).size == 30


def _until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.1)


def test_entries_go_on_while_storage_is_away_and_checkpoints_follow(stored: Log, bench: Bench, s3: Service, tmp_path: Path) -> None:
    stored.start()
    try:
        s3.stop()
        for _ in range(3):
            stored.append([look(1)] * 100)
            time.sleep(0.5)
        with pytest.raises(KeeperUnavailable, match="tiles_unavailable"):
            stored.checkpoint()
        assert entries(stored, first=329, last=330)[0].index == 329
        assert len(did_see(stored, subject=subject(1))) == 311
        s3.start()
        _until(lambda: Checkpoint.parse(s3.get("checkpoint")).size == 330)
    finally:
        stored.stop()
    assert fsck(stored).problems == [] and _checked(s3, stored, tmp_path / "copy") == 330


def test_a_keeper_that_cannot_reach_its_tiles_does_not_begin(stored: Log, bench: Bench, s3: Service) -> None:
    s3.stop()
    again = _again(bench, s3)
    for attempt in (lambda: again.append([look()]), again.checkpoint, again.start):
        with pytest.raises(KeeperUnavailable, match="tiles_unavailable"):
            attempt()
    s3.start()
    assert again.append([look()]) == [30]


@pytest.mark.parametrize("done", [False, True], ids=["lost", "done, but the answer lost"])
@pytest.mark.parametrize("at", [0, 1, 3, 6, 7])
def test_storage_that_goes_away_in_the_middle_of_a_batch(
    stored: Log, bench: Bench, s3: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int, done: bool
) -> None:
    """Any of the puts of a batch fails; the first ones are tiles, the last is the checkpoint."""
    puts: list[str] = []
    real = obstore.put

    def put(store: Any, name: str, raw: bytes, **options: Any) -> Any:
        puts.append(name)
        if len(puts) > at:
            if done:
                real(store, name, raw, **options)
            raise GenericError("gone")
        return real(store, name, raw, **options)

    stored.append([look()] * 300)
    with monkeypatch.context() as patched:
        patched.setattr("hoeksteen_keeper.evidence.s3.obstore.put", put)
        with pytest.raises(KeeperUnavailable):
            stored.checkpoint()
    assert Checkpoint.parse(s3.get("checkpoint")).size in ((30, 330) if done and puts[-1] == "checkpoint" else (30,))
    assert fsck(stored).problems == []
    stored.append([look()])
    assert Checkpoint.parse(stored.checkpoint()).size == 331
    assert fsck(stored).problems == [] and _checked(s3, stored, tmp_path / "copy") == 331


def test_a_second_keeper_on_a_copy_of_the_database_damages_nothing(stored: Log, bench: Bench, s3: Service, tmp_path: Path) -> None:
    """Both run on one storage; whoever publishes first is the log, and the other stops."""
    copy = bench.backup()
    first = _again(bench, s3)
    bench.name = copy
    second = bench.log()
    first.become_current()
    second.become_current()
    second.append([look(2)] * 300)  # both go on from the same 30 entries
    first.append([look(1)] * 280)
    first.checkpoint()
    with pytest.raises(KeeperCorrupt, match="behind_tiles"):
        second.checkpoint()
    assert fsck(first).problems == [] and _checked(s3, first, tmp_path / "copy") == 310
    # even where it looked at the checkpoint before the first published: neither tiles nor checkpoint of the first give way
    before = {name: s3.get(name) for name in s3.names()}
    with pytest.raises(KeeperCorrupt, match="tile_differs"):
        second.tiles.extend(30, [b"{}"] * 300, [b"{}"] * 300, [])
    with pytest.raises(KeeperCorrupt, match="behind_tiles"):
        second.tiles.write_checkpoint(second.released().with_signatures(()))
    assert {name: s3.get(name) for name in before} == before and fsck(first).problems == []


def test_a_keeper_that_may_not_delete_leaves_partial_tiles(stored: Log, s3: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionDeniedError("no")

    monkeypatch.setattr("hoeksteen_keeper.evidence.s3.obstore.delete", refused)
    stored.append([look()] * 300)
    stored.checkpoint()
    assert {"tile/0/000", "tile/0/000.p/30"} < set(s3.names())
    assert fsck(stored).problems == [] and _checked(s3, stored, tmp_path / "copy") == 330


def test_cosignatures_are_added_and_a_larger_checkpoint_stays(stored: Log, s3: Service) -> None:
    old = Checkpoint.parse(s3.get("checkpoint"))
    stored.add_signatures(old.text, ())
    stored.append([look()])
    stored.checkpoint()
    stored.add_signatures(old.text, ())
    assert Checkpoint.parse(s3.get("checkpoint")).size == 31
