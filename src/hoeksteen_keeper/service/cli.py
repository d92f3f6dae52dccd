"""
The keeper's command line.

`init`, `bootstrap`, `serve` and `fsck --dsn` are for the keeper's own OS user. All other commands speak to the running service as a person who
proves a key of their own; they work from any OS user that reaches the socket.
"""

import base64
import hashlib
import json
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from functools import update_wrapper
from pathlib import Path
from typing import Any, TypeVar, cast
from uuid import UUID

import click
import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hoeksteen_keeper.access.passwords import STEP_SECONDS, totp_code, totp_secret, totp_step
from hoeksteen_keeper.client import KeeperClient, load_key
from hoeksteen_keeper.errors import KeeperError, KeeperInvalid, answer_to
from hoeksteen_keeper.evidence import queries
from hoeksteen_keeper.service.bootstrap import bootstrap, read_bootstrap
from hoeksteen_keeper.service.keeper import initialise, now, require_home
from hoeksteen_keeper.service.opening import opened, opened_log
from hoeksteen_keeper.service.serve import serve
from hoeksteen_keeper.store.database import Store
from hoeksteen_keeper.vault.providers import write_secret

_F = TypeVar("_F", bound=Callable[..., Any])
_INSTANT_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]
_PATH = click.Path(path_type=Path)
_home = click.option("--home", type=_PATH, required=True, help="The keeper's own directory, which no other OS user may enter.")
_dsn = click.option("--dsn", required=True, help="The keeper's own PostgreSQL, such as 'host=/run/keeper-db dbname=keeper user=keeper'.")


def main() -> None:
    """Run the command line; every error is one sentence and exit status 1, and every file that it makes is its owner's alone."""
    os.umask(0o077)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        cli(standalone_mode=True)
    except (KeeperError, OSError) as error:
        said = f"{error.reason}: {error.detail}" if isinstance(error, KeeperError) else f"file_unusable: {error.filename}: {error.strerror}."
        click.echo(said, err=True)
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 the border: an unforeseen error's own words may hold what was typed
        click.echo("{1}: {2}".format(*answer_to(error)), err=True)
        sys.exit(1)


def as_person(command: _F) -> _F:
    """Give a command a client that speaks as the person who holds a key."""

    def run(*, socket: Path, name: str, key: Path, **options: Any) -> Any:
        with KeeperClient(socket_path=socket, service=name, key_path=key) as client:
            return command(client, **options)

    wrapped = update_wrapper(run, command)
    for option in (
        click.option("--key", type=_PATH, required=True, envvar="HOEKSTEEN_KEEPER_KEY", help="Your Ed25519 key, made by `keygen`."),
        click.option("--as", "name", required=True, envvar="HOEKSTEEN_KEEPER_AS", help="Who you are, such as anna.dekker."),
        click.option("--socket", type=_PATH, required=True, envvar="HOEKSTEEN_KEEPER_SOCKET", help="The keeper's socket."),
    ):
        wrapped = option(wrapped)
    return cast(_F, wrapped)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """The trusted core: keys, access, evidence."""


# --- for the keeper's own OS user


@cli.command("init")
@_home
@_dsn
@click.option("--origin", default="keeper.hoeksteen.example/log", show_default=True, help="The log's name in its checkpoints.")
def init_command(home: Path, dsn: str, origin: str) -> None:
    """Make the keys of a new keeper and the tables of its store; prints the log's public key."""
    store = Store(dsn)  # before any key is made: a store that cannot be reached leaves nothing half-done
    try:
        store.open()
    finally:
        store.close()
    verifier = initialise(home, origin=origin)
    with opened(dsn=dsn, home=home, port=0):
        click.echo(verifier)


@cli.command("bootstrap")
@click.argument("file", type=_PATH)
@_home
@_dsn
def bootstrap_command(file: Path, home: Path, dsn: str) -> None:
    """Add the first organisations, people and services from FILE.yaml to an empty keeper."""
    entries = read_bootstrap(file)
    with opened(dsn=dsn, home=require_home(home), port=0) as keeper:
        bootstrap(keeper, entries)
    click.echo(f"Added {len(entries.organisations)} organisations, {len(entries.people)} people and {len(entries.services)} services.")


@cli.command("serve")
@_home
@_dsn
@click.option("--socket", type=_PATH, required=True, help="Where the API listens.")
@click.option("--port", type=click.IntRange(1, 65_535), required=True, help="Of the log-in and approval pages, on 127.0.0.1.")
def serve_command(home: Path, dsn: str, socket: Path, port: int) -> None:
    """Serve until SIGTERM."""
    serve(dsn=dsn, home=home, socket=socket, port=port, on_ready=lambda origin: click.echo(f"The keeper serves {socket} and {origin}"))


