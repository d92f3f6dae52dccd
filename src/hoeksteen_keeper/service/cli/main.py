"""
The keeper's command line.

`init`, `bootstrap`, `serve`, `key` and `fsck --dsn` are for the keeper's own OS user. All other commands speak to the running service as a person who
proves a key of their own; they work from any OS user that reaches the socket.
"""

import logging
import os
import sys

import click

from hoeksteen_keeper.errors import KeeperError, answer_to
from hoeksteen_keeper.service.cli import backup, changes, control, grants, keys, log, own, vault, witness


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


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """The trusted core: keys, access, evidence."""


for part in (own, backup, vault, keys, grants, changes, control, log, witness):
    for command in part.commands:
        cli.add_command(command)

if __name__ == "__main__":
    main()
