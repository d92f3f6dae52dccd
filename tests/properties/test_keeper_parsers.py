"""No parser of the keeper meets strange bytes with anything but its own typed error."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from hoeksteen_keeper.access.policies import Policies
from hoeksteen_keeper.errors import KeeperError
from hoeksteen_keeper.evidence.errors import WitnessRefused
from hoeksteen_keeper.evidence.keys import NoteSigner
from hoeksteen_keeper.evidence.notes import COSIGNATURE, Checkpoint, VerifierKey, checkpoint_text, parse_signatures
from hoeksteen_keeper.evidence.witness import Witness
from hoeksteen_keeper.service.bootstrap import read_bootstrap
from hoeksteen_keeper.vault.sealing import generations

LOG = NoteSigner.generate("log.example/1")
TEXT = checkpoint_text("log.example/1", 0, bytes(32))
NOTE = TEXT + b"\n" + LOG.sign(TEXT)
ANY_TEXT = st.text(st.characters(exclude_categories=())) | st.text("+/=0a\n ")


@st.composite
def changed(draw: st.DrawFn, good: bytes) -> bytes:
    """Good bytes, with a piece of them replaced."""
    at = draw(st.integers(0, len(good)))
    return good[:at] + draw(st.binary(max_size=12) | st.text("\n 019+=—old", max_size=8).map(str.encode)) + good[at + draw(st.integers(0, 12)) :]


@given(note=changed(NOTE) | st.binary())
def test_notes(note: bytes) -> None:
    for parse in (Checkpoint.parse, parse_signatures):
        try:
            parse(note)
        except KeeperError:
            continue


@given(text=changed(str(LOG.verifier).encode()).map(lambda raw: raw.decode("utf-8", "surrogateescape")) | ANY_TEXT)
@example(text="\udcff+00000000+" + str(LOG.verifier).rsplit("+", 1)[1])
def test_verifier_keys(text: str) -> None:
    try:
        assert str(VerifierKey.parse(text)) == text.strip()
    except KeeperError:
        return


@given(request=changed(b"old 0\n\n" + NOTE) | st.binary())
def test_witness_requests(request: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        witness = Witness(
            signer=NoteSigner.generate("w.example", algorithm=COSIGNATURE), home=Path(folder), logs={"log.example/1": LOG.verifier},
            now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
        )  # fmt: skip
        try:
            witness.add_checkpoint(request)
        except WitnessRefused as refused:
            assert refused.status in (400, 403, 404, 409, 422)


@given(blob=st.binary(max_size=90) | changed(b"\x01\x00\x00\x00\x01\x01" + bytes(60)))
def test_headers_of_blobs(blob: bytes) -> None:
    try:
        generations([blob], category=1)
    except KeeperError:
        return


@given(raw=changed(b"organisations: [{organisation: a, name: b, country: NL}]\npeople: []\nservices: []\n") | st.binary() | st.text().map(str.encode))
@example(raw=b"organisations: 2026-13-45")
@example(raw=b"[" * 1000)
@example(raw=b"people: 1:99_\n")
@settings(deadline=None)  # the deep one is slow
def test_bootstrap_files(raw: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(raw)
        file.flush()
        try:
            read_bootstrap(Path(file.name))
        except KeeperError:
            return


@given(text=ANY_TEXT | changed(b'@id("a") permit (principal, action, resource);').map(lambda raw: raw.decode("utf-8", "surrogateescape")))
@example(text="(" * 20_000)
def test_policies(text: str) -> None:
    try:
        Policies(text)
    except KeeperError:
        return
