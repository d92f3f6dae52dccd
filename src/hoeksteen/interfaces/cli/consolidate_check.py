"""`hoeksteen consolidate check`: what would come of bringing exports in, before anything is."""

from datetime import date
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from hoeksteen.consolidation.check import Check, check
from hoeksteen.interfaces.cli.consolidate_shared import cutover_option, input_option, mapping_option, print_findings, sources_of
from hoeksteen.interfaces.cli.options import counted, emit_json, json_option, report_console, report_table
from hoeksteen.kernel.clock import SystemClock
from hoeksteen.kernel.time_period import local_day

_SHOWN_MAX = 40


@click.command("check")
@mapping_option
@input_option
@cutover_option
@json_option
@click.pass_context
def check_command(context: click.Context, mappings: tuple[Path, ...], inputs: tuple[Path, ...], cutover: date | None, as_json: bool) -> None:
    """Hold exports against their mappings: columns, codes, failing rows, the mapping's own tests. Ends with status 1 when a run would be refused."""
    today = local_day(SystemClock().now())
    console = report_console(as_json=as_json)
    found = []
    for source in sources_of(mappings, inputs, {}):
        found.append(check(source=source, today=today, cutover=cutover or today.replace(day=1)))
        _print_check(console, found[-1])
    _print_loads(console, found)
    if as_json:
        emit_json({"sources": [one.as_json() for one in found], "passes": all(one.passes for one in found)})
    if not all(one.passes for one in found):
        context.exit(1)


def _print_check(console: Console, found: Check) -> None:
    verdict = "[green]a run would load it[/]" if found.passes else "[red]a run would be refused[/]"
    encoding = f", read as {found.encoding}" if found.encoding else ""
    console.print(f"[bold]{escape(found.title)}[/] ({escape(found.file)}): {counted(found.records, 'record')}{encoding}: {verdict}")
    for refusal in found.refusals:
        console.print(f"  [red]✗[/] {escape(refusal)}", soft_wrap=True)
    for what, names in (("The mapping does not know", found.unmapped), ("The export does not have", found.missing)):
        if names:
            shown = ", ".join(names[:_SHOWN_MAX]) + (f" and {len(names) - _SHOWN_MAX} more" if len(names) > _SHOWN_MAX else "")
            console.print(f"  [yellow]![/] {what} {counted(len(names), 'column')}: {escape(shown)}", soft_wrap=True)
    if found.example_faults:
        table = report_table("Tests of the mapping that do not hold")
        table.add_column("test")
        table.add_column("what came")
        for fault in found.example_faults[:_SHOWN_MAX]:
            table.add_row(escape(fault.test), escape(fault.what))
        console.print(table)
    elif found.examples:
        console.print(f"  [green]✓[/] {counted(found.examples, 'test')} of the mapping hold")
    if found.assertions:
        table = report_table("What the mapping asserts of the whole")
        for heading in ("assertion", "found", ""):
            table.add_column(heading)
        for one in found.assertions:
            where = f" (first in row {one.row})" if one.row is not None else ""
            table.add_row(escape(one.name), f"{one.found}{where}", "[green]holds[/]" if one.holds else "[red]does not hold[/]")
        console.print(table)
    if found.unknown_codes:
        table = report_table("Codes that no table of the mapping knows; what stands in one or two rows is shown by its shape")
        for heading in ("column", "code", "rows", "first in row"):
            table.add_column(heading, justify="right" if "row" in heading else "left")
        for code in found.unknown_codes[:_SHOWN_MAX]:
            table.add_row(escape(code.column), escape(code.code), f"{code.rows:,}", f"{code.first_row:,}")
        console.print(table)
    print_findings(console, "Records that would be rejected", found.failing)
    print_findings(console, "Findings that stop no record", found.findings)


def _print_loads(console: Console, found: list[Check]) -> None:
    loads = [one for one in found if one.loads]
    if not loads:
        return
    table = report_table("What a run would load")
    table.add_column("")
    for one in loads:
        table.add_column(escape(one.title), justify="right")
    for name in dict.fromkeys(name for one in loads for name in one.loads):
        table.add_row(name, *(f"{one.loads.get(name, 0):,}" for one in loads))
    console.print(table)


commands = [check_command]
