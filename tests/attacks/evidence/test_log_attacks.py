"""Whoever holds the database, the tiles or the keeper itself tries to bend the log; each attempt must show."""

import json
import shutil
import threading
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from fixtures.evidence import Bench, look, subject
from hoeksteen_keeper.errors import KeeperCorrupt
from hoeksteen_keeper.evidence.entries import read_entry
from hoeksteen_keeper.evidence.errors import BehindTiles, WitnessRefused
from hoeksteen_keeper.evidence.keys import NoteSigner
from hoeksteen_keeper.evidence.log import Log
from hoeksteen_keeper.evidence.merkle import leaf_hash
from hoeksteen_keeper.evidence.notes import COSIGNATURE, Checkpoint, checkpoint_text, parse_signatures
from hoeksteen_keeper.evidence.objects import Files
from hoeksteen_keeper.evidence.queries import did_see, export_bundle, fsck
from hoeksteen_keeper.evidence.tiles import ENTRIES, TileStore, pack, unpack
from hoeksteen_keeper.evidence.witness import Witness, cosign
from hoeksteen_keeper.verify.bundle import check_bundle
from hoeksteen_keeper.verify.formats import Invalid, read_key
from hoeksteen_keeper.verify.tilelog import check_log


@pytest.fixture
def filled(log: Log) -> Log:
    for number in range(30):
        log.append([look(number % 3)])
    log.checkpoint()
    return log


def test_the_application_role_cannot_change_an_entry(filled: Log, bench: Bench) -> None:
    for sql in ("UPDATE evidence.entry SET actor = 'x'", "DELETE FROM evidence.entry", "TRUNCATE evidence.entry"):
        with psycopg.connect(bench.dsn) as connection, pytest.raises(psycopg.errors.RaiseException):
            connection.execute(sql.encode())


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM evidence.entry WHERE index = 7",
        "DELETE FROM evidence.entry WHERE index = 29; UPDATE evidence.head SET size = 29",
        "UPDATE evidence.entry SET body = replace(encode(body, 'escape'), 'anna.dekker', 'anna.bakker')::bytea WHERE index = 7",
        "UPDATE evidence.entry SET actor = 'bram.visser' WHERE index = 7",
        "UPDATE evidence.entry a SET leaf = b.leaf, body = b.body FROM evidence.entry b WHERE a.index = 7 AND b.index = 8",
        "UPDATE evidence.entry a SET leaf = b.leaf, body = b.body FROM evidence.entry b WHERE a.index + b.index = 15 AND a.index IN (7, 8)",
        "UPDATE evidence.entry SET time = time - interval '1 day' WHERE index = 7",
        "UPDATE evidence.entry SET leaf = replace(encode(leaf, 'escape'), '2026-10-01', '2026-09-30')::bytea WHERE index = 7",
        "DELETE FROM evidence.subject_entry WHERE index = 7",
        "UPDATE evidence.entry SET indexed = false WHERE index = 7",
        "UPDATE evidence.signed SET size = 29",
        "UPDATE evidence.signed SET root = sha256('x')",
    ],
)
def test_a_database_administrator_who_changes_the_log_is_found(filled: Log, bench: Bench, sql: str) -> None:
    assert fsck(filled).ok
    bench.as_dba(sql)
    assert not fsck(filled).ok


def test_a_changed_log_is_not_signed_any_further(filled: Log, bench: Bench) -> None:
    published = filled.tiles.read_checkpoint()
    tile = filled.tiles.objects.home / "tile/0/000.p/30"
    tile.write_bytes(leaf_hash(b"forged") + tile.read_bytes()[32:])
    filled.append([look()])
    with pytest.raises(KeeperCorrupt):
        filled.checkpoint()
    assert filled.tiles.read_checkpoint() == published
    assert not fsck(filled).ok


def test_the_sequencer_refuses_a_gap(filled: Log, bench: Bench) -> None:
    filled.append([look(), look(), look()])
    bench.as_dba("DELETE FROM evidence.entry WHERE index = 31")
    with pytest.raises(KeeperCorrupt, match="missing"):
        filled.checkpoint()


def _forge(copy: Path, log: Log, leaves: list[bytes], signer: NoteSigner) -> bytes:
    """Build a log of other leaves at the same place, and sign it."""
    bodies = unpack("body", (log.tiles.objects.home / "body/000.p/30").read_bytes())[: len(leaves)]
    shutil.rmtree(copy, ignore_errors=True)
    store = TileStore(Files(copy))
    store.extend(0, leaves, bodies, [])
    text = checkpoint_text(log.origin, len(leaves), store.tree(len(leaves))(0, len(leaves)))
    store.write_checkpoint(text + b"\n" + signer.sign(text))
    return text + b"\n" + signer.sign(text)


