"""Opening a keeper in the order that makes it safe to serve, and what it does by itself while it is open."""

import fcntl
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from hoeksteen_keeper.access.actors import Actors
from hoeksteen_keeper.access.approvals import Approvals
from hoeksteen_keeper.access.break_glass import BreakGlass
from hoeksteen_keeper.access.change_approvals import ChangeApprovals
from hoeksteen_keeper.access.changes import Changes
from hoeksteen_keeper.access.gate import Gate
from hoeksteen_keeper.access.grants import Grants
from hoeksteen_keeper.access.policies import Shelf, digest_of, governs, policies_of, shipped
from hoeksteen_keeper.access.sessions import Sessions
from hoeksteen_keeper.errors import KeeperCorrupt, KeeperInvalid, KeeperUnavailable, answer_to
from hoeksteen_keeper.evidence import queries
from hoeksteen_keeper.evidence.keys import NoteSigner
from hoeksteen_keeper.evidence.log import Log, connections
from hoeksteen_keeper.evidence.scan import require_signed, seal_facts
from hoeksteen_keeper.service.clock import SteadyClock, now
from hoeksteen_keeper.service.differences import differences
from hoeksteen_keeper.service.exposure import attest_exposure
from hoeksteen_keeper.service.keeper import Keeper
from hoeksteen_keeper.service.reapplying import reapply
from hoeksteen_keeper.service.schedule import destroy_months_over
from hoeksteen_keeper.service.tile_home import tile_home
from hoeksteen_keeper.service.witnesses import cosigned, read_witnesses, require_nothing_newer
from hoeksteen_keeper.store.database import Store, migrate, require_admitted
from hoeksteen_keeper.vault.keys import Keys
from hoeksteen_keeper.vault.providers import KeyProvider, open_provider, read_log_tags
from hoeksteen_keeper.vault.rotation import Rotation

_SWEEP_SECONDS = 1.0
_PAUSE_SECONDS = 30.0  # after what it cannot mend, such as a log that is closed
_ATTEST_EVERY = timedelta(days=1)
_COMPARE_EVERY = timedelta(seconds=10)
_DESTROY_EVERY = timedelta(hours=1)
_report = logging.getLogger(__name__)


@contextmanager
def opened(*, dsn: str, home: Path, port: int, alone: bool = False) -> Iterator[Keeper]:
    """
    Open a keeper: migrate its store, catch up its log, ask the witnesses what they know, do again what the log says was ended, and put the
    shipped policies in force.

    Only then does the caller get it, so nothing is served before.

    :param port: of its pages on 127.0.0.1
    :param alone: with no other that serves from this home, as after a restore
    :raises KeeperError: when any part of it is not as it must be
    """
    with home_taken(home, alone=alone):
        yield from _opened(dsn, home, port)


def _opened(dsn: str, home: Path, port: int) -> Iterator[Keeper]:
    keeper, witnesses = _assembled(dsn, home, port), read_witnesses(home)
    try:
        keeper.store.open()
        migrate(keeper.store)
        keeper.log.pool.open()
        keeper.log.become_current()
        require_nothing_newer(keeper.log, witnesses)
        scanned = seal_facts(keeper.log)
        keeper.log.start()
        _after_the_last_entry(keeper)
        reapply(keeper)
        _put_first_in_force(keeper)
        attest_exposure(keeper)
        with cosigned(keeper.log, witnesses), _sweeping(keeper, scanned):
            yield keeper
    finally:
        keeper.log.stop()
        keeper.log.close()
        keeper.store.close()


@contextmanager
def home_taken(home: Path, *, alone: bool) -> Iterator[None]:
    """
    Hold a keeper's home: for one of those who serve from it, or alone, for what no keeper may serve beside.

    :raises KeeperInvalid: `keeper_serves`
    """
    with (home / "serving").open("a") as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise KeeperInvalid("keeper_serves", f"A keeper serves from {home}, or is being restored there. Stop it first.") from None
        yield


@contextmanager
def joined(*, dsn: str, home: Path, port: int) -> Iterator[Keeper]:
    """Open a keeper beside the process that serves and has brought everything up to date; it signs nothing and sweeps nothing."""
    keeper = _assembled(dsn, home, port)
    try:
        keeper.store.open()
        keeper.log.pool.open()
        keeper.log.take_as_current()
        _after_the_last_entry(keeper)
        yield keeper
    finally:
        keeper.log.close()
        keeper.store.close()


@contextmanager
def opened_rotation(*, dsn: str, home: Path) -> Iterator[Rotation]:
    """Open what rotates keys, beside the keeper that serves or without it; what was entered into the log is signed in the end."""
    provider = open_provider(home / "keys", random_bytes=os.urandom)
    store, log = Store(dsn), _log(dsn, home, provider)
    try:
        store.open()
        migrate(store)
        log.pool.open()
        keys = Keys(store=store, provider=provider, now=now, random_bytes=os.urandom)
        yield Rotation(store=store, keys=keys, log=log, folder=home / "keys", now=now)
        log.checkpoint()
    finally:
        log.close()
        store.close()


@contextmanager
def opened_log(*, dsn: str, home: Path) -> Iterator[Log]:
    """Open the log alone, to read it beside the keeper that serves: nothing is appended, signed or migrated."""
    log = _log(dsn, home, open_provider(home / "keys", random_bytes=os.urandom))
    require_admitted(dsn)
    log.pool.open()
    try:
        yield log
    finally:
        log.close()


