"""
The calls that touch personal data. Each goes the same way: authorise, append the entry and wait until it is durable, open, answer.

Bodies come in columns (subjects as one run of bytes, fields as they were packed), so that a batch costs little per subject: of what it only has to
seal the keeper reads the names of the fields, and of what it hands on nothing.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hoeksteen_keeper.access.masking import masked, masked_number
from hoeksteen_keeper.access.model import Ask, Caller, Permission
from hoeksteen_keeper.errors import KeeperError, KeeperInvalid, KeeperRefused
from hoeksteen_keeper.evidence.model import Event
from hoeksteen_keeper.service.keeper import Keeper, shred
from hoeksteen_keeper.service.schedule import month_keys
from hoeksteen_keeper.service.shapes import Calls, grant_id, subject_of, subjects_of
from hoeksteen_keeper.vault import blind, sealing, traffic
from hoeksteen_keeper.vault.categories import ALL_CATEGORIES, FIELDS, category_number, require_purpose
from hoeksteen_keeper.vault.keys import Wanted, WrappedKey

ITEMS_MAX = 10_000
LOOKS_AGAIN_AFTER = timedelta(seconds=1)
_TRAFFIC_PURPOSE = "billing"
_ASIDE = ThreadPoolExecutor(1, "keys")
_FIELDS = {
    category: msgspec.msgpack.Decoder(msgspec.defstruct(category, [(name, msgspec.Raw, b"") for name in names], forbid_unknown_fields=True))
    for category, names in FIELDS.items()
}


class Context(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the caller asserts."""

    customer_on_the_line: bool = False
    ticket: str = ""


Reference = Annotated[str, msgspec.Meta(pattern="^[0-9A-Za-z._-]{0,64}$")]
"""What the caller calls the work that a call is part of, such as a run of its own; it stands in the entry."""


class Seal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    purpose: str
    category: str
    subjects: bytes
    fields: list[msgspec.Raw]
    indexes: dict[str, list[tuple[int, list[tuple[str, bytes | None]]]]]
    grant: str | None = None
    reference: Reference = ""


class Reveal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    purpose: str
    category: str
    subjects: bytes
    blobs: list[bytes]
    context: Context
    grant: str | None = None
    reference: Reference = ""


