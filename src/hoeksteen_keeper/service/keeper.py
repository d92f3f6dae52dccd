"""The keeper assembled: its store, keys, people, policies, grants and log."""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from hoeksteen_keeper.access.actors import Actors
from hoeksteen_keeper.access.approvals import Approvals
from hoeksteen_keeper.access.change_approvals import ChangeApprovals
from hoeksteen_keeper.access.changes import Changes
from hoeksteen_keeper.access.gate import Gate
from hoeksteen_keeper.access.grants import Grants
from hoeksteen_keeper.access.sessions import Sessions
from hoeksteen_keeper.errors import KeeperInvalid
from hoeksteen_keeper.evidence.keys import NoteSigner
from hoeksteen_keeper.evidence.log import Log
from hoeksteen_keeper.service.clock import SteadyClock
from hoeksteen_keeper.store.database import Store
from hoeksteen_keeper.vault.blind import shred_tokens
from hoeksteen_keeper.vault.keys import Keys
from hoeksteen_keeper.vault.providers import make_provider, write_log_tags


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
    changes: Changes
    change_approvals: ChangeApprovals
    now: SteadyClock
    random_bytes: Callable[[int], bytes] = os.urandom


def initialise(home: Path, *, origin: str, provider: Mapping[str, str]) -> str:
    """
    Make the keys of a new keeper and give the log's public key, which verifiers are configured with.

    :param origin: the log's name in its checkpoints
    :param provider: which provider holds the KEK, and what it needs
    :raises KeeperInvalid: when there are keys already; they are never overwritten
    """
    if (home / "keys").exists():
        raise KeeperInvalid("key_exists", f"{home / 'keys'} exists, and keys are never overwritten. Choose another --home.")
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = home / "keys.unfinished"  # becomes `keys` when all are there: an interruption leaves no half set
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    signer = NoteSigner.generate(origin)
    write_log_tags(folder, make_provider(folder, provider, random_bytes=os.urandom), os.urandom(32))
    signer.save(folder / "log-signing")
    folder.rename(home / "keys")
    return str(signer.verifier)


def shred(keeper: Keeper, *, subject: UUID, category: int, entry: int | None) -> None:
    """Destroy keys and tokens, as a log entry says."""
    with keeper.store.transaction() as tx:
        keeper.keys.shred(tx, subject=subject, category=category, entry=entry)
        shred_tokens(tx, subject=subject, category=category)


_TO_RESTORE = "to restore a backup there, copy the keys/ of the keeper that was backed up instead: init makes others."


def require_home(home: Path) -> Path:
    """:raises KeeperInvalid: when no keeper was initialised there"""
    if not (home / "keys").is_dir():
        raise KeeperInvalid("not_initialised", f"There is no keeper in {home}. Run `hoeksteen-keeper init --home {home}`; {_TO_RESTORE}")
    return home
