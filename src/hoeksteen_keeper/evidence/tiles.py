"""
The tiles of a log, at the names of C2SP tlog-tiles; `objects` says where those lie.

Beside the checkpoint, the hash tiles and the entry bundles lie what the entries only commit to: `body/<N>` (the bodies,
each after its length as uint32) and `chunk/<sha256>` (a batch's tags). A public mirror leaves those two out. Whoever has
all of it can verify and rebuild the log without the database.
"""

import hashlib
from contextlib import suppress

from hoeksteen_keeper.errors import KeeperUnavailable
from hoeksteen_keeper.evidence.errors import EvidenceCorrupt
from hoeksteen_keeper.evidence.merkle import EMPTY_ROOT, HASH_BYTES, Node, leaf_hash, pair_hash, perfect_root, split
from hoeksteen_keeper.evidence.notes import Checkpoint
from hoeksteen_keeper.evidence.objects import Objects

TILE_WIDTH = 256
ENTRIES, BODIES = "tile/entries", "body"
_CHECKPOINT = "checkpoint"
_TRIES = 5
_LENGTH_BYTES = {ENTRIES: 2, BODIES: 4}


def tile_path(kind: str, number: int, width: int = TILE_WIDTH) -> str:
    """Give the path of a tile or bundle below the log's prefix; `kind` is `tile/<level>`, `tile/entries` or `body`."""
    parts = [f"{number % 1000:03d}"]
    while number := number // 1000:
        parts.insert(0, f"x{number % 1000:03d}")
    return f"{kind}/{'/'.join(parts)}{f'.p/{width}' if width < TILE_WIDTH else ''}"


def chunk_path(digest: bytes) -> str:
    """Give the path of a batch's tags, by their SHA-256."""
    return f"chunk/{digest.hex()[:2]}/{digest.hex()}"


def pack(kind: str, items: list[bytes]) -> bytes:
    """Put items one after another, each after its length (big-endian)."""
    width = _LENGTH_BYTES[kind]
    return b"".join([len(item).to_bytes(width, "big") + item for item in items])


def unpack(kind: str, raw: bytes) -> list[bytes]:
    """
    Take a bundle apart.

    :raises EvidenceCorrupt: when a length does not fit
    """
    width, at, items = _LENGTH_BYTES[kind], 0, []
    while at < len(raw):
        end = at + width + int.from_bytes(raw[at : at + width], "big")
        items.append(raw[at + width : end])
        at = end
    if at != len(raw):
        raise EvidenceCorrupt("bundle_broken", "A bundle in tile storage ends in the middle of an entry.")
    return items


