"""`hoeksteen consolidate compare`: the bills of a month against the legacy systems' invoices, line by line."""

import json
from datetime import date
from pathlib import Path
from uuid import UUID

import click
from rich.console import Console

from hoeksteen.billing.approving import latest_trial
from hoeksteen.consolidation.parallel_run import Chosen, Next, ParallelRun, compare_invoices
from hoeksteen.consolidation.pseudonyms import Pseudonyms, read_or_make_key
from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import a_month, counted, data_option, emit_json, json_option, report_console, report_table, require_writable
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.interfaces.web.standalone import parallel_run_page
from hoeksteen.kernel.time_period import bill_period

_SERVICE = "bss"


@click.command()
@click.option("--period", "month", callback=a_month, help="The month whose newest trial is compared, such as 2026-10.")
@click.option("--run", "bill_run_id", type=click.UUID, help="Another bill run, a trial or the final one.")
@click.option(
    "--next", "of_next", is_flag=True, help="The bills that would be made next, also of customers who are held until their wave is switched."
)
@click.option("--mapping", "mappings", multiple=True, required=True, type=click.Path(path_type=Path), help="How the invoice lines of a system stand.")
@click.option(
    "--input", "inputs", multiple=True, required=True, type=click.Path(path_type=Path), help="The invoice lines that the mapping describes."
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it: a page if the name ends with .html, else JSON.")
@click.option("--show", type=click.IntRange(0, 1_000), default=20, show_default=True, help="How many customers to show.")
@data_option
@json_option
def compare(
    month: date | None, bill_run_id: UUID | None, of_next: bool, mappings: tuple[Path, ...], inputs: tuple[Path, ...], out: Path | None, show: int,
    data: Path, as_json: bool,
) -> None:  # fmt: skip
    """Compare the bills of a trial with the legacy invoices of the same month, line by line; differences are grouped by cause."""
    if len(mappings) != len(inputs):
        raise click.UsageError(f"Give each --mapping its --input: there are {len(mappings)} mappings and {len(inputs)} inputs.")
    if (month is not None) + (bill_run_id is not None) + of_next != 1:
        raise click.UsageError("Name the month with --period, or a bill run with --run, or say --next.")
    if out is not None:
        require_writable(out)
    settings = read_settings(data)
    with open_runtime(settings, service=_SERVICE) as runtime:
        if bill_run_id is None and month is not None:
            with runtime.database.transaction() as tx:
                bill_run_id = latest_trial(tx=tx, period=bill_period(month)).bill_run_id
        found = compare_invoices(
            database=runtime.database, files=list(zip(mappings, inputs, strict=True)), 
            bills=Next(runtime.lake, runtime.clock.now()) if bill_run_id is None else Chosen(bill_run_id),
            pseudonyms=Pseudonyms(read_or_make_key(settings.service_keys / "consolidation.key")),
        )  # fmt: skip
    if out is not None:
        is_page = out.suffix in (".html", ".htm")
        out.write_text(parallel_run_page(found) if is_page else json.dumps(found.as_json(), default=str, indent=1) + "\n", "utf-8")
    _show(report_console(as_json=as_json), found, show)
    if as_json:
        emit_json(found.as_json())


def _show(console: Console, found: ParallelRun, show: int) -> None:
    table = report_table(f"{counted(found.invoices, 'invoice')} there, {counted(found.bills, 'bill')} here: differences by cause, ours less theirs")
    for heading in ("cause", "lines", "EUR net", "EUR VAT"):
        table.add_column(heading, justify="left" if heading == "cause" else "right")
    for one in found.causes:
        table.add_row(one.cause.replace("_", " "), f"{one.lines:,}", f"{one.net:,}", f"{one.vat:,}")
    if found.causes:
        console.print(table)
    console.print(
        f"[bold]{counted(found.same, 'line')}[/] the same; net there {found.net_there:,}, here {found.net_here:,}"
        f"{'' if found.adds_up else ' [red](the causes do not add up)[/]'}",
        highlight=False,
    )
    for customer in found.customers[:show]:
        console.print(f"  {customer.customer_number or 'nobody here'}: {customer.net:,}", highlight=False)
        for difference in customer.differences:
            said = "; ".join(f"{name} {value}" for name, value in difference.explain()[1:])
            console.print(f"    {difference.cause.replace('_', ' ')}: {said}", highlight=False, markup=False)
    if len(found.customers) > show:
        console.print(f"  and {counted(len(found.customers) - show, 'customer')} more; --show N, or --out FILE", highlight=False)
    for finding in found.rejected[:show]:
        console.print(f"  {finding.place}, {finding.field}: {finding.code.replace('_', ' ')}", highlight=False, markup=False)


commands = [compare]
