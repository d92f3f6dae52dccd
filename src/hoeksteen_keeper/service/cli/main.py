"""
The keeper's command line.

What takes `--home` is for the keeper's own OS user (or a witness's); `keygen`, `public` and `code` need nobody. All other commands speak to the
running service as a person who proves a key of their own; they work from any OS user that reaches the socket.
"""

import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from hoeksteen_keeper.errors import KeeperError, answer_to
from hoeksteen_keeper.service.cli.options import said_whole

PARTS = {
    "own": ("init", "bootstrap", "serve", "fsck"),
    "backup": ("backup", "restore", "new-log"),
    "vault": ("key",),
    "keys": ("keygen", "public", "code"),
    "grants": ("grant",),
    "changes": ("change",),
    "control": ("kill", "shred", "destroy-month", "actor", "passkey-ticket", "log-in-code"),
    "log": ("checkpoint", "did-see", "could-see", "exposure", "export"),
    "witness": ("witness-key", "witness", "witness-add"),
}
"""Which module beside this one holds which commands."""


def main() -> None:
    """Run the command line; every error is one sentence and exit status 1, and every file that it makes is its owner's alone."""
    os.umask(0o077)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # it repeats what the message says
    try:
        cli(standalone_mode=True)
    except (KeeperError, OSError) as error:
        said = f"{error.reason}: {error.detail}" if isinstance(error, KeeperError) else f"file_unusable: {error.filename}: {error.strerror}."
        click.echo(said, err=True)
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 the border: an unforeseen error's own words may hold what was typed
        click.echo("{1}: {2}".format(*answer_to(error)), err=True)
        sys.exit(1)


class _Parts(click.Group):
    """Loads the part that holds a command when it is run: whoever asks for a grant does not wait for the web server's modules."""

    def list_commands(self, context: click.Context) -> list[str]:
        return [name for names in PARTS.values() for name in names]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        part = next((part for part, names in PARTS.items() if name in names), None)
        found: Sequence[click.Command] = import_module(f"hoeksteen_keeper.service.cli.{part}").commands if part else ()
        for command in found:
            said_whole(command)
        return next((command for command in found if command.name == name), None)


@click.group(cls=_Parts, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def cli() -> None:
    """The trusted core: keys, access, evidence."""


if __name__ == "__main__":
    main()
