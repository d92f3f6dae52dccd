"""`hoeksteen consolidate`: bring legacy systems in; `hoeksteen consolidate profile`: look at an export first."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from hoeksteen.consolidation.carrying import Work, carry
from hoeksteen.consolidation.model import RecordState
from hoeksteen.consolidation.pseudonyms import Pseudonyms, read_or_make_key
from hoeksteen.consolidation.report import Prices, Report
from hoeksteen.consolidation.runs import RunKind
from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.consolidate_carried import print_carried
from hoeksteen.interfaces.cli.consolidate_shared import (
    cutover_option,
    expected_counts,
    input_option,
    mapping_option,
    print_distributions,
    print_findings,
    sources_of,
)
from hoeksteen.interfaces.cli.options import counted, data_option, emit_json, json_option, progress_bars, report_console, report_table
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.kernel.errors import Corrupt
from hoeksteen.kernel.time_period import local_day

_SERVICE = "bss"


@click.group(invoke_without_command=True)
@mapping_option
@input_option
@cutover_option
@click.option("--expect", "expected", multiple=True, callback=expected_counts, help="How many records a source exported, as fixed=950.")
@click.option("--truth", type=click.Path(path_type=Path, dir_okay=False), help="Which records are one person, for precision and recall.")
@data_option
@json_option
@click.pass_context
def consolidate(
    context: click.Context, mappings: tuple[Path, ...], inputs: tuple[Path, ...], cutover: date | None, expected: dict[str, int],
    truth: Path | None, data: Path, as_json: bool,
) -> None:  # fmt: skip
    """Bring legacy systems in: map, standardise, match, merge with guards, load sealed, and reconcile. Running it again goes on."""
    if context.invoked_subcommand is not None:
        return
    sources = sources_of(mappings, inputs, expected)
    began = time.monotonic()
    settings = read_settings(data)
    with open_runtime(settings, service=_SERVICE) as runtime, progress_of_stages() as tell:
        now = runtime.clock.now()
        work = Work(
            database=runtime.database,
            keeper=runtime.keeper,
            identifiers=runtime.identifiers,
            clock=runtime.clock,
            sources=sources,
            pseudonyms=Pseudonyms(read_or_make_key(settings.service_keys / "consolidation.key")),
            cutover=cutover or local_day(now).replace(day=1),
            by=_SERVICE,
            progress=tell,
            truth=truth,
        )
        report = carry(work=work, kind=RunKind.COPY).report
    seconds = round(time.monotonic() - began, 2)
    print_report(report_console(as_json=as_json), report, seconds)
    if as_json:
        blank = {"blank_total_charges": sum(found.blank_totals for found in report.prices)} if report.prices else {}
        emit_json({**report.as_json(), **blank, "seconds": seconds})
    if not report.closes:
        raise Corrupt("The balance of a source does not close.", remedy="Keep the data directory; the table above names what is missing.")


@contextmanager
def progress_of_stages() -> Iterator[Callable[[str, int, int], None]]:
    """Give the function that shows how far each stage is."""
    with progress_bars() as bars:
        tasks: dict[str, Any] = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield tell


def print_report(console: Console, report: Report, seconds: float) -> None:
    """Show a run's report as tables."""
    table = report_table("Every record has one state")
    for heading in ("source", "records in", *(str(state).replace("_", " ") for state in RecordState), ""):
        table.add_column(heading, justify="left" if heading == "source" else "right")
    for source in report.sources:
        states = [f"{source.states.get(state, 0):,}" for state in RecordState]
        table.add_row(escape(source.title), f"{source.records_in:,}", *states, "[green]closes[/]" if source.closes else "[red]open[/]")
    console.print(table)
    table = report_table("What they hold, in and out; recurring revenue per month on the cutover day, after discounts")
    for heading in ("source", "products", "numbers", "SIMs", "EUR in", "EUR out"):
        table.add_column(heading, justify="left" if heading == "source" else "right")
    for source in report.sources:
        counts = (
            (source.products_in, source.products_out), (source.numbers_in, source.numbers_out), (source.sims_in, source.sims_out),
        )  # fmt: skip
        shown = [f"{into:,}" if into == out else f"[red]{into:,} → {out:,}[/]" for into, out in counts]
        table.add_row(escape(source.title), *shown, f"{source.monthly_in:,}", f"{source.monthly_out:,}")
    console.print(table)
    print_carried(console, report.sources)
    print_findings(console, "Rejected", report.rejected)
    print_findings(console, "Findings that did not stop a record", report.findings)
    for prices in report.prices:
        _print_prices(console, prices)
    console.print(
        f"[bold]{counted(report.customers, 'customer')}[/], {counted(report.reviews, 'pair waits', 'pairs wait')} for a decision, in {seconds} s"
    )
    if report.match:
        match = report.match
        console.print(
            f"against the truth: precision {match.precision:.5f}, recall {match.recall:.5f}, {match.household_merges} merges within a household"
            f" ({match.pairs_merged:,} pairs merged, {match.pairs_true:,} true)"
        )


def _print_prices(console: Console, prices: Prices) -> None:
    table = report_table(f"List prices estimated for {prices.source}, EUR per month")
    table.add_column("offering")
    table.add_column("EUR", justify="right")
    for offering, price in prices.prices.items():
        table.add_row(offering, f"{price}")
    console.print(table)
    print_distributions(console, {"adjustment per customer": prices.adjustments, "total less tenure × charge": prices.total_differences})
    console.print(f"largest adjustment {prices.adjustment_abs_max}; {prices.blank_totals} blank totals")
