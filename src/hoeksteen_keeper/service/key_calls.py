"""The calls that seal again what is sealed already, so that a key can be ended; no plaintext leaves."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from hoeksteen_keeper.access.model import Ask, Caller
from hoeksteen_keeper.errors import KeeperError, KeeperInvalid, KeeperRefused
from hoeksteen_keeper.service.data_calls import TrafficOpen, enter, require_batch, sealed
from hoeksteen_keeper.service.keeper import Keeper
from hoeksteen_keeper.service.shapes import Calls, grant_id, subject_of, subjects_of
from hoeksteen_keeper.vault import generations, sealing, traffic
from hoeksteen_keeper.vault.categories import category_number, require_purpose
from hoeksteen_keeper.vault.keys import Wanted

_TRAFFIC = "traffic"
_T = TypeVar("_T")


class Rotate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    purpose: str
    category: str
    subjects: bytes
    blobs: list[bytes]
    grant: str | None = None


class Finish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    purpose: str
    category: str
    subjects: bytes
    grant: str | None = None


def rotate(keeper: Keeper, caller: Caller, body: Rotate) -> list[bytes]:
    """
    Seal blobs again under the next generation of their subjects' keys; the old blobs open until `rotate/finish`.

    :raises KeeperInvalid: when one blob does not belong to its subject; then none is given
    """
    category, subjects = category_number(body.category), subjects_of(body.subjects)
    require_batch(len(subjects), len(body.blobs))
    of = sealing.generations(body.blobs, category=category)
    ask = Ask("seal", require_purpose(body.purpose), (body.category,), subjects, len(subjects), grant_id(body.grant))
    permission = keeper.gate.admit(caller, ask)
    (old,) = keeper.keys.wanted([Wanted(subjects, category, of)])
    if isinstance(old, KeeperRefused):
        keeper.gate.refuse(caller, ask, old)
    if isinstance(old, KeeperError):
        raise old
    ciphers = zip(keeper.keys.ciphers(old, category=category), old, body.blobs, strict=True)
    payloads = [sealing.unseal(cipher, subject=key.subject, blob=blob) for cipher, key, blob in ciphers]
    with keeper.store.transaction() as tx:
        new = _refusing(keeper, caller, ask, lambda: generations.next_keys(
            tx, keeper.keys, subjects=subjects, category=category, generations=of, random_bytes=keeper.random_bytes
        ))  # fmt: skip
        enter(keeper, caller, "seal", ask, permission, subjects, action="rotate", generation=max(generation for generation, _ in new))
    return sealed(keeper, subjects, new, category, payloads)


def finish_rotation(keeper: Keeper, caller: Caller, body: Finish) -> int:
    """
    Destroy all generations of these subjects' keys but the latest, and give how many keys there were; blobs of theirs open no more.

    Under a grant only, which two people approved: whoever finishes before the new blobs are stored loses the data.
    """
    category, subjects = category_number(body.category), subjects_of(body.subjects)
    require_batch(len(subjects), len(subjects))
    ask = Ask("seal", require_purpose(body.purpose), (body.category,), subjects, len(subjects), grant_id(body.grant))
    permission = keeper.gate.admit(caller, ask)
    if permission.grant is None:
        keeper.gate.refuse(caller, ask, KeeperRefused("no_grant", "Old keys are destroyed under a grant only."))
    with keeper.store.transaction() as tx:
        found = generations.latest_of(tx, subjects=subjects, category=category)
        for below, those in found.items():
            detail = {"event": "generations_destroyed", "below": below, "medium": caller.medium}
            event = keeper.gate.event(
                "key", caller, action="rotate_finish", category=body.category, purpose=ask.purpose, grant=str(permission.grant.grant),
                subjects=tuple(those), detail=detail,
            )  # fmt: skip
            keeper.log.append([event])
        return sum(generations.end(tx, subjects=those, category=category, below=below) for below, those in found.items())


def traffic_reseal(keeper: Keeper, caller: Caller, body: TrafficOpen) -> list[bytes]:
    """
    Seal disputed traffic records again, each as a blob of its subject's category `traffic`, so that they outlive their month's key.

    :raises KeeperInvalid: when a block does not belong to its record, subject and column
    """
    subject, name, category = subject_of(body.subject), f"traffic:{traffic.require_month(body.month)}", category_number(_TRAFFIC)
    records = [body.records[i : i + 16] for i in range(0, len(body.records), 16)]
    require_batch(len(records), len(records))
    ask = Ask(
        "reveal", require_purpose(body.purpose), (_TRAFFIC,), (subject,), len(records), grant_id(body.grant), body.context.customer_on_the_line,
        body.context.ticket,
    )  # fmt: skip
    permission = keeper.gate.admit(caller, ask)
    if permission.masked:  # or whoever may look could keep a month's traffic for a later look
        keeper.gate.refuse(caller, ask, KeeperRefused("no_permission", "Sealing traffic anew takes a permission to see it unmasked."))
    if not subject.int:
        raise KeeperInvalid("subjects_invalid", "Traffic that is nobody's yet cannot be sealed under anybody's key.")
    key = _refusing(keeper, caller, ask, lambda: keeper.keys.named(name, make=False))
    values = traffic.open_column(key, column=body.column, records=body.records, subject=body.subject, blocks=body.blocks)
    with keeper.store.transaction() as tx:
        new = _refusing(keeper, caller, ask, lambda: keeper.keys.for_sealing(tx, subjects=[subject], category=category))
        enter(keeper, caller, "disclosure", ask, permission, (subject,), action="traffic_reseal", month=body.month, column=body.column)
    payloads = [
        msgspec.msgpack.encode(
            {"month": body.month, "column": body.column, "record": record, "value": int.from_bytes(values[8 * i : 8 * i + 8], "little")}
        )
        for i, record in enumerate(records)
    ]
    return sealed(keeper, [subject] * len(records), new * len(records), category, payloads)


def _refusing(keeper: Keeper, caller: Caller, ask: Ask, get: Callable[[], _T]) -> _T:
    try:
        return get()
    except KeeperRefused as error:
        keeper.gate.refuse(caller, ask, error)


CALLS: Calls = {
    "rotate": (Rotate, rotate),
    "rotate/finish": (Finish, finish_rotation),
    "traffic/reseal": (TrafficOpen, traffic_reseal),
}
