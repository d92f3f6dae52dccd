"""Keys and codes that people hold themselves; these commands speak to nobody."""

import base64
from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hoeksteen_keeper.access.passwords import STEP_SECONDS, totp_code, totp_secret, totp_step
from hoeksteen_keeper.client import load_key
from hoeksteen_keeper.service.cli.options import PATH
from hoeksteen_keeper.service.clock import now
from hoeksteen_keeper.vault.providers import write_secret


@click.command("keygen")
@click.option("--out", type=PATH, required=True, help="Where the private key goes, readable by you alone.")
def keygen(out: Path) -> None:
    """Make an Ed25519 key; prints the public half for the bootstrap file."""
    key = Ed25519PrivateKey.generate()
    write_secret(out, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    click.echo(base64.b64encode(key.public_key().public_bytes_raw()).decode())


@click.command("public")
@click.option("--key", type=PATH, required=True)
def public(key: Path) -> None:
    """Print the public half of a key."""
    click.echo(base64.b64encode(load_key(key).public_key().public_bytes_raw()).decode())


@click.command("code")
@click.option("--secret", required=True, help="The TOTP secret in base 32.")
def code(secret: str) -> None:
    """Print the code of this moment, as an authenticator app would."""
    click.echo(totp_code(totp_secret(secret), totp_step(now())))
    click.echo(f"valid for {STEP_SECONDS - int(now().timestamp()) % STEP_SECONDS} s", err=True)


commands = [keygen, public, code]