@cli.command("fsck")
@_home
@_dsn
def fsck_command(home: Path, dsn: str) -> None:
    """Recompute the whole log from database and tiles; exit status 1 when anything does not agree."""
    try:
        with opened_log(dsn=dsn, home=require_home(home)) as log:
            report = queries.fsck(log)
    except psycopg.errors.UndefinedTable as error:
        raise KeeperInvalid("not_initialised", "The database that --dsn names holds no keeper.") from error
    _print_json({**asdict(report), "ok": report.ok})
    sys.exit(0 if report.ok else 1)


# --- for anybody


@cli.command("keygen")
@click.option("--out", type=_PATH, required=True, help="Where the private key goes, readable by you alone.")
def keygen(out: Path) -> None:
    """Make an Ed25519 key; prints the public half for the bootstrap file."""
    key = Ed25519PrivateKey.generate()
    write_secret(out, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    click.echo(base64.b64encode(key.public_key().public_bytes_raw()).decode())


@cli.command("public")
@click.option("--key", type=_PATH, required=True)
def public(key: Path) -> None:
    """Print the public half of a key."""
    click.echo(base64.b64encode(load_key(key).public_key().public_bytes_raw()).decode())


@cli.command("code")
@click.option("--secret", required=True, help="The TOTP secret in base 32.")
def code(secret: str) -> None:
    """Print the code of this moment, as an authenticator app would."""
    click.echo(totp_code(totp_secret(secret), totp_step(now())))
    click.echo(f"valid for {STEP_SECONDS - int(now().timestamp()) % STEP_SECONDS} s", err=True)


# --- for people, over the socket


@cli.group("grant")
def grant_group() -> None:
    """Ask for access, read what was asked for, approve, refuse, revoke."""


@grant_group.command("list")
@click.option("--state", type=click.Choice(["requested", "running", "refused", "revoked", "expired"]))
@as_person
def grant_list(client: KeeperClient, state: str | None) -> None:
    """List grants: all of them for those who decide, otherwise your own."""
    for grant in client.grants(state=state):
        click.echo(
            f"{grant['id']}  {grant['state']:9}  {grant['asker']:20} {grant['purpose']:10} {','.join(grant['categories'])}  ticket {grant['ticket']}"
            f"  {len(grant['approvals'])}/{grant['approvals_needed']} approvals"
        )


@grant_group.command("show")
@click.argument("grant")
@as_person
def grant_show(client: KeeperClient, grant: str) -> None:
    """Print the canonical grant, byte for byte what approvers sign, and its digest."""
    found = client.grant(grant=grant)
    click.echo(found["canonical"])
    click.echo(f"SHA-256 {found['digest']}  state {found['state']}  approved by {', '.join(a['approver'] for a in found['approvals']) or 'nobody'}")


@grant_group.command("request")
@click.option("--purpose", required=True)
@click.option("--category", "categories", multiple=True, required=True)
@click.option("--subject", "subjects", multiple=True, type=click.UUID, help="Whose data; may be repeated. None: anybody's, up to --subjects-max.")
@click.option("--ticket", required=True, help="Why.")
@click.option("--minutes", type=int, required=True)
@click.option("--unmasked", is_flag=True)
@click.option("--subjects-max", type=int, help="The ceiling: how many times data may be opened under this grant.")
@click.option("--per-hour", type=int, help="The same per hour; people get 120 unless they ask for more.")
@click.option("--per-day", type=int, help="The same per day; people get 600 unless they ask for more.")
@as_person
def grant_request(
    client: KeeperClient, purpose: str, categories: tuple[str, ...], subjects: tuple[UUID, ...], ticket: str, minutes: int, unmasked: bool,
    subjects_max: int | None, per_hour: int | None, per_day: int | None,
) -> None:  # fmt: skip
    """Ask for a grant; prints its id and digest. With a service's key, asks for its standing bulk grant."""
    grant = client.request_grant(
        purpose=purpose, categories=categories, subjects=subjects or None, ticket=ticket, minutes=minutes, unmasked=unmasked,
        subjects_max=subjects_max, per_hour=per_hour, per_day=per_day,
    )  # fmt: skip
    click.echo(f"{grant['id']} {grant['digest']}")


@grant_group.command("approve")
@click.argument("grant")
@click.option("--digest", help="The digest you were told another way; anything else is refused.")
@click.option("--yes", is_flag=True, help="Do not ask; for scripts that read the grant themselves.")
@as_person
def grant_approve(client: KeeperClient, grant: str, digest: str | None, yes: bool) -> None:
    """Show the canonical grant and approve exactly that with your key: the digest is computed here, from what is shown."""
    canonical = client.grant(grant=grant)["canonical"]
    shown = hashlib.sha256(canonical.encode()).hexdigest()
    click.echo(json.dumps(json.loads(canonical), indent=2, ensure_ascii=False))
    if digest and digest.lower() != shown:
        raise KeeperInvalid("digest_differs", f"This grant's digest is {shown}, not {digest}. Nothing was signed.")
    if not yes:
        click.confirm("Sign this?", abort=True)
    approved = client.approve_grant(grant=grant, digest=shown)
    click.echo(f"{approved['state']}: {len(approved['approvals'])} of {approved['approvals_needed']} approvals")


@grant_group.command("refuse")
@click.argument("grant")
@click.option("--reason", required=True)
@as_person
def grant_refuse(client: KeeperClient, grant: str, reason: str) -> None:
    """Refuse a grant that was asked for."""
    click.echo(client.refuse_grant(grant=grant, reason=reason)["state"])


@grant_group.command("revoke")
@click.argument("grant")
@click.option("--reason", required=True)
@as_person
def grant_revoke(client: KeeperClient, grant: str, reason: str) -> None:
    """End a grant at once."""
    click.echo(client.revoke_grant(grant=grant, reason=reason)["state"])


@cli.command("kill")
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


@cli.command("shred")
@click.option("--subject", type=click.UUID, required=True)
@click.option("--category", help="One category; without it all of them.")
@click.option("--reason", required=True)
@as_person
def shred_command(client: KeeperClient, subject: UUID, category: str | None, reason: str) -> None:
    """Erase a person's data by destroying their keys, for ever."""
    client.shred(subject=subject, category=category, reason=reason)
    click.echo("erased")


@cli.command("destroy-month")
@click.argument("month")
@as_person
def destroy_month(client: KeeperClient, month: str) -> None:
    """Destroy the keys of a month's traffic data (YYYY-MM), for ever."""
    click.echo(f"{client.destroy_month(month=month)} keys destroyed")


@cli.group("actor")
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


@cli.command("passkey-ticket")
@as_person
def passkey_ticket(client: KeeperClient) -> None:
    """Print the one-time code, valid for a minute, that lets you register a passkey on the keeper's pages."""
    click.echo(client.passkey_ticket())


@cli.command("checkpoint")
@as_person
def checkpoint(client: KeeperClient) -> None:
    """Print a signed checkpoint over everything that the log holds."""
    click.echo(client.checkpoint().decode(), nl=False)


@cli.command("did-see")
@click.option("--subject", type=click.UUID)
@click.option("--actor")
@click.option("--organisation")
@click.option("--since", type=click.DateTime(_INSTANT_FORMATS))
@click.option("--until", type=click.DateTime(_INSTANT_FORMATS))
@as_person
def did_see(
    client: KeeperClient, subject: UUID | None, actor: str | None, organisation: str | None, since: datetime | None, until: datetime | None
) -> None:  # fmt: skip
    """Print who saw a subject's data, or whose data an actor or an organisation saw; one JSON object a line."""
    for entry in client.did_see(subject=subject, actor=actor, organisation=organisation, since=_aware(since), until=_aware(until)):
        click.echo(json.dumps(entry, default=str, ensure_ascii=False))


@cli.command("could-see")
@click.option("--subject", type=click.UUID, required=True)
@click.option("--at", type=click.DateTime(_INSTANT_FORMATS), help="Another moment than now, in UTC.")
@as_person
def could_see(client: KeeperClient, subject: UUID, at: datetime | None) -> None:
    """Print who could see a subject's data, through what, and the back doors of the machine; JSON."""
    _print_json(client.could_see(subject=subject, at=_aware(at)))


@cli.command("export")
@click.option("--subject", type=click.UUID, required=True)
@click.option("--since", type=click.DateTime(_INSTANT_FORMATS))
@click.option("--until", type=click.DateTime(_INSTANT_FORMATS))
@click.option("--out", type=_PATH, required=True)
@as_person
def export(client: KeeperClient, subject: UUID, since: datetime | None, until: datetime | None, out: Path) -> None:
    """Write an evidence bundle about a subject; check it with `hoeksteen-verify`."""
    bundle = client.export_bundle(subject=subject, since=_aware(since), until=_aware(until))
    try:
        with open(out, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            os.fchmod(file.fileno(), 0o600)  # it may have been there before
            file.write(bundle)
    except OSError as error:
        raise KeeperInvalid("not_written", f"{out} cannot be written: {error.strerror}. Name a file with --out.") from error
    click.echo(f"{out}")


def _aware(instant: datetime | None) -> datetime | None:
    return instant.replace(tzinfo=UTC) if instant and instant.tzinfo is None else instant


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, default=str, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
