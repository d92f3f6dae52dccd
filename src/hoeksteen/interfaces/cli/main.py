"""`hoeksteen`: the command line. Each topic lies in a module of its own and is loaded when it is asked for."""

import importlib
import logging
import os
import pwd
import sys
from dataclasses import dataclass

import click

from hoeksteen.host.os_users import APPLICATION
from hoeksteen.host.settings import default_data
from hoeksteen.interfaces.problems import PROBLEMS, place_of
from hoeksteen.kernel.errors import HoeksteenError


@dataclass(frozen=True, slots=True)
class Topic:
    """
    Where a command lies.

    :param keeps_rights: whether it keeps the caller's own rights: only what starts servers or plays people does
    :param help: one line for the overview, so that showing it loads no module; empty for what people never type
    """

    module: str
    keeps_rights: bool
    help: str


COMMANDS = {
    "demo": Topic("demo", True, "Invent an operator, bring it in, bill it, prove it."),
    "up": Topic("installation", True, "Start the databases, the keeper and the desk."),
    "down": Topic("installation", True, "Stop them; the data stays."),
    "status": Topic("installation", True, "Say what runs, as whom, and what weakens the separation."),
    "migrate": Topic("installation", True, "Bring the schema up to date (`up` does)."),
    "code": Topic("code", True, "Print the code that a demonstration person's authenticator app shows."),
    "synth": Topic("synth", False, "Invent an operator: three legacy exports, a month of usage, the truth."),
    "consolidate": Topic("consolidate_group", False, "Bring legacy systems in: map, match, load, reconcile."),
    "customers": Topic("customers", False, "List customers by number and pseudonym."),
    "products": Topic("customers", False, "List a customer's products with their identifiers and discounts."),
    "look": Topic("look", True, "Look at one category of one customer, with a key of your own."),
    "sealed": Topic("look", False, ""),
    "erase": Topic("erase", True, "Erase a person, or one category of theirs, with a key of your own."),
    "whose": Topic("erase", False, ""),
    "forget": Topic("erase", False, ""),
    "usage": Topic("usage", False, "Collect, rate and explain usage."),
    "counters": Topic("counters", False, "Count what was used so far; lift a cap on roaming."),
    "price": Topic("price", False, "Check price lists (holes, overlaps, examples) and load them."),
    "discount": Topic("discounts", False, "Show, give and end the discounts of products."),
    "rate": Topic("rating", False, "Compare charges with a rating of now, or at other prices."),
    "lake": Topic("rating", False, "Merge the small files of usage and charges; let old ones go."),
    "bill": Topic("bill", False, "Run, show, draw and audit bills."),
    "charge": Topic("charges", False, "Charge a billing account something once, or credit it."),
    "instalment": Topic("instalments", False, "Sell something for monthly parts; pay it off early, take it back."),
    "account": Topic("accounts", False, "Customers who leave: end, take back, close; another bill day."),
    "payment": Topic("payments", False, "Register a payment."),
    "bank": Topic("bank", False, "Take bank statements; work on payments that nobody could be found for."),
    "mandate": Topic("collect", False, "Record, show and revoke mandates for direct debit."),
    "collect": Topic("collect", False, "Announce collections, write the bank's file, see what came back."),
    "refund": Topic("collect", False, "Pay money back: asked by one person, approved by another."),
    "receivables": Topic("receivables", False, "Who owes what, what money is to come; write-offs and deposits."),
    "audit": Topic("audit", False, "Add a month up anew, from usage to open items."),
    "ledger": Topic("ledger", False, "Trial balance; close a month's books; journal and audit file."),
    "dun": Topic("dunning", False, "Remind of late bills by a policy, never of what is contested."),
    "dispute": Topic("dunning", False, "Record bills that customers contest, and how it ended."),
    "messages": Topic("messages", False, "Send messages to customers, and show what could not be sent."),
    "backup": Topic("backup", False, "Back up the business database and the lake to one instant."),
    "restore": Topic("backup", False, "Restore a backup into an empty installation."),
    "fsck": Topic("backup", False, "Look the business database and the lake over."),
    "jobs": Topic("worker", False, "List the work that was started: waiting, under way, done, failed."),
    "worker": Topic("worker", False, "Do that work (`up` starts it)."),
    "bench": Topic("bench", True, "Measure the system on this machine, beside the machine's own limits."),
    "serve": Topic("serve", False, "Serve desk, my data and API (`up` does)."),
}


class Topics(click.Group):
    """Load a command's module only when it is used, and give up root's rights before any business is done."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, topic.help) for name, topic in COMMANDS.items() if topic.help])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"hoeksteen.interfaces.cli.{COMMANDS[cmd_name].module}")
        found: click.Command = next(command for command in module.commands if command.name == cmd_name)
        said_whole(found)
        return found

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        topic = COMMANDS.get(args[0])
        if topic is not None and not topic.keeps_rights and not _has_key(args):
            become_application()
            os.umask(0o077)  # what business commands write may hold anybody's data: exports, documents, the lake
        return super().resolve_command(ctx, args)


def _has_key(args: list[str]) -> bool:
    """Say whether a person brings a key of their own, which the application may not read: the command hands on what is the application's to do."""
    return any(word == "--key" or word.startswith("--key=") for word in args)


def said_whole(command: click.Command) -> None:
    """Let the overview of a group show the first sentence of each command whole."""
    command.short_help = (command.help or "").partition(". ")[0].partition("\n\n")[0].rstrip(".") + "."
    for part in command.commands.values() if isinstance(command, click.Group) else ():
        said_whole(part)


def become_application() -> None:
    """
    Continue as the application's OS user, for good, where this process is root.

    The application's rights are all that a business command gets: it cannot read the keeper's files, not even by mistake.
    """
    if os.geteuid() != 0:
        return
    try:
        account = pwd.getpwnam(APPLICATION)
    except KeyError:
        return  # nothing was set up on this machine yet; the command itself says so
    os.environ["HOEKSTEEN_DATA"] = str(default_data())  # root's installation stays the one that is meant, whoever goes on and wherever
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    os.environ["HOME"] = "/nonexistent"
    if not os.access(".", os.R_OK | os.X_OK):
        os.chdir("/")


@click.group(cls=Topics, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="hoeksteen")
def cli() -> None:
    """Customer management and billing for a telecom operator that holds its own keys, and can prove who saw whose data."""


def main() -> None:
    """Run the command line; an error of ours becomes one message with its remedy and an exit status of its own."""
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # it repeats what the message says
    try:
        cli(standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("hoeksteen: interrupted; run the same command again to go on.", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except HoeksteenError as error:
        click.echo(f"hoeksteen: {error.message}", err=True)
        if error.remedy:
            click.echo(f"  what to do: {error.remedy}", err=True)
        sys.exit(PROBLEMS[error.code].exit_status)
    except OSError as error:
        # a full disk, a missing file, a refused permission: the system's own words name the file
        click.echo(f"hoeksteen: {error.strerror or error}{f': {error.filename}' if error.filename else ''}", err=True)
        whose = f"this runs as {pwd.getpwuid(os.geteuid()).pw_name}; " if isinstance(error, PermissionError) else ""
        click.echo(f"  what to do: {whose}mend that, then run the same command again; it goes on where it stopped.", err=True)
        sys.exit(74)
    except Exception as error:  # noqa: BLE001 the border: an unforeseen error's own words may hold somebody's data, so only its place is shown
        click.echo(f"hoeksteen: unforeseen {place_of(error)}.", err=True)
        click.echo("  what to do: nothing half-done remains; report this line, and run the same command again.", err=True)
        sys.exit(70)
