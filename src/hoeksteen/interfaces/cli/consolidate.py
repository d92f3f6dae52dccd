"""`hoeksteen consolidate`: bring legacy systems in; `hoeksteen consolidate profile`: look at an export first."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from hoeksteen.consolidation.mapping import read_mapping
from hoeksteen.consolidation.model import RecordState, Source
from hoeksteen.consolidation.operations import consolidate as consolidate_sources
from hoeksteen.consolidation.profile import Profile, profile
from hoeksteen.consolidation.pseudonyms import Pseudonyms, read_or_make_key
from hoeksteen.consolidation.report import FindingCount, Prices, Report
from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.consolidate_carried import REMEDIES as CARRIED_REMEDIES
from hoeksteen.interfaces.cli.consolidate_carried import print_carried
from hoeksteen.interfaces.cli.options import a_day, counted, data_option, emit_json, json_option, progress_bars, report_console, report_table
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.kernel.clock import SystemClock
from hoeksteen.kernel.errors import Corrupt
from hoeksteen.kernel.time_period import local_day

_SERVICE = "bss"
_REMEDIES = {
    "broken_line": "mend the line in the export",
    "impossible_date": "correct the day in the legacy system",
    "no_name": "name the customer in the legacy system, or close it there",
    "unknown_product": "add the code to the mapping",
    "key_repeats": "find out which of the two is the customer",
    "rows_differ": "make the customer's rows agree",
    "no_number": "give the line its number",
    "unknown_status": "add the code to the mapping",
    "unknown_kind": "add the code to the mapping",
    "incomplete_discount": "complete the discount in the legacy system",
    "of_no_product": "give the discount its product in the legacy system",
    "not_an_amount": "correct the amount in the legacy system, or `decimal` in the mapping",
    "changed_since_loaded": "what was loaded stays; change the customer at the desk",
    "gone_since_loaded": "what was loaded stays; end it at the desk if the customer has left",
    "too_long": "shorten the value in the legacy system, or ignore the column in the mapping",
    **CARRIED_REMEDIES,
}


def _expected(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[str, int]:
    found = {}
    for value in values:
        source, _, count = value.partition("=")
        if not count.isdigit():
            raise click.BadParameter(f"{value!r}: write the source and its number of records as fixed=950")
        found[source] = int(count)
    return found


_mapping_option = click.option(
    "--mapping", "mappings", multiple=True, required=False, type=click.Path(path_type=Path),
    help="A mapping file, or the name of one that is shipped (fixed, mobile, broadband, ibm); one per --input.",
)  # fmt: skip
_input_option = click.option(
    "--input", "inputs", multiple=True, required=False, type=click.Path(path_type=Path), help="The export that the mapping describes."
)
_cutover_option = click.option(
    "--cutover", callback=a_day, show_default="the first of this month", help="First day that is billed here, where the source does not say it."
)


@click.group(invoke_without_command=True)
@_mapping_option
@_input_option
@_cutover_option
@click.option("--expect", "expected", multiple=True, callback=_expected, help="How many records a source exported, as fixed=950.")
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
    sources = _sources(mappings, inputs, expected)
    began = time.monotonic()
    settings = read_settings(data)
    with open_runtime(settings, service=_SERVICE) as runtime, _progress() as tell:
        now = runtime.clock.now()
        report = consolidate_sources(
            database=runtime.database,
            keeper=runtime.keeper,
            sources=sources,
            pseudonyms=Pseudonyms(read_or_make_key(settings.service_keys / "consolidation.key")),
            cutover=cutover or local_day(now).replace(day=1),
            now=now,
            progress=tell,
            truth=truth,
        )
    seconds = round(time.monotonic() - began, 2)
    _print_report(report_console(as_json=as_json), report, seconds)
    if as_json:
        blank = {"blank_total_charges": sum(found.blank_totals for found in report.prices)} if report.prices else {}
        emit_json({**report.as_json(), **blank, "seconds": seconds})
    if not report.closes:
        raise Corrupt("The balance of a source does not close.", remedy="Keep the data directory; the table above names what is missing.")


@consolidate.command("profile")
@_mapping_option
@_input_option
@_cutover_option
@json_option
def profile_command(mappings: tuple[Path, ...], inputs: tuple[Path, ...], cutover: date | None, as_json: bool) -> None:
    """Show what exports look like, column by column, without loading anything and without showing a value."""
    today = local_day(SystemClock().now())
    console = report_console(as_json=as_json)
    found = []
    for source in _sources(mappings, inputs, {}):
        found.append(profile(source=source, today=today, cutover=cutover or today.replace(day=1)))
        _print_profile(console, found[-1])
    if as_json:
        emit_json({"profiles": [entry.as_json() for entry in found]})


def _sources(mappings: Sequence[Path], inputs: Sequence[Path], expected: dict[str, int]) -> list[Source]:
    if not mappings or len(mappings) != len(inputs):
        raise click.UsageError(f"Give each --mapping its --input: there are {len(mappings)} mappings and {len(inputs)} inputs.")
    named = {read_mapping(mapping).source: mapping for mapping in mappings} if expected else {}
    unknown = sorted(set(expected) - set(named))
    if unknown:
        raise click.UsageError(f"--expect names {unknown[0]}, and no mapping is of that source.")
    of_mapping = {mapping: expected[name] for name, mapping in named.items() if name in expected}
    return [Source(mapping, file, of_mapping.get(mapping)) for mapping, file in zip(mappings, inputs, strict=True)]


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    with progress_bars() as bars:
        tasks: dict[str, Any] = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield tell


def _print_report(console: Console, report: Report, seconds: float) -> None:
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
    _print_findings(console, "Rejected", report.rejected)
    _print_findings(console, "Findings that did not stop a record", report.findings)
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


def _print_findings(console: Console, title: str, found: Sequence[FindingCount]) -> None:
    if not found:
        return
    table = report_table(title)
    for heading in ("where first", "field", "what", "records", "what to do"):
        table.add_column(heading, justify="right" if heading == "records" else "left")
    for entry in found:
        remedy = _REMEDIES.get(entry.code, "correct it in the legacy system")
        table.add_row(escape(entry.first_place), escape(entry.field), entry.code.replace("_", " "), f"{entry.records:,}", remedy)
    console.print(table)


def _print_prices(console: Console, prices: Prices) -> None:
    table = report_table(f"List prices estimated for {prices.source}, EUR per month")
    table.add_column("offering")
    table.add_column("EUR", justify="right")
    for offering, price in prices.prices.items():
        table.add_row(offering, f"{price}")
    console.print(table)
    _print_distributions(console, {"adjustment per customer": prices.adjustments, "total less tenure × charge": prices.total_differences})
    console.print(f"largest adjustment {prices.adjustment_abs_max}; {prices.blank_totals} blank totals")


def _print_distributions(console: Console, found: dict[str, dict[str, str]]) -> None:
    if not found:
        return
    table = report_table("Distributions in EUR: minimum, percentiles, maximum")
    table.add_column("")
    for step in next(iter(found.values())):
        table.add_column(step, justify="right")
    for name, values in found.items():
        table.add_row(name, *(f"{Decimal(value):,}" for value in values.values()))
    console.print(table)


def _print_profile(console: Console, found: Profile) -> None:
    table = report_table(f"{found.source}: {found.records:,} records, {found.rejected:,} that cannot be loaded")
    for heading in ("column", "target", "filled", "distinct", "looks like", "shapes or codes", "suspicious"):
        table.add_column(heading, justify="right" if heading in ("filled", "distinct") else "left")
    for column in found.columns:
        share = f"{column.filled / column.rows:.1%}" if column.rows else "none"
        shapes = "  ".join(f"{shape} {count:,}" for shape, count in column.shapes)
        suspicions = "  ".join(f"{what.replace('_', ' ')} {count:,}" for what, count in column.suspicions)
        look = (column.kind, escape(shapes), f"[yellow]{escape(suspicions)}[/]")
        table.add_row(escape(column.name), column.target, share, f"{column.distinct:,}", *look)
    console.print(table)
    _print_distributions(console, found.distributions)


commands = [consolidate]
