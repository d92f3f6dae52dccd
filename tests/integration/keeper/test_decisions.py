"""A decision on the business that a person signed: the keeper says whose signature it is, keeps it in the log, and takes no other for it."""

import hashlib
import json
from typing import Any

import pytest

from fixtures.keeper import RunningKeeper
from hoeksteen_keeper.client import KeeperInvalid, KeeperRefused, load_key


def text(by: str, **more: Any) -> bytes:
    return json.dumps({"type": "hoeksteen decision", "by": by, "what": "approve a run", **more}).encode()


def enter(keeper: RunningKeeper, said: bytes, *, signer: str, medium: str = "bss") -> dict[str, Any]:
    signature = load_key(keeper.key(signer)).sign(hashlib.sha256(said).digest())
    return keeper.client(medium).enter_decision(text=said, signature=signature)


def test_it_is_who_signed_and_stands_in_the_log(keeper: RunningKeeper) -> None:
    said = text("bram.visser", run="r1")
    assert enter(keeper, said, signer="bram.visser") == {
        "actor": "bram.visser", "roles": ["billing_manager"], "digest": hashlib.sha256(said).hexdigest(),
    }  # fmt: skip
    entry = json.loads(keeper.sql("SELECT convert_from(body, 'UTF8') FROM evidence.entry WHERE kind = 'decision' ORDER BY index DESC LIMIT 1"))
    assert (entry["actor"], entry["detail"]["text"].encode()) == ("bram.visser", said)
    assert entry["detail"]["key"].startswith("ed25519:") and entry["detail"]["signature"]


@pytest.mark.parametrize(
    ("said", "signer", "reason"),
    [
        (text("bram.visser"), "anna.dekker", "signature_invalid"),  # somebody else's key
        (text("m.tan"), "m.tan", "approver_not_operator"),  # an outsider
        (text("bss"), "bss", "approver_not_operator"),  # a service decides nothing
    ],
)
def test_nobody_else_passes_for_them(keeper: RunningKeeper, said: bytes, signer: str, reason: str) -> None:
    with pytest.raises(KeeperRefused, match=reason):
        enter(keeper, said, signer=signer)


@pytest.mark.parametrize(
    "said", [b"", b"[]", b"\xff", b'{"type": "hoeksteen change", "by": "bram.visser"}', b'{"type": "hoeksteen decision"}', text("x", y="z" * 5_000)]
)
def test_what_is_no_decision_is_not_taken_for_one(keeper: RunningKeeper, said: bytes) -> None:
    with pytest.raises(KeeperInvalid):
        enter(keeper, said, signer="bram.visser")


def test_a_signature_holds_for_its_text_alone_and_a_person_brings_none_of_others(keeper: RunningKeeper) -> None:
    signature = load_key(keeper.key("bram.visser")).sign(hashlib.sha256(text("bram.visser", run="r1")).digest())
    with pytest.raises(KeeperRefused, match="signature_invalid"):
        keeper.client("bss").enter_decision(text=text("bram.visser", run="r2"), signature=signature)
    with pytest.raises(KeeperRefused, match="approver_not_operator"):
        enter(keeper, text("bram.visser"), signer="bram.visser", medium="m.tan")


def test_whoever_was_stopped_decides_no_more(own_keeper: RunningKeeper) -> None:
    enter(own_keeper, text("bram.visser"), signer="bram.visser")
    own_keeper.client("chris.smit").kill(scope="actor", target="bram.visser", reason="test")
    with pytest.raises(KeeperRefused, match="actor_blocked"):
        enter(own_keeper, text("bram.visser"), signer="bram.visser")
