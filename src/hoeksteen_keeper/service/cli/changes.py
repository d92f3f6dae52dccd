"""Changes of who may do what: proposed by one officer, in force when two have signed."""

import hashlib
import json
from pathlib import Path
from typing import Any

import click
import yaml

from hoeksteen_keeper.access.changes import difference
from hoeksteen_keeper.access.policies import shipped
from hoeksteen_keeper.client import KeeperClient
from hoeksteen_keeper.errors import KeeperCorrupt, KeeperInvalid
from hoeksteen_keeper.service.cli.options import PATH, as_person

_reason = click.option("--reason", required=True, help="Why.")


@click.group("change")
def change_group() -> None:
    """Change policies, organisations, people, services and keys, two people together."""


@change_group.command("policy")
@click.argument("files", nargs=-1, type=PATH)
@click.option("--shipped", "of_program", is_flag=True, help="The policies that this program ships.")
@_reason
@as_person
def change_policy(client: KeeperClient, files: tuple[Path, ...], of_program: bool, reason: str) -> None:
    """Propose policies in place of all that are in force: FILES are put one after another, by name."""
    if of_program == bool(files):
        raise click.UsageError("Name files, or --shipped.")
    _proposed(client, {"kind": "policy", "text": shipped().text if of_program else "\n".join(_read(file) for file in sorted(files))}, reason)


@change_group.command("propose")
@click.argument("file", type=PATH)
@_reason
@as_person
def change_propose(client: KeeperClient, file: Path, reason: str) -> None:
    """Propose FILE.yaml: its `kind` (organisation, actor, key, end_actor, roles, issuer_link), and what belongs to it (docs/operations.md)."""
    try:
        content = yaml.safe_load(_read(file))
    except yaml.YAMLError as error:
        raise KeeperInvalid("change_invalid", f"{file} is no YAML.") from error
    if not isinstance(content, dict):
        raise KeeperInvalid("change_invalid", f"{file} holds no change: begin with `kind:`.")
    _proposed(client, content, reason)


@change_group.command("end")
@click.argument("actor")
@_reason
@as_person
def change_end(client: KeeperClient, actor: str, reason: str) -> None:
    """Propose that ACTOR leaves for good: blocked, logged out, without keys, passkeys and grants; the name is not used again."""
    _proposed(client, {"kind": "end_actor", "actor": actor}, reason)


@change_group.command("roles")
@click.argument("actor")
@click.argument("roles", nargs=-1, required=True)
@_reason
@as_person
def change_roles(client: KeeperClient, actor: str, roles: tuple[str, ...], reason: str) -> None:
    """Propose that ACTOR has ROLES, in place of those held before."""
    _proposed(client, {"kind": "roles", "actor": actor, "roles": list(roles)}, reason)


@change_group.command("link")
@click.argument("actor")
@click.option("--issuer", required=True, help="The identity provider, as issuers.toml names it.")
@click.option("--subject", required=True, help="What its tokens say of that person.")
@click.option("--remove", is_flag=True, help="Take the link back.")
@_reason
@as_person
def change_link(client: KeeperClient, actor: str, issuer: str, subject: str, remove: bool, reason: str) -> None:
    """Propose that whoever the issuer names so logs in as ACTOR."""
    _proposed(client, {"kind": "issuer_unlink" if remove else "issuer_link", "actor": actor, "issuer": issuer, "subject": subject}, reason)


@change_group.command("list")
@as_person
def change_list(client: KeeperClient) -> None:
    """List the changes, those that wait first."""
    for change in client.changes():
        signed = f"{len(change['approvals'])}/{change['approvals_needed']}"
        click.echo(f"{change['id']}  {change['state']:9} {change['kind']:12} {signed}  {change['proposed_by']}: {change['reason']}")


@change_group.command("show")
@click.argument("change")
@as_person
def change_show(client: KeeperClient, change: str) -> None:
    """Print what a change changes, and its digest; of policies, the difference from those in force."""
    _show(client.change(change=change))


@change_group.command("approve")
@click.argument("change")
@click.option("--yes", is_flag=True, help="Do not ask; for scripts that read the change themselves.")
@as_person
def change_approve(client: KeeperClient, change: str, yes: bool) -> None:
    """Show a change and sign exactly that with your key: the digest is computed here, from what is shown."""
    digest = _show(client.change(change=change))
    if not yes:
        click.confirm("Sign this?", abort=True)
    signed = client.approve_change(change=change, digest=digest)
    click.echo(f"{signed['state']}: {len(signed['approvals'])} of {signed['approvals_needed']} signatures")


@change_group.command("refuse")
@click.argument("change")
@_reason
@as_person
def change_refuse(client: KeeperClient, change: str, reason: str) -> None:
    """Refuse a change."""
    click.echo(client.refuse_change(change=change, reason=reason)["state"])


def _proposed(client: KeeperClient, content: dict[str, Any], reason: str) -> None:
    change = client.propose_change(content=content, reason=reason)
    click.echo(f"{change['id']} {change['digest']}")


def _show(change: dict[str, Any]) -> str:
    """Print a change as its canonical form says it, and give the digest of that form."""
    said = json.loads(change["canonical"])
    content = said["content"]
    if content["kind"] == "policy":
        click.echo(json.dumps({**said, "content": {"kind": "policy", "text": "as below"}}, indent=2, ensure_ascii=False))
        if hashlib.sha256(change["in_force"].encode()).hexdigest() != content["replaces"]:
            raise KeeperCorrupt("digest_differs", "What the keeper shows as in force is not what the change says that it replaces. Do not sign.")
        click.echo("\n".join(difference(change["in_force"], content["text"])) or "the same as in force")
    else:
        click.echo(json.dumps(said, indent=2, ensure_ascii=False))
    digest = hashlib.sha256(change["canonical"].encode()).hexdigest()
    signers = ", ".join(approval["approver"] for approval in change["approvals"]) or "nobody"
    click.echo(f"SHA-256 {digest}  state {change['state']}  signed by {signers}")
    return digest


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise KeeperInvalid("change_invalid", f"{file} cannot be read as text.") from error


commands = [change_group]
