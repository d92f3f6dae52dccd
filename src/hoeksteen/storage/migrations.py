"""
The runner of migrations. Each room holds its own as SQL text: `<room>/migrations/0001_what_it_does.sql`.

Rooms are migrated bottom-up, each file in a transaction of its own with a lock timeout of 4 s and a statement
timeout of 5 min; a file that was applied must never change.
"""

import hashlib
import re
from dataclasses import dataclass
from importlib import resources

from hoeksteen.kernel.errors import Corrupt, WrongState
from hoeksteen.storage.postgres import Database, Transaction

ROOMS_BOTTOM_UP = (
    "storage", "disclosure", "party", "messages", "care", "product", "usage", "rating",
    "ledger", "billing", "receivables", "consolidation", "journeys", "interfaces",
)  # fmt: skip

_CREATE = """
CREATE SCHEMA IF NOT EXISTS storage;
CREATE TABLE IF NOT EXISTS storage.migration (
    room text NOT NULL, name text NOT NULL, digest text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (room, name)
);
GRANT USAGE ON SCHEMA storage TO hoeksteen_app;
GRANT SELECT ON storage.migration TO hoeksteen_app;
"""
# A line that stands for the statements of an installed package: its migrations up to one of them, which no later version of it changes.
_INCLUDE = re.compile(r"^-- include (\w+) up to (\S+), sha256 ([0-9a-f]{64})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Migration:
    room: str
    name: str
    sql: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def known() -> list[Migration]:
    """Give every migration of every room, in the order in which they are applied."""
    found: list[Migration] = []
    for room in ROOMS_BOTTOM_UP:
        folder = resources.files("hoeksteen").joinpath(room, "migrations")
        if folder.is_dir():
            files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda entry: entry.name)
            found += [Migration(room, entry.name.removesuffix(".sql"), entry.read_text("utf-8")) for entry in files]
    return found


def migrate(*, owner: Database) -> list[str]:
    """
    Bring the schema up to date and name what was applied.

    :param owner: a database whose role owns the schemas; the application's own role may not change them
    :raises Corrupt: when a migration that was applied has changed since
    """
    applied: list[str] = []
    with owner.transaction() as tx:
        tx.execute(_CREATE)
    for migration in known():
        with owner.transaction() as tx:
            if _is_applied(tx, migration):
                continue
            tx.execute("SET LOCAL lock_timeout = '4s'")
            tx.execute("SET LOCAL statement_timeout = '5min'")
            tx.execute(_INCLUDE.sub(_included, migration.sql))
            tx.execute("INSERT INTO storage.migration (room, name, digest) VALUES (%s, %s, %s)", (migration.room, migration.name, migration.digest))
        applied.append(f"{migration.room}/{migration.name}")
    return applied


def require_current_schema(*, database: Database) -> None:
    """
    Refuse to work on a schema of another version.

    :raises WrongState: when migrations are missing, or the schema is newer than this program
    """
    with database.transaction() as tx:
        exists = tx.value("SELECT to_regclass('storage.migration') IS NOT NULL")
        have = {(row["room"], row["name"]) for row in tx.rows("SELECT room, name FROM storage.migration")} if exists else set()
    want = {(migration.room, migration.name) for migration in known()}
    if want - have:
        missing = ", ".join(sorted(f"{room}/{name}" for room, name in want - have)[:3])
        raise WrongState(f"The database has an older schema: {missing} is not applied.", remedy="Run `hoeksteen up`, which migrates it.")
    if have - want:
        extra = ", ".join(sorted(f"{room}/{name}" for room, name in have - want)[:3])
        raise WrongState(f"The database has a newer schema than this program: {extra}.", remedy="Install the version that made it.")


def _included(line: re.Match[str]) -> str:
    """
    Give the statements that a line stands for.

    :raises Corrupt: when the installed package has others: another version of it may need a migration of its own
    """
    package, last, digest = line.groups()
    folder = resources.files(package).joinpath("sql", "migrations")
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql") and entry.name[: len(last)] <= last), key=lambda one: one.name)
    text = "\n".join(entry.read_text("utf-8") for entry in files)
    if hashlib.sha256(text.encode()).hexdigest() != digest:
        raise Corrupt(f"The installed {package} has not the schema that this program knows.", remedy="Run `make setup`, which installs that one.")
    return text


def _is_applied(tx: Transaction, migration: Migration) -> bool:
    digest = tx.value("SELECT digest FROM storage.migration WHERE room = %s AND name = %s", (migration.room, migration.name))
    if digest is not None and digest != migration.digest:
        raise Corrupt(
            f"Migration {migration.room}/{migration.name} was changed after it was applied.", remedy="Restore the file, and add a new one instead."
        )
    return digest is not None
