"""What those who watch do over the socket: stop, erase, destroy, let customers log in."""

from uuid import UUID

import click

from hoeksteen_keeper.client import KeeperClient
from hoeksteen_keeper.service.cli.options import as_person


@click.command("kill")
@click.option("--session", "session", help="The id of a session, from the log.")
@click.option("--actor")
@click.option("--organisation")
@click.option("--reason", required=True)
@as_person
def kill_command(client: KeeperClient, session: str | None, actor: str | None, organisation: str | None, reason: str) -> None:
    """Stop a session, an actor or an organisation, from the next request on."""
    named = [(scope, target) for scope, target in (("session", session), ("actor", actor), ("organisation", organisation)) if target]
    if len(named) != 1:
        raise click.UsageError("Name one of --session, --actor, --organisation.")
    client.kill(scope=named[0][0], target=named[0][1], reason=reason)
    click.echo(f"{named[0][0]} {named[0][1]} is stopped")


@click.command("shred")
@click.option("--subject", type=click.UUID, required=True)
@click.option("--category", help="One category; without it all of them.")
@click.option("--reason", required=True)
@as_person
def shred_command(client: KeeperClient, subject: UUID, category: str | None, reason: str) -> None:
    """Erase a person's data by destroying their keys, for ever."""
    client.shred(subject=subject, category=category, reason=reason)
    click.echo("erased")


@click.command("destroy-month")
@click.argument("month")
@as_person
def destroy_month(client: KeeperClient, month: str) -> None:
    """Destroy the keys of a month's traffic data (YYYY-MM), for ever."""
    click.echo(f"{client.destroy_month(month=month)} keys destroyed")


@click.group("actor")
def actor_group() -> None:
    """People and customers."""


@actor_group.command("add")
@click.option("--actor", required=True, help="The log-in name.")
@click.option("--display", required=True, help="What logs show: a pseudonym, such as the customer number.")
@click.option("--subject", type=click.UUID, required=True)
@click.option("--totp-secret", required=True, help="In base 32.")
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True)
@as_person
def actor_add(client: KeeperClient, actor: str, display: str, subject: UUID, totp_secret: str, password: str) -> None:
    """Prepare a customer's log-in, bound to their own data; a second person confirms it."""
    client.add_data_subject(actor=actor, name=display, subject=subject, password=password, totp_secret=totp_secret)
    click.echo(f"{actor} waits for a second person: hoeksteen-keeper actor confirm {actor}")


@actor_group.command("confirm")
@click.argument("actor")
@as_person
def actor_confirm(client: KeeperClient, actor: str) -> None:
    """Let a customer log in whom another person added."""
    client.confirm_actor(actor=actor)
    click.echo(f"{actor} may log in")


@click.command("passkey-ticket")
@as_person
def passkey_ticket(client: KeeperClient) -> None:
    """Print the one-time code, valid for a minute, that lets you register a passkey on the keeper's pages."""
    click.echo(client.passkey_ticket())


@click.command("log-in-code")
@as_person
def log_in_code(client: KeeperClient) -> None:
    """Print the one-time code, valid for a minute, that logs you in on the keeper's pages without a password."""
    click.echo(client.log_in_code())


commands = [kill_command, shred_command, destroy_month, actor_group, passkey_ticket, log_in_code]
