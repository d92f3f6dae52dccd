"""
The transparency log: entries durable in PostgreSQL first, then in the tree, then under a signature.

Three steps that a crash may part at any point: `append` commits entries and gives them gapless indexes; the elected
sequencer writes tiles and advances (size, root) by compare-and-swap; only then is that one root signed. Repeating a step
gives the same bytes, so nothing acknowledged is lost and no two views are ever signed.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path

from hoeksteen_keeper.errors import KeeperCorrupt, KeeperError, KeeperUnavailable, answer_to
from hoeksteen_keeper.evidence import _store
from hoeksteen_keeper.evidence.earlier import EarlierLog, earlier_logs
from hoeksteen_keeper.evidence.entries import Draft, Scribe, to_text
from hoeksteen_keeper.evidence.errors import EvidenceCorrupt
from hoeksteen_keeper.evidence.keys import NoteSigner
from hoeksteen_keeper.evidence.merkle import EMPTY_ROOT
from hoeksteen_keeper.evidence.model import Event
from hoeksteen_keeper.evidence.notes import Checkpoint, Signature, VerifierKey, checkpoint_text
from hoeksteen_keeper.evidence.objects import Files, Objects
from hoeksteen_keeper.evidence.recovery import catch_up
from hoeksteen_keeper.evidence.replay import History, StateAt
from hoeksteen_keeper.evidence.tiles import TileStore
from hoeksteen_keeper.evidence.witness import AddCheckpoint

INTEGRATE_MAX = 32_768
INTEGRATE_BYTES_MAX = 64 << 20
CHECKPOINT_SECONDS = 1.0
connections = _store.connections
_report = logging.getLogger(__name__)


@dataclass(slots=True)
class _Ticket:
    drafts: list[Draft]
    first: int = -1
    error: BaseException | None = None


@dataclass(slots=True)
class _Queue:
    lock: threading.Lock = field(default_factory=threading.Lock)
    tickets: list[_Ticket] = field(default_factory=list)


class Log:
    """
    One log: its database, its tiles and its key.

    :param home: the keeper's data directory; the log's tiles are in `home/tiles` where `objects` does not say otherwise
    :param origin: the log's name in its checkpoints
    :param log_key: 32 bytes that subjects' keys are derived from; never leaves the keeper
    :param now: the clock
    :param random_bytes: gives unpredictable bytes

    `witnesses` may be given keys of witnesses, each with what reaches it; they are asked whenever a bundle is made.
    """

    def __init__(
        self,
        *,
        pool: _store.Pool,
        home: Path,
        origin: str,
        signer: NoteSigner,
        log_key: bytes,
        now: Callable[[], datetime],
        random_bytes: Callable[[int], bytes],
        objects: Objects | None = None,
    ) -> None:
        self.pool, self.origin, self.signer = pool, origin, signer
        self.tiles = TileStore(objects or Files(home / "tiles"))
        self.scribe = Scribe(log_key, random_bytes)
        self.witnesses: list[tuple[VerifierKey, AddCheckpoint]] = []
        self.history = History()
        self.history_lock = threading.Lock()
        self.standing: StateAt | None = None
        self._now = now
        self._queue, self._commit_lock, self._sequence_lock = _Queue(), threading.Lock(), threading.RLock()
        self._current = False
        self._failure: KeeperCorrupt | None = None
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def append(self, events: Sequence[Event]) -> list[int]:
        """
        Append entries and give their indexes, once they are durable; callers at the same time share one commit.

        :raises InvalidEvent: when an event cannot become an entry; nothing is appended then
        :raises KeeperUnavailable: when they could not be made durable
        :raises KeeperCorrupt: when the log is broken, or older than its own tiles
        """
        drafts = [self.scribe.draft(event) for event in events]
        if not drafts:
            return []
        ticket = _Ticket(drafts)
        with self._queue.lock:
            self._queue.tickets.append(ticket)
        with self._commit_lock:  # whoever comes first commits for all who wait here
            if ticket.first < 0 and ticket.error is None:
                self._commit()
        if isinstance(ticket.error, KeeperError):
            raise type(ticket.error)(ticket.error.reason, ticket.error.detail) from ticket.error
        if ticket.error is not None:
            if isinstance(ticket.error, Exception):
                answer_to(ticket.error)  # reports its kind and place, for its text may hold what was to be logged
            raise KeeperUnavailable("log_unavailable", "The entry could not be written; nothing was disclosed.") from ticket.error
        self._wake.set()
        return list(range(ticket.first, ticket.first + len(drafts)))

    def start(self) -> None:
        """
        Catch up with tile storage, and from now on integrate entries and sign checkpoints in the background.

        :raises BehindTiles: when the database is older than the tiles and cannot be caught up
        """
        self.become_current()
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="log-sequencer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Integrate what is there and stop the background work."""
        self._stop.set()
        self._wake.set()
        if self._thread:
            self._thread.join()
            self._thread = None
            with suppress(KeeperError):  # the next start signs it; what is corrupt was reported
                self.checkpoint()

    def checkpoint(self) -> bytes:
        """
        Give a signed checkpoint over everything that was appended before this call.

        :raises KeeperCorrupt: when tiles, database and earlier checkpoints do not agree
        """
        with _store.connected(self.pool) as tx:
            wanted = _store.head_size(tx)
        while (checkpoint := self._integrate()).size < wanted:
            pass
        return checkpoint.with_signatures(())

    def released(self) -> Checkpoint:
        """Give the checkpoint of the last tree that was released for signing: signing it again shows nothing new."""
        with _store.connected(self.pool) as tx:
            size, root = _store.signed(tx, str(self.signer.verifier), EMPTY_ROOT)
        text = checkpoint_text(self.origin, size, root)
        return Checkpoint.parse(text + b"\n" + self.signer.sign(text))

    def add_signatures(self, text: bytes, cosignatures: Sequence[Signature]) -> None:
        """Add verified cosignatures to the published checkpoint, unless a larger one was published meanwhile."""
        with self._sequencing():  # or the larger one, which another process publishes meanwhile, would be overwritten
            note = self.tiles.read_checkpoint()
            if note is not None and (checkpoint := Checkpoint.parse(note)).text == text:
                self.tiles.exchange_checkpoint(note, checkpoint.with_signatures(cosignatures))

    @cached_property
    def earlier(self) -> list[EarlierLog]:
        """The logs that ended before this one began, the oldest first."""
        found = earlier_logs(self)
        for one in found:
            one.pool.open()
        return found

    def close(self) -> None:
        """Close every connection."""
        for pool in (self.pool, *(one.pool for one in self.__dict__.get("earlier", ()))):
            pool.close()

    def fail(self, error: KeeperCorrupt) -> None:
        """Close the log: nothing is appended, and so nothing disclosed, from now on."""
        _report.critical("the log is closed: %s", error)
        self._failure = error

    def require_open(self) -> None:
        """:raises KeeperCorrupt: when the background work found that the log is broken: nothing is appended from then on"""
        if self._failure:
            raise self._failure

    def _has_more(self) -> bool:
        with _store.connected(self.pool) as tx:
            return _store.has_unsigned(tx)

    def _commit(self) -> None:
        with self._queue.lock:
            group, self._queue.tickets = self._queue.tickets, []
        try:
            self.become_current()
            drafts = [draft for ticket in group for draft in ticket.drafts]
            clock = self._now().astimezone(UTC)
            first = _store.append(self.pool, len(drafts), clock, partial(_written, self.scribe, drafts, clock))
        except BaseException as error:
            for ticket in group:
                ticket.error = error
            if not isinstance(error, Exception):
                raise
            return
        for ticket in group:
            ticket.first, first = first, first + len(ticket.drafts)

    def become_current(self) -> None:
        """Once per process: a database restored from a backup first learns what its tiles hold, or does nothing at all."""
        self.require_open()
        if not self._current:
            with self._sequencing() as tx:
                catch_up(tx, self.tiles, self.signer.verifier, self.origin, seal=self.scribe.seal)
                tx.commit()
            self._current = True

    def take_as_current(self) -> None:
        """Rely on the process that serves, which learnt what its tiles hold: entries of this one need the database alone."""
        self._current = True

    def _integrate(self) -> Checkpoint:
        """Take the next entries into the tree, and sign it; give the newest checkpoint."""
        self.become_current()
        with self._sequencing() as tx:
            return self._sequence(tx)

    @contextmanager
    def _sequencing(self) -> Iterator[_store.Connection]:
        """Be the only one of all processes who writes tiles and the checkpoint: the lock is held over a commit, until what follows is published."""
        with self._sequence_lock, _store.connected(self.pool) as tx:
            _store.lock_sequencer(tx)
            try:
                yield tx
            finally:
                tx.rollback()
                _store.unlock_sequencer(tx)

    def _sequence(self, tx: _store.Connection) -> Checkpoint:
        size, root = _store.signed(tx, str(self.signer.verifier), EMPTY_ROOT)
        published = self.tiles.read_checkpoint()
        if published and Checkpoint.parse(published).size > size:
            raise EvidenceCorrupt("behind_tiles", "Tile storage holds a larger checkpoint than the database released: nothing is signed.")
        rows = _store.entries(tx, size, min(size + INTEGRATE_MAX, _store.head_size(tx)), bytes_max=INTEGRATE_BYTES_MAX)
        if rows:
            if self.tiles.tree(size)(0, size) != root:
                raise EvidenceCorrupt("tiles_changed", "The tiles do not make the root that was signed: nothing is signed on top of them.")
            if [row.index for row in rows] != list(range(size, size + len(rows))):
                raise EvidenceCorrupt("gap", f"Entries are missing in the database after entry {size}.")
            if planted := [row.index for row in rows if row.seal != self.scribe.seal(row.index, row.kind, row.leaf)]:
                raise EvidenceCorrupt("fact_planted", f"Entry {planted[0]} is none that the keeper entered; it is not signed.")
            new_size = self.tiles.extend(size, [row.leaf for row in rows], [row.body for row in rows], [row.chunk for row in rows if row.chunk])
            new_root = self.tiles.tree(new_size)(0, new_size)
            _store.advance_signed(tx, (size, root), (new_size, new_root))
            size, root = new_size, new_root
        tx.commit()
        text = checkpoint_text(self.origin, size, root)
        if published is None or Checkpoint.parse(published).text != text:
            published = text + b"\n" + self.signer.sign(text)
            self.tiles.write_checkpoint(published)
        return Checkpoint.parse(published)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(CHECKPOINT_SECONDS)  # other processes append as well
            self._wake.clear()
            try:
                if self._has_more():
                    self.checkpoint()
            except KeeperUnavailable as error:
                _report.warning("the log's checkpoint waits: %s", error)
                self._wake.set()
            except KeeperCorrupt as error:
                self.fail(error)
                return
            except Exception:  # noqa: BLE001 a thread that dies in silence would leave every later entry without a signature
                _report.exception("the log's checkpoint fails, and is tried again")
                self._wake.set()
            self._stop.wait(CHECKPOINT_SECONDS)


def _written(
    scribe: Scribe, drafts: Sequence[Draft], clock: datetime, first: int, time: datetime
) -> tuple[list[_store.Columns], list[tuple[bytes, int]]]:  # fmt: skip
    """Give drafts their place and time: the rows of the entries, and which token is found in which."""
    at, shown = to_text(time).encode(), to_text(clock).encode() if clock < time else None
    rows = [
        (index, time, d.event.kind, d.event.actor, d.event.organisation, d.chunk is None, leaf := d.leaf(at, shown), d.body, d.chunk,
         scribe.seal(index, d.event.kind, leaf))
        for index, d in enumerate(drafts, first)
    ]  # fmt: skip
    return rows, [(token, index) for index, draft in enumerate(drafts, first) for token in draft.tokens]


def begin(tx: _store.Connection, scribe: Scribe, events: Sequence[Event], *, now: datetime) -> None:
    """Write the first entries of a log that nobody serves yet, in the transaction that makes its tables."""
    drafts, clock = [scribe.draft(event) for event in events], now.astimezone(UTC)
    _store.insert(tx, *_written(scribe, drafts, clock, *_store.advance_head(tx, len(drafts), clock)))
