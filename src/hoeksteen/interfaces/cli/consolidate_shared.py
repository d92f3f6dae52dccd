"""What the commands that look at exports share: their options, the sources that those name, and tables of findings."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from hoeksteen.consolidation.mapping import read_mapping
from hoeksteen.consolidation.model import Source
from hoeksteen.consolidation.report import FindingCount
from hoeksteen.interfaces.cli.consolidate_carried import REMEDIES as CARRIED_REMEDIES
from hoeksteen.interfaces.cli.options import a_day, report_table

REMEDIES = {
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
    "test_record": "end it in the legacy system; it is loaded as a customer of its own",
    "too_long": "shorten the value in the legacy system, or ignore the column in the mapping",
    "spreadsheet_damage": "take the number from the legacy system again, as text",
    "digits_lost": "take the number from the legacy system again, as text: a spreadsheet keeps fifteen digits",
    "number_repaired": "nothing, if the source is right: the spreadsheet's number had all its digits",
    "spreadsheet_error": "mend the formula, and save the workbook",
    "formula_without_value": "open the workbook, save it, and give that file",
    "not_a_number": "correct the value, or the expression in the mapping",
    "another_shape": "export one value there, or declare a list",
    "unknown_code": "add the code to the mapping",
    **CARRIED_REMEDIES,
    "filler": "nothing, or ask the customer: the value only says that nobody knows",
    "time_zone_before_1940": "check some of these birth days against another source: files of time zones disagree there",
    "several_addresses": "nothing, if the last one is right: it counts",
    "old_account_number": "ask the customer for the IBAN",
    "another_form": "look at the shapes in the profile; correct the value, or `matches` in the mapping",
    "nul_byte": "export it again without NUL bytes",
}
_OF_THE_FILE = {
    "read_as_": "nothing, if names with accents look right; else set `encoding` in the mapping",
    "also_fits_": "look at names with accents; if they are wrong, set this as `encoding` in the mapping",
}


def expected_counts(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[str, int]:
    found = {}
    for value in values:
        source, _, count = value.partition("=")
        if not count.isdigit():
            raise click.BadParameter(f"{value!r}: write the source and its number of records as fixed=950")
        found[source] = int(count)
    return found


mapping_option = click.option(
    "--mapping", "mappings", multiple=True, required=False, type=click.Path(path_type=Path),
    help="A mapping file, or the name of one that is shipped (fixed, mobile, broadband, ibm); one per --input.",
)  # fmt: skip
input_option = click.option(
    "--input", "inputs", multiple=True, required=False, type=click.Path(path_type=Path), help="The export that the mapping describes."
)
cutover_option = click.option(
    "--cutover", callback=a_day, show_default="the first of this month", help="First day that is billed here, where the source does not say it."
)


def sources_of(mappings: Sequence[Path], inputs: Sequence[Path], expected: dict[str, int]) -> list[Source]:
    if not mappings or len(mappings) != len(inputs):
        raise click.UsageError(f"Give each --mapping its --input: there are {len(mappings)} mappings and {len(inputs)} inputs.")
    named = {read_mapping(mapping).source: mapping for mapping in mappings} if expected else {}
    unknown = sorted(set(expected) - set(named))
    if unknown:
        raise click.UsageError(f"--expect names {unknown[0]}, and no mapping is of that source.")
    of_mapping = {mapping: expected[name] for name, mapping in named.items() if name in expected}
    return [Source(mapping, file, of_mapping.get(mapping)) for mapping, file in zip(mappings, inputs, strict=True)]


def print_findings(console: Console, title: str, found: Sequence[FindingCount]) -> None:
    if not found:
        return
    table = report_table(title)
    for heading in ("where first", "field", "what", "records", "what to do"):
        table.add_column(heading, justify="right" if heading == "records" else "left")
    for entry in found:
        table.add_row(escape(entry.first_place), escape(entry.field), entry.code.replace("_", " "), f"{entry.records:,}", remedy_of(entry.code))
    console.print(table)


def remedy_of(code: str) -> str:
    """Say what to do about a finding or a rejection."""
    of_file = next((remedy for beginning, remedy in _OF_THE_FILE.items() if code.startswith(beginning)), None)
    return of_file or REMEDIES.get(code, "correct it in the legacy system")


def print_distributions(console: Console, found: dict[str, dict[str, str]]) -> None:
    if not found:
        return
    table = report_table("Distributions in EUR: minimum, percentiles, maximum")
    table.add_column("")
    for step in next(iter(found.values())):
        table.add_column(step, justify="right")
    for name, values in found.items():
        table.add_row(name, *(f"{Decimal(value):,}" for value in values.values()))
    console.print(table)
