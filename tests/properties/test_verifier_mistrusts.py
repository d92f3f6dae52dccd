"""The verifier against a doctored bundle, and against a log whose own keeper lies: one sentence, or nothing false is shown."""

import base64
import contextlib
import hashlib
import hmac
import io
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.evidence import Bench, look, subject
from hoeksteen.host.cluster import Cluster
from hoeksteen_keeper.evidence.entries import Scribe
from hoeksteen_keeper.evidence.keys import NoteSigner
from hoeksteen_keeper.evidence.model import Event
from hoeksteen_keeper.evidence.notes import COSIGNATURE, Checkpoint, checkpoint_text
from hoeksteen_keeper.evidence.objects import Files
from hoeksteen_keeper.evidence.queries import export_bundle
from hoeksteen_keeper.evidence.tiles import TileStore
from hoeksteen_keeper.evidence.witness import Witness
from hoeksteen_keeper.verify.bundle import FORMAT, Verdict, check_bundle
from hoeksteen_keeper.verify.cli import main
from hoeksteen_keeper.verify.formats import Invalid, leaf_hash, range_root, read_key
from hoeksteen_keeper.verify.tilelog import check_log

LIAR = NoteSigner.generate("liar.example/1")
WITNESS = NoteSigner.generate("witness.example", algorithm=COSIGNATURE)
ODD: list[Any] = [None, True, 0, -1, 10**30, 1.5, "", "0", "\x1b[2J", "\u202eX", "é" * 30, [], [None], {}, {"a": {}}, [[[]]]]
STEERS = "\x1b\x07\x9b\u202e"
_TIME = b"2026-10-01T08:00:00.000000Z"


@dataclass(frozen=True)
class Made:
    """A real bundle of a real log, cosigned, and a copy of the log."""

    bundle: bytes
    key: str
    copy: Path

    def check(self, raw: bytes) -> Verdict:
        return check_bundle(raw, [read_key(self.key)], [read_key(str(WITNESS.verifier))])