def _assembled(dsn: str, home: Path, port: int) -> Keeper:
    provider = open_provider(home / "keys", random_bytes=os.urandom)
    store, log = Store(dsn), _log(dsn, home, provider)
    clock = SteadyClock(now)
    keys = Keys(store=store, provider=provider, now=clock, random_bytes=os.urandom)
    actors = Actors(store=store, keys=keys, log=log, now=clock, random_bytes=os.urandom)
    grants = Grants(store=store, actors=actors, log=log, now=clock, random_bytes=os.urandom)
    shelf = Shelf(store=store, log=log)
    gate = Gate(store=store, shelf=shelf, grants=grants, log=log, now=clock)
    sessions = Sessions(store=store, actors=actors, log=log, now=clock, machine=now, random_bytes=os.urandom)
    glass = BreakGlass(store=store, grants=grants, actors=actors, log=log, now=clock)
    approvals = Approvals(gate=gate, grants=grants, glass=glass, log=log)
    changes = Changes(store=store, actors=actors, shelf=shelf, grants=grants, log=log, now=clock, random_bytes=os.urandom)
    deciding = ChangeApprovals(gate=gate, changes=changes, log=log)
    return Keeper(home, f"http://keeper.localhost:{port}", store, keys, log, actors, sessions, grants, gate, approvals, changes, deciding, clock)


def _after_the_last_entry(keeper: Keeper) -> None:
    """Let the clock go on from the last entry of the log."""
    size = queries.state_at(keeper.log, None).size
    for entry in queries.entries(keeper.log, first=max(0, size - 1), last=size):
        keeper.now.not_before(entry.time)


def _log(dsn: str, home: Path, provider: KeyProvider) -> Log:
    keys = home / "keys"
    try:
        _, log_key = read_log_tags(keys, provider)
        signer = NoteSigner.load(keys / "log-signing")
    except OSError as error:
        raise KeeperInvalid("key_unreadable", f"{error.filename} cannot be read: {error.strerror}. Restore the keys.") from error
    return Log(
        pool=connections(dsn), home=home, origin=signer.name, signer=signer, log_key=log_key, now=now, random_bytes=os.urandom,
        objects=tile_home(home, origin=signer.name),
    )  # fmt: skip


def _put_first_in_force(keeper: Keeper) -> None:
    """
    Put the shipped policies in force where none are, or where nobody could ever change those that are; later versions take two people.
    """
    ours, latest = shipped(), keeper.changes.shelf.latest()
    if not latest.text or latest.digest != digest_of(latest.text) or not governs(policies_of(latest.text)):
        keeper.changes.shelf.put_in_force(ours.text)
    elif latest.digest != ours.digest:
        _report.warning("other policies are in force than this program ships: see `hoeksteen-keeper change policy --shipped`")


class _Sweeper:
    """
    What an open keeper does by itself, each second and each by itself: where one step fails, the others go on.

    :param scanned: up to which entry the database was compared with the signed tree
    """

    def __init__(self, keeper: Keeper, scanned: int) -> None:
        self._keeper, self._scanned = keeper, scanned
        self._compared = self._attested = now()
        self._destroyed: datetime | None = None
        self._seen, self._told = set[str](), set[str]()

    def sweep(self) -> bool:
        """Do everything once, and say whether all of it could be done."""
        keeper = self._keeper
        steps = (
            self._scan, self._compare, keeper.keys.forget_destroyed, keeper.grants.expire, keeper.sessions.sweep, self._attest, self._destroy
        )  # fmt: skip
        done = [_done(step) for step in steps]  # each of them, whatever became of those before
        return all(done)

    def _scan(self) -> None:
        """See that what was entered since stands in the database as it was signed; else nothing is entered, and so disclosed, any more."""
        try:
            self._scanned = require_signed(self._keeper.log, self._scanned)
        except KeeperCorrupt as error:
            self._keeper.log.fail(error)

    def _compare(self) -> None:
        if now() - self._compared >= _COMPARE_EVERY:
            self._compared, before, self._seen = now(), self._seen, set(differences(self._keeper))
            if not (self._seen & before) <= self._told:  # a back door that stays is attested, not what was just being changed
                self._told, self._attested = self._seen & before, now() - _ATTEST_EVERY

    def _attest(self) -> None:
        if now() - self._attested >= _ATTEST_EVERY:
            attest_exposure(self._keeper)
            self._attested, self._scanned = now(), 0  # and all of the log is compared once more

    def _destroy(self) -> None:
        if self._destroyed is None or now() - self._destroyed >= _DESTROY_EVERY:
            destroy_months_over(self._keeper)
            self._destroyed = now()


def _done(step: Callable[[], object]) -> bool:
    try:
        step()
    except KeeperUnavailable as error:
        _report.warning("sweeping waits: %s", error.reason)
    except Exception as error:  # noqa: BLE001 reported by its kind and place; what ran out must go on ending
        answer_to(error)
        return False
    return True


@contextmanager
def _sweeping(keeper: Keeper, scanned: int) -> Iterator[None]:
    stop, sweeper = threading.Event(), _Sweeper(keeper, scanned)

    def sweep() -> None:
        pause = _SWEEP_SECONDS
        while not stop.wait(pause):
            pause = _SWEEP_SECONDS if sweeper.sweep() else _PAUSE_SECONDS

    thread = threading.Thread(target=sweep, name="sweeper", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
