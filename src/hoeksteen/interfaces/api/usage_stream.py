"""
Usage over HTTP: a batch of JSON lines with an idempotency key goes in, and its balance comes out once it is taken.

    POST /usage/batches          Content-Type: application/x-ndjson, Idempotency-Key: KEY, optionally X-Usage-Format: ADAPTER
    GET  /usage/batches/KEY

The answer to POST is 202 as long as the batch waits, and 200 once it is taken; 409 when other bytes were sent under the key before. A sender that
has no answer sends the same again. A machine has a token of its own for this (`hoeksteen usage sender`), which is good for nothing else.
"""

from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, RawBody

from hoeksteen.interfaces.runtime import Runtime
from hoeksteen.kernel.errors import AccessDenied, InvalidInput
from hoeksteen.usage import senders
from hoeksteen.usage.batches import BYTES_MAX, Batch, BatchState, accept, batch

PATH = "/usage/batches"
_FORMAT = "usage_jsonl"
_MEDIA_TYPES = ("application/x-ndjson", "application/jsonl", "application/octet-stream")


@dataclass(frozen=True, slots=True)
class Sender:
    """
    Somebody who may send usage.

    :param name: of the machine, whose batches are its own; empty for people
    :param formats: what it may send; None for people, who may send any
    """

    runtime: Runtime
    name: str = ""
    formats: tuple[str, ...] | None = None


def machine_of(runtime: Runtime, token: str) -> Sender | None:
    """Give the machine that a token was told to, or None when it is nobody's or has ended."""
    with runtime.database.transaction() as tx:
        found = senders.sender_of(tx=tx, token=token, now=runtime.clock.now())
    return None if found is None else Sender(runtime, found.name, found.formats)


@post(PATH, sync_to_thread=True, request_max_body_size=BYTES_MAX)
def send_batch(sender: NamedDependency[Sender], request: Request[Any, Any, Any], body: RawBody) -> Response[bytes]:
    """Accept a batch of usage; it is taken within a minute."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in _MEDIA_TYPES:
        raise InvalidInput("Content-Type: is no batch of JSON lines.", remedy=f"Send {_MEDIA_TYPES[0]}.")
    runtime, adapter = sender.runtime, request.headers.get("x-usage-format", _FORMAT)
    if sender.formats is not None and adapter not in sender.formats:
        raise AccessDenied("This sender may not send that format.", reason="no_format", remedy=f"Send {', '.join(sender.formats)}.")
    accepted = accept(
        database=runtime.database, folder=runtime.settings.drop, key=request.headers.get("idempotency-key", ""), content=body, adapter=adapter,
        now=runtime.clock.now(), layouts=runtime.settings.layouts, sender=sender.name,
    )  # fmt: skip
    return _answer(accepted, 202 if accepted.state is BatchState.ACCEPTED else 200)


@get(f"{PATH}/{{key:str}}", sync_to_thread=True)
def batch_by_key(sender: NamedDependency[Sender], key: FromPath[str]) -> Response[bytes]:
    """Give what became of a batch."""
    with sender.runtime.database.transaction() as tx:
        return _answer(batch(tx=tx, key=key, sender=sender.name), 200)


def _answer(one: Batch, status: int) -> Response[bytes]:
    shown: dict[str, Any] = {"key": one.key, "href": f"{PATH}/{one.key}", "state": one.state, "acceptedAt": one.accepted_at}
    if one.why:
        shown["why"] = one.why
    if one.balance is not None:
        shown["usageFileId"] = one.balance.usage_file_id
        shown["records"] = one.balance.records_in
        shown["states"] = [
            {"state": count.state, "reason": count.reason, "records": count.records, "units": count.units} for count in one.balance.states
        ]
    return Response(msgspec.json.encode(shown), status_code=status, media_type="application/json")
