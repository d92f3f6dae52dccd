"""
Blocks: products that are suspended because of late bills, and what goes on meanwhile.

A block is a suspension with a reason: no recurring charge runs while it lasts. Emergency calls and free numbers always go on, and
incoming calls until a day that is agreed beforehand (directive (EU) 2018/1972, annex VI, part A, point e).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.kernel.time_period import local_day, start_of_day
from hoeksteen.product import _block_store, _store, operations
from hoeksteen.product.model import ProductStatus
from hoeksteen.storage.postgres import Transaction


@dataclass(frozen=True, slots=True)
class Block:
    """
    A block of one product.

    :param from_day: the first local day; `lifted_from` the first on which it works again or is no longer held, None while it is blocked
    :param reference: why: the dunning case
    :param emergency_calls: always; beside free numbers
    :param incoming_until: the first day on which nobody can call it any more
    """

    customer_id: UUID
    product_id: UUID
    from_day: date
    reference: UUID
    emergency_calls: bool
    incoming_until: date
    blocked_at: datetime
    lifted_from: date | None
    lifted_at: datetime | None


def block(
    *, tx: Transaction, customer_id: UUID, product_id: UUID, from_day: date, reference: UUID, incoming_days: int, now: datetime
) -> None:  # fmt: skip
    """
    Suspend a product because of late bills from a local day on.

    :param incoming_days: how long it can still be called, at least a day
    :raises NotFound: when the customer has no such product
    :raises WrongState: when it is not active on that day
    :raises Conflict: when a later change is planned
    :raises InvalidInput: when the day has passed, or nobody could call it for a day
    """
    if incoming_days < 1:
        raise InvalidInput(f"Product {product_id}: incoming_days: {incoming_days} is less than a day.", remedy="Let it be called for a time.")
    operations.suspend(tx=tx, customer_id=customer_id, product_id=product_id, from_day=from_day, now=now)
    _block_store.insert(tx, customer_id, product_id, from_day, reference, from_day + timedelta(days=incoming_days), now)


def lift(*, tx: Transaction, customer_id: UUID, product_id: UUID, now: datetime) -> date | None:
    """
    Let a blocked product work again from today on, or not be blocked at all where the block has not begun; and give that day.

    One that is to end later works again until then. A product that ended meanwhile, or whose customer asked for something else since, is left
    as it is, and no day is given.
    """
    blocks = [one for one in open_blocks(tx=tx, customer_ids=[customer_id]) if one.product_id == product_id]
    day = max([local_day(now), *(one.from_day for one in blocks)])
    _store.lock_product(tx, customer_id, product_id)
    last = _store.terms_of_product(tx, customer_id, product_id)[-1]
    if last.status is ProductStatus.SUSPENDED and last.valid_from <= start_of_day(day):
        operations.resume(tx=tx, customer_id=customer_id, product_id=product_id, from_day=day, now=now)
        return day
    if operations.resume_before_end(tx=tx, customer_id=customer_id, product_id=product_id, from_day=day, now=now):
        return day
    ended = last.status is ProductStatus.TERMINATED
    _block_store.lift(tx, customer_id, product_id, min(day, local_day(last.valid_from)) if ended else day, now)
    return None


def open_blocks(*, tx: Transaction, customer_ids: Sequence[UUID]) -> list[Block]:
    """Give the blocks of some customers that were not lifted, also of products that have ended since or are to end."""
    return [Block(**row) for row in _block_store.open_of(tx, customer_ids)]


def blocks_of(*, tx: Transaction, customer_id: UUID) -> list[Block]:
    """Give a customer's blocks, lifted ones too, the newest first."""
    found = [Block(**row) for row in _block_store.of_customer(tx, customer_id)]
    ends = {
        term.product_id: local_day(term.valid_from)
        for one in found if one.lifted_at is None
        for term in _store.terms_of_product(tx, customer_id, one.product_id)[-1:] if term.status is ProductStatus.TERMINATED
    }  # fmt: skip
    return [replace(one, lifted_from=ends.get(one.product_id)) if one.lifted_at is None else one for one in found]


def blocked_customers(*, tx: Transaction, after: UUID | None, limit: int) -> list[UUID]:
    """Give the next customers of whom something is blocked, in the order of their identifiers."""
    return _block_store.customers_after(tx, after, limit)