class TileStore:
    """
    The tiles of one log.

    :param objects: where they lie
    """

    def __init__(self, objects: Objects) -> None:
        self.objects = objects

    def read_checkpoint(self) -> bytes | None:
        """Give the latest signed checkpoint, or None before the first."""
        return self.objects.read(_CHECKPOINT)

    def write_checkpoint(self, note: bytes) -> None:
        """
        Put a new checkpoint in the place of the last, atomically and durably; it never goes back.

        :raises EvidenceCorrupt: when the last one is larger, or another of the same size
        """
        new = Checkpoint.parse(note)
        for _ in range(_TRIES):
            published = self.read_checkpoint()
            if published == note:
                return
            last = Checkpoint.parse(published) if published is not None else None
            if last and (last.size > new.size or last.size == new.size and last.text != new.text):
                raise EvidenceCorrupt("behind_tiles", f"The checkpoint in {self.objects.place} knows {last.size} entries: it does not go back.")
            if self.exchange_checkpoint(published, note):
                return
        raise KeeperUnavailable("tiles_busy", f"Others exchange the checkpoint in {self.objects.place} all the while.")

    def exchange_checkpoint(self, published: bytes | None, note: bytes) -> bool:
        """Put a checkpoint in the place of the one that was read, unless another was published meanwhile; say whether it was done."""
        return self.objects.swap(_CHECKPOINT, published, note)

    def read_chunk(self, digest: bytes) -> bytes:
        """
        Give a batch's tags by their SHA-256.

        :raises EvidenceCorrupt: when they are missing
        """
        return self._read(chunk_path(digest))

    def read(self, kind: str, number: int, size: int) -> bytes:
        """
        Give a tile or bundle of a tree of `size` entries: the partial file, or the full one, which may hold more.

        :raises EvidenceCorrupt: when neither exists
        """
        level = int(kind[5:]) if kind[-1].isdigit() else 0
        width = min(size // TILE_WIDTH**level - number * TILE_WIDTH, TILE_WIDTH)
        # the partial one first: a full one may stem from entries that were never signed and that a restore has lost
        exact = self.objects.read(tile_path(kind, number, width))
        return exact if exact is not None else self._read(tile_path(kind, number))

    def tree(self, size: int) -> Node:
        """Give the tree of `size` entries, seen through its nodes; each tile is read once."""
        tiles: dict[tuple[int, int], bytes] = {}

        def node(low: int, high: int) -> bytes:
            count = high - low
            if count == 0:
                return EMPTY_ROOT
            if count & (count - 1) or low % count:
                middle = split(low, high)
                return pair_hash(node(low, middle), node(middle, high))
            level = (count.bit_length() - 1) // 8
            span = TILE_WIDTH**level
            number, at = divmod(low // span, TILE_WIDTH)
            if (level, number) not in tiles:
                tiles[level, number] = self.read(f"tile/{level}", number, size)
            hashes = tiles[level, number][at * HASH_BYTES : (at + count // span) * HASH_BYTES]
            if len(hashes) != count // span * HASH_BYTES:
                raise EvidenceCorrupt("tile_short", f"{tile_path(f'tile/{level}', number)} in tile storage is too short.")
            return perfect_root(hashes)

        return node

    def extend(self, size: int, leaves: list[bytes], bodies: list[bytes], chunks: list[bytes]) -> int:
        """
        Add entries to a tree of `size` entries and give the new size; every tile is durable before this returns.

        Writing the same entries again writes the same bytes, so a crash anywhere is repaired by doing it again.
        """
        new = {chunk_path(hashlib.sha256(chunk).digest()): chunk for chunk in chunks}
        new |= self._bundles(ENTRIES, size, leaves) | self._bundles(BODIES, size, bodies)
        hashes, level, new_size = b"".join([leaf_hash(leaf) for leaf in leaves]), 0, size + len(leaves)
        while new_size >= TILE_WIDTH**level:
            tiles, hashes = self._level(level, size // TILE_WIDTH**level, hashes)
            new |= tiles
            level += 1
        self.objects.write(new)
        self._forget_partial(size, level, new)
        return new_size

    def _level(self, level: int, count: int, hashes: bytes) -> tuple[dict[str, bytes], bytes]:
        """Give the new tiles of one level, and the roots of those that became full."""
        new, full, number = {}, [], count // TILE_WIDTH
        if count % TILE_WIDTH and hashes:
            hashes = self.read(f"tile/{level}", number, count * TILE_WIDTH**level)[: count % TILE_WIDTH * HASH_BYTES] + hashes
        for at in range(0, len(hashes), TILE_WIDTH * HASH_BYTES):
            tile = hashes[at : at + TILE_WIDTH * HASH_BYTES]
            new[tile_path(f"tile/{level}", number, len(tile) // HASH_BYTES)] = tile
            full += [perfect_root(tile)] if len(tile) == TILE_WIDTH * HASH_BYTES else []
            number += 1
        return new, b"".join(full)

    def _bundles(self, kind: str, size: int, items: list[bytes]) -> dict[str, bytes]:
        number = size // TILE_WIDTH
        if size % TILE_WIDTH:
            items = unpack(kind, self.read(kind, number, size))[: size % TILE_WIDTH] + items
        parts = [items[at : at + TILE_WIDTH] for at in range(0, len(items), TILE_WIDTH)]
        return {tile_path(kind, number + i, len(part)): pack(kind, part) for i, part in enumerate(parts)}

    def _forget_partial(self, size: int, levels: int, new: dict[str, bytes]) -> None:
        """Remove the partial tiles of those that became full; they may stay (tlog-tiles), as where the keeper may not delete."""
        for kind, level in (*((f"tile/{level}", level) for level in range(levels)), (ENTRIES, 0), (BODIES, 0)):
            count = size // TILE_WIDTH**level
            full = tile_path(kind, count // TILE_WIDTH)
            if count % TILE_WIDTH and full in new:
                with suppress(KeeperUnavailable):
                    self.objects.forget(f"{full}.p")

    def _read(self, name: str) -> bytes:
        found = self.objects.read(name)
        if found is None:
            raise EvidenceCorrupt("tile_missing", f"{name} is missing from tile storage.")
        return found
