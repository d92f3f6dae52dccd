"""The keeper assembled: its store, keys, people, policies, grants and log, opened in the order that makes it safe to serve."""

import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psycopg_pool

from hoeksteen_keeper.access.actors import Actors
from hoeksteen_keeper.access.approvals import Approvals
from hoeksteen_keeper.access.gate import Gate
from hoeksteen_keeper.access.grants import Grants
from hoeksteen_keeper.access.policies import Policies, shipped
from hoeksteen_keeper.access.sessions import Sessions
from hoeksteen_keeper.errors import KeeperCorrupt, KeeperError, KeeperInvalid
from hoeksteen_keeper.evidence import queries
from hoeksteen_keeper.evidence.keys import NoteSigner
from hoeksteen_keeper.evidence.log import Log
from hoeksteen_keeper.evidence.model import Event
from hoeksteen_keeper.service.exposure import findings
from hoeksteen_keeper.store.database import Connection, Store
from hoeksteen_keeper.vault.blind import shred_tokens
from hoeksteen_keeper.vault.categories import ALL_CATEGORIES, CATEGORIES
from hoeksteen_keeper.vault.keys import Keys
from hoeksteen_keeper.vault.providers import FileProvider, write_secret

_SWEEP_SECONDS = 1.0
_ATTEST_EVERY = timedelta(days=1)
_LOG_CONNECTIONS_MAX = 6
_SUBJECTS_PER_SCAN = 10_000
_report = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Keeper:
    """
    An open keeper.

    :param origin: of its pages, such as `http://keeper.localhost:8400`
    """

    home: Path
    origin: str
    store: Store
    keys: Keys
    log: Log
    actors: Actors
    sessions: Sessions
    grants: Grants
    gate: Gate
    approvals: Approvals
    now: Callable[[], datetime]
    random_bytes: Callable[[int], bytes] = os.urandom


def now() -> datetime:
    """Read the clock."""
    return datetime.now(UTC)  # noqa: TID251 the one place of the keeper that reads the machine's clock


class SteadyClock:
    """
    The clock that decisions are made by: it never runs backwards.

    Somebody who sets the machine's clock back wins no second life for what expired. The log is given the machine's own clock, and says
    where it was behind.
    """

    def __init__(self, read: Callable[[], datetime]) -> None:
        self._read, self._latest = read, read()

    def __call__(self) -> datetime:
        self._latest = max(self._latest, self._read())
        return self._latest

    def not_before(self, instant: datetime) -> None:
        """Go on from an instant that is known to have been."""
        self._latest = max(self._latest, instant)


def initialise(home: Path, *, origin: str) -> str:
    """
    Make the keys of a new keeper and give the log's public key, which verifiers are configured with.

    :param origin: the log's name in its checkpoints
    :raises KeeperInvalid: when there are keys already; they are never overwritten
    """
    if (home / "keys").exists():
        raise KeeperInvalid("key_exists", f"{home / 'keys'} exists, and keys are never overwritten. Choose another --home.")
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = home / "keys.unfinished"  # becomes `keys` when all are there: an interruption leaves no half set
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    signer = NoteSigner.generate(origin)
    write_secret(folder / "kek", os.urandom(32))
    provider = FileProvider(folder / "kek", random_bytes=os.urandom)
    write_secret(folder / "log-tags.wrapped", provider.wrap(os.urandom(32), context=_LOG_CONTEXT))
    signer.save(folder / "log-signing")
    folder.rename(home / "keys")
    return str(signer.verifier)