def test_a_forged_copy_needs_the_key_and_a_forged_view_needs_the_witness(filled: Log, bench: Bench, tmp_path: Path) -> None:
    leaves = unpack(ENTRIES, (filled.tiles.objects.home / "tile/entries/000.p/30").read_bytes())
    keys = [read_key(str(filled.signer.verifier))]
    copy = tmp_path / "copy"
    _forge(copy, filled, leaves[:-1], NoteSigner.generate(filled.origin))
    with pytest.raises(Invalid):  # truncated, and signed by somebody else
        check_log(copy, keys, [])
    witness = NoteSigner.generate("witness.example", algorithm=COSIGNATURE)
    serving = Witness(signer=witness, home=tmp_path / "w", logs={filled.origin: filled.signer.verifier}, now=bench.clock)
    note = cosign(filled, filled.checkpoint(), key=witness.verifier, add_checkpoint=serving.add_checkpoint)
    assert check_log(filled.tiles.objects.home, keys, [read_key(str(witness.verifier))])[0].cosigned
    assert filled.tiles.read_checkpoint() == note
    # the keeper's own key signs a truncated and a forked view; the verifier alone cannot know, the witness refuses to cosign either
    for forged in (leaves[:-1], [*leaves[:-1], leaves[0]]):
        second = _forge(copy, filled, forged, filled.signer)
        for old in (0, 29, 30):
            with pytest.raises(WitnessRefused):
                serving.add_checkpoint(b"old %d\n\n" % old + second)


def test_a_witness_follows_the_protocol(filled: Log, bench: Bench, tmp_path: Path) -> None:
    witness = NoteSigner.generate("witness.example", algorithm=COSIGNATURE)
    serving = Witness(signer=witness, home=tmp_path / "w", logs={filled.origin: filled.signer.verifier}, now=bench.clock)
    note = filled.checkpoint()

    def status(request: bytes) -> int:
        with pytest.raises(WitnessRefused) as refused:
            serving.add_checkpoint(request)
        return refused.value.status

    other = NoteSigner.generate("other.example")
    text = checkpoint_text("other.example", 1, b"r" * 32)
    assert status(b"old 0\n\n" + text + b"\n" + other.sign(text)) == 404
    assert status(b"old 0\n\n" + note.replace(b"\n30\n", b"\n31\n")) == 403
    assert status(b"old 31\n\n" + note) == 400
    assert status(b"old 00\n\n" + note) == 400
    assert status(note) == 400
    assert status(b"") == 400
    assert status(b"old 5\n\n" + note) == 409
    assert status(b"old 0\n" + b"A" * 43 + b"=\n\n" + note) == 422
    empty = checkpoint_text(filled.origin, 0, b"r" * 32)
    assert status(b"old 0\n\n" + empty + b"\n" + filled.signer.sign(empty)) == 422
    cosign(filled, note, key=witness.verifier, add_checkpoint=serving.add_checkpoint)
    cosign(filled, note, key=witness.verifier, add_checkpoint=serving.add_checkpoint)
    filled.append([look()] * 300)
    later = cosign(filled, filled.checkpoint(), key=witness.verifier, add_checkpoint=serving.add_checkpoint)
    with pytest.raises(WitnessRefused) as refused:
        serving.add_checkpoint(b"old 30\n\n" + later)
    assert (refused.value.status, refused.value.body) == (409, b"330\n")
    latest = serving.latest(filled.origin)
    assert latest is not None
    assert latest.check(witness.verifier)
    assert latest.check(filled.signer.verifier) is None
    assert serving.latest("other.example") is None


def test_an_answer_that_omits_an_entry_is_partial(filled: Log, bench: Bench) -> None:
    """Whoever controls the keeper's index hides one look from did-see; the bundle's leaves still show it."""
    everything = did_see(filled, subject=subject(1))
    bench.as_dba("DELETE FROM evidence.subject_entry WHERE index = 7")
    assert [row["index"] for row in everything if row not in did_see(filled, subject=subject(1))] == [7]
    verdict = check_bundle(export_bundle(filled, subject=subject(1)), [read_key(str(filled.signer.verifier))], [])
    assert (verdict.complete, verdict.missing) == (False, [7])


def test_two_entries_cannot_be_linked_without_the_subjects_key(filled: Log) -> None:
    leaves = [json.loads(leaf) for leaf in unpack(ENTRIES, (filled.tiles.objects.home / "tile/entries/000.p/30").read_bytes())]
    assert len({tag for leaf in leaves for tag in leaf["tags"]}) == 30
    assert len({leaf["body"] for leaf in leaves}) == 30
    for path in filled.tiles.objects.home.rglob("*"):
        if path.is_file():
            assert str(subject(1)).encode() not in path.read_bytes()
            assert subject(1).bytes not in path.read_bytes()


def test_a_clock_set_back_cannot_back_date(filled: Log, bench: Bench) -> None:
    bench.clock.now -= timedelta(days=30)
    filled.append([look()])
    filled.checkpoint()
    leaf = unpack(ENTRIES, (filled.tiles.objects.home / "tile/entries/000.p/31").read_bytes())[-1]
    assert json.loads(leaf)["time"].startswith("2026-10-01")
    assert json.loads(leaf)["clock"].startswith("2026-09-01")
    assert check_log(filled.tiles.objects.home, [read_key(str(filled.signer.verifier))], [])[0].size == 31


