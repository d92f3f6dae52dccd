"""Bundles and copied logs, checked by the verifier that shares no code with the keeper."""

import base64
import json
import random
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fixtures.evidence import Bench, look, subject
from hoeksteen_keeper.evidence.keys import NoteSigner
from hoeksteen_keeper.evidence.log import Log
from hoeksteen_keeper.evidence.model import Event
from hoeksteen_keeper.evidence.notes import COSIGNATURE
from hoeksteen_keeper.evidence.queries import did_see, export_bundle
from hoeksteen_keeper.evidence.witness import Witness
from hoeksteen_keeper.verify.bundle import Verdict, check_bundle
from hoeksteen_keeper.verify.cli import main
from hoeksteen_keeper.verify.formats import Invalid, read_key
from hoeksteen_keeper.verify.tilelog import check_log

_GRANT = {"id": "g-1", "asker": "m.tan", "organisation": "meridian", "purpose": "support", "ticket": "T-9"}


def fill(log: Log) -> None:
    """A little history: who there is, a grant with two approvals, looks at several people, a batch over many."""
    for organisation, country in (("lage-landen", "NL"), ("meridian", "SG")):
        log.append(
            [Event("organisation", detail={"organisation": organisation, "name": organisation, "country": country, "operator": country == "NL"})]
        )
    for actor, organisation in (("anna.dekker", "lage-landen"), ("chris.smit", "lage-landen"), ("m.tan", "meridian")):
        log.append([Event("actor", detail={"actor": actor, "name": actor.title(), "organisation": organisation, "roles": [], "status": "active"})])
    log.append([Event("grant", actor="m.tan", subjects=(subject(1),), detail={"event": "requested", "grant": _GRANT})])
    log.append(
        [Event("approval", actor="chris.smit", detail={"grant": "g-1", "approver": "chris.smit", "digest": "d", "key": "k", "signature": "s"})]
    )
    log.append([Event("grant", detail={"event": "running", "grant": _GRANT})])
    log.append([look(number % 5) for number in range(40)])
    log.append([Event("disclosure", actor="bss", organisation="lage-landen", purpose="billing", subjects=tuple(subject(n) for n in range(300)))])
    log.append([look(1, actor="m.tan", organisation="meridian", grant="g-1", purpose="support")])


def checked(log: Log, bundle: bytes, *witnesses: str) -> Verdict:
    return check_bundle(bundle, [read_key(str(log.signer.verifier))], [read_key(key) for key in witnesses])


def test_a_bundle_shows_all_and_nothing_else(log: Log) -> None:
    fill(log)
    bundle = export_bundle(log, subject=subject(1))
    verdict = checked(log, bundle)
    assert (verdict.complete, verdict.first, verdict.end, verdict.since, verdict.until) == (True, 0, 50, None, None)
    seen = [row["index"] for row in did_see(log, subject=subject(1))]
    assert [row["index"] for row in verdict.rows if row["kind"] == "disclosure"] == seen
    assert len(seen) == 10
    last = verdict.rows[-1]
    assert (last["name"], last["organisation"], last["country"], last["grant"], last["approved_by"]) == (
        "M.Tan",
        "meridian",
        "SG",
        "g-1",
        ["chris.smit"],
    )
    assert checked(log, export_bundle(log, subject=subject(299))).rows[0]["count"] == 300
    assert checked(log, export_bundle(log, subject=subject(5_000))).rows == []


def test_a_period_is_proven_at_both_ends(bench: Bench, log: Log) -> None:
    log.append([look(1)])
    bench.clock.now += timedelta(days=1)
    since = bench.clock.now
    log.append([look(1), look(2)])
    bench.clock.now += timedelta(days=1)
    until = bench.clock.now
    log.append([look(1)] * 3)
    verdict = checked(log, export_bundle(log, subject=subject(1), since=since, until=until))
    assert (verdict.first, verdict.end, verdict.size) == (0, 4, 6)
    assert verdict.until is not None
    assert verdict.until > until.isoformat()[:19]
    before = checked(log, export_bundle(log, subject=subject(1), until=since - timedelta(days=9)))
    after = checked(log, export_bundle(log, subject=subject(1), since=until + timedelta(days=9)))
    assert ((before.first, before.end), (after.first, after.end)) == ((0, 1), (5, 6))


