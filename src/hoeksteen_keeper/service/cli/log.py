"""Questions to the log, over the socket."""

import json
import os
from datetime import datetime
from pathlib import Path
from uuid import UUID

import click

from hoeksteen_keeper.client import KeeperClient
from hoeksteen_keeper.errors import KeeperInvalid
from hoeksteen_keeper.service.cli.options import INSTANT, PATH, as_person, aware, print_json


@click.command("checkpoint")
@as_person
def checkpoint(client: KeeperClient) -> None:
    """Print a signed checkpoint over everything that the log holds."""
    click.echo(client.checkpoint().decode(), nl=False)


@click.command("did-see")
@click.option("--subject", type=click.UUID)
@click.option("--actor")
@click.option("--organisation")
@click.option("--since", type=INSTANT)
@click.option("--until", type=INSTANT)
@as_person
def did_see(
    client: KeeperClient, subject: UUID | None, actor: str | None, organisation: str | None, since: datetime | None, until: datetime | None
) -> None:  # fmt: skip
    """Print who saw a subject's data, or whose data an actor or an organisation saw; one JSON object a line."""
    for entry in client.did_see(subject=subject, actor=actor, organisation=organisation, since=aware(since), until=aware(until)):
        click.echo(json.dumps(entry, default=str, ensure_ascii=False))


@click.command("could-see")
@click.option("--subject", type=click.UUID, required=True)
@click.option("--at", type=INSTANT, help="Another moment than now, in UTC.")
@as_person
def could_see(client: KeeperClient, subject: UUID, at: datetime | None) -> None:
    """Print who could see a subject's data, through what, and the back doors of the machine; JSON."""
    print_json(client.could_see(subject=subject, at=aware(at)))


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


commands = [checkpoint, did_see, could_see, export]
