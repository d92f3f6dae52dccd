"""For the keeper's own OS user: keys are rotated, beside the keeper that serves or without it."""

from datetime import datetime
from pathlib import Path

import click

from hoeksteen_keeper.service.cli.options import INSTANT, aware, dsn_option, home_option
from hoeksteen_keeper.service.keeper import require_home
from hoeksteen_keeper.service.opening import opened_log, opened_rotation
from hoeksteen_keeper.service.schedule import keep_traffic
from hoeksteen_keeper.vault.blind import INDEXES


@click.group("key")
def key_group() -> None:
    """Rotate the keeper's keys. A command that was cut off goes on where it stopped when it is run again."""


@key_group.command("rotate-kek")
@home_option
@dsn_option
@click.option("--keep-old", is_flag=True, help="Keep the old KEK until `key destroy-old-keks`: so long older backups can be restored.")
def rotate_kek(home: Path, dsn: str, keep_old: bool) -> None:
    """Wrap every epoch key under a new KEK, and destroy the old one: older backups of the database open no more."""
    with opened_rotation(dsn=dsn, home=require_home(home)) as rotation:
        kek, count = rotation.rotate_kek(keep_old=keep_old)
    click.echo(f"{count} epoch keys are under {kek}")


@key_group.command("destroy-old-keks")
@home_option
@dsn_option
def destroy_old_keks(home: Path, dsn: str) -> None:
    """Destroy every KEK but the one that wraps now, for ever."""
    with opened_rotation(dsn=dsn, home=require_home(home)) as rotation:
        click.echo(f"{len(rotation.destroy_old_keks())} destroyed")


@key_group.command("rotate-epochs")
@home_option
@dsn_option
@click.option("--before", type=INSTANT, required=True, help="Those made before this instant, in UTC.")
def rotate_epochs(home: Path, dsn: str, before: datetime) -> None:
    """Rewrap every key that is under an older epoch key, and destroy those epoch keys."""
    with opened_rotation(dsn=dsn, home=require_home(home)) as rotation:
        count, epochs = rotation.rotate_epochs(before=aware(before) or before)
    click.echo(f"{count} keys rewrapped, {epochs} epoch keys destroyed")


@key_group.command("rotate-index")
@click.argument("index", type=click.Choice(tuple(INDEXES)))
@home_option
@dsn_option
def rotate_index(index: str, home: Path, dsn: str) -> None:
    """Put a layer under a new key over every token of a blind index."""
    with opened_rotation(dsn=dsn, home=require_home(home)) as rotation:
        generation, count = rotation.rotate_index(index)
    click.echo(f"{count} tokens are of generation {generation}")


@key_group.command("keep-traffic")
@home_option
@dsn_option
@click.option("--months", type=click.IntRange(1, 120), required=True, help="Whole months after its own.")
def keep_traffic_command(home: Path, dsn: str, months: int) -> None:
    """Say how long a month's traffic keys are kept; the keeper that serves goes by it within the hour."""
    with opened_log(dsn=dsn, home=require_home(home)) as log:
        keep_traffic(log, months=months)
    click.echo(f"traffic is kept for {months} months after its own")


commands = [key_group]
