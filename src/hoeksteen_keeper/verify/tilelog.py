"""Checking a whole copied log: every file under its prefix, from the entries up to the signed root."""

import hashlib
import os
import re
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from hoeksteen_keeper.verify.formats import LEAF, Head, Invalid, Key, Peaks, base64_bytes, fold, leaf_hash, read_checkpoint

_TILE = re.compile(r"(tile/entries|tile/[0-9]|body)/((?:x\d{3}/)*\d{3})(?:\.p/([1-9]\d{0,2}))?")
_CHUNK = re.compile(r"chunk/([0-9a-f]{2})/(\1[0-9a-f]{62})")
_PER_TASK = 64

Files = dict[tuple[str, int], list[tuple[int, str]]]
"""By kind and number: width and path of the full and the partial files."""


@dataclass(slots=True)
class Part:
    """What one run of bundles gave: the roots of full tiles, the leaf hashes of the last partial one, and the border times."""

    roots: list[bytes] = field(default_factory=list)
    tail: bytes = b""
    chunks: set[str] = field(default_factory=set)
    first_time: bytes = b""
    last_time: bytes = b""


def check_log(directory: Path, keys: Sequence[Key], witnesses: Sequence[Key]) -> Head:
    """
    Recompute a copied log and compare every file with it.

    Bodies and chunks may be absent altogether, as in a public mirror; partly absent, they are an error.

    :raises Invalid: when anything differs, is missing or does not belong there
    """
    files, chunks = _list(directory)
    head = read_checkpoint((directory / "checkpoint").read_bytes(), keys, witnesses)
    tiles = -(-head.size // 256)
    bodies = any(kind == "body" for kind, _ in files)
    tasks = []
    for start in range(0, tiles, _PER_TASK):
        numbers = range(start, min(start + _PER_TASK, tiles))
        some = {(kind, n): files.get((kind, n), []) for n in numbers for kind in ("tile/entries", "tile/0", "body")}
        tasks.append((directory, some, numbers, head.size, bodies))
    if len(tasks) > 1:
        with ProcessPoolExecutor() as pool:
            parts = list(pool.map(_check_part, tasks))
    else:
        parts = [_check_part(task) for task in tasks]
    times = [time for part in parts for time in (part.first_time, part.last_time)]
    if times != sorted(times):
        raise Invalid("The entries are not in the order of their times.")
    named = {name for part in parts for name in part.chunks}
    if bodies and named - chunks:
        raise Invalid(f"The chunk {min(named - chunks)} is missing.")
    if chunks - named:
        raise Invalid(f"The chunk {min(chunks - named)} belongs to no entry.")
    _check_root(directory, files, head, [root for part in parts for root in part.roots], parts[-1].tail if parts else b"")
    return head


def _list(directory: Path) -> tuple[Files, set[str]]:
    files: Files = {}
    chunks: set[str] = set()
    for folder, _, names in os.walk(directory):
        for name in names:
            path = (Path(folder) / name).relative_to(directory).as_posix()
            tile, chunk = _TILE.fullmatch(path), _CHUNK.fullmatch(path)
            if tile:
                number, width = int(tile[2].replace("x", "").replace("/", "")), int(tile[3] or 256)
                files.setdefault((tile[1], number), []).append((width, path))
            elif chunk:
                if hashlib.sha256((directory / path).read_bytes()).hexdigest() != chunk[2]:
                    raise Invalid(f"{path} was changed.")
                chunks.add(chunk[2])
            elif path != "checkpoint":
                raise Invalid(f"{path} does not belong to a log.")
    return files, chunks


def _check_part(task: tuple[Path, Files, range, int, bool]) -> Part:
    """Check the entry bundles of a run, with their bodies and tiles of level 0."""
    directory, files, numbers, size, bodies = task
    part, fullmatch = Part(), LEAF.fullmatch
    for number in numbers:
        count = min(256, size - number * 256)
        leaves = _items(directory, files[("tile/entries", number)], count, 2)
        matches = [fullmatch(leaf) for leaf in leaves]
        if None in matches:
            raise Invalid(f"Bundle {number} holds a leaf that is not of the log's form.")
        found = [match.group("body", "chunk", "count", "tags", "time") for match in matches if match]
        times = [item[4] for item in found]
        if times != sorted(times) or times[0] < part.last_time:
            raise Invalid("The entries are not in the order of their times.")
        part.first_time, part.last_time = part.first_time or times[0], times[-1]
        for _, chunk, tags_counted, tags, _ in found:
            if (chunk is None) == (tags is None) or (tags is not None and len(tags) + bool(tags) != 47 * int(tags_counted)):
                raise Invalid(f"Bundle {number} holds a leaf that miscounts its tags.")
            if chunk is not None:
                part.chunks.add(base64_bytes(chunk.decode()).hex())
        if bodies:
            hashes = [base64_bytes(item[0].decode()) for item in found]
            if [hashlib.sha256(body).digest() for body in _items(directory, files[("body", number)], count, 4)] != hashes:
                raise Invalid(f"Bundle {number} of the bodies was changed.")
        hashes_of_leaves = b"".join([leaf_hash(leaf) for leaf in leaves])
        _compare(directory, files[("tile/0", number)], count, hashes_of_leaves)
        if count == 256:
            part.roots.append(fold(hashes_of_leaves))
        else:
            part.tail = hashes_of_leaves
    return part


def _items(directory: Path, files: Sequence[tuple[int, str]], count: int, width: int) -> list[bytes]:
    """Take apart every file of one bundle, compare them, and give the first `count` items."""
    longest: list[bytes] = []
    for wanted, path in sorted(files, reverse=True):
        raw, at, items = (directory / path).read_bytes(), 0, []
        while at < len(raw):
            end = at + width + int.from_bytes(raw[at : at + width], "big")
            items.append(raw[at + width : end])
            at = end
        if at != len(raw) or len(items) != wanted:
            raise Invalid(f"{path} does not hold {wanted} items.")
        longest = longest or items
        if items != longest[:wanted]:
            raise Invalid(f"{path} differs from the wider one beside it.")
    if len(longest) < count:
        raise Invalid(f"A bundle of {count} items is missing.")
    return longest[:count]


def _compare(directory: Path, files: Sequence[tuple[int, str]], count: int, wanted: bytes) -> None:
    """Compare the tile's files with the hashes computed; one of them must hold all of them."""
    for width, path in files:
        raw = (directory / path).read_bytes()
        if len(raw) != 32 * width or raw[: len(wanted)] != wanted[: len(raw)]:
            raise Invalid(f"{path} was changed.")
    if max([width for width, _ in files], default=0) < count:
        raise Invalid("A tile of hashes is missing.")


def _check_root(directory: Path, files: Files, head: Head, roots: list[bytes], tail: bytes) -> None:
    peaks = Peaks([])
    for root in roots:
        peaks.add(256, root)
    for at in range(0, len(tail), 32):
        peaks.add(1, tail[at : at + 32])
    if peaks.root() != head.root:
        raise Invalid("The entries do not make the signed root.")
    level = 1
    while roots:
        above = []
        for number in range(-(-len(roots) // 256)):
            tile = roots[number * 256 : (number + 1) * 256]
            _compare(directory, files.pop((f"tile/{level}", number), []), len(tile), b"".join(tile))
            above += [fold(b"".join(tile))] if len(tile) == 256 else []
        roots, level = above, level + 1
    below = {"tile/entries", "tile/0", "body"}
    stray = [key for key in files if (key[0] in below and key[1] * 256 >= head.size) or key[0] not in below]
    if stray:
        raise Invalid(f"{files[stray[0]][0][1]} goes beyond the signed tree; copy the log again.")
