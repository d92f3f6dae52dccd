"""What docs/regulator.md tells somebody who trusts none of our code: every command in it runs on real evidence and prints what is shown there."""

import base64
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fixtures.keeper import RunningKeeper, copied_keeper, new_subject
from fixtures.not_run import not_run
from fixtures.witness import until, witness
from hoeksteen_keeper.client import SealItem
from hoeksteen_keeper.evidence.keys import NoteSigner
from hoeksteen_keeper.evidence.notes import checkpoint_text

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = ROOT / "docs/regulator.md"
GO_LIBRARIES = Path("/usr/share/gocode")
MODULE = GO_LIBRARIES / "src/golang.org/x/mod/sumdb/tlog"
pytestmark = pytest.mark.slow


@dataclass
class Desk:
    """The regulator's own folder: what the operator handed over, and what the document has them make."""

    folder: Path
    signer: NoteSigner

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a line of the document as it stands there."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {"PATH": path, "HOME": str(self.folder), "GOCACHE": str(self.folder / ".cache"), "LC_ALL": "C.UTF-8"}
        return subprocess.run(["sh", "-c", command], cwd=self.folder, capture_output=True, text=True, env=environment)

    def merkle(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run(shlex.join(["./merkle", "-key", "log.key", *words]))

    def bundle(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads((self.folder / "bundle.json").read_bytes())
        return parsed


@pytest.fixture(scope="module")
def desk(stopped_keeper: RunningKeeper) -> Iterator[Desk]:
    with tempfile.TemporaryDirectory(prefix="hk") as kept, tempfile.TemporaryDirectory(prefix="hr") as folder:
        keeper = copied_keeper(stopped_keeper, Path(kept))
        try:
            made = Desk(Path(folder), NoteSigner.load(keeper.home / "keys" / "log-signing"))
            _hand_over(keeper, made.folder)
        finally:
            keeper.stop()
            keeper.cluster.stop()
        (made.folder / "docs").symlink_to(ROOT / "docs")
        for name, text in _programs():
            (made.folder / name).write_text(text, "utf-8")
        yield made


def _hand_over(keeper: RunningKeeper, folder: Path) -> None:
    """A customer is looked at by an agent, by a technician under a grant and in a batch; then the operator hands over what the document names."""
    log_key = str(NoteSigner.load(keeper.home / "keys" / "log-signing").verifier)
    council = witness(folder / "council", log_key)
    council.start()
    try:
        keeper.stop()
        keeper.run("witness-add", council.key, council.url, "--home", keeper.home)
        keeper.start()
        _story(keeper, folder)
        until(lambda: b"council.example" in (keeper.home / "tiles" / "checkpoint").read_bytes())
        shutil.copytree(keeper.home / "tiles", folder / "log")
    finally:
        council.kill()
    (folder / "log.key").write_text(log_key + "\n")
    (folder / "council.key").write_text(council.key + "\n")
    shutil.rmtree(folder / "council")


def _story(keeper: RunningKeeper, folder: Path) -> None:
    bss = keeper.client("bss")
    items = [SealItem(new_subject(), {"kind": "individual", "family_name": "Berg"}) for _ in range(20)]
    blobs = bss.seal(purpose="migration", category="identity", items=items)
    everybody = [(item.subject, blob) for item, blob in zip(items, blobs, strict=True)]
    keeper.as_person("anna.dekker").reveal(purpose="care", category="identity", items=everybody[:1], context={"ticket": "TICKET-7"})
    (folder / "earlier").write_bytes(keeper.client("dewi.hoekstra").checkpoint())
    grant = keeper.client("m.tan").request_grant(
        purpose="support", categories=["identity"], subjects=[everybody[0][0]], ticket="INC-1", minutes=60
    )  # fmt: skip
    keeper.approve(grant["id"])
    keeper.client("m.tan").reveal(purpose="support", category="identity", items=everybody[:1], context={"ticket": "INC-1"})
    bss.reveal(purpose="billing", category="identity", items=everybody)
    for _ in range(300):  # looks at somebody else
        bss.reveal(purpose="billing", category="identity", items=everybody[1:2])
    (folder / "bundle.json").write_bytes(keeper.client("dewi.hoekstra").export_bundle(subject=everybody[0][0]))
    bss.reveal(purpose="billing", category="identity", items=everybody[1:2])
    keeper.client("dewi.hoekstra").checkpoint()


@pytest.fixture(scope="module")
def built(desk: Desk) -> Desk:
    if shutil.which("go") is None:
        not_run("the check with Go's packages", install="golang-go")
    if not MODULE.is_dir():
        not_run("the check with Go's packages", install="golang-golang-x-mod-dev")
    made = desk.run(next(command for command, _ in _shown() if "go build" in command))
    assert made.returncode == 0, made.stderr
    return desk


def _blocks() -> list[tuple[str, str]]:
    return re.findall(r"^```(\w*)\n(.*?)^```$", DOCUMENT.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def _programs() -> list[tuple[str, str]]:
    """The programs that the document has its reader save, by the name in their first line."""
    texts = [text for language, text in _blocks() if language == "python"]
    return [(text.split("\n", 1)[0].removeprefix("# ").strip(), text) for text in texts]


def _shown() -> list[tuple[str, str]]:
    """The commands that the document shows, each with its output."""
    parts = [part for language, text in _blocks() if language == "console" for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]]
    return [(part.replace("\\\n", "").split("\n", 1)[0], part.replace("\\\n", "").split("\n", 1)[1]) for part in parts]


def _shape(text: str) -> str:
    """Leave out what differs from one log to the next: keys, hashes, times, identifiers, numbers; and where a line was broken."""
    for pattern, put in ((r"[A-Za-z0-9+/]{43}=", "HASH"), (r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID"), (r"\d+", "N")):
        text = re.sub(pattern, put, text)
    return " ".join(text.split())


def test_the_document_shows_what_the_tools_print(built: Desk) -> None:
    shown = _shown()
    assert len(shown) >= 8 and len(_programs()) >= 1
    for command, output in shown:
        found = built.run(command)
        assert _shape(found.stdout + found.stderr) == _shape(output), command
        assert max(len(line) for line in (found.stdout + found.stderr + "\n").split("\n")) <= 80, command


def test_it_checks_what_is_there(built: Desk) -> None:
    for words in (("bundle", "bundle.json"), ("tiles", "log"), ("consistent", "earlier", "log/checkpoint", "log")):
        found = built.merkle(*words)
        assert (found.returncode, found.stdout.split("\n")[-2]) == (0, "OK"), found.stderr
    assert built.merkle("-witness", "council.key", "bundle", "bundle.json").returncode == 0
    assert built.bundle()["chunks"] and built.bundle()["facts"]
    assert json.loads(built.run("hoeksteen-verify log log --key log.key --json").stdout)["entries"] > 256


def _other_bit(encoded: str) -> str:
    raw = base64.b64decode(encoded)
    return base64.b64encode(raw[:-1] + bytes([raw[-1] ^ 1])).decode()


@pytest.mark.parametrize(
    "tamper",
    [
        lambda b: b["leaves"].__setitem__(40, _other_bit(b["leaves"][40])),
        lambda b: b["leaves"].pop(),
        lambda b: b["leaves"].reverse(),
        lambda b: b["proof"].append(b["proof"][0] if b["proof"] else b["facts"][0]["proof"][0]),
        lambda b: b.update(first=1),
        lambda b: b["bodies"].update({name: _other_bit(body) for name, body in list(b["bodies"].items())[:1]}),
        lambda b: b["facts"][0].update(index=b["facts"][0]["index"] + 1),
        lambda b: b["facts"][0].update(body=_other_bit(b["facts"][0]["body"])),
        lambda b: b["facts"][0]["proof"].reverse(),
        lambda b: b.update(checkpoint=re.sub(r"\n(\d+)\n", lambda found: f"\n{int(found[1]) - 1}\n", b["checkpoint"], count=1)),
        lambda b: b.update(checkpoint=b["checkpoint"].split("\n\n")[0] + "\n\n"),
    ],
    ids=["leaf", "leaf gone", "order", "proof", "first", "body", "fact's place", "fact's body", "fact's proof", "size", "no signature"],
)
def test_a_tampered_bundle_fails(built: Desk, tamper: Callable[[dict[str, Any]], object]) -> None:
    bundle = built.bundle()
    tamper(bundle)
    (built.folder / "tampered.json").write_text(json.dumps(bundle))
    found = built.merkle("bundle", "tampered.json")
    assert found.returncode == 1 and "NOT OK" in found.stderr and "OK" not in found.stdout.split()


def test_tampered_tiles_fail(built: Desk) -> None:
    copy = built.folder / "copy"
    names = sorted(str(path.relative_to(built.folder / "log")) for path in (built.folder / "log").rglob("*") if path.is_file())
    wanted = [name for name in names if name.startswith(("tile/", "checkpoint"))]
    assert {"tile/0/000", "tile/entries/000", "checkpoint"} <= set(wanted) and any(name.startswith("tile/1/000.p/") for name in wanted)
    largest = [name for name in wanted if not _superseded(name, wanted)]
    for name in largest:
        shutil.copytree(built.folder / "log", copy)
        raw = (copy / name).read_bytes()
        (copy / name).write_bytes(raw[:9] + bytes([raw[9] ^ 1]) + raw[10:])
        assert built.merkle("tiles", "copy").returncode == 1, name
        (copy / name).unlink()
        assert built.merkle("tiles", "copy").returncode == 1, name
        shutil.rmtree(copy)


def _superseded(name: str, names: list[str]) -> bool:
    """An earlier partial tile proves nothing of the tree of now."""
    folder, _, width = name.rpartition(".p/")
    return bool(folder) and any(other.startswith(f"{folder}.p/") and int(other.rpartition("/")[2]) > int(width) for other in names)


def test_another_log_and_another_witness_fail(built: Desk) -> None:
    stranger = str(NoteSigner.generate("council.example/witness", algorithm=4).verifier)
    (built.folder / "stranger.key").write_text(stranger)
    assert built.merkle("-witness", "stranger.key", "bundle", "bundle.json").returncode == 1
    (built.folder / "other.key").write_text(str(NoteSigner.generate(built.bundle()["log"].split("+")[0]).verifier))
    assert built.run("./merkle -key other.key bundle bundle.json").returncode == 1
    assert built.merkle("consistent", "log/checkpoint", "earlier", "log").returncode == 1


def test_two_views_under_the_right_key_are_not_consistent(built: Desk) -> None:
    """What a keeper that shows different people different logs would hand out: each view is signed, and they do not fit."""
    origin, size, _ = (built.folder / "earlier").read_text("utf-8").split("\n")[:3]
    text = checkpoint_text(origin, int(size), bytes(32))
    (built.folder / "forged").write_bytes(text + b"\n" + built.signer.sign(text))
    found = built.merkle("consistent", "forged", "log/checkpoint", "log")
    assert found.returncode == 1 and "not the beginning" in found.stderr


def test_a_bundle_that_withholds_an_entry_is_read_as_partial_by_hand(desk: Desk) -> None:
    bundle = desk.bundle()
    name, _ = bundle["bodies"].popitem()
    (desk.folder / "partial.json").write_text(json.dumps(bundle, sort_keys=True, separators=(",", ":"), ensure_ascii=False), "utf-8")
    told = desk.run("python3 tags.py partial.json").stdout
    assert f"WITHHELD: entry {name}" in told and "PARTIAL" in told
    verdict = json.loads(desk.run("hoeksteen-verify partial.json --key log.key --json").stdout)
    assert verdict["missing"] == [int(name)]