def test_any_byte_changed_in_a_bundle_fails(log: Log, bench: Bench, tmp_path: Path) -> None:
    fill(log)
    witness = NoteSigner.generate("witness.example", algorithm=COSIGNATURE)
    serving = Witness(signer=witness, home=tmp_path / "w", logs={log.origin: log.signer.verifier}, now=bench.clock)
    log.witnesses.append((witness.verifier, serving.add_checkpoint))
    bundle = export_bundle(log, subject=subject(1))
    assert checked(log, bundle).cosigned == {}
    assert list(checked(log, bundle, str(witness.verifier)).cosigned) == ["witness.example"]
    chance = random.Random(1)
    for _ in range(400):
        at = chance.randrange(len(bundle))
        changed = bytearray(bundle)
        changed[at] = chance.choice([byte for byte in range(256) if byte != bundle[at]])
        with pytest.raises(Invalid):
            checked(log, bytes(changed))


def test_a_listed_witness_of_the_same_name_counts_for_nothing(log: Log, bench: Bench, tmp_path: Path) -> None:
    log.append([look(1)])
    real, false = (NoteSigner.generate("witness.example", algorithm=COSIGNATURE) for _ in range(2))
    serving = Witness(signer=false, home=tmp_path / "w", logs={log.origin: log.signer.verifier}, now=bench.clock)
    log.witnesses.append((false.verifier, serving.add_checkpoint))
    bundle = export_bundle(log, subject=subject(1))
    assert checked(log, bundle, str(real.verifier)).cosigned == {}
    assert list(checked(log, bundle, str(false.verifier)).cosigned) == ["witness.example"]


