"""
Catching up: a database restored from a backup is older than the log that it serves.

Tile storage holds every entry that was ever signed, whole. They are verified against the signed checkpoint, then put
into the database; only then may anything be appended or signed. If that cannot be, nothing is: signing on top of the
older state would make a second view of the same log.
"""

from collections.abc import Callable
from dataclasses import astuple, replace

from hoeksteen_keeper.evidence import _store
from hoeksteen_keeper.evidence.entries import read_entry, read_leaf
from hoeksteen_keeper.evidence.errors import BehindTiles, EvidenceCorrupt
from hoeksteen_keeper.evidence.merkle import EMPTY_ROOT, leaf_hash, range_proof, range_root
from hoeksteen_keeper.evidence.notes import Checkpoint, VerifierKey
from hoeksteen_keeper.evidence.tiles import BODIES, ENTRIES, TILE_WIDTH, TileStore, unpack

Seal = Callable[[int, str, bytes], bytes | None]


def catch_up(tx: _store.Connection, tiles: TileStore, key: VerifierKey, origin: str, *, seal: Seal) -> None:
    """
    Make the database hold everything that its published checkpoint covers; the sequencer's lock is held.

    :param seal: gives a fact's seal, of index, kind and leaf
    :raises BehindTiles: when tile storage does not hold what its checkpoint covers, or the database went another way
    :raises EvidenceCorrupt: when the published checkpoint is not this log's, or not one of its past
    """
    size, root = _store.signed(tx, str(key), EMPTY_ROOT)
    note = tiles.read_checkpoint()
    if note is None:
        if size:
            raise EvidenceCorrupt("checkpoint_missing", "The database released checkpoints, but tile storage holds none.")
        return
    checkpoint = Checkpoint.parse(note)
    checkpoint.check(key)
    if checkpoint.origin != origin:
        raise EvidenceCorrupt("other_origin", f"Tile storage holds the log {checkpoint.origin}, not {origin}.")
    if checkpoint.size <= size:
        if tiles.tree(size)(0, size) != root or tiles.tree(checkpoint.size)(0, checkpoint.size) != checkpoint.root:
            raise EvidenceCorrupt("forked", "The published checkpoint is not one of this log's past.")
        return
    try:
        _insert_missing(tx, tiles, checkpoint, size, root, seal)
    except EvidenceCorrupt as error:
        raise BehindTiles(
            "behind_tiles",
            f"The database ends at entry {size}, the published checkpoint at {checkpoint.size}, and it cannot be caught up: {error.detail}",
        ) from error


def _insert_missing(tx: _store.Connection, tiles: TileStore, checkpoint: Checkpoint, size: int, root: bytes, seal: Seal) -> None:
    tree = tiles.tree(checkpoint.size)
    if tree(0, size) != root:
        raise EvidenceCorrupt("forked", "What the database released is no prefix of the published tree.")
    have = _store.head_size(tx)
    hashes: list[bytes] = []
    time = None
    for number in range(size // TILE_WIDTH, (checkpoint.size + TILE_WIDTH - 1) // TILE_WIDTH):
        first, last = max(size, number * TILE_WIDTH), min(checkpoint.size, (number + 1) * TILE_WIDTH)
        rows = _rows(tiles, number, first, last, checkpoint.size)
        hashes += [leaf_hash(row.leaf) for row in rows]
        known = {row.index: row.leaf for row in _store.entries(tx, first, min(last, have))}
        if any(row.leaf != known.get(row.index, row.leaf) for row in rows):
            raise EvidenceCorrupt("forked", "The database holds other entries than the published tree.")
        _store.insert(tx, [astuple(replace(row, seal=seal(row.index, row.kind, row.leaf))) for row in rows if row.index not in known], [])
        time = rows[-1].time
    if range_root(hashes, size, checkpoint.size, range_proof(tree, size, checkpoint.size, checkpoint.size)) != checkpoint.root or time is None:
        raise EvidenceCorrupt("tiles_changed", "The entries in tile storage do not make the published root.")
    _store.set_head(tx, max(have, checkpoint.size), time)
    _store.advance_signed(tx, (size, root), (checkpoint.size, checkpoint.root))


def _rows(tiles: TileStore, number: int, first: int, last: int, size: int) -> list[_store.Row]:
    leaves, bodies = (unpack(kind, tiles.read(kind, number, size)) for kind in (ENTRIES, BODIES))
    if min(len(leaves), len(bodies)) < last - number * TILE_WIDTH:
        raise EvidenceCorrupt("bundle_short", "A bundle in tile storage is too short.")
    rows = []
    for index in range(first, last):
        leaf, body = leaves[index % TILE_WIDTH], bodies[index % TILE_WIDTH]
        digest = read_leaf(leaf).chunk
        chunk = tiles.read_chunk(digest) if digest else None
        entry = read_entry(index, leaf, body, chunk)
        # whose entries these are cannot be told from tags, so they are tested one by one from now on
        rows.append(_store.Row(index, entry.time, entry.event.kind, entry.event.actor, entry.event.organisation, not entry.count, leaf, body, chunk))
    return rows