def test_a_keeper_restored_from_yesterdays_backup_catches_up_before_it_signs(filled: Log, bench: Bench) -> None:
    copy = bench.backup()
    today = bench.log()
    today.append([look(number % 3) for number in range(400)])
    today.append([look(1, outcome="refused")])
    published = today.checkpoint()
    seen = did_see(today, subject=subject(1))
    bench.restore(copy)
    restored = bench.log()
    assert restored.append([look(2)]) == [431]
    assert did_see(restored, subject=subject(1)) == seen
    assert Checkpoint.parse(published).size == 431
    assert fsck(restored).problems == []
    assert Checkpoint.parse(restored.checkpoint()).size == 432
    assert fsck(restored).ok
    assert check_log(restored.tiles.objects.home, [read_key(str(restored.signer.verifier))], [])[0].size == 432


def test_an_empty_database_is_rebuilt_from_the_tiles(filled: Log, bench: Bench) -> None:
    bench.close()
    bench.as_dba("TRUNCATE evidence.entry, evidence.subject_entry, evidence.signed; UPDATE evidence.head SET size = 0, time = '-infinity'")
    again = bench.log()
    again.start()
    again.stop()
    assert fsck(again).problems == []
    assert len(did_see(again, subject=subject(1))) == 10


@pytest.mark.parametrize("lost", ["body", "tile/entries", "tile/0"])
def test_a_restored_keeper_that_cannot_catch_up_does_nothing(filled: Log, bench: Bench, lost: str) -> None:
    copy = bench.backup()
    today = bench.log()
    today.append([look()] * 300)
    published = today.checkpoint()
    bench.restore(copy)
    shutil.rmtree(today.tiles.objects.home / lost)
    restored = bench.log()
    for attempt in (lambda: restored.append([look()]), restored.checkpoint, restored.start):
        with pytest.raises(KeeperCorrupt):
            attempt()
    assert restored.tiles.read_checkpoint() == published


@pytest.mark.parametrize("signed", [False, True])
def test_a_restored_keeper_that_went_another_way_does_nothing(filled: Log, bench: Bench, signed: bool) -> None:
    """It appended to its old state on another machine, then met the tiles that knew better."""
    copy = bench.backup()
    today = bench.log()
    today.append([look()] * 5)
    today.checkpoint()
    bench.restore(copy)
    elsewhere = bench.home / "elsewhere"
    shutil.copytree(bench.home / "tiles", elsewhere / "tiles")
    (elsewhere / "tiles/checkpoint").unlink()
    store = TileStore(Files(elsewhere / "tiles"))
    old = checkpoint_text(filled.origin, 30, store.tree(30)(0, 30))
    store.write_checkpoint(old + b"\n" + filled.signer.sign(old))
    apart = bench.log(home=elsewhere)
    apart.append([look(2)])
    if signed:
        apart.checkpoint()
    bench.close()
    with pytest.raises(BehindTiles):
        bench.log().append([look()])
    with pytest.raises(BehindTiles):
        bench.log().start()


def test_another_key_does_not_sign_this_log(filled: Log, bench: Bench) -> None:
    bench.close()
    bench.signer = NoteSigner.generate(filled.origin)
    with pytest.raises(KeeperCorrupt, match="another key"):
        bench.log().append([look()])


def test_a_body_cannot_be_exchanged(filled: Log) -> None:
    leaves = unpack(ENTRIES, (filled.tiles.objects.home / "tile/entries/000.p/30").read_bytes())
    bodies = unpack("body", (filled.tiles.objects.home / "body/000.p/30").read_bytes())
    assert read_entry(3, leaves[3], bodies[3], None).index == 3
    with pytest.raises(KeeperCorrupt):
        read_entry(3, leaves[3], bodies[4], None)
    with pytest.raises(KeeperCorrupt):
        unpack(ENTRIES, pack(ENTRIES, leaves)[:-1])


def test_a_cosignature_that_comes_late_puts_no_older_checkpoint_in_place(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes serve one log: one adds a cosignature to the published checkpoint while the other publishes the next."""
    slow, other = bench.log(), bench.log()
    slow.append([look()])
    first = Checkpoint.parse(slow.checkpoint())
    witness = NoteSigner.generate("w.example", algorithm=COSIGNATURE)
    exchange, extending = slow.tiles.exchange_checkpoint, threading.Thread(target=lambda: (other.append([look()]), other.checkpoint()))

    def meanwhile(published: bytes | None, note: bytes) -> bool:
        extending.start()
        extending.join(1.0)  # it waits for the lock, or overtakes
        return exchange(published, note)

    monkeypatch.setattr(slow.tiles, "exchange_checkpoint", meanwhile)
    slow.add_signatures(first.text, parse_signatures(witness.sign(first.text, time=1)))
    extending.join(30)
    published = slow.tiles.read_checkpoint()
    assert published is not None and Checkpoint.parse(published).size == 2