@pytest.fixture(scope="module")
def made(evidence_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    evidence_cluster.as_superuser("CREATE DATABASE evidence_doctored TEMPLATE template_evidence OWNER keeper")
    bench = Bench(evidence_cluster, "evidence_doctored", tmp_path_factory.mktemp("log"), NoteSigner.generate("keeper.example/log"))
    log = bench.log()
    serving = Witness(signer=WITNESS, home=bench.home / "w", logs={log.origin: log.signer.verifier}, now=bench.clock)
    log.witnesses.append((WITNESS.verifier, serving.add_checkpoint))
    for name, country in (("lage-landen", "NL"), ("meridian", "SG")):
        log.append([Event("organisation", detail={"organisation": name, "name": name, "country": country, "operator": country == "NL"})])
    for actor in ("anna.dekker", "m.tan"):
        log.append([Event("actor", detail={"actor": actor, "name": actor.title(), "organisation": "meridian", "roles": [], "status": "active"})])
    approval = {"approver": "chris.smit", "digest": "d", "key": "k", "signature": "s"}
    log.append([Event("approval", actor="chris.smit", detail={"grant": "g-1", **approval})])
    log.append([look(number % 3) for number in range(7)])
    log.append([Event("disclosure", actor="bss", organisation="lage-landen", subjects=tuple(subject(n) for n in range(20)))])
    log.append([look(1, actor="m.tan", organisation="meridian", grant="g-1")])
    try:
        yield Made(export_bundle(log, subject=subject(1)), str(log.signer.verifier), log.tiles.objects.home)
    finally:
        bench.close()


def spelled(bundle: Any) -> bytes:
    return json.dumps(bundle, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def refused(made: Made, raw: bytes) -> bool:
    try:
        made.check(raw)
    except Invalid as error:
        assert "\n" not in str(error) and len(str(error)) < 200
        return True
    return False


def test_each_single_byte_changed_lost_or_doubled_is_refused(made: Made) -> None:
    raw, kept = made.bundle, []
    assert made.check(raw).complete
    for at in range(len(raw)):
        piece = (bytes([raw[at] ^ 1]), bytes([raw[at] ^ 0x20]), b"", raw[at : at + 1] * 2)[at % 4]  # one each: all of them take half a minute
        changed = raw[:at] + piece + raw[at + 1 :]
        if changed != raw and not refused(made, changed):
            kept.append((at, piece))
    assert not kept


def changes(value: Any) -> Iterator[Any]:
    """Every copy of a value with one part gone, doubled, moved, or put in the place of another."""
    yield from ODD
    if isinstance(value, dict):
        for name, item in value.items():
            yield {key: kept for key, kept in value.items() if key != name}
            yield {("1" + key if key == name else key): kept for key, kept in value.items()}
            yield {("9" * 5000 if key == name else key): kept for key, kept in value.items()}
            yield from ({**value, name: changed} for changed in changes(item))
    if isinstance(value, list):
        for at, item in enumerate(value):
            yield value[:at] + value[at + 1 :]
            yield value[: at + 1] + value[at:]
            yield value[:at] + value[at + 1 : at + 2] + [item] + value[at + 2 :]
            yield from ([*value[:at], changed, *value[at + 1 :]] for changed in changes(item))
    if isinstance(value, str) and value:
        yield from (value[:-1], value[1:], value + "A", "A" + value, value.swapcase())


def test_each_part_of_a_bundle_changed_is_refused_or_partial(made: Made) -> None:
    """What may go without a word is what helps to read an answer: the facts about names."""
    real, whole, silent = json.loads(made.bundle), made.check(made.bundle), 0
    bare = [{**row, "name": "", "organisation": "", "country": "", "approved_by": []} for row in whole.rows]
    for changed in changes(real):
        raw = spelled(changed)
        if raw == made.bundle or refused(made, raw):
            continue
        verdict, kept = made.check(raw), {name: part for name, part in changed.items() if name != "facts"}
        if verdict.complete:
            silent += 1
            assert kept == {name: part for name, part in real.items() if name != "facts"}, sorted(n for n in real if real[n] != changed[n])
            assert [fact for fact in real["facts"] if fact in changed["facts"]] == changed["facts"]
            assert [{**row, "name": "", "organisation": "", "country": "", "approved_by": []} for row in verdict.rows] == bare
        else:
            assert changed["bodies"].keys() < real["bodies"].keys() or changed["chunks"].keys() < real["chunks"].keys()
    assert silent == len(real["facts"]) + 1  # each fact, and all of them


@given(data=st.data())
@settings(max_examples=300)
def test_a_piece_of_a_bundle_replaced_is_refused(made: Made, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(made.bundle)))
    piece = data.draw(st.binary(max_size=20) | st.text('{}[]",:0aA=', max_size=12).map(str.encode))
    changed = made.bundle[:at] + piece + made.bundle[at + data.draw(st.integers(0, 40)) :]
    assert changed == made.bundle or refused(made, changed)


# --- a log whose own keeper writes what it likes, and signs it


def told(arguments: list[str]) -> tuple[int, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(arguments)
    text = out.getvalue() + err.getvalue()
    text.encode()  # something that a terminal can be sent
    assert not any(char in text for char in STEERS)
    return status, text


def leaf(body: bytes, *, tags: bytes, nonce: bytes = bytes(16), count: int = 1) -> bytes:

    encoded = base64.b64encode
    digest = encoded(hashlib.sha256(body).digest())
    return b'{"body":"%b","count":%d,"nonce":"%b","tags":%b,"time":"%b","v":1}' % (digest, count, encoded(nonce), tags, _TIME)


def lying_bundle(leaves: list[bytes], bodies: dict[str, bytes]) -> bytes:
    """Sign a tree of these leaves, and bundle all of them."""
    hashes = [leaf_hash(item) for item in leaves]
    text = checkpoint_text(LIAR.name, len(leaves), range_root(hashes, 0, len(leaves), []))
    note = text + b"\n" + LIAR.sign(text) + WITNESS.sign(text, time=2**63)
    return spelled({
        "format": FORMAT, "log": str(LIAR.verifier), "witnesses": [str(WITNESS.verifier)], "checkpoint": note.decode(),
        "subject_key": base64.b64encode(Scribe(bytes(32), bytes).subject_key(subject(1))).decode(), "first": 0,
        "leaves": [base64.b64encode(item).decode() for item in leaves], "proof": [], "chunks": {},
        "bodies": {index: base64.b64encode(body).decode() for index, body in bodies.items()}, "facts": [],
    })  # fmt: skip


def own_tag(nonce: bytes = bytes(16)) -> bytes:

    return base64.b64encode(hmac.digest(Scribe(bytes(32), bytes).subject_key(subject(1)), nonce, hashlib.sha256))


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["\x1b[2J", "\u202e", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["ticket", "name", "actor", "grant", "approver", "masked"]), inner),
)
FIELDS = ("kind", "actor", "organisation", "action", "category", "purpose", "grant", "outcome", "detail", "salt")
BODIES = st.binary(max_size=40) | st.just(b"[" * 100_000) | st.just(b"1" * 5000) | st.builds(
    lambda odd, fields: json.dumps({**dict.fromkeys(FIELDS, ""), "detail": {}, **odd, **fields}).encode(),
    st.dictionaries(st.sampled_from([*FIELDS, "more"]), JSONS, max_size=3),
    st.fixed_dictionaries({"detail": st.dictionaries(st.sampled_from(["ticket", "name", "masked"]), JSONS)}) | st.just({}),
)  # fmt: skip


