"""After a shred nothing opens it: not the keys that are left, not an old bundle, a copy of the database, or yesterday's backup."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fixtures.keeper import RunningKeeper, new_subject
from hoeksteen.host.cluster import Cluster, binaries
from hoeksteen.host.os_users import own
from hoeksteen.host.processes import run_as
from hoeksteen_keeper.client import KeeperRefused, SealItem, Term
from hoeksteen_keeper.service.clock import now

Rows = Sequence[tuple[int, bytes]]
_EPOCHS = "SELECT epoch, encode(wrapped, 'hex') FROM vault.epoch WHERE wrapped IS NOT NULL"
_KEYS = "SELECT generation, encode(wrapped, 'hex') FROM vault.subject_key"
REPLAYS_WITHIN_SECONDS = 30.0


def epoch_rows(keeper: RunningKeeper, cluster: Cluster | None = None) -> Rows:
    """Every wrapped epoch key that the database administrator reads, of the keeper's cluster or of a copy."""
    return _pairs((cluster or keeper.cluster).as_superuser(_EPOCHS, database="keeper"))


def key_rows(keeper: RunningKeeper, cluster: Cluster | None = None) -> Rows:
    """Every wrapped key of a subject, with its generation."""
    return _pairs((cluster or keeper.cluster).as_superuser(_KEYS, database="keeper"))


def keks(keeper: RunningKeeper) -> list[bytes]:
    return [path.read_bytes() for path in (keeper.home / "keys").glob("kek*")]


def _pairs(text: str) -> Rows:
    return [(int(number), bytes.fromhex(wrapped)) for number, wrapped in (line.split("|") for line in text.splitlines())]


def thief_opens(blob: bytes, subject: UUID, *, keks: Sequence[bytes], epochs: Rows, keys: Rows) -> bool:
    """Try every KEK on every epoch key, each of those on every wrapped key, and each of those on the blob: docs/formats.md, section 1."""
    contexts = [b"hoeksteen key" + blob[1:2] + generation.to_bytes(4, "big") + subject.bytes for generation in (1, 2)]
    opened = [_tried(kek, wrapped, b"hoeksteen epoch" + epoch.to_bytes(8, "big")) for kek in keks for epoch, wrapped in epochs]
    found = [_tried(epoch, wrapped, context) for epoch in opened if epoch for _, wrapped in keys for context in contexts]
    return any(_tried(key, blob[6:], b"hoeksteen seal" + blob[:6] + subject.bytes) for key in found if key)


def _tried(key: bytes, sealed: bytes, context: bytes) -> bytes | None:
    try:
        return AESGCM(key).decrypt(sealed[:12], sealed[12:], context)
    except InvalidTag:
        return None


