"""A whole keeper whose tiles lie in an S3-compatible service: it serves while that is away, is restored from it, and begins a new log beside it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.keeper import RunningKeeper, new_subject, start_keeper
from fixtures.s3 import Service
from fixtures.witness import until
from hoeksteen_keeper.client import KeeperUnavailable, SealItem
from hoeksteen_keeper.evidence.keys import NoteSigner
from hoeksteen_keeper.evidence.notes import Checkpoint
from hoeksteen_keeper.verify.bundle import check_bundle
from hoeksteen_keeper.verify.formats import read_key
from hoeksteen_keeper.verify.tilelog import check_log


@pytest.fixture
def keeper(s3: Service) -> Iterator[RunningKeeper]:
    with tempfile.TemporaryDirectory(prefix="hk") as folder:
        running = start_keeper(Path(folder), s3.configure)
        try:
            yield running
        finally:
            running.stop()
            running.cluster.stop()


def _key(keeper: RunningKeeper) -> str:
    return str(NoteSigner.load(keeper.home / "keys" / "log-signing").verifier)


def _emptied(keeper: RunningKeeper) -> None:
    keeper.cluster.as_superuser("DROP DATABASE keeper", database="postgres")
    keeper.cluster.as_superuser("CREATE DATABASE keeper OWNER keeper", database="postgres")


def test_a_keeper_with_its_tiles_in_object_storage(keeper: RunningKeeper, s3: Service, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    own, backup = ("--home", keeper.home, "--dsn", keeper.dsn), tmp_path / "backup"
    bss, officer = keeper.client("bss"), keeper.client("dewi.hoekstra")
    item = SealItem(new_subject(), {"kind": "individual", "family_name": "Berg"})
    another = keeper.folder / "another"  # a new keeper does not begin on top of this one's log
    s3.configure(another)
    refused = keeper.run("init", "--home", another, "--dsn", keeper.dsn, check=False)
    assert refused.returncode == 1 and "holds a log already" in refused.stderr and not (another / "keys").exists()
    (blob,) = bss.seal(purpose="migration", category="identity", items=[item])

    def look() -> None:
        bss.reveal(purpose="billing", category="identity", items=[(item.subject, blob)])

    look()
    assert not (keeper.home / "tiles").exists()
    verdict = check_bundle(officer.export_bundle(subject=item.subject), [read_key(_key(keeper))], [])
    assert verdict.complete and len(verdict.rows) >= 2
    keeper.run("backup", *own, "--out", backup)

    # storage is away: every worker goes on, checkpoints wait
    s3.stop()
    for _ in range(30):
        look()
    with pytest.raises(KeeperUnavailable, match="tiles_unavailable"):
        officer.export_bundle(subject=item.subject)
    entries = int(keeper.sql("SELECT size FROM evidence.head"))
    s3.start()
    until(lambda: Checkpoint.parse(s3.get("checkpoint")).size >= entries)
    assert keeper.client("chris.smit").fsck()["ok"]
    keeper.stop()

    # the database is lost: the backup, and the entries since out of the bucket
    _emptied(keeper)
    s3.stop()
    away = keeper.run("restore", backup, *own, check=False)
    assert away.returncode == 1 and "tiles_unavailable" in away.stderr
    refused = keeper.run("serve", *own, "--socket", keeper.socket_path, "--port", keeper.port, check=False)
    assert refused.returncode == 1 and "tiles_unavailable" in refused.stderr
    assert "tiles_unavailable" in keeper.run("new-log", *own, "--reason", "x", "--yes", check=False).stderr  # away is not lost
    s3.start()
    keeper.start()
    assert int(keeper.sql("SELECT size FROM evidence.head")) > entries
    assert keeper.run("fsck", *own).returncode == 0
    keeper.stop()
    assert check_log(s3.copy(tmp_path / "copy"), [read_key(_key(keeper))], [])[0].size > entries

    # the bucket is emptied as well: a new log under another prefix, and the old one is not touched
    old = _key(keeper)
    _emptied(keeper)
    for name in s3.names():
        if name.startswith("body/"):
            s3.delete(name)
    left = {name: s3.get(name) for name in s3.names()}
    refused = keeper.run("restore", backup, *own, check=False)
    assert refused.returncode == 1 and "behind_tiles" in refused.stderr and "new-log" in refused.stderr
    new = keeper.run("new-log", *own, "--reason", "bodies are gone from the bucket", "--yes").stdout.strip()
    assert new != old and new == _key(keeper)
    keeper.start()
    look()
    verdict = check_bundle(keeper.client("dewi.hoekstra").export_bundle(subject=item.subject), [read_key(new)], [])
    assert verdict.complete and verdict.origin.endswith("#2")
    assert {name: s3.get(name) for name in s3.names()} == left
    assert check_log(s3.copy(tmp_path / "second", "log.2/"), [read_key(new)], [])[0].size >= verdict.size
