"""A keeper restored from yesterday's backup: it catches up and ends again what ended since, or it signs nothing until a new log names the break."""

import shutil
import stat
from pathlib import Path

import pytest

from fixtures.keeper import RunningKeeper, new_subject
from hoeksteen_keeper.client import KeeperRefused, SealItem
from hoeksteen_keeper.evidence.keys import NoteSigner
from hoeksteen_keeper.verify.bundle import check_bundle
from hoeksteen_keeper.verify.cli import main
from hoeksteen_keeper.verify.formats import read_key

FIELDS = {"kind": "individual", "family_name": "Berg"}


def _emptied(keeper: RunningKeeper) -> None:
    keeper.cluster.as_superuser("DROP DATABASE keeper", database="postgres")
    keeper.cluster.as_superuser("CREATE DATABASE keeper OWNER keeper", database="postgres")


def _sealed(keeper: RunningKeeper) -> SealItem:
    item = SealItem(new_subject(), FIELDS)
    (blob,) = keeper.client("bss").seal(purpose="migration", category="identity", items=[item])
    return SealItem(item.subject, {"blob": blob})


def _opened(keeper: RunningKeeper, sealed: SealItem) -> object:
    (found,) = keeper.client("bss").reveal(purpose="billing", category="identity", items=[(sealed.subject, sealed.fields["blob"])])
    return found.fields


def _could(keeper: RunningKeeper, sealed: SealItem) -> set[tuple[str, str, str | None]]:
    answer = keeper.client("dewi.hoekstra").could_see(subject=sealed.subject)
    return {(row["actor"], row["purpose"], row["grant"]) for row in answer["actors"]}


