"""Everything that the keeper reads back, from a leaf to an answer, is read whole, or refused with a typed error."""

import json
import socket
import tempfile
import threading
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hoeksteen_keeper._link import Link
from hoeksteen_keeper.access.actors import Actors
from hoeksteen_keeper.access.grants import canonical_grant
from hoeksteen_keeper.errors import KeeperCorrupt, KeeperError, KeeperInvalid
from hoeksteen_keeper.evidence.entries import Scribe, read_entry, read_leaf, to_text
from hoeksteen_keeper.evidence.errors import EvidenceCorrupt, WitnessRefused
from hoeksteen_keeper.evidence.model import KINDS, Event
from hoeksteen_keeper.evidence.notes import Checkpoint
from hoeksteen_keeper.evidence.objects import Files
from hoeksteen_keeper.evidence.tiles import BODIES, ENTRIES, TileStore, pack, unpack
from hoeksteen_keeper.evidence.witness import known_size
from hoeksteen_keeper.service.bootstrap import read_bootstrap
from hoeksteen_keeper.service.witnesses import read_witnesses
from hoeksteen_keeper.store.database import Store
from hoeksteen_keeper.vault import blind
from hoeksteen_keeper.vault.keys import Keys, epoch_context, named_context
from hoeksteen_keeper.vault.providers import open_provider, read_log_tags
from hoeksteen_keeper.vault.providers.file import FileProvider
from hoeksteen_keeper.vault.providers.transit import TransitProvider, TransitSettings
from hoeksteen_keeper.vault.traffic import open_column, seal_column
from properties.test_keeper_parsers import NOTE, changed

PLANTED = b"Xqzplanted"
AT = datetime(2026, 10, 1, 8, 0, 0, 5, tzinfo=UTC)
SCRIBE = Scribe(bytes(32), lambda count: bytes(range(count)))
TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20)
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(max_codepoint=126), max_size=5), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
SUBJECTS = st.integers(0, 2**128 - 1).map(lambda number: UUID(int=number))
EVENTS = st.builds(
    Event, kind=st.sampled_from(sorted(KINDS - {"organisation", "actor", "grant", "approval", "change", "policy", "key", "kill"})),
    actor=TEXTS, purpose=TEXTS, grant=TEXTS, outcome=st.sampled_from(["allowed", "refused"]), subjects=st.lists(SUBJECTS, max_size=30),
    detail=st.dictionaries(st.text(st.characters(max_codepoint=126), max_size=6), JSONS, max_size=4),
)  # fmt: skip


def typed(read: Callable[[], Any], kind: type[KeeperError] = KeeperError) -> Any:
    """Give what is read, or None where it was refused with a typed error that repeats nothing."""
    try:
        return read()
    except kind as error:
        assert PLANTED.decode() not in str(error)
        return None


@given(event=EVENTS, clock=st.none() | st.just(datetime(2025, 1, 1, tzinfo=UTC)))
def test_an_entry_comes_back(event: Event, clock: datetime | None) -> None:
    draft = SCRIBE.draft(event)
    leaf = draft.leaf(to_text(AT).encode(), to_text(clock).encode() if clock else None)
    entry = read_entry(7, leaf, draft.body, draft.chunk)
    told = {name: getattr(event, name) for name in ("kind", "actor", "purpose", "grant", "outcome")}
    assert {name: getattr(entry.event, name) for name in told} == told and entry.event.detail == event.detail
    assert (entry.time, entry.clock, entry.count) == (AT, clock, len(set(event.subjects)))
    assert all(entry.tags.hold(SCRIBE.subject_key(subject)) for subject in event.subjects)
    assert not entry.tags.hold(bytes(32))


_DRAFT = SCRIBE.draft(Event("disclosure", actor="a", subjects=[UUID(int=n) for n in range(20)], detail={"ticket": "T"}))
_LEAF = _DRAFT.leaf(to_text(AT).encode(), None)
_INLINE = SCRIBE.draft(Event("disclosure", subjects=[UUID(int=1)])).leaf(to_text(AT).encode(), to_text(AT).encode())


@given(raw=changed(_LEAF) | changed(_INLINE) | st.binary())
@example(raw=_INLINE.replace(b"2026-10-01T08:00:00.000005Z", b"2026-10-01T08:00:00.000005"))
@example(raw=_INLINE.replace(b'"count":1', b'"count": 1'))
@example(raw=_LEAF.replace(b'"count":20', b'"count":-20'))
@example(raw=_INLINE.replace(b".000005Z", b".0000050Z"))
def test_a_leaf_has_one_spelling(raw: bytes) -> None:
    leaf = typed(partial(read_leaf, raw), EvidenceCorrupt)
    if leaf is not None:
        time, clock = to_text(leaf.time).encode(), to_text(leaf.clock).encode() if leaf.clock else None
        assert time in raw and (clock is None or clock in raw) and len(leaf.nonce) == 16 and b" " not in raw


