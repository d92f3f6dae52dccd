"""Finding entries: those of a period, and those about a subject."""

from collections.abc import Sequence
from datetime import datetime
from math import isqrt

from hoeksteen_keeper.evidence import _store
from hoeksteen_keeper.evidence.entries import read_leaf, token
from hoeksteen_keeper.evidence.model import TAG_BYTES, Tags


def period(tx: _store.Connection, since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """Give the indexes [first, last) of the entries in [since, until)."""
    size = _store.head_size(tx)
    first = 0 if since is None else _store.first_at(tx, since)
    last = None if until is None else _store.first_at(tx, until)
    return size if first is None else first, size if last is None else last


def about(tx: _store.Connection, subject_key: bytes, first: int, last: int, kinds: Sequence[str] | None = None) -> list[int]:
    """
    Give the indexes of all entries about a subject, in order.

    The keeper's own index gives those of few subjects; the tags of the others (batches, and what was recovered from
    tiles) are tested one by one.
    """
    found = {index for _, index in _store.token_indexes(tx, [token(subject_key)], first, last, kinds)}
    slices: dict[int, tuple[Tags, int, int]] = {}
    for index, raw, has_chunk in _store.not_indexed(tx, first, last, kinds):
        leaf = read_leaf(raw)
        if not has_chunk:
            found |= {index} if leaf.tags_with(None).hold(subject_key) else set()
        else:
            slices[index] = (Tags(leaf.nonce, b""), leaf.count, _likely_place(Tags(leaf.nonce, b"").tag_of(subject_key), leaf.count))
    return sorted(found | _in_chunks(tx, subject_key, slices))


def _likely_place(tag: bytes, count: int) -> int:
    """Guess where among `count` sorted random tags this one stands."""
    return int.from_bytes(tag[:8], "big") * count >> 64


def _in_chunks(tx: _store.Connection, subject_key: bytes, chunks: dict[int, tuple[Tags, int, int]]) -> set[int]:
    """
    Test chunks by reading a slice of each, five standard deviations around the tag's likely place.

    A slice proves absence only when the tag lies between its ends; else the whole chunk is read.
    """
    wanted = []
    for index, (_, count, place) in chunks.items():
        low = max(0, place - _reach(count))
        wanted.append((index, low * TAG_BYTES, (min(count, place + _reach(count)) - low) * TAG_BYTES))
    found, doubtful = set(), []
    for index, part in _store.chunk_slices(tx, wanted).items():
        tags, count, place = chunks[index]
        tag = tags.tag_of(subject_key)
        if Tags(tags.nonce, part).hold(subject_key):
            found.add(index)
        elif (place > _reach(count) and tag < part[:TAG_BYTES]) or (place + _reach(count) < count and tag > part[-TAG_BYTES:]):
            doubtful.append(index)
    for row in _store.rows_of(tx, doubtful):
        if read_leaf(row.leaf).tags_with(row.chunk).hold(subject_key):
            found.add(row.index)
    return found


def _reach(count: int) -> int:
    return 5 * isqrt(count) // 2 + 2
