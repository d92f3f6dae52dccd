"""`hoeksteen messages`: send what waits in the outbox, and show what could not be sent."""

from dataclasses import asdict
from pathlib import Path

import click
from rich.markup import escape

from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import at_local, data_option, emit_json, json_option, report_console, report_table
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.messages import operations, queries
from hoeksteen.messages.model import MessageState, SmtpServer
from hoeksteen.party.queries import customers

_SERVICE = "bss"
_FAILURES_SHOWN_MAX = 50


@click.group()
def messages() -> None:
    """Send messages to customers, and show what could not be sent."""


@messages.command()
@click.option("--server", default="localhost", show_default=True, help="The mail server's name.")
@click.option("--port", type=click.IntRange(1, 65_535), default=25, show_default=True, help="Its port.")
@click.option(
    "--tls", type=click.Choice(["starttls", "none"]), default="starttls", show_default=True, help="`none` only towards a server on this machine."
)
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=1_000, show_default=True, help="At most so many messages.")
@data_option
@json_option
def send(server: str, port: int, tls: str, limit: int, data: Path, as_json: bool) -> None:
    """Send what is due; what the server defers is tried again by a later run."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        done = operations.send_due(
            database=runtime.database, keeper=runtime.keeper, server=SmtpServer(server, port, tls), now=runtime.clock.now(), limit=limit
        )
        with runtime.database.transaction() as tx:
            states = queries.counts(tx=tx)
    waiting = states.get(MessageState.WAITING, 0)
    report_console(as_json=as_json).print(f"{done.sent:,} sent, {done.deferred:,} deferred, {done.failed:,} failed; {waiting:,} wait.")
    if as_json:
        emit_json({**asdict(done), "waiting": waiting})


@messages.command()
@data_option
@json_option
def show(data: Path, as_json: bool) -> None:
    """Count the messages of each state, and list those that failed; names and addresses are not shown."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        states = {state.value: queries.counts(tx=tx).get(state, 0) for state in MessageState}
        failed = queries.failures(tx=tx, limit=_FAILURES_SHOWN_MAX)
        numbers = {one.customer_id: one.customer_number for one in customers(tx=tx, customer_ids=[entry.customer_id for entry in failed])}
    console = report_console(as_json=as_json)
    console.print(", ".join(f"{count:,} {state}" for state, count in states.items()))
    if failed:
        table = report_table("Failed: look at each of them")
        for heading in ("customer", "message", "tried last", "why"):
            table.add_column(heading)
        for entry in failed:
            at = at_local(entry.at)
            table.add_row(numbers.get(entry.customer_id, ""), entry.kind.value.replace("_", " "), at, escape(entry.reply))
        console.print(table)
    if as_json:
        failures = [{"customer_number": numbers.get(entry.customer_id), **asdict(entry)} for entry in failed]
        emit_json({"messages": states, "failures": failures})


commands: list[click.Command] = [messages]
