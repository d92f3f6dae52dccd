"""Signed notes and checkpoints against the examples that the C2SP documents print."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hoeksteen_keeper.evidence.errors import InvalidNote
from hoeksteen_keeper.evidence.keys import NoteSigner
from hoeksteen_keeper.evidence.notes import COSIGNATURE, Checkpoint, VerifierKey, checkpoint_text, from_base64, parse_signatures
from hoeksteen_keeper.verify.formats import Invalid, base64_bytes, read_checkpoint, read_key

# c2sp.org/signed-note, "Verifier keys", example
EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE_TEXT = b"This is an example message.\n"
EXAMPLE_LINE = "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n".encode()
# c2sp.org/tlog-checkpoint, example
EXAMPLE_CHECKPOINT = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
).encode()


def test_the_documents_example_verifies() -> None:
    key = VerifierKey.parse(EXAMPLE_KEY)
    [signature] = parse_signatures(EXAMPLE_LINE)
    assert str(key) == EXAMPLE_KEY
    assert signature.is_of(key)
    assert signature.line == EXAMPLE_LINE
    assert key.check(signature.signature, EXAMPLE_TEXT) is None
    with pytest.raises(InvalidNote):
        key.check(signature.signature, EXAMPLE_TEXT + b"x")
    assert read_key(EXAMPLE_KEY).id == key.id


def test_the_documents_checkpoint_parses_and_writes_the_same_bytes() -> None:
    checkpoint = Checkpoint.parse(EXAMPLE_CHECKPOINT)
    assert (checkpoint.origin, checkpoint.size, len(checkpoint.root)) == ("example.com/behind-the-sofa", 20852163, 32)
    assert checkpoint_text(checkpoint.origin, checkpoint.size, checkpoint.root) == checkpoint.text
    assert checkpoint.with_signatures(()) == EXAMPLE_CHECKPOINT


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("20852163", "020852163"), ("20852163", "-1"), ("20852163", "+1"), ("20852163", ""), ("20852163", "9" * 20), ("\n\n", "\n"), ("CsUY", "CsU"),
        ("q2I=\n", "q2J=\n"), ("— ", "- "), ("— ", "—"), ("=\n", "\n"), ("=\n", "="), ("behind", "be\thind"), ("\n— ", "\n\n— "),
        ("20852163\n", "20852163\n\n"), ("example.com/behind-the-sofa\n20", "\n20"), ("behind-the-sofa ", "beside-the-sofa "),
    ],
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused_by_both(old: str, new: str) -> None:
    signer = NoteSigner.generate("example.com/behind-the-sofa")
    head = EXAMPLE_CHECKPOINT.decode().split("\n\n")[0] + "\n"
    note = head + "\n" + signer.sign(head.encode()).decode()
    assert Checkpoint.parse(note.encode()).check(signer.verifier) is None
    assert read_checkpoint(note.encode(), [read_key(str(signer.verifier))], []).size == 20852163
    assert old in note
    changed = note[: note.rindex(old)] + new + note[note.rindex(old) + len(old) :]
    with pytest.raises(InvalidNote):
        Checkpoint.parse(changed.encode()).check(signer.verifier)
    with pytest.raises(Invalid):
        read_checkpoint(changed.encode(), [read_key(str(signer.verifier))], [])


def test_base64_has_one_spelling_only() -> None:
    for encoded in ("QY8=", "QQ=="):
        for other in (encoded.replace("8=", "9=").replace("Q==", "R=="), encoded.rstrip("="), encoded + "=", encoded + "\n"):
            with pytest.raises(InvalidNote):
                from_base64(other)
            with pytest.raises(Invalid):
                base64_bytes(other)


def test_a_key_file_is_for_its_owner_and_is_never_overwritten(tmp_path: Path) -> None:
    signer = NoteSigner.generate("keeper.example/log")
    path = tmp_path / "log.key"
    signer.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().startswith("PRIVATE+KEY+keeper.example/log+")
    assert str(NoteSigner.load(path).verifier) == str(signer.verifier)
    assert "PRIVATE" not in repr(signer)
    with pytest.raises(FileExistsError):
        signer.save(path)
    path.write_text(path.read_text().replace("+keeper", "+keepers"))
    with pytest.raises(InvalidNote):
        NoteSigner.load(path)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "a\nb"])
def test_names_that_cannot_stand_in_a_note(name: str) -> None:
    with pytest.raises(InvalidNote):
        NoteSigner.generate(name)


def test_a_cosignature_is_over_its_time_too() -> None:
    log, witness = NoteSigner.generate("log.example"), NoteSigner.generate("witness.example", algorithm=COSIGNATURE)
    text = checkpoint_text("log.example", 7, b"r" * 32)
    note = text + b"\n" + log.sign(text) + witness.sign(text, time=1679315147)
    assert Checkpoint.parse(note).check(witness.verifier) == 1679315147
    head = read_checkpoint(note, [read_key(str(log.verifier))], [read_key(str(witness.verifier))])
    assert head.cosigned == {"witness.example": 1679315147}
    signature = Checkpoint.parse(note).signatures[1].signature
    with pytest.raises(InvalidNote):
        witness.verifier.check((1679315148).to_bytes(8, "big") + signature[8:], text)
    with pytest.raises(InvalidNote):
        Checkpoint.parse(text + b"\n" + witness.sign(text)).check(log.verifier)
    with pytest.raises(Invalid, match="not signed by the key"):
        read_checkpoint(text + b"\n" + witness.sign(text), [read_key(str(log.verifier))], [read_key(str(witness.verifier))])


@given(st.binary(max_size=300))
def test_garbage_is_refused_with_a_typed_error(raw: bytes) -> None:
    for read in (Checkpoint.parse, parse_signatures):
        with pytest.raises(InvalidNote):
            read(raw)
    with pytest.raises(Invalid):
        read_checkpoint(raw, [read_key(EXAMPLE_KEY)], [])


@given(st.text(max_size=80))
def test_garbage_is_no_key(text: str) -> None:
    with pytest.raises(InvalidNote):
        VerifierKey.parse(text)
    with pytest.raises(Invalid):
        read_key(text)
