"""A witness as a process of its own, for a stranger's log and for the keeper's: what it cosigns, what it refuses, and what the keeper makes of it."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.keeper import RunningKeeper, free_port, new_subject
from fixtures.witness import COMMAND, Serving, until, witness
from hoeksteen_keeper.evidence.keys import NoteSigner
from hoeksteen_keeper.evidence.merkle import consistency_proof, leaf_hash, perfect_root, split
from hoeksteen_keeper.evidence.notes import Checkpoint, VerifierKey, checkpoint_text, parse_signatures, to_base64
from hoeksteen_keeper.verify.bundle import check_bundle
from hoeksteen_keeper.verify.formats import read_key


class Foreign:
    """Somebody else's log: a tree of leaves that only this test knows."""

    def __init__(self, *leaves: bytes) -> None:
        self.signer = NoteSigner.generate("other.example/log")
        self.leaves = list(leaves)

    def node(self, low: int, high: int) -> bytes:
        if high - low == 1:
            return leaf_hash(self.leaves[low])
        if (high - low) & (high - low - 1) == 0:
            return perfect_root(b"".join(leaf_hash(leaf) for leaf in self.leaves[low:high]))
        middle = split(low, high)
        return perfect_root(self.node(low, middle) + self.node(middle, high))

    def request(self, old: int) -> bytes:
        size = len(self.leaves)
        text = checkpoint_text(self.signer.name, size, self.node(0, size))
        proof = [] if old > size else consistency_proof(self.node, old, size)
        lines = [f"old {old}", *[to_base64(item) for item in proof], ""]
        return "".join(f"{line}\n" for line in lines).encode() + text + b"\n" + self.signer.sign(text)


@pytest.fixture
def foreign() -> Foreign:
    return Foreign(b"a", b"b", b"c")


@pytest.fixture
def serving(foreign: Foreign, tmp_path: Path) -> Iterator[Serving]:
    one = witness(tmp_path / "w", str(foreign.signer.verifier))
    one.start()
    yield one
    one.kill()


def test_a_witness_says_that_it_serves_once_it_does(serving: Serving, foreign: Foreign, tmp_path: Path) -> None:
    (tmp_path / "log.key").write_text(f"{foreign.signer.verifier}\n")
    foreign.signer.save(tmp_path / "private")

    def refused(log: object, port: int, home: Path = serving.home) -> str:
        command = [*COMMAND, "witness", "--home", home, "--log", str(log), "--port", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        assert done.returncode == 1 and "serves" not in done.stderr, done.stderr
        return done.stderr

    free = free_port()
    assert refused("junk", free).startswith("key_unreadable: junk is no public key")
    assert refused(tmp_path / "private", free).startswith("not_a_key")
    assert refused(tmp_path / "log.key", free, tmp_path / "none").startswith("key_unreadable")
    assert refused(tmp_path / "log.key", serving.port).startswith("port_taken")
    other = Serving(serving.home, [str(tmp_path / "log.key")], serving.key)
    other.start()
    try:
        assert other.ask(foreign.request(0))[0] == 200
    finally:
        other.kill()


def test_a_strangers_log_is_cosigned_once_and_never_in_two_views(serving: Serving, foreign: Foreign) -> None:
    status, _, line = serving.ask(foreign.request(0))
    assert status == 200 and parse_signatures(line)[0].is_of(VerifierKey.parse(serving.key))
    Checkpoint.parse(foreign.request(0).split(b"\n\n", 1)[1] + line).check(VerifierKey.parse(serving.key))
    foreign.leaves += [b"d", b"e"]
    assert serving.ask(foreign.request(0))[:2] == (409, "text/x.tlog.size")
    assert serving.ask(foreign.request(0))[2] == b"3\n"
    assert serving.ask(foreign.request(3))[0] == 200
    serving.kill()  # what it promised outlives it
    serving.start()
    other = Foreign(b"a", b"b", b"X", b"d", b"e", b"f")
    other.signer = foreign.signer
    assert serving.ask(other.request(5))[0] == 422
    assert serving.ask(foreign.request(5))[0] == 200


def test_what_is_no_request_of_a_log_that_it_serves(serving: Serving, foreign: Foreign) -> None:
    good, stranger = foreign.request(0), Foreign(b"a")
    stranger.signer = NoteSigner.generate("stranger.example/log")
    forged = Foreign(*foreign.leaves)  # the same name, another key
    assert serving.ask(stranger.request(0))[0] == 404
    assert serving.ask(forged.request(0))[0] == 403
    assert serving.ask(foreign.request(4).replace(b"old 4", b"old 9"))[0] == 400
    for broken in (b"", b"old\n\n", good[:40], good.replace(b"old 0", b"old -1"), b"\xff" * 50, good.replace(b"\n\n", b"\nAAAA\n\n")):
        assert serving.ask(broken)[0] in (400, 422), broken
    assert serving.ask(b"x" * (1 << 20) + b"x")[0] == 413
    assert serving.ask(good, "/elsewhere")[0] == 404


def test_the_keeper_has_its_checkpoints_cosigned_and_does_not_go_back(own_keeper: RunningKeeper, tmp_path: Path) -> None:
    keeper = own_keeper
    log_key = str(NoteSigner.load(keeper.home / "keys" / "log-signing").verifier)
    serving = witness(tmp_path / "w", log_key)
    serving.start()
    try:
        keeper.stop()
        _copy(keeper, tmp_path / "yesterday")
        added = keeper.run("witness-add", serving.key, serving.url, "--home", keeper.home)
        assert added.stdout == f"council.example/witness  {serving.url}\n"
        keeper.start()
        keeper.client("chris.smit").did_see(actor="anna.dekker")
        until(lambda: b"council.example" in (keeper.home / "tiles" / "checkpoint").read_bytes())
        bundle = keeper.client("dewi.hoekstra").export_bundle(subject=new_subject())
        verdict = check_bundle(bundle, [read_key(log_key)], [read_key(serving.key)])
        assert verdict.complete and list(verdict.cosigned) == ["council.example/witness"]
        serving.kill()  # without it the keeper goes on, and is cosigned when it is back
        keeper.client("chris.smit").did_see(actor="bram.visser")
        serving.start()
        until(lambda: b"council.example" in (keeper.home / "tiles" / "checkpoint").read_bytes())
        keeper.stop()
        _put_back(keeper, tmp_path / "yesterday")
        refused = keeper.run(
            "serve", "--dsn", keeper.dsn, "--home", keeper.home, "--socket", keeper.socket_path, "--port", str(keeper.port), check=False
        )
        assert refused.returncode == 1 and "behind_witness" in refused.stderr, refused.stderr
    finally:
        serving.kill()


def _copy(keeper: RunningKeeper, folder: Path) -> None:
    """Back up the database and the tiles of a keeper that does not run."""
    keeper.cluster.as_superuser("CREATE DATABASE kept TEMPLATE keeper OWNER keeper", database="postgres")
    shutil.copytree(keeper.home / "tiles", folder)


def _put_back(keeper: RunningKeeper, folder: Path) -> None:
    keeper.cluster.as_superuser("DROP DATABASE keeper", database="postgres")
    keeper.cluster.as_superuser("ALTER DATABASE kept RENAME TO keeper", database="postgres")
    shutil.rmtree(keeper.home / "tiles")
    shutil.copytree(folder, keeper.home / "tiles")
