"""
Generations of a subject's key: blobs are sealed again under the next one, and the one before is destroyed when the business has them all.

The keeper does not know which blobs there are, so it cannot end a generation by itself.
"""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hoeksteen_keeper.store.database import Connection
from hoeksteen_keeper.vault.keys import Keys, subject_context


def next_keys(
    tx: Connection, keys: Keys, *, subjects: Sequence[UUID], category: int, generations: Sequence[int], random_bytes: Callable[[int], bytes]
) -> list[tuple[int, AESGCM]]:  # fmt: skip
    """
    Give generation and cipher that each blob is sealed again under: the latest, or new ones where a blob is of the latest generation itself.

    So a call that is made again, because its answer was lost, or with the rest of a subject's blobs, makes no further generation.

    :param generations: of the blobs
    :raises KeeperRefused: `shredded`, when one of the subjects was
    """
    latest = dict(zip(subjects, keys.for_sealing(tx, subjects=subjects, category=category), strict=True))
    ready = dict(latest)
    for subject, generation in zip(subjects, generations, strict=True):
        if generation < latest[subject][0]:
            ready.pop(subject, None)
    if not ready:
        return [latest[subject] for subject in subjects]
    numbers = [generation + 1 for generation, _ in ready.values()]
    secrets = [(random_bytes(32), subject_context(subject.bytes, category, number)) for subject, number in zip(ready, numbers, strict=True)]
    made = keys.wrap_fresh(secrets, "subject")
    tx.execute(_INSERT, (category, list(ready), numbers, [epoch for epoch, _ in made], [wrapped for _, wrapped in made]))
    return keys.for_sealing(tx, subjects=subjects, category=category)  # another call may have been first with some of them


def latest_of(tx: Connection, *, subjects: Sequence[UUID], category: int) -> Mapping[int, list[UUID]]:
    """Give the subjects that have more than one generation, by their latest."""
    found: dict[int, list[UUID]] = {}
    for subject, generation in tx.execute(_SEVERAL, (category, list(subjects))):
        found.setdefault(generation, []).append(subject)
    return found


def end(tx: Connection, *, subjects: Sequence[UUID], category: int, below: int) -> int:
    """Destroy the generations below one, where that one or a later one is there, and give how many keys that were."""
    return tx.execute(_END, (category, list(subjects), below, below)).rowcount


STILL_OLD = """
SELECT DISTINCT k.subject FROM vault.subject_key k JOIN vault.subject_key o USING (subject, category)
WHERE k.generation > 1 AND o.generation < k.generation
"""
_INSERT = """
INSERT INTO vault.subject_key (subject, category, generation, epoch, wrapped)
SELECT new.subject, %s, new.generation, new.epoch, new.wrapped
FROM unnest(%s::uuid[], %s::integer[], %s::bigint[], %s::bytea[]) AS new (subject, generation, epoch, wrapped)
ON CONFLICT DO NOTHING
"""
_SEVERAL = """
SELECT subject, max(generation) FROM vault.subject_key WHERE category = %s AND subject = ANY(%s) GROUP BY subject HAVING count(*) > 1
"""
_END = """
DELETE FROM vault.subject_key o WHERE o.category = %s AND o.subject = ANY(%s) AND o.generation < %s AND EXISTS (
    SELECT 1 FROM vault.subject_key k WHERE k.subject = o.subject AND k.category = o.category AND k.generation >= %s)
"""
