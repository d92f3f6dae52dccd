"""`hoeksteen usage balance`: what became of every record, by file, by day, by source."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import counted, data_option, emit_json, json_option, report_console, report_table
from hoeksteen.interfaces.cli.usage_suspended import UNITS
from hoeksteen.interfaces.runtime import Runtime, open_runtime
from hoeksteen.kernel.errors import Corrupt
from hoeksteen.kernel.money import euros
from hoeksteen.rating import queries as rated
from hoeksteen.rating.model import RatedBalance, ServiceUnits
from hoeksteen.usage import queries as collected
from hoeksteen.usage.model import Balance, Difference, UsageState

_SERVICE = "bss"
_HEADINGS = {  # no wider than their figures, so that a file's name keeps its room on 80 columns
    "records_in": "records", "zero_rated": "zero", "unrated": "not yet", "duplicate": "dupl.", "suspended": "susp.", "rejected": "rej.",
}  # fmt: skip
_FINAL = ("rated", "zero_rated", "duplicate", "suspended", "rejected")


@click.command()
@click.option("--by", type=click.Choice(["file", "day", "source"]), default="file", show_default=True, help="What the records are added up by.")
@click.option("--units", is_flag=True, help="Show the units of each service of each file too, as they came.")
@click.option("--check", is_flag=True, help="Count every record in the lake, and compare.")
@data_option
@json_option
def balance(by: str, units: bool, check: bool, data: Path, as_json: bool) -> None:
    """Show what became of the records of every file, day or source; exit status 70 when a balance does not close."""
    console = report_console(as_json=as_json)
    figures: dict[str, Any] = {}
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        balances, reasons = rated_balance(runtime)
        with runtime.database.transaction() as tx:
            refused = collected.refused_files(tx=tx)
            sums = [] if by == "file" else collected.balance_by_day(tx=tx) if by == "day" else collected.balance_by_source(tx=tx)
        by_service = rated.units_by_service(lake=runtime.lake) if units and by == "file" else []
        if check:
            with runtime.lake.locked(database=runtime.database) as tx:
                figures["differences"] = collected.differences(tx=tx, lake=runtime.lake)
    if by == "file":
        show_balance(console, balances)
        if units:
            _show_units(console, balances, by_service)
            figures["units_by_service"] = [asdict(one) for one in by_service]
        show_reasons(console, reasons)
        figures["files"] = [asdict(entry) for entry in balances]
    else:
        _show_sums(console, by, sums)
        figures[f"{by}s"] = [{**asdict(entry), "closes": entry.closes} for entry in sums]
    for file in refused:
        console.print(f"Refused, nothing taken: {escape(file.why)}", soft_wrap=True)
    if check and not figures["differences"]:
        console.print("Every balance is what lies in the lake, to the record and the unit.")
    if as_json:
        listed = [asdict(one) for one in figures.pop("differences", [])] if check else []
        emit_json({"usage": totals(balances), **figures, "refused": [asdict(file) for file in refused], **({"differences": listed} if check else {})})
        figures["differences"] = listed
    _require_all_closed(balances, sums, figures.get("differences", []))


def _require_all_closed(balances: Sequence[RatedBalance], sums: Sequence[Balance], differences: Sequence[Any]) -> None:
    if differences:
        first = differences[0]
        named = first.usage_file_id if isinstance(first, Difference) else first["usage_file_id"]
        raise Corrupt(f"The balance of file {named} is not what lies in the lake.", remedy="Stop, keep the data directory, and report it.")
    for one in sums:
        if not one.closes:
            raise Corrupt(f"The balance of {one.of} does not close.", remedy="Stop, keep the data directory, and report it.")
    require_closed(balances)


def _show_sums(console: Console, by: str, sums: Sequence[Balance]) -> None:
    table = report_table(f"Every record has one state, by {by}")
    table.padding = (0, 0, 0, 0)
    for heading in (by, "records", *UsageState):  # no units: seconds, messages and bytes of many services add up to nothing
        table.add_column(_HEADINGS.get(str(heading), str(heading)), justify="left" if heading == by else "right", no_wrap=True)
    for one in sums:
        states = (f"{one.records(state):,}" for state in UsageState)
        table.add_row(escape("unreadable" if one.of is None else str(one.of)), f"{one.records_in:,}", *states)
    table.add_section()
    states = (f"{sum(one.records(state) for one in sums):,}" for state in UsageState)
    table.add_row("all", f"{sum(one.records_in for one in sums):,}", *states)
    console.print(table)


def rated_balance(runtime: Runtime) -> tuple[list[RatedBalance], list[dict[str, Any]]]:
    """Give the balance of each file, and what rating made of the records by reason."""
    with runtime.database.transaction() as tx:
        return rated.balance(tx=tx), rated.reasons(tx=tx)


def totals(balances: Sequence[RatedBalance]) -> dict[str, int]:
    """Give the sums over all files."""
    return {name: sum(getattr(entry, name) for entry in balances) for name in ("records_in", *_FINAL, "unrated")}


def require_closed(balances: Sequence[RatedBalance]) -> None:
    """
    Stop when records of a file have no state, or two.

    :raises Corrupt: naming the file; records that wait for the rating of another month are none of these
    """
    for entry in balances:
        if not entry.accounted_for:
            raise Corrupt(f"The balance of {entry.name} does not close.", remedy="Stop, keep the data directory, and report it.")


def show_balance(console: Console, balances: Sequence[RatedBalance]) -> None:
    """Print the balance of each file, and whether it closes."""
    sums = totals(balances)
    shown = ("records_in", *_FINAL, *(["unrated"] if sums["unrated"] else []))
    table = report_table("Every record has one state")
    table.padding = (0, 0, 0, 0)  # one space between figures, so that names of files stay whole
    for name in ("file", *shown, "EUR"):
        figure = name != "file"
        table.add_column(_HEADINGS.get(name, name), justify="right" if figure else "left", no_wrap=figure)
    for entry in balances:
        counts = (f"{getattr(entry, name):,}" for name in shown)
        table.add_row(escape(entry.name), *counts, f"{euros(entry.amount_micro):,.2f}")
    amount = euros(sum(entry.amount_micro for entry in balances))
    table.add_section()
    table.add_row("all", *(f"{sums[name]:,}" for name in shown), f"{amount:,.2f}")
    console.print(table)
    unclosed = sum(not entry.closes for entry in balances)
    console.print(f"[bold]{unclosed} of {len(balances)} files do not close yet.[/]" if unclosed else "Every file closes, to the record and the unit.")
    taken_back = sum(entry.reversed for entry in balances)
    if taken_back:
        console.print(
            f"{counted(taken_back, 'charge was', 'charges were')} taken back by corrections; their amounts are among these.", soft_wrap=True
        )


def _show_units(console: Console, balances: Sequence[RatedBalance], by_service: Sequence[ServiceUnits]) -> None:
    """Print the units of each service by file and state; what differs in kind is never added up."""
    table = report_table("Every unit has one state")
    for name in ("file", "service", "state", "records", "units", "of"):
        table.add_column(name, justify="right" if name in ("records", "units") else "left", no_wrap=name != "file")
    for entry in balances:
        shown = entry.name
        for service in sorted({one.service for one in by_service if one.usage_file_id == entry.usage_file_id}):
            told = [one for one in by_service if (one.usage_file_id, one.service) == (entry.usage_file_id, service)]
            total, unit = sum(one.units for one in told), UNITS.get(service, "units")
            table.add_row(escape(shown), service or "none", "all", f"{sum(one.records for one in told):,}", f"{total:,}", unit)
            for one in told if len(told) > 1 else ():
                table.add_row("", "", _HEADINGS.get(one.state, one.state), f"{one.records:,}", f"{one.units:,}", unit)
            shown = ""
    console.print(table)


def show_reasons(console: Console, reasons: Sequence[dict[str, Any]]) -> None:
    """Print what rating made of the guided records."""
    table = report_table("What rating made of the guided records")
    for heading in ("state", "reason", "records", "EUR"):
        table.add_column(heading, justify="left" if heading in ("state", "reason") else "right")
    for row in reasons:
        table.add_row(row["state"], row["reason"] or "priced", f"{row['records']:,}", f"{euros(row['amount_micro']):,.6f}")
    console.print(table)