@contextmanager
def opened(*, dsn: str, home: Path, port: int) -> Iterator[Keeper]:
    """
    Open a keeper: migrate its store, catch up its log, re-apply what the log says was shredded, and put the shipped policies in force.

    Only then does the caller get it, so nothing is served before.

    :param port: of its pages on 127.0.0.1
    :raises KeeperError: when any part of it is not as it must be
    """
    provider = FileProvider(home / "keys" / "kek", random_bytes=os.urandom)
    log_key = provider.unwrap((home / "keys" / "log-tags.wrapped").read_bytes(), context=_LOG_CONTEXT)
    signer = NoteSigner.load(home / "keys" / "log-signing")
    store = Store(dsn)
    # the log has connections of its own: a call that waits for its entry holds one of the store's
    pool = psycopg_pool.ConnectionPool[Connection](dsn, min_size=1, max_size=_LOG_CONNECTIONS_MAX, kwargs={"options": "-c timezone=UTC"}, open=False)
    log = Log(pool=pool, home=home, origin=signer.name, signer=signer, log_key=log_key, now=now, random_bytes=os.urandom)
    clock = SteadyClock(now)
    keys = Keys(store=store, provider=provider, now=clock, random_bytes=os.urandom)
    actors = Actors(store=store, keys=keys, log=log, now=clock, random_bytes=os.urandom)
    grants = Grants(store=store, actors=actors, log=log, now=clock, random_bytes=os.urandom)
    policies = shipped()
    gate = Gate(store=store, policies=policies, grants=grants, log=log, now=clock)
    sessions = Sessions(store=store, actors=actors, log=log, now=clock, machine=now, random_bytes=os.urandom)
    approvals = Approvals(gate=gate, grants=grants, log=log)
    keeper = Keeper(home, f"http://keeper.localhost:{port}", store, keys, log, actors, sessions, grants, gate, approvals, clock)
    try:
        store.open()
        pool.open()
        log.start()
        size = queries.state_at(log, None).size
        for entry in queries.entries(log, first=max(0, size - 1), last=size):
            clock.not_before(entry.time)
        reapply_shreds(keeper)
        _put_in_force(keeper, policies)
        attest_exposure(keeper)
        with _sweeping(keeper):
            yield keeper
    finally:
        log.stop()
        pool.close()
        store.close()


def shred(keeper: Keeper, *, subject: UUID, category: int, entry: int | None) -> None:
    """Destroy keys and tokens, as a log entry says."""
    with keeper.store.transaction() as tx:
        keeper.keys.shred(tx, subject=subject, category=category, entry=entry)
        shred_tokens(tx, subject=subject, category=category)


def reapply_shreds(keeper: Keeper) -> int:
    """
    Shred again what the log says was shredded and the store does not know, and give how many.

    After a restore from a backup, or a crash between entry and deed, the store still holds keys that must be gone. The
    log names subjects by tags only, so each subject that still has keys is tested.
    """
    state = queries.state_at(keeper.log, None)
    with keeper.store.transaction() as tx:
        row = tx.execute("SELECT count(*) FROM vault.shredded").fetchone()
        if row is None or row[0] >= len(state.shred_tags):
            return 0
        subjects = [
            found[0] for found in tx.execute("SELECT DISTINCT subject FROM vault.subject_key UNION SELECT DISTINCT subject FROM vault.blind_token")
        ]
    applied = 0
    for start in range(0, len(subjects), _SUBJECTS_PER_SCAN):
        for subject, category in queries.shredded(keeper.log, subjects[start : start + _SUBJECTS_PER_SCAN]):
            number = CATEGORIES[category] if category else ALL_CATEGORIES
            shred(keeper, subject=subject, category=number, entry=None)
            applied += 1
    return applied


def attest_exposure(keeper: Keeper) -> None:
    """Enter into the log what the machine itself allows, besides the policies."""
    keeper.log.append([Event(kind="exposure", action="scan", detail={"findings": findings(keeper.home, keeper.store)})])


def _put_in_force(keeper: Keeper, policies: Policies) -> None:
    with keeper.store.transaction() as tx:
        row = tx.execute("SELECT version, digest FROM access.policy ORDER BY version DESC LIMIT 1").fetchone()
        if row and row[1] == policies.digest:
            return
        version = row[0] + 1 if row else 1
        keeper.log.append([Event(kind="policy", action="in_force", detail={"version": version, "digest": policies.digest, "text": policies.text})])
        tx.execute(
            "INSERT INTO access.policy (version, digest, text, since) VALUES (%s, %s, %s, %s)",
            (version, policies.digest, policies.text, keeper.now()),
        )


@contextmanager
def _sweeping(keeper: Keeper) -> Iterator[None]:
    stop = threading.Event()

    def sweep() -> None:
        attested = now()
        while not stop.wait(_SWEEP_SECONDS):
            try:
                keeper.grants.expire()
                keeper.sessions.sweep()
                if now() - attested >= _ATTEST_EVERY:
                    attest_exposure(keeper)
                    attested = now()
            except KeeperCorrupt:
                _report.exception("the keeper stops sweeping")
                return
            except KeeperError as error:
                _report.warning("sweeping waits: %s", error.reason)

    thread = threading.Thread(target=sweep, name="sweeper", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


_LOG_CONTEXT = b"hoeksteen log tags"


def require_home(home: Path) -> Path:
    """:raises KeeperInvalid: when no keeper was initialised there"""
    if not (home / "keys" / "kek").exists():
        raise KeeperInvalid("not_initialised", f"There is no keeper in {home}. Run `hoeksteen-keeper init --home {home}`.")
    return home
