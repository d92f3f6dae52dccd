"""`hoeksteen usage suspended`: the work queue of suspended usage."""

from dataclasses import asdict
from pathlib import Path
from uuid import UUID

import click
from rich.markup import escape

from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import at_local, counted, data_option, emit_json, json_option, print_table, report_console, report_table
from hoeksteen.interfaces.runtime import Runtime, open_runtime
from hoeksteen.kernel.errors import InvalidInput, NotFound
from hoeksteen.kernel.time_period import OPERATOR_ZONE
from hoeksteen.usage import operations as collection
from hoeksteen.usage import suspense

_SERVICE = "bss"
UNITS = {"voice": "s", "sms": "messages", "data": "bytes", "purchase": "micro-euros"}
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
    for heading in ("reason", "source", "records", "how much", "oldest"):
        table.add_column(heading, justify="right" if heading == "records" else "left", no_wrap=heading != "how much")
    for one in found:
        oldest = f"{one.oldest.astimezone(OPERATOR_ZONE):%Y-%m-%d}"
        table.add_row(one.reason, escape(one.source), f"{one.records:,}", ", ".join(map(_how_much, one.services)), oldest)
    console = report_console(as_json=as_json)
    print_table(console, table, nothing="Nothing waits: every usable record has a product, a zone and a country.")
    for one in found:  # below the table, because no terminal holds a note beside figures
        told = (one.assignee and f"{one.assignee} works on it", one.corrected and f"{one.corrected:,} corrected, to be tried again", one.note)
        if any(told):
            console.print(f"{one.reason} of {one.source}: {'; '.join(str(part) for part in told if part)}", soft_wrap=True, markup=False)
    if as_json:
        emit_json({"suspended": [asdict(one) for one in found]})


def _how_much(one: suspense.OfService) -> str:
    """Say how much of one service waits, in its own unit; seconds, messages and bytes add up to nothing."""
    return f"{one.service} {one.units:,} {UNITS.get(one.service, 'units')}"


@suspended.command()
@click.option("--reason", "reason_wanted", type=click.Choice(suspense.REASONS), help="Only those that wait for this.")
@click.option("--limit", type=click.IntRange(1, suspense.SHOWN_MAX), default=50, show_default=True)
@data_option
@json_option
def show(reason_wanted: str | None, limit: int, data: Path, as_json: bool) -> None:
    """Show records that wait, the oldest first; their numbers stay sealed."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        found = suspense.records(lake=runtime.lake, reason=reason_wanted, limit=limit)
    table = report_table("Suspended records")
    table.add_column("record, reason", no_wrap=True)
    table.add_column("start", min_width=10)
    table.add_column("what", no_wrap=True)
    table.add_column("units", justify="right", no_wrap=True)
    for one in found:
        start = at_local(one.start)
        reason = f"{one.record_id}\n{escape(one.reason)}, line {one.line:,}"
        table.add_row(reason, start, escape(f"{one.service} {one.country or ''}".strip()), f"{one.units:,} {UNITS.get(one.service, '')}".strip())
    print_table(report_console(as_json=as_json), table, nothing=f"Nothing waits for {reason_wanted}." if reason_wanted else "Nothing waits.")
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
@click.argument("records", nargs=-1, type=click.UUID)
@click.option("--reason", type=click.Choice(suspense.REASONS), help="With --source, instead of records: all that wait for this.")
@click.option("--source", help="With --reason: in which source.")
@click.option("--service", default="", help="With --reason: only of this service, such as voice.")
@click.option("--zone", help="Of the numbers that these records called.")
@click.option("--country", help="In which these customers were, such as DE.")
@click.option("--product", help="To which these records belong: an identifier of `hoeksteen products CUSTOMER`.")
@_BY
@_WHY
@data_option
@json_option
def correct(
    records: tuple[UUID, ...], reason: str | None, source: str | None, service: str, zone: str | None, country: str | None, product: str | None,
    made_by: str, why: str, data: Path, as_json: bool,
) -> None:  # fmt: skip
    """Say what the zone or the country of suspended records is, or their product, and try them again."""
    named = [(field, value) for field, value in (("zone", zone), ("country", country), ("product", product)) if value is not None]
    if len(named) != 1:
        raise click.UsageError("Name one of --zone, --country and --product.")
    if bool(records) == (reason is not None) or (reason is None) != (source is None):
        raise click.UsageError("Name records, or --reason and --source.")
    [(field, value)] = named
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        wanted = suspense.Wanted(reason, source, service) if reason is not None and source is not None else None
        corrected = suspense.correct(
            database=runtime.database, lake=runtime.lake, record_ids=records if wanted is None else _all_of(runtime, wanted), field=field,
            value=value, made_by=made_by, why=why, now=runtime.clock.now(),
        )  # fmt: skip
        guided = collection.recycle(
            database=runtime.database, keeper=runtime.keeper, lake=runtime.lake, now=runtime.clock.now(), identifiers=runtime.identifiers
        )
    report_console(as_json=as_json).print(f"{counted(corrected, 'record')} corrected; {guided:,} that waited can be rated now.")
    if as_json:
        emit_json({"corrected": corrected, "guided": guided})


def _all_of(runtime: Runtime, wanted: suspense.Wanted) -> list[UUID]:
    """
    Give every record that is wanted.

    :raises NotFound: when none waits
    :raises InvalidInput: when these are more than one change can be for
    """
    with runtime.database.transaction() as tx:
        found = suspense.fitting(tx=tx, lake=runtime.lake, wanted=wanted)
    if not found.records:
        raise NotFound(f"Nothing waits for {wanted.reason} in {wanted.source}.", remedy="`hoeksteen usage suspended list` shows what waits.")
    if found.records > suspense.RECORDS_MAX:
        raise InvalidInput(f"{found.records:,} records wait; a change is for {suspense.RECORDS_MAX:,} at most.", remedy="Narrow them by --service.")
    return [one.record_id for one in found.shown]


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
    report_console(as_json=as_json).print(f"{counted(given_up, 'record is', 'records are')} written off.")
    if as_json:
        emit_json({"written_off": given_up})


@suspended.command()
@click.option("--reason", type=click.Choice(suspense.REASONS), help="Only what waits, or waited, for this.")
@click.option("--limit", type=click.IntRange(1, suspense.CHANGES_MAX), default=50, show_default=True)
@data_option
@json_option
def changes(reason: str | None, limit: int, data: Path, as_json: bool) -> None:
    """Show who did what when, the latest first."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        found = suspense.changes(tx=tx, reason=reason, limit=limit)
    table = report_table("What was done")
    for heading in ("when", "who", "what", "records", "from", "to", "why"):
        table.add_column(heading, justify="right" if heading == "records" else "left", no_wrap=heading in ("what", "records"))
    for one in found:
        when, records = at_local(one.made_at), f"{one.records:,}" if one.records else ""
        table.add_row(when, *(escape(text) for text in (one.made_by, one.kind, records, one.before, one.after, one.why)))
    print_table(report_console(as_json=as_json), table, nothing="Nobody did anything yet.")
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
    report_console(as_json=as_json).print(f"{counted(guided, 'record')} that waited can be rated now.")
    if as_json:
        emit_json({"guided": guided})