def test_yesterdays_backup(own_keeper: RunningKeeper, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keeper, backup = own_keeper, tmp_path / "yesterday"
    tmp_path.chmod(0o777)
    own = ("--home", keeper.home, "--dsn", keeper.dsn)
    kept, gone = _sealed(keeper), _sealed(keeper)
    logged_in = keeper.session("bram.visser").token
    grant = keeper.client("m.tan").request_grant(purpose="support", categories=["identity"], subjects=[kept.subject], ticket="INC-1", minutes=60)
    keeper.approve(grant["id"])
    keeper.run("backup", *own, "--out", backup)
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert "backup_exists" in keeper.run("backup", *own, "--out", backup, check=False).stderr

    # today: somebody is erased, a grant is revoked, an actor is stopped
    keeper.client("dewi.hoekstra").shred(subject=gone.subject, category=None, reason="asked for")
    keeper.client("chris.smit").revoke_grant(grant=grant["id"], reason="done")
    keeper.client("chris.smit").kill(scope="actor", target="w.lim", reason="left")
    before = keeper.client("dewi.hoekstra").did_see(subject=kept.subject)
    assert "keeper_serves" in keeper.run("restore", backup, *own, check=False).stderr
    keeper.stop()
    _emptied(keeper)
    for damaged in (backup.read_bytes()[:-20_000], backup.read_bytes().replace(b"anna.dekker", b"anna.bakker")):
        (tmp_path / "damaged").write_bytes(damaged)
        refused = keeper.run("restore", tmp_path / "damaged", *own, check=False)
        assert refused.returncode == 1 and "backup_invalid" in refused.stderr
    assert keeper.sql("SELECT count(*) FROM pg_namespace WHERE nspname IN ('vault', 'access', 'evidence')").strip() == "0"  # nothing half-done
    assert "The log goes on from entry" in keeper.run("restore", backup, *own).stdout
    assert "not_empty" in keeper.run("restore", backup, *own, check=False).stderr
    keeper.start()
    with pytest.raises(KeeperRefused, match="token_expired"):  # who may have logged out since is not logged in again
        keeper.client("desk").session(logged_in)
    assert _opened(keeper, kept) == FIELDS
    with pytest.raises(KeeperRefused, match="shredded"):
        _opened(keeper, gone)
    assert keeper.client("chris.smit").grant(grant=grant["id"])["state"] == "revoked"
    with pytest.raises(KeeperRefused, match="actor_blocked"):
        keeper.client("w.lim").checkpoint()
    assert keeper.client("dewi.hoekstra").did_see(subject=kept.subject)[: len(before)] == before
    assert keeper.client("chris.smit").fsck()["ok"]
    could = _could(keeper, kept)

    # the tiles are lost as well: nothing is signed before a new log says so
    old_key = str(NoteSigner.load(keeper.home / "keys" / "log-signing").verifier)
    assert "log_whole" in keeper.run("new-log", *own, "--reason", "x", "--yes", check=False).stderr
    keeper.stop()
    _emptied(keeper)
    shutil.rmtree(keeper.home / "tiles")
    refused = keeper.run("restore", backup, *own, check=False)
    assert refused.returncode == 1 and "checkpoint_missing" in refused.stderr and "new-log" in refused.stderr
    assert "checkpoint_missing" in keeper.run("serve", *own, "--socket", keeper.socket_path, "--port", keeper.port, check=False).stderr
    new_key = keeper.run("new-log", *own, "--reason", "the disk with the tiles is gone", "--yes").stdout.strip()
    assert keeper.sql("SELECT count(*) FROM pg_indexes WHERE schemaname = 'evidence' AND indexname = 'entry_fact'").strip() == "1"
    assert new_key != old_key and str(NoteSigner.load(keeper.home / "keys" / "log-signing.1").verifier) == old_key
    keeper.start()
    first = keeper.sql("SELECT kind || ' ' || convert_from(body, 'UTF8') FROM evidence.entry WHERE index = 0")
    assert first.startswith("break ") and old_key in first and "the disk with the tiles is gone" in first
    assert _opened(keeper, kept) == _opened(keeper, gone) == FIELDS  # what ended after the backup is lost with the tiles, and the break says so
    assert _could(keeper, kept) == could | {("m.tan", "support", grant["id"])}
    assert keeper.client("chris.smit").fsck()["ok"]
    # who saw whom before the break is still told, also after another restore
    dewi, told = keeper.client("dewi.hoekstra"), [{key: row[key] for key in row if key != "log"} for row in before]
    seen = dewi.did_see(subject=kept.subject)
    assert [{key: row[key] for key in row if key != "log"} for row in seen[: len(told)]] == told and seen[0]["log"] and seen[-1]["log"] is None
    pages = seen[:1]
    while len(pages) < len(seen):  # each question is an entry about them as well
        pages += dewi.did_see(subject=kept.subject, after=pages[-1]["index"], limit=1)
    assert pages == seen
    then = dewi.could_see(subject=kept.subject, since=before[0]["time"])
    assert {row["actor"] for row in then["actors"] if row["until"]} >= {"m.tan"} and any("log-ended" in finding for finding in then["findings"])
    again = tmp_path / "again"
    keeper.run("backup", *own, "--out", again)
    keeper.stop()
    _emptied(keeper)
    keeper.run("restore", again, *own)
    keeper.start()
    assert keeper.client("dewi.hoekstra").did_see(subject=kept.subject)[: len(told)] == seen[: len(told)]
    (tmp_path / "bundle").write_bytes(keeper.client("dewi.hoekstra").export_bundle(subject=kept.subject))
    verdict = check_bundle((tmp_path / "bundle").read_bytes(), [read_key(new_key)], [])
    assert verdict.complete and verdict.origin.endswith("#2")
    assert main([str(tmp_path / "bundle"), "--key", new_key]) == 0 and "NEW LOG" in capsys.readouterr().out


def test_a_backup_from_before_its_kek_ended_is_not_called_restored(own_keeper: RunningKeeper, tmp_path: Path) -> None:
    keeper = own_keeper
    own = ("--home", keeper.home, "--dsn", keeper.dsn)
    keeper.client("bss").seal(purpose="migration", category="identity", items=[SealItem(new_subject(), {"family_name": "Berg"})])
    keeper.run("backup", *own, "--out", tmp_path / "backup")
    keeper.run("key", "rotate-kek", *own)
    keeper.stop()
    _emptied(keeper)
    refused = keeper.run("restore", tmp_path / "backup", *own, check=False)
    assert refused.returncode == 1 and "kek_gone" in refused.stderr
