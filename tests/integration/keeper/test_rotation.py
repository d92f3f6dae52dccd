"""Keys are replaced beside a keeper that serves, and whatever is cut off leaves one that opens everything."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fixtures.keeper import RunningKeeper, new_subject
from hoeksteen_keeper.client import KeeperCorrupt, KeeperError, KeeperInvalid, KeeperRefused, SealItem, Term
from hoeksteen_keeper.service.clock import now
from hoeksteen_keeper.service.opening import opened_rotation
from hoeksteen_keeper.vault.blind import key_name, replace_tokens
from hoeksteen_keeper.vault.keys import Wanted, epoch_context

LATER = (now() + timedelta(days=1)).isoformat(timespec="seconds")


def key_command(keeper: RunningKeeper, *arguments: str, check: bool = True) -> str:
    """Run one of the commands of the keeper's own OS user."""
    done = keeper.run("key", *arguments, "--home", keeper.home, "--dsn", keeper.dsn, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout or done.stderr


def restarted(keeper: RunningKeeper) -> None:
    keeper.stop()
    keeper.start()


def key_events(keeper: RunningKeeper) -> list[str]:
    return keeper.sql("SELECT convert_from(body, 'UTF8')::jsonb->'detail'->>'event' FROM evidence.entry WHERE kind = 'key' ORDER BY index").split()


def seal(keeper: RunningKeeper, count: int = 3, **terms: str) -> list[tuple[UUID, bytes]]:
    """Seal the identities N0, N1 and so on; terms of an index of contact details are sealed with those."""
    items = [SealItem(new_subject(), {"family_name": f"N{i}"}) for i in range(count)]
    blobs = keeper.client("bss").seal(purpose="migration", category="identity", items=items)
    for index, value in terms.items():
        contact = [SealItem(item.subject, {"emails": []}, {index: [Term(value)]}) for item in items]
        keeper.client("bss").seal(purpose="migration", category="contact", items=contact)
    return [(item.subject, blob) for item, blob in zip(items, blobs, strict=True)]


def opens(keeper: RunningKeeper, sealed: list[tuple[UUID, bytes]]) -> bool:
    revealed = keeper.client("bss").reveal(purpose="migration", category="identity", items=sealed)
    return [one.fields for one in revealed] == [{"family_name": f"N{i}"} for i in range(len(sealed))]


def test_the_kek_is_replaced_while_the_keeper_serves(keeper: RunningKeeper) -> None:
    kek = (keeper.home / "keys" / "kek").read_bytes()
    sealed = seal(keeper, phone="0612345601")
    before = keeper.sql("SELECT wrapped FROM vault.epoch ORDER BY epoch")
    (keeper.home / "keys" / "log-tags.wrapped").write_bytes(  # as keepers of before named nothing
        (keeper.home / "keys" / "log-tags.wrapped").read_bytes().partition(b"\n")[2]
    )
    assert "kek_in_use" in key_command(keeper, "destroy-old-keks", check=False), "the old KEK may be what wraps the tag key"
    assert "epoch keys are under file:" in key_command(keeper, "rotate-kek", "--keep-old")
    assert sorted(path.name for path in (keeper.home / "keys").glob("kek*"))[0] == "kek" and len(list((keeper.home / "keys").glob("kek*"))) == 2
    assert (keeper.home / "keys" / "kek").read_bytes() != kek and keeper.sql("SELECT wrapped FROM vault.epoch ORDER BY epoch") != before
    keeper.sql("UPDATE vault.epoch SET keys = 4096")  # the keeper that serves makes its next epoch key, under the new KEK
    later = seal(keeper)
    assert keeper.sql("SELECT count(DISTINCT kek) FROM vault.epoch WHERE wrapped IS NOT NULL") == "1"
    assert key_command(keeper, "destroy-old-keks").strip() == "1 destroyed"
    assert not any(kek in path.read_bytes() for path in (keeper.home / "keys").iterdir())
    assert opens(keeper, sealed) and opens(keeper, later)
    restarted(keeper)
    assert opens(keeper, sealed) and opens(keeper, later)
    assert keeper.client("chris.smit").fsck()["ok"] is True
    assert key_events(keeper)[-3:] == ["kek_rotating", "kek_rotated", "kek_destroyed"]


STEPS = {
    "before the switch": ("hoeksteen_keeper.vault.providers.file", "FileProvider.rotate", "before"),
    "linked": ("hoeksteen_keeper.vault.providers.file", "replace_secret", "before"),
    "switched": ("hoeksteen_keeper.vault.providers.file", "FileProvider.rotate", "after"),
    "some epochs": ("hoeksteen_keeper.vault.rotation", "Rotation._rewrap_epochs", "after"),
    "tags": ("hoeksteen_keeper.vault.rotation", "write_log_tags", "after"),
    "destroying": ("hoeksteen_keeper.vault.providers.file", "FileProvider.destroy", "before"),
    "epochs: new one": ("hoeksteen_keeper.vault.keys", "Keys.new_epoch", "after"),
    "epochs: named": ("hoeksteen_keeper.vault.rotation", "Rotation._rewrap_named", "after"),
    "epochs: subjects": ("hoeksteen_keeper.vault.rotation", "Rotation._rewrap_subjects", "after"),
    "index: key": ("hoeksteen_keeper.vault.keys", "Keys.named", "after"),
    "index: layer": ("hoeksteen_keeper.vault.rotation", "Rotation._layer_tokens", "after"),
}
COMMANDS = {"epochs": ("rotate-epochs", "--before", LATER), "index": ("rotate-index", "phone")}
KILLED = """
import importlib, os, signal, sys
module, name, when = sys.argv[1:4]
sys.argv[1:4] = []
holder = importlib.import_module(module)
*of, name = name.split(".")
for part in of:
    holder = getattr(holder, part)
deed = getattr(holder, name)
def killed(*arguments, **more):
    if when == "after":
        deed(*arguments, **more)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(holder, name, killed)
from hoeksteen_keeper.service.cli.main import main
main()
"""


def killed_at(keeper: RunningKeeper, step: str, *command: str) -> None:
    """Run a command in a process that kills itself at one step."""
    arguments = [*STEPS[step], "key", *command, "--home", str(keeper.home), "--dsn", keeper.dsn]
    assert subprocess.run([sys.executable, "-c", KILLED, *arguments], capture_output=True).returncode == -signal.SIGKILL


@pytest.mark.slow
def test_a_rotation_that_is_killed_at_any_step_leaves_a_keeper_that_opens_everything(keeper: RunningKeeper) -> None:
    sealed = seal(keeper, phone="0612345609")
    for step in STEPS:
        command = COMMANDS.get(step.partition(":")[0], ("rotate-kek",)) if ":" in step else ("rotate-kek",)
        killed_at(keeper, step, *command)
        keeper.sql("UPDATE vault.epoch SET keys = 4096")
        assert opens(keeper, sealed), step
        restarted(keeper)
        assert opens(keeper, sealed), step
        assert len(keeper.client("bss").lookup(purpose="migration", index="phone", values=["0612345609"])[0]) == 3, step
        key_command(keeper, *command)
        assert opens(keeper, sealed), step
        assert len(keeper.client("bss").lookup(purpose="migration", index="phone", values=["0612345609"])[0]) == 3, step
    assert sorted(path.name for path in (keeper.home / "keys").glob("kek*")) == ["kek"]
    assert keeper.sql("SELECT count(DISTINCT kek) FROM vault.epoch WHERE wrapped IS NOT NULL") == "1"


def test_epoch_keys_are_replaced_while_others_seal_and_open(keeper: RunningKeeper) -> None:
    stop, faults = threading.Event(), list[Exception]()
    sealed = seal(keeper, 100, phone="0612345602")
    made: list[list[tuple[UUID, bytes]]] = []

    def busy() -> None:
        try:
            while not stop.is_set():
                made.append(seal(keeper, 20))
                assert opens(keeper, sealed) and opens(keeper, made[-1])
        except (KeeperError, AssertionError) as fault:
            faults.append(fault)

    threads = [threading.Thread(target=busy) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(2):
            assert "epoch keys destroyed" in key_command(keeper, "rotate-epochs", "--before", LATER)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert faults == [] and len(made) > 3
    restarted(keeper)
    assert opens(keeper, sealed) and all(opens(keeper, one) for one in made)
    assert keeper.sql("SELECT count(*) FROM vault.epoch e JOIN vault.subject_key k USING (epoch) WHERE e.wrapped IS NULL") == "0"
    assert int(keeper.sql("SELECT count(*) FROM vault.epoch WHERE wrapped IS NULL")) >= 2
    assert key_events(keeper)[-2:] == ["epochs_rotating", "epochs_destroyed"]


def test_a_reader_that_a_rotation_overtook_reads_again(keeper: RunningKeeper) -> None:
    """It has read a wrapped key, and before it unwraps it the key is under another epoch key, the KEK another, and the old ones are gone."""
    (subject, _), key = seal(keeper, 1)[0], f"overtaken:{new_subject()}"
    with opened_rotation(dsn=keeper.dsn, home=keeper.home) as rotation, opened_rotation(dsn=keeper.dsn, home=keeper.home) as other:
        late, early = rotation.keys, other.keys
        value = early.named(key, make=True)
        (read,) = late.wanted([Wanted([subject], 1, [1])])
        assert not isinstance(read, KeeperError)
        other.rotate_epochs(before=now() + timedelta(days=1))
        other.rotate_kek()
        (again,) = early.wanted([Wanted([subject], 1, [1])])
        assert not isinstance(again, KeeperError) and again[0].epoch > read[0].epoch
        nonce = bytes(12)
        sealed = late.ciphers(read, category=1)[0].encrypt(nonce, b"x", b"")
        assert early.ciphers(again, category=1)[0].decrypt(nonce, sealed, b"") == b"x"
        assert late.named(key, make=False) == value
        keeper.sql(f"UPDATE vault.subject_key SET epoch = {read[0].epoch} WHERE subject = '{subject}'")
        with pytest.raises(KeeperCorrupt, match="epoch_missing"):  # not for ever: a key whose epoch key is really lost is told
            late.ciphers(read, category=1)


@pytest.mark.parametrize("what", ["epochs", "index"])
def test_a_rotation_waits_for_whoever_still_writes_under_the_old_key(keeper: RunningKeeper, what: str) -> None:
    """It has begun before: its place under the old epoch key is reserved, the generation of the index is read, and the row comes late."""
    subject, value = new_subject(), "slow@example.nl"
    with opened_rotation(dsn=keeper.dsn, home=keeper.home) as slow, opened_rotation(dsn=keeper.dsn, home=keeper.home) as rotation:
        slow.keys.named(key_name("email", 1), make=True)
        turn = {"epochs": lambda: rotation.rotate_epochs(before=now() + timedelta(days=1)), "index": lambda: rotation.rotate_index("email")}[what]
        thread = threading.Thread(target=turn)
        with slow.store.transaction() as tx:
            slow.keys.for_sealing(tx, subjects=[subject], category=2)
            replace_tokens(tx, slow.keys, index="email", terms=[(subject, [(value, None)])])
            thread.start()
            thread.join(1.5)
            assert thread.is_alive()
        thread.join()
    table, old = {"epochs": ("vault.epoch JOIN vault.subject_key USING (epoch)", "vault.epoch.wrapped IS NULL"), "index": (
        "vault.blind_token JOIN vault.blind_index USING (index_id)", "blind_token.generation < blind_index.oldest"
    )}[what]  # fmt: skip
    assert keeper.sql(f"SELECT count(*) FROM {table} WHERE subject = '{subject}'") == "1"
    assert keeper.sql(f"SELECT count(*) FROM {table} WHERE subject = '{subject}' AND {old}") == "0"
    assert [hit.subject for hit in keeper.client("bss").lookup(purpose="migration", index="email", values=[value])[0]][-1] == subject


def test_the_key_of_a_subject_is_replaced_without_plaintext_leaving(keeper: RunningKeeper) -> None:
    bss, sealed = keeper.client("bss"), seal(keeper, 3)
    two = bss.seal(purpose="migration", category="identity", items=[SealItem(sealed[0][0], {"family_name": "N0"})])
    fresh = bss.rotate(purpose="migration", category="identity", items=sealed)
    assert {int.from_bytes(blob[2:6], "big") for blob in fresh} == {2}
    again = bss.rotate(purpose="migration", category="identity", items=[(sealed[0][0], two[0]), (sealed[1][0], sealed[1][1])])
    assert {int.from_bytes(blob[2:6], "big") for blob in again} == {2}, "the rest, and what is asked again, makes no further generation"
    renewed = list(zip([subject for subject, _ in sealed], fresh, strict=True))
    assert opens(keeper, sealed) and opens(keeper, renewed)
    subjects = [subject for subject, _ in sealed]
    assert bss.finish_rotation(purpose="migration", category="identity", subjects=subjects) == 3
    assert bss.finish_rotation(purpose="migration", category="identity", subjects=subjects) == 0
    assert opens(keeper, renewed)
    for old in ([sealed[0]], [(sealed[0][0], two[0])]):
        with pytest.raises(KeeperInvalid, match="unknown_key"):
            bss.reveal(purpose="migration", category="identity", items=old)
    assert [e["action"] for e in keeper.client("dewi.hoekstra").did_see(subject=subjects[1])][:2] == ["seal", "rotate"]


def test_who_may_not_seal_may_not_rotate_and_nobody_finishes_without_a_grant(keeper: RunningKeeper) -> None:
    subject, blob = seal(keeper, 1)[0]
    ask = {"purpose": "care", "category": "identity"}
    for actor, purpose in (("bram.visser", "billing"), ("m.tan", "support"), ("dewi.hoekstra", "care")):
        with pytest.raises(KeeperRefused, match=r"no_permission|no_grant"):
            keeper.client(actor).rotate(purpose=purpose, category="identity", items=[(subject, blob)])
    assert keeper.client("anna.dekker").rotate(**ask, items=[(subject, blob)])[0][2:6] == b"\0\0\0\2"
    with pytest.raises(KeeperRefused, match="no_grant"):
        keeper.client("anna.dekker").finish_rotation(**ask, subjects=[subject])
    keeper.client("dewi.hoekstra").shred(subject=subject, category=None, reason="request")
    with pytest.raises(KeeperRefused, match="shredded"):
        keeper.client("bss").rotate(purpose="migration", category="identity", items=[(subject, blob)])


def test_an_old_generation_that_a_restore_brings_back_is_ended_again(keeper: RunningKeeper) -> None:
    bss = keeper.client("bss")
    sealed, other = seal(keeper, 1), seal(keeper, 1)
    fresh = bss.rotate(purpose="migration", category="identity", items=[*sealed, *other])
    keeper.sql(f"CREATE TABLE kept AS SELECT * FROM vault.subject_key WHERE subject = '{sealed[0][0]}'")
    bss.finish_rotation(purpose="migration", category="identity", subjects=[sealed[0][0]])
    keeper.stop()
    keeper.sql("INSERT INTO vault.subject_key SELECT * FROM kept ON CONFLICT DO NOTHING; DROP TABLE kept")
    keeper.start()
    with pytest.raises(KeeperInvalid, match="unknown_key"):
        bss.reveal(purpose="migration", category="identity", items=sealed)
    assert opens(keeper, [(sealed[0][0], fresh[0])]) and opens(keeper, other), "what was not finished stays as it was"


def test_a_layer_goes_over_every_token_and_searches_find_the_same(keeper: RunningKeeper) -> None:
    bss, sealed = keeper.client("bss"), seal(keeper, 3, address="1234 ZZ|7|")
    whose = "WHERE index_id = 6 AND subject IN ({})".format(", ".join(f"'{subject}'" for subject, _ in sealed))

    def found() -> set[UUID]:
        return {hit.subject for hit in bss.lookup(purpose="migration", index="address", values=["1234zz|7"])[0]}

    def tokens() -> set[str]:
        return set(keeper.sql(f"SELECT DISTINCT encode(token, 'hex') FROM vault.blind_token {whose}").split())

    before = tokens()
    assert "tokens are of generation 2" in key_command(keeper, "rotate-index", "address")
    assert len(before) == len(tokens()) == 1 and before != tokens(), "equal values stay equal, as docs/formats.md says, and every token is another"
    assert found() == {subject for subject, _ in sealed}
    later = seal(keeper, 1, address="1234 ZZ|7|")
    assert keeper.sql("SELECT DISTINCT generation FROM vault.blind_token WHERE index_id = 6") == "2"
    assert found() == {subject for subject, _ in (*sealed, *later)}
    key_command(keeper, "rotate-index", "address")
    assert len(found()) == 4 and bss.lookup(purpose="migration", index="address", values=["", "1234zz|8"]) == [[], []]
    assert keeper.sql("SELECT generation, oldest FROM vault.blind_index WHERE index_id = 6") == "3|3"
    (old,) = before  # as in the middle of a rotation, when tokens of every generation are there
    keeper.sql(f"UPDATE vault.blind_token SET generation = 1, token = '\\x{old}' WHERE index_id = 6 AND subject = '{sealed[0][0]}'")
    assert len(found()) == 3
    keeper.sql("UPDATE vault.blind_index SET oldest = 1 WHERE index_id = 6")
    assert len(found()) == 4
    assert "1 tokens are of generation 3" in key_command(keeper, "rotate-index", "address")
    assert len(found()) == 4 and len(tokens()) == 1


class TestTraffic:
    def sealed(self, keeper: RunningKeeper, month: str, value: int = 31612345678) -> dict[str, Any]:
        subject, records = new_subject(), os.urandom(32)
        shared = {"month": month, "column": "other_party", "records": records}
        values = value.to_bytes(8, "little") * 2
        blocks = keeper.client("bss").traffic_seal(**shared, subjects=subject.bytes * 2, values=values)
        return {**shared, "subject": subject, "blocks": blocks, "purpose": "billing"}

    def test_disputed_records_outlive_their_month(self, keeper: RunningKeeper) -> None:
        bss = keeper.client("bss")
        disputed, other = self.sealed(keeper, "2031-05"), self.sealed(keeper, "2031-05")
        blobs = bss.traffic_reseal(**disputed)
        keeper.client("dewi.hoekstra").destroy_month(month="2031-05")
        for gone in (disputed, other):
            with pytest.raises(KeeperRefused, match="key_destroyed"):
                bss.traffic_open(**gone)
        subject = disputed["subject"]
        opened = bss.reveal(purpose="billing", category="traffic", items=[(subject, blob) for blob in blobs])
        records = bytes(disputed["records"])
        assert [one.fields for one in opened] == [
            {"month": "2031-05", "column": "other_party", "record": record, "value": 31612345678} for record in (records[:16], records[16:])
        ]
        with pytest.raises(KeeperInvalid, match="block_invalid"):
            bss.traffic_reseal(**{**self.sealed(keeper, "2031-06"), "subject": new_subject()})
        masked = keeper.client("anna.dekker").reveal(
            purpose="care", category="traffic", items=[(subject, blobs[0])], context={"ticket": "T-1"}
        )  # fmt: skip
        assert masked[0].masked and "31612345678" not in str(masked[0].fields)
        assert [e["action"] for e in keeper.client("dewi.hoekstra").did_see(subject=subject)][:1] == ["traffic_reseal"]
        keeper.client("dewi.hoekstra").shred(subject=subject, category="traffic", reason="request")
        with pytest.raises(KeeperRefused, match="shredded"):
            bss.reveal(purpose="billing", category="traffic", items=[(subject, blobs[0])])

    def test_months_end_by_themselves_when_their_time_is_over(self, keeper: RunningKeeper) -> None:
        bss, months = keeper.client("bss"), now().year * 12 + now().month - 1
        this, late, older = (f"{(months - back) // 12}-{(months - back) % 12 + 1:02}" for back in (0, 25, 26))
        sealed = {month: self.sealed(keeper, month) for month in (this, late, older)}
        keeper.sql(f"UPDATE vault.named_key SET made_at = now() - interval '25 months' WHERE name = 'traffic:{older}'")
        assert "kept for 36 months" in key_command(keeper, "keep-traffic", "--months", "36")
        restarted(keeper)
        time.sleep(1.5)  # the keeper looks a second after its start, and then every hour
        assert len(bss.traffic_open(**sealed[older])) == 16
        key_command(keeper, "keep-traffic", "--months", "6")
        restarted(keeper)
        deadline = time.monotonic() + 10
        while keeper.sql(f"SELECT wrapped IS NULL FROM vault.named_key WHERE name = 'traffic:{older}'") != "t":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        with pytest.raises(KeeperRefused, match="key_destroyed"):
            bss.traffic_open(**sealed[older])
        assert len(bss.traffic_open(**sealed[late])) == len(bss.traffic_open(**sealed[this])) == 16, "a month whose records came late is kept"
        assert key_events(keeper)[-3:] == ["traffic_kept", "traffic_kept", "destroyed"]


def test_epoch_keys_that_were_destroyed_leave_the_memory_of_every_process(own_keeper: RunningKeeper) -> None:
    """Whoever reads the memory of a keeper that serves gets nothing that opens an older copy of its database."""
    keeper = own_keeper
    sealed = seal(keeper, 8)
    with ThreadPoolExecutor(8) as pool:  # until each worker has unwrapped them
        for _ in range(20):
            assert all(pool.map(lambda _: opens(keeper, sealed), range(8)))
    kek = (keeper.home / "keys" / "kek").read_bytes()
    rows = [line.split("|") for line in keeper.sql("SELECT epoch, encode(wrapped, 'hex') FROM vault.epoch WHERE wrapped IS NOT NULL").splitlines()]
    old = [
        AESGCM(kek).decrypt(wrapped[:12], wrapped[12:], epoch_context(int(epoch)))
        for epoch, wrapped in ((epoch, bytes.fromhex(wrapped)) for epoch, wrapped in rows)
    ]
    assert keeper.process is not None
    pid = keeper.process.pid
    pids = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    assert sum(held(pid, old) for pid in pids) >= 1, "the reader of memory finds keys that are in use"
    key_command(keeper, "rotate-epochs", "--before", LATER)
    deadline = time.monotonic() + 20
    while (left := {pid: held(pid, old) for pid in pids if held(pid, old)}) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert not left
    assert opens(keeper, sealed)


def held(pid: int, keys: list[bytes]) -> int:
    """Say how many of these keys lie in a process's memory, as key of a cipher or otherwise."""
    found: set[bytes] = set()
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            place, rights, *_ = line.split()
            start, end = (int(at, 16) for at in place.split("-"))
            if rights.startswith("rw") and "[v" not in line:
                with suppress(OSError):
                    memory.seek(start)
                    part = memory.read(end - start)
                    found |= {key for key in keys if key in part}
    return len(found)
