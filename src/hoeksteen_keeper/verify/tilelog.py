"""Checking a whole copied log: every file under its prefix, from the entries up to the signed root."""

import hashlib
import os
import re
import struct
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import starmap
from pathlib import Path
from typing import Any

from hoeksteen_keeper.verify.formats import BUNDLE, Head, Invalid, Key, Peaks, fold, read_checkpoint, well_counted

_TILE = re.compile(r"(tile/entries|tile/[0-9]|body)/((?:x\d{3}/)*\d{3})(?:\.p/([1-9]\d{0,2}))?")
_CHUNK = re.compile(r"chunk/([0-9a-f]{2})/(\1[0-9a-f]{62})")
_BUNDLED = ("tile/entries", "tile/0", "body")
_PER_TASK = 64
_sha256 = hashlib.sha256

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


def check_log(directory: Path, keys: Sequence[Key], witnesses: Sequence[Key]) -> tuple[Head, int]:
    """
    Recompute a copied log and compare every file with it; say also how many files lie beyond the signed tree, unchecked.

    Bodies and chunks may be absent altogether, as in a public mirror; partly absent, they are an error.

    :raises Invalid: when anything differs, is missing or does not belong there
    """
    note = (directory / "checkpoint").read_bytes()
    files, chunks = _list(directory)
    head = read_checkpoint(note, keys, witnesses)
    tiles = -(-head.size // 256)
    bodies = any(kind == "body" for kind, _ in files)
    if sum(kind == "tile/entries" for kind, _ in files) < tiles:  # before any work: who signs may claim any size
        raise Invalid("Bundles of entries are missing.")
    tasks = []
    for start in range(0, tiles, _PER_TASK):
        numbers = range(start, min(start + _PER_TASK, tiles))
        some = {(kind, n): files.get((kind, n), []) for n in numbers for kind in _BUNDLED}
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
    beyond = _check_root(directory, files, head, [root for part in parts for root in part.roots], parts[-1].tail if parts else b"")
    return head, beyond


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
    part = Part()
    for number in numbers:
        count = min(256, size - number * 256)
        leaves = _widest(directory, files[("tile/entries", number)], count, _leaves)[:count]
        times = [leaf[6] for leaf in leaves]
        if times != sorted(times) or times[0] < part.last_time:
            raise Invalid("The entries are not in the order of their times.")
        part.first_time, part.last_time = part.first_time or times[0], times[-1]
        if not all(starmap(well_counted, {(bool(chunk), counted, len(tags)) for _, _, chunk, counted, _, tags, _ in leaves})):
            raise Invalid(f"Bundle {number} holds a leaf that miscounts its tags.")
        part.chunks.update([a2b_base64(leaf[2]).hex() for leaf in leaves if leaf[2]])
        if bodies:
            digests = [b2a_base64(_sha256(body).digest(), newline=False) for body in _widest(directory, files[("body", number)], count, _bodies)]
            if digests[:count] != [leaf[1] for leaf in leaves]:
                raise Invalid(f"Bundle {number} of the bodies was changed.")
        hashes = b"".join([_sha256(b"\x00" + leaf[0]).digest() for leaf in leaves])
        _compare(directory, files[("tile/0", number)], count, hashes)
        if count == 256:
            part.roots.append(fold(hashes))
        else:
            part.tail = hashes
    return part


def _leaves(raw: bytes) -> list[Any]:
    """Take an entry bundle apart; each item is a leaf and its fields."""
    found = BUNDLE.findall(raw)
    lengths = struct.unpack(f">{len(found)}H", b"".join([item[0] for item in found]))
    if lengths != tuple([len(item[1]) for item in found]) or sum(lengths) + 2 * len(found) != len(raw):
        raise Invalid("A bundle holds a leaf that is not of the log's form.")
    return [item[1:] for item in found]


def _bodies(raw: bytes) -> list[Any]:
    at, items = 0, []
    while at < len(raw):
        end = at + 4 + int.from_bytes(raw[at : at + 4], "big")
        items.append(raw[at + 4 : end])
        at = end
    return items if at == len(raw) else []


def _widest(directory: Path, files: Sequence[tuple[int, str]], count: int, split: Callable[[bytes], list[Any]]) -> list[Any]:
    """Take apart the full and the partial files of one bundle, compare them, and give the items of the widest."""
    widest: list[Any] = []
    for width, path in sorted(files, reverse=True):
        items = split((directory / path).read_bytes())
        widest = widest or items
        if len(items) != width:
            raise Invalid(f"{path} does not hold {width} items, as its name says.")
        if items != widest[:width]:
            raise Invalid(f"{path} or a longer copy of the same bundle was changed: they differ.")
    if len(widest) < count:
        raise Invalid(f"A bundle of {count} items is missing.")
    return widest


def _compare(directory: Path, files: Sequence[tuple[int, str]], count: int, wanted: bytes) -> None:
    """Compare the tile's files with the hashes computed; one of them must hold all of them."""
    for width, path in files:
        raw = (directory / path).read_bytes()
        if len(raw) != 32 * width or raw[: len(wanted)] != wanted[: len(raw)]:
            raise Invalid(f"{path} was changed.")
    if max([width for width, _ in files], default=0) < count:
        raise Invalid("A tile of hashes is missing.")


def _check_root(directory: Path, files: Files, head: Head, roots: list[bytes], tail: bytes) -> int:
    tiles = -(-head.size // 256)
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
    for number in range(tiles):
        for kind in _BUNDLED:
            files.pop((kind, number), None)
    return sum(len(some) for some in files.values())
