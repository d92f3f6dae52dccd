"""
The keeper's API: one path per call, MessagePack in and out, over a Unix socket.

Calls run in threads: a call waits for its log entry, and others share the commit meanwhile.
"""

from collections.abc import Callable
from typing import Any

import anyio.to_thread
import msgspec
from anyio import CapacityLimiter
from litestar import Litestar, Request, Response, post

from hoeksteen_keeper.access.model import Caller
from hoeksteen_keeper.errors import KeeperInvalid, KeeperRefused, answer_to
from hoeksteen_keeper.service import control_calls, data_calls
from hoeksteen_keeper.service.keeper import Keeper

BODY_BYTES_MAX = 64 << 20
CALLS_AT_ONCE_MAX = 20  # fewer than the store has connections: a call that holds one may need a second, and always gets it
Call = tuple[type[msgspec.Struct], Callable[[Keeper, Caller, Any], Any]]
CALLS: dict[str, Call] = {
    "seal": (data_calls.Seal, data_calls.seal),
    "reveal": (data_calls.Reveal, data_calls.reveal),
    "search": (data_calls.Search, data_calls.search),
    "shred": (data_calls.Shred, data_calls.shred_subject),
    "traffic/seal": (data_calls.TrafficSeal, data_calls.traffic_seal),
    "traffic/open": (data_calls.TrafficOpen, data_calls.traffic_open),
    "traffic/tokens": (data_calls.Tokens, data_calls.deduplication_tokens),
    "traffic/destroy": (data_calls.Month, data_calls.destroy_month),
    "sessions/exchange": (control_calls.Code, control_calls.exchange),
    "sessions/show": (control_calls.Token, control_calls.show_session),
    "sessions/close": (control_calls.Token, control_calls.close_session),
    "passkey-ticket": (control_calls.Nothing, control_calls.passkey_ticket),
    "actors/data-subject": (control_calls.DataSubject, control_calls.add_data_subject),
    "actors/confirm": (control_calls.ActorName, control_calls.confirm_actor),
    "grants/request": (control_calls.GrantRequest, control_calls.request_grant),
    "grants/list": (control_calls.GrantList, control_calls.list_grants),
    "grants/show": (control_calls.GrantName, control_calls.show_grant),
    "grants/approve": (control_calls.Approval, control_calls.approve_grant),
    "grants/refuse": (control_calls.GrantEnd, control_calls.refuse_grant),
    "grants/revoke": (control_calls.GrantEnd, control_calls.revoke_grant),
    "kill": (control_calls.Kill, control_calls.kill),
    "did-see": (control_calls.DidSee, control_calls.did_see),
    "could-see": (control_calls.CouldSee, control_calls.could_see),
    "export": (control_calls.Export, control_calls.export),
    "checkpoint": (control_calls.Nothing, control_calls.checkpoint),
    "fsck": (control_calls.Nothing, control_calls.fsck),
}
_DECODERS = {path: msgspec.msgpack.Decoder(shape) for path, (shape, _) in CALLS.items()}
_ASSERTION = msgspec.msgpack.Decoder(control_calls.Assertion)


def api(keeper: Keeper) -> Litestar:
    """Give the application that serves the calls."""
    limiter = CapacityLimiter(CALLS_AT_ONCE_MAX)

    @post("/v1/{path:path}", status_code=200)
    async def call(path: str, request: Request[Any, Any, Any]) -> Response[bytes]:
        body, headers = await request.body(), request.headers
        authorization, person = headers.get("authorization", ""), headers.get("x-actor-token", "")
        status, answer = await anyio.to_thread.run_sync(
            _answered, keeper, path.strip("/"), body, authorization.removeprefix("Bearer "), person, limiter=limiter
        )  # fmt: skip
        return Response(answer, status_code=status, media_type="application/msgpack")

    return Litestar([call], openapi_config=None, logging_config=None, request_max_body_size=BODY_BYTES_MAX)


def _answered(keeper: Keeper, path: str, body: bytes, token: str, person: str) -> tuple[int, bytes]:
    try:
        return 200, msgspec.msgpack.encode(_answer(keeper, path, body, token, person))
    except _ServiceTokenOver as error:
        return 401, _encoded(error.reason, error.detail)
    except msgspec.DecodeError as error:
        shape = str(error) if isinstance(error, msgspec.ValidationError) else "it is no MessagePack"
        return 400, _encoded("body_invalid", f"The body of {path[:40]} does not fit: {shape}")
    except OverflowError:
        return 400, _encoded("value_invalid", "An instant or a number is out of range.")
    except Exception as error:  # noqa: BLE001 the border: every error becomes an answer without data
        status, reason, detail = answer_to(error)
        return status, _encoded(reason, detail)


def _answer(keeper: Keeper, path: str, body: bytes, token: str, person: str) -> Any:
    if path == "token":
        return control_calls.prove_key(keeper, _ASSERTION.decode(body))
    if path not in CALLS:
        raise KeeperInvalid("unknown_call", "There is no such call.")
    caller = _caller(keeper, token, person)
    return CALLS[path][1](keeper, caller, _DECODERS[path].decode(body))


class _ServiceTokenOver(KeeperRefused):
    """The caller's own token ran out: it proves its key again."""


def _caller(keeper: Keeper, token: str, person: str) -> Caller:
    own, *carried = keeper.sessions.callers(token, *([person] if person else []))
    if isinstance(own, KeeperRefused):
        raise _ServiceTokenOver(own.reason, own.detail) if own.reason == "token_expired" else own
    if own.medium != own.actor.actor:
        raise KeeperRefused("token_not_yours", "A person's token is carried by the service it was issued to, never alone.")
    for caller in carried:
        if isinstance(caller, KeeperRefused):
            raise caller
        if own.actor.kind != "service" or caller.medium != own.actor.actor:
            refused = KeeperRefused("token_not_yours", "The token was issued to another service.")
            raise keeper.sessions.note_refusal(caller.actor.actor, "use", own.actor.actor, refused)
        return caller
    return own


def _encoded(reason: str, detail: str) -> bytes:
    return msgspec.msgpack.encode({"reason": reason, "detail": detail})