class Search(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    purpose: str
    index: str
    values: list[str]
    limit: int
    context: Context
    grant: str | None = None
    reference: Reference = ""


class Shred(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    subject: bytes
    category: str | None
    reason: str


class TrafficSeal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    month: str
    column: str
    records: bytes
    subjects: bytes
    values: bytes
    grant: str | None = None


class TrafficOpen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    purpose: str
    month: str
    column: str
    subject: bytes
    records: bytes
    blocks: bytes
    context: Context
    grant: str | None = None


class Tokens(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    month: str
    values: bytes
    grant: str | None = None


class Month(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    month: str


def seal(keeper: Keeper, caller: Caller, body: Seal) -> list[bytes]:
    """
    Seal one category of many subjects, and store what they can be found by.

    :raises KeeperInvalid: when the columns do not fit each other, or a payload is too large or no map
    """
    category, subjects, payloads = category_number(body.category), subjects_of(body.subjects), [bytes(raw) for raw in body.fields]
    require_batch(len(subjects), len(payloads))
    _require_fields(body.category, payloads)
    for index in body.indexes:
        if body.category not in blind.index_of(index).categories:
            raise KeeperInvalid("index_invalid", f"Index {index} does not belong to {body.category}: its terms are sealed with another category.")
    terms = {index: _terms(subjects, rows) for index, rows in body.indexes.items()}
    for index in terms:  # made here: a transaction that holds off rotation makes none
        keeper.keys.named(blind.key_name(index, 1), make=True)
    ask = Ask("seal", require_purpose(body.purpose), (body.category,), subjects, len(subjects), grant_id(body.grant))
    permission = keeper.gate.admit(caller, ask)
    with keeper.store.transaction() as tx:
        try:
            keys = keeper.keys.for_sealing(tx, subjects=subjects, category=category)
        except KeeperRefused as error:
            keeper.gate.refuse(caller, ask, error)
        enter(keeper, caller, "seal", ask, permission, subjects, **_of(body))
        for index, rows in terms.items():
            blind.replace_tokens(tx, keeper.keys, index=index, terms=rows)
    return sealed(keeper, subjects, keys, category, payloads)


def sealed(keeper: Keeper, subjects: Sequence[UUID], keys: Sequence[tuple[int, AESGCM]], category: int, payloads: Sequence[bytes]) -> list[bytes]:
    """Give the blobs of payloads, each under its subject's key."""
    nonces = keeper.random_bytes(12 * len(keys))
    return [
        sealing.seal(
            cipher, subject=subject.bytes, category=category, generation=generation, nonce=nonces[12 * at : 12 * at + 12], payload=payload
        )
        for at, ((generation, cipher), subject, payload) in enumerate(zip(keys, subjects, payloads, strict=True))
    ]  # fmt: skip


def reveal(keeper: Keeper, caller: Caller, body: Reveal) -> dict[str, Any]:
    """
    Open one category of many subjects.

    :raises KeeperInvalid: when one blob does not belong to its subject; then none is given
    """
    (answer,) = reveal_many(keeper, [(caller, body)])
    if isinstance(answer, KeeperError):
        raise answer
    return answer


def reveal_many(keeper: Keeper, asked: Sequence[tuple[Caller, Reveal]]) -> list[dict[str, Any] | KeeperError]:
    """
    Do what `reveal` does for callers who came together, each by itself: permission, entry, opening.

    They share each question to the database and the commit of their entries, so that a hundred cost little more than one.
    """
    begun, openings = keeper.now(), [_Opening(caller, body) for caller, body in asked]
    _each(openings, _Opening.read)
    open_ones = [one for one in openings if one.error is None]
    wrapped = _ASIDE.submit(keeper.keys.wanted, [one.wanted for one in open_ones])  # the database looks while the policies decide
    permissions = keeper.gate.admit_many([(one.caller, one.ask) for one in open_ones])
    for one, permission, keys in zip(open_ones, permissions, wrapped.result(), strict=True):
        one.take(keeper, permission, keys)
    permitted = [one for one in open_ones if one.error is None]
    _enter_all(keeper, permitted)
    _each(permitted, lambda one: one.open(keeper))
    _each(permitted, lambda one: look_again(keeper, begun, one.caller, one.ask, one.permission))
    return [one.error or one.answer for one in openings]


class _Opening:
    """One call of `reveal` on its way; `error` says why it stops."""

    __slots__ = ("answer", "ask", "body", "caller", "error", "keys", "permission", "unique", "wanted")

    def __init__(self, caller: Caller, body: Reveal) -> None:
        self.caller, self.body = caller, body
        self.error: KeeperError | None = None
        self.keys: Sequence[WrappedKey] = ()
        self.answer: dict[str, Any] = {}

    def read(self) -> None:
        body, subjects = self.body, subjects_of(self.body.subjects)
        category = category_number(body.category)
        require_batch(len(subjects), len(body.blobs))
        self.wanted = Wanted(subjects, category, sealing.generations(body.blobs, category=category))
        self.unique = tuple(dict.fromkeys(subjects))
        self.ask = Ask(
            "reveal", require_purpose(body.purpose), (body.category,), subjects, len(self.unique), grant_id(body.grant),
            body.context.customer_on_the_line, body.context.ticket,
        )  # fmt: skip

    def take(self, keeper: Keeper, permission: Permission | KeeperRefused, keys: Sequence[WrappedKey] | KeeperError) -> None:
        if isinstance(permission, KeeperRefused):
            self.error = permission
            return
        self.permission = permission
        if not isinstance(keys, KeeperError):
            self.keys = keys
        elif isinstance(keys, KeeperRefused):
            _each([self], lambda one: keeper.gate.refuse(one.caller, one.ask, keys))
        else:
            self.error = keys

    def open(self, keeper: Keeper) -> None:
        ciphers = keeper.keys.ciphers(self.keys, category=self.wanted.category)
        payloads = [
            sealing.unseal(cipher, subject=key.subject, blob=blob) for cipher, key, blob in zip(ciphers, self.keys, self.body.blobs, strict=True)
        ]
        if self.permission.masked:
            fields = [masked(self.body.category, msgspec.msgpack.decode(payload)) for payload in payloads]
            self.answer = {"masked": True, "fields": fields}
        else:
            self.answer = {"masked": False, "fields": [msgspec.Raw(payload) for payload in payloads]}


def look_again(keeper: Keeper, begun: datetime, caller: Caller, ask: Ask, permission: Permission) -> None:
    """
    Before what took long is handed out, see that nobody stopped it meanwhile; what took less is on its way for less than two seconds.

    :param begun: before it was allowed
    :raises KeeperRefused: when session, actor or grant was stopped
    """
    if keeper.now() - begun < LOOKS_AGAIN_AFTER:
        return
    try:
        keeper.sessions.require_open(caller)
        if permission.grant:
            keeper.grants.require_running(permission.grant.grant)
    except KeeperRefused as error:
        keeper.gate.refuse(caller, ask, error)


def _each(openings: Sequence[_Opening], step: Callable[[_Opening], object]) -> None:
    """Take one step with each that goes on, and keep the error of each that cannot."""
    for one in openings:
        if one.error is None:
            try:
                step(one)
            except KeeperError as error:
                one.error = error


def _enter_all(keeper: Keeper, openings: Sequence[_Opening]) -> None:
    """Make the entries durable in one commit; where one cannot become an entry, each by itself, so that it stops nobody else."""
    try:
        keeper.log.append([_event(keeper, one.caller, "disclosure", one.ask, one.permission, one.unique, **_of(one.body)) for one in openings])
    except KeeperInvalid:
        _each(openings, lambda one: enter(keeper, one.caller, "disclosure", one.ask, one.permission, one.unique, **_of(one.body)))
    except KeeperError as error:
        for one in openings:
            one.error = error


def search(keeper: Keeper, caller: Caller, body: Search) -> list[list[tuple[bytes, bytes | None]]]:
    """Find subjects by exact values; who was found is in the entry, as a tag."""
    index = blind.index_of(body.index)
    if not 1 <= len(body.values) <= ITEMS_MAX or not 1 <= body.limit <= ITEMS_MAX:
        raise KeeperInvalid("search_invalid", f"Search for 1 to {ITEMS_MAX} values, with a limit of 1 to {ITEMS_MAX}.")
    key = keeper.keys.named(blind.key_name(body.index, 1), make=True)
    tokens = [blind.token(key, index=body.index, value=value) for value in body.values]
    ask = Ask(
        "search", require_purpose(body.purpose), index.categories, (), len(tokens), grant_id(body.grant), body.context.customer_on_the_line,
        body.context.ticket,
    )  # fmt: skip
    begun, permission = keeper.now(), keeper.gate.admit(caller, ask)
    found = blind.find(keeper.store, keeper.keys, index=body.index, tokens=tokens, limit=body.limit)
    subjects = [UUID(bytes=subject) for hits in found for subject, _ in hits]
    enter(keeper, caller, "search", ask, permission, subjects, index=body.index, **_of(body))
    look_again(keeper, begun, caller, ask, permission)
    return found


def shred_subject(keeper: Keeper, caller: Caller, body: Shred) -> None:
    """Destroy the keys of a subject's category, or of all: the entry first, then the deed, which start-up repeats if it was cut off."""
    subject, category = subject_of(body.subject), category_number(body.category) if body.category else ALL_CATEGORIES
    keeper.gate.admit_control(caller, "shred")
    detail = {"category": body.category, "reason": body.reason[:200], "medium": caller.medium}
    event = keeper.gate.event("shred", caller, action="shred", category=body.category or "", subjects=(subject,), detail=detail)
    [entry] = keeper.log.append([event])
    shred(keeper, subject=subject, category=category, entry=entry)


def traffic_seal(keeper: Keeper, caller: Caller, body: TrafficSeal) -> bytes:
    """Seal one column of traffic records under their month's key."""
    name = f"traffic:{traffic.require_month(body.month)}"
    _admit_traffic_write(keeper, caller, body.grant, action="traffic_seal", count=len(body.records) // 16, month=body.month)
    return traffic.seal_column(
        keeper.keys.named(name, make=True), column=body.column, records=body.records, subjects=body.subjects, values=body.values,
        nonces=keeper.random_bytes(8 * (len(body.records) // 16)),
    )  # fmt: skip


def traffic_open(keeper: Keeper, caller: Caller, body: TrafficOpen) -> bytes:
    """
    Open one column of one subject's traffic records.

    :raises KeeperRefused: `key_destroyed` after the month's key is gone, `shredded` after the subject's traffic is
    """
    subject, name = subject_of(body.subject), f"traffic:{traffic.require_month(body.month)}"
    ask = Ask(
        "reveal", require_purpose(body.purpose), ("traffic",), (subject,), len(body.records) // 16, grant_id(body.grant),
        body.context.customer_on_the_line, body.context.ticket,
    )  # fmt: skip
    begun, permission = keeper.now(), keeper.gate.admit(caller, ask)
    try:
        if not subject.int and permission.grant is None:  # everybody's, until usage is guided: no ceiling per person would bound it
            raise KeeperRefused("no_grant", "Traffic that is nobody's yet opens under a grant only.")
        keeper.keys.refuse_shredded(subject=subject, category=category_number("traffic"))
        key = keeper.keys.named(name, make=False)
    except KeeperRefused as error:
        keeper.gate.refuse(caller, ask, error)
    enter(keeper, caller, "disclosure", ask, permission, (subject,), month=body.month, column=body.column)
    values = traffic.open_column(key, column=body.column, records=body.records, subject=body.subject, blocks=body.blocks)
    look_again(keeper, begun, caller, ask, permission)
    if not permission.masked:
        return values
    return b"".join(masked_number(int.from_bytes(values[i : i + 8], "little")).to_bytes(8, "little") for i in range(0, len(values), 8))


def deduplication_tokens(keeper: Keeper, caller: Caller, body: Tokens) -> bytes:
    """Give tokens that are equal within a month for equal values."""
    name = f"deduplication:{traffic.require_month(body.month)}"
    _admit_traffic_write(keeper, caller, body.grant, action="deduplicate", count=len(body.values) // 8, month=body.month)
    return traffic.deduplication_tokens(keeper.keys.named(name, make=True), values=body.values)


def destroy_month(keeper: Keeper, caller: Caller, body: Month) -> int:
    """Destroy the keys of a month's traffic for ever, and give how many there were."""
    names = month_keys(traffic.require_month(body.month))
    keeper.gate.admit_control(caller, "destroy_month")
    detail = {"event": "destroyed", "month": body.month, "keys": names}
    keeper.log.append([keeper.gate.event("key", caller, action="destroy_month", category="traffic", detail=detail)])
    with keeper.store.transaction() as tx:
        return keeper.keys.destroy_named(tx, names)


def _admit_traffic_write(keeper: Keeper, caller: Caller, grant: str | None, *, action: str, count: int, month: str) -> None:
    ask = Ask("seal", _TRAFFIC_PURPOSE, ("traffic",), (), count, grant_id(grant))
    permission = keeper.gate.admit(caller, ask)
    enter(keeper, caller, "seal", ask, permission, (), action=action, month=month)


def enter(
    keeper: Keeper, caller: Caller, kind: str, ask: Ask, permission: Permission, subjects: Sequence[UUID], *, action: str = "", **more: str | int
) -> None:  # fmt: skip
    keeper.log.append([_event(keeper, caller, kind, ask, permission, subjects, action=action, **more)])


def _of(body: Seal | Reveal | Search) -> dict[str, str]:
    return {"reference": body.reference} if body.reference else {}


def _event(
    keeper: Keeper, caller: Caller, kind: str, ask: Ask, permission: Permission, subjects: Sequence[UUID], *, action: str = "", **more: str | int
) -> Event:  # fmt: skip
    detail = {
        "masked": permission.masked, "ticket": permission.ticket[:200], "medium": caller.medium, "count": ask.count, "session": str(caller.session),
        "customer_on_the_line": ask.customer_on_the_line, **more,
    }  # fmt: skip
    return keeper.gate.event(
        kind, caller, action=action or ask.action, category=ask.categories[0], purpose=ask.purpose,
        grant=str(permission.grant.grant) if permission.grant else "", subjects=tuple(subjects), detail=detail,
    )  # fmt: skip


def _terms(subjects: Sequence[UUID], rows: Sequence[tuple[int, list[tuple[str, bytes | None]]]]) -> list[tuple[UUID, list[tuple[str, bytes | None]]]]:
    if any(not 0 <= position < len(subjects) or any(ref is not None and len(ref) != 16 for _, ref in values) for position, values in rows):
        raise KeeperInvalid("terms_invalid", "A term belongs to no subject of its batch, or has a ref that is no identifier.")
    return [(subjects[position], values) for position, values in rows]


def _require_fields(category: str, payloads: Sequence[bytes]) -> None:
    """What a category is called says what is in it: a policy, a mask and a shred rely on that."""
    try:
        for payload in payloads:
            _FIELDS[category].decode(payload)
    except msgspec.DecodeError as error:
        raise KeeperInvalid("fields_invalid", f"The fields of {category} are a map with names from {', '.join(FIELDS[category])}.") from error
    if max(map(len, payloads)) > sealing.PAYLOAD_BYTES_MAX:
        raise KeeperInvalid("fields_invalid", f"The fields of a subject take at most {sealing.PAYLOAD_BYTES_MAX} bytes.")


def require_batch(subjects: int, columns: int) -> None:
    if subjects != columns or not 1 <= subjects <= ITEMS_MAX:
        raise KeeperInvalid("batch_invalid", f"A batch has 1 to {ITEMS_MAX} subjects and as many items, not {subjects} and {columns}.")


CALLS: Calls = {
    "seal": (Seal, seal),
    "reveal": (Reveal, reveal),
    "search": (Search, search),
    "shred": (Shred, shred_subject),
    "traffic/seal": (TrafficSeal, traffic_seal),
    "traffic/open": (TrafficOpen, traffic_open),
    "traffic/tokens": (Tokens, deduplication_tokens),
    "traffic/destroy": (Month, destroy_month),
}
WORK = frozenset({"seal", "reveal", "search", "rotate", "traffic/seal", "traffic/open", "traffic/tokens", "traffic/reseal"})
"""The calls that workers answer."""
