"""`hoeksteen usage sender`: machines that send usage over HTTP."""

import secrets
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import click
from rich.markup import escape

from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import data_option, emit_json, json_option, print_table, report_console, report_table
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.kernel.time_period import OPERATOR_ZONE
from hoeksteen.usage import senders
from hoeksteen.usage.adapters import named

_SERVICE = "bss"


@click.group()
def sender() -> None:
    """Let machines send usage over HTTP, each with a token of its own."""


@sender.command()
@click.argument("name")
@click.option("--format", "formats", multiple=True, default=("usage_jsonl",), show_default=True, help="A format that it may send; may be repeated.")
@click.option("--days", type=click.IntRange(1, senders.LASTS_MAX.days), default=365, show_default=True, help="How long its token holds.")
@click.option("--by", "added_by", required=True, help="Who adds it.")
@data_option
@json_option
def add(name: str, formats: tuple[str, ...], days: int, added_by: str, data: Path, as_json: bool) -> None:
    """Add a sender and print its token, this once."""
    settings = read_settings(data)
    known = [named(one, settings.layouts).name for one in dict.fromkeys(formats)]
    with open_runtime(settings, service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        token = senders.add(
            tx=tx, name=name, formats=known, lasts=timedelta(days=days), added_by=added_by, secret=secrets.token_urlsafe(32), now=runtime.clock.now()
        )  # fmt: skip
    report_console(as_json=as_json).print(f"{name} sends its batches with this token, which is not shown again:\n{token}", soft_wrap=True)
    if as_json:
        emit_json({"sender": name, "formats": known, "token": token})


@sender.command("list")
@data_option
@json_option
def list_(data: Path, as_json: bool) -> None:
    """Show who may send what, and until when."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        found, now = senders.senders(tx=tx), runtime.clock.now()
    table = report_table("Senders of usage")
    for heading in ("sender", "formats", "added by", "until", "state"):
        table.add_column(heading)
    for one in found:
        state = "revoked" if one.revoked_at else "ended" if one.expires_at <= now else "holds"
        until = f"{(one.revoked_at or one.expires_at).astimezone(OPERATOR_ZONE):%Y-%m-%d}"
        table.add_row(one.name, escape(", ".join(one.formats)), escape(one.added_by), until, state)
    print_table(report_console(as_json=as_json), table, nothing="Nobody sends usage over HTTP yet: `hoeksteen usage sender add`.")
    if as_json:
        emit_json({"senders": [asdict(one) for one in found]})


@sender.command()
@click.argument("name")
@data_option
@json_option
def revoke(name: str, data: Path, as_json: bool) -> None:
    """End a sender's token at once; what it sent stays."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        senders.revoke(tx=tx, name=name, now=runtime.clock.now())
    report_console(as_json=as_json).print(f"The token of {escape(name)} has ended.")
    if as_json:
        emit_json({"revoked": name})
