"""
Tile storage on a file system, at the exact paths of C2SP tlog-tiles.

Beside the checkpoint, the hash tiles and the entry bundles lie what the entries only commit to: `body/<N>` (the bodies,
each after its length as uint32) and `chunk/<sha256>` (a batch's tags). A public mirror leaves those two out. Whoever has
all of it can verify and rebuild the log without the database.
"""

import hashlib
import os
import shutil
import threading
from pathlib import Path

from hoeksteen_keeper.evidence.errors import EvidenceCorrupt
from hoeksteen_keeper.evidence.merkle import EMPTY_ROOT, HASH_BYTES, Node, leaf_hash, pair_hash, perfect_root, split

TILE_WIDTH = 256
ENTRIES, BODIES = "tile/entries", "body"
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
    The files of one log.

    :param home: the log's prefix
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self._scratch = home.with_name(f"{home.name}.new")  # beside the log, so that a crash leaves nothing strange in it

    def read_checkpoint(self) -> bytes | None:
        """Give the latest signed checkpoint, or None before the first."""
        path = self.home / "checkpoint"
        return path.read_bytes() if path.exists() else None

    def write_checkpoint(self, note: bytes) -> None:
        """Put a new checkpoint in the place of the last, atomically and durably."""
        self._sync([self._write("checkpoint", note)])

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
        # the partial file first: a full one may stem from entries that were never signed and that a restore has lost
        exact = tile_path(kind, number, width)
        return self._read(exact if (self.home / exact).exists() else tile_path(kind, number))

    def tree(self, size: int) -> Node:
        """Give the tree of `size` entries, seen through its nodes."""

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
            hashes = self.read(f"tile/{level}", number, size)[at * HASH_BYTES : (at + count // span) * HASH_BYTES]
            if len(hashes) != count // span * HASH_BYTES:
                raise EvidenceCorrupt("tile_short", f"{tile_path(f'tile/{level}', number)} in tile storage is too short.")
            return perfect_root(hashes)

        return node

    def extend(self, size: int, leaves: list[bytes], bodies: list[bytes], chunks: list[bytes]) -> int:
        """
        Add entries to a tree of `size` entries and give the new size; every file is durable before this returns.

        Writing the same entries again writes the same bytes, so a crash anywhere is repaired by doing it again.
        """
        written = [self._write(chunk_path(hashlib.sha256(chunk).digest()), chunk) for chunk in chunks]
        written += self._extend_bundles(ENTRIES, size, leaves) + self._extend_bundles(BODIES, size, bodies)
        hashes, level, new_size = b"".join([leaf_hash(leaf) for leaf in leaves]), 0, size + len(leaves)
        while new_size >= TILE_WIDTH**level:
            tiles, hashes = self._extend_level(level, size // TILE_WIDTH**level, hashes)
            written += tiles
            level += 1
        self._sync(written)
        return new_size

    def _extend_level(self, level: int, count: int, hashes: bytes) -> tuple[list[Path], bytes]:
        """Write the new tiles of one level; give also the roots of those that became full."""
        written, full, number = [], [], count // TILE_WIDTH
        if count % TILE_WIDTH and hashes:
            hashes = self.read(f"tile/{level}", number, count * TILE_WIDTH**level)[: count % TILE_WIDTH * HASH_BYTES] + hashes
        for at in range(0, len(hashes), TILE_WIDTH * HASH_BYTES):
            tile = hashes[at : at + TILE_WIDTH * HASH_BYTES]
            written.append(self._write_tile(f"tile/{level}", number, len(tile) // HASH_BYTES, tile))
            full += [perfect_root(tile)] if len(tile) == TILE_WIDTH * HASH_BYTES else []
            number += 1
        return written, b"".join(full)

    def _extend_bundles(self, kind: str, size: int, items: list[bytes]) -> list[Path]:
        number = size // TILE_WIDTH
        if size % TILE_WIDTH:
            items = unpack(kind, self.read(kind, number, size))[: size % TILE_WIDTH] + items
        parts = [items[at : at + TILE_WIDTH] for at in range(0, len(items), TILE_WIDTH)]
        return [self._write_tile(kind, number + i, len(part), pack(kind, part)) for i, part in enumerate(parts)]

    def _write_tile(self, kind: str, number: int, width: int, raw: bytes) -> Path:
        written = self._write(tile_path(kind, number, width), raw)
        partial = (self.home / tile_path(kind, number, 1)).parent
        if width == TILE_WIDTH and partial.exists():  # tlog-tiles: partial tiles may go once the full one is there
            shutil.rmtree(partial)
        return written

    def _read(self, name: str) -> bytes:
        try:
            return (self.home / name).read_bytes()
        except FileNotFoundError:
            raise EvidenceCorrupt("tile_missing", f"{name} is missing from tile storage.") from None

    def _write(self, name: str, raw: bytes) -> Path:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._scratch / f"{os.getpid()}-{threading.get_ident()}"
        temporary.parent.mkdir(exist_ok=True)
        with temporary.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        return temporary.rename(path)

    def _sync(self, written: list[Path]) -> None:
        """Make the names of new files durable, up to the log's own folder."""
        for folder in {parent for path in written for parent in path.parents if parent.is_relative_to(self.home)}:
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
