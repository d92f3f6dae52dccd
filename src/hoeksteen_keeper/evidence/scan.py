"""
Whether the database says of the log what the signed tree does.

Looks for facts go by a column, so an entry that is called another kind, or was put in another's place, would hide what it says: a stop, a revocation.
The database itself computes the hashes, tile by tile, some hundred thousand entries a second; they are compared with tile storage here.
"""

from hashlib import sha256
from typing import TYPE_CHECKING

from hoeksteen_keeper.evidence import _store
from hoeksteen_keeper.evidence.errors import EvidenceCorrupt
from hoeksteen_keeper.evidence.merkle import EMPTY_ROOT, HASH_BYTES
from hoeksteen_keeper.evidence.tiles import TILE_WIDTH

if TYPE_CHECKING:
    from hoeksteen_keeper.evidence.log import Log


def require_signed(log: "Log", first: int = 0) -> int:
    """
    Compare the entries from `first` on with the tree that was released for signing, and give that tree's size.

    :raises EvidenceCorrupt: `entry_changed`, naming the first entries that differ
    """
    with _store.connected(log.pool) as tx:
        size, _ = _store.signed(tx, str(log.signer.verifier), EMPTY_ROOT)
        if first < size:
            _compare(log, tx, first - first % TILE_WIDTH, size)
    return size


def seal_facts(log: "Log") -> int:
    """
    See that the database holds the log as it was signed, seal the facts of a keeper that did not seal yet, and give the signed tree's size.

    :raises EvidenceCorrupt: as `require_signed`
    """
    size = require_signed(log)
    with _store.connected(log.pool) as tx:
        rows = _store.unsealed(tx, size)
        if seals := [(row.index, seal) for row in rows if (seal := log.scribe.seal(row.index, row.kind, row.leaf))]:
            _store.set_seals(tx, seals)
    return size


def require_columns(tx: _store.Connection, first: int, last: int) -> None:
    """:raises EvidenceCorrupt: `entry_changed`, when the columns of an entry say something else than its leaf and body"""
    for number, _, _, alike in _store.hashed(tx, first, last):
        if not alike:
            raise _changed(number)


def _compare(log: "Log", tx: _store.Connection, first: int, size: int) -> None:
    expected = first // TILE_WIDTH
    for number, hashed, count, alike in _store.hashed(tx, first, size):
        tile = log.tiles.read("tile/0", number, size)[: min(TILE_WIDTH, size - number * TILE_WIDTH) * HASH_BYTES]
        if number != expected or not alike or count * HASH_BYTES != len(tile) or bytes(hashed) != sha256(tile).digest():
            raise _changed(number)
        expected += 1
    if expected != (size + TILE_WIDTH - 1) // TILE_WIDTH:
        raise _changed(expected)


def _changed(number: int) -> EvidenceCorrupt:
    first = number * TILE_WIDTH
    return EvidenceCorrupt(
        "entry_changed",
        f"One of the entries {first} to {first + TILE_WIDTH - 1} is not in the database as it was signed. Run `hoeksteen-keeper fsck`.",
    )
