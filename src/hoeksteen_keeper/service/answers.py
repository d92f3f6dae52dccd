"""
A call from bytes to bytes: who asks, what they ask, the answer or the error.

The same functions run in the workers and in the process that serves; nothing here knows of sockets.
"""

import re
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from hoeksteen_keeper.access.model import Caller
from hoeksteen_keeper.errors import KeeperError, KeeperInvalid, KeeperRefused, answer_to
from hoeksteen_keeper.service import change_calls, data_calls, decision_calls, grant_calls, key_calls, log_calls, session_calls
from hoeksteen_keeper.service.keeper import Keeper
from hoeksteen_keeper.service.shapes import Calls

_PARTS = (data_calls, key_calls, session_calls, grant_calls, change_calls, decision_calls, log_calls)
CALLS: Calls = {path: call for part in _PARTS for path, call in part.CALLS.items()}
_DECODERS = {path: msgspec.msgpack.Decoder(shape) for path, (shape, _) in CALLS.items()}
_REVEAL = msgspec.msgpack.Decoder(data_calls.Reveal)
_S = TypeVar("_S")
_ASSERTION = msgspec.msgpack.Decoder(session_calls.Assertion)
_FIELD = re.compile("unknown field `.*?`(?= - at `|$)", re.DOTALL)  # its name is of the caller's making
Answer = tuple[int, bytes]
"""An HTTP status and a body in MessagePack."""


def answered_together(keeper: Keeper, calls: Sequence[tuple[bytes, str, str]]) -> list[Answer]:
    """
    Answer reveals that came together, each by itself.

    :param calls: for each its body, the token of the service, and the token of the person for whom it asks, or nothing
    """
    try:
        found = iter(keeper.sessions.callers(*[token for _, own, person in calls for token in ((own, person) if person else (own,))]))
        answers: list[Answer | None] = []
        asked: list[tuple[Caller, data_calls.Reveal]] = []
        for body, _, person in calls:
            own, carried = next(found), next(found) if person else None
            try:
                asked.append((_caller(keeper, own, carried), _decoded(_REVEAL, body)))
                answers.append(None)
            except Exception as error:  # noqa: BLE001 the border: every error becomes an answer without data
                answers.append(failed("reveal", error))
        opened = iter(data_calls.reveal_many(keeper, asked))
        return [answer or _given(next(opened)) for answer in answers]
    except Exception as error:  # noqa: BLE001 as above, for the whole group
        return [failed("reveal", error)] * len(calls)


def _given(answer: dict[str, Any] | KeeperError) -> Answer:
    return failed("reveal", answer) if isinstance(answer, KeeperError) else (200, msgspec.msgpack.encode(answer))


def answered(keeper: Keeper, path: str, body: bytes, token: str, person: str) -> Answer:
    """
    Answer one call.

    :param person: the token of the person for whom the service asks, or nothing
    """
    try:
        return 200, msgspec.msgpack.encode(_answer(keeper, path, body, token, person))
    except Exception as error:  # noqa: BLE001 the border: every error becomes an answer without data
        return failed(path, error)


def failed(path: str, error: Exception) -> Answer:
    """Give the answer to a call that failed, without anything of what was sent."""
    if isinstance(error, _ServiceTokenOver):
        return 401, encoded(error.reason, error.detail)
    if isinstance(error, msgspec.DecodeError):
        shape = _FIELD.sub("unknown field", str(error)) if isinstance(error, msgspec.ValidationError) else "it is no MessagePack"
        return 400, encoded("body_invalid", f"The body of {path[:40]} does not fit: {shape}")
    if isinstance(error, OverflowError):
        return 400, encoded("value_invalid", "An instant or a number is out of range.")
    status, reason, detail = answer_to(error)
    return status, encoded(reason, detail)


def _answer(keeper: Keeper, path: str, body: bytes, token: str, person: str) -> Any:
    if path == "token":
        return session_calls.prove_key(keeper, _decoded(_ASSERTION, body))
    if path not in CALLS:
        raise KeeperInvalid("unknown_call", "There is no such call.")
    own, *carried = keeper.sessions.callers(token, *([person] if person else []))
    caller = _caller(keeper, own, carried[0] if carried else None)
    return CALLS[path][1](keeper, caller, _decoded(_DECODERS[path], body))


def _decoded(decoder: msgspec.msgpack.Decoder[_S], body: bytes) -> _S:
    try:
        return decoder.decode(body)
    except (UnicodeDecodeError, RecursionError):  # their text holds what was sent
        raise msgspec.DecodeError from None


class _ServiceTokenOver(KeeperRefused):
    """The caller's own token ran out: it proves its key again."""


def _caller(keeper: Keeper, own: Caller | KeeperRefused, carried: Caller | KeeperRefused | None) -> Caller:
    if isinstance(own, KeeperRefused):
        raise _ServiceTokenOver(own.reason, own.detail) if own.reason == "token_expired" else own
    if own.medium != own.actor.actor:
        raise KeeperRefused("token_not_yours", "A person's token is carried by the service it was issued to, never alone.")
    if carried is None:
        return own
    if isinstance(carried, KeeperRefused):
        raise carried
    if own.actor.kind != "service" or carried.medium != own.actor.actor:
        refused = KeeperRefused("token_not_yours", "The token was issued to another service.")
        raise keeper.sessions.note_refusal(carried.actor.actor, "use", own.actor.actor, refused)
    return carried


def encoded(reason: str, detail: str) -> bytes:
    """Give the body of an error."""
    return msgspec.msgpack.encode({"reason": reason, "detail": detail})
