"""
What the machine itself allows, whatever the policies say: the back doors that a could-see answer must list.

The keeper scans what it can see: its own OS user, files and database. The business side holds ciphertext and pseudonyms (docs/evidence.md).
"""

import os
import pwd
from pathlib import Path

from hoeksteen_keeper.access.policies import shipped
from hoeksteen_keeper.evidence.model import Event
from hoeksteen_keeper.service.differences import differences
from hoeksteen_keeper.service.keeper import Keeper
from hoeksteen_keeper.store.database import Store
from hoeksteen_keeper.vault.providers import KeyProvider


def findings(home: Path, store: Store, provider: KeyProvider) -> list[str]:
    """Scan this keeper's files and database, and give one sentence per back door."""
    return [*_of_users(home), provider.finding, *_of_files(home), *_of_database(store)]


def attest_exposure(keeper: Keeper) -> list[str]:
    """Scan, add what the keeper itself knows of ways around the rules, enter all of it into the log, and give it."""
    found = [*findings(keeper.home, keeper.store, keeper.keys.provider), *differences(keeper), *_other_policies(keeper), *_glass_broken(keeper)]
    keeper.log.append([Event(kind="exposure", action="scan", detail={"findings": found})])
    return found


def _other_policies(keeper: Keeper) -> list[str]:
    latest = keeper.changes.shelf.latest()
    if latest.digest == shipped().digest:
        return []
    return [f"policies-changed: version {latest.version} is in force, which is not what this program ships"]


def _glass_broken(keeper: Keeper) -> list[str]:
    return [
        f"break-glass: {asker} took access without approval ({reason}); its review {'is overdue' if overdue else 'waits'}"
        for asker, reason, overdue in keeper.approvals.waiting()
    ]


def _of_users(home: Path) -> list[str]:
    me, outside = os.geteuid(), home.parent.stat().st_uid
    found = [
        "root: whoever is root on this machine can read the keeper's memory and key files",
        f"os-user: {pwd.getpwuid(me).pw_name} runs the keeper; who works as that user can read its memory, key files and database",
        "copies: who holds copies of the key files and of the keeper's database holds what was in them; the keeper knows of no copies",
    ]
    if me == 0:
        found.append("keeper-is-root: the keeper runs as root; give it an OS user of its own")
    elif me == outside:
        found.append(f"not-separated: the keeper and the rest of the installation run under one OS user ({pwd.getpwuid(me).pw_name})")
    return found


def _of_files(home: Path) -> list[str]:
    exposed = [path for path in (home, *sorted((home / "keys").iterdir())) if path.stat().st_mode & 0o077]
    return [f"file-exposed: others may reach {path.relative_to(home.parent)} (mode {path.stat().st_mode & 0o777:04o})" for path in exposed]


def _of_database(store: Store) -> list[str]:
    with store.transaction() as tx:
        return [sentence.format(row[0]) for sentence, query in _DATABASE for row in tx.execute(query.encode())]


_ROLES = "SELECT rolname FROM pg_roles WHERE"
_DATABASE = (
    (
        "database-superuser: {} of the keeper's database reads wrapped keys and blind tokens, no plaintext; what it writes there opens "
        "nothing, and is found",
        f"{_ROLES} rolsuper AND rolcanlogin ORDER BY 1",
    ),
    (
        "database-role: {} may connect to the keeper's database",
        f"{_ROLES} rolcanlogin AND NOT rolsuper AND rolname <> current_user AND "
        "has_database_privilege(oid, current_database(), 'CONNECT') ORDER BY 1",
    ),
    (
        "database-member: {} can become the role that owns the keeper's database",
        f"{_ROLES} NOT rolsuper AND rolname <> current_user AND pg_has_role(oid, current_user, 'MEMBER') ORDER BY 1",
    ),
    (
        "service-key: who can read the key file of {} asks the keeper in its name, within its grants; each answer is an entry",
        "SELECT actor FROM access.actor WHERE kind = 'service' AND blocked_at IS NULL ORDER BY 1",
    ),
)
