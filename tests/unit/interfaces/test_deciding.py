"""A person signs what they typed, whatever the application would have signed."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hoeksteen.disclosure.decisions import decision_text
from hoeksteen.interfaces.cli import deciding
from hoeksteen.interfaces.cli.bill import bill
from hoeksteen.interfaces.cli.collect import refund
from hoeksteen.kernel.errors import AccessDenied

WHY = hashlib.sha256(b"te veel").hexdigest()
ASKED = {"refund_id": "0198", "customer_id": "0199", "customer": "200000470", "amount": "12.00", "why_sha256": WHY}
ASK = ("ask", "200000470", "--amount", "12.00", "--why", "te veel")
REFUND = "01980000-0000-7000-8000-000000000001"


def _honest(what: str = "ask for a refund", by: str = "bram.visser", **other: str) -> str:
    return decision_text(what=what, by=by, facts=ASKED | other).decode()


class _Application:
    """The application's half, which says what it likes."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.done: tuple[str, ...] = ()

    def ask(self, *_: str, data: Path) -> dict[str, Any]:
        return {"text": self.text, "more": ["--nonce", "0198"]}

    def let(self, *words: str, data: Path) -> None:
        self.done = words


def _typed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, *words: str, group: Any = refund, says: str = ""
) -> tuple[Result, _Application]:
    key, application = Ed25519PrivateKey.generate(), _Application(text)
    path = tmp_path / "bram.key"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    monkeypatch.setattr(deciding, "ask_application", application.ask)
    monkeypatch.setattr(deciding, "let_application", application.let)
    done = CliRunner().invoke(group, [*words, "--as", "bram.visser", "--key", str(path), "--data", str(tmp_path)], input=says)
    if application.done:
        signature = application.done[application.done.index("--signature") + 1]
        key.public_key().verify(base64.b64decode(signature), hashlib.sha256(text.encode()).digest())
    return done, application


def test_what_was_typed_is_shown_and_signed_once_the_person_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    done, application = _typed(monkeypatch, tmp_path, _honest(), *ASK, says="y\n")
    assert (done.exit_code, application.done[:2], application.done[-2:]) == (0, ("refund", "ask"), ("--nonce", "0198"))
    assert "bram.visser: ask for a refund" in done.output and "  amount: 12.00\n" in done.output
    assert "  customer id: 0199    (the application says so)" in done.output, "which nobody typed"
    for says in ("n\n", ""):
        done, application = _typed(monkeypatch, tmp_path, _honest(), *ASK, says=says)
        assert (done.exit_code, application.done) == (1, ())
    done, application = _typed(monkeypatch, tmp_path, _honest(), *ASK, "--yes")
    assert (done.exit_code, application.done[:2]) == (0, ("refund", "ask"))


GRANT = '{"asker":"m.tan","categories":["identity"],"type":"hoeksteen grant","version":1}'
TWICE = _honest().replace('"by":', '"by":"chris.smit","by":')
BESIDE = json.dumps(json.loads(_honest()) | {"z": 1}, sort_keys=True, separators=(",", ":"))


@pytest.mark.parametrize(
    "text",
    [
        _honest(amount="9000.00"), _honest(customer="200000471"), _honest(why_sha256="00" * 32), _honest(by="chris.smit"),
        _honest("approve a refund"), _honest().replace("hoeksteen decision", "hoeksteen change"), GRANT, TWICE, BESIDE,
        _honest().replace('"version":1', '"version":2'), " " + _honest(), _honest(note="\x1b[1A"), _honest().replace('"12.00"', "12"),
        decision_text(what="ask for a refund", by="bram.visser", facts={}).decode(), "[]", "null", "", "{" * 9_000, '{"facts":1}',
    ],
)  # fmt: skip
def test_an_application_that_lies_gets_no_signature(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    done, application = _typed(monkeypatch, tmp_path, text, *ASK, "--yes")
    assert isinstance(done.exception, AccessDenied) and done.exception.reason == "not_what_was_asked", done.output
    assert "Nothing was signed" in done.exception.remedy and application.done == ()


OCTOBER = {"bill_run_id": "0198", "period": "2026-10-01 to 2026-11-01", "bill_date": "2026-11-01"}
RUN, APPROVE = ("run", "--period", "2026-10", "--trial"), ("approve", "--period", "2026-10")


@pytest.mark.parametrize(
    ("group", "words", "what", "facts", "other"),
    [
        (bill, RUN, "begin a trial bill run", OCTOBER, {"period": "2026-11-01 to 2026-12-01"}),
        (bill, RUN, "begin a trial bill run", OCTOBER, {"bill_date": "2026-12-01"}),
        (bill, APPROVE, "approve a trial bill run", OCTOBER, {"period": "2026-09-01 to 2026-10-01"}),
        (refund, ("back", REFUND, "--why", "te veel"), "ask for a refund", {"bank_entry_id": REFUND, "why_sha256": WHY}, {"bank_entry_id": "0197"}),
        (refund, ("back", REFUND, "--why", "te veel"), "ask for a refund", {"bank_entry_id": REFUND, "why_sha256": WHY}, {"why_sha256": "0197"}),
        (refund, ("approve", REFUND), "approve a refund", {"refund_id": REFUND}, {"refund_id": "0197"}),
        (refund, ("again", REFUND), "pay a refund again", {"refund_id": REFUND}, {"refund_id": "0197"}),
        (refund, ("approve", REFUND, "--decline"), "decline a refund", {"refund_id": REFUND}, {"refund_id": "0197"}),
    ],
)
def test_every_command_compares_what_was_typed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, group: Any, words: tuple[str, ...], what: str, facts: dict[str, str], other: dict[str, str]
) -> None:
    honest = decision_text(what=what, by="bram.visser", facts=facts).decode()
    done, application = _typed(monkeypatch, tmp_path, honest, *words, "--yes", group=group)
    assert (done.exit_code, application.done[1]) == (0, words[0]), done.output
    for lie in (decision_text(what=what, by="bram.visser", facts=facts | other), decision_text(what="else", by="bram.visser", facts=facts)):
        done, application = _typed(monkeypatch, tmp_path, lie.decode(), *words, "--yes", group=group)
        assert isinstance(done.exception, AccessDenied) and application.done == ()
