"""`hoeksteen consolidate profile`: look at exports before they are loaded, in a table, as a page, or as figures."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Literal

import click
from rich.console import Console
from rich.markup import escape

from hoeksteen.consolidation.model import Source
from hoeksteen.consolidation.profile import Join, Profile, day_formats, joins, likely_key, profile
from hoeksteen.consolidation.profile_page import profile_page
from hoeksteen.consolidation.proposing import Proposal, propose
from hoeksteen.interfaces.cli.consolidate_shared import cutover_option, input_option, mapping_option, print_distributions, sources_of
from hoeksteen.interfaces.cli.options import emit_json, json_option, report_console, report_table, require_writable
from hoeksteen.kernel.clock import SystemClock
from hoeksteen.kernel.time_period import local_day

_FILE = click.Path(path_type=Path, dir_okay=False, allow_dash=True)


@click.command("profile")
@mapping_option
@input_option
@cutover_option
@click.option(
    "--html", "page", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), help="Write a page for people to this file (- for here)."
)
@click.option("--language", type=click.Choice(["nl", "en"]), default="en", show_default=True, help="Of the page.")
@click.option("--propose", "proposal", type=_FILE, help="Write a first mapping for the one --input there is.")
@json_option
def profile_command(
    mappings: tuple[Path, ...], inputs: tuple[Path, ...], cutover: date | None, page: Path | None, language: Literal["nl", "en"],
    proposal: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Show what exports look like, column by column, without loading anything and without showing a value. Works without a --mapping too."""
    if proposal is not None and (mappings or len(inputs) != 1):
        raise click.UsageError("--propose goes with one --input, and without a --mapping.")
    for file in (page, proposal):
        if file is not None and str(file) != "-":
            require_writable(file)
    today = local_day(SystemClock().now())
    console = report_console(as_json=as_json or "-" in (str(page), str(proposal)))
    found, proposed = [], None
    for profiled, suggestion in _profiles(mappings, inputs, today, cutover or today.replace(day=1)):
        found.append(profiled)
        proposed = suggestion
        _print_profile(console, profiled)
    alike = joins(found)
    _print_joins(console, alike)
    if proposal is not None and proposed is not None:
        _write(proposal, proposed.text)
    if page is not None:
        _write(page, profile_page(profiles=found, joins=alike, day=today, language=language))
    if as_json:
        emit_json({"profiles": [entry.as_json() for entry in found], "joins": [[one.one, one.other, one.share] for one in alike]})


def _profiles(mappings: tuple[Path, ...], inputs: tuple[Path, ...], today: date, cutover: date) -> Iterator[tuple[Profile, Proposal | None]]:
    if mappings or not inputs:
        for source in sources_of(mappings, inputs, {}):
            yield profile(source=source, today=today, cutover=cutover), None
        return
    for file in inputs:
        first = profile(source=Source(file, file), mapping=propose(file).mapping, today=today, cutover=cutover)
        better = propose(file, formats=day_formats(first), key=likely_key(first))
        yield profile(source=Source(file, file), mapping=better.mapping, today=today, cutover=cutover), better


def _write(file: Path, text: str) -> None:
    if str(file) == "-":
        click.echo(text)
    else:
        file.write_text(text, "utf-8")


def _print_profile(console: Console, found: Profile) -> None:
    encoding = f", read as {found.encoding}" if found.encoding else ""
    table = report_table(f"{escape(found.source)}: {found.records:,} records, {found.rejected:,} that cannot be loaded{encoding}")
    for heading in ("column", "target", "filled", "distinct", "looks like", "shapes or codes", "suspicious"):
        table.add_column(heading, justify="right" if heading in ("filled", "distinct") else "left")
    for column in found.columns:
        share = f"{column.filled / column.rows:.1%}" if column.rows else "none"
        shapes = "  ".join(f"{shape} {count:,}" for shape, count in [*column.codes, *column.shapes])
        suspicions = "  ".join(f"{what.replace('_', ' ')} {count:,}" for what, count in column.suspicions)
        look = (column.kind, escape(shapes), f"[yellow]{escape(suspicions)}[/]")
        name = f"{column.place}.{column.name}" if column.place else column.name
        table.add_row(escape(name), column.target, share, f"{'' if column.exact else '~'}{column.distinct:,}", *look)
    console.print(table)
    print_distributions(console, found.distributions)


def _print_joins(console: Console, found: list[Join]) -> None:
    if not found:
        return
    table = report_table("Columns that seem to hold the same")
    for heading in ("column", "and", "shared"):
        table.add_column(heading, justify="right" if heading == "shared" else "left")
    for one in found:
        table.add_row(escape(one.one), escape(one.other), f"{one.share} %")
    console.print(table)


commands = [profile_command]
