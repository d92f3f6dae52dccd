"""Questions to the log, over the socket."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import click

from hoeksteen_keeper.client import KeeperClient
from hoeksteen_keeper.errors import KeeperInvalid
from hoeksteen_keeper.service.cli.options import INSTANT, PATH, as_person, aware, print_json
from hoeksteen_keeper.vault.providers import write_secret

_F = TypeVar("_F", bound=Callable[..., Any])
_PAGE = 10_000


_as_json = click.option("--json", "as_json", is_flag=True, help="For programs.")


@click.command("checkpoint")
@as_person
def checkpoint(client: KeeperClient) -> None:
    """Print a signed checkpoint over everything that the log holds."""
    click.echo(client.checkpoint().decode(), nl=False)


def _about_whom(command: _F) -> _F:
    command = click.option("--organisation")(click.option("--actor")(command))
    country = click.option("--country", callback=lambda _, __, name: name and name.upper(), help="Of their organisation, such as SG.")
    command = country(command)
    return click.option("--subject", type=click.UUID)(command)


@click.command("did-see")
@_about_whom
@click.option("--since", type=INSTANT)
@click.option("--until", type=INSTANT)
@_as_json
@as_person
def did_see(client: KeeperClient, since: datetime | None, until: datetime | None, as_json: bool, **about: Any) -> None:
    """Print who saw a subject's data, or whose data an actor, an organisation or a country saw; a line for each time."""
    after, count = None, 0
    while page := client.did_see(**about, since=aware(since), until=aware(until), after=after, limit=_PAGE):
        for entry in page:
            click.echo(json.dumps(entry, default=str, ensure_ascii=False) if as_json else _look(entry))
        after, count = page[-1]["index"], count + len(page)
        if len(page) < _PAGE:
            break
    if not as_json:
        click.echo(f"{count} entries" if count != 1 else "1 entry")


@click.command("could-see")
@_about_whom
@click.option("--at", type=INSTANT, help="Another moment than now, in UTC.")
@click.option("--since", type=INSTANT, help="Ask for a whole period instead.")
@click.option("--until", type=INSTANT, help="Its last moment; now, if it is not given.")
@_as_json
@as_person
def could_see(client: KeeperClient, at: datetime | None, since: datetime | None, until: datetime | None, as_json: bool, **about: Any) -> None:
    """Print who could see a subject's data, or what an actor, an organisation or a country could see, and the machine's back doors."""
    answer = client.could_see(**about, at=aware(at), since=aware(since), until=aware(until))
    if as_json:
        print_json(answer)
        return
    for actor, rows in groupby(answer["actors"], key=itemgetter("actor")):
        ways = list(rows)
        click.echo(f"{actor}  {ways[0]['name']}, {ways[0]['organisation']} ({ways[0]['country']})")
        for way in ways:
            click.echo(f"    {_way(way)}")
    people = len({row["actor"] for row in answer["actors"]})
    click.echo(f"Actors: {people}. Ways: {len(answer['actors'])}. Back doors of the machine: {len(answer['findings'])}.")
    for finding in answer["findings"]:
        click.echo(f"- {finding}")


def _look(entry: Mapping[str, Any]) -> str:
    """Say one look in one line."""
    why = entry["ticket"] or (f"grant {entry['grant'][:8]}" if entry["grant"] else "")
    what = " ".join(filter(None, (entry["action"], entry["category"], entry["purpose"] and f"for {entry['purpose']}")))
    marks = ", ".join(filter(None, (what, entry["masked"] and "masked", entry["outcome"] != "allowed" and entry["outcome"].upper(), why)))
    who = f"{entry['actor']} of" if entry["actor"] else "the keeper, about"
    return f"{entry['time']:%Y-%m-%d %H:%M:%S} UTC  {who} {entry['organisation'] or '-'} ({entry['country'] or '-'}): {marks}"


def _way(way: Mapping[str, Any]) -> str:
    """Say one way in in one line."""
    limits = f"{way['ceiling_per_hour']} an hour, {way['ceiling_per_day']} a day" if way["ceiling_per_hour"] is not None else "no ceiling"
    when = f"from {way['from']:%Y-%m-%d %H:%M} until {way['until']:%Y-%m-%d %H:%M}" if way.get("until") else ""
    when = when or (f"since {way['from']:%Y-%m-%d %H:%M}" if way.get("from") else "")
    grant = f"grant {way['grant'][:8]}" if way["grant"] else ""
    return "; ".join(filter(None, (f"{', '.join(way['categories'])} for {way['purpose']}{', masked' if way['masked'] else ''}", limits, grant, when)))


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
    if out.exists():
        raise KeeperInvalid("bundle_exists", f"{out} exists, and evidence is never overwritten. Name another file with --out.")
    write_secret(out, client.export_bundle(subject=subject, since=aware(since), until=aware(until)))
    click.echo(f"{out}")


commands = [checkpoint, did_see, could_see, exposure, export]