def test_nothing_opens_what_was_shredded(own_keeper: RunningKeeper, tmp_path: Path) -> None:
    keeper, bss, dewi = own_keeper, own_keeper.client("bss"), own_keeper.client("dewi.hoekstra")
    subject, kept = new_subject(), new_subject()
    items = [SealItem(s, {"family_name": "Plantvalue"}, {"customer_number": [Term("K1")]}) for s in (subject, kept)]
    blob, other = bss.seal(purpose="migration", category="identity", items=items)
    bundle = dewi.export_bundle(subject=subject)
    yesterday = tmp_path / "yesterday.sql"
    yesterday.write_bytes(subprocess.run([str(binaries() / "pg_dump"), keeper.dsn], check=True, capture_output=True).stdout)
    old_epochs, old_keys, old_keks = epoch_rows(keeper), key_rows(keeper), keks(keeper)
    assert thief_opens(blob, subject, keks=old_keks, epochs=old_epochs, keys=old_keys), "this thief knows the formats"
    dewi.shred(subject=subject, category=None, reason="request")

    # the keys that are left, with the KEK; an old bundle
    assert not thief_opens(blob, subject, keks=keks(keeper), epochs=epoch_rows(keeper), keys=key_rows(keeper))
    assert thief_opens(other, kept, keks=keks(keeper), epochs=epoch_rows(keeper), keys=key_rows(keeper))
    parts = json.loads(bundle)
    assert not any(wrapped.hex() in bundle.decode() for _, wrapped in (*old_keys, *old_epochs)) and "Plantvalue" not in json.dumps(parts)

    # a copy of the cluster's files, as a replica is one
    keeper.stop()
    keeper.cluster.stop()
    copy = Cluster(keeper.folder / "replica", keeper.cluster.sockets, keeper.cluster.server_user, keeper.cluster.roles)
    subprocess.run(["cp", "-a", keeper.cluster.data, copy.data], check=True)
    copy.start()
    try:
        assert copy.as_superuser(f"SELECT count(*) FROM vault.subject_key WHERE subject = '{subject}'", database="keeper") == "0"
        assert copy.as_superuser(f"SELECT count(*) FROM vault.subject_key WHERE subject = '{kept}'", database="keeper") == "1"
    finally:
        copy.stop()
        shutil.rmtree(copy.data)

    # yesterday's backup, restored: shredded again before anything is served
    keeper.cluster.start()
    keeper.cluster.as_superuser("ALTER DATABASE keeper RENAME TO today")
    keeper.cluster.ensure_database("keeper", owner="keeper")
    restored = [str(binaries() / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", keeper.dsn, "-f", str(yesterday)]
    subprocess.run(restored, check=True, capture_output=True)
    assert keeper.sql(f"SELECT count(*) FROM vault.subject_key WHERE subject = '{subject}'") == "1"
    keeper.start()
    assert keeper.sql(f"SELECT count(*) FROM vault.subject_key WHERE subject = '{subject}'") == "0"
    with pytest.raises(KeeperRefused, match="shredded"):
        bss.reveal(purpose="migration", category="identity", items=[(subject, blob)])
    assert [hit.subject for hit in bss.lookup(purpose="migration", index="customer_number", values=["K1"])[0]] == [kept]

    # what lives on in files and backups opens with the KEK of then, until that has ended
    assert thief_opens(blob, subject, keks=keks(keeper), epochs=old_epochs, keys=old_keys)
    later = (now() + timedelta(minutes=1)).isoformat(timespec="seconds")
    command = ("--home", keeper.home, "--dsn", keeper.dsn)
    keeper.run("key", "rotate-kek", *command)
    assert thief_opens(blob, subject, keks=keks(keeper), epochs=epoch_rows(keeper), keys=old_keys), "an epoch key that lives on opens an old row"
    keeper.run("key", "rotate-epochs", "--before", later, *command)
    between = epoch_rows(keeper)
    keeper.run("key", "rotate-kek", *command)
    every = (*old_epochs, *between, *epoch_rows(keeper))
    assert not thief_opens(blob, subject, keks=keks(keeper), epochs=every, keys=(*old_keys, *key_rows(keeper)))
    assert bss.reveal(purpose="migration", category="identity", items=[(kept, other)])[0].fields == {"family_name": "Plantvalue"}


@contextmanager
def streaming_replica(keeper: RunningKeeper) -> Iterator[Cluster]:
    """A standby of the keeper's cluster that follows it by streaming replication, as operators run one."""
    primary, user = keeper.cluster, keeper.cluster.server_user
    replica = Cluster(keeper.folder / "standby", keeper.folder / "srun", user, primary.roles)

    def append(file: Path, text: str) -> None:
        run_as(user, ["/bin/sh", "-c", 'cat >> "$0"', file], input_text=text, check=True)

    append(primary.data / "pg_hba.conf", "local replication postgres peer map=server\n")
    run_as(user, [binaries() / "pg_ctl", "reload", "-D", primary.data], check=True)
    own(replica.data, user, mode=0o700)
    taken = [binaries() / "pg_basebackup", "-D", replica.data, "-R", "-X", "stream", "-c", "fast", "-h", primary.sockets, "-U", "postgres"]
    run_as(user, taken, check=True)
    append(replica.data / "postgresql.auto.conf", f"unix_socket_directories = '{replica.sockets}'\n")
    replica.start()
    try:
        assert replica.as_superuser("SELECT pg_is_in_recovery()") == "t"
        yield replica
    finally:
        replica.stop()


def replayed(keeper: RunningKeeper, replica: Cluster) -> None:
    """Wait until the replica has replayed everything that the keeper's database wrote until now."""
    written, deadline = keeper.sql("SELECT pg_current_wal_flush_lsn()"), time.monotonic() + REPLAYS_WITHIN_SECONDS
    while replica.as_superuser(f"SELECT pg_last_wal_replay_lsn() >= '{written}'") != "t":
        assert time.monotonic() < deadline, "the replica does not follow"
        time.sleep(0.05)


def test_nothing_opens_what_was_shredded_on_a_streaming_replica(own_keeper: RunningKeeper) -> None:
    keeper, bss, dewi = own_keeper, own_keeper.client("bss"), own_keeper.client("dewi.hoekstra")
    subject, kept = new_subject(), new_subject()
    items = [SealItem(s, {"family_name": "Plantvalue"}, {"customer_number": [Term("K1")]}) for s in (subject, kept)]
    blob, other = bss.seal(purpose="migration", category="identity", items=items)
    with streaming_replica(keeper) as replica:
        replayed(keeper, replica)
        assert thief_opens(blob, subject, keks=keks(keeper), epochs=epoch_rows(keeper, replica), keys=key_rows(keeper, replica))

        # cut off just before the shred, it holds the row yet
        replica.as_superuser("SELECT pg_wal_replay_pause()")
        while replica.as_superuser("SELECT pg_get_wal_replay_pause_state()") != "paused":
            time.sleep(0.05)
        dewi.shred(subject=subject, category=None, reason="request")
        cut_off = epoch_rows(keeper, replica), key_rows(keeper, replica)
        assert thief_opens(blob, subject, keks=keks(keeper), epochs=cut_off[0], keys=cut_off[1])

        # once it has replayed it, nothing that a reader of its tables gets opens the blob, nor finds the subject
        replica.as_superuser("SELECT pg_wal_replay_resume()")
        replayed(keeper, replica)
        assert not thief_opens(blob, subject, keks=keks(keeper), epochs=epoch_rows(keeper, replica), keys=key_rows(keeper, replica))
        assert thief_opens(other, kept, keks=keks(keeper), epochs=epoch_rows(keeper, replica), keys=key_rows(keeper, replica))
        for table in ("subject_key", "blind_token"):
            count = f"SELECT count(*) FROM vault.{table} WHERE subject = "
            assert [replica.as_superuser(f"{count}'{whose}'", database="keeper") for whose in (subject, kept)] == ["0", "1"]

        # what was cut off, and what its pages and write-ahead log hold, ends with the KEK (decision 0014)
        later, command = (now() + timedelta(minutes=1)).isoformat(timespec="seconds"), ("--home", keeper.home, "--dsn", keeper.dsn)
        keeper.run("key", "rotate-epochs", "--before", later, *command)
        keeper.run("key", "rotate-kek", *command)
        replayed(keeper, replica)
        every = (*cut_off[0], *epoch_rows(keeper), *epoch_rows(keeper, replica))
        assert not thief_opens(blob, subject, keks=keks(keeper), epochs=every, keys=(*cut_off[1], *key_rows(keeper, replica)))
        assert thief_opens(other, kept, keks=keks(keeper), epochs=epoch_rows(keeper, replica), keys=key_rows(keeper, replica))
    assert bss.reveal(purpose="migration", category="identity", items=[(kept, other)])[0].fields == {"family_name": "Plantvalue"}