def _without(bundle: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    parsed = json.loads(bundle)
    change(parsed)
    return json.dumps(parsed, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def test_an_omission_is_partial_and_a_lie_is_invalid(log: Log) -> None:
    fill(log)
    bundle = export_bundle(log, subject=subject(1))
    own = [row["index"] for row in checked(log, bundle).rows]
    assert checked(log, _without(bundle, lambda b: b["bodies"].pop(str(own[3])))).missing == [own[3]]
    assert checked(log, _without(bundle, lambda b: (b["chunks"].clear(), b["bodies"].pop("48")))).missing == [48]
    other = next(index for index in range(50) if index not in own)
    lies: list[Callable[[dict[str, Any]], object]] = [
        lambda b: b["leaves"].pop(),
        lambda b: b["leaves"].pop(3),
        lambda b: b["leaves"].reverse(),
        lambda b: b.update(first=1),
        lambda b: b["proof"].append(b["leaves"][0]),
        lambda b: b["bodies"].update({str(other): b["bodies"][str(own[0])]}),
        lambda b: b["bodies"].update({str(own[0]): b["bodies"][str(own[1])]}),
        lambda b: b["chunks"].update({"0": b["chunks"]["48"]}),
        lambda b: b["facts"][0].update(index=3),
        lambda b: b["facts"][0].update(body=b["facts"][1]["body"]),
        lambda b: b.update(log=str(NoteSigner.generate(log.origin).verifier)),
        lambda b: b.update(format="other"),
        lambda b: b.update(first="0"),
        lambda b: b.update(subject_key=base64.b64encode(b"x" * 32).decode()),
    ]
    for lie in lies:
        with pytest.raises(Invalid):
            checked(log, _without(bundle, lie))


def test_the_command_tells_people_and_machines(log: Log, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(log)
    path, key = tmp_path / "bundle.json", str(log.signer.verifier)
    path.write_bytes(export_bundle(log, subject=subject(1)))
    assert main([str(path), "--key", key]) == 0
    told = capsys.readouterr().out
    for words in ("M.Tan (meridian, SG)", "g-1 by chris.smit", "COMPLETE", "UNWITNESSED", "VERIFIED."):
        assert words in told
    assert main([str(path), "--key", key, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "complete"
    stranger = NoteSigner.generate("witness.example", algorithm=COSIGNATURE)
    assert main([str(path), "--key", key, "--witness", str(stranger.verifier)]) == 1
    assert "NOT VERIFIED." in capsys.readouterr().out
    path.write_bytes(path.read_bytes().replace(b'"first":0', b'"first":1'))
    assert main([str(path), "--key", key]) == 1
    assert "NOT VERIFIED" in capsys.readouterr().err
    assert main([str(tmp_path / "absent"), "--key", key, "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["verified"] is False
    log.signer.save(tmp_path / "private")
    for arguments, says in (
        ((tmp_path / "absent", "--key", key), f"cannot read {tmp_path}/absent"),
        ((path, "--key", tmp_path / "nokey"), f"cannot read {tmp_path}/nokey"),
        ((path, "--key", tmp_path / "private"), "is private"),
        ((path, "--key", "a+b+c"), "Base64"),
        (("log", tmp_path, "--key", key), f"cannot read {tmp_path}/checkpoint"),
        (("log", tmp_path / "absent", "--key", key), "cannot read"),
    ):
        assert main([str(argument) for argument in arguments]) == 2
        told = " ".join(capsys.readouterr().err.split())
        assert told.startswith("NOTHING CHECKED") and says in told, told
    assert main(["log", str(log.tiles.objects.home), "--key", key]) == 0
    assert "51 entries" not in capsys.readouterr().out


def test_what_the_command_tells_fits_a_terminal(log: Log, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(log)
    organisation = "an-organisation-with-a-name-" * 4
    log.append([Event("organisation", detail={"organisation": organisation, "name": "x", "country": "NL", "operator": False})])
    log.append(
        [Event("actor", detail={"actor": "j.long", "name": "Jan " * 30 + "\x1b[2J", "organisation": organisation, "roles": [], "status": "active"})]
    )
    log.append([look(1, actor="j.long", organisation=organisation, detail={"masked": True, "ticket": "T" * 100, "medium": "desk", "count": 1})])
    path, key = tmp_path / "bundle.json", str(log.signer.verifier)
    path.write_bytes(export_bundle(log, subject=subject(1)))
    assert main([str(path), "--key", key]) == 0
    assert main(["log", str(log.tiles.objects.home), "--key", key]) == 0
    told = capsys.readouterr().out
    assert max(len(line) for line in told.split("\n")) <= 80
    assert "Jan Jan Jan" in told and "\x1b" not in told and "WHOLE" in told


def _copy(log: Log, to: Path) -> Path:
    log.checkpoint()
    return Path(shutil.copytree(log.tiles.objects.home, to))


def test_any_byte_changed_in_a_copied_log_fails(log: Log, tmp_path: Path) -> None:
    fill(log)
    log.checkpoint()
    log.append([look(number % 7) for number in range(500)])
    copy = _copy(log, tmp_path / "copy")
    keys = [read_key(str(log.signer.verifier))]
    assert check_log(copy, keys, [])[0].size == 550
    files = sorted(path for path in copy.rglob("*") if path.is_file())
    assert {path.relative_to(copy).parts[0] for path in files} == {"checkpoint", "tile", "body", "chunk"}
    chance = random.Random(2)
    for path in files * 4:
        raw = path.read_bytes()
        at = chance.randrange(len(raw))
        path.write_bytes(raw[:at] + bytes([raw[at] ^ (1 << chance.randrange(8))]) + raw[at + 1 :])
        with pytest.raises(Invalid):
            check_log(copy, keys, [])
        path.write_bytes(raw)
    for path in files:
        moved = path.rename(tmp_path / "away")
        if "body" in path.parts and len(list((copy / "body").rglob("*"))) == 0:
            continue
        with pytest.raises((Invalid, FileNotFoundError)):
            check_log(copy, keys, [])
        moved.rename(path)
    (copy / "tile" / "notes.txt").write_text("hello")
    with pytest.raises(Invalid):
        check_log(copy, keys, [])


def test_a_public_mirror_needs_no_bodies(log: Log, tmp_path: Path) -> None:
    fill(log)
    copy = _copy(log, tmp_path / "copy")
    shutil.rmtree(copy / "body")
    shutil.rmtree(copy / "chunk")
    assert check_log(copy, [read_key(str(log.signer.verifier))], [])[0].size == 50


def test_a_copy_taken_while_the_log_grows_is_checked_up_to_its_checkpoint(log: Log, tmp_path: Path) -> None:
    fill(log)
    checkpoint = log.checkpoint()
    log.append([look()] * 600)
    copy = _copy(log, tmp_path / "copy")
    (copy / "checkpoint").write_bytes(checkpoint)
    head, beyond = check_log(copy, [read_key(str(log.signer.verifier))], [])
    assert head.size == 50
    assert beyond == 7  # two more bundles of three kinds, and the tile of level 1


def test_a_large_copied_log_is_checked_on_all_cores(log: Log, tmp_path: Path) -> None:
    log.append([look(number % 7) for number in range(65 * 256 + 3)])
    copy = _copy(log, tmp_path / "copy")
    keys = [read_key(str(log.signer.verifier))]
    assert check_log(copy, keys, [])[0].size == 65 * 256 + 3
    bundle = copy / "tile/entries/064"
    bundle.write_bytes(bundle.read_bytes().replace(b'"v":1', b'"v":2', 1))
    with pytest.raises(Invalid):
        check_log(copy, keys, [])
