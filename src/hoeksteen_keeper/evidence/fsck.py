"""Recomputing everything: database, tiles, bodies, chunks, roots and the signature, from the entries up."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from hoeksteen_keeper.errors import KeeperError, KeeperUnavailable
from hoeksteen_keeper.evidence import _store
from hoeksteen_keeper.evidence.entries import read_entry
from hoeksteen_keeper.evidence.merkle import EMPTY_ROOT, HASH_BYTES, leaf_hash, perfect_root
from hoeksteen_keeper.evidence.notes import Checkpoint
from hoeksteen_keeper.evidence.tiles import BODIES, ENTRIES, TILE_WIDTH, pack, tile_path

if TYPE_CHECKING:
    from hoeksteen_keeper.evidence.log import Log

PROBLEMS_MAX = 100


@dataclass(slots=True)
class Report:
    """
    What was found.

    :param entries: how many entries the database holds
    :param size: how many of them the signed tree holds
    :param problems: one sentence each, the first `PROBLEMS_MAX`; empty when all agrees
    """

    entries: int = 0
    size: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems

    def add(self, problem: str) -> None:
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(problem)


def fsck(log: "Log") -> Report:
    """Recompute the whole log and say where database, tiles and checkpoint differ; changes nothing, and raises where one of them is away."""
    report = Report()
    published = log.tiles.read_checkpoint()  # before the database is read: a running keeper may publish a larger one meanwhile
    with _store.connected(log.pool) as tx:
        tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with _noted(report):
            report.size, root = _store.signed(tx, str(log.signer.verifier), EMPTY_ROOT)
            level = _check_entries(log, tx, report)
            _check_levels(log, report, level, root)
        with _noted(report):
            _check_checkpoint(log, report, published)
        tx.rollback()
    return report


@contextmanager
def _noted(report: Report) -> Iterator[None]:
    try:
        yield
    except KeeperUnavailable:  # says nothing of the log
        raise
    except KeeperError as error:
        report.add(error.detail)


def _check_entries(log: "Log", tx: _store.Connection, report: Report) -> list[bytes]:
    """Check each entry, each bundle and each tile of level 0; give that level's hashes, tile by tile."""
    level: list[bytes] = []
    time = None
    rows, tokens = _store.all_entries(tx), _store.token_counts(tx)
    pair = next(tokens, None)
    while part := list(islice(rows, TILE_WIDTH)):
        for row in part:
            if row.index != report.entries:
                report.add(f"After entry {report.entries - 1} the database continues with {row.index}.")
                return level
            if time and row.time < time:
                report.add(f"Entry {row.index} is older than the one before it.")
            count = pair[1] if pair and pair[0] == row.index else 0
            pair = next(tokens, None) if count else pair
            with _noted(report):
                _check_row(row, count, report)
            time = row.time
            report.entries += 1
        first = part[0].index
        if signed := part[: max(0, report.size - first)]:
            level.append(b"".join([leaf_hash(row.leaf) for row in signed]))
            with _noted(report):
                _check_tile(log, report, signed, level[-1])
    if pair or report.entries != _store.head_size(tx) or report.entries < report.size:
        report.add(f"The database holds {report.entries} entries, counts {_store.head_size(tx)} and released {report.size}.")
    return level


def _check_row(row: _store.Row, tokens: int, report: Report) -> None:
    entry = read_entry(row.index, row.leaf, row.body, row.chunk)
    event = entry.event
    if (row.time, row.kind, row.actor, row.organisation) != (entry.time, event.kind, event.actor, event.organisation):
        report.add(f"The columns of entry {row.index} say something else than the entry.")
    if tokens != (entry.count if row.indexed else 0):
        report.add(f"The keeper's index has {tokens} subjects for entry {row.index}, which has {entry.count}.")


def _check_tile(log: "Log", report: Report, rows: list[_store.Row], hashes: bytes) -> None:
    number = rows[0].index // TILE_WIDTH
    _check_file(log, report, "tile/0", number, hashes)
    _check_file(log, report, ENTRIES, number, pack(ENTRIES, [row.leaf for row in rows]))
    _check_file(log, report, BODIES, number, pack(BODIES, [row.body for row in rows]))
    for row in rows:
        if row.chunk is not None and log.tiles.read_chunk(hashlib.sha256(row.chunk).digest()) != row.chunk:
            report.add(f"The chunk of entry {row.index} differs in tile storage.")


def _check_levels(log: "Log", report: Report, level: list[bytes], root: bytes) -> None:
    """Check the tiles above level 0, and the root that was released for signing."""
    number = 0
    while level and len(level[0]) == TILE_WIDTH * HASH_BYTES:
        number += 1
        joined = b"".join([perfect_root(tile) for tile in level if len(tile) == TILE_WIDTH * HASH_BYTES])
        level = [joined[at : at + TILE_WIDTH * HASH_BYTES] for at in range(0, len(joined), TILE_WIDTH * HASH_BYTES)]
        for i, tile in enumerate(level):
            _check_file(log, report, f"tile/{number}", i, tile)
    if log.tiles.tree(report.size)(0, report.size) != root:
        report.add("The tiles do not make the root that was released for signing.")


def _check_file(log: "Log", report: Report, kind: str, number: int, wanted: bytes) -> None:
    found = log.tiles.read(kind, number, report.size)
    if found[: len(wanted)] != wanted:
        report.add(f"{tile_path(kind, number)} in tile storage differs from the database.")


def _check_checkpoint(log: "Log", report: Report, note: bytes | None) -> None:
    if note is None:
        if report.size:
            report.add("No checkpoint is published.")
        return
    checkpoint = Checkpoint.parse(note)
    checkpoint.check(log.signer.verifier)
    if checkpoint.origin != log.origin or checkpoint.size > report.size:
        report.add(f"The published checkpoint of {checkpoint.size} entries is not one that the database released.")
    elif log.tiles.tree(checkpoint.size)(0, checkpoint.size) != checkpoint.root:
        report.add("The tiles do not make the published root.")
