"""Backup, restore, and the new log where the old one cannot go on. For the keeper's own OS user."""

from pathlib import Path

import click

from hoeksteen_keeper.errors import KeeperInvalid
from hoeksteen_keeper.evidence.errors import EvidenceCorrupt
from hoeksteen_keeper.service.backup import back_up, restore
from hoeksteen_keeper.service.cli.options import PATH, dsn_option, home_option
from hoeksteen_keeper.service.clock import now
from hoeksteen_keeper.service.keeper import require_home
from hoeksteen_keeper.service.new_log import begin_new_log
from hoeksteen_keeper.service.opening import home_taken, opened, opened_log
from hoeksteen_keeper.service.witnesses import read_witnesses, require_nothing_newer, what_they_know
from hoeksteen_keeper.store.database import Store, migrate


@click.command("backup")
@home_option
@dsn_option
@click.option("--out", type=PATH, required=True, help="Where the backup goes, readable by you alone.")
def backup_command(home: Path, dsn: str, out: Path) -> None:
    """Write the keeper's database as it is at one moment, beside the keeper that serves. The files in HOME/keys are kept apart, by hand."""
    require_home(home)
    store = Store(dsn)
    store.open()
    try:
        rows = back_up(store, out)
    finally:
        store.close()
    click.echo(f"{out}: {len(rows)} tables, {rows['evidence.entry']} entries of the log.")
    click.echo(f"Without {home / 'keys'} it opens nothing: keep a copy of those apart.")


@click.command("restore")
@click.argument("file", type=PATH)
@home_option
@dsn_option
def restore_command(file: Path, home: Path, dsn: str) -> None:
    """Put a backup into an empty database, and catch up with what tile storage and witnesses hold; what ended since is ended again."""
    require_home(home)
    with home_taken(home, alone=True):  # its tiles would go on in two ways
        store = Store(dsn)
        store.open()
        try:
            rows = restore(store, file)
            migrate(store)
        finally:
            store.close()
    click.echo(f"{rows['evidence.entry']} entries and {rows['vault.subject_key']} keys are back.")
    try:
        with opened(dsn=dsn, home=home, port=0, alone=True) as keeper:
            if dead := keeper.keys.dead_epochs():
                raise KeeperInvalid(
                    "kek_gone", f"The database is back, but {dead} epoch keys do not open: their KEK was destroyed since this backup was made, "
                    "or is not the one in HOME/keys. What they wrap is gone, unless you have that KEK: put it there, or restore a newer backup.",
                )  # fmt: skip
            click.echo(f"The log goes on from entry {keeper.log.released().size}.")
    except EvidenceCorrupt as error:
        raise KeeperInvalid(
            error.reason, f"The database is back, but its log cannot go on, and nothing was signed: {error.detail} Bring "
            "back tile storage and start the keeper; where it is lost, run `hoeksteen-keeper new-log`.",
        ) from error  # fmt: skip


@click.command("new-log")
@home_option
@dsn_option
@click.option("--reason", required=True, help="Why the old log cannot go on; stands in the new log's first entry.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def new_log_command(home: Path, dsn: str, reason: str, yes: bool) -> None:
    """End a log that cannot go on, and begin a new one whose first entry names the break. Only where the old one's tiles are lost."""
    witnesses = read_witnesses(require_home(home))
    with opened_log(dsn=dsn, home=home) as log:
        known = what_they_know(log.released(), witnesses)
        try:
            log.become_current()
            require_nothing_newer(log, witnesses)
        except EvidenceCorrupt as error:
            click.echo(f"The log {log.origin} cannot go on: {error.detail}", err=True)
        else:
            raise KeeperInvalid("log_whole", f"The log {log.origin} is whole and goes on: start the keeper.")
        if not yes:
            click.confirm("End it, and begin a new log that says so?", abort=True)
        with home_taken(home, alone=True):  # whoever serves would go on with the tiles that are put away
            store = Store(dsn)
            store.open()
            try:
                migrate(store)
                verifier = begin_new_log(store, log, home=home, reason=reason, known=known, now=now())
            finally:
                store.close()
    with opened(dsn=dsn, home=home, port=0):
        click.echo(verifier)
    click.echo(
        "Give this key to verifiers and witnesses: proofs of the old log are checked with its old key, and say nothing of the new one.", err=True
    )


commands = [backup_command, restore_command, new_log_command]
