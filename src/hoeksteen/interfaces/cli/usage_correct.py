"""`hoeksteen usage correct`: one record that was guided, and perhaps billed, as it should have been; `corrections`: those that were made."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from uuid import UUID

import click
from rich.markup import escape

from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import data_option, emit_json, json_option, report_console, report_pairs, report_table
from hoeksteen.interfaces.runtime import Runtime, open_runtime
from hoeksteen.kernel.time_period import OPERATOR_ZONE
from hoeksteen.rating import correcting
from hoeksteen.rating.correcting import Right
from hoeksteen.rating.counters import Refreshed, recount
from hoeksteen.rating.model import Correction
from hoeksteen.usage.corrected import guided_record

_SERVICE = "bss"


@click.command()
@click.argument("record", type=click.UUID)
@click.option("--units", type=click.IntRange(0), help="As they should have been delivered: seconds, messages, bytes.")
@click.option("--zone", help="Of the number that was called, such as NL-SERVICE.")
@click.option("--country", help="In which the customer was, such as DE.")
@click.option("--start", "start_text", help="With its time zone, such as 2026-10-03T12:00:00+02:00; within the same bill period.")
@click.option("--nothing", is_flag=True, help="Nothing was used at all.")
@click.option("--by", "made_by", required=True, help="Who says so.")
@click.option("--why", required=True, help="Why; it stands beside the correction.")
@data_option
@json_option
def correct(
    record: UUID, units: int | None, zone: str | None, country: str | None, start_text: str | None, nothing: bool, made_by: str, why: str,
    data: Path, as_json: bool,
) -> None:  # fmt: skip
    """
    Say what is right of one rated record; the next rating takes its charge back and makes the right one.

    While its bill is open, the wrong record counts no more. Once that was closed, its charge is taken back on the next bill.
    """
    right = None if nothing else Right(units, zone, country, None if start_text is None else _instant(start_text))
    if (right == Right()) or (nothing and any(one is not None for one in (units, zone, country, start_text))):
        raise click.UsageError("Name what is right (--units, --zone, --country, --start), or --nothing.")
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        made = correcting.correct_record(
            database=runtime.database, lake=runtime.lake, record_id=record, right=right, made_by=made_by, why=why, now=runtime.clock.now(),
            identifiers=runtime.identifiers,
        )  # fmt: skip
        again = _recount(runtime, record)
    table = report_pairs()
    for name, value in _pairs(made):
        table.add_row(name, escape(value))
    console = report_console(as_json=as_json)
    console.print(table)
    if again.roaming_resumed:
        console.print("What was used so far is counted again: the cap is not reached, and the product roams again.", soft_wrap=True)
    console.print(f"It counts from the next `hoeksteen usage rate --month {made.bill_day:%Y-%m}` on.", soft_wrap=True)
    if as_json:
        emit_json({**_figures(made), "roaming_resumed": again.roaming_resumed})


def _recount(runtime: Runtime, record_id: UUID) -> Refreshed:
    """Count again what its holder used so far, so that counters and roaming do not wait for their next usage."""
    record = guided_record(lake=runtime.lake, record_id=record_id)
    return recount(
        database=runtime.database, lake=runtime.lake, billing_account_ids=[] if record is None else [record.billing_account_id],
        now=runtime.clock.now(), identifiers=runtime.identifiers,
    )  # fmt: skip


@click.command()
@click.option("--limit", type=click.IntRange(1, correcting.SHOWN_MAX), default=50, show_default=True)
@data_option
@json_option
def corrections(limit: int, data: Path, as_json: bool) -> None:
    """Show the records that were corrected, the latest first."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        found = correcting.corrections(tx=tx, limit=limit)
    table = report_table("Corrected records")
    for heading in ("when", "record", "what", "bill", "who", "why"):
        table.add_column(heading)
    for one in found:
        when = f"{one.made_at.astimezone(OPERATOR_ZONE):%Y-%m-%d}"
        table.add_row(when, str(one.record_id), escape(_what(one)), str(one.bill_day), escape(one.made_by), escape(one.why))
    report_console(as_json=as_json).print(table)
    if as_json:
        emit_json({"corrections": [_figures(one) for one in found]})


def _pairs(made: Correction) -> Sequence[tuple[str, str]]:
    how = "counts no more; its bill was open" if made.in_place else "its charge is taken back"
    return (
        ("wrong", f"{made.record_id}, {how}"),
        ("right", str(made.new_record_id) if made.new_record_id else "nothing was used"),
        ("what", _what(made)),
        ("on the bill of", str(made.bill_day)),
    )


def told(made: Correction) -> str:
    """Say who corrected a record, why, and on which bill it shows."""
    return f"{_what(made)}, on the bill of {made.bill_day}; {made.made_by}: {made.why}"


def _what(made: Correction) -> str:
    return "; ".join(f"{name} {before} → {after or 'none'}" for name, (before, after) in made.detail.items())


def _figures(made: Correction) -> dict[str, object]:
    return {**asdict(made), "month": f"{made.month:%Y-%m}"}


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no date and time; write it as 2026-10-03T12:00:00+02:00", param_hint="--start") from None


commands = (correct, corrections)
