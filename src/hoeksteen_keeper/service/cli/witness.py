"""Witnesses: running one for the logs of others, and naming those that watch this keeper's log."""

from pathlib import Path

import click

from hoeksteen_keeper.service.cli.options import PATH, home_option
from hoeksteen_keeper.service.keeper import require_home
from hoeksteen_keeper.service.witnesses import add_witness, read_witnesses
from hoeksteen_keeper.service.witnessing import make_witness, read_verifier, serve_witness

_witness_home = click.option("--home", type=PATH, required=True, help="The witness's own directory, where it remembers what it cosigned.")


@click.command("witness-key")
@_witness_home
@click.option("--name", required=True, help="The witness's name in its cosignatures, such as works-council.example/witness.")
def witness_key(home: Path, name: str) -> None:
    """Make the key of a witness; prints the public key, which the log and its verifiers are given."""
    click.echo(make_witness(home, name=name))


@click.command("witness")
@_witness_home
@click.option("--log", "logs", multiple=True, required=True, help="The public key of a log, or a file that holds it; may be repeated.")
@click.option("--port", type=click.IntRange(1, 65_535), required=True)
@click.option("--address", default="127.0.0.1", show_default=True, help="Where it listens; put a TLS proxy before it where others reach it.")
def witness_command(home: Path, logs: tuple[str, ...], port: int, address: str) -> None:
    """Be a witness of logs, this keeper's or others (c2sp.org/tlog-witness), until SIGTERM."""
    keys = [read_verifier(log) for log in logs]
    serve_witness(home, logs=keys, address=address, port=port, on_ready=lambda url: click.echo(f"The witness serves {url}", err=True))


@click.command("witness-add")
@click.argument("key")
@click.argument("url")
@home_option
def witness_add(key: str, url: str, home: Path) -> None:
    """Have the witness with this public KEY (or a file that holds it), at URL, cosign this keeper's log from its next start on."""
    add_witness(require_home(home), key=str(read_verifier(key)), url=url)
    for known, address in read_witnesses(home):
        click.echo(f"{known.name}  {address}")


commands = [witness_key, witness_command, witness_add]