@given(body=BODIES)
def test_a_body_that_its_keeper_made_up_breaks_nothing(body: bytes) -> None:
    raw = lying_bundle([leaf(body, tags=b'["%b"]' % own_tag())], {"0": body})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bundle"
        path.write_bytes(raw)
        for more in ([], ["--json"], ["--witness", str(WITNESS.verifier)]):
            assert told([str(path), "--key", str(LIAR.verifier), *more])[0] in (0, 1)


def test_a_time_that_no_calendar_has_is_told_as_seconds(tmp_path: Path) -> None:
    body = json.dumps({**dict.fromkeys(FIELDS, ""), "detail": {}}).encode()
    (tmp_path / "bundle").write_bytes(lying_bundle([leaf(body, tags=b'["%b"]' % own_tag())], {"0": body}))
    status, text = told([str(tmp_path / "bundle"), "--key", str(LIAR.verifier), "--witness", str(WITNESS.verifier)])
    assert status == 0 and f"second {2**63}" in text


@given(tags=st.lists(st.sampled_from([b'"%b"' % base64.b64encode(bytes(32)), b",", b'"', b" "]), max_size=6).map(b"".join), count=st.integers(0, 4))
def test_tags_that_their_keeper_made_up_break_nothing(tags: bytes, count: int) -> None:
    raw = lying_bundle([leaf(b"{}", tags=b"[%b]" % tags, count=count)], {})
    try:
        verdict = check_bundle(raw, [read_key(str(LIAR.verifier))], [])
    except Invalid:
        return
    assert verdict.complete and json.loads(b"[%b]" % tags) == [base64.b64encode(bytes(32)).decode()] * count


def test_a_size_that_its_keeper_made_up_is_refused_before_any_work(tmp_path: Path) -> None:
    text = checkpoint_text(LIAR.name, 10**18, bytes(32))
    (tmp_path / "checkpoint").write_bytes(text + b"\n" + LIAR.sign(text))
    assert told(["log", str(tmp_path), "--key", str(LIAR.verifier)]) == (1, "NOT VERIFIED. Bundles of entries are missing.\n")


def test_names_that_steer_a_terminal_are_not_printed(tmp_path: Path) -> None:
    TileStore(Files(tmp_path / "log")).extend(0, [leaf(b"{}", tags=b"[]", count=0)], [b"{}"], [])
    signer = NoteSigner.generate("liar.example/1")
    text = checkpoint_text("liar\x9b2J\u202e", 1, leaf_hash(leaf(b"{}", tags=b"[]", count=0)))
    (tmp_path / "log" / "checkpoint").write_bytes(text + b"\n" + signer.sign(text))
    status, said = told(["log", str(tmp_path / "log"), "--key", str(signer.verifier)])
    assert status == 0 and "liar?2J?" in said
    (tmp_path / "log" / "\x1b[2J").write_bytes(b"")
    assert told(["log", str(tmp_path / "log"), "--key", str(signer.verifier)])[0] == 1


# --- keys, checkpoints, and files of a copied log


@given(text=st.text(max_size=80) | st.text(st.characters(exclude_categories=()), max_size=20).map(lambda t: f"{t}+00000000+{t}"))
def test_a_key_that_is_none_is_not_repeated(text: str) -> None:
    try:
        read_key(text)
    except Invalid as error:
        assert len(text.strip()) < 6 or text not in str(error)


def test_a_private_key_given_by_mistake_is_not_printed(tmp_path: Path) -> None:
    (tmp_path / "private").write_text("PRIVATE+KEY+c2VjcmV0 of the log")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "bundle").write_bytes(b"{}")
    for given_key in (tmp_path / "private", tmp_path / "binary", "PRIVATE+KEY+c2VjcmV0"):
        status, text = told([str(tmp_path / "bundle"), "--key", str(given_key)])
        assert status == 2 and "c2VjcmV0" not in text and "NOTHING CHECKED" in text


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_copied_log_with_one_file_changed_is_refused(made: Made, data: st.DataObject) -> None:
    files = sorted(path for path in made.copy.rglob("*") if path.is_file())
    path = data.draw(st.sampled_from(files))
    raw = path.read_bytes()
    at, more = data.draw(st.integers(0, len(raw))), data.draw(st.binary(max_size=6))
    changed = raw[:at] + more + raw[at + data.draw(st.integers(0, 300)) :]
    path.write_bytes(changed)
    try:
        head, _ = check_log(made.copy, [read_key(made.key)], [])
        # a checkpoint without its cosignature, or with a signature line of a stranger, says the same of the same tree
        assert changed == raw or (path.name == "checkpoint" and Checkpoint.parse(changed).text == Checkpoint.parse(raw).text), (path, head)
    except Invalid as error:
        assert len(str(error)) < 200
    finally:
        path.write_bytes(raw)
