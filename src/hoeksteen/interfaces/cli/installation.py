"""`hoeksteen up | down | status | migrate`: one installation, by hand."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from hoeksteen.host.installation import Installation, embedded_settings, require_free_directory
from hoeksteen.host.settings import Settings, read_settings
from hoeksteen.interfaces.cli import people
from hoeksteen.interfaces.cli.options import DESK_PORT, KEEPER_PORT, data_option, port_options, report_table
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.storage.migrations import migrate as run_migrations
from hoeksteen.storage.postgres import Database


@click.command()
@data_option
@port_options
@click.option("--business-dsn", default=None, help="Use this PostgreSQL (15 or newer) for the application instead of the embedded one.")
@click.option("--owner-dsn", default=None, help="The same database as the role that owns the schema.")
@click.option("--keeper-dsn", default=None, help="A PostgreSQL of the keeper's own.")
@click.option(
    "--people", "people_file", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=None,
    help="The first organisations and people of a new installation, as YAML (docs/operations.md).",
)  # fmt: skip
def up(
    data: Path, desk_port: int | None, keeper_port: int | None, business_dsn: str | None, owner_dsn: str | None, keeper_dsn: str | None,
    people_file: Path | None,
) -> None:  # fmt: skip
    """Start the databases, the keeper and the desk; make them first where they do not exist."""
    console = Console(stderr=True)
    installation = Installation(
        settings_for(data, desk_port, keeper_port, business_dsn, owner_dsn, keeper_dsn), progress=lambda text: console.print(f"  {text}")
    )
    if people_file is None and not people.are_known(installation):
        raise InvalidInput(
            "A new installation needs its first people.",
            remedy="Name them with --people FILE (docs/operations.md shows it), or run `hoeksteen demo` for an invented operator.",
        )
    with installation.alone():
        installation.up()
        people.ensure_bootstrapped(installation, own=people_file)
        installation.start_web()
        installation.start_watch()
        installation.start_worker()
    show_status(installation)


@click.command()
@data_option
def down(data: Path) -> None:
    """Stop everything of an installation; its data stays."""
    console = Console(stderr=True)
    Installation(read_settings(data), progress=lambda text: console.print(f"  {text}")).down()


@click.command()
@data_option
def status(data: Path) -> None:
    """Say what runs, as whom, and what weakens the separation; exit status 1 when a part is down."""
    installation = Installation(read_settings(data))
    show_status(installation)
    if any(part.state == "down" for part in installation.status()):
        raise click.exceptions.Exit(1)


@click.command()
@data_option
def migrate(data: Path) -> None:
    """Bring the business database's schema up to date; run as the OS user that owns it (`up` does)."""
    with Database(read_settings(data).owner_dsn) as owner:
        applied = run_migrations(owner=owner)
    click.echo(f"{len(applied)} migrations applied" + (f": {', '.join(applied)}" if applied else ""))


def settings_for(
    data: Path,
    desk_port: int | None,
    keeper_port: int | None,
    business_dsn: str | None = None,
    owner_dsn: str | None = None,
    keeper_dsn: str | None = None,
) -> Settings:
    """
    Give the settings of an existing installation, or those of a new one, with what was named on the command line put over them.

    :raises InvalidInput: when the ports of an existing installation would change: people's passkeys and services' origins are bound to them
    """
    require_free_directory(data)
    if (data / "settings.toml").exists():
        settings = read_settings(data)
        if (desk_port or settings.desk_port, keeper_port or settings.keeper_port) != (settings.desk_port, settings.keeper_port):
            raise InvalidInput(
                f"{data} has the ports {settings.desk_port} and {settings.keeper_port} for good: passkeys and log-ins are bound to them.",
                remedy="Leave the options out, or name another --data.",
            )
    else:
        settings = embedded_settings(data, desk_port=DESK_PORT, keeper_port=KEEPER_PORT)
    named: dict[str, Any] = {
        "desk_port": desk_port, "keeper_port": keeper_port,
        "business_dsn": business_dsn, "owner_dsn": owner_dsn or business_dsn, "keeper_dsn": keeper_dsn,
    }  # fmt: skip
    return replace(settings, **{name: value for name, value in named.items() if value is not None})


def show_status(installation: Installation) -> None:
    """Print the parts of an installation as a table, and its findings under it."""
    table = report_table(f"Hoeksteen in {installation.settings.data}")
    for heading in ("part", "OS user", "state", "where"):
        table.add_column(heading)
    for part in installation.status():
        table.add_row(part.name, part.os_user, f"[{'green' if part.state != 'down' else 'red'}]{part.state}[/]", part.where)
    console = Console()
    console.print(table)
    for finding in installation.findings():
        console.print(f"[yellow]finding[/] {finding}")


commands = [up, down, status, migrate]
