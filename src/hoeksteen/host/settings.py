"""Where everything of one installation lies: its data directory, sockets, ports and connection strings."""

import os
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path

from hoeksteen.kernel.errors import InvalidInput, NotFound
from hoeksteen.kernel.private_files import private_file


@dataclass(frozen=True, slots=True)
class Settings:
    """
    One installation.

    :param data: its data directory
    :param business_dsn: the application's connection; `owner_dsn` is the one that migrates
    :param keeper_socket: the keeper's Unix socket
    :param desk_port: the port of the staff desk, on 127.0.0.1; `keeper_port` is the keeper's own origin
    """

    data: Path
    business_dsn: str
    owner_dsn: str
    keeper_dsn: str
    keeper_socket: Path
    desk_port: int
    keeper_port: int

    @property
    def application(self) -> Path:
        """The directory that the application's OS user owns."""
        return self.data / "app"

    @property
    def lake(self) -> Path:
        return self.application / "lake"

    @property
    def drop(self) -> Path:
        """The drop folder, into which sources put usage files."""
        return self.application / "drop"

    @property
    def layouts(self) -> Path:
        """The directory of the operator's own layouts of usage files."""
        return self.application / "layouts"

    @property
    def worker_is_ready(self) -> Path:
        """The file that the worker writes once it can take jobs."""
        return self.application / ".worker"

    @property
    def service_keys(self) -> Path:
        """The directory of the application's own Ed25519 keys, one `<service>.key` each."""
        return self.application / "keys"

    @property
    def keeper(self) -> Path:
        """The directory that only the keeper's OS user may enter."""
        return self.data / "keeper"

    @property
    def logs(self) -> Path:
        """The directory of what the keeper's and the web process print; none of their own users may change what stands there."""
        return self.data / "log"

    @property
    def log_key(self) -> Path:
        """The public key of the keeper's log, which anybody may have, to verify with."""
        return self.data / "log.key"

    @property
    def people(self) -> Path:
        """The directory of the keys and log-ins that people of the demonstration hold; never readable by the application."""
        return self.data / "people"

    @property
    def desk_origin(self) -> str:
        return f"http://desk.localhost:{self.desk_port}"

    @property
    def mydata_origin(self) -> str:
        return f"http://my.localhost:{self.desk_port}"

    @property
    def api_origin(self) -> str:
        return f"http://api.localhost:{self.desk_port}"

    @property
    def keeper_origin(self) -> str:
        return f"http://keeper.localhost:{self.keeper_port}"

    def write(self) -> None:
        """Write `settings.toml` into the data directory, whole or not at all; it holds no secret."""
        lines = [f"{name} = {value if isinstance(value, int) else _quoted(str(value))}" for name, value in asdict(self).items() if name != "data"]
        replace_file(self.data / "settings.toml", "\n".join(lines) + "\n", mode=0o644)


def default_data() -> Path:
    """Give the data directory that is used when none is named: `HOEKSTEEN_DATA`, or the place that fits the user."""
    named = os.environ.get("HOEKSTEEN_DATA")
    if named:
        return Path(named).absolute()
    return Path("/var/lib/hoeksteen") if os.geteuid() == 0 else Path.home() / ".local/share/hoeksteen"


def demonstration_data(data: Path) -> Path:
    """Give where a demonstration lies that is told beside an installation's data directory."""
    return data.with_name(f"{data.name}-demo")


def read_settings(data: Path) -> Settings:
    """
    Read an installation's settings.

    :raises NotFound: when nothing was set up there
    :raises InvalidInput: when the file is damaged or lacks a field
    """
    file = data / "settings.toml"
    if not file.exists():
        demonstration = demonstration_data(data)
        remedy = "Run `hoeksteen up`, or name its directory with --data."
        if (demonstration / "settings.toml").exists():
            remedy = f"The demonstration lies in {demonstration}: set HOEKSTEEN_DATA={demonstration}, or add --data {demonstration}."
        raise NotFound(f"No installation in {data}.", remedy=remedy)
    remedy = "Restore the file, or write the field anew; `hoeksteen up` in a new directory shows what it looks like."
    try:
        values = tomllib.loads(file.read_text("utf-8"))
    except ValueError as error:  # no UTF-8, or no TOML; the reason names the line
        raise InvalidInput(f"{file} is damaged: {error}.", remedy=remedy) from error
    for name in ("business_dsn", "owner_dsn", "keeper_dsn", "keeper_socket", "desk_port", "keeper_port"):
        if name not in values:
            raise InvalidInput(f"{file} lacks the field {name}.", remedy=remedy)
        if not isinstance(values[name], int if name.endswith("port") else str) or isinstance(values[name], bool):
            raise InvalidInput(f"{file} is damaged: the field {name} is no {'number' if name.endswith('port') else 'text'}.", remedy=remedy)
    return Settings(
        data=data,
        business_dsn=values["business_dsn"],
        owner_dsn=values["owner_dsn"],
        keeper_dsn=values["keeper_dsn"],
        keeper_socket=Path(values["keeper_socket"]),
        desk_port=values["desk_port"],
        keeper_port=values["keeper_port"],
    )


def replace_file(path: Path, text: str, *, mode: int) -> None:
    """
    Put a text in a file's place at one instant, durably: a crash leaves the old file or the new one.

    :param mode: exactly that, whatever the caller's umask is
    """
    with private_file(path, mode=mode) as file:
        file.write(text.encode())


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
