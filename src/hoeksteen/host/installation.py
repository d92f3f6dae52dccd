"""
One installation brought up, down and looked at: two PostgreSQL clusters, the keeper, and the web process.

Each part is a separate process under its own OS user where this process is root. Everything is safe to repeat: what
exists is kept, what runs is left running.
"""

import fcntl
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hoeksteen.host.cluster import Cluster
from hoeksteen.host.os_users import OsUsers, os_users, own
from hoeksteen.host.processes import run_as, start_as
from hoeksteen.host.settings import Settings, replace_file
from hoeksteen.kernel.errors import InvalidInput, Unavailable, WrongState

BUSINESS_ROLES = ("hoeksteen_app", "hoeksteen_owner", "hoeksteen_bastion")
SERVICES = ("bss", "desk", "mydata", "api")
_LOCK = ".lock"
_FIRST = (_LOCK, "settings.toml.new")  # all that a start which was cut off leaves before the settings stand
_START_SECONDS_MAX = 60
_STOP_SECONDS_MAX = 20
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an installation as `hoeksteen status` shows it."""

    name: str
    os_user: str
    state: str
    where: str


class Installation:
    """
    The parts of one data directory.

    :param settings: where everything lies
    :param progress: told what is being done
    """

    def __init__(self, settings: Settings, *, progress: Progress = lambda _: None) -> None:
        self.settings = settings
        self.users: OsUsers = os_users()
        self._progress = progress
        self._is_alone = False
        data, users = settings.data, self.users
        self.business = Cluster(
            data / "business" / "pg", data / "run" / "business", users.business_database,
            _grouped((users.application, "hoeksteen_app"), (users.business_database, "hoeksteen_owner"), (users.bastion, "hoeksteen_bastion")),
        )  # fmt: skip
        self.keeper_database = Cluster(settings.keeper / "pg", data / "run" / "keeper-db", users.keeper, {users.keeper: ["keeper"]})

    # --- up

    def up(self) -> None:
        """
        Start everything that does not run yet, making it first where it does not exist.

        :raises InvalidInput: when a port is taken by something else
        :raises Unavailable: when a part does not start; the message names its log
        :raises WrongState: when another process starts or stops it at this moment
        """
        with self.alone():
            self._up()

    def _up(self) -> None:
        if self.settings.desk_port == self.settings.keeper_port:
            raise InvalidInput(f"Desk and keeper cannot both have port {self.settings.desk_port}.", remedy="Choose another with --keeper-port.")
        if self._pid("keeper") is None:
            self._refuse_taken_port(self.settings.keeper_port, option="--keeper-port")
        if self._pid("web") is None:
            self._refuse_taken_port(self.settings.desk_port, option="--desk-port")
        self._make_directories()
        if self._uses_embedded(self.settings.business_dsn):
            self._progress("business database: PostgreSQL on its own socket")
            self.business.start()
            for role in BUSINESS_ROLES:
                self.business.ensure_role(role)
            self.business.ensure_database("hoeksteen", owner="hoeksteen_owner")
            self.business.as_superuser("GRANT CONNECT ON DATABASE hoeksteen TO hoeksteen_app, hoeksteen_bastion;")
        self._progress("migrations")
        self._must(self.users.business_database, [sys.executable, "-m", "hoeksteen", "migrate", "--data", self.settings.data], "The migrations fail")
        if self._uses_embedded(self.settings.keeper_dsn):
            self._progress("keeper: its own PostgreSQL cluster, files and OS user")
            self.keeper_database.start()
            self.keeper_database.ensure_role("keeper")
            self.keeper_database.ensure_database("keeper", owner="keeper")
        self._start_keeper()

    def _make_directories(self) -> None:
        settings, users = self.settings, self.users
        settings.write()  # first: they say that the directory is ours, should this be cut off
        own(settings.data / "run", users.people, mode=0o755)
        own(settings.logs, users.people, mode=0o700)
        own(settings.data / "run" / "keeper", users.keeper, mode=0o755)
        own(settings.data / "business", users.business_database, mode=0o700)
        own(settings.keeper, users.keeper, mode=0o700)
        own(settings.people, users.people, mode=0o700)
        own(settings.application, users.application, mode=0o700)
        for name in ("keys", "lake", "drop", "layouts", "documents"):
            own(settings.application / name, users.application, mode=0o700)

    def _start_keeper(self) -> None:
        settings = self.settings
        if not (settings.keeper / "keys").exists():
            printed = self._must(
                self.users.keeper, [self.program("hoeksteen-keeper"), "init", *self._keeper_options()], "The keeper cannot be set up"
            )
            replace_file(settings.log_key, printed.strip() + "\n", mode=0o644)
        if self._pid("keeper") is not None:
            return
        settings.keeper_socket.unlink(missing_ok=True)
        log = settings.logs / "keeper.log"
        command = [
            self.program("hoeksteen-keeper"),
            "serve",
            *self._keeper_options(),
            "--socket",
            settings.keeper_socket,
            "--port",
            str(settings.keeper_port),
        ]
        started = start_as(self.users.keeper, command, log=log)
        self._remember("keeper", started.pid)
        self._wait(lambda: _answers(settings.keeper_socket), alive=lambda: started.poll() is None, what="The keeper", log=log)

    def start_web(self) -> None:
        """
        Start the web process: desk, my data and API on one port of 127.0.0.1.

        :raises InvalidInput: when the port is taken by something else
        :raises Unavailable: when it does not start
        """
        with self.alone():
            if self._pid("web") is not None:
                return
            log = self.settings.logs / "web.log"
            started = start_as(self.users.application, [sys.executable, "-m", "hoeksteen", "serve", "--data", self.settings.data], log=log)
            self._remember("web", started.pid)
            self._wait(lambda: _port_answers(self.settings.desk_port), alive=lambda: started.poll() is None, what="The desk", log=log)

    def start_watch(self) -> None:
        """
        Start the watcher of the drop folder.

        :raises Unavailable: when it ends at once
        """
        with self.alone():
            if self._pid("watch") is not None:
                return
            log = self.settings.logs / "watch.log"
            command: list[str | Path] = [sys.executable, "-m", "hoeksteen", "usage", "watch", "--data", self.settings.data]
            started = start_as(self.users.application, command, log=log)
            self._remember("watch", started.pid)
            ready = self.settings.drop / ".taking"  # it makes this folder first of all
            self._wait(ready.is_dir, alive=lambda: started.poll() is None, what="The watcher of the drop folder", log=log)

    def start_worker(self) -> None:
        """
        Start the worker, which does the jobs of the queue; what it consists of is started again when it dies.

        :raises Unavailable: when it ends at once
        """
        with self.alone():
            if self._pid("worker") is not None:
                return
            log, ready = self.settings.logs / "worker.log", self.settings.worker_is_ready
            ready.unlink(missing_ok=True)
            started = start_as(self.users.application, [sys.executable, "-m", "hoeksteen", "worker", "--data", self.settings.data], log=log)
            self._remember("worker", started.pid)
            self._wait(ready.exists, alive=lambda: started.poll() is None, what="The worker", log=log)

    # --- down and status

    def bootstrap_keeper(self, document: str) -> None:
        """
        Hand an empty keeper its first organisations, people and services.

        The document passes through a file of the keeper's own that exists for that moment only, because it holds passwords.

        :raises Unavailable: with the keeper's own message, when it refuses
        """
        handed = self.settings.keeper / "bootstrap.yaml"
        run_as(self.users.keeper, ["/bin/sh", "-c", 'umask 077; cat > "$0"', handed], input_text=document, check=True)
        try:
            self._must(self.users.keeper, [self.program("hoeksteen-keeper"), "bootstrap", handed, *self._keeper_options()], "The keeper refuses")
        finally:
            run_as(self.users.keeper, ["rm", "-f", handed], check=True)

    def down(self) -> None:
        """
        Stop everything of this installation, the newest part first, and wait until each has stopped.

        :raises WrongState: when another process starts or stops it at this moment
        """
        with self.alone():
            self._down()

    def _down(self) -> None:
        for name in ("worker", "watch", "web", "keeper"):
            pid = self._pid(name)
            if pid is not None:
                self._progress(f"stopping {name}")
                _stop(pid)
            self._pid_file(name).unlink(missing_ok=True)
        for cluster in (self.keeper_database, self.business):
            cluster.stop()

    def status(self) -> list[Part]:
        """Give each part with its OS user and whether it runs."""
        users, settings = self.users, self.settings
        databases = [
            ("business database", users.business_database, self.business, settings.business_dsn),
            ("keeper database", users.keeper, self.keeper_database, settings.keeper_dsn),
        ]
        parts = [
            Part(
                name,
                user if self._uses_embedded(dsn) else "",
                ("running" if cluster.is_running() else "down") if self._uses_embedded(dsn) else "by DSN",
                dsn,
            )
            for name, user, cluster, dsn in databases
        ]
        parts.append(Part("keeper", users.keeper, "running" if self._pid("keeper") else "down", settings.keeper_origin))
        parts.append(Part("desk", users.application, "running" if self._pid("web") else "down", settings.desk_origin))
        parts.append(Part("drop folder", users.application, "running" if self._pid("watch") else "down", str(settings.drop)))
        parts.append(Part("worker", users.application, "running" if self._pid("worker") else "down", str(settings.logs / "worker.log")))
        return parts

    def findings(self) -> list[str]:
        """Give what weakens the separation of this installation, as plain sentences."""
        if self.users.separated:
            return []
        return [f"not separated: application, databases and keeper all run as the OS user {self.users.keeper}; run as root to give each its own"]

    # --- details

    @contextmanager
    def alone(self) -> Iterator[None]:
        """
        Keep every other process from starting or stopping this installation while the block runs; blocks may lie within each other.

        :raises WrongState: when another process does so at this moment
        """
        if self._is_alone:
            yield
            return
        own(self.settings.data, self.users.people, mode=0o755)
        with (self.settings.data / _LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise WrongState(f"{self.settings.data} is being started or stopped by another process.", remedy="Wait for it.") from error
            self._is_alone = True
            try:
                yield
            finally:
                self._is_alone = False

    def _keeper_options(self) -> list[str | Path]:
        return ["--home", self.settings.keeper, "--dsn", self.settings.keeper_dsn]

    def program(self, name: str) -> Path:
        """Give one of our programs, beside the Python that runs this."""
        return Path(sys.executable).parent / name

    def _uses_embedded(self, dsn: str) -> bool:
        return f"host={self.settings.data / 'run'}" in dsn

    def _must(self, user: str, command: list[str | Path], failure: str) -> str:
        done = run_as(user, command)
        if done.returncode != 0:
            last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
            message = next((line for line in last if line.startswith("hoeksteen")), last[-1])
            raise Unavailable(f"{failure}: {message}", remedy=f"Run it by hand: {' '.join(str(part) for part in command)}")
        return done.stdout

    def _refuse_taken_port(self, port: int, *, option: str) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise InvalidInput(f"Port {port} on 127.0.0.1 is in use by another program.", remedy=f"Choose another with {option}.") from error

    def _wait(self, ready: Callable[[], bool], *, alive: Callable[[], bool], what: str, log: Path) -> None:
        deadline = time.monotonic() + _START_SECONDS_MAX
        while time.monotonic() < deadline:
            if ready():
                return
            if not alive():
                break
            time.sleep(0.05)
        lines = log.read_text("utf-8", "replace").strip().splitlines() if log.exists() else []
        raise Unavailable(f"{what} does not start: {lines[-1] if lines else 'it printed nothing'}", remedy=f"Read {log}.")

    def _pid_file(self, name: str) -> Path:
        return self.settings.data / "run" / f"{name}.pid"

    def _remember(self, name: str, pid: int) -> None:
        self._pid_file(name).write_text(f"{pid}\n", "utf-8")

    def _pid(self, name: str) -> int | None:
        """Give the process id of a part that runs; a number that another program has got since does not count."""
        try:
            pid = int(self._pid_file(name).read_text("utf-8"))
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if str(self.settings.data).encode() in command and _is_alive(pid) else None


def require_free_directory(data: Path) -> None:
    """
    Refuse a directory that holds something else.

    :raises WrongState: when it has files and none of them is ours
    """
    if data.exists() and any(entry.name not in _FIRST for entry in data.iterdir()) and not (data / "settings.toml").exists():
        raise WrongState(f"{data} holds other files.", remedy="Name an empty or a new directory with --data.")


def embedded_settings(data: Path, *, desk_port: int, keeper_port: int) -> Settings:
    """Give the settings of an installation whose databases are embedded."""
    return Settings(
        data=data,
        business_dsn=f"host={data / 'run' / 'business'} dbname=hoeksteen user=hoeksteen_app",
        owner_dsn=f"host={data / 'run' / 'business'} dbname=hoeksteen user=hoeksteen_owner",
        keeper_dsn=f"host={data / 'run' / 'keeper-db'} dbname=keeper user=keeper",
        keeper_socket=data / "run" / "keeper" / "keeper.sock",
        desk_port=desk_port,
        keeper_port=keeper_port,
    )


def free_port() -> int:
    """Give a port of 127.0.0.1 that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _grouped(*pairs: tuple[str, str]) -> dict[str, list[str]]:
    roles: dict[str, list[str]] = {}
    for user, role in pairs:
        roles.setdefault(user, []).append(role)
    return roles


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except (OSError, IndexError):
        return False


def _stop(pid: int) -> None:
    deadline = time.monotonic() + _STOP_SECONDS_MAX
    os.kill(pid, signal.SIGTERM)
    while _is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    if _is_alive(pid):
        os.killpg(pid, signal.SIGKILL)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


def _port_answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