@given(body=changed(_DRAFT.body) | st.binary() | JSONS.map(lambda value: json.dumps(value).encode()))
@example(body=b"[" * 100_000)
@example(body=b'{"kind":"' + PLANTED + b'"}')
def test_a_body_that_somebody_wrote_into_tile_storage(body: bytes) -> None:
    """Whoever can write there writes leaf and body so that they fit each other."""
    draft = _DRAFT._replace(body=body)
    front = b'{"body":"%b",' % _sha(body) + _DRAFT.front.split(b",", 1)[1]
    entry = typed(lambda: read_entry(0, draft._replace(front=front).leaf(to_text(AT).encode(), None), body, draft.chunk), EvidenceCorrupt)
    assert entry is None or (isinstance(entry.event.kind, str) and isinstance(entry.event.detail, dict))


def _sha(raw: bytes) -> bytes:
    return b64encode(sha256(raw).digest())


@given(chunk=changed(cast(bytes, _DRAFT.chunk)))
def test_a_chunk_is_the_one_that_its_leaf_names(chunk: bytes) -> None:
    entry = typed(partial(read_entry, 0, _LEAF, _DRAFT.body, chunk), EvidenceCorrupt)
    assert (entry is not None) == (chunk == _DRAFT.chunk)


@given(kind=st.sampled_from([ENTRIES, BODIES]), items=st.lists(st.binary(max_size=300), max_size=20), data=st.data())
def test_bundles_of_tile_storage(kind: str, items: list[bytes], data: st.DataObject) -> None:
    packed = pack(kind, items)
    assert unpack(kind, packed) == items
    raw = data.draw(changed(packed))
    found = typed(partial(unpack, kind, raw), EvidenceCorrupt)
    assert found is None or pack(kind, found) == raw


