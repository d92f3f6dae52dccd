"""`python -m hoeksteen_keeper.bench`: the figures of one part as one line of JSON; `hoeksteen bench keeper` runs all of them."""

import json
from pathlib import Path

import click

from hoeksteen_keeper.bench import core, service
from hoeksteen_keeper.bench.lines import code_lines

_PATH = click.Path(path_type=Path)


@click.group()
def cli() -> None:
    """Measure the keeper."""


@cli.command("service")
@click.option("--socket", type=_PATH, required=True)
@click.option("--key", type=_PATH, required=True)
@click.option("--subjects", type=int, required=True)
@click.option("--rate", type=int, required=True)
@click.option("--seconds", type=float, required=True)
def service_command(socket: Path, key: Path, subjects: int, rate: int, seconds: float) -> None:
    """Load a running keeper as the service bss."""
    target = service.Target(socket, key)
    click.echo(json.dumps({**service.single(target, rate=rate, seconds=seconds), **service.bulk(target, subjects=subjects)}))


@cli.command("core")
@click.option("--dsn", required=True, help="Of an empty database that the keeper's role owns.")
@click.option("--second-dsn", required=True, help="Of another one.")
@click.option("--folder", type=_PATH, required=True)
@click.option("--subjects", type=int, required=True)
@click.option("--entries", type=int, required=True)
@click.option("--proof-size", type=int, required=True)
@click.option("--actors", type=int, required=True)
def core_command(dsn: str, second_dsn: str, folder: Path, subjects: int, entries: int, proof_size: int, actors: int) -> None:
    """Measure what needs no running keeper."""
    figures = {
        **core.bare(subjects=subjects), **core.log(dsn=dsn, folder=folder, entries=entries), **core.proof(folder=folder, size=proof_size),
        **core.could_see(dsn=second_dsn, folder=folder, actors=actors), "keeper_lines": code_lines(),
    }  # fmt: skip
    click.echo(json.dumps(figures))


if __name__ == "__main__":
    cli()
