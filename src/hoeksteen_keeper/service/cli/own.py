"""For the keeper's own OS user: `init`, `bootstrap`, `serve` and `fsck`. They need its files and its database."""

import sys
from dataclasses import asdict
from pathlib import Path

import click
import psycopg

from hoeksteen_keeper.errors import KeeperInvalid
from hoeksteen_keeper.evidence import queries
from hoeksteen_keeper.service.bootstrap import bootstrap, read_bootstrap
from hoeksteen_keeper.service.cli.options import PATH, dsn_option, home_option, print_json
from hoeksteen_keeper.service.keeper import initialise, require_home
from hoeksteen_keeper.service.opening import opened, opened_log
from hoeksteen_keeper.service.schedule import keep_traffic
from hoeksteen_keeper.service.tile_home import require_no_log
from hoeksteen_keeper.store.database import Store, migrate
from hoeksteen_keeper.vault.providers import PROVIDERS


@click.command("init")
@home_option
@dsn_option
@click.option("--origin", default="keeper.hoeksteen.example/log", show_default=True, help="The log's name in its checkpoints.")
@click.option("--provider", type=click.Choice(PROVIDERS), default="file", show_default=True, help="What holds the key that wraps all others.")
@click.option("--provider-setting", "settings", multiple=True, metavar="NAME=VALUE", help="What that provider needs; may be repeated.")
@click.option("--traffic-months", type=click.IntRange(1, 120), help="Months after which a month's traffic keys are destroyed; 6 without it.")
def init_command(home: Path, dsn: str, origin: str, provider: str, settings: tuple[str, ...], traffic_months: int | None) -> None:
    """Make the keys of a new keeper and the tables of its store; prints the log's public key."""
    store = Store(dsn)  # before any key is made: a store that cannot be reached leaves nothing half-done
    try:
        store.open()
        migrate(store)
    finally:
        store.close()
    if not (home / "keys").exists():  # else `initialise` says what is there
        require_no_log(home, origin=origin)
    chosen = {"provider": provider, **dict(setting.partition("=")[::2] for setting in settings)}
    verifier = initialise(home, origin=origin, provider=chosen)
    with opened(dsn=dsn, home=home, port=0) as keeper:
        if traffic_months:
            keep_traffic(keeper.log, months=traffic_months)
        click.echo(verifier)


@click.command("bootstrap")
@click.argument("file", type=PATH)
@home_option
@dsn_option
def bootstrap_command(file: Path, home: Path, dsn: str) -> None:
    """Add the first organisations, people and services from FILE.yaml to an empty keeper."""
    entries = read_bootstrap(file)
    with opened(dsn=dsn, home=require_home(home), port=0) as keeper:
        bootstrap(keeper, entries)
    click.echo(f"Added {len(entries.organisations)} organisations, {len(entries.people)} people and {len(entries.services)} services.")


@click.command("serve")
@home_option
@dsn_option
@click.option("--socket", type=PATH, required=True, help="Where the API listens.")
@click.option("--port", type=click.IntRange(1, 65_535), required=True, help="Of the log-in and approval pages, on 127.0.0.1.")
def serve_command(home: Path, dsn: str, socket: Path, port: int) -> None:
    """Serve until SIGTERM."""
    from hoeksteen_keeper.service.serve import serve  # the web server's modules take longer to load than the other commands take

    serve(dsn=dsn, home=home, socket=socket, port=port, on_ready=lambda origin: click.echo(f"The keeper serves {socket} and {origin}"))


@click.command("fsck")
@home_option
@dsn_option
def fsck_command(home: Path, dsn: str) -> None:
    """Recompute the whole log from database and tiles; exit status 1 when anything does not agree."""
    try:
        with opened_log(dsn=dsn, home=require_home(home)) as log:
            report = queries.fsck(log)
    except psycopg.errors.UndefinedTable as error:
        raise KeeperInvalid("not_initialised", "The database that --dsn names holds no keeper.") from error
    print_json({**asdict(report), "ok": report.ok})
    sys.exit(0 if report.ok else 1)


commands = [init_command, bootstrap_command, serve_command, fsck_command]
