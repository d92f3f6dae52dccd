"""Grants, asked for and decided on over the socket."""

import hashlib
import json
from typing import Any
from uuid import UUID

import click

from hoeksteen_keeper.client import KeeperClient
from hoeksteen_keeper.errors import KeeperInvalid
from hoeksteen_keeper.service.cli.options import as_person


@click.group("grant")
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
            f"  {_standing(grant)}"
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


@grant_group.command("break-glass")
@click.option("--purpose", required=True)
@click.option("--category", "categories", multiple=True, required=True)
@click.option("--subject", "subjects", multiple=True, required=True, type=click.UUID, help="Whose data; may be repeated, at most 50 times.")
@click.option("--reason", required=True, help="Why it cannot wait.")
@click.option("--minutes", type=click.IntRange(1, 60), default=30, show_default=True)
@click.option("--unmasked", is_flag=True)
@as_person
def grant_break_glass(
    client: KeeperClient, purpose: str, categories: tuple[str, ...], subjects: tuple[UUID, ...], reason: str, minutes: int, unmasked: bool
) -> None:  # fmt: skip
    """Take access at once, without approval. It is loud, and somebody else reviews it."""
    grant = client.break_glass(purpose=purpose, categories=categories, subjects=subjects, reason=reason, minutes=minutes, unmasked=unmasked)
    click.echo(f"{grant['id']} runs until {grant['valid_to']:%H:%M} UTC; review due {grant['review_due']:%Y-%m-%d %H:%M} UTC")


@grant_group.command("review")
@click.argument("grant")
@click.option("--verdict", type=click.Choice(["ok", "misuse"]), required=True)
@click.option("--reason", required=True)
@as_person
def grant_review(client: KeeperClient, grant: str, verdict: str, reason: str) -> None:
    """Say whether glass was broken for good reason; misuse stops whoever did."""
    client.review_break_glass(grant=grant, verdict=verdict, reason=reason)
    click.echo(verdict)


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


def _standing(grant: dict[str, Any]) -> str:
    """Say how a grant came to run, or what it waits for."""
    if not grant["break_glass"]:
        return f"{len(grant['approvals'])}/{grant['approvals_needed']} approvals"
    if grant["review"]:
        return f"BREAK-GLASS, reviewed: {grant['review']['verdict']}"
    return f"BREAK-GLASS, review due {grant['review_due']:%Y-%m-%d %H:%M}"


commands = [grant_group]
