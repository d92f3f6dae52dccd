"""
Decisions on the business that a person signs with a key of their own, outside of the application: the keeper says whose signature it is.

What is signed names everything that is decided, down to a digest of it; the keeper keeps it in its log, with the signature.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hoeksteen.disclosure._keeper import as_our_errors
from hoeksteen.kernel.errors import AccessDenied
from hoeksteen_keeper.client import KeeperClient, load_key

TYPE = "hoeksteen decision"


@dataclass(frozen=True, slots=True)
class Signer:
    """
    Who signed a decision, as the keeper knows them.

    :param digest: the SHA-256 of the signed text, 32 bytes
    """

    actor: str
    digest: bytes


def decision_text(*, what: str, by: str, facts: Mapping[str, str]) -> bytes:
    """
    Give the bytes that somebody signs: JSON with sorted names.

    :param facts: what is decided, without personal data: the text stands in the log
    """
    said = {"type": TYPE, "version": 1, "what": what, "by": by, "facts": dict(facts)}
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def read_decision(*, text: str, what: str, by: str, said: Mapping[str, str]) -> dict[str, str]:
    """
    Give the facts of a decision that somebody else worded and `by` is about to sign, once it is what they want to decide and nothing else.

    Whoever worded it may lie: a text that is not to the byte the form of such a decision (another type, a name twice, something beside it) is none.

    :param said: facts that `by` said themselves, which the text has to have as they said them
    :raises AccessDenied: with the reason `not_what_was_asked`, naming the first difference
    """
    try:
        facts = json.loads(text)["facts"]
        is_one = _are_texts(facts) and decision_text(what=what, by=by, facts=facts) == text.encode()
    except (ValueError, TypeError, KeyError, RecursionError):
        is_one = False
    if not is_one:
        raise _another(f"The application has something signed that is no decision by {by} to {what}.")
    for name, value in said.items():
        if facts.get(name) != value:
            raise _another(f"The application has {_named(name, facts.get(name))} signed, and you said {_named(name, value)}.")
    return dict(facts)


def _are_texts(facts: object) -> bool:
    """Say whether these are facts: texts by name, which a terminal shows as they are."""
    return isinstance(facts, dict) and all(isinstance(value, str) and (name + value).isprintable() for name, value in facts.items())


def _named(name: str, value: str | None) -> str:
    return f"no {name}" if value is None else f"the {name} {value}"


def _another(message: str) -> AccessDenied:
    remedy = "Nothing was signed. Keep what it printed: an application that words another decision may be in somebody else's hands."
    return AccessDenied(message, reason="not_what_was_asked", remedy=remedy)


def sign(*, text: bytes, key_path: Path) -> bytes:
    """
    Sign the SHA-256 of a decision with the key of whoever runs this.

    :raises InvalidInput: when there is no such key
    """
    with as_our_errors():
        return load_key(key_path).sign(hashlib.sha256(text).digest())


def signer_of(*, keeper: KeeperClient, text: bytes, signature: bytes, role: str) -> Signer:
    """
    Have the keeper check who signed a decision, and enter it into the log.

    :param role: what they must be, to decide this
    :raises AccessDenied: when the signature is not by a key of whom the text names, they were stopped, or have another role
    """
    with as_our_errors():
        told = keeper.enter_decision(text=text, signature=signature)
    if role not in told["roles"]:
        raise AccessDenied("Your role does not include this.", reason="no_role", remedy="Ask a colleague whose work it is.")
    return Signer(told["actor"], bytes.fromhex(told["digest"]))
