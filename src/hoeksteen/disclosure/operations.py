"""Writing and erasing personal data, through the keeper."""

from collections.abc import Sequence
from uuid import UUID

from hoeksteen.disclosure import _store
from hoeksteen.disclosure._keeper import as_our_errors
from hoeksteen.kernel.errors import invariant
from hoeksteen.kernel.sealed import Category
from hoeksteen.storage.postgres import Transaction
from hoeksteen_keeper.client import KeeperClient, SealItem, Term

ITEMS_PER_CALL_MAX = 1_000


def seal(*, keeper: KeeperClient, purpose: str, category: Category, items: Sequence[SealItem]) -> list[bytes]:
    """
    Have the keeper seal one category of each item's subject and give the blobs, in the order of the items.

    :raises AccessDenied: when the actor may not write this category
    :raises InvalidInput: when the keeper refuses a field
    :raises Unavailable: when the keeper does not answer
    """
    blobs: list[bytes] = []
    for start in range(0, len(items), ITEMS_PER_CALL_MAX):
        batch = items[start : start + ITEMS_PER_CALL_MAX]
        with as_our_errors():
            blobs += keeper.seal(purpose=purpose, category=category, items=batch)
    invariant(len(blobs) == len(items), "the keeper gives one blob per item")
    return blobs


def store(*, tx: Transaction, keeper: KeeperClient, purpose: str, category: Category, items: Sequence[SealItem]) -> None:
    """
    Seal one category of each item's subject and keep the blobs, replacing what was there.

    The search terms of an item replace the subject's earlier terms in the same indexes; they are kept by the keeper only.

    :raises AccessDenied: when the actor may not write this category
    :raises InvalidInput: when the keeper refuses a field
    :raises Unavailable: when the keeper does not answer; nothing was stored
    """
    blobs = seal(keeper=keeper, purpose=purpose, category=category, items=items)
    _store.upsert(tx, category, [(item.subject, blob) for item, blob in zip(items, blobs, strict=True)])


def shred(*, keeper: KeeperClient, subject: UUID, category: Category | None, reason: str) -> None:
    """
    Destroy the keys of a subject's category, or of all its categories; `forget` removes what nothing opens any more.

    Copies of the blobs in backups and replicas cannot be opened afterwards, because their key is gone (GDPR art. 17).

    :param reason: why, without personal data; it stands in the log
    :raises AccessDenied: when the actor may not erase
    """
    with as_our_errors():
        keeper.shred(subject=subject, category=category, reason=reason)


def forget(*, tx: Transaction, subject: UUID, category: Category | None) -> int:
    """
    Remove a shredded subject's blobs of a category, or all, and give how many there were.

    While a blob is there, the keeper refuses every batch that it stands in with `shredded`; without it the subject is simply absent.
    """
    return _store.delete(tx, subject, category)


def withdraw(
    *, tx: Transaction, keeper: KeeperClient, purpose: str, category: Category, subjects: Sequence[UUID], indexes: Sequence[str]
) -> int:  # fmt: skip
    """
    Take back what was sealed of some subjects in a category, and what they are found by, as if it had never been brought in; give how many had any.

    No key is destroyed: the same subjects may come again, and then read as before. Erasing a person is `shred`.

    :param indexes: those in which they may be found by this category
    :raises AccessDenied: when the actor may not write this category, or a subject was shredded
    """
    there = [subject for subject, _ in _store.blobs(tx, category, subjects)]
    nothing: dict[str, list[Term]] = {index: [] for index in indexes}
    seal(keeper=keeper, purpose=purpose, category=category, items=[SealItem(subject, {}, nothing) for subject in there])
    _store.delete_many(tx, category, there)
    return len(there)


def seal_traffic(*, keeper: KeeperClient, month: str, column: str, records: bytes, subjects: bytes, values: bytes) -> bytes:
    """
    Seal one column of traffic data with the month's key.

    :param month: `YYYY-MM`
    :param records: 16 bytes of record identity per value
    :param subjects: 16 bytes per value: the only subject that it will be opened for; zeros where nobody is known yet
    :param values: 8 bytes per value, little-endian
    :returns: 24 bytes per value
    """
    invariant(len(records) == len(subjects) == 2 * len(values), "each traffic value has one record identity and one subject")
    with as_our_errors():
        blocks = keeper.traffic_seal(month=month, column=column, records=records, subjects=subjects, values=values)
    invariant(len(blocks) == 3 * len(values), "the keeper gives one block per traffic value")
    return blocks