@given(sizes=st.tuples(st.integers(1, 5), st.integers(0, 300)), data=st.data())
@settings(deadline=None, max_examples=30)
def test_tiles_cut_or_lost(sizes: tuple[int, int], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store, leaves = TileStore(Files(Path(folder) / "t")), [b"leaf %d" % number for number in range(sum(sizes))]
        size = store.extend(0, leaves[: sizes[0]], leaves[: sizes[0]], [])
        size = store.extend(size, leaves[sizes[0] :], leaves[sizes[0] :], []) if sizes[1] else size
        root = store.tree(size)(0, size)
        path = data.draw(st.sampled_from(sorted(path for path in store.objects.home.rglob("*") if path.is_file() and "tile/0" in str(path))))
        path.write_bytes(path.read_bytes()[: data.draw(st.integers(0, 40))])
        found = typed(lambda: store.tree(size)(0, size), EvidenceCorrupt)
        assert found is None or found == root or len(found) == 32


@given(body=st.binary(max_size=12) | st.integers(0).map(lambda number: b"%d\n" % number) | st.just(b"9" * 5000 + b"\n"))
@example(body=b"12x")
@example(body=b"12")
def test_a_size_that_a_witness_names(body: bytes) -> None:
    def refuses(_: bytes) -> bytes:
        raise WitnessRefused(409, "no", body=body)

    known = typed(lambda: known_size(Checkpoint.parse(NOTE), add_checkpoint=refuses), WitnessRefused)
    assert known is None or body == b"%d\n" % known


# --- keys


@given(wrapped=st.binary(max_size=80), data=st.data())
def test_a_wrapped_key_of_the_file_provider(wrapped: bytes, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kek"
        path.write_bytes(bytes(32))
        path.chmod(0o600)
        provider = FileProvider(path, random_bytes=lambda count: bytes(count))
        provider.rotate()
        kek, good = provider.wrap(bytes(range(32)), context=b"c")
        assert provider.unwrap(good, kek=kek, context=b"c") == bytes(range(32))
        name = data.draw(st.sampled_from([kek, "", "file:*", "file:**", "file:../../etc/passwd", "file:\0", "transit:a/b:v1"]) | st.text(max_size=9))
        for raw in (wrapped, data.draw(changed(good))):
            key = typed(partial(provider.unwrap, raw, kek=name, context=b"c"), KeeperCorrupt)
            assert key is None or (raw == good and name in (kek, ""))


class _OneRow:
    """A database whose only row its administrator wrote."""

    def __init__(self, row: tuple[Any, ...]) -> None:
        self.given = row

    def row(self, sql: str, _: object) -> tuple[Any, ...]:
        return self.given if "named_key" in sql else ("kek", b"epoch")


@given(wrapped=st.binary(max_size=70))
@example(wrapped=b"")
@example(wrapped=bytes(11))
def test_a_wrapped_key_in_the_database(wrapped: bytes) -> None:
    provider = SimpleNamespace(unwrap=lambda _, **__: bytes(32))
    keys = Keys(store=cast(Store, _OneRow((1, wrapped))), provider=cast(Any, provider), now=lambda: AT, random_bytes=bytes)
    assert typed(partial(keys.named, "traffic:2026-10", make=False), KeeperCorrupt) is None
    actors = Actors(store=cast(Any, None), keys=cast(Keys, SimpleNamespace(named=lambda *_, **__: bytes(32))), log=cast(Any, None), now=lambda: AT,
                    random_bytes=bytes)  # fmt: skip
    assert typed(lambda: actors.totp("anna.dekker", wrapped), KeeperCorrupt) is None


def test_what_is_wrapped_in_the_database_opens() -> None:
    good = bytes(12) + AESGCM(bytes(32)).encrypt(bytes(12), bytes(range(32)), named_context("traffic:2026-10"))
    provider = SimpleNamespace(unwrap=lambda _, context, **__: bytes(32) if context == epoch_context(1) else b"")
    keys = Keys(store=cast(Store, _OneRow((1, good))), provider=cast(Any, provider), now=lambda: AT, random_bytes=bytes)
    assert keys.named("traffic:2026-10", make=False) == bytes(range(32))


@given(raw=st.binary(max_size=200) | changed(b'provider = "pkcs11"\nmodule = "m"\ntoken = "t"\npin_file = "p"\n') | st.just(b"a=" + b"[" * 5000))
def test_settings_of_a_provider_and_the_wrapped_tag_key(raw: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (("provider.toml", raw), ("kek", bytes(32)), ("log-tags.wrapped", b"file:" + raw)):
            (Path(folder) / name).write_bytes(content)
            (Path(folder) / name).chmod(0o600)
        typed(partial(open_provider, Path(folder), random_bytes=bytes), KeeperInvalid)
        provider = FileProvider(Path(folder) / "kek", random_bytes=bytes)
        assert typed(lambda: read_log_tags(Path(folder), provider)) is None


@given(
    answer=JSONS
    | st.just({"data": {"plaintext": "!"}})
    | st.fixed_dictionaries(
        {
            "data": st.dictionaries(
                st.sampled_from(["plaintext", "ciphertext", "latest_version", "min_decryption_version", "min_available_version"]),
                JSONS | st.integers(),
            )
        }
    )
)
@settings(deadline=None, max_examples=60)
def test_answers_of_a_transit_service(answer: Any) -> None:
    def request(*_: object, **__: object) -> httpx.Response:
        return httpx.Response(200, text=json.dumps(answer), request=httpx.Request("POST", "http://127.0.0.1"))

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        token = Path(folder) / "token"
        token.write_text("secret")
        token.chmod(0o600)
        patch.setattr(httpx.Client, "request", request)
        service = TransitProvider(TransitSettings("http://127.0.0.1:1", str(token)))
        for call in (
            service.current, service.keks, lambda: service.wrap(bytes(32), context=b""),
            lambda: service.unwrap(b"vault:v1:AAAA", kek=f"transit:transit/hoeksteen:v{1}", context=b""),
        ):  # fmt: skip
            typed(call)


@given(wrapped=st.binary(max_size=40) | st.just(b"vault:v" + b"9" * 5000 + b":x") | st.just("vault:v٣:x".encode()))
def test_what_a_transit_service_never_wrote(wrapped: bytes) -> None:
    service = TransitProvider(TransitSettings("http://127.0.0.1:1", "none"))
    assert typed(partial(service.unwrap, wrapped, kek="transit:transit/hoeksteen:v1", context=b""), KeeperCorrupt) is None


# --- files that people write


_GOOD = b'[[witness]]\nkey = "w.example+00000000+AAAA"\nurl = "https://w.example/"\n'


@given(raw=st.binary(max_size=60) | changed(_GOOD) | st.just(b"witness=" + b"[" * 5000))
@example(raw=_GOOD.replace(b"https://w", b"https://["))
@example(raw=_GOOD.replace(b"w.example/", b"w.example:Xqzplanted/"))
@example(raw=b'witness = "Xqzplanted"')
def test_the_list_of_witnesses(raw: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "witnesses.toml").write_bytes(raw)
        typed(partial(read_witnesses, Path(folder)))


@pytest.mark.parametrize("secret", ["*Xqzplanted", "%Xqzplanted", "@Xqzplanted", "`Xqzplanted", "!Xqzplanted a", "{Xqzplanted"])
def test_a_password_in_a_bootstrap_file_is_never_repeated(secret: str, tmp_path: Path) -> None:
    file = tmp_path / "bootstrap.yaml"
    file.write_text(f"organisations: []\npeople: [{{actor: a, password: {secret}}}]\nservices: []\n")
    assert typed(partial(read_bootstrap, file), KeeperInvalid) is None


# --- values


@given(name=st.sampled_from(sorted(blind.INDEXES)), value=st.text(max_size=420), key=st.binary(min_size=32, max_size=32))
@settings(max_examples=300)
def test_normalisers_of_blind_indexes(name: str, value: str, key: bytes) -> None:
    made = typed(partial(blind.token, key, index=name, value=value), KeeperInvalid)
    assert made is None if len(value) > blind.VALUE_LENGTH_MAX else made is not None and len(made) in (0, 16)
    if made:
        assert blind.token(key, index=name, value=f" {value} ") == made, "spaces around a value are no part of it"
        assert blind.token(bytes(32), index=name, value=value) != made or key == bytes(32)


@given(facts=st.dictionaries(TEXTS, JSONS, max_size=5), others=st.dictionaries(TEXTS, JSONS, max_size=5))
def test_two_grants_are_never_spelled_alike(facts: dict[str, Any], others: dict[str, Any]) -> None:
    spelled = canonical_grant(facts)
    assert json.loads(spelled) == facts and canonical_grant(json.loads(spelled)) == spelled
    assert (canonical_grant(others) == spelled) == (json.dumps(others, sort_keys=True) == json.dumps(facts, sort_keys=True))


@given(rows=st.lists(st.tuples(st.binary(min_size=16, max_size=16), st.integers(0, 2**64 - 1)), min_size=1, max_size=6), data=st.data())
def test_a_traffic_column_that_was_changed_opens_nothing(rows: list[tuple[bytes, int]], data: st.DataObject) -> None:
    records, subject = b"".join(record for record, _ in rows), bytes(range(16))
    blocks = seal_column(
        bytes(32), column="cell", records=records, subjects=subject * len(rows), values=b"".join(v.to_bytes(8, "little") for _, v in rows),
        nonces=bytes(range(8)) * len(rows),
    )  # fmt: skip
    raw = data.draw(changed(blocks))
    found = typed(partial(open_column, bytes(32), column="cell", records=records, subject=subject, blocks=raw), KeeperInvalid)
    assert (found is not None) == (raw == blocks)


# --- the link: whatever answers on the socket


_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
_TOKEN = msgspec.msgpack.encode({"token": "t", "origin": "o"})


def _answer(body: bytes, status: bytes = b"200 OK") -> bytes:
    return _HEAD.replace(b"200 OK", status) % len(body) + body


ANSWERS = (
    st.binary(max_size=80) | changed(_answer(_TOKEN)) | JSONS.map(lambda value: _answer(msgspec.msgpack.encode(value)))
    | st.tuples(JSONS | st.fixed_dictionaries({"reason": JSONS, "detail": JSONS}), st.sampled_from([b"403 No", b"500 X", b"302 Y", b"099 Z"])).map(
        lambda pair: _answer(msgspec.msgpack.encode(pair[0]), pair[1])
    )
)  # fmt: skip


@given(first=ANSWERS | st.just(_answer(_TOKEN)), second=ANSWERS)
@example(first=_answer(_TOKEN), second=_answer(b"\x91" * 100_000))
@example(first=_answer(_TOKEN), second=_answer(b"\xa1\xff"))
@example(first=_answer(_TOKEN), second=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n")
@settings(deadline=None, max_examples=150)
def test_whatever_answers_in_the_keepers_place(first: bytes, second: bytes, link_key: Path) -> None:
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listening:
        path = Path(folder) / "s"
        listening.bind(str(path))
        listening.listen()

        def serve() -> None:
            for sent in (first, second):
                try:
                    line, _ = listening.accept()
                except OSError:
                    return
                with line:
                    line.settimeout(5)
                    line.recv(65536)
                    line.sendall(sent)
                    line.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        link = Link(path, "desk", link_key)
        try:
            link.call("reveal", {}, "")
        except KeeperError as error:
            assert isinstance(error.reason, str) and isinstance(error.detail, str)
        finally:
            link.close()
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(10)


@pytest.fixture(scope="module")
def link_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "desk.key"
    path.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path
