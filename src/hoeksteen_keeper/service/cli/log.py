"""Questions to the log, over the socket."""

import json
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import click

from hoeksteen_keeper.client import KeeperClient
from hoeksteen_keeper.errors import KeeperInvalid
from hoeksteen_keeper.service.cli.options import INSTANT, PATH, as_person, aware, print_json

_F = TypeVar("_F", bound=Callable[..., Any])
_PAGE = 10_000


@click.command("checkpoint")
@as_person
def checkpoint(client: KeeperClient) -> None:
    """Print a signed checkpoint over everything that the log holds."""
    click.echo(client.checkpoint().decode(), nl=False)


def _about_whom(command: _F) -> _F:
    for name, of in (("--country", "The country of their organisation, such as SG."), ("--organisation", None), ("--actor", None)):
        command = click.option(name, help=of)(command)
    return click.option("--subject", type=click.UUID)(command)


@click.command("did-see")
@_about_whom
@click.option("--since", type=INSTANT)
@click.option("--until", type=INSTANT)
@as_person
def did_see(client: KeeperClient, since: datetime | None, until: datetime | None, **about: Any) -> None:
    """Print who saw a subject's data, or whose data an actor, an organisation or a country saw; one JSON object a line."""
    after: int | None = None
    while page := client.did_see(**about, since=aware(since), until=aware(until), after=after, limit=_PAGE):
        for entry in page:
            click.echo(json.dumps(entry, default=str, ensure_ascii=False))
        if len(page) < _PAGE:
            break
        after = page[-1]["index"]


@click.command("could-see")
@_about_whom
@click.option("--at", type=INSTANT, help="Another moment than now, in UTC.")
@click.option("--since", type=INSTANT, help="Ask for a whole period instead.")
@click.option("--until", type=INSTANT, help="Its last moment; now, if it is not given.")
@as_person
def could_see(client: KeeperClient, at: datetime | None, since: datetime | None, until: datetime | None, **about: Any) -> None:
    """Print who could see a subject's data, or what an actor, an organisation or a country could see, and the machine's back doors; JSON."""
    print_json(client.could_see(**about, at=aware(at), since=aware(since), until=aware(until)))


@click.command("exposure")
@as_person
def exposure(client: KeeperClient) -> None:
    """Scan the keeper's machine for back doors, attest the findings in the log, and print them."""
    for finding in client.exposure():
        click.echo(f"- {finding}")


@click.command("export")
@click.option("--subject", type=click.UUID, required=True)
@click.option("--since", type=INSTANT)
@click.option("--until", type=INSTANT)
@click.option("--out", type=PATH, required=True)
@as_person
def export(client: KeeperClient, subject: UUID, since: datetime | None, until: datetime | None, out: Path) -> None:
    """Write an evidence bundle about a subject; check it with `hoeksteen-verify`."""
    bundle = client.export_bundle(subject=subject, since=aware(since), until=aware(until))
    try:
        with open(out, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            os.fchmod(file.fileno(), 0o600)  # it may have been there before
            file.write(bundle)
    except OSError as error:
        raise KeeperInvalid("not_written", f"{out} cannot be written: {error.strerror}. Name a file with --out.") from error
    click.echo(f"{out}")


commands = [checkpoint, did_see, could_see, exposure, export]
