"""`hoeksteen usage suspended`: the work queue of suspended usage."""

from dataclasses import asdict
from pathlib import Path
from uuid import UUID

import click
from rich.markup import escape

from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import data_option, emit_json, json_option, report_console, report_table
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.kernel.time_period import OPERATOR_ZONE
from hoeksteen.usage import operations as collection
from hoeksteen.usage import suspense

_SERVICE = "bss"
_BY = click.option("--by", "made_by", required=True, help="Who says so.")
_WHY = click.option("--why", required=True, help="Why; it stands beside the change.")
_RECORDS = click.argument("records", nargs=-1, required=True, type=click.UUID)


@click.group()
def suspended() -> None:
    """Work on usage that waits: see it, share it out, correct it, write it off."""


@suspended.command("list")
@data_option
@json_option
def list_(data: Path, as_json: bool) -> None:
    """Show what waits, by reason and source, the oldest first."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        found = suspense.waiting(tx=tx, lake=runtime.lake, now=runtime.clock.now())
    table = report_table("Suspended usage")
    for heading in ("reason", "source", "records", "units", "oldest", "corrected", "who", "note"):
        table.add_column(heading, justify="right" if heading in ("records", "units", "corrected") else "left")
    for one in found:
        figures = (f"{one.records:,}", f"{one.units:,}", f"{one.oldest.astimezone(OPERATOR_ZONE):%Y-%m-%d}", f"{one.corrected:,}")
        table.add_row(one.reason, escape(one.source), *figures, escape(one.assignee), escape(one.note))
    report_console(as_json=as_json).print(table)
    if as_json:
        emit_json({"suspended": [asdict(one) for one in found]})


@suspended.command()
@click.option("--reason", help="Only those that wait for this.")
@click.option("--limit", type=click.IntRange(1, suspense.SHOWN_MAX), default=50, show_default=True)
@data_option
@json_option
def show(reason: str | None, limit: int, data: Path, as_json: bool) -> None:
    """Show records that wait, the oldest first; their numbers stay sealed."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        found = suspense.records(lake=runtime.lake, reason=reason, limit=limit)
    table = report_table("Suspended records")
    for heading in ("record", "reason", "start", "service", "country", "units", "line"):
        table.add_column(heading, no_wrap=heading == "record")
    for one in found:
        start = f"{one.start.astimezone(OPERATOR_ZONE):%Y-%m-%d %H:%M}"
        table.add_row(str(one.record_id), one.reason, start, one.service, escape(one.country or ""), f"{one.units:,}", f"{one.line:,}")
    report_console(as_json=as_json).print(table)
    if as_json:
        emit_json({"records": [asdict(one) for one in found]})


@suspended.command()
@click.option("--reason", required=True)
@click.option("--source", required=True)
@click.option("--to", "assignee", required=True, help="Who works on it; empty to give it back.")
@click.option("--note", default="", help="What was found.")
@click.option("--by", "made_by", default="", help="Who says so; without it, whoever works on it.")
@data_option
def assign(reason: str, source: str, assignee: str, note: str, made_by: str, data: Path) -> None:
    """Say who works on what waits for a reason in a source."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        who = made_by or assignee
        suspense.assign(tx=tx, reason=reason, source=source, assignee=assignee, note=note, made_by=who, now=runtime.clock.now())
    click.echo(f"{reason} of {source}: {assignee or 'nobody'}")


@suspended.command()
@_RECORDS
@click.option("--zone", help="Of the numbers that these records called.")
@click.option("--country", help="In which these customers were, such as DE.")
@_BY
@_WHY
@data_option
@json_option
def correct(
    records: tuple[UUID, ...], zone: str | None, country: str | None, made_by: str, why: str, data: Path, as_json: bool
) -> None:  # fmt: skip
    """Say what the zone or the country of suspended records is, and try them again."""
    if (zone is None) == (country is None):
        raise click.UsageError("Name either --zone or --country.")
    field, value = ("zone", zone) if zone is not None else ("country", country)
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        corrected = suspense.correct(
            database=runtime.database, lake=runtime.lake, record_ids=records, field=field, value=value or "", made_by=made_by, why=why,
            now=runtime.clock.now(),
        )  # fmt: skip
        guided = collection.recycle(
            database=runtime.database, keeper=runtime.keeper, lake=runtime.lake, now=runtime.clock.now(), identifiers=runtime.identifiers
        )
    report_console(as_json=as_json).print(f"{corrected:,} records corrected; {guided:,} that waited can be rated now.")
    if as_json:
        emit_json({"corrected": corrected, "guided": guided})


@suspended.command("write-off")
@_RECORDS
@_BY
@_WHY
@data_option
@json_option
def write_off(records: tuple[UUID, ...], made_by: str, why: str, data: Path, as_json: bool) -> None:
    """Give suspended records up: they are rejected, and nobody pays for them."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        given_up = suspense.write_off(
            database=runtime.database, lake=runtime.lake, record_ids=records, made_by=made_by, why=why, now=runtime.clock.now(),
            identifiers=runtime.identifiers,
        )  # fmt: skip
    report_console(as_json=as_json).print(f"{given_up:,} records are written off.")
    if as_json:
        emit_json({"written_off": given_up})


@suspended.command()
@click.option("--reason", help="Only what waits, or waited, for this.")
@click.option("--limit", type=click.IntRange(1, suspense.CHANGES_MAX), default=50, show_default=True)
@data_option
@json_option
def changes(reason: str | None, limit: int, data: Path, as_json: bool) -> None:
    """Show who did what when, the latest first."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        found = suspense.changes(tx=tx, reason=reason, limit=limit)
    table = report_table("What was done")
    for heading in ("when", "who", "what", "records", "from", "to", "why"):
        table.add_column(heading, justify="right" if heading == "records" else "left")
    for one in found:
        when, records = f"{one.made_at.astimezone(OPERATOR_ZONE):%Y-%m-%d %H:%M}", f"{one.records:,}" if one.records else ""
        table.add_row(when, *(escape(text) for text in (one.made_by, one.kind, records, one.before, one.after, one.why)))
    report_console(as_json=as_json).print(table)
    if as_json:
        emit_json({"changes": [asdict(one) for one in found]})


@suspended.command()
@data_option
@json_option
def retry(data: Path, as_json: bool) -> None:
    """Try suspended usage again where something changed (`hoeksteen usage rate` does)."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        guided = collection.recycle(
            database=runtime.database, keeper=runtime.keeper, lake=runtime.lake, now=runtime.clock.now(), identifiers=runtime.identifiers
        )
    report_console(as_json=as_json).print(f"{guided:,} records that waited can be rated now.")
    if as_json:
        emit_json({"guided": guided})
