"""`hoeksteen synth`: invent an operator, with its legacy exports, a month of usage and the truth about both."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from itertools import islice
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from hoeksteen.interfaces.cli.options import a_month, emit_json, json_option, progress_bars, report_console, report_table
from hoeksteen.synth.model import Truth
from hoeksteen.synth.operator import CUSTOMERS_MAX, CUSTOMERS_MIN, RECORDS_PER_LINE, invent

_SAMPLE_RECORDS = 2
_SAMPLE_WIDTH_MAX = 600
_DESCRIBED = {
    "in_several_systems": "customers in several systems",
    "moved": "moved: a record with the former address, of people",
    "maiden_name": "a record under the maiden name, likewise",
    "surname_typo": "typo in the surname, of records of people",
    "no_birth_date": "no birth date, likewise",
    "birth_date_typo": "typo in the birth date, likewise",
    "fathers_and_sons": "father and son with the same initials, of people",
    "twins": "twins, likewise",
    "duplicates_in_source": "entered twice in one system, of customers",
}


@click.command()
@click.option("--customers", type=click.IntRange(CUSTOMERS_MIN, CUSTOMERS_MAX), default=2000, show_default=True, help="People and firms.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="The same seed gives the same bytes.")
@click.option("--month", callback=a_month, default="2026-10", show_default=True, help="The month of usage.")
@click.option(
    "--records-per-line", type=click.FloatRange(1, 10_000), default=RECORDS_PER_LINE, show_default=True, help="Usage of a middling mobile line."
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False, resolve_path=True), required=True, help="A directory to be made.")
@json_option
def synth(customers: int, seed: int, month: date, records_per_line: float, out: Path, as_json: bool) -> None:
    """Invent a Dutch telecom operator: three overlapping legacy exports, a month of usage, and the truth about both."""
    began = time.monotonic()
    with _progress() as report:
        truth = invent(directory=out, customers=customers, seed=seed, month=month, progress=report, records_per_line=records_per_line)
    seconds = round(time.monotonic() - began, 2)
    console = report_console(as_json=as_json)
    _print_summary(console, truth)
    _print_samples(console, out)
    console.print(f"\nInvented in {seconds} s in {escape(str(out))}; the truth is in truth.parquet, truth.json and usage_truth.json.", soft_wrap=True)
    if as_json:
        emit_json({**truth.exports(), "usage": asdict(truth.usage_totals()), "out": str(out), "seconds": seconds})


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    with progress_bars() as bars:
        tasks = {stage: bars.add_task(stage, total=None) for stage in ("people", "exports", "usage")}

        def report(stage: str, done: int, total: int) -> None:
            bars.update(tasks[stage], completed=done, total=total)

        yield report


def _print_summary(console: Console, truth: Truth) -> None:
    console.print(
        f"[bold]{truth.customers:,} customers[/bold] ({truth.individuals:,} people, {truth.organizations:,} firms), {truth.households:,} households, "
        f"{truth.records:,} records in three systems, seed {truth.seed}, {truth.month}"
    )
    table = report_table("The exports")
    for heading in ("source", "records", "rows", "to be rejected", "products", "EUR a month"):
        table.add_column(heading, justify="left" if heading == "source" else "right")
    for name, totals in truth.sources.items():
        amount = f"{totals.monthly_cents // 100:,}.{totals.monthly_cents % 100:02d}"
        table.add_row(name, *(f"{count:,}" for count in (totals.records, totals.rows, totals.rejectable, totals.products)), amount)
    console.print(table)
    table = report_table("The dirt")
    table.add_column("what")
    table.add_column("count", justify="right")
    table.add_column("share", justify="right")
    for kind, description in _DESCRIBED.items():
        table.add_row(description, f"{truth.counts[kind]:,}", f"{truth.shares[kind]:.2%}")
    console.print(table)
    table = report_table("The usage")
    table.add_column("what")
    for group in ("voice and SMS", "data sessions"):
        table.add_column(group, justify="right")
    for kind in ("records", "normal", "late", "duplicate", "no_zone", "no_product", "rejected"):
        sums = [sum(getattr(file, kind) for file in truth.usage if file.name.startswith(prefix)) for prefix in ("voice", "sessions")]
        table.add_row(kind.replace("_", " "), *(f"{count:,}" for count in sums))
    console.print(table)


def _print_samples(console: Console, out: Path) -> None:
    for name in ("fixed.csv", "mobile.jsonl", "usage/voice_sms_1.csv", "usage/sessions_1.jsonl"):
        with (out / name).open(encoding="latin-1" if name == "fixed.csv" else "utf-8") as file:
            _print_sample(console, name, [line.rstrip("\r\n")[:_SAMPLE_WIDTH_MAX] for line in islice(file, _SAMPLE_RECORDS + 1)])
    connection = sqlite3.connect(f"file:{out / 'broadband.sqlite'}?mode=ro", uri=True)
    try:
        for table in ("klant", "adres", "abonnement", "abonnement_korting"):
            cursor = connection.execute(f"SELECT * FROM {table} ORDER BY rowid LIMIT {_SAMPLE_RECORDS}")
            heading = ";".join(column[0] for column in cursor.description)
            _print_sample(console, f"broadband.sqlite, {table}", [heading, *(";".join(map(str, row)) for row in cursor)])
    finally:
        connection.close()


def _print_sample(console: Console, name: str, lines: list[str]) -> None:
    console.print(f"\n[bold]{name}[/bold]")
    for line in lines:
        console.print(escape(line), style="dim", soft_wrap=True, highlight=False)


commands = [synth]
