"""What commands share: the options that people and the keeper's own OS user give, and how answers are printed."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import update_wrapper
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from hoeksteen_keeper.client import KeeperClient

_F = TypeVar("_F", bound=Callable[..., Any])
INSTANT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"])
PATH = click.Path(path_type=Path)
home_option = click.option("--home", type=PATH, required=True, help="The keeper's own directory, which no other OS user may enter.")
dsn_option = click.option("--dsn", required=True, help="The keeper's own PostgreSQL, such as 'host=/run/keeper-db dbname=keeper user=keeper'.")


def as_person(command: _F) -> _F:
    """Give a command a client that speaks as the person who holds a key."""

    def run(*, socket: Path, name: str, key: Path, **options: Any) -> Any:
        with KeeperClient(socket_path=socket, service=name, key_path=key) as client:
            return command(client, **options)

    wrapped = update_wrapper(run, command)
    for option in (
        click.option("--key", type=PATH, required=True, envvar="HOEKSTEEN_KEEPER_KEY", show_envvar=True, help="Your Ed25519 key, made by `keygen`."),
        click.option("--as", "name", required=True, envvar="HOEKSTEEN_KEEPER_AS", show_envvar=True, help="Who you are, such as anna.dekker."),
        click.option("--socket", type=PATH, required=True, envvar="HOEKSTEEN_KEEPER_SOCKET", show_envvar=True, help="The keeper's socket."),
    ):
        wrapped = option(wrapped)
    return cast(_F, wrapped)


def aware(instant: datetime | None) -> datetime | None:
    """Give an instant with its zone: UTC, where none was said."""
    return instant.replace(tzinfo=UTC) if instant and instant.tzinfo is None else instant


def said_whole(command: click.Command) -> None:
    """Let the overview of a group show the first sentence of each command whole."""
    command.short_help = (command.help or "").partition(". ")[0].partition("\n\n")[0].rstrip(".") + "."
    for part in command.commands.values() if isinstance(command, click.Group) else ():
        said_whole(part)


def print_json(value: Any) -> None:
    """Print an answer for people and programs."""
    click.echo(json.dumps(value, default=str, indent=2, ensure_ascii=False))
